// A frame's headers, layers 2 to 4, as far as they are sound. No DPDK: a frame is bytes, what comes out is offsets.
//
// Every frame gets exactly one verdict, and the verdict is counted in one place. Frames that are whole but of no flow (ARP, an
// unknown EtherType) are analysed too. Lengths on the wire come from the port where it knows them, else from the headers:
// a capture with a snap length, or a receive ring with small frames, shows less than there was.
#ifndef PACKET_PACKET_H
#define PACKET_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tunnel.h"

enum packet_verdict {
	PACKET_OK,
	// analysed, but of no flow
	PACKET_FRAGMENT, // the flow is that of the datagram that it is a part of
	PACKET_ARP,
	PACKET_STP,  // spanning trees of all kinds
	PACKET_CDP,
	PACKET_LLDP,
	PACKET_VTP,
	PACKET_DTP,
	PACKET_UDLD,
	PACKET_PAGP,
	PACKET_LACP,
	PACKET_SLOW, // other slow protocols: marker, OAM
	PACKET_EAPOL,
	PACKET_WAKE_ON_LAN,
	PACKET_LOOP,
	PACKET_MACSEC,
	PACKET_MPLS,  // without IP below
	PACKET_PPPOE, // discovery, or without IP below
	PACKET_SNAP,  // a protocol of an organisation not known here; ethertype: its number
	PACKET_LLC,   // any other SAP; ethertype: DSAP and SSAP
	PACKET_OTHER_ETHERTYPE,
	PACKET_CUT, // the capture ends before the addresses, the wire did not
	// malformed: what the first unsound header was
	PACKET_BAD_ETHERNET,   // shorter than an Ethernet header
	PACKET_BAD_VLAN,       // a tag without what it announces, or more than PACKET_VLANS_WALKED of them
	PACKET_BAD_LLC,        // a length beyond the frame, or too short for what it announces
	PACKET_BAD_MPLS,       // no bottom of the stack
	PACKET_BAD_PPPOE,
	PACKET_BAD_ARP,
	PACKET_BAD_STP,        // these three are found by the dissectors of layer link
	PACKET_BAD_CDP,
	PACKET_BAD_LLDP,
	PACKET_BAD_IPV4,       // version, header length, total length < header
	PACKET_BAD_IPV6,
	PACKET_BAD_IPV6_EXTENSION,
	PACKET_BAD_FRAGMENT,   // without data, not the last and no multiple of 8, or beyond what a datagram can hold
	PACKET_BAD_TCP,
	PACKET_BAD_UDP,
	PACKET_BAD_ICMP,
	PACKET_BAD_SCTP,
	PACKET_BAD_DCCP,
	PACKET_BAD_UDPLITE,
	PACKET_BAD_TRANSPORT,  // any other upper layer of IP: AH, ESP, OSPF, PIM, VRRP, EIGRP
	PACKET_BAD_CHECKSUM,   // of any header; given by the worker, where bad ones are to be dropped
	PACKET_VERDICTS
};

// Name of a verdict as the ledger has it ("ok", "arp", ..., "ipv4_header").
extern const char *const packet_verdict_names[PACKET_VERDICTS];

static inline bool packet_malformed(enum packet_verdict verdict)
{
	return verdict >= PACKET_BAD_ETHERNET;
}

enum {
	PACKET_VLANS = 2,         // kept
	PACKET_VLANS_WALKED = 8,  // walked; 802.1ad has two, stacks of more are broken or an attack
	PACKET_MPLS_WALKED = 16,  // labels
	PACKET_EXTENSIONS_MAX = 16,
	PACKET_TUNNELS_MAX = 16   // entered, one in another; what lies deeper is not looked at
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64, TCP_CWR = 128 };
enum { IP_ICMP = 1, IP_IGMP = 2, IP_TCP = 6, IP_UDP = 17, IP_ICMPV6 = 58, IP_SCTP = 132 };

// Names for people, NULL for those seldom met.
const char *packet_ethertype_name(uint16_t ethertype);
const char *packet_sap_name(uint8_t sap);

// The port that an ICMP or ICMPv6 message "answers to", so that a request and its reply are one flow: Community ID v1.
uint16_t packet_icmp_counterpart(uint8_t proto, uint8_t type, uint8_t code);

// The header around the inner packet: of the innermost tunnel, if one lies in another.
struct packet_outer {
	uint8_t kind;            // enum tunnel_kind
	uint8_t ip_version;      // of the addresses
	bool id_known;
	uint16_t src_at, dst_at; // addresses
	uint16_t src_port, dst_port; // 0: no UDP
	uint32_t id;             // key, session, VNI, VSID, TEID; L2TP version 2: tunnel id and session id
};

// Offsets are from the frame's first byte, so that the struct stays true when the bytes move.
struct packet {
	const uint8_t *frame;
	uint32_t captured, wire; // frame bytes, Ethernet header in, FCS out
	uint64_t time_ns, clock_ns; // port_stamp
	uint8_t verdict;
	bool wire_known;         // wire came from the port, not from the headers
	bool truncated;          // the headers tell of more bytes than were captured
	uint8_t vlans;
	uint16_t vlan[PACKET_VLANS]; // ids, outermost first
	uint16_t ethertype;
	uint16_t ether_at;       // Ethernet header, the innermost
	uint16_t llc_at;         // 802.2 header, 0: not there
	uint8_t tunnels;         // how many were entered: what follows is of the inner packet
	uint32_t joined_pkts, joined_bytes; // frames that came before and are parts of this datagram; wire is this last one's alone
	// the network and what it carries
	uint8_t carrier;         // enum tunnel_kind that the payload may be of, GRE, IPIP and 6IN4 for all of their family; 0: none
	uint8_t ip_version;      // 4, 6; 0: no flow
	uint8_t proto;           // last next header
	uint8_t tcp_flags;
	bool fragment;           // not the whole datagram: no ports; payload is its part of the data
	uint16_t src_at, dst_at; // addresses
	uint16_t src_port, dst_port;
	uint16_t payload_at;     // behind the layer 4 header; of no flow: behind the link layer's. 0: not reached
	uint16_t l3_at, l4_at;   // headers of ARP or IP, and of what IP carries; 0: not there
	uint32_t payload;        // bytes of it that were captured
	uint32_t payload_wire;   // bytes of it on the wire
	union {
		struct {
			uint32_t tcp_seq, tcp_ack;
			uint16_t tcp_window; // as it stands there, not scaled
		};
		struct { // of a fragment
			uint32_t fragment_id;
			uint16_t fragment_from; // offset of its data, bytes
			bool fragment_last;
		};
	};
	struct packet_outer outer; // set if tunnels > 0
};

// Reads a frame. frame, captured, wire (0: unknown), time_ns and clock_ns are set by the caller, everything else here. Tunnels are
// entered as far as what they carry is a sound IP packet; anything else in them leaves the frame to the flow of the outer headers.
void packet_decode(struct packet *p);

// The same in steps, for those who want every level: the outermost headers, then one tunnel each time. False: there is none
// further, and nothing changed.
void packet_decode_outermost(struct packet *p);
bool packet_tunnel_enter(struct packet *p);

// Reads on from the IP header at l3_at, which is now that of the whole datagram: captured and wire are those of the whole frame. What
// lies in front of it stays as it was read.
void packet_decode_joined(struct packet *p);

#endif
