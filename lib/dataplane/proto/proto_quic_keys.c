// HKDF (RFC 5869) on the low-level digest, because the newer interface of libcrypto allocates memory, which a worker must not do.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "proto/proto_quic_keys.h"

#include <openssl/sha.h>

#include "base/text.h"
#include "proto/proto_quic_aes.h"

enum { HMAC_BLOCK = 64, INNER = 0x36, OUTER = 0x5c, LABEL_ROOM = 48, SECRET_BYTES = SHA256_DIGEST_LENGTH };
enum { TAG_BYTES = 16, NUMBER_MAX = 4, SAMPLE_BYTES = 16, LONG_FIRST_MASK = 0x0f, FIRST_COUNT = 2 };

// key: at most HMAC_BLOCK bytes. out: may be what key is.
static void hmac(struct span key, struct span message, uint8_t out[SECRET_BYTES])
{
	uint8_t pad[2][HMAC_BLOCK];
	SHA256_CTX sha;

	memset(pad[0], INNER, HMAC_BLOCK);
	memset(pad[1], OUTER, HMAC_BLOCK);
	for (uint32_t i = 0; i < key.left; i++) {
		pad[0][i] ^= key.at[i];
		pad[1][i] ^= key.at[i];
	}
	SHA256_Init(&sha);
	SHA256_Update(&sha, pad[0], HMAC_BLOCK);
	SHA256_Update(&sha, message.at, message.left);
	SHA256_Final(out, &sha);
	SHA256_Init(&sha);
	SHA256_Update(&sha, pad[1], HMAC_BLOCK);
	SHA256_Update(&sha, out, SECRET_BYTES);
	SHA256_Final(out, &sha);
}

// HKDF-Expand-Label of RFC 8446 section 7.1, without a context; len: at most SECRET_BYTES.
static void expand(const uint8_t secret[SECRET_BYTES], const char *before, const char *label, uint8_t *out, uint32_t len)
{
	char room[LABEL_ROOM];
	uint8_t whole[SECRET_BYTES];
	struct text_builder info = text_builder(room, sizeof(room));
	uint8_t length[] = {0, (uint8_t)len, (uint8_t)(strlen("tls13 ") + strlen(before) + strlen(label))};

	text_put_bytes(&info, length, sizeof(length));
	text_put(&info, "tls13 ");
	text_put(&info, before);
	text_put(&info, label);
	text_put_bytes(&info, (uint8_t[]){0, 1}, 2); // no context; the first block of the expansion
	hmac(span_of(secret, SECRET_BYTES), span_of(room, (uint32_t)info.used), whole);
	memcpy(out, whole, len);
}

void quic_keys_make(const struct quic_version *version, struct span dcid, bool server, struct quic_keys *keys)
{
	const char *before = version->second ? "quicv2 " : "quic ";
	uint8_t secret[SECRET_BYTES];

	hmac(span_of(version->salt, QUIC_SALT_BYTES), dcid, secret);
	expand(secret, "", server ? "server in" : "client in", secret, sizeof(secret));
	expand(secret, before, "key", keys->key, sizeof(keys->key));
	expand(secret, before, "iv", keys->iv, sizeof(keys->iv));
	expand(secret, before, "hp", keys->mask, sizeof(keys->mask));
}

// Takes the packet number, whose length and bytes are masked, off the packet. Initial packets are few: the number is whole as it is.
static uint32_t number_read(const struct quic_keys *keys, const struct quic_header *header, struct span *at, uint32_t *number)
{
	struct span ahead = *at;
	uint8_t mask[AES_BLOCK_BYTES];
	const uint8_t *sample;
	uint32_t bytes;

	span_bytes(&ahead, NUMBER_MAX);
	sample = span_bytes(&ahead, SAMPLE_BYTES);
	if (sample == NULL)
		return 0;
	aes_block(keys->mask, sample, mask);
	bytes = ((header->first ^ (mask[0] & LONG_FIRST_MASK)) & (NUMBER_MAX - 1)) + 1;
	*number = 0;
	for (uint32_t i = 1; i <= bytes; i++)
		*number = *number << 8 | (span_u8(at) ^ mask[i]);
	return bytes;
}

struct span quic_open(const struct quic_keys *keys, const struct quic_header *header, uint8_t *out, uint32_t room)
{
	struct span at = header->at;
	uint8_t nonce[QUIC_IV_BYTES];
	uint32_t number, bytes = number_read(keys, header, &at, &number), length;

	if (bytes == 0 || header->length < bytes + TAG_BYTES)
		return span_of(out, 0);
	length = header->length - bytes - TAG_BYTES;
	if (length > at.left)
		length = at.left;
	if (length > room)
		length = room;
	memcpy(nonce, keys->iv, sizeof(nonce));
	for (unsigned i = 0; i < NUMBER_MAX; i++)
		nonce[QUIC_IV_BYTES - 1 - i] ^= (uint8_t)(number >> 8 * i);
	if (length > 0)
		memcpy(out, at.at, length);
	aes_counter(keys->key, nonce, FIRST_COUNT, out, length);
	return span_of(out, length);
}
