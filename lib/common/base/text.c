#include "base/text.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

size_t text_escape(char *out, size_t room, const uint8_t *bytes, size_t len, size_t *taken)
{
	size_t used = 0, i = 0;

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
