// Within the layer: what may stand between the Ethernet header (tags walked) and the network layer.
#ifndef PACKET_PACKET_LINK_H
#define PACKET_PACKET_LINK_H

#include "base/span.h"
#include "packet/packet.h"

// Reads on from behind the EtherType or length. PACKET_OK: an IPv4, IPv6 or ARP header is what the span has next, and
// p->ethertype says which. Anything else is the frame's verdict.
enum packet_verdict packet_link_decode(struct packet *p, struct span *s);

#endif
