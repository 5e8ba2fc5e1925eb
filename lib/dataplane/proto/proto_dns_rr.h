// Names and resource data of DNS messages: RFC 1035 sections 3 and 4.1.4, and the types people ask for.
#ifndef PROTO_PROTO_DNS_RR_H
#define PROTO_PROTO_DNS_RR_H

#include "base/span.h"
#include "base/text.h"

enum { DNS_HEADER_BYTES = 12, DNS_NAME_MAX = 255 };

// A name with its labels joined by dots, bytes as on the wire. len 0 is the root.
struct dns_name {
	uint8_t bytes[DNS_NAME_MAX];
	uint32_t len;
};

// Reads a name at `at`, which is a suffix of message. Compression may only point back, past the header, so it always ends.
// False if it is not a name; then `at` is not moved.
bool dns_name_read(struct span message, struct span *at, struct dns_name *name);

// The same where the message has another header, of so many bytes, or none.
bool dns_name_read_behind(struct span message, uint32_t header, struct span *at, struct dns_name *name);

// The next len bytes of `at`, a suffix of message, as resource data of rrtype: written to out as text (what does not have the
// form of its type as hex). Moves `at` behind them; false if there are fewer.
bool dns_rdata_read(struct span message, struct span *at, uint16_t rrtype, uint16_t len, struct text_builder *out);

#endif
