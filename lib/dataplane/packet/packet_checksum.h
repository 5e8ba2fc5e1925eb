// Checksums of a decoded frame: its IPv4 header, and the TCP, UDP, ICMP, ICMPv6 or IGMP message in it. Each header there is gets
// one verdict. No DPDK: what a NIC has verified comes in as a flag.
//
// Where the layer 4 checksum covers addresses they are those of the ends (RFC 8200 section 8.1): behind a routing header with
// segments left the destination is its last one, with a home address option (RFC 6275) the source is that address.
#ifndef PACKET_PACKET_CHECKSUM_H
#define PACKET_PACKET_CHECKSUM_H

#include <stdint.h>

#include "packet/packet.h"

enum packet_checksum { CHECKSUM_IPV4, CHECKSUM_TCP, CHECKSUM_UDP, CHECKSUM_ICMP, CHECKSUM_ICMPV6, CHECKSUM_IGMP, CHECKSUMS };

enum packet_checksum_verdict {
	CHECKSUM_ABSENT,     // no such header (as in a fragment), or the sender made no checksum (UDP over IPv4)
	CHECKSUM_UNVERIFIED, // not all of it is here: the capture was cut; or this packet was not asked
	CHECKSUM_GOOD,
	CHECKSUM_BAD,
	CHECKSUM_VERDICTS
};

extern const char *const packet_checksum_names[CHECKSUMS];
extern const char *const packet_checksum_verdict_names[CHECKSUM_VERDICTS];

// What is known without a look at the bytes.
enum { CHECKSUM_KNOWN_IPV4 = 1, CHECKSUM_KNOWN_L4 = 2, CHECKSUM_NOT_ASKED = 4 };

struct packet_checksums {
	uint8_t ipv4;     // enum packet_checksum_verdict
	uint8_t l4;       // the same, of
	uint8_t l4_proto; // enum packet_checksum
};

// p: decoded. known: CHECKSUM_KNOWN_IPV4 and _L4 were found good by the NIC, CHECKSUM_NOT_ASKED leaves the rest unverified.
void packet_checksum(const struct packet *p, unsigned known, struct packet_checksums *out);

// The one's complement sum of RFC 1071, not inverted, in the byte order of the wire; an odd last byte counts as if a zero followed.
uint16_t packet_checksum_sum(const uint8_t *bytes, uint32_t n);

// The ways to make it that this machine knows, all with the same result; for tests. NULL: no more of them.
struct packet_checksum_way {
	const char *name;
	uint64_t (*sum)(const uint8_t *bytes, uint32_t n); // not folded
};

const struct packet_checksum_way *packet_checksum_way(unsigned i);

#endif
