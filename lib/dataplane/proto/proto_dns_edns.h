// EDNS of a DNS message: RFC 6891, with NSID (RFC 5001), client subnet (RFC 7871), cookie (RFC 7873), extended error (RFC 8914).
#ifndef PROTO_PROTO_DNS_EDNS_H
#define PROTO_PROTO_DNS_EDNS_H

#include "base/span.h"
#include "record/l7.h"

// data: of the OPT record, whose class and time to live say more. False if there is no data; options that make no sense end it.
bool dns_edns_read(struct span data, uint16_t rrclass, uint32_t ttl, struct l7 *l7);

#endif
