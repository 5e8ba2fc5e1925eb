// Within the layer: what may carry another packet, and the way into it.
#ifndef PACKET_PACKET_TUNNEL_H
#define PACKET_PACKET_TUNNEL_H

#include "base/span.h"
#include "packet/packet.h"
#include "packet/packet_transport.h"

enum { IP_IPV4 = 4, IP_IPV6 = 41, IP_ETHERIP = 97 };
enum { PORT_L2TP = 1701, PORT_GTP_U = 2152, PORT_TEREDO = 3544, PORT_VXLAN = 4789, PORT_VXLAN_GPE = 4790, PORT_GENEVE = 6081,
       PORT_VXLAN_LINUX = 8472 };

// GRE stands for all that it may be, IPIP for IPv4 and 6IN4 for IPv6 in whichever version.
static inline uint8_t packet_tunnel_of_protocol(uint8_t protocol)
{
	switch (protocol) {
	case IP_IPV4: return TUNNEL_IPIP;
	case IP_IPV6: return TUNNEL_6IN4;
	case IP_GRE: return TUNNEL_GRE;
	case IP_ETHERIP: return TUNNEL_ETHERIP;
	case IP_L2TP: return TUNNEL_L2TP;
	default: return TUNNEL_NONE;
	}
}

// Ports of tunnels, found without a branch: the multiplier brings each to a place of its own. A new port needs another one; a test
// asks for every port.
enum { PORT_PLACES_BITS = 4 };

struct packet_tunnel_port {
	uint16_t port;
	uint8_t kind;
};

extern const struct packet_tunnel_port packet_tunnel_ports[1 << PORT_PLACES_BITS];

static inline const struct packet_tunnel_port *packet_tunnel_port_place(uint16_t port)
{
	return &packet_tunnel_ports[port * 0xdca2b3u >> (32 - PORT_PLACES_BITS)];
}

// A port is only a hint; whether it is a tunnel is for what stands in the datagram to say.
static inline uint8_t packet_tunnel_of_ports(uint16_t src, uint16_t dst)
{
	const struct packet_tunnel_port *from = packet_tunnel_port_place(src), *to = packet_tunnel_port_place(dst);

	if (__builtin_expect((from->port == src) | (to->port == dst), 0))
		return to->port == dst ? to->kind : from->kind;
	return TUNNEL_NONE;
}

// Of packet.c: the span has an IP header of that version next. What was known of the packet around it is cleared.
enum packet_verdict packet_inner_decode(struct packet *p, struct span *s, unsigned ip_version);

// VLAN tags from behind the EtherType that is in p->ethertype on; leaves the one behind them there.
enum packet_verdict packet_tags_decode(struct packet *p, struct span *s);

#endif
