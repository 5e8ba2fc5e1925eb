#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPE_MAX = 6, DOUBLE_MAX = 32, DOUBLE_DIGITS = 12 };

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
			    "4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798"
			    "99";
static const char hex[] = "0123456789abcdef";

char *json_put_u64(char *at, uint64_t value)
{
	char digits[JSON_U64_MAX], *first = digits + sizeof(digits);
	size_t n;

	for (; value >= 100; value /= 100)
		memcpy(first -= 2, pairs + value % 100 * 2, 2);
	if (value >= 10)
		memcpy(first -= 2, pairs + value * 2, 2);
	else
		*--first = (char)('0' + value);
	n = (size_t)(digits + sizeof(digits) - first);
	memcpy(at, first, n);
	return at + n;
}

// ---- text ----

// Bytes of the UTF-8 character at the front, 0 if there is none (RFC 3629: no surrogates, nothing overlong).
static size_t utf8_length(const uint8_t *s, size_t left)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t point = s[0] & (0x7fu >> n);

	if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	return point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? 0 : n;
}

// One character that cannot stand as it is, as at most ESCAPE_MAX bytes in out; says in *used how many bytes of the input it took.
static size_t escape(char out[ESCAPE_MAX], const uint8_t *s, size_t left, size_t *used)
{
	*used = 1;
	if (s[0] == '"' || s[0] == '\\') {
		out[0] = '\\';
		out[1] = (char)s[0];
		return 2;
	}
	if (s[0] < 0x80) {
		memcpy(out, "\\u00", 4);
		out[4] = hex[s[0] >> 4];
		out[5] = hex[s[0] & 15];
		return 6;
	}
	size_t n = utf8_length(s, left);

	if (n == 0) {
		memcpy(out, "\\ufffd", 6);
		return 6;
	}
	memcpy(out, s, n);
	*used = n;
	return n;
}

static inline bool stands(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<';
}

// Whether all of eight bytes stand as they are. It may be unsure (a borrow ran over from a neighbour) but only to say no.
static inline bool eight_stand(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, tops = ones * 0x80;
	uint64_t quote = w ^ ones * '"', backslash = w ^ ones * '\\', angle = w ^ ones * '<';

	return ((w | (w - ones * 0x20) | (w + ones) | (quote - ones) | (backslash - ones) | (angle - ones)) & tops) == 0;
}

static inline uint64_t load64(const uint8_t *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return w;
}

static inline uint64_t load32(const uint8_t *s)
{
	uint32_t w;

	memcpy(&w, s, sizeof(w));
	return w;
}

// Most text is short and stands as it is: it is taken in words, the last of which may overlap the one before.
static inline bool put_plain(char *at, const uint8_t *s, size_t len)
{
	if (len < 4)
		return false;
	if (len < 8) {
		if (!eight_stand(load32(s + len - 4) << 32 | load32(s)))
			return false;
		memcpy(at, s, 4);
		memcpy(at + len - 4, s + len - 4, 4);
		return true;
	}
	for (size_t i = 0; i < len; i += 8) {
		size_t from = i + 8 <= len ? i : len - 8;
		uint64_t w = load64(s + from);

		if (!eight_stand(w))
			return false;
		memcpy(at + from, &w, 8);
	}
	return true;
}

char *json_put_text(char *at, char *end, const void *bytes, size_t len, size_t *taken)
{
	const uint8_t *s = bytes;
	size_t i = 0;

	if (at < end && len <= (size_t)(end - at) && put_plain(at, s, len)) {
		at += len;
		i = len;
	}
	while (i < len && at < end) {
		char out[ESCAPE_MAX];
		size_t used, n;

		if (len - i >= 8 && end - at >= 8 && eight_stand(load64(s + i))) {
			memcpy(at, s + i, 8);
			at += 8;
			i += 8;
			continue;
		}
		if (stands(s[i])) {
			*at++ = (char)s[i++];
			continue;
		}
		n = escape(out, s + i, len - i, &used);
		if (n > (size_t)(end - at))
			break;
		memcpy(at, out, n);
		at += n;
		i += used;
	}
	if (taken != NULL)
		*taken = i;
	return at;
}

// ---- the writer ----

void json_init(struct json *j, char *out, size_t room)
{
	*j = (struct json){.start = out, .at = out, .end = out + room};
}

static void put(struct json *j, const void *bytes, size_t len)
{
	if (j->overflow || len > (size_t)(j->end - j->at)) {
		j->overflow = true;
		return;
	}
	if (len > 0)
		memcpy(j->at, bytes, len);
	j->at += len;
}

static void put_string(struct json *j, const void *bytes, size_t len)
{
	size_t taken;

	put(j, "\"", 1);
	if (j->overflow)
		return;
	j->at = json_put_text(j->at, j->end, bytes, len, &taken);
	if (taken < len)
		j->overflow = true;
	put(j, "\"", 1);
}

// What stands before a value: a comma, its key.
static void lead(struct json *j, const char *key)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
	if (key == NULL)
		return;
	put_string(j, key, strlen(key));
	put(j, ":", 1);
}

static void begin(struct json *j, const char *key, const char *bracket)
{
	lead(j, key);
	put(j, bracket, 1);
	j->comma = false;
}

static void finish(struct json *j, const char *bracket)
{
	put(j, bracket, 1);
	j->comma = true;
}

void json_object_begin(struct json *j, const char *key)
{
	begin(j, key, "{");
}

void json_object_end(struct json *j)
{
	finish(j, "}");
}

void json_array_begin(struct json *j, const char *key)
{
	begin(j, key, "[");
}

void json_array_end(struct json *j)
{
	finish(j, "]");
}

void json_raw(struct json *j, const char *key, const void *bytes, size_t len)
{
	lead(j, key);
	put(j, bytes, len);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	char digits[JSON_U64_MAX];

	json_raw(j, key, digits, (size_t)(json_put_u64(digits, value) - digits));
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	char digits[1 + JSON_U64_MAX], *at = digits;

	if (value < 0)
		*at++ = '-';
	at = json_put_u64(at, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
	json_raw(j, key, digits, (size_t)(at - digits));
}

void json_double(struct json *j, const char *key, double value)
{
	char digits[DOUBLE_MAX];

	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	json_raw(j, key, digits, (size_t)snprintf(digits, sizeof(digits), "%.*g", DOUBLE_DIGITS, value));
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_raw(j, key, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json *j, const char *key)
{
	json_raw(j, key, "null", 4);
}

void json_string(struct json *j, const char *key, const char *text)
{
	json_string_bytes(j, key, text, strlen(text));
}

void json_string_bytes(struct json *j, const char *key, const void *bytes, size_t len)
{
	lead(j, key);
	put_string(j, bytes, len);
}
