#include "base/text.h"

#include <stdbool.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

// Whether all of eight bytes stand as they are. It may be unsure (a borrow ran over from a neighbour) but only to say no.
static inline bool eight_stand(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, tops = ones * 0x80;
	uint64_t backslash = w ^ ones * '\\';

	return ((w | (w - ones * 0x20) | (w + ones) | (backslash - ones)) & tops) == 0;
}

// Puts as many words at the front as stand as they are; returns their bytes.
static size_t put_words(char *out, size_t room, const uint8_t *bytes, size_t len)
{
	size_t i = 0;
	uint64_t w;

	for (; i + sizeof(w) <= len && i + sizeof(w) <= room; i += sizeof(w)) {
		memcpy(&w, bytes + i, sizeof(w));
		if (!eight_stand(w))
			break;
		memcpy(out + i, &w, sizeof(w));
	}
	return i;
}

static bool hex_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

bool text_looks_escaped(const uint8_t *bytes, size_t len)
{
	return len > 3 && bytes[1] == 'x' && hex_digit(bytes[2]) && hex_digit(bytes[3]);
}

size_t text_escape(char *out, size_t room, const uint8_t *bytes, size_t len, size_t *taken)
{
	size_t i = put_words(out, room, bytes, len), used = i;

	for (; i < len; i++) {
		uint8_t c = bytes[i];

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			if (used + 1 > room)
				break;
			out[used++] = (char)c;
		} else {
			if (used + 4 > room)
				break;
			out[used++] = '\\';
			out[used++] = 'x';
			out[used++] = digits[c >> 4];
			out[used++] = digits[c & 15];
		}
	}
	if (taken != NULL)
		*taken = i;
	return used;
}

void text_put_bytes(struct text_builder *b, const void *bytes, size_t len)
{
	if (len > b->room - b->used)
		len = b->room - b->used;
	if (len > 0)
		memcpy(b->at + b->used, bytes, len);
	b->used += len;
}

void text_put(struct text_builder *b, const char *text)
{
	text_put_bytes(b, text, strlen(text));
}

void text_put_number(struct text_builder *b, uint64_t number)
{
	char out[20];
	size_t at = sizeof(out);

	do {
		out[--at] = digits[number % 10];
		number /= 10;
	} while (number > 0);
	text_put_bytes(b, out + at, sizeof(out) - at);
}

void text_put_hex(struct text_builder *b, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < len; i++)
		text_put_bytes(b, (char[]){digits[from[i] >> 4], digits[from[i] & 15]}, 2);
}
