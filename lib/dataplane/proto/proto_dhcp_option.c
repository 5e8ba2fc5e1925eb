#include "proto/proto_dhcp_option.h"

#include "base/text.h"
#include "proto/proto_dns_rr.h"
#include "record/record_names.h"

enum { OPTIONS_MAX = 512, ADDRESSES_MAX = 16, NAMES_MAX = 16, HEX_BYTES_MAX = 64, TEXT_MAX = 255, NUMBERS_ROOM = 1024, NAMES_ROOM = 2048 };
enum { PAD = 0, END = 255, OVERLOAD = 52, MESSAGE_TYPE = 53, RELAY_AGENT = 82, RELAY_CIRCUIT = 1, RELAY_REMOTE = 2 };
enum { FQDN_ENCODED = 4, TYPE_MAX = 18 };

enum option_form { FORM_ADDRESS, FORM_ADDRESSES, FORM_TEXT, FORM_U16, FORM_U32, FORM_CLIENT_ID, FORM_PARAMS, FORM_FQDN, FORM_SEARCH, FORM_NUMBERS };

struct option {
	uint8_t code, form;
	uint16_t offset; // of the member
};

#define OPTION(code_, form_, member) {code_, FORM_##form_, offsetof(struct dhcp, member)}

static const struct option options[] = {
	OPTION(1, ADDRESS, subnet_mask),
	OPTION(3, ADDRESSES, routers),
	OPTION(6, ADDRESSES, dns_servers),
	OPTION(12, TEXT, hostname),
	OPTION(15, TEXT, domain),
	OPTION(26, U16, mtu),
	OPTION(28, ADDRESS, broadcast_ip),
	OPTION(42, ADDRESSES, ntp_servers),
	OPTION(44, ADDRESSES, netbios_servers),
	OPTION(50, ADDRESS, requested_ip),
	OPTION(51, U32, lease_s),
	OPTION(54, ADDRESS, server_id),
	OPTION(55, PARAMS, params),
	OPTION(56, TEXT, message),
	OPTION(57, U16, max_size),
	OPTION(58, U32, renewal_s),
	OPTION(59, U32, rebinding_s),
	OPTION(60, TEXT, vendor_class),
	OPTION(61, CLIENT_ID, client_id),
	OPTION(66, TEXT, server_name),
	OPTION(67, TEXT, boot_file),
	OPTION(77, TEXT, user_class),
	OPTION(81, FQDN, fqdn),
	OPTION(93, NUMBERS, architecture),
	OPTION(114, TEXT, portal_url),
	OPTION(119, SEARCH, domain_search),
	OPTION(150, ADDRESSES, tftp_servers),
	OPTION(252, TEXT, proxy_url),
};

// Suricata's names; those that it passes over are numbers here.
static const char *param_name(uint8_t code)
{
	switch (code) {
	case 1:
		return "subnet_mask";
	case 3:
		return "router";
	case 6:
		return "dns_server";
	case 15:
		return "domain";
	case 35:
		return "arp_timeout";
	case 42:
		return "ntp_server";
	case 66:
		return "tftp_server_name";
	case 150:
		return "tftp_server_ip";
	default:
		return NULL;
	}
}

struct record_text dhcp_hex(struct span in, struct l7 *l7)
{
	char room[HEX_BYTES_MAX * 3];
	struct text_builder out = text_builder(room, sizeof(room));

	for (unsigned i = 0; i < HEX_BYTES_MAX && in.left > 0; i++) {
		if (i > 0)
			text_put(&out, ":");
		text_put_hex(&out, span_bytes(&in, 1), 1);
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

static struct record_text addresses_text(struct span in, struct l7 *l7)
{
	char room[ADDRESSES_MAX * (RECORD_ADDRESS_MAX + 1)];
	struct text_builder out = text_builder(room, sizeof(room));

	for (unsigned i = 0; i < ADDRESSES_MAX && in.left >= RECORD_IPV4; i++) {
		char text[RECORD_ADDRESS_MAX];

		if (i > 0)
			text_put(&out, ",");
		text_put_bytes(&out, text, (size_t)(record_address_put(text, 4, span_bytes(&in, RECORD_IPV4)) - text));
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

// Numbers of one or two bytes; those of one byte as names too where they have one.
static struct record_text numbers_text(struct span in, unsigned bytes, bool named, struct l7 *l7)
{
	char room[NUMBERS_ROOM];
	struct text_builder out = text_builder(room, sizeof(room));

	for (bool first = true; in.left >= bytes; first = false) {
		uint16_t number = bytes == 1 ? span_u8(&in) : span_be16(&in);
		const char *name = named ? param_name((uint8_t)number) : NULL;

		if (!first)
			text_put(&out, ",");
		if (name != NULL)
			text_put(&out, name);
		else
			text_put_number(&out, number);
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

struct record_text dhcp_names(struct span in, struct l7 *l7)
{
	char room[NAMES_ROOM];
	struct text_builder out = text_builder(room, sizeof(room));
	struct span whole = in;

	for (unsigned i = 0; i < NAMES_MAX && in.left > 0; i++) {
		struct dns_name name;

		if (!dns_name_read_behind(whole, 0, &in, &name))
			break;
		if (i > 0)
			text_put(&out, ",");
		text_put_bytes(&out, name.bytes, name.len);
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

struct record_text dhcp_labels(struct span in, struct l7 *l7)
{
	char room[TEXT_MAX];
	struct text_builder out = text_builder(room, sizeof(room));

	while (in.left > 0) {
		struct span label = span_take(&in, span_u8(&in));

		if (!span_ok(&label) || label.left == 0)
			break;
		if (out.used > 0)
			text_put(&out, ".");
		text_put_bytes(&out, label.at, label.left);
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, TEXT_MAX);
}

static struct record_text fqdn_text(struct span in, struct l7 *l7)
{
	uint8_t flags = span_u8(&in);

	span_bytes(&in, 2); // result codes, deprecated
	return (flags & FQDN_ENCODED) != 0 ? dhcp_labels(in, l7) : l7_text(l7, in, TEXT_MAX);
}

static struct record_text client_id_text(struct span in, struct l7 *l7)
{
	span_u8(&in); // its kind: that of the hardware, or 0 or 255
	return dhcp_hex(in, l7);
}

static struct record_text text_text(struct span in, struct l7 *l7)
{
	while (in.left > 0 && in.at[in.left - 1] == '\0') // some count the zero that ends it
		in.left--;
	return l7_text(l7, in, TEXT_MAX);
}

static void text_take(const struct option *option, struct span in, struct record_text *text, struct dhcp_message *m)
{
	if (text->len > 0)
		return;
	switch (option->form) {
	case FORM_ADDRESSES:
		*text = addresses_text(in, m->l7);
		break;
	case FORM_TEXT:
		*text = text_text(in, m->l7);
		break;
	case FORM_CLIENT_ID:
		*text = client_id_text(in, m->l7);
		break;
	case FORM_PARAMS:
		*text = numbers_text(in, 1, true, m->l7);
		m->dhcp->fingerprint = numbers_text(in, 1, false, m->l7);
		break;
	case FORM_FQDN:
		*text = fqdn_text(in, m->l7);
		break;
	case FORM_SEARCH:
		*text = dhcp_names(in, m->l7);
		break;
	default:
		*text = numbers_text(in, 2, false, m->l7);
		break;
	}
}

static void option_take(const struct option *option, struct span in, struct dhcp_message *m)
{
	uint8_t *member = (uint8_t *)m->dhcp + option->offset;

	switch (option->form) {
	case FORM_ADDRESS:
		if (in.left == RECORD_IPV4)
			memcpy(member, span_bytes(&in, RECORD_IPV4), RECORD_IPV4);
		break;
	case FORM_U16:
		*(uint16_t *)(void *)member = span_be16(&in);
		break;
	case FORM_U32:
		*(uint32_t *)(void *)member = span_be32(&in);
		break;
	default:
		text_take(option, in, (struct record_text *)(void *)member, m);
		break;
	}
}

static void relay_agent_take(struct span in, struct dhcp_message *m)
{
	while (in.left >= 2) {
		uint8_t code = span_u8(&in);
		struct span value = span_take(&in, span_u8(&in));

		if (!span_ok(&value))
			return;
		if (code == RELAY_CIRCUIT)
			m->dhcp->circuit_id = dhcp_hex(value, m->l7);
		if (code == RELAY_REMOTE)
			m->dhcp->remote_id = dhcp_hex(value, m->l7);
	}
}

static void option_read(uint8_t code, struct span in, struct dhcp_message *m)
{
	if (code == MESSAGE_TYPE && in.left == 1 && in.at[0] <= TYPE_MAX)
		m->dhcp->type = span_u8(&in);
	if (code == OVERLOAD && in.left == 1)
		m->overload = span_u8(&in);
	if (code == RELAY_AGENT)
		relay_agent_take(in, m);
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].code == code)
			option_take(&options[i], in, m);
}

void dhcp_options_read(struct span in, struct dhcp_message *m)
{
	for (unsigned i = 0; i < OPTIONS_MAX && in.left > 0; i++) {
		uint8_t code = span_u8(&in);
		struct span value;

		if (code == PAD)
			continue;
		if (code == END)
			return;
		value = span_take(&in, span_u8(&in));
		if (!span_ok(&value))
			return;
		option_read(code, value, m);
	}
}
