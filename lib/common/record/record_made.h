// Fields that are not simply a member: how the tables of record_fields.c get their values. See FIELD_MADE_NUMBER.
#ifndef RECORD_RECORD_MADE_H
#define RECORD_RECORD_MADE_H

#include "record/record_fields.h"

typedef bool record_make_fn(const struct record *r, const struct record_context *context, struct field_value *out);

record_make_fn record_make_event_type, record_make_src_ip, record_make_dest_ip, record_make_tunnel_src_ip,
	record_make_tunnel_dest_ip, record_make_tunnel_id, record_make_src_port, record_make_dest_port,
	record_make_proto, record_make_icmp_type, record_make_icmp_code, record_make_app, record_make_community_id, record_make_sensor;
record_make_fn record_make_app_orig, record_make_app_guess, record_make_app_reason;
record_make_fn record_make_flow_age, record_make_tcp_flags, record_make_tcp_flags_ts, record_make_tcp_flags_tc;
record_make_fn record_make_tcp_wscale_ts, record_make_tcp_wscale_tc;
record_make_fn record_make_ttl_min_ts, record_make_ttl_min_tc, record_make_ttl_max_ts, record_make_ttl_max_tc, record_make_dscp_ts,
	record_make_dscp_tc, record_make_src_mac, record_make_dest_mac;
record_make_fn record_make_dns_version, record_make_dns_rcode, record_make_dns_edns_error;
record_make_fn record_make_tls_cipher;
record_make_fn record_make_http_length;
record_make_fn record_make_stp_root_cost;
record_make_fn record_make_icmp_type_name, record_make_icmp_code_name, record_make_icmp_pointer, record_make_icmp_id, record_make_icmp_seq;
record_make_fn record_make_quoted_src_ip, record_make_quoted_src_port, record_make_quoted_dest_ip, record_make_quoted_dest_port,
	record_make_quoted_proto, record_make_quoted_icmp_type, record_make_quoted_icmp_code, record_make_quoted_community_id;

// A digest as Community ID has it; false if it is all zero.
bool record_made_community_id(const uint8_t id[20], struct field_value *out);

#endif
