// DHCPv6, RFC 8415, over UDP: who asks (DUID), what is leased (addresses, prefixes), what else is told.
//
// Proof: a type that exists, options that fill the datagram to its last byte, and a DUID among them (an information request may do
// without, then it says what it wants or since when). A relayed message is unwrapped RELAYS_MAX deep: the event is that of the
// message inside, with the outermost relay. Each message is one event.
#include "proto/proto_dhcpv6_option.h"

enum { TYPE_RELAY_FORWARD = 12, TYPE_RELAY_REPLY = 13, TYPE_INFORMATION = 11, HOPS_MAX = 32, RELAYS_MAX = 8 };

static const char *const types[] = {"", "solicit", "advertise", "request", "confirm", "renew", "rebind", "reply", "release", "decline",
				    "reconfigure", "information_request", "relay_forward", "relay_reply"};

static const struct record_field address_fields[] = {
	{FIELD("address", TEXT, dhcpv6_address, address), TOP("address")},
	{FIELD("iaid", U32, dhcpv6_address, iaid), TOP("iaid")},
	{FIELD("preferred_lifetime", U32, dhcpv6_address, preferred_s), TOP("preferred_lifetime"), .unit = "s"},
	{FIELD("valid_lifetime", U32, dhcpv6_address, valid_s), TOP("valid_lifetime"), .unit = "s"},
	{0},
};

static const struct record_field prefix_fields[] = {
	{FIELD("prefix", TEXT, dhcpv6_address, address), TOP("prefix")},
	{FIELD("iaid", U32, dhcpv6_address, iaid), TOP("iaid")},
	{FIELD("preferred_lifetime", U32, dhcpv6_address, preferred_s), TOP("preferred_lifetime"), .unit = "s"},
	{FIELD("valid_lifetime", U32, dhcpv6_address, valid_s), TOP("valid_lifetime"), .unit = "s"},
	{0},
};

static const struct record_field fields[] = {
	{FIELD("msg_type", NAME8, dhcpv6, type), IN("dhcpv6", "msg_type"), NAMES(types)},
	{FIELD("id", U32, dhcpv6, id), IN("dhcpv6", "id")},
	{FIELD("client_duid", TEXT, dhcpv6, client_duid), IN("dhcpv6", "client_duid")},
	{FIELD("client_mac", TEXT, dhcpv6, client_mac), IN("dhcpv6", "client_mac")},
	{FIELD("server_duid", TEXT, dhcpv6, server_duid), IN("dhcpv6", "server_duid")},
	{FIELD("elapsed_ms", U32, dhcpv6, elapsed_ms), IN("dhcpv6", "elapsed_ms"), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{FIELD("rapid_commit", BOOL, dhcpv6, rapid_commit), IN("dhcpv6", "rapid_commit"), .flags = FIELD_OMIT_ZERO},
	{FIELD("preference", U8, dhcpv6, preference), IN("dhcpv6", "preference"), .flags = FIELD_OMIT_ZERO},
	{FIELD("iaids", TEXT_LIST, dhcpv6, iaids), IN("dhcpv6", "iaids")},
	{FIELD("renewal_time", U32, dhcpv6, renewal_s), IN("dhcpv6", "renewal_time"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("rebinding_time", U32, dhcpv6, rebinding_s), IN("dhcpv6", "rebinding_time"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("addresses", ROWS, dhcpv6, address), IN("dhcpv6", "addresses"), .row_fields = address_fields,
	 ROWS(dhcpv6, address, addresses, DHCPV6_ADDRESSES_MAX)},
	{FIELD("prefixes", ROWS, dhcpv6, prefix), IN("dhcpv6", "prefixes"), .row_fields = prefix_fields,
	 ROWS(dhcpv6, prefix, prefixes, DHCPV6_PREFIXES_MAX)},
	{FIELD("status", NAME8, dhcpv6, status), IN("dhcpv6", "status"), .flags = FIELD_OMIT_ZERO, .names = dhcpv6_status_names,
	 .names_count = DHCPV6_STATUS_NAMES},
	{FIELD("status_message", TEXT, dhcpv6, status_message), IN("dhcpv6", "status_message")},
	{FIELD("fqdn", TEXT, dhcpv6, fqdn), IN("dhcpv6", "fqdn")},
	{FIELD("dns_servers", TEXT_LIST, dhcpv6, dns_servers), IN("dhcpv6", "dns_servers")},
	{FIELD("domain_search", TEXT_LIST, dhcpv6, domain_search), IN("dhcpv6", "domain_search")},
	{FIELD("sntp_servers", TEXT_LIST, dhcpv6, sntp_servers), IN("dhcpv6", "sntp_servers")},
	{FIELD("params", TEXT_LIST, dhcpv6, params), IN("dhcpv6", "params")},
	{FIELD("vendor_class", TEXT, dhcpv6, vendor_class), IN("dhcpv6", "vendor_class")},
	{FIELD("enterprise", U32, dhcpv6, enterprise), IN("dhcpv6", "enterprise"), .flags = FIELD_OMIT_ZERO},
	{FIELD("boot_file", TEXT, dhcpv6, boot_file), IN("dhcpv6", "boot_file_url")},
	{FIELD("relays", U8, dhcpv6, relays), IN("dhcpv6.relay", "count"), .flags = FIELD_OMIT_ZERO},
	{FIELD("relay_link", TEXT, dhcpv6, relay_link), IN("dhcpv6.relay", "link_address")},
	{FIELD("relay_peer", TEXT, dhcpv6, relay_peer), IN("dhcpv6.relay", "peer_address")},
	{FIELD("relay_interface", TEXT, dhcpv6, relay_interface), IN("dhcpv6.relay", "interface_id")},
	{0},
};

static const struct record_kind kind = {.event_type = "dhcpv6", BODY(dhcpv6), .fields = fields};

static bool relay_is(uint8_t type)
{
	return type == TYPE_RELAY_FORWARD || type == TYPE_RELAY_REPLY;
}

// A relay's envelope: what is inside is in *in then.
static bool relay_open(struct span *in, struct dhcpv6 *dhcp, struct l7 *l7)
{
	uint8_t hops = span_u8(in);
	const uint8_t *link = span_bytes(in, DHCPV6_ADDRESS_BYTES), *peer = span_bytes(in, DHCPV6_ADDRESS_BYTES);
	struct span inside = {0}, value;
	uint16_t code;

	if (!span_ok(in) || hops > HOPS_MAX)
		return false;
	if (dhcp->relays++ == 0) {
		dhcp->relay_link = dhcpv6_address_text(link, l7);
		dhcp->relay_peer = dhcpv6_address_text(peer, l7);
	}
	while (in->left > 0) {
		if (!dhcpv6_option_next(in, &code, &value))
			return false;
		if (code == DHCPV6_INTERFACE_ID && dhcp->relays == 1)
			dhcp->relay_interface = l7_text(l7, value, DHCPV6_TEXT_MAX);
		if (code == DHCPV6_RELAY_MESSAGE)
			inside = value;
	}
	*in = inside;
	return inside.left > 0;
}

static bool message_read(struct span in, struct dhcpv6 *dhcp, struct l7 *l7)
{
	struct dhcpv6_seen seen = {0};

	for (dhcp->type = span_u8(&in); relay_is(dhcp->type); dhcp->type = span_u8(&in))
		if (dhcp->relays == RELAYS_MAX || !relay_open(&in, dhcp, l7))
			return false;
	if (dhcp->type == 0 || dhcp->type > TYPE_INFORMATION)
		return false;
	dhcp->id = (uint32_t)span_u8(&in) << 16;
	dhcp->id |= span_be16(&in);
	if (!span_ok(&in) || !dhcpv6_options_read(in, dhcp, &seen, l7))
		return false;
	return seen.duid || (dhcp->type == TYPE_INFORMATION && seen.asks);
}

static enum proto_verdict dhcpv6_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	(void)hint;
	if (!message_read(in, L7_BODY(l7, struct dhcpv6), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_dhcpv6 = {
	.name = "dhcpv6",
	.title = "DHCPv6",
	.spec = "RFC 8415",
	.l4 = PROTO_UDP,
	.ports = {547, 546},
	.max_payloads = 1,
	.first = {{1, TYPE_RELAY_REPLY}},
	.firsts = 1,
	.dissect = dhcpv6_dissect,
	.kind = &kind,
};
