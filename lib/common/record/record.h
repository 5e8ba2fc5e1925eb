// The one vocabulary of both planes: what a worker reports and a sink writes.
//
// A record is flat: this header, the body of its type, then the bytes of its texts. It holds no pointer, so it may be copied,
// queued, spooled or sent as it is. Which fields a body has, and what they are called in each output, stands in one table,
// record/record_fields.c; encoders walk that table and know no record by name.
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum record_type {
	RECORD_FLOW,
	RECORD_DNS,
	RECORD_MDNS,  // body of DNS
	RECORD_LLMNR, // body of DNS
	RECORD_TLS,
	RECORD_HTTP,
	RECORD_ARP,
	RECORD_STP,
	RECORD_CDP,
	RECORD_LLDP,
	RECORD_ICMP,
	RECORD_ND,   // neighbour discovery
	RECORD_MLD,  // body of multicast
	RECORD_IGMP, // body of multicast
	RECORD_STATS, // body is one text: a JSON object made by metrics
	RECORD_AGGREGATE, // body of stats: sums for those who keep them by time (Redis)
	RECORD_TYPES  // from here on: the events of the protocols, in the order of their list (proto/proto_list.h)
};

enum { RECORD_LENGTH_MAX = 16384, RECORD_HOSTNAME_MAX = 255, RECORD_VLANS_MAX = 2 };
enum { RECORD_APPLICATION_MAX = 63, RECORD_CATEGORY_MAX = 31 };

// A text of a record: len bytes at `at`, counted from the end of the body. len 0 means absent. Always printable ASCII.
struct record_text {
	uint16_t at, len;
};

// The two ends as the flow has them: client first, whichever of them sent the packet. Addresses in network order (IPv4 in
// the first four bytes), ports in host order. ICMP: type and code (or the type that answers) stand in the ports, as in
// Community ID.
struct record_ends {
	uint8_t client[16], server[16];
	uint16_t client_port, server_port;
	uint8_t ip_version; // 4, 6, or 0: no IP
	uint8_t proto;      // IANA protocol number
	uint8_t vlans;      // how many of vlan[] are set, outermost first
	uint16_t vlan[RECORD_VLANS_MAX];
};

struct record {
	uint32_t length; // header, body and texts, rounded up to 8
	uint8_t type;    // enum record_type, or RECORD_TYPES plus the index of the protocol whose event it is
	uint8_t app;     // protocol of the flow: an index of proto_list, 0 = not known
	bool to_server;  // direction of the packet that made it (flow records: true)
	uint16_t port;   // ethdev port that received it
	uint64_t order_ns;  // packet time at which it is due in the merged output
	uint64_t time_ns;   // what happened when, ns since the Unix epoch
	uint64_t start_ns;  // first packet of the flow
	uint64_t flow_id;          // filled by control: from community id and start
	uint8_t community_id[20];  // filled by control: SHA-1 of Community ID v1, seed 0
	struct record_ends ends;
} __attribute__((aligned(8)));

// ---- bodies ----

enum flow_state { FLOW_STATE_NEW, FLOW_STATE_ESTABLISHED, FLOW_STATE_CLOSED }; // Suricata's flow.state
// An end of a TCP connection, as far as it has shown. One whose first packet is of an open connection is in ESTABLISHED (OPEN).
enum flow_tcp_state {
	FLOW_TCP_NONE,
	FLOW_TCP_SYN_SENT,
	FLOW_TCP_SYN_RECEIVED,
	FLOW_TCP_OPEN,
	FLOW_TCP_FIN_WAIT_1,
	FLOW_TCP_FIN_WAIT_2,
	FLOW_TCP_CLOSE_WAIT,
	FLOW_TCP_CLOSING,
	FLOW_TCP_LAST_ACK,
	FLOW_TCP_TIME_WAIT,
	FLOW_TCP_DONE
};

// Zeek's conn_state.
enum flow_conn_state {
	CONN_STATE_OTH, CONN_STATE_S0, CONN_STATE_S1, CONN_STATE_SF, CONN_STATE_REJ, CONN_STATE_S2, CONN_STATE_S3, CONN_STATE_RSTO,
	CONN_STATE_RSTR, CONN_STATE_RSTOS0, CONN_STATE_RSTRH, CONN_STATE_SH, CONN_STATE_SHR
};

// By what the client was told, in the order in which the rules are tried.
enum flow_direction { FLOW_DIRECTION_SYN, FLOW_DIRECTION_SYN_ACK, FLOW_DIRECTION_PORT, FLOW_DIRECTION_FIRST, FLOW_DIRECTIONS };

// What is counted in a TCP flow, by direction.
enum flow_tcp_counts {
	FLOW_TCP_RETRANSMISSIONS, // all kinds
	FLOW_TCP_OUT_OF_ORDER,
	FLOW_TCP_DUP_ACKS,
	FLOW_TCP_OFTEN, // these stop at 65535, those that follow at 255
	FLOW_TCP_FAST = FLOW_TCP_OFTEN,
	FLOW_TCP_SPURIOUS,
	FLOW_TCP_ACKED_UNSEEN, // of the direction whose bytes were not seen
	FLOW_TCP_ZERO_WINDOW,
	FLOW_TCP_WINDOW_FULL,
	FLOW_TCP_KEEP_ALIVES,
	FLOW_TCP_COUNTS
};

// forced: made way for a new flow in a full table; active: has not ended
enum flow_reason { FLOW_REASON_TIMEOUT, FLOW_REASON_TCP_REUSE, FLOW_REASON_SHUTDOWN, FLOW_REASON_FORCED, FLOW_REASON_ACTIVE, FLOW_REASONS };

// What is spoken inside TLS, DTLS or QUIC, by the name agreed on (ALPN), or that name and the server's (DoH).
enum flow_service {
	FLOW_SERVICE_NONE, FLOW_SERVICE_HTTPS, FLOW_SERVICE_DOH, FLOW_SERVICE_DOT, FLOW_SERVICE_DOQ, FLOW_SERVICE_IMAPS, FLOW_SERVICE_POP3S,
	FLOW_SERVICE_FTPS, FLOW_SERVICE_XMPPS, FLOW_SERVICE_MQTTS, FLOW_SERVICE_POSTGRESQL, FLOW_SERVICE_IRCS, FLOW_SERVICE_SIPS, FLOW_SERVICE_TURNS,
	FLOW_SERVICE_NTS_KE, FLOW_SERVICE_SMB, FLOW_SERVICES
};

// What a flow's protocol was told by. guess: nothing but a well-known port speaks for it.
enum flow_confidence { FLOW_CONFIDENCE_NONE, FLOW_CONFIDENCE_CONTENT, FLOW_CONFIDENCE_BEHAVIOUR, FLOW_CONFIDENCE_PORT, FLOW_CONFIDENCE_DNS };

// Where a flow's hostname is from. said: from elsewhere in what was said (a greeting); question: it is what a resolver was asked for,
// not the name of the server.
enum flow_name_source {
	FLOW_NAME_NONE, FLOW_NAME_SNI, FLOW_NAME_HOST, FLOW_NAME_DNS, FLOW_NAME_QUESTION, FLOW_NAME_SAID, FLOW_NAME_SOURCES
};

enum { RECORD_MAC = 6, RECORD_IPV4 = 4 };

struct record_ether {
	uint8_t src_mac[RECORD_MAC], dest_mac[RECORD_MAC];
};

// The tunnel that a flow was first seen in: the header around it, the client's side first.
struct record_tunnel {
	uint8_t kind;  // enum tunnel_kind
	uint8_t depth; // tunnels around the flow; 0: none, and nothing else here is set
	uint8_t ip_version;
	bool id_known;
	uint32_t id;   // key, session, VNI, VSID, TEID; L2TP version 2: tunnel id, then session id
	uint8_t src[16], dest[16];
	uint16_t src_port, dest_port; // 0: no UDP
};

// What was said in SYNs.
enum record_tcp_option {
	RECORD_TCP_SEEN_SERVER = 1, // a SYN to the server, whose options these are
	RECORD_TCP_SEEN_CLIENT = 2,
	RECORD_TCP_SACK = 4,        // these three: in every SYN that was seen
	RECORD_TCP_TIMESTAMPS = 8,
	RECORD_TCP_MPTCP = 16,
	RECORD_TCP_FAST_OPEN = 32,  // these three: in any
	RECORD_TCP_MD5 = 64,
	RECORD_TCP_AO = 128
};

enum { RECORD_HISTORY_MAX = 12 };

struct record_tcp {
	uint64_t handshake_ns, syn_rtt_ns, ack_rtt_ns; // whole, SYN to SYN-ACK, SYN-ACK to ACK; 0: not seen
	uint64_t rtt_min_ns, rtt_avg_ns, rtt_max_ns, rtt_last_ns, rtt_smooth_ns;
	uint64_t first_byte_ns[2]; // since the flow's start, by direction
	uint64_t idle_max_ns;
	uint32_t rtt_samples;
	uint32_t lost[2];          // segments that were not captured
	uint32_t count[FLOW_TCP_COUNTS][2];
	uint8_t state[2];          // enum flow_tcp_state: client, server
	uint8_t reset_by;          // 0: no one, 1: client, 2: server
	bool ecn;                  // agreed on
};

enum { RECORD_FIRSTS_MAX = 32 };

struct record_flow {
	uint64_t pkts[2], bytes[2]; // [0] to server, [1] to client; bytes of whole frames
	uint64_t start_ns, end_ns;
	uint8_t state, reason;
	uint8_t tcp_flags[2];     // all flags seen, by direction
	uint8_t conn_state, direction; // enum flow_conn_state, enum flow_direction
	struct record_text history;
	struct record_tcp tcp;
	uint16_t tcp_options;     // enum record_tcp_option
	uint16_t tcp_mss[2];      // [0] of the client's SYN, [1] of the server's; 0: not said
	uint8_t tcp_scale[2];     // window scale plus one; 0: not said
	uint8_t ttl_min[2], ttl_max[2], dscp[2]; // of directions that have packets
	struct record_text hostname; // the server's name, from what was said: SNI, Host, a question
	uint8_t hostname_app;     // protocol that said it; 0: none did
	uint8_t service;          // enum flow_service
	uint8_t name_source;      // enum flow_name_source; this and what follows is filled by control
	struct record_text application, category;
	uint8_t confidence;       // enum flow_confidence
	uint8_t app_orig;         // protocol that led to record.app by agreement (STARTTLS, CONNECT), 0: none
	uint8_t app_guess;        // protocol of the port, if no content told one; 0: none
	uint16_t app_guess_port;
	uint64_t parent_id;       // flow_id of the flow that announced this one (FTP's control connection), 0: none
	uint8_t claimed_payload;  // ordinal of the payload in its direction that told, from 1; 0: none did
	bool claimed_to_client;
	uint64_t jitter_ns[2];    // of UDP: how uneven packets came, RFC 3550 over the gaps between them
	uint32_t part;            // ordinal of this record of the flow, from 1; 0: it is the only one
	bool elephant;
	uint64_t peak_bps;        // of an elephant, both directions together
	struct record_tunnel tunnel;
	struct record_ether ether; // client, server
	bool ether_known;
	struct record_text first_sizes, first_gaps; // int32_t each: payload bytes, negative to the client; microseconds
};

enum { RECORD_DNS_QUERIES_MAX = 16, RECORD_DNS_ANSWERS_MAX = 24, RECORD_DNS_OTHERS_MAX = 12 };

struct record_dns_query {
	uint16_t rrtype, rrclass;
	struct record_text rrname;
};

struct record_dns_answer {
	uint16_t rrtype;
	uint16_t rrclass;
	uint32_t ttl;
	struct record_text rrname, rdata;
};

struct record_dns_edns { // RFC 6891 and the options of others
	bool said;
	uint8_t version;
	uint16_t udp_size, flags;
	bool error_said;
	uint16_t error;
	struct record_text client_subnet, nsid, cookie, error_text;
};

struct record_dns {
	uint64_t rtt_ns;      // of a response: since its query; 0: not known
	uint16_t id;
	uint16_t flags;       // the 16 bits after the id
	bool response;
	uint8_t opcode;
	uint16_t rcode;       // with the bits that EDNS adds
	uint16_t rrtype, rrclass; // of the first question
	uint16_t questions, answers_said, authorities, additionals; // as the header counts them
	struct record_text rrname; // first question
	uint8_t queries;      // rows in query[]: all questions, the first included, if there are several; otherwise 0
	struct record_dns_query query[RECORD_DNS_QUERIES_MAX];
	uint8_t answers;      // rows in answer[]; those beyond RECORD_DNS_ANSWERS_MAX are only counted in answers_said
	struct record_dns_answer answer[RECORD_DNS_ANSWERS_MAX];
	uint8_t authority_rows, additional_rows; // the same of the other sections; EDNS is none of them
	struct record_dns_answer authority[RECORD_DNS_OTHERS_MAX], additional[RECORD_DNS_OTHERS_MAX];
	struct record_dns_edns edns;
};

struct record_tls {
	bool client_hello, server_hello, resumed_asked; // resumed_asked: session id or PSK offered
	bool resumed, ticket;    // it is one resumed; the server gave a ticket where that can be seen (up to TLS 1.2)
	bool retry, ech, ssl2;   // HelloRetryRequest; encrypted ClientHello; ClientHello in the form of SSL 2.0
	uint8_t alert_by;        // 0: none could be read, 1: the client's, 2: the server's
	uint8_t chain;           // certificates that the server sent
	uint16_t version;        // negotiated, 0 if no ServerHello was seen (0x0303 = TLS 1.2)
	uint16_t client_version; // highest offered
	uint16_t cipher;         // chosen, 0 if no ServerHello was seen
	uint16_t ciphers_offered, extensions_offered;
	struct record_text sni, alpn_client, alpn_server; // alpn_client: comma separated
	struct record_text ja3, ja3s, ja4;                // empty if a hello was not whole
	struct record_text alert;                         // "fatal handshake_failure": the last one
	struct record_text subject, issuer, serial, fingerprint, not_before, not_after, alt_names; // of the server's own certificate
};

struct record_http {
	uint32_t tx_id;      // ordinal of the request in its connection, from 0
	uint32_t stream_id;  // HTTP/2
	uint16_t status; // 0: no response seen
	uint64_t length; // body bytes of the response as Content-Length says, 0 if not said
	bool length_said;
	bool request, response;
	struct record_text method, hostname, url, protocol, user_agent, referer, request_type, content_type, server, redirect;
	struct record_text version; // "2" of HTTP/2, which does not write it into each message
};

// ---- of the link layer: no flow, no ends but the tags; each begins with the frame's addresses ----

// Announcement and probe: RFC 5227. Gratuitous: any other that asks or answers for the sender's own address.
enum arp_kind { ARP_REQUEST, ARP_REPLY, ARP_GRATUITOUS, ARP_PROBE, ARP_ANNOUNCEMENT, ARP_OTHER };

struct record_arp { // Ethernet and IPv4
	struct record_ether ether;
	uint16_t hw_type, proto_type, opcode;
	uint8_t kind;
	uint8_t src_mac[RECORD_MAC], dest_mac[RECORD_MAC], src_ip[RECORD_IPV4], dest_ip[RECORD_IPV4];
};

enum stp_type { STP_CONFIG, STP_RAPID, STP_TOPOLOGY_CHANGE };

struct record_stp {
	struct record_ether ether;
	uint8_t version; // 0 STP, 2 RSTP, 3 MSTP, 4 shortest path bridging
	uint8_t type;    // enum stp_type; a topology change notice has nothing further
	uint8_t role;    // of the port, from the flags; 0: not told
	bool pvst;       // Cisco's, one tree for each VLAN
	uint16_t flags;
	uint16_t pvst_vlan; // 0: not said
	uint16_t root_priority, bridge_priority, port_id;
	uint8_t root_mac[RECORD_MAC], bridge_mac[RECORD_MAC];
	uint32_t root_cost;
	uint32_t message_age_ms, max_age_ms, hello_time_ms, forward_delay_ms;
	bool mst;        // what follows is told
	uint8_t mst_hops, mst_instances;
	uint16_t mst_revision, mst_bridge_priority;
	uint8_t mst_bridge_mac[RECORD_MAC];
	uint32_t mst_cost;
	struct record_text mst_name, mst_digest;
};

struct record_cdp {
	struct record_ether ether;
	uint8_t version, ttl_s;
	uint8_t duplex; // 0: not said, 1 half, 2 full
	uint16_t native_vlan, voice_vlan, power_mw;
	uint32_t mtu;
	struct record_text device_id, port_id, platform, software, vtp_domain, system_name, location;
	struct record_text capabilities, addresses, management_addresses; // comma separated
};

enum { RECORD_LLDP_VLANS_MAX = 16, RECORD_LLDP_POLICIES_MAX = 8 };

struct record_lldp_vlan {
	uint16_t id;
	struct record_text name;
};

struct record_lldp_policy {
	uint8_t application, priority, dscp;
	bool unknown, tagged;
	uint16_t vlan;
};

struct record_lldp {
	struct record_ether ether;
	uint8_t chassis_type, port_type; // 0: none of those known
	uint16_t ttl_s;
	struct record_text chassis_id, port_id, port_description, system_name, system_description;
	struct record_text capabilities, capabilities_enabled, management_addresses; // comma separated
	// IEEE 802.1
	uint16_t pvid;
	uint8_t vlans;
	struct record_lldp_vlan vlan[RECORD_LLDP_VLANS_MAX];
	struct record_text protocol_vlans; // comma separated
	// IEEE 802.3
	bool autonegotiation, autonegotiation_enabled;
	uint16_t mau_type, frame_max;
	uint8_t power_class; // as it stands there: class + 1; 0: not said
	bool power_source;
	bool aggregated;
	uint32_t aggregation_port;
	// LLDP-MED
	uint8_t med_class;
	uint8_t med_policies;
	struct record_lldp_policy policy[RECORD_LLDP_POLICIES_MAX];
	uint32_t med_power_mw;
	struct record_text med_capabilities, hardware, firmware, software, serial, manufacturer, model, asset;
};

// ---- what hosts and routers of a link tell each other over IP: of the flow that the message is in ----

struct record_icmp {
	uint8_t type, code;
	bool pointer_said, query; // query: id and seq are told
	uint8_t gateway[RECORD_IPV4], mask[RECORD_IPV4];
	uint32_t mtu, pointer;
	uint16_t id, seq;
	uint32_t originate_ms, receive_ms, transmit_ms; // since midnight UTC
	uint16_t lifetime_s;
	struct record_text routers; // comma separated
	// of an error: the packet that it is about
	bool quoted_ports;        // they are in what is quoted
	struct record_ends quoted; // client: who sent that packet; ip_version 0: nothing is quoted
	uint8_t quoted_community_id[20]; // filled by control
};

enum { RECORD_ND_PREFIXES_MAX = 8, RECORD_ND_ROUTES_MAX = 8 };
enum nd_type { ND_ROUTER_SOLICITATION, ND_ROUTER_ADVERTISEMENT, ND_NEIGHBOR_SOLICITATION, ND_NEIGHBOR_ADVERTISEMENT, ND_REDIRECT };
enum nd_kind { ND_PLAIN, ND_DAD_PROBE, ND_UNSOLICITED };

struct record_nd_prefix {
	struct record_text prefix;
	uint8_t length;
	uint16_t flags;
	uint32_t valid_s, preferred_s;
};

struct record_nd_route {
	struct record_text prefix;
	uint8_t length, preference;
	uint32_t lifetime_s;
};

struct record_nd {
	uint8_t type, kind;  // enum nd_type, nd_kind
	uint8_t hop_limit;   // for hosts to use, of an advertisement; 0: not said
	uint8_t preference;  // of a router, RFC 4191, as it stands there
	uint16_t ra_flags, na_flags;
	uint16_t lifetime_s; // of a router
	uint32_t reachable_ms, retrans_ms;
	struct record_text target, destination;
	uint8_t src_mac[RECORD_MAC], target_mac[RECORD_MAC];
	uint32_t mtu;
	uint8_t prefixes, routes;
	struct record_nd_prefix prefix[RECORD_ND_PREFIXES_MAX];
	struct record_nd_route route[RECORD_ND_ROUTES_MAX];
	uint32_t rdnss_lifetime_s, dnssl_lifetime_s;
	struct record_text rdnss, dnssl; // comma separated
};

enum { RECORD_GROUPS_MAX = 16 };
enum multicast_type { MULTICAST_QUERY, MULTICAST_REPORT, MULTICAST_LEAVE, MULTICAST_DONE };

struct record_group {
	uint8_t type; // 1 to 6, RFC 3376 section 4.2.12
	uint16_t sources_said;
	struct record_text group, sources; // comma separated
};

struct record_multicast { // MLD and IGMP
	uint8_t type, version;
	uint8_t robustness;
	bool suppress;
	uint32_t max_response_ms, query_interval_s;
	uint16_t groups_said, sources_said;
	struct record_text group, sources; // of a query, of a report or leave of one group
	uint8_t groups;
	struct record_group row[RECORD_GROUPS_MAX];
};

struct record_stats {
	struct record_text json;
};

// Bytes of the body of a type, a multiple of 8.
uint32_t record_body_size(enum record_type type);

static inline void *record_body(struct record *r)
{
	return r + 1;
}

static inline const void *record_body_const(const struct record *r)
{
	return r + 1;
}

#endif
