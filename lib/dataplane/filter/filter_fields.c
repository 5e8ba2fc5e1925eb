#include "filter/filter_fields.h"

#include <string.h>

#include "base/tunnel.h"
#include "packet/packet.h"
#include "packet/packet_tcp.h"
#include "packet/packet_transport.h"

const struct filter_protocol filter_protocols[] = {
	{"AF_Packet", FILTER_AT_ANY, 0},
	{"Ethernet", FILTER_AT_ETHERNET, 0},
	{"VLAN", FILTER_AT_VLAN, 0},
	{"LLC", FILTER_AT_LLC, 0},
	{"ARP", FILTER_AT_ARP, 0},
	{"MPLS", FILTER_AT_LINK, 0x8847},
	{"PPPoE", FILTER_AT_LINK, 0x8864},
	{"EAPOL", FILTER_AT_LINK, 0x888e},
	{"LLDP", FILTER_AT_LINK, 0x88cc},
	{"MACsec", FILTER_AT_LINK, 0x88e5},
	{"LACP", FILTER_AT_LINK, 0x8809},
	{"IPv4", FILTER_AT_IPV4, 0},
	{"IPv6", FILTER_AT_IPV6, 0},
	{"ICMP", FILTER_AT_L4, IP_ICMP},
	{"IGMP", FILTER_AT_L4, 2},
	{"TCP", FILTER_AT_L4, IP_TCP},
	{"UDP", FILTER_AT_L4, IP_UDP},
	{"DCCP", FILTER_AT_L4, 33},
	{"GRE", FILTER_AT_L4, 47},
	{"ESP", FILTER_AT_L4, 50},
	{"AH", FILTER_AT_AUTH, IP_AH},
	{"ICMPv6", FILTER_AT_L4, IP_ICMPV6},
	{"EIGRP", FILTER_AT_L4, 88},
	{"OSPF", FILTER_AT_L4, 89},
	{"PIM", FILTER_AT_L4, 103},
	{"VRRP", FILTER_AT_L4, 112},
	{"SCTP", FILTER_AT_L4, IP_SCTP},
	{"UDP_Lite", FILTER_AT_L4, 136},
	{"Tunnel", FILTER_AT_TUNNEL, FILTER_ANY_TUNNEL},
	{"EtherIP", FILTER_AT_TUNNEL, TUNNEL_ETHERIP},
	{"ERSPAN", FILTER_AT_TUNNEL, TUNNEL_ERSPAN},
	{"GENEVE", FILTER_AT_TUNNEL, TUNNEL_GENEVE},
	{"GTP_U", FILTER_AT_TUNNEL, TUNNEL_GTP_U},
	{"L2TP", FILTER_AT_TUNNEL, TUNNEL_L2TP},
	{"NVGRE", FILTER_AT_TUNNEL, TUNNEL_NVGRE},
	{"PPTP", FILTER_AT_TUNNEL, TUNNEL_PPTP},
	{"Teredo", FILTER_AT_TUNNEL, TUNNEL_TEREDO},
	{"VXLAN", FILTER_AT_TUNNEL, TUNNEL_VXLAN},
	{"VXLAN_GPE", FILTER_AT_TUNNEL, TUNNEL_VXLAN_GPE},
};

const unsigned filter_protocol_count = sizeof(filter_protocols) / sizeof(filter_protocols[0]);

#define NUMBER(protocol, name, place, offset, bytes) {protocol, name, FILTER_NUMBER, FILTER_AT_##place, offset, bytes, 0, 8 * bytes, 0}
#define BITS(protocol, name, place, offset, bytes, shift, bits) {protocol, name, FILTER_NUMBER, FILTER_AT_##place, offset, bytes, shift, bits, 0}
#define MAC(protocol, name, place, offset) {protocol, name, FILTER_MAC, FILTER_AT_##place, offset, 6, 0, 48, 0}
#define ADDRESS4(protocol, name, place, offset) {protocol, name, FILTER_IPV4, FILTER_AT_##place, offset, 4, 0, 32, 0}
#define ADDRESS6(protocol, name, place, offset) {protocol, name, FILTER_IPV6, FILTER_AT_##place, offset, 16, 0, 128, 0}
#define OPTION(name, kind, offset, bytes, shift, bits)                                                                    \
	{"TCP", name, FILTER_NUMBER, FILTER_AT_TCP_OPTION, offset, bytes, shift, bits, TCP_OPTION_##kind}
#define OPTION_SET(name, kind) {"TCP", name, FILTER_NUMBER, FILTER_AT_TCP_OPTION_SET, 0, 1, 0, 1, TCP_OPTION_##kind}
#define TUNNEL_ID(protocol, name, bits) {protocol, name, FILTER_NUMBER, FILTER_AT_TUNNEL, 0, 4, 0, bits, 0}
#define PORTS(protocol) NUMBER(protocol, "Source_Port", L4, 0, 2), NUMBER(protocol, "Destination_Port", L4, 2, 2)

const struct filter_field filter_fields[] = {
	{"AF_Packet", "Interface_Name", FILTER_INTERFACE, FILTER_AT_PORT, 0, 0, 0, 16, 0},

	MAC("Ethernet", "Destination_MAC", ETHERNET, 0),
	MAC("Ethernet", "Source_MAC", ETHERNET, 6),
	NUMBER("Ethernet", "Type", ETHERNET, 12, 2),

	BITS("VLAN", "ID", VLAN, 0, 2, 0, 12),
	BITS("VLAN", "Priority", VLAN, 0, 2, 13, 3),
	NUMBER("VLAN", "Type", VLAN, 2, 2),
	BITS("VLAN", "Inner_ID", VLAN_INNER, 0, 2, 0, 12),

	NUMBER("LLC", "DSAP", LLC, 0, 1),
	NUMBER("LLC", "SSAP", LLC, 1, 1),

	NUMBER("ARP", "Hardware_Type", ARP, 0, 2),
	NUMBER("ARP", "Protocol_Type", ARP, 2, 2),
	NUMBER("ARP", "Operation", ARP, 6, 2),
	MAC("ARP", "Sender_MAC", ARP_ADDRESSES, 8),
	ADDRESS4("ARP", "Sender_Address", ARP_ADDRESSES, 14),
	MAC("ARP", "Target_MAC", ARP_ADDRESSES, 18),
	ADDRESS4("ARP", "Target_Address", ARP_ADDRESSES, 24),

	BITS("IPv4", "Header_Words", IPV4, 0, 1, 0, 4),
	NUMBER("IPv4", "TOS", IPV4, 1, 1),
	BITS("IPv4", "DSCP", IPV4, 1, 1, 2, 6),
	NUMBER("IPv4", "Total_Length", IPV4, 2, 2),
	NUMBER("IPv4", "Identification", IPV4, 4, 2),
	BITS("IPv4", "Flags", IPV4, 6, 1, 5, 3),
	BITS("IPv4", "Fragment_Offset", IPV4, 6, 2, 0, 13),
	NUMBER("IPv4", "TTL", IPV4, 8, 1),
	{"IPv4", "Protocol", FILTER_PROTOCOL_NUMBER, FILTER_AT_IPV4, 9, 1, 0, 8, 0},
	NUMBER("IPv4", "Checksum", IPV4, 10, 2),
	ADDRESS4("IPv4", "Source_Address", IPV4, 12),
	ADDRESS4("IPv4", "Destination_Address", IPV4, 16),

	BITS("IPv6", "Traffic_Class", IPV6, 0, 2, 4, 8),
	BITS("IPv6", "Flow_Label", IPV6, 0, 4, 0, 20),
	NUMBER("IPv6", "Payload_Length", IPV6, 4, 2),
	{"IPv6", "Next_Header", FILTER_PROTOCOL_NUMBER, FILTER_AT_IPV6, 6, 1, 0, 8, 0},
	NUMBER("IPv6", "Hop_Limit", IPV6, 7, 1),
	ADDRESS6("IPv6", "Source_Address", IPV6, 8),
	ADDRESS6("IPv6", "Destination_Address", IPV6, 24),

	NUMBER("ICMP", "Type", L4, 0, 1),
	NUMBER("ICMP", "Code", L4, 1, 1),
	NUMBER("ICMP", "Checksum", L4, 2, 2),
	NUMBER("ICMP", "Identifier", L4, 4, 2),
	NUMBER("ICMP", "Sequence", L4, 6, 2),

	NUMBER("IGMP", "Type", L4, 0, 1),
	ADDRESS4("IGMP", "Group_Address", L4, 4),

	PORTS("TCP"),
	NUMBER("TCP", "Sequence", L4, 4, 4),
	NUMBER("TCP", "Acknowledgement", L4, 8, 4),
	BITS("TCP", "Header_Words", L4, 12, 1, 4, 4),
	NUMBER("TCP", "Flags", L4, 13, 1),
	BITS("TCP", "FIN", L4, 13, 1, 0, 1),
	BITS("TCP", "SYN", L4, 13, 1, 1, 1),
	BITS("TCP", "RST", L4, 13, 1, 2, 1),
	BITS("TCP", "PSH", L4, 13, 1, 3, 1),
	BITS("TCP", "ACK", L4, 13, 1, 4, 1),
	BITS("TCP", "URG", L4, 13, 1, 5, 1),
	NUMBER("TCP", "Window", L4, 14, 2),
	NUMBER("TCP", "Checksum", L4, 16, 2),
	NUMBER("TCP", "Urgent_Pointer", L4, 18, 2),
	OPTION("MSS", MSS, 0, 2, 0, 16),
	OPTION("Window_Scale", WINDOW_SCALE, 0, 1, 0, 8),
	OPTION_SET("SACK_Permitted", SACK_PERMITTED),
	OPTION_SET("SACK", SACK),
	OPTION_SET("Timestamps", TIMESTAMPS),
	OPTION("Timestamp_Value", TIMESTAMPS, 0, 4, 0, 32),
	OPTION("Timestamp_Echo", TIMESTAMPS, 4, 4, 0, 32),
	OPTION_SET("Fast_Open", FAST_OPEN),
	OPTION_SET("MD5", MD5),
	OPTION_SET("AO", AO),
	OPTION_SET("MPTCP", MPTCP),
	OPTION("MPTCP_Subtype", MPTCP, 0, 1, 4, 4),
	OPTION("User_Timeout", USER_TIMEOUT, 0, 2, 0, 15),

	PORTS("UDP"),
	NUMBER("UDP", "Length", L4, 4, 2),
	NUMBER("UDP", "Checksum", L4, 6, 2),

	PORTS("DCCP"),
	BITS("DCCP", "Type", L4, 8, 1, 1, 4),
	NUMBER("GRE", "Protocol_Type", L4, 2, 2),
	NUMBER("ESP", "SPI", L4, 0, 4),
	NUMBER("ESP", "Sequence", L4, 4, 4),
	{"AH", "Next_Header", FILTER_PROTOCOL_NUMBER, FILTER_AT_AUTH, 0, 1, 0, 8, 0},
	NUMBER("AH", "SPI", AUTH, 4, 4),
	NUMBER("AH", "Sequence", AUTH, 8, 4),

	NUMBER("ICMPv6", "Type", L4, 0, 1),
	NUMBER("ICMPv6", "Code", L4, 1, 1),
	NUMBER("ICMPv6", "Checksum", L4, 2, 2),

	NUMBER("EIGRP", "Opcode", L4, 1, 1),
	NUMBER("EIGRP", "AS", L4, 18, 2),
	NUMBER("OSPF", "Version", L4, 0, 1),
	NUMBER("OSPF", "Type", L4, 1, 1),
	ADDRESS4("OSPF", "Router_ID", L4, 4),
	ADDRESS4("OSPF", "Area_ID", L4, 8),
	BITS("PIM", "Version", L4, 0, 1, 4, 4),
	BITS("PIM", "Type", L4, 0, 1, 0, 4),
	BITS("VRRP", "Version", L4, 0, 1, 4, 4),
	NUMBER("VRRP", "Router_ID", L4, 1, 1),
	NUMBER("VRRP", "Priority", L4, 2, 1),
	PORTS("SCTP"),
	NUMBER("SCTP", "Verification_Tag", L4, 4, 4),
	NUMBER("SCTP", "Chunk_Type", L4, 12, 1),
	PORTS("UDP_Lite"),
	NUMBER("UDP_Lite", "Checksum_Coverage", L4, 4, 2),

	TUNNEL_ID("Tunnel", "ID", 32),
	TUNNEL_ID("ERSPAN", "Session", 10),
	TUNNEL_ID("GENEVE", "VNI", 24),
	TUNNEL_ID("GTP_U", "TEID", 32),
	TUNNEL_ID("L2TP", "Session", 32),
	TUNNEL_ID("NVGRE", "VSID", 24),
	TUNNEL_ID("PPTP", "Call_ID", 16),
	TUNNEL_ID("VXLAN", "VNI", 24),
	TUNNEL_ID("VXLAN_GPE", "VNI", 24),
};

const unsigned filter_field_count = sizeof(filter_fields) / sizeof(filter_fields[0]);

static void kind_print(const struct filter_field *f, FILE *out)
{
	static const char *const says[FILTER_KINDS] = {
		[FILTER_PROTOCOL_NUMBER] = "number 0-255, or a name: \"TCP\"",
		[FILTER_MAC] = "\"02:00:00:00:00:01\"",
		[FILTER_IPV4] = "\"10.0.0.1\", \"10.0.0.0/8\", \"10.0.0.1-10.0.0.9\"",
		[FILTER_IPV6] = "\"2001:db8::1\", \"2001:db8::/32\"",
		[FILTER_INTERFACE] = "name of the interface that received the frame",
	};

	if (f->kind == FILTER_NUMBER)
		fprintf(out, "%-22s number 0-%llu\n", f->name, (unsigned long long)(1ull << f->bits) - 1);
	else
		fprintf(out, "%-22s %s\n", f->name, says[f->kind]);
}

void filter_help_print(FILE *out)
{
	fputs("Attribute filters (--attributes FILE) are JSON: one object, or a list of them.\n"
	      "\n"
	      "  {\"IPv4\": {\"Source_Address\": \"10.0.0.1\"}, \"TCP\": {\"Destination_Port\": 5000}}\n"
	      "  [{\"Action\": \"keep\", \"ARP\": {}}, {\"UDP\": {\"Source_Port\": [53, \"1024-2048\"]}}]\n"
	      "\n"
	      "All that an object asks has to hold; an empty one asks whether the protocol is there. A value is a number, a text, a\n"
	      "range or a list of those, of which one has to fit. \"Action\" is drop (the default) or keep. The first object that\n"
	      "holds decides; where none does, the opposite of the last one's action is done.\n"
	      "\n",
	      out);
	for (unsigned i = 0; i < filter_protocol_count; i++) {
		unsigned printed = 0;

		for (unsigned k = 0; k < filter_field_count; k++)
			if (strcmp(filter_fields[k].protocol, filter_protocols[i].name) == 0) {
				fprintf(out, "%-10s ", printed++ == 0 ? filter_protocols[i].name : "");
				kind_print(&filter_fields[k], out);
			}
		if (printed == 0)
			fprintf(out, "%s\n", filter_protocols[i].name);
	}
}
