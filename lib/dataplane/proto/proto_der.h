// DER (X.690) as certificates need it: a tag of one byte, a length of up to four, a value. A value's span cannot see past its end,
// so nested lengths that lie reach nothing; whoever walks a list moves on by at least two bytes a step.
#ifndef PROTO_PROTO_DER_H
#define PROTO_PROTO_DER_H

#include "base/span.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_OBJECT = 0x06,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80, // plus a number: [n], of a simple type
	DER_CONTEXT_OF = 0xa0, // plus a number: [n], of others
};

struct der {
	uint8_t tag;
	struct span value;
};

// The next element. False, and the span poisoned, if it is not whole or not of this form.
bool der_read(struct span *in, struct der *out);

// The value of the next element, which must have this tag; poisoned otherwise.
struct span der_take(struct span *in, uint8_t tag);

// The next element passed over if it has this tag. False if it has another or there is none.
bool der_pass(struct span *in, uint8_t tag);

#endif
