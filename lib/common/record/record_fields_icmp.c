// The tables of ICMP, neighbour discovery, MLD and IGMP. These messages are packets of a flow: the common fields are its.
#include "record/record_fields_row.h"
#include "record/record_made.h"
#include "record/record_names.h"

static const char *const nd_types[] = {"router_solicitation", "router_advertisement", "neighbor_solicitation", "neighbor_advertisement",
				       "redirect"};
static const char *const nd_kinds[] = {"", "dad_probe", "unsolicited_advertisement"};
static const char *const preferences[] = {"medium", "high", "reserved", "low"};
static const char *const multicast_types[] = {"query", "report", "leave", "done"};
static const char *const group_types[] = {"", "mode_is_include", "mode_is_exclude", "change_to_include_mode", "change_to_exclude_mode",
					  "allow_new_sources", "block_old_sources"};

// ---- icmp ----

#define ICMP(name_, kind_, member) FIELD(name_, kind_, record_icmp, member), IN("icmp", name_), .flags = FIELD_OMIT_ZERO
#define QUOTED(key, kind_) MADE("quoted_" #key, kind_, quoted_##key), IN("icmp.quoted", #key)

const struct record_field record_icmp_fields[] = {
	{FIELD("type", U8, record_icmp, type), IN("icmp", "type")},
	{FIELD("code", U8, record_icmp, code), IN("icmp", "code")},
	{MADE("type_name", TEXT, icmp_type_name), IN("icmp", "type_name")},
	{MADE("code_name", TEXT, icmp_code_name), IN("icmp", "code_name")},
	{ICMP("mtu", U32, mtu), .unit = "bytes"},
	{ICMP("gateway", IPV4, gateway)},
	{MADE("pointer", NUMBER, icmp_pointer), IN("icmp", "pointer")},
	{MADE("id", NUMBER, icmp_id), IN("icmp", "id")},
	{MADE("seq", NUMBER, icmp_seq), IN("icmp", "seq")},
	{ICMP("originate_ms", U32, originate_ms), .unit = "ms"},
	{ICMP("receive_ms", U32, receive_ms), .unit = "ms"},
	{ICMP("transmit_ms", U32, transmit_ms), .unit = "ms"},
	{ICMP("mask", IPV4, mask)},
	{ICMP("lifetime", U16, lifetime_s), .unit = "s"},
	{ICMP("routers", TEXT_LIST, routers)},
	{QUOTED(src_ip, TEXT)},
	{QUOTED(src_port, NUMBER)},
	{QUOTED(dest_ip, TEXT)},
	{QUOTED(dest_port, NUMBER)},
	{QUOTED(proto, TEXT)},
	{QUOTED(icmp_type, NUMBER)},
	{QUOTED(icmp_code, NUMBER)},
	{QUOTED(community_id, TEXT)},
	{0},
};

// ---- neighbour discovery ----

#define ND(name_, kind_, member) FIELD(name_, kind_, record_nd, member), IN("nd", name_)
#define ND_FLAG(name_, member, bit_) {ND(name_, BIT16, member), .bit = bit_}

static const struct record_field prefix_fields[] = {
	{FIELD("prefix", TEXT, record_nd_prefix, prefix), TOP("prefix")},
	{FIELD("length", U8, record_nd_prefix, length), TOP("length")},
	{FIELD("on_link", BIT16, record_nd_prefix, flags), TOP("on_link"), .bit = 0x80},
	{FIELD("autonomous", BIT16, record_nd_prefix, flags), TOP("autonomous"), .bit = 0x40},
	{FIELD("valid_lifetime", U32, record_nd_prefix, valid_s), TOP("valid_lifetime"), .unit = "s"},
	{FIELD("preferred_lifetime", U32, record_nd_prefix, preferred_s), TOP("preferred_lifetime"), .unit = "s"},
	{0},
};

static const struct record_field route_fields[] = {
	{FIELD("prefix", TEXT, record_nd_route, prefix), TOP("prefix")},
	{FIELD("length", U8, record_nd_route, length), TOP("length")},
	{FIELD("preference", NAME8, record_nd_route, preference), TOP("preference"), NAMES(preferences)},
	{FIELD("lifetime", U32, record_nd_route, lifetime_s), TOP("lifetime"), .unit = "s"},
	{0},
};

const struct record_field record_nd_fields[] = {
	{ND("type", NAME8, type), NAMES(nd_types)},
	{ND("kind", NAME8, kind), .flags = FIELD_OMIT_ZERO, NAMES(nd_kinds)},
	{ND("hop_limit", U8, hop_limit), .flags = FIELD_OMIT_ZERO},
	ND_FLAG("managed", ra_flags, 0x80),
	ND_FLAG("other", ra_flags, 0x40),
	ND_FLAG("home_agent", ra_flags, 0x20),
	{ND("preference", NAME8, preference), .flags = FIELD_OMIT_ZERO, NAMES(preferences)},
	{ND("lifetime", U16, lifetime_s), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{ND("reachable_ms", U32, reachable_ms), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{ND("retrans_ms", U32, retrans_ms), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	ND_FLAG("router", na_flags, 0x80),
	ND_FLAG("solicited", na_flags, 0x40),
	ND_FLAG("override", na_flags, 0x20),
	{ND("target", TEXT, target)},
	{ND("destination", TEXT, destination)},
	{ND("src_mac", MAC, src_mac), .flags = FIELD_OMIT_ZERO},
	{ND("target_mac", MAC, target_mac), .flags = FIELD_OMIT_ZERO},
	{ND("mtu", U32, mtu), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{ND("prefixes", ROWS, prefix), .row_fields = prefix_fields, ROWS(record_nd, prefix, prefixes, RECORD_ND_PREFIXES_MAX)},
	{ND("routes", ROWS, route), .row_fields = route_fields, ROWS(record_nd, route, routes, RECORD_ND_ROUTES_MAX)},
	{ND("rdnss", TEXT_LIST, rdnss)},
	{ND("rdnss_lifetime", U32, rdnss_lifetime_s), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{ND("dnssl", TEXT_LIST, dnssl)},
	{ND("dnssl_lifetime", U32, dnssl_lifetime_s), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{0},
};

// ---- mld, igmp ----

#define MULTICAST(name_, kind_, member) FIELD(name_, kind_, record_multicast, member), IN("@", name_)

static const struct record_field group_fields[] = {
	{FIELD("type", NAME8, record_group, type), TOP("type"), NAMES(group_types)},
	{FIELD("group", TEXT, record_group, group), TOP("group")},
	{FIELD("source_count", U16, record_group, sources_said), TOP("source_count")},
	{FIELD("sources", TEXT_LIST, record_group, sources), TOP("sources")},
	{0},
};

const struct record_field record_multicast_fields[] = {
	{MULTICAST("version", U8, version)},
	{MULTICAST("type", NAME8, type), NAMES(multicast_types)},
	{MULTICAST("group", TEXT, group)},
	{MULTICAST("max_response_ms", U32, max_response_ms), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{MULTICAST("suppress", BOOL, suppress), .flags = FIELD_OMIT_ZERO},
	{MULTICAST("robustness", U8, robustness), .flags = FIELD_OMIT_ZERO},
	{MULTICAST("query_interval", U32, query_interval_s), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{MULTICAST("source_count", U16, sources_said), .flags = FIELD_OMIT_ZERO},
	{MULTICAST("sources", TEXT_LIST, sources)},
	{MULTICAST("group_count", U16, groups_said), .flags = FIELD_OMIT_ZERO},
	{MULTICAST("groups", ROWS, row), .row_fields = group_fields, ROWS(record_multicast, row, groups, RECORD_GROUPS_MAX)},
	{0},
};
