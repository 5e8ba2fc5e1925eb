#include "proto/proto_ber.h"

enum { TAG_LONG = 0x1f, LENGTH_LONG = 0x80, LENGTH_BYTES_MAX = 4, INTEGER_BYTES_MAX = 5, OID_ARCS_MAX = 128, OID_FIRST = 40 };

static const struct span poisoned = {.bad = true};

enum ber_found ber_head_read(struct span *in, struct ber *out)
{
	struct span at = *in;
	uint8_t tag = span_u8(&at), said = span_u8(&at);
	unsigned bytes = said & (LENGTH_LONG - 1u);
	uint32_t length = 0;

	if (in->left > 0 && (tag & TAG_LONG) == TAG_LONG)
		return BER_NOT;
	if (!span_ok(&at))
		return BER_SHORT;
	if ((said & LENGTH_LONG) == 0) {
		length = said;
	} else if (bytes == 0 || bytes > LENGTH_BYTES_MAX) {
		return BER_NOT;
	} else {
		for (; bytes > 0; bytes--)
			length = length << 8 | span_u8(&at);
	}
	if (!span_ok(&at))
		return BER_SHORT;
	*in = at;
	*out = (struct ber){.tag = tag, .length = length};
	return BER_YES;
}

bool ber_read(struct span *in, struct ber *out)
{
	if (in->left == 0)
		return false;
	if (ber_head_read(in, out) == BER_YES)
		out->value = span_take(in, out->length);
	else
		*in = poisoned;
	return span_ok(in);
}

struct span ber_take(struct span *in, uint8_t tag)
{
	struct ber element;

	if (!ber_read(in, &element) || element.tag != tag) {
		*in = poisoned;
		return poisoned;
	}
	return element.value;
}

bool ber_take_if(struct span *in, uint8_t tag, struct span *value)
{
	if (in->left == 0 || in->at[0] != tag)
		return false;
	*value = ber_take(in, tag);
	return span_ok(in);
}

int64_t ber_integer(struct span *in, uint8_t tag)
{
	struct span value = ber_take(in, tag);
	int64_t number;

	if (value.left == 0 || value.left > INTEGER_BYTES_MAX || (value.left == INTEGER_BYTES_MAX && value.at[0] != 0)) {
		*in = poisoned;
		return 0;
	}
	number = (value.at[0] & 0x80) != 0 ? -1 : 0;
	while (value.left > 0)
		number = (int64_t)((uint64_t)number << 8 | span_u8(&value));
	return number;
}

static void arc_put(struct text_builder *out, uint32_t arc, bool first)
{
	uint32_t top = arc < 2 * OID_FIRST ? arc / OID_FIRST : 2;

	if (first)
		text_put_number(out, top);
	text_put(out, ".");
	text_put_number(out, first ? arc - top * OID_FIRST : arc);
}

bool ber_oid_put(struct text_builder *out, struct span value)
{
	unsigned arcs = 0;

	while (value.left > 0) {
		uint32_t arc = 0;
		uint8_t byte;

		do {
			if (arc > UINT32_MAX >> 7)
				return false;
			byte = span_u8(&value);
			arc = arc << 7 | (byte & 0x7f);
		} while ((byte & 0x80) != 0 && value.left > 0);
		if ((byte & 0x80) != 0 || arcs == OID_ARCS_MAX)
			return false;
		arc_put(out, arc, arcs == 0);
		arcs++;
	}
	return arcs > 0;
}
