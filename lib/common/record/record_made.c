#include "record/record_made.h"

#include <netinet/in.h>
#include <string.h>

#include "base/ip.h"
#include "base/json.h"
#include "base/text.h"
#include "record/record_names.h"

enum { NS_PER_S = 1000000000, DNS_VERSION = 2 };

static const char hex[] = "0123456789abcdef";

static bool text(struct field_value *out, const char *from)
{
	if (from == NULL)
		return false;
	out->text = from;
	out->length = (uint32_t)strlen(from);
	return out->length > 0;
}

static bool room_until(struct field_value *out, const char *end)
{
	out->text = out->room;
	out->length = (uint32_t)(end - out->room);
	return true;
}

static bool number(struct field_value *out, uint64_t value)
{
	out->number = value;
	return true;
}

static bool text_or_number(struct field_value *out, const char *name, uint64_t value)
{
	return name != NULL ? text(out, name) : room_until(out, json_put_u64(out->room, value));
}

// ---- the header ----

bool record_make_event_type(const struct record *r, const struct record_context *context, struct field_value *out)
{
	return text(out, context->kind_of(r->type)->event_type);
}

static bool client_is_source(const struct record *r, const struct record_context *context)
{
	return r->to_server || context->kind_of(r->type)->client_first;
}

static bool address(const struct record *r, bool client, struct field_value *out)
{
	if (r->ends.ip_version != 4 && r->ends.ip_version != 6)
		return false;
	return room_until(out, record_address_put(out->room, r->ends.ip_version, client ? r->ends.client : r->ends.server));
}

bool record_make_src_ip(const struct record *r, const struct record_context *context, struct field_value *out)
{
	return address(r, client_is_source(r, context), out);
}

bool record_make_dest_ip(const struct record *r, const struct record_context *context, struct field_value *out)
{
	return address(r, !client_is_source(r, context), out);
}

static const struct record_tunnel *tunnel(const struct record *r)
{
	const struct record_flow *flow = record_body_const(r);

	return flow->tunnel.depth > 0 ? &flow->tunnel : NULL;
}

bool record_make_tunnel_src_ip(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_tunnel *t = tunnel(r);

	(void)context;
	return t != NULL && room_until(out, record_address_put(out->room, t->ip_version, t->src));
}

bool record_make_tunnel_dest_ip(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_tunnel *t = tunnel(r);

	(void)context;
	return t != NULL && room_until(out, record_address_put(out->room, t->ip_version, t->dest));
}

bool record_make_tunnel_id(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_tunnel *t = tunnel(r);

	(void)context;
	return t != NULL && t->id_known && number(out, t->id);
}

static bool port(const struct record *r, bool client, struct field_value *out)
{
	uint8_t proto = r->ends.proto;

	if (r->ends.ip_version == 0 || (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_SCTP && proto != IPPROTO_DCCP &&
				       proto != IPPROTO_UDPLITE))
		return false;
	return number(out, client ? r->ends.client_port : r->ends.server_port);
}

bool record_make_src_port(const struct record *r, const struct record_context *context, struct field_value *out)
{
	return port(r, client_is_source(r, context), out);
}

bool record_make_dest_port(const struct record *r, const struct record_context *context, struct field_value *out)
{
	return port(r, !client_is_source(r, context), out);
}

bool record_make_proto(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return r->ends.ip_version != 0 && text_or_number(out, ip_proto_name(r->ends.proto), r->ends.proto);
}

static bool icmp_is(const struct record *r)
{
	return r->ends.ip_version != 0 && (r->ends.proto == IPPROTO_ICMP || r->ends.proto == IPPROTO_ICMPV6);
}

bool record_make_icmp_type(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return icmp_is(r) && number(out, r->ends.client_port);
}

bool record_make_icmp_code(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return icmp_is(r) && !record_icmp_answered(r->ends.proto, r->ends.client_port) && number(out, r->ends.server_port);
}

bool record_make_app(const struct record *r, const struct record_context *context, struct field_value *out)
{
	return r->app != 0 && text(out, context->app_name(r->app));
}

bool record_make_app_orig(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_flow *flow = record_body_const(r);

	return flow->app_orig != 0 && text(out, context->app_name(flow->app_orig));
}

bool record_make_app_guess(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_flow *flow = record_body_const(r);

	return flow->app_guess != 0 && text(out, context->app_name(flow->app_guess));
}

// Which payload told ("payload 1 to server"), the port that a guess stands on ("tcp port 22"), or that a DNS answer named the server.
bool record_make_app_reason(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_flow *flow = record_body_const(r);
	struct text_builder b = text_builder(out->room, sizeof(out->room));

	(void)context;
	if (flow->claimed_payload != 0) {
		text_put(&b, "payload ");
		text_put_number(&b, flow->claimed_payload);
		text_put(&b, flow->claimed_to_client ? " to client" : " to server");
	} else if (flow->app_guess != 0) {
		text_put(&b, r->ends.proto == IPPROTO_TCP ? "tcp port " : "udp port ");
		text_put_number(&b, flow->app_guess_port);
	} else if (flow->confidence == FLOW_CONFIDENCE_DNS) {
		text_put(&b, "dns answer");
	}
	return b.used > 0 && room_until(out, out->room + b.used);
}

// "1:" and the digest in base64 (RFC 4648).
bool record_made_community_id(const uint8_t digest[20], struct field_value *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const uint8_t none[20];
	uint8_t id[sizeof(none) + 1] = {0}; // a multiple of three
	char *at = out->room;

	if (memcmp(digest, none, sizeof(none)) == 0)
		return false;
	memcpy(id, digest, sizeof(none));
	*at++ = '1';
	*at++ = ':';
	for (unsigned i = 0; i < sizeof(id); i += 3) {
		uint32_t word = (uint32_t)id[i] << 16 | (uint32_t)id[i + 1] << 8 | id[i + 2];

		*at++ = digits[word >> 18];
		*at++ = digits[word >> 12 & 63];
		*at++ = digits[word >> 6 & 63];
		*at++ = digits[word & 63];
	}
	at[-1] = '=';
	return room_until(out, at);
}

bool record_make_community_id(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return record_made_community_id(r->community_id, out);
}

bool record_make_sensor(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)r;
	return text(out, context->sensor);
}

// ---- flow ----

bool record_make_flow_age(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_flow *flow = record_body_const(r);

	(void)context;
	return number(out, flow->end_ns > flow->start_ns ? (flow->end_ns - flow->start_ns) / NS_PER_S : 0);
}

// A direction without packets has none of these.
static bool of_direction(const struct record *r, unsigned dir, const uint8_t of[2], struct field_value *out)
{
	return ((const struct record_flow *)record_body_const(r))->pkts[dir] > 0 && number(out, of[dir]);
}

bool record_make_ttl_min_ts(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return of_direction(r, 0, ((const struct record_flow *)record_body_const(r))->ttl_min, out);
}

bool record_make_ttl_min_tc(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return of_direction(r, 1, ((const struct record_flow *)record_body_const(r))->ttl_min, out);
}

bool record_make_ttl_max_ts(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return of_direction(r, 0, ((const struct record_flow *)record_body_const(r))->ttl_max, out);
}

bool record_make_ttl_max_tc(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return of_direction(r, 1, ((const struct record_flow *)record_body_const(r))->ttl_max, out);
}

bool record_make_dscp_ts(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return of_direction(r, 0, ((const struct record_flow *)record_body_const(r))->dscp, out);
}

bool record_make_dscp_tc(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return of_direction(r, 1, ((const struct record_flow *)record_body_const(r))->dscp, out);
}

bool record_make_src_mac(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_flow *flow = record_body_const(r);

	(void)context;
	return flow->ether_known && room_until(out, record_mac_put(out->room, flow->ether.src_mac));
}

bool record_make_dest_mac(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_flow *flow = record_body_const(r);

	(void)context;
	return flow->ether_known && room_until(out, record_mac_put(out->room, flow->ether.dest_mac));
}

static bool tcp_flags(const struct record *r, unsigned flags, struct field_value *out)
{
	if (r->ends.proto != IPPROTO_TCP)
		return false;
	out->room[0] = hex[flags >> 4];
	out->room[1] = hex[flags & 15];
	return room_until(out, out->room + 2);
}

bool record_make_tcp_flags(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_flow *flow = record_body_const(r);

	(void)context;
	return tcp_flags(r, flow->tcp_flags[0] | flow->tcp_flags[1], out);
}

bool record_make_tcp_flags_ts(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return tcp_flags(r, ((const struct record_flow *)record_body_const(r))->tcp_flags[0], out);
}

bool record_make_tcp_flags_tc(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return tcp_flags(r, ((const struct record_flow *)record_body_const(r))->tcp_flags[1], out);
}

// A scale of 0 is said too: it allows the other side to scale.
static bool tcp_wscale(uint8_t scale_plus_one, struct field_value *out)
{
	return scale_plus_one != 0 && number(out, scale_plus_one - 1u);
}

bool record_make_tcp_wscale_ts(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return tcp_wscale(((const struct record_flow *)record_body_const(r))->tcp_scale[0], out);
}

bool record_make_tcp_wscale_tc(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return tcp_wscale(((const struct record_flow *)record_body_const(r))->tcp_scale[1], out);
}

// ---- application ----

// The version of the form that Suricata 7 gives answers.
bool record_make_dns_version(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return ((const struct record_dns *)record_body_const(r))->response && number(out, DNS_VERSION);
}

bool record_make_dns_rcode(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_dns *dns = record_body_const(r);

	(void)context;
	return dns->response && text_or_number(out, record_dns_rcode_name(dns->rcode), dns->rcode);
}

// Error 0 is one too: "other".
bool record_make_dns_edns_error(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_dns *dns = record_body_const(r);

	(void)context;
	return dns->edns.error_said && number(out, dns->edns.error);
}

bool record_make_tls_cipher(const struct record *r, const struct record_context *context, struct field_value *out)
{
	uint16_t cipher = ((const struct record_tls *)record_body_const(r))->cipher;
	char *at = out->room;

	(void)context;
	*at++ = '0';
	*at++ = 'x';
	for (unsigned shift = 16; shift > 0;)
		*at++ = hex[cipher >> (shift -= 4) & 15];
	return cipher != 0 && room_until(out, at);
}

bool record_make_http_length(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_http *http = record_body_const(r);

	(void)context;
	return http->length_said && number(out, http->length);
}

// ---- of the link ----

bool record_make_stp_root_cost(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_stp *stp = record_body_const(r);

	(void)context;
	return stp->type != STP_TOPOLOGY_CHANGE && number(out, stp->root_cost);
}
