// Within the layer: what may carry another packet, and the way into it.
#ifndef PACKET_PACKET_TUNNEL_H
#define PACKET_PACKET_TUNNEL_H

#include "base/span.h"
#include "packet/packet.h"

enum { IP_IPV4 = 4, IP_IPV6 = 41, IP_GRE = 47, IP_ETHERIP = 97, IP_L2TP = 115 };
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

static inline uint8_t packet_tunnel_of_port(uint16_t port)
{
	switch (port) {
	case PORT_L2TP: return TUNNEL_L2TP;
	case PORT_GTP_U: return TUNNEL_GTP_U;
	case PORT_TEREDO: return TUNNEL_TEREDO;
	case PORT_VXLAN: case PORT_VXLAN_LINUX: return TUNNEL_VXLAN;
	case PORT_VXLAN_GPE: return TUNNEL_VXLAN_GPE;
	case PORT_GENEVE: return TUNNEL_GENEVE;
	default: return TUNNEL_NONE;
	}
}

// A port is only a hint; whether it is a tunnel is for what stands in the datagram to say.
static inline uint8_t packet_tunnel_of_ports(uint16_t src, uint16_t dst)
{
	uint8_t kind = packet_tunnel_of_port(dst);

	return kind != TUNNEL_NONE ? kind : packet_tunnel_of_port(src);
}

// Of packet.c: the span has an IP header of that version next. What was known of the packet around it is cleared.
enum packet_verdict packet_inner_decode(struct packet *p, struct span *s, unsigned ip_version);

// VLAN tags from behind the EtherType that is in p->ethertype on; leaves the one behind them there.
enum packet_verdict packet_tags_decode(struct packet *p, struct span *s);

#endif
