#include "proto/proto_dhcpv6_option.h"

#include "base/text.h"
#include "proto/proto_dhcp_option.h"
#include "record/record_names.h"

enum {
	OPTION_CLIENT_ID = 1,
	OPTION_SERVER_ID = 2,
	OPTION_IA_NA = 3,
	OPTION_IA_TA = 4,
	OPTION_IA_ADDRESS = 5,
	OPTION_REQUEST = 6,
	OPTION_PREFERENCE = 7,
	OPTION_ELAPSED = 8,
	OPTION_STATUS = 13,
	OPTION_RAPID_COMMIT = 14,
	OPTION_VENDOR_CLASS = 16,
	OPTION_DNS_SERVERS = 23,
	OPTION_DOMAINS = 24,
	OPTION_IA_PD = 25,
	OPTION_IA_PREFIX = 26,
	OPTION_SNTP_SERVERS = 31,
	OPTION_FQDN = 39,
	OPTION_BOOT_FILE = 59
};

enum { DUID_LINK_TIME = 1, DUID_LINK = 3, DUID_LAST = 4, DUID_BYTES_MIN = 3, DUID_BYTES_MAX = 130, HARDWARE_ETHERNET = 1 };
enum { ADDRESSES_MAX = 16, NUMBERS_ROOM = 512, IAIDS_MAX = 16, ELAPSED_UNIT_MS = 10 };

const char *const dhcpv6_status_names[DHCPV6_STATUS_NAMES] = {"", "unspec_fail", "no_addrs_avail", "no_binding", "not_on_link", "use_multicast",
							      "no_prefix_avail", "unknown_query_type"};

bool dhcpv6_option_next(struct span *in, uint16_t *code, struct span *value)
{
	*code = span_be16(in);
	*value = span_take(in, span_be16(in));
	return span_ok(value);
}

static void address_put(struct text_builder *out, const uint8_t *address)
{
	char text[RECORD_ADDRESS_MAX];

	text_put_bytes(out, text, (size_t)(record_address_put(text, 6, address) - text));
}

struct record_text dhcpv6_address_text(const uint8_t *address, struct l7 *l7)
{
	char room[RECORD_ADDRESS_MAX];
	struct text_builder out = text_builder(room, sizeof(room));

	address_put(&out, address);
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

static struct record_text addresses_text(struct span in, struct l7 *l7)
{
	char room[ADDRESSES_MAX * (RECORD_ADDRESS_MAX + 1)];
	struct text_builder out = text_builder(room, sizeof(room));

	for (unsigned i = 0; i < ADDRESSES_MAX && in.left >= DHCPV6_ADDRESS_BYTES; i++) {
		if (i > 0)
			text_put(&out, ",");
		address_put(&out, span_bytes(&in, DHCPV6_ADDRESS_BYTES));
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

static struct record_text params_text(struct span in, struct l7 *l7)
{
	char room[NUMBERS_ROOM];
	struct text_builder out = text_builder(room, sizeof(room));

	while (in.left >= 2) {
		if (out.used > 0)
			text_put(&out, ",");
		text_put_number(&out, span_be16(&in));
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

// Of who is told apart by the address of a link, that address too.
static bool duid_read(struct span in, struct record_text *duid, struct record_text *mac, struct l7 *l7)
{
	struct span from = in;
	uint16_t type = span_be16(&from);

	if (in.left < DUID_BYTES_MIN || in.left > DUID_BYTES_MAX || type == 0 || type > DUID_LAST)
		return false;
	*duid = dhcp_hex(in, l7);
	if (mac == NULL || (type != DUID_LINK_TIME && type != DUID_LINK) || span_be16(&from) != HARDWARE_ETHERNET)
		return true;
	if (type == DUID_LINK_TIME)
		span_be32(&from);
	if (from.left == RECORD_MAC)
		*mac = dhcp_hex(from, l7);
	return true;
}

static void status_read(struct span in, struct dhcpv6 *dhcp, struct l7 *l7)
{
	uint16_t status = span_be16(&in);

	if (status == 0 || dhcp->status != 0 || status >= DHCPV6_STATUS_NAMES)
		return;
	dhcp->status = (uint8_t)status;
	dhcp->status_message = l7_text(l7, in, DHCPV6_TEXT_MAX);
}

static void ia_address_read(struct span in, uint32_t iaid, struct dhcpv6 *dhcp, struct l7 *l7)
{
	struct dhcpv6_address row = {.iaid = iaid};
	const uint8_t *address = span_bytes(&in, DHCPV6_ADDRESS_BYTES);

	row.preferred_s = span_be32(&in);
	row.valid_s = span_be32(&in);
	if (!span_ok(&in) || dhcp->addresses == DHCPV6_ADDRESSES_MAX)
		return;
	row.address = dhcpv6_address_text(address, l7);
	dhcp->address[dhcp->addresses++] = row;
}

static void ia_prefix_read(struct span in, uint32_t iaid, struct dhcpv6 *dhcp, struct l7 *l7)
{
	char room[RECORD_ADDRESS_MAX + 4];
	struct text_builder out = text_builder(room, sizeof(room));
	struct dhcpv6_address row = {.iaid = iaid};
	const uint8_t *address;
	uint8_t length;

	row.preferred_s = span_be32(&in);
	row.valid_s = span_be32(&in);
	length = span_u8(&in);
	address = span_bytes(&in, DHCPV6_ADDRESS_BYTES);
	if (address == NULL || dhcp->prefixes == DHCPV6_PREFIXES_MAX)
		return;
	address_put(&out, address);
	text_put(&out, "/");
	text_put_number(&out, length);
	row.address = l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
	dhcp->prefix[dhcp->prefixes++] = row;
}

// An association of addresses or prefixes; times: it has two of its own.
static bool ia_read(struct span in, bool times, struct text_builder *iaids, struct dhcpv6 *dhcp, struct l7 *l7)
{
	uint32_t iaid = span_be32(&in);

	if (times) {
		uint32_t renewal_s = span_be32(&in), rebinding_s = span_be32(&in);

		dhcp->renewal_s = dhcp->renewal_s != 0 ? dhcp->renewal_s : renewal_s;
		dhcp->rebinding_s = dhcp->rebinding_s != 0 ? dhcp->rebinding_s : rebinding_s;
	}
	if (!span_ok(&in))
		return false;
	if (iaids->used > 0)
		text_put(iaids, ",");
	text_put_number(iaids, iaid);
	while (in.left > 0) {
		struct span value;
		uint16_t code;

		if (!dhcpv6_option_next(&in, &code, &value))
			return false;
		if (code == OPTION_IA_ADDRESS)
			ia_address_read(value, iaid, dhcp, l7);
		else if (code == OPTION_IA_PREFIX)
			ia_prefix_read(value, iaid, dhcp, l7);
		else if (code == OPTION_STATUS)
			status_read(value, dhcp, l7);
	}
	return true;
}

static void vendor_class_read(struct span in, struct dhcpv6 *dhcp, struct l7 *l7)
{
	dhcp->enterprise = span_be32(&in);
	in = span_take(&in, span_be16(&in));
	if (span_ok(&in))
		dhcp->vendor_class = l7_text(l7, in, DHCPV6_TEXT_MAX);
}

// Options without which there would still be a message.
static void information_read(uint16_t code, struct span in, struct dhcpv6 *dhcp, struct l7 *l7)
{
	switch (code) {
	case OPTION_PREFERENCE:
		dhcp->preference = span_u8(&in);
		break;
	case OPTION_STATUS:
		status_read(in, dhcp, l7);
		break;
	case OPTION_RAPID_COMMIT:
		dhcp->rapid_commit = true;
		break;
	case OPTION_VENDOR_CLASS:
		vendor_class_read(in, dhcp, l7);
		break;
	case OPTION_DNS_SERVERS:
		dhcp->dns_servers = addresses_text(in, l7);
		break;
	case OPTION_DOMAINS:
		dhcp->domain_search = dhcp_names(in, l7);
		break;
	case OPTION_SNTP_SERVERS:
		dhcp->sntp_servers = addresses_text(in, l7);
		break;
	case OPTION_FQDN:
		span_u8(&in); // flags
		dhcp->fqdn = dhcp_labels(in, l7);
		break;
	case OPTION_BOOT_FILE:
		dhcp->boot_file = l7_text(l7, in, DHCPV6_TEXT_MAX);
		break;
	default:
		break;
	}
}

static bool option_read(uint16_t code, struct span in, struct text_builder *iaids, struct dhcpv6 *dhcp, struct dhcpv6_seen *seen, struct l7 *l7)
{
	switch (code) {
	case OPTION_CLIENT_ID:
		return seen->duid = duid_read(in, &dhcp->client_duid, &dhcp->client_mac, l7);
	case OPTION_SERVER_ID:
		return seen->duid = duid_read(in, &dhcp->server_duid, NULL, l7);
	case OPTION_IA_NA:
	case OPTION_IA_PD:
		return ia_read(in, true, iaids, dhcp, l7);
	case OPTION_IA_TA:
		return ia_read(in, false, iaids, dhcp, l7);
	case OPTION_REQUEST:
		dhcp->params = params_text(in, l7);
		return seen->asks = in.left % 2 == 0;
	case OPTION_ELAPSED:
		dhcp->elapsed_ms = (uint32_t)span_be16(&in) * ELAPSED_UNIT_MS;
		return seen->asks = span_ok(&in) && in.left == 0;
	default:
		information_read(code, in, dhcp, l7);
		return true;
	}
}

bool dhcpv6_options_read(struct span in, struct dhcpv6 *dhcp, struct dhcpv6_seen *seen, struct l7 *l7)
{
	char room[IAIDS_MAX * 11];
	struct text_builder iaids = text_builder(room, sizeof(room));

	while (in.left > 0) {
		struct span value;
		uint16_t code;

		if (!dhcpv6_option_next(&in, &code, &value) || !option_read(code, value, &iaids, dhcp, seen, l7))
			return false;
	}
	dhcp->iaids = l7_text_bytes(l7, room, (uint32_t)iaids.used, sizeof(room));
	return true;
}
