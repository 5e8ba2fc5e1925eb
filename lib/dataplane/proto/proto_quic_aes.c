// Two ways to the same result: the instructions of x86-64 where the processor has them, else the low-level functions of libcrypto.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "proto/proto_quic_aes.h"

#include <openssl/aes.h>
#include <stdbool.h>
#include <string.h>

enum { AT_ONCE = 8, ROUNDS = 10, AT_ONCE_BYTES = AT_ONCE * AES_BLOCK_BYTES };

#if defined(__x86_64__)
#include <wmmintrin.h>

typedef __m128i aes_round;
#define WITH_AES __attribute__((target("aes")))

static bool hard_have(void)
{
	return __builtin_cpu_supports("aes") != 0;
}

WITH_AES static aes_round round_next(aes_round key, aes_round assist)
{
	key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
	key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
	return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

WITH_AES static void hard_schedule(const uint8_t *key, aes_round *round)
{
	round[0] = _mm_loadu_si128((const aes_round *)(const void *)key);
	round[1] = round_next(round[0], _mm_aeskeygenassist_si128(round[0], 0x01)); // the constant is part of the instruction
	round[2] = round_next(round[1], _mm_aeskeygenassist_si128(round[1], 0x02));
	round[3] = round_next(round[2], _mm_aeskeygenassist_si128(round[2], 0x04));
	round[4] = round_next(round[3], _mm_aeskeygenassist_si128(round[3], 0x08));
	round[5] = round_next(round[4], _mm_aeskeygenassist_si128(round[4], 0x10));
	round[6] = round_next(round[5], _mm_aeskeygenassist_si128(round[5], 0x20));
	round[7] = round_next(round[6], _mm_aeskeygenassist_si128(round[6], 0x40));
	round[8] = round_next(round[7], _mm_aeskeygenassist_si128(round[7], 0x80));
	round[9] = round_next(round[8], _mm_aeskeygenassist_si128(round[8], 0x1b));
	round[10] = round_next(round[9], _mm_aeskeygenassist_si128(round[9], 0x36));
}

WITH_AES static void hard_blocks(const aes_round *round, uint8_t *blocks)
{
	aes_round *at = (aes_round *)(void *)blocks, state[AT_ONCE];

	for (unsigned i = 0; i < AT_ONCE; i++)
		state[i] = _mm_xor_si128(_mm_loadu_si128(at + i), round[0]);
	for (unsigned r = 1; r < ROUNDS; r++)
		for (unsigned i = 0; i < AT_ONCE; i++)
			state[i] = _mm_aesenc_si128(state[i], round[r]);
	for (unsigned i = 0; i < AT_ONCE; i++)
		_mm_storeu_si128(at + i, _mm_aesenclast_si128(state[i], round[ROUNDS]));
}
#else
typedef uint64_t aes_round;

static bool hard_have(void)
{
	return false;
}

static void hard_schedule(const uint8_t *key, aes_round *round)
{
	(void)key, (void)round;
}

static void hard_blocks(const aes_round *round, uint8_t *blocks)
{
	(void)round, (void)blocks;
}
#endif

struct schedule {
	bool hard;
	aes_round round[ROUNDS + 1];
	AES_KEY soft;
};

static void schedule_make(struct schedule *s, const uint8_t *key)
{
	s->hard = hard_have();
	if (s->hard)
		hard_schedule(key, s->round);
	else
		AES_set_encrypt_key(key, AES_BLOCK_BYTES * 8, &s->soft);
}

static void blocks_encrypt(const struct schedule *s, uint8_t blocks[AT_ONCE_BYTES])
{
	if (s->hard)
		hard_blocks(s->round, blocks);
	for (unsigned at = 0; !s->hard && at < AT_ONCE_BYTES; at += AES_BLOCK_BYTES)
		AES_encrypt(blocks + at, blocks + at, &s->soft);
}

void aes_block(const uint8_t key[AES_BLOCK_BYTES], const uint8_t in[AES_BLOCK_BYTES], uint8_t out[AES_BLOCK_BYTES])
{
	uint8_t blocks[AT_ONCE_BYTES] = {0};
	struct schedule schedule;

	schedule_make(&schedule, key);
	memcpy(blocks, in, AES_BLOCK_BYTES);
	blocks_encrypt(&schedule, blocks);
	memcpy(out, blocks, AES_BLOCK_BYTES);
}

static void counters_fill(const uint8_t *nonce, uint32_t count, uint8_t blocks[AT_ONCE_BYTES])
{
	for (unsigned at = 0; at < AT_ONCE_BYTES; at += AES_BLOCK_BYTES, count++) {
		memcpy(blocks + at, nonce, AES_NONCE_BYTES);
		for (unsigned k = 0; k < 4; k++)
			blocks[at + AES_BLOCK_BYTES - 1 - k] = (uint8_t)(count >> 8 * k);
	}
}

void aes_counter(const uint8_t key[AES_BLOCK_BYTES], const uint8_t nonce[AES_NONCE_BYTES], uint32_t count, uint8_t *bytes, uint32_t len)
{
	uint8_t blocks[AT_ONCE_BYTES];
	struct schedule schedule;

	schedule_make(&schedule, key);
	for (uint32_t at = 0; at < len; at += AT_ONCE_BYTES) {
		counters_fill(nonce, count + at / AES_BLOCK_BYTES, blocks);
		blocks_encrypt(&schedule, blocks);
		for (uint32_t i = 0; i < AT_ONCE_BYTES && at + i < len; i++)
			bytes[at + i] ^= blocks[i];
	}
}
