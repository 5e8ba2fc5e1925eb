#include "proto/proto_der.h"

enum { TAG_LONG = 0x1f, LENGTH_LONG = 0x80, LENGTH_BYTES_MAX = 4 };

static uint32_t length_read(struct span *in)
{
	uint32_t length = span_u8(in), bytes;

	if ((length & LENGTH_LONG) == 0)
		return length;
	bytes = length & ~(uint32_t)LENGTH_LONG;
	if (bytes == 0 || bytes > LENGTH_BYTES_MAX) { // without an end in sight, or beyond any certificate
		*in = (struct span){.bad = true};
		return 0;
	}
	for (length = 0; bytes > 0; bytes--)
		length = length << 8 | span_u8(in);
	return length;
}

bool der_read(struct span *in, struct der *out)
{
	out->tag = span_u8(in);
	if ((out->tag & TAG_LONG) == TAG_LONG)
		*in = (struct span){.bad = true};
	out->value = span_take(in, length_read(in));
	return span_ok(in) && span_ok(&out->value);
}

struct span der_take(struct span *in, uint8_t tag)
{
	struct der element;

	return der_read(in, &element) && element.tag == tag ? element.value : (struct span){.bad = true};
}

bool der_pass(struct span *in, uint8_t tag)
{
	struct der element;

	return in->left > 0 && in->at[0] == tag && der_read(in, &element);
}
