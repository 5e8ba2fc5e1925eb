// The kinds of tunnels: what carries another packet.
#ifndef BASE_TUNNEL_H
#define BASE_TUNNEL_H

enum tunnel_kind {
	TUNNEL_NONE,
	TUNNEL_IPIP,      // IPv4 in IPv4, RFC 2003
	TUNNEL_6IN4,      // RFC 4213; 6to4 and ISATAP look the same
	TUNNEL_4IN6,      // RFC 2473
	TUNNEL_6IN6,
	TUNNEL_ETHERIP,   // RFC 3378
	TUNNEL_GRE,       // RFC 2784, 2890; also with Ethernet in it
	TUNNEL_NVGRE,     // RFC 7637
	TUNNEL_PPTP,      // enhanced GRE, RFC 2637
	TUNNEL_ERSPAN,    // types I to III, draft-foschiano-erspan
	TUNNEL_VXLAN,     // RFC 7348
	TUNNEL_VXLAN_GPE, // draft-ietf-nvo3-vxlan-gpe
	TUNNEL_GENEVE,    // RFC 8926
	TUNNEL_GTP_U,     // 3GPP TS 29.281
	TUNNEL_TEREDO,    // RFC 4380
	TUNNEL_L2TP,      // versions 2 and 3, RFC 2661 and 3931
	TUNNEL_KINDS
};

// As records and metrics have them: "vxlan", ...
extern const char *const tunnel_names[TUNNEL_KINDS];

#endif
