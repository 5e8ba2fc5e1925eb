#include "proto/proto_dns_edns.h"

#include "base/text.h"
#include "record/record_names.h"

enum { OPTION_NSID = 3, OPTION_CLIENT_SUBNET = 8, OPTION_COOKIE = 10, OPTION_ERROR = 15, OPTIONS_MAX = 16 };
enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, COOKIE_MAX = 40, NSID_MAX = 128, ERROR_MAX = 256, SUBNET_MAX = RECORD_ADDRESS_MAX + 4 };

static struct record_text subnet_text(struct span in, struct l7 *l7)
{
	char room[SUBNET_MAX], address_text[RECORD_ADDRESS_MAX];
	struct text_builder out = text_builder(room, sizeof(room));
	uint8_t address[16] = {0}, prefix;
	uint16_t family = span_be16(&in);

	prefix = span_u8(&in);
	span_u8(&in); // of the answer
	if (!span_ok(&in) || (family != FAMILY_IPV4 && family != FAMILY_IPV6) || in.left > (family == FAMILY_IPV4 ? 4u : 16u))
		return (struct record_text){0};
	if (in.left > 0)
		memcpy(address, in.at, in.left);
	text_put_bytes(&out, address_text, (size_t)(record_address_put(address_text, family == FAMILY_IPV4 ? 4 : 6, address) - address_text));
	text_put(&out, "/");
	text_put_number(&out, prefix);
	return l7_text_bytes(l7, room, (uint32_t)out.used, SUBNET_MAX);
}

static struct record_text hex_text(struct span in, struct l7 *l7)
{
	char room[2 * COOKIE_MAX];
	struct text_builder out = text_builder(room, sizeof(room));

	text_put_hex(&out, in.at, in.left < COOKIE_MAX ? in.left : COOKIE_MAX);
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

static void option_take(uint16_t code, struct span in, struct l7 *l7)
{
	struct record_dns_edns *edns = &l7->dns.edns;

	switch (code) {
	case OPTION_NSID:
		edns->nsid = l7_text(l7, in, NSID_MAX);
		break;
	case OPTION_CLIENT_SUBNET:
		edns->client_subnet = subnet_text(in, l7);
		break;
	case OPTION_COOKIE:
		edns->cookie = hex_text(in, l7);
		break;
	case OPTION_ERROR:
		edns->error = span_be16(&in);
		edns->error_said = span_ok(&in);
		edns->error_text = l7_text(l7, in, ERROR_MAX);
		break;
	default:
		break;
	}
}

bool dns_edns_read(struct span data, uint16_t rrclass, uint32_t ttl, struct l7 *l7)
{
	struct record_dns_edns *edns = &l7->dns.edns;

	if (!span_ok(&data))
		return false;
	if (edns->said) // there may be one only
		return true;
	edns->said = true;
	edns->udp_size = rrclass;
	edns->version = ttl >> 16 & 0xff;
	edns->flags = ttl & 0xffff;
	l7->dns.rcode = (uint16_t)(ttl >> 24 << 4);
	for (unsigned i = 0; i < OPTIONS_MAX && data.left > 0; i++) {
		uint16_t code = span_be16(&data);
		struct span value = span_take(&data, span_be16(&data));

		if (!span_ok(&value))
			break;
		option_take(code, value, l7);
	}
	return true;
}
