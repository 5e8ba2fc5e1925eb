// DHCP, RFC 2131 and the options of RFC 2132 and later, over UDP.
//
// Proof is the magic cookie where it belongs, behind a header whose op, address length and hops can be, and a message type. Plain
// BOOTP, which has no type, is not read. Each message is one event, as Suricata shapes it. Options may go on in the fields of the
// server's name and the boot file (overload); an option that comes twice keeps its first value.
#include "proto/proto_dhcp_option.h"

enum { COOKIE = 0x63825363, OP_REQUEST = 1, OP_REPLY = 2, HOPS_MAX = 16, TEXT_MAX = 255 };
enum { HW_BYTES = 16, SERVER_NAME_BYTES = 64, FILE_BYTES = 128 };

static const char *const ops[] = {"", "request", "reply"};
static const char *const types[] = {"", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform", "force_renew",
				    "lease_query", "lease_unassigned", "lease_unknown", "lease_active", "bulk_lease_query",
				    "lease_query_done", "active_lease_query", "lease_query_status", "tls"};

static const struct record_field fields[] = {
	{FIELD("type", NAME8, dhcp, op), IN("dhcp", "type"), NAMES(ops)},
	{FIELD("id", U32, dhcp, id), IN("dhcp", "id")},
	{FIELD("client_mac", TEXT, dhcp, client_mac), IN("dhcp", "client_mac")},
	{FIELD("assigned_ip", IPV4, dhcp, assigned_ip), IN("dhcp", "assigned_ip")},
	{FIELD("client_ip", IPV4, dhcp, client_ip), IN("dhcp", "client_ip")},
	{FIELD("relay_ip", IPV4, dhcp, relay_ip), IN("dhcp", "relay_ip")},
	{FIELD("next_server_ip", IPV4, dhcp, next_server_ip), IN("dhcp", "next_server_ip")},
	{FIELD("secs", U16, dhcp, secs), IN("dhcp", "secs"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("broadcast", BIT16, dhcp, flags), IN("dhcp", "broadcast"), .bit = 0x8000},
	{FIELD("dhcp_type", NAME8, dhcp, type), IN("dhcp", "dhcp_type"), NAMES(types)},
	{FIELD("client_id", TEXT, dhcp, client_id), IN("dhcp", "client_id")},
	{FIELD("requested_ip", IPV4, dhcp, requested_ip), IN("dhcp", "requested_ip"), .flags = FIELD_OMIT_ZERO},
	{FIELD("server_id", IPV4, dhcp, server_id), IN("dhcp", "server_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("lease_time", U32, dhcp, lease_s), IN("dhcp", "lease_time"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("renewal_time", U32, dhcp, renewal_s), IN("dhcp", "renewal_time"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("rebinding_time", U32, dhcp, rebinding_s), IN("dhcp", "rebinding_time"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("subnet_mask", IPV4, dhcp, subnet_mask), IN("dhcp", "subnet_mask"), .flags = FIELD_OMIT_ZERO},
	{FIELD("broadcast_ip", IPV4, dhcp, broadcast_ip), IN("dhcp", "broadcast_ip"), .flags = FIELD_OMIT_ZERO},
	{FIELD("routers", TEXT_LIST, dhcp, routers), IN("dhcp", "routers")},
	{FIELD("dns_servers", TEXT_LIST, dhcp, dns_servers), IN("dhcp", "dns_servers")},
	{FIELD("ntp_servers", TEXT_LIST, dhcp, ntp_servers), IN("dhcp", "ntp_servers")},
	{FIELD("netbios_servers", TEXT_LIST, dhcp, netbios_servers), IN("dhcp", "netbios_servers")},
	{FIELD("tftp_servers", TEXT_LIST, dhcp, tftp_servers), IN("dhcp", "tftp_servers")},
	{FIELD("hostname", TEXT, dhcp, hostname), IN("dhcp", "hostname")},
	{FIELD("fqdn", TEXT, dhcp, fqdn), IN("dhcp", "fqdn")},
	{FIELD("domain", TEXT, dhcp, domain), IN("dhcp", "domain")},
	{FIELD("domain_search", TEXT_LIST, dhcp, domain_search), IN("dhcp", "domain_search")},
	{FIELD("params", TEXT_LIST, dhcp, params), IN("dhcp", "params")},
	{FIELD("fingerprint", TEXT, dhcp, fingerprint), IN("dhcp", "fingerprint")},
	{FIELD("vendor_class_identifier", TEXT, dhcp, vendor_class), IN("dhcp", "vendor_class_identifier")},
	{FIELD("user_class", TEXT, dhcp, user_class), IN("dhcp", "user_class")},
	{FIELD("message", TEXT, dhcp, message), IN("dhcp", "message")},
	{FIELD("mtu", U16, dhcp, mtu), IN("dhcp", "mtu"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("max_message_size", U16, dhcp, max_size), IN("dhcp", "max_message_size"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("server_name", TEXT, dhcp, server_name), IN("dhcp", "server_name")},
	{FIELD("boot_file", TEXT, dhcp, boot_file), IN("dhcp", "boot_file")},
	{FIELD("architecture", TEXT_LIST, dhcp, architecture), IN("dhcp", "client_architecture")},
	{FIELD("proxy_url", TEXT, dhcp, proxy_url), IN("dhcp", "proxy_url")},
	{FIELD("portal_url", TEXT, dhcp, portal_url), IN("dhcp", "captive_portal")},
	{FIELD("circuit_id", TEXT, dhcp, circuit_id), IN("dhcp.relay_agent", "circuit_id")},
	{FIELD("remote_id", TEXT, dhcp, remote_id), IN("dhcp.relay_agent", "remote_id")},
	{0},
};

static const struct record_kind kind = {.event_type = "dhcp", BODY(dhcp), .fields = fields};

static void address_take(struct span *in, uint8_t *address)
{
	const uint8_t *bytes = span_bytes(in, RECORD_IPV4);

	if (bytes != NULL)
		memcpy(address, bytes, RECORD_IPV4);
}

static struct record_text field_text(struct span field, struct l7 *l7)
{
	struct span text;

	return l7_text(l7, span_until(&field, '\0', &text) ? text : field, TEXT_MAX);
}

// The header up to the options; false if it cannot be one.
static bool header_read(struct span *in, struct dhcp_message *m)
{
	struct dhcp *dhcp = m->dhcp;
	uint8_t hw_length, hops;
	struct span hw;

	dhcp->op = span_u8(in);
	span_u8(in); // kind of hardware
	hw_length = span_u8(in);
	hops = span_u8(in);
	dhcp->id = span_be32(in);
	dhcp->secs = span_be16(in);
	dhcp->flags = span_be16(in);
	address_take(in, dhcp->client_ip);
	address_take(in, dhcp->assigned_ip);
	address_take(in, dhcp->next_server_ip);
	address_take(in, dhcp->relay_ip);
	hw = span_take(in, HW_BYTES);
	m->server_name = span_take(in, SERVER_NAME_BYTES);
	m->file = span_take(in, FILE_BYTES);
	if (span_be32(in) != COOKIE || (dhcp->op != OP_REQUEST && dhcp->op != OP_REPLY) || hw_length > HW_BYTES || hops > HOPS_MAX)
		return false;
	dhcp->client_mac = dhcp_hex(span_take(&hw, hw_length), m->l7);
	return true;
}

static enum proto_verdict dhcp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct dhcp_message m = {.dhcp = L7_BODY(l7, struct dhcp), .l7 = l7};
	struct span options = in;

	(void)hint;
	if (!header_read(&options, &m)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	dhcp_options_read(options, &m);
	if ((m.overload & DHCP_OVERLOAD_FILE) != 0)
		dhcp_options_read(m.file, &m);
	else if (m.dhcp->boot_file.len == 0)
		m.dhcp->boot_file = field_text(m.file, l7);
	if ((m.overload & DHCP_OVERLOAD_SERVER_NAME) != 0)
		dhcp_options_read(m.server_name, &m);
	else if (m.dhcp->server_name.len == 0)
		m.dhcp->server_name = field_text(m.server_name, l7);
	if (m.dhcp->type == 0) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_dhcp = {
	.name = "dhcp",
	.title = "DHCP",
	.spec = "RFC 2131, RFC 2132",
	.l4 = PROTO_UDP,
	.ports = {67, 68},
	.max_payloads = 1,
	.first = {{OP_REQUEST, OP_REPLY}},
	.firsts = 1,
	.dissect = dhcp_dissect,
	.kind = &kind,
};
