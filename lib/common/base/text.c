#include "base/text.h"

size_t text_escape(char *out, size_t room, const uint8_t *bytes, size_t len, size_t *taken)
{
	static const char digits[] = "0123456789abcdef";
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
