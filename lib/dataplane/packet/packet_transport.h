// Layer 4 beyond TCP, UDP and ICMP: what has ports gets them, of the rest the header is looked at as far as it has to be sound.
// For packet.c, which calls this out of line so that the common packet does not pay for the rare one.
#ifndef PACKET_PACKET_TRANSPORT_H
#define PACKET_PACKET_TRANSPORT_H

#include "base/span.h"
#include "packet/packet.h"

enum {
	IP_DCCP = 33, IP_GRE = 47, IP_ESP = 50, IP_AH = 51, IP_NO_NEXT = 59, IP_EIGRP = 88,
	IP_OSPF = 89, IP_PIM = 103, IP_VRRP = 112, IP_L2TP = 115, IP_UDPLITE = 136
};

// s: from layer 4 on; l4: its bytes on the wire. Sets ports, payload_at and payload; of a number that nobody knows all is payload.
enum packet_verdict packet_transport_decode(struct packet *p, struct span *s, uint32_t l4) __attribute__((noinline));

// Walks authentication headers (RFC 4302) to what they protect: proto becomes its number, *l4 loses what was walked.
enum packet_verdict packet_transport_walk_auth(struct packet *p, struct span *s, uint32_t *l4);

// Whether this protocol number is decoded anywhere, or at least known to be what it is.
bool packet_transport_known(uint8_t proto);

#endif
