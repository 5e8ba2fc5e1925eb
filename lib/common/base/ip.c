#include "base/ip.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

bool ip_address_read(const struct sockaddr *from, struct ip_address *out)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)from;
	bool mapped = from->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);

	*out = (struct ip_address){.version = from->sa_family == AF_INET || mapped ? 4 : 6};
	if (from->sa_family == AF_INET)
		memcpy(out->byte, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	else if (from->sa_family == AF_INET6)
		memcpy(out->byte, six->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
	else
		return false;
	return true;
}

const char *ip_proto_name(uint8_t proto)
{
	static const char *const names[256] = {
		[0] = "HOPOPT", [1] = "ICMP", [2] = "IGMP", [4] = "IPv4", [6] = "TCP", [8] = "EGP", [9] = "IGP", [17] = "UDP",
		[33] = "DCCP", [41] = "IPv6", [46] = "RSVP", [47] = "GRE", [50] = "ESP", [51] = "AH", [58] = "IPv6-ICMP",
		[59] = "IPv6-NoNxt", [88] = "EIGRP", [89] = "OSPFIGP", [94] = "IPIP", [97] = "ETHERIP", [103] = "PIM",
		[108] = "IPComp", [112] = "VRRP", [115] = "L2TP", [124] = "ISIS over IPv4", [132] = "SCTP", [135] = "Mobility Header",
		[136] = "UDPLite", [137] = "MPLS-in-IP",
	};

	return names[proto];
}
