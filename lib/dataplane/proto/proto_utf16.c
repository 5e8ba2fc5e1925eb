#include "proto/proto_utf16.h"

enum { OUT_MAX = 768, UTF8_MAX = 4, REPLACEMENT = 0xfffd };

static uint32_t utf8_put(uint8_t *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xc0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xe0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (code & 0x3f));
	return 4;
}

static uint32_t code_read(struct span *in)
{
	uint32_t high = span_le16(in), low;
	struct span after = *in;

	if (high < 0xd800 || high > 0xdfff)
		return high;
	low = span_le16(&after);
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return REPLACEMENT;
	*in = after;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

struct record_text utf16_text(struct l7 *l7, struct span in, uint32_t max)
{
	uint8_t out[OUT_MAX];
	uint32_t used = 0;

	while (in.left >= 2 && used + UTF8_MAX <= OUT_MAX) {
		uint32_t code = code_read(&in);

		if (code == 0)
			break;
		used += utf8_put(out + used, code);
	}
	return l7_path_bytes(l7, out, used, max);
}

struct record_text utf16_text_or(struct l7 *l7, struct span in, bool wide, uint32_t max)
{
	struct span before;

	if (wide)
		return utf16_text(l7, in, max);
	if (!span_until(&in, '\0', &before))
		before = in;
	return l7_path_bytes(l7, before.at, before.left, max);
}

bool utf16_until(struct span *in, bool wide, struct span *out)
{
	struct span rest = *in;

	if (!wide)
		return span_until(in, '\0', out);
	while (rest.left >= 2)
		if (span_le16(&rest) == 0) {
			*out = span_take(in, in->left - rest.left - 2);
			span_bytes(in, 2);
			return true;
		}
	return false;
}
