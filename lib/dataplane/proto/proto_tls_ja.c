// The low-level digests are used because the newer interface of libcrypto allocates memory for each, which a worker must not do.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "proto/proto_tls_ja.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/text.h"

enum { LIST_ROOM = 8192, VALUES_MAX = 256, JA4_HASH_DIGITS = 12, JA4_COUNT_MAX = 99 };
enum { EXTENSION_SNI = 0, EXTENSION_ALPN = 16 };

// ---- lists of values ----

struct values {
	uint16_t value[VALUES_MAX];
	unsigned count;
	bool too_many;
};

static void value_add(struct values *v, uint16_t value)
{
	if (tls_grease(value))
		return;
	if (v->count == VALUES_MAX)
		v->too_many = true;
	else
		v->value[v->count++] = value;
}

static void values_read(struct values *v, struct span list)
{
	v->count = 0;
	v->too_many = false;
	while (list.left >= 2)
		value_add(v, span_be16(&list));
}

static void extensions_read(struct values *v, struct span list)
{
	v->count = 0;
	v->too_many = false;
	while (list.left > 0) {
		uint16_t type = span_be16(&list);

		span_take(&list, span_be16(&list));
		if (span_ok(&list))
			value_add(v, type);
	}
}

static void values_remove(struct values *v, uint16_t value)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < v->count; i++)
		if (v->value[i] != value)
			v->value[kept++] = v->value[i];
	v->count = kept;
}

static void values_sort(struct values *v)
{
	for (unsigned i = 1; i < v->count; i++) {
		uint16_t value = v->value[i];
		unsigned at = i;

		for (; at > 0 && v->value[at - 1] > value; at--)
			v->value[at] = v->value[at - 1];
		v->value[at] = value;
	}
}

// ---- JA3 ----

static void decimal_put(struct text_builder *b, const struct values *v)
{
	for (unsigned i = 0; i < v->count; i++) {
		if (i > 0)
			text_put(b, "-");
		text_put_number(b, v->value[i]);
	}
}

static bool md5_put(const struct text_builder *text, char *out)
{
	struct text_builder b = text_builder(out, TLS_JA3_LENGTH);
	uint8_t digest[MD5_DIGEST_LENGTH];
	MD5_CTX md5;

	MD5_Init(&md5);
	MD5_Update(&md5, text->at, text->used);
	MD5_Final(digest, &md5);
	text_put_hex(&b, digest, sizeof(digest));
	return true;
}

bool tls_ja3(const struct tls_hello *client, char *out)
{
	char room[LIST_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));
	struct span formats = client->formats;
	struct values ciphers, extensions, groups;

	values_read(&ciphers, client->ciphers);
	extensions_read(&extensions, client->extensions);
	values_read(&groups, client->groups);
	if (ciphers.too_many || extensions.too_many || groups.too_many)
		return false;
	text_put_number(&b, client->version);
	text_put(&b, ",");
	decimal_put(&b, &ciphers);
	text_put(&b, ",");
	decimal_put(&b, &extensions);
	text_put(&b, ",");
	decimal_put(&b, &groups);
	for (const char *before = ","; formats.left > 0; before = "-") {
		text_put(&b, before);
		text_put_number(&b, span_u8(&formats));
	}
	if (client->formats.left == 0)
		text_put(&b, ",");
	return md5_put(&b, out);
}

bool tls_ja3s(const struct tls_hello *server, char *out)
{
	char room[LIST_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));
	struct values extensions;

	extensions_read(&extensions, server->extensions);
	if (extensions.too_many)
		return false;
	text_put_number(&b, server->version);
	text_put(&b, ",");
	text_put_number(&b, server->cipher);
	text_put(&b, ",");
	decimal_put(&b, &extensions);
	return md5_put(&b, out);
}

// ---- JA4 ----

static const char *ja4_version(uint16_t version)
{
	switch (version) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	case 0xfefc: // DTLS
		return "d3";
	case 0xfefd:
		return "d2";
	case 0xfeff:
		return "d1";
	case 0x0002:
		return "s2";
	default:
		return "00";
	}
}

static void two_digits_put(struct text_builder *b, unsigned n)
{
	if (n > JA4_COUNT_MAX)
		n = JA4_COUNT_MAX;
	text_put_number(b, n / 10);
	text_put_number(b, n % 10);
}

static bool alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// First and last character of the first protocol name; digits of them where they are none.
static void ja4_alpn_put(struct text_builder *b, struct span list)
{
	struct span name = span_take(&list, span_u8(&list));
	char room[4];
	struct text_builder hex = text_builder(room, sizeof(room));

	if (name.left == 0) {
		text_put(b, "00");
		return;
	}
	uint8_t ends[2] = {name.at[0], name.at[name.left - 1]};

	text_put_hex(&hex, ends, sizeof(ends));
	if (alphanumeric(ends[0]) && alphanumeric(ends[1]))
		text_put_bytes(b, ends, sizeof(ends));
	else
		text_put_bytes(b, (char[]){room[0], room[3]}, 2);
}

static void hex_list_put(struct text_builder *b, const struct values *v)
{
	for (unsigned i = 0; i < v->count; i++) {
		if (i > 0)
			text_put(b, ",");
		text_put_hex(b, (uint8_t[]){(uint8_t)(v->value[i] >> 8), (uint8_t)v->value[i]}, 2);
	}
}

static void ja4_hash_put(struct text_builder *b, const struct text_builder *text)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;

	if (text->used == 0) {
		text_put(b, "000000000000");
		return;
	}
	SHA256_Init(&sha);
	SHA256_Update(&sha, text->at, text->used);
	SHA256_Final(digest, &sha);
	text_put_hex(b, digest, JA4_HASH_DIGITS / 2);
}

bool tls_ja4(const struct tls_hello *client, char transport, char *out)
{
	char room[LIST_ROOM];
	struct text_builder b = text_builder(out, TLS_JA4_LENGTH), list = text_builder(room, sizeof(room));
	struct values ciphers, extensions, signatures;

	values_read(&ciphers, client->ciphers);
	extensions_read(&extensions, client->extensions);
	values_read(&signatures, client->signatures);
	if (ciphers.too_many || extensions.too_many || signatures.too_many)
		return false;
	text_put_bytes(&b, &transport, 1);
	text_put(&b, ja4_version(client->highest));
	text_put(&b, client->named ? "d" : "i");
	two_digits_put(&b, ciphers.count);
	two_digits_put(&b, extensions.count);
	ja4_alpn_put(&b, client->alpn);
	values_sort(&ciphers);
	hex_list_put(&list, &ciphers);
	text_put(&b, "_");
	ja4_hash_put(&b, &list);
	values_remove(&extensions, EXTENSION_SNI);
	values_remove(&extensions, EXTENSION_ALPN);
	values_sort(&extensions);
	list.used = 0;
	hex_list_put(&list, &extensions);
	if (signatures.count > 0 && list.used > 0)
		text_put(&list, "_");
	if (list.used > 0)
		hex_list_put(&list, &signatures);
	text_put(&b, "_");
	ja4_hash_put(&b, &list);
	return b.used == TLS_JA4_LENGTH;
}
