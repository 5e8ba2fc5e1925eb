// What ICMP's numbers are called, and the ends of the packet that an error quotes. Names are those of the RFCs.
#include <netinet/in.h>
#include <string.h>

#include "base/ip.h"
#include "base/json.h"
#include "record/record_made.h"
#include "record/record_names.h"

static const char *const types4[] = {
	[0] = "echo_reply", [3] = "destination_unreachable", [4] = "source_quench", [5] = "redirect", [8] = "echo_request",
	[9] = "router_advertisement", [10] = "router_solicitation", [11] = "time_exceeded", [12] = "parameter_problem",
	[13] = "timestamp_request", [14] = "timestamp_reply", [15] = "information_request", [16] = "information_reply",
	[17] = "address_mask_request", [18] = "address_mask_reply", [30] = "traceroute", [42] = "extended_echo_request",
	[43] = "extended_echo_reply",
};
static const char *const types6[] = {
	[1] = "destination_unreachable", [2] = "packet_too_big", [3] = "time_exceeded", [4] = "parameter_problem",
	[128] = "echo_request", [129] = "echo_reply", [138] = "router_renumbering", [139] = "node_information_query",
	[140] = "node_information_response", [141] = "inverse_nd_solicitation", [142] = "inverse_nd_advertisement",
	[144] = "home_agent_discovery_request", [145] = "home_agent_discovery_reply", [146] = "mobile_prefix_solicitation",
	[147] = "mobile_prefix_advertisement", [148] = "certification_path_solicitation", [149] = "certification_path_advertisement",
	[151] = "multicast_router_advertisement", [152] = "multicast_router_solicitation", [153] = "multicast_router_termination",
	[155] = "rpl_control", [157] = "duplicate_address_request", [158] = "duplicate_address_confirmation",
	[160] = "extended_echo_request", [161] = "extended_echo_reply",
};

struct code_names {
	uint8_t ip_version, type, count;
	const char *names[16];
};

static const struct code_names codes[] = {
	{4, 3, 16, {"network_unreachable", "host_unreachable", "protocol_unreachable", "port_unreachable", "fragmentation_needed",
		    "source_route_failed", "network_unknown", "host_unknown", "source_host_isolated", "network_prohibited",
		    "host_prohibited", "network_unreachable_for_tos", "host_unreachable_for_tos", "administratively_prohibited",
		    "host_precedence_violation", "precedence_cutoff"}},
	{4, 5, 4, {"network", "host", "network_for_tos", "host_for_tos"}},
	{4, 11, 2, {"ttl_exceeded", "reassembly_time_exceeded"}},
	{4, 12, 3, {"pointer", "missing_option", "bad_length"}},
	{6, 1, 8, {"no_route", "administratively_prohibited", "beyond_scope", "address_unreachable", "port_unreachable",
		   "source_address_failed_policy", "reject_route", "source_routing_header"}},
	{6, 3, 2, {"hop_limit_exceeded", "reassembly_time_exceeded"}},
	{6, 4, 3, {"erroneous_header", "unknown_next_header", "unknown_option"}},
};

static const struct record_icmp *icmp_of(const struct record *r)
{
	return record_body_const(r);
}

static bool text(const char *from, struct field_value *out)
{
	if (from == NULL)
		return false;
	out->text = from;
	out->length = (uint32_t)strlen(from);
	return true;
}

static bool room_until(const char *end, struct field_value *out)
{
	out->text = out->room;
	out->length = (uint32_t)(end - out->room);
	return true;
}

static bool number(bool said, uint64_t value, struct field_value *out)
{
	out->number = value;
	return said;
}

bool record_make_icmp_type_name(const struct record *r, const struct record_context *context, struct field_value *out)
{
	uint8_t type = icmp_of(r)->type;
	size_t count = r->ends.ip_version == 4 ? sizeof(types4) / sizeof(types4[0]) : sizeof(types6) / sizeof(types6[0]);

	(void)context;
	return type < count && text((r->ends.ip_version == 4 ? types4 : types6)[type], out);
}

bool record_make_icmp_code_name(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_icmp *icmp = icmp_of(r);

	(void)context;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].ip_version == r->ends.ip_version && codes[i].type == icmp->type)
			return icmp->code < codes[i].count && text(codes[i].names[icmp->code], out);
	return false;
}

bool record_make_icmp_pointer(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return number(icmp_of(r)->pointer_said, icmp_of(r)->pointer, out);
}

bool record_make_icmp_id(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return number(icmp_of(r)->query, icmp_of(r)->id, out);
}

bool record_make_icmp_seq(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return number(icmp_of(r)->query, icmp_of(r)->seq, out);
}

// ---- the packet that an error quotes ----

static bool address(const struct record_ends *e, const uint8_t *bytes, struct field_value *out)
{
	return (e->ip_version == 4 || e->ip_version == 6) && room_until(record_address_put(out->room, e->ip_version, bytes), out);
}

static bool quoted_is_icmp(const struct record_icmp *icmp)
{
	return icmp->quoted.proto == IPPROTO_ICMP || icmp->quoted.proto == IPPROTO_ICMPV6;
}

bool record_make_quoted_src_ip(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return address(&icmp_of(r)->quoted, icmp_of(r)->quoted.client, out);
}

bool record_make_quoted_dest_ip(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return address(&icmp_of(r)->quoted, icmp_of(r)->quoted.server, out);
}

bool record_make_quoted_src_port(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_icmp *icmp = icmp_of(r);

	(void)context;
	return number(icmp->quoted_ports && !quoted_is_icmp(icmp), icmp->quoted.client_port, out);
}

bool record_make_quoted_dest_port(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_icmp *icmp = icmp_of(r);

	(void)context;
	return number(icmp->quoted_ports && !quoted_is_icmp(icmp), icmp->quoted.server_port, out);
}

bool record_make_quoted_proto(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_ends *e = &icmp_of(r)->quoted;
	const char *name = ip_proto_name(e->proto);

	(void)context;
	if (e->ip_version == 0)
		return false;
	return name != NULL ? text(name, out) : room_until(json_put_u64(out->room, e->proto), out);
}

bool record_make_quoted_icmp_type(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_icmp *icmp = icmp_of(r);

	(void)context;
	return number(icmp->quoted_ports && quoted_is_icmp(icmp), icmp->quoted.client_port, out);
}

bool record_make_quoted_icmp_code(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct record_icmp *icmp = icmp_of(r);

	(void)context;
	return number(icmp->quoted_ports && quoted_is_icmp(icmp) && !record_icmp_answered(icmp->quoted.proto, icmp->quoted.client_port),
		      icmp->quoted.server_port, out);
}

bool record_make_quoted_community_id(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return record_made_community_id(icmp_of(r)->quoted_community_id, out);
}
