// BER, ITU-T X.690, as SNMP, LDAP and Kerberos use it: tags of one byte, definite lengths of at most four.
//
// Nothing here recurs: an element is a span, and what is inside it is read by who knows what it should be. A read that fails poisons
// the span that it reads from, as everywhere (base/span.h).
#ifndef PROTO_PROTO_BER_H
#define PROTO_PROTO_BER_H

#include "base/span.h"
#include "base/text.h"

enum ber_tag {
	BER_BOOLEAN = 0x01,
	BER_INTEGER = 0x02,
	BER_OCTETS = 0x04,
	BER_OID = 0x06,
	BER_ENUMERATED = 0x0a,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
	BER_APPLICATION = 0x60,   // constructed
	BER_CONTEXT_PLAIN = 0x80, // primitive
	BER_CONTEXT = 0xa0        // constructed
};

struct ber {
	uint8_t tag;
	uint32_t length; // as it says
	struct span value;
};

// Tag and length, which may be of more than is there. BER_SHORT: they are not all there, and nothing is read; value is not set.
enum ber_found { BER_NOT, BER_SHORT, BER_YES };
enum ber_found ber_head_read(struct span *in, struct ber *out);

// The next element, whole. False: there is none such; the span is poisoned if it had bytes left.
bool ber_read(struct span *in, struct ber *out);

// The value of the next element, which must have that tag; otherwise a poisoned span, and a poisoned `in`.
struct span ber_take(struct span *in, uint8_t tag);

// The same for one that may be left out: if the next has another tag, nothing is read. False: it is not there.
bool ber_take_if(struct span *in, uint8_t tag, struct span *value);

// An INTEGER (or what is encoded as one) of at most four bytes, or five if the first is zero; it poisons `in` if there is none.
int64_t ber_integer(struct span *in, uint8_t tag);

// A value that is an object identifier as "1.3.6.1"; false, with what could be read, if it is none.
bool ber_oid_put(struct text_builder *out, struct span value);

#endif
