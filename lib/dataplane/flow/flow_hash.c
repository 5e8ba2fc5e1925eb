// The two keyed hashes behind flow_hash_ops. The AES one is compiled for CPUs that have the instructions and chosen at run time:
// the rest of the program is built for any x86-64 or arm64.
#include "flow/flow_key.h"

#include <string.h>

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

// SipHash-1-3 (Aumasson, Bernstein) of whole 64-bit words.
static uint64_t siphash13(const struct flow_secret *secret, const void *bytes, unsigned words)
{
	uint64_t k0 = secret->word[0], k1 = secret->word[1], last = (uint64_t)words * 8 << 56;
	struct sip s = {k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull, k0 ^ 0x6c7967656e657261ull, k1 ^ 0x7465646279746573ull};

	for (unsigned i = 0; i <= words; i++) {
		uint64_t m = last;

		if (i < words)
			memcpy(&m, (const uint8_t *)bytes + i * 8, 8);
		s.v3 ^= m;
		sip_round(&s);
		s.v0 ^= m;
	}
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static void sip_hash4(const struct flow_secret *secret, const struct flow_key4 *keys, unsigned n, uint64_t *out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = siphash13(secret, &keys[i], sizeof(keys[i]) / 8);
}

static void sip_hash6(const struct flow_secret *secret, const struct flow_key6 *keys, unsigned n, uint64_t *out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = siphash13(secret, &keys[i], sizeof(keys[i]) / 8);
}

const struct flow_hash_ops flow_hash_siphash = {"siphash-1-3", sip_hash4, sip_hash6};

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("aes,sse4.1"))) static inline __m128i aes_block(const struct flow_secret *secret, __m128i x)
{
	const __m128i *round = (const __m128i *)(const void *)secret->word;

	x = _mm_aesenc_si128(x, _mm_loadu_si128(round + 1));
	x = _mm_aesenc_si128(x, _mm_loadu_si128(round + 2));
	x = _mm_aesenc_si128(x, _mm_loadu_si128(round + 3));
	return _mm_aesenc_si128(x, _mm_loadu_si128(round + 4));
}

__attribute__((target("aes,sse4.1"))) static inline uint64_t aes_fold(__m128i x)
{
	return (uint64_t)_mm_cvtsi128_si64(x) ^ (uint64_t)_mm_extract_epi64(x, 1);
}

__attribute__((target("aes,sse4.1"))) static void aes_hash4(const struct flow_secret *secret, const struct flow_key4 *keys, unsigned n,
							    uint64_t *out)
{
	__m128i whiten = _mm_loadu_si128((const __m128i *)(const void *)secret->word);

	for (unsigned i = 0; i < n; i++) {
		__m128i key = _mm_load_si128((const __m128i *)(const void *)&keys[i]);

		out[i] = aes_fold(aes_block(secret, _mm_xor_si128(key, whiten)));
	}
}

__attribute__((target("aes,sse4.1"))) static void aes_hash6(const struct flow_secret *secret, const struct flow_key6 *keys, unsigned n,
							    uint64_t *out)
{
	__m128i whiten = _mm_loadu_si128((const __m128i *)(const void *)secret->word);

	for (unsigned i = 0; i < n; i++) {
		const __m128i *block = (const __m128i *)(const void *)&keys[i];
		__m128i x = aes_block(secret, _mm_xor_si128(_mm_load_si128(block), whiten));

		x = aes_block(secret, _mm_xor_si128(x, _mm_load_si128(block + 1)));
		out[i] = aes_fold(aes_block(secret, _mm_xor_si128(x, _mm_load_si128(block + 2))));
	}
}

static const struct flow_hash_ops flow_hash_aes = {"aes", aes_hash4, aes_hash6};
#endif

const struct flow_hash_ops *flow_hash_best(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1"))
		return &flow_hash_aes;
#endif
	return &flow_hash_siphash;
}
