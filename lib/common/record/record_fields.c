// The tables. A new field is a row here and nothing elsewhere; rows of one EVE object stand together. EVE names are Suricata's;
// what is ours alone stands under "spanwatch" or has a name that Suricata does not use.
#include "record/record_fields.h"

#include <stddef.h>

#include "base/tunnel.h"
#include "record/record_fields_row.h"
#include "record/record_made.h"
#include "record/record_names.h"

static const char *const flow_states[] = {"new", "established", "closed"};
static const char *const conn_states[] = {"OTH", "S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR"};
static const char *const tcp_states[] = {"none", "syn_sent", "syn_recv", "established", "fin_wait1", "fin_wait2", "close_wait", "closing",
					 "last_ack", "time_wait", "closed"}; // Suricata's spelling
static const char *const tcp_ends[] = {"none", "client", "server"};
static const char *const flow_reasons[] = {"timeout", "tcp_reuse", "shutdown", "forced", "active"};
static const char *const confidences[] = {"", "content", "behaviour", "port", "dns"};
static const char *const name_sources[FLOW_NAME_SOURCES] = {"", "sni", "host", "dns", "question", "said"};
static const char *const services[FLOW_SERVICES] = {"", "https", "doh", "dot", "doq", "imaps", "pop3s", "ftps", "xmpps", "mqtts", "postgresql", "ircs",
						    "sips", "turns", "nts-ke", "smb"};
static const char *const dns_types[] = {"query", "answer"};

const struct record_field record_common_fields[] = {
	{FIELD("timestamp", TIME, record, time_ns), TOP("timestamp"), .ipfix = 325, .unit = "ns"},
	{FIELD("flow_id", U64, record, flow_id), TOP("flow_id"), .flags = FIELD_OMIT_ZERO, .ipfix = 148},
	{MADE("event_type", TEXT, event_type), TOP("event_type")},
	{FIELD("vlan", LIST16, record, ends.vlan), TOP("vlan"), .ipfix = 243, ROWS(record, ends.vlan, ends.vlans, RECORD_VLANS_MAX)},
	{MADE("src_ip", TEXT, src_ip), TOP("src_ip"), .ipfix = 8}, // 27 for IPv6
	{MADE("src_port", NUMBER, src_port), TOP("src_port"), .ipfix = 7},
	{MADE("dest_ip", TEXT, dest_ip), TOP("dest_ip"), .ipfix = 12}, // 28 for IPv6
	{MADE("dest_port", NUMBER, dest_port), TOP("dest_port"), .ipfix = 11},
	{MADE("proto", TEXT, proto), TOP("proto"), .ipfix = 4},
	{MADE("icmp_type", NUMBER, icmp_type), TOP("icmp_type"), .ipfix = 176}, // 178 for IPv6
	{MADE("icmp_code", NUMBER, icmp_code), TOP("icmp_code"), .ipfix = 177}, // 179 for IPv6
	{MADE("app_proto", TEXT, app), TOP("app_proto"), .ipfix = 96},
	{MADE("community_id", TEXT, community_id), TOP("community_id")},
	{MADE("sensor", TEXT, sensor), IN("spanwatch", "sensor"), .ipfix = 300},
	{FIELD("port", U16, record, port), IN("spanwatch", "port"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_field flow_fields[] = {
	{FIELD("hostname", TEXT, record_flow, hostname), IN("spanwatch", "hostname")},
	{FIELD("sni_source", NAME8, record_flow, name_source), IN("spanwatch", "sni_source"), .flags = FIELD_OMIT_ZERO, NAMES(name_sources)},
	{FIELD("service", NAME8, record_flow, service), IN("spanwatch", "service"), .flags = FIELD_OMIT_ZERO, NAMES(services)},
	{FIELD("application", TEXT, record_flow, application), IN("spanwatch", "application")},
	{FIELD("category", TEXT, record_flow, category), IN("spanwatch", "category")},
	{FIELD("app_confidence", NAME8, record_flow, confidence), IN("spanwatch", "app_confidence"), .flags = FIELD_OMIT_ZERO,
	 NAMES(confidences)},
	{MADE("app_reason", TEXT, app_reason), IN("spanwatch", "app_reason")},
	{FIELD("parent_flow_id", U64, record_flow, parent_id), IN("spanwatch", "parent_flow_id"), .flags = FIELD_OMIT_ZERO},
	{MADE("app_guess", TEXT, app_guess), IN("spanwatch", "app_guess")},
	{FIELD("conn_state", NAME8, record_flow, conn_state), IN("spanwatch", "conn_state"), NAMES(conn_states)},
	{FIELD("history", TEXT, record_flow, history), IN("spanwatch", "history")},
	{FIELD("direction_reason", NAME8, record_flow, direction), IN("spanwatch", "direction_reason"), NAMES(record_direction_names)},
	{FIELD("part", U32, record_flow, part), IN("spanwatch", "part"), .flags = FIELD_OMIT_ZERO},
	{FIELD("elephant", BOOL, record_flow, elephant), IN("spanwatch", "elephant"), .flags = FIELD_OMIT_ZERO},
	{FIELD("peak_bps", U64, record_flow, peak_bps), IN("spanwatch", "peak_bps"), .flags = FIELD_OMIT_ZERO, .unit = "bit/s"},
	{FIELD("first_sizes", LIST32, record_flow, first_sizes), IN("spanwatch", "first_sizes"), .unit = "bytes"},
	{FIELD("first_gaps_us", LIST32, record_flow, first_gaps), IN("spanwatch", "first_gaps_us"), .unit = "us"},
	{MADE("app_proto_orig", TEXT, app_orig), TOP("app_proto_orig")},
	{MADE("src_mac", TEXT, src_mac), IN("ether", "src_mac"), .ipfix = 56},
	{MADE("dest_mac", TEXT, dest_mac), IN("ether", "dest_mac"), .ipfix = 80},
	{FIELD("pkts_toserver", U64, record_flow, pkts[0]), IN("flow", "pkts_toserver"), .ipfix = 298, .unit = "packets"},
	{FIELD("pkts_toclient", U64, record_flow, pkts[1]), IN("flow", "pkts_toclient"), .ipfix = 299, .unit = "packets"},
	{FIELD("bytes_toserver", U64, record_flow, bytes[0]), IN("flow", "bytes_toserver"), .ipfix = 352, .unit = "bytes"},
	{FIELD("bytes_toclient", U64, record_flow, bytes[1]), IN("flow", "bytes_toclient"), .unit = "bytes"},
	{FIELD("start", TIME, record_flow, start_ns), IN("flow", "start"), .ipfix = 156, .unit = "ns"},
	{FIELD("end", TIME, record_flow, end_ns), IN("flow", "end"), .ipfix = 157, .unit = "ns"},
	{MADE("age", NUMBER, flow_age), IN("flow", "age"), .unit = "s"},
	{FIELD("state", NAME8, record_flow, state), IN("flow", "state"), NAMES(flow_states)},
	{FIELD("reason", NAME8, record_flow, reason), IN("flow", "reason"), .ipfix = 136, NAMES(flow_reasons)},
	{MADE("ttl_min_toserver", NUMBER, ttl_min_ts), IN("ip", "ttl_min_toserver"), .ipfix = 52},
	{MADE("ttl_max_toserver", NUMBER, ttl_max_ts), IN("ip", "ttl_max_toserver"), .ipfix = 53},
	{MADE("ttl_min_toclient", NUMBER, ttl_min_tc), IN("ip", "ttl_min_toclient")},
	{MADE("ttl_max_toclient", NUMBER, ttl_max_tc), IN("ip", "ttl_max_toclient")},
	{MADE("dscp_toserver", NUMBER, dscp_ts), IN("ip", "dscp_toserver"), .ipfix = 195},
	{MADE("dscp_toclient", NUMBER, dscp_tc), IN("ip", "dscp_toclient")},
	{MADE("tcp_flags", TEXT, tcp_flags), IN("tcp", "tcp_flags"), .ipfix = 6},
	{MADE("tcp_flags_ts", TEXT, tcp_flags_ts), IN("tcp", "tcp_flags_ts")},
	{MADE("tcp_flags_tc", TEXT, tcp_flags_tc), IN("tcp", "tcp_flags_tc")},
	{FIELD("tcp_state_client", NAME8, record_flow, tcp.state[0]), IN("tcp", "state_client"), .flags = FIELD_OMIT_ZERO, NAMES(tcp_states)},
	{FIELD("tcp_state_server", NAME8, record_flow, tcp.state[1]), IN("tcp", "state_server"), .flags = FIELD_OMIT_ZERO, NAMES(tcp_states)},
	{FIELD("tcp_reset_by", NAME8, record_flow, tcp.reset_by), IN("tcp", "reset_by"), .flags = FIELD_OMIT_ZERO, NAMES(tcp_ends)},
	{FIELD("tcp_ecn", BOOL, record_flow, tcp.ecn), IN("tcp", "ecn"), .flags = FIELD_OMIT_ZERO},
	TCP_MS("handshake_rtt_ms", handshake_ns),
	TCP_MS("syn_rtt_ms", syn_rtt_ns),
	TCP_MS("ack_rtt_ms", ack_rtt_ns),
	{FIELD("tcp_rtt_samples", U32, record_flow, tcp.rtt_samples), IN("tcp", "rtt_samples"), .flags = FIELD_OMIT_ZERO},
	TCP_MS("rtt_min_ms", rtt_min_ns),
	TCP_MS("rtt_avg_ms", rtt_avg_ns),
	TCP_MS("rtt_max_ms", rtt_max_ns),
	TCP_MS("rtt_last_ms", rtt_last_ns),
	TCP_MS("srtt_ms", rtt_smooth_ns),
	TCP_MS("ttfb_ms_toserver", first_byte_ns[0]),
	TCP_MS("ttfb_ms_toclient", first_byte_ns[1]),
	TCP_MS("idle_max_ms", idle_max_ns),
	TCP_COUNT("retransmissions", count[FLOW_TCP_RETRANSMISSIONS]),
	TCP_COUNT("fast_retransmits", count[FLOW_TCP_FAST]),
	TCP_COUNT("spurious_retransmits", count[FLOW_TCP_SPURIOUS]),
	TCP_COUNT("out_of_order", count[FLOW_TCP_OUT_OF_ORDER]),
	TCP_COUNT("lost_segments", lost),
	TCP_COUNT("acked_unseen", count[FLOW_TCP_ACKED_UNSEEN]),
	TCP_COUNT("dup_acks", count[FLOW_TCP_DUP_ACKS]),
	TCP_COUNT("zero_window", count[FLOW_TCP_ZERO_WINDOW]),
	TCP_COUNT("window_full", count[FLOW_TCP_WINDOW_FULL]),
	TCP_COUNT("keep_alives", count[FLOW_TCP_KEEP_ALIVES]),
	{FIELD("tcp_mss_ts", U16, record_flow, tcp_mss[0]), IN("tcp", "mss_ts"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("tcp_mss_tc", U16, record_flow, tcp_mss[1]), IN("tcp", "mss_tc"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{MADE("tcp_wscale_ts", NUMBER, tcp_wscale_ts), IN("tcp", "wscale_ts")},
	{MADE("tcp_wscale_tc", NUMBER, tcp_wscale_tc), IN("tcp", "wscale_tc")},
	{FIELD("tcp_sack_permitted", BIT16, record_flow, tcp_options), IN("tcp", "sack_permitted"), .bit = RECORD_TCP_SACK},
	{FIELD("tcp_timestamps", BIT16, record_flow, tcp_options), IN("tcp", "timestamps"), .bit = RECORD_TCP_TIMESTAMPS},
	{FIELD("tcp_fastopen", BIT16, record_flow, tcp_options), IN("tcp", "fastopen"), .bit = RECORD_TCP_FAST_OPEN},
	{FIELD("tcp_md5", BIT16, record_flow, tcp_options), IN("tcp", "md5"), .bit = RECORD_TCP_MD5},
	{FIELD("tcp_ao", BIT16, record_flow, tcp_options), IN("tcp", "ao"), .bit = RECORD_TCP_AO},
	{FIELD("tcp_mptcp", BIT16, record_flow, tcp_options), IN("tcp", "mptcp"), .bit = RECORD_TCP_MPTCP},
	{FIELD("udp_jitter_ms_toserver", MS, record_flow, jitter_ns[0]), IN("udp", "jitter_ms_toserver"), .flags = FIELD_OMIT_ZERO, .unit = "ns"},
	{FIELD("udp_jitter_ms_toclient", MS, record_flow, jitter_ns[1]), IN("udp", "jitter_ms_toclient"), .flags = FIELD_OMIT_ZERO, .unit = "ns"},
	{FIELD("tunnel_kind", NAME8, record_flow, tunnel.kind), IN("tunnel", "kind"), .flags = FIELD_OMIT_ZERO,
	 .names = tunnel_names, .names_count = TUNNEL_KINDS},
	{MADE("tunnel_id", NUMBER, tunnel_id), IN("tunnel", "id"), .ipfix = 351},
	{MADE("tunnel_src_ip", TEXT, tunnel_src_ip), IN("tunnel", "src_ip")},
	{FIELD("tunnel_src_port", U16, record_flow, tunnel.src_port), IN("tunnel", "src_port"), .flags = FIELD_OMIT_ZERO},
	{MADE("tunnel_dest_ip", TEXT, tunnel_dest_ip), IN("tunnel", "dest_ip")},
	{FIELD("tunnel_dest_port", U16, record_flow, tunnel.dest_port), IN("tunnel", "dest_port"), .flags = FIELD_OMIT_ZERO},
	{FIELD("tunnel_depth", U8, record_flow, tunnel.depth), IN("tunnel", "depth"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_field dns_query_fields[] = {
	{FIELD("rrname", TEXT, record_dns_query, rrname), TOP("rrname")},
	{FIELD("rrtype", NAME16, record_dns_query, rrtype), TOP("rrtype"), .name_of = record_dns_type_name},
	{0},
};

static const struct record_field dns_answer_fields[] = {
	{FIELD("rrname", TEXT, record_dns_answer, rrname), TOP("rrname")},
	{FIELD("rrtype", NAME16, record_dns_answer, rrtype), TOP("rrtype"), .name_of = record_dns_type_name},
	{FIELD("ttl", U32, record_dns_answer, ttl), TOP("ttl"), .unit = "s"},
	{FIELD("rdata", TEXT, record_dns_answer, rdata), TOP("rdata")},
	{0},
};

static const struct record_field dns_fields[] = {
	{MADE("version", NUMBER, dns_version), IN("@", "version")},
	{FIELD("type", NAME8, record_dns, response), IN("@", "type"), NAMES(dns_types)},
	{FIELD("id", U16, record_dns, id), IN("@", "id")},
	{FIELD("flags", HEX16, record_dns, flags), IN("@", "flags")},
	{FIELD("qr", BIT16, record_dns, flags), IN("@", "qr"), .bit = 0x8000},
	{FIELD("aa", BIT16, record_dns, flags), IN("@", "aa"), .bit = 0x0400},
	{FIELD("tc", BIT16, record_dns, flags), IN("@", "tc"), .bit = 0x0200},
	{FIELD("rd", BIT16, record_dns, flags), IN("@", "rd"), .bit = 0x0100},
	{FIELD("ra", BIT16, record_dns, flags), IN("@", "ra"), .bit = 0x0080},
	{FIELD("z", BIT16, record_dns, flags), IN("@", "z"), .bit = 0x0040},
	{FIELD("opcode", U8, record_dns, opcode), IN("@", "opcode")},
	{FIELD("rrname", TEXT, record_dns, rrname), IN("@", "rrname")},
	{FIELD("rrtype", NAME16, record_dns, rrtype), IN("@", "rrtype"), .flags = FIELD_OMIT_ZERO, .name_of = record_dns_type_name},
	{FIELD("rrclass", U16, record_dns, rrclass)},
	{MADE("rcode", TEXT, dns_rcode), IN("@", "rcode")},
	{FIELD("questions", U16, record_dns, questions)},
	{FIELD("answers_said", U16, record_dns, answers_said), IN("@", "answer_count"), .flags = FIELD_OMIT_ZERO},
	{FIELD("authorities_said", U16, record_dns, authorities), IN("@", "authority_count"), .flags = FIELD_OMIT_ZERO},
	{FIELD("additionals_said", U16, record_dns, additionals), IN("@", "additional_count"), .flags = FIELD_OMIT_ZERO},
	{FIELD("rtt_ms", MS, record_dns, rtt_ns), IN("@", "rtt_ms"), .flags = FIELD_OMIT_ZERO, .unit = "ns"},
	{FIELD("queries", ROWS, record_dns, query), IN("@", "queries"), .row_fields = dns_query_fields,
	 ROWS(record_dns, query, queries, RECORD_DNS_QUERIES_MAX)},
	{FIELD("answers", ROWS, record_dns, answer), IN("@", "answers"), .row_fields = dns_answer_fields,
	 ROWS(record_dns, answer, answers, RECORD_DNS_ANSWERS_MAX)},
	{FIELD("authorities", ROWS, record_dns, authority), IN("@", "authorities"), .row_fields = dns_answer_fields,
	 ROWS(record_dns, authority, authority_rows, RECORD_DNS_OTHERS_MAX)},
	{FIELD("additionals", ROWS, record_dns, additional), IN("@", "additionals"), .row_fields = dns_answer_fields,
	 ROWS(record_dns, additional, additional_rows, RECORD_DNS_OTHERS_MAX)},
	{FIELD("edns", BOOL, record_dns, edns.said)},
	{FIELD("edns_version", U8, record_dns, edns.version), IN("@.edns", "version"), .flags = FIELD_OMIT_ZERO},
	{FIELD("edns_udp_size", U16, record_dns, edns.udp_size), IN("@.edns", "udp_size"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("edns_do", BIT16, record_dns, edns.flags), IN("@.edns", "do"), .bit = 0x8000},
	{FIELD("edns_client_subnet", TEXT, record_dns, edns.client_subnet), IN("@.edns", "client_subnet")},
	{FIELD("edns_nsid", TEXT, record_dns, edns.nsid), IN("@.edns", "nsid")},
	{FIELD("edns_cookie", TEXT, record_dns, edns.cookie), IN("@.edns", "cookie")},
	{MADE("edns_error", NUMBER, dns_edns_error), IN("@.edns", "error")},
	{FIELD("edns_error_text", TEXT, record_dns, edns.error_text), IN("@.edns", "error_text")},
	{0},
};

static const char *const tls_ends[] = {"none", "client", "server"};

static const struct record_field tls_fields[] = {
	{FIELD("subject", TEXT, record_tls, subject), IN("tls", "subject")},
	{FIELD("issuer", TEXT, record_tls, issuer), IN("tls", "issuerdn")},
	{FIELD("serial", TEXT, record_tls, serial), IN("tls", "serial")},
	{FIELD("fingerprint", TEXT, record_tls, fingerprint), IN("tls", "fingerprint")},
	{FIELD("sni", TEXT, record_tls, sni), IN("tls", "sni")},
	{FIELD("version", NAME16, record_tls, version), IN("tls", "version"), .flags = FIELD_OMIT_ZERO,
	 .name_of = record_tls_version_name},
	{FIELD("client_version", NAME16, record_tls, client_version), IN("tls", "client_version"), .flags = FIELD_OMIT_ZERO,
	 .name_of = record_tls_version_name},
	{FIELD("notbefore", TEXT, record_tls, not_before), IN("tls", "notbefore")},
	{FIELD("notafter", TEXT, record_tls, not_after), IN("tls", "notafter")},
	{FIELD("subjectaltname", TEXT_LIST, record_tls, alt_names), IN("tls", "subjectaltname")},
	{FIELD("chain_length", U8, record_tls, chain), IN("tls", "chain_length"), .flags = FIELD_OMIT_ZERO},
	{MADE("cipher", TEXT, tls_cipher), IN("tls", "cipher")},
	{FIELD("client_hello", BOOL, record_tls, client_hello), IN("tls", "client_hello"), .flags = FIELD_OMIT_ZERO},
	{FIELD("server_hello", BOOL, record_tls, server_hello), IN("tls", "server_hello"), .flags = FIELD_OMIT_ZERO},
	{FIELD("resumption_offered", BOOL, record_tls, resumed_asked), IN("tls", "resumption_offered"), .flags = FIELD_OMIT_ZERO},
	{FIELD("session_resumed", BOOL, record_tls, resumed), IN("tls", "session_resumed"), .flags = FIELD_OMIT_ZERO},
	{FIELD("session_ticket", BOOL, record_tls, ticket), IN("tls", "session_ticket"), .flags = FIELD_OMIT_ZERO},
	{FIELD("hello_retry", BOOL, record_tls, retry), IN("tls", "hello_retry"), .flags = FIELD_OMIT_ZERO},
	{FIELD("ech", BOOL, record_tls, ech), IN("tls", "ech"), .flags = FIELD_OMIT_ZERO},
	{FIELD("sslv2_hello", BOOL, record_tls, ssl2), IN("tls", "sslv2_hello"), .flags = FIELD_OMIT_ZERO},
	{FIELD("alert", TEXT, record_tls, alert), IN("tls", "alert")},
	{FIELD("alert_by", NAME8, record_tls, alert_by), IN("tls", "alert_by"), .flags = FIELD_OMIT_ZERO, NAMES(tls_ends)},
	{FIELD("ciphers_offered", U16, record_tls, ciphers_offered), IN("tls", "ciphers_offered"), .flags = FIELD_OMIT_ZERO},
	{FIELD("extensions_offered", U16, record_tls, extensions_offered), IN("tls", "extensions_offered"), .flags = FIELD_OMIT_ZERO},
	{FIELD("client_alpns", TEXT_LIST, record_tls, alpn_client), IN("tls", "client_alpns")},
	{FIELD("server_alpns", TEXT_LIST, record_tls, alpn_server), IN("tls", "server_alpns")},
	{FIELD("ja4", TEXT, record_tls, ja4), IN("tls", "ja4")},
	{FIELD("ja3", TEXT, record_tls, ja3), IN("tls.ja3", "hash")},
	{FIELD("ja3s", TEXT, record_tls, ja3s), IN("tls.ja3s", "hash")},
	{0},
};

static const struct record_field http_fields[] = {
	{FIELD("tx_id", U32, record_http, tx_id), TOP("tx_id")},
	{FIELD("hostname", TEXT, record_http, hostname), IN("http", "hostname"), .ipfix = 460},
	{FIELD("url", TEXT, record_http, url), IN("http", "url"), .ipfix = 461},
	{FIELD("user_agent", TEXT, record_http, user_agent), IN("http", "http_user_agent"), .ipfix = 468},
	{FIELD("content_type", TEXT, record_http, content_type), IN("http", "http_content_type"), .ipfix = 469},
	{FIELD("referer", TEXT, record_http, referer), IN("http", "http_refer")},
	{FIELD("method", TEXT, record_http, method), IN("http", "http_method"), .ipfix = 459},
	{FIELD("protocol", TEXT, record_http, protocol), IN("http", "protocol"), .ipfix = 462},
	{FIELD("version", TEXT, record_http, version), IN("http", "version")},
	{FIELD("status", U16, record_http, status), IN("http", "status"), .flags = FIELD_OMIT_ZERO, .ipfix = 457},
	{FIELD("redirect", TEXT, record_http, redirect), IN("http", "redirect")},
	{MADE("length", NUMBER, http_length), IN("http", "length"), .unit = "bytes"},
	{FIELD("server", TEXT, record_http, server), IN("http", "server")},
	{FIELD("request_type", TEXT, record_http, request_type), IN("http", "request_content_type")},
	{FIELD("http2_stream", U32, record_http, stream_id), IN("http.http2", "stream_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("request_seen", BOOL, record_http, request)},
	{FIELD("response_seen", BOOL, record_http, response)},
	{0},
};

static const struct record_field stats_fields[] = {
	{FIELD("stats", RAW_JSON, record_stats, json), TOP("stats")},
	{0},
};

static const struct record_field aggregate_fields[] = {
	{FIELD("aggregate", RAW_JSON, record_stats, json), TOP("aggregate")},
	{0},
};

const struct record_kind record_kinds[RECORD_TYPES] = {
	[RECORD_FLOW] = {.event_type = "flow", BODY(record_flow), .client_first = true, .fields = flow_fields},
	[RECORD_DNS] = {.event_type = "dns", BODY(record_dns), .fields = dns_fields},
	[RECORD_MDNS] = {.event_type = "mdns", BODY(record_dns), .fields = dns_fields},
	[RECORD_LLMNR] = {.event_type = "llmnr", BODY(record_dns), .fields = dns_fields},
	[RECORD_TLS] = {.event_type = "tls", BODY(record_tls), .client_first = true, .fields = tls_fields},
	[RECORD_HTTP] = {.event_type = "http", BODY(record_http), .client_first = true, .fields = http_fields},
	[RECORD_ARP] = {.event_type = "arp", BODY(record_arp), .fields = record_arp_fields},
	[RECORD_STP] = {.event_type = "stp", BODY(record_stp), .fields = record_stp_fields},
	[RECORD_CDP] = {.event_type = "cdp", BODY(record_cdp), .fields = record_cdp_fields},
	[RECORD_LLDP] = {.event_type = "lldp", BODY(record_lldp), .fields = record_lldp_fields},
	[RECORD_ICMP] = {.event_type = "icmp", BODY(record_icmp), .fields = record_icmp_fields},
	[RECORD_ND] = {.event_type = "nd", BODY(record_nd), .fields = record_nd_fields},
	[RECORD_MLD] = {.event_type = "mld", BODY(record_multicast), .fields = record_multicast_fields},
	[RECORD_IGMP] = {.event_type = "igmp", BODY(record_multicast), .fields = record_multicast_fields},
	[RECORD_STATS] = {.event_type = "stats", BODY(record_stats), .fields = stats_fields},
	[RECORD_AGGREGATE] = {.event_type = "aggregate", BODY(record_stats), .fields = aggregate_fields},
};

uint32_t record_body_size(enum record_type type)
{
	return record_kinds[type].body_size;
}
