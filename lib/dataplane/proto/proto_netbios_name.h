// NetBIOS names as name and datagram service have them on the wire: RFC 1001 section 14.1, RFC 1002 section 4.1.
//
// A name is 16 bytes, each as two letters A to P, in one label of 32, the scope in labels behind it. That form is proof of much.
#ifndef PROTO_PROTO_NETBIOS_NAME_H
#define PROTO_PROTO_NETBIOS_NAME_H

#include "proto/proto_dns_rr.h"
#include "record/l7.h"

enum { NETBIOS_NAME_BYTES = 15 };

struct netbios_name {
	uint8_t bytes[NETBIOS_NAME_BYTES]; // padded with spaces or zeros
	uint8_t suffix;                    // the service
	struct dns_name scope;
};

// Whether a name of the wire has the form; the name it says is in `name` then.
bool netbios_name_decode(const struct dns_name *from, struct netbios_name *name);

// A name at `at`, a suffix of message, which may end with a pointer into it. False if there is none; then `at` is not moved.
bool netbios_name_read(struct span message, struct span *at, struct netbios_name *name);

// Up to NETBIOS_NAME_BYTES without their padding, what is not printable as <hh>.
struct record_text netbios_text(struct l7 *l7, const uint8_t *bytes);

// The suffix in two hexadecimal digits.
struct record_text netbios_suffix_text(struct l7 *l7, uint8_t suffix);

// What a suffix is used for, NULL if that is not known.
const char *netbios_service(uint8_t suffix);

#endif
