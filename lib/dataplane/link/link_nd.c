// Neighbour discovery (RFC 4861) with the options that say how a link is set up: prefixes, MTU, routes (RFC 4191), name servers and
// search list (RFC 8106). An option of length zero spoils its message, one too short for what it is is passed over.
#include "base/text.h"
#include "link/link_message.h"
#include "link/link_text.h"

enum { ROUTER_SOLICITATION = 133, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT, REDIRECT };
enum { SOURCE_MAC = 1, TARGET_MAC = 2, PREFIX = 3, MTU = 5, ROUTE = 24, RDNSS = 25, DNSSL = 31 };
enum { OPTION_UNIT = 8, OPTION_HEADER = 2, OPTIONS_MAX = 64, LABELS_MAX = 128, DNS_NAME_MAX = 255 };
enum { SOLICITED = 0x40, RA_FLAGS = 0xe0, NA_FLAGS = 0xe0, PREFERENCE_SHIFT = 3, PREFERENCE_MASK = 3 };

struct lists {
	struct text_builder rdnss, dnssl;
	char rdnss_bytes[LINK_LIST_MAX], dnssl_bytes[LINK_LIST_MAX];
};

static void mac_take(struct span in, uint8_t mac[RECORD_MAC])
{
	const uint8_t *at = span_bytes(&in, RECORD_MAC);

	if (at != NULL)
		memcpy(mac, at, RECORD_MAC);
}

static void prefix_take(struct span in, struct l7 *l7)
{
	struct record_nd_prefix row = {.length = span_u8(&in), .flags = span_u8(&in)};

	row.valid_s = span_be32(&in);
	row.preferred_s = span_be32(&in);
	span_be32(&in); // reserved
	if (in.left < LINK_ADDRESS6 || l7->nd.prefixes == RECORD_ND_PREFIXES_MAX)
		return;
	row.prefix = link_addresses_take(l7, &in, LINK_ADDRESS6, 1);
	l7->nd.prefix[l7->nd.prefixes++] = row;
}

// A prefix of a route is as long as it has to be: 0, 8 or 16 bytes.
static void route_take(struct span in, struct l7 *l7)
{
	uint8_t address[LINK_ADDRESS6] = {0};
	struct record_nd_route row = {.length = span_u8(&in)};
	struct span whole = span_of(address, sizeof(address));

	row.preference = span_u8(&in) >> PREFERENCE_SHIFT & PREFERENCE_MASK;
	row.lifetime_s = span_be32(&in);
	if (!span_ok(&in) || l7->nd.routes == RECORD_ND_ROUTES_MAX)
		return;
	if (in.left > 0)
		memcpy(address, in.at, in.left < sizeof(address) ? in.left : sizeof(address));
	row.prefix = link_addresses_take(l7, &whole, LINK_ADDRESS6, 1);
	l7->nd.route[l7->nd.routes++] = row;
}

static void rdnss_take(struct span in, struct lists *lists, struct record_nd *nd)
{
	span_be16(&in); // reserved
	nd->rdnss_lifetime_s = span_be32(&in);
	while (in.left >= LINK_ADDRESS6)
		link_list_add_address(&lists->rdnss, 6, span_take(&in, LINK_ADDRESS6));
}

static bool label_sound(struct span label)
{
	for (uint32_t i = 0; i < label.left; i++) {
		uint8_t c = label.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_'))
			return false;
	}
	return span_ok(&label);
}

// One name in DNS form, never compressed. False at the padding and at what is no name of hosts.
static bool name_take(struct span *in, struct lists *lists)
{
	char bytes[DNS_NAME_MAX + 1];
	struct text_builder name = text_builder(bytes, DNS_NAME_MAX);

	for (unsigned i = 0; i < LABELS_MAX; i++) {
		uint8_t length = span_u8(in);
		struct span label = span_take(in, length);

		if (!label_sound(label) || name.used + 1u + length > DNS_NAME_MAX)
			return false;
		if (length == 0) {
			bytes[name.used] = '\0';
			if (name.used > 0)
				link_list_add(&lists->dnssl, bytes);
			return name.used > 0;
		}
		if (name.used > 0)
			text_put(&name, ".");
		text_put_bytes(&name, label.at, length);
	}
	return false;
}

static void dnssl_take(struct span in, struct lists *lists, struct record_nd *nd)
{
	span_be16(&in); // reserved
	nd->dnssl_lifetime_s = span_be32(&in);
	while (in.left > 0 && name_take(&in, lists))
		;
}

static void option_take(uint8_t type, struct span in, struct lists *lists, struct l7 *l7)
{
	switch (type) {
	case SOURCE_MAC:
		mac_take(in, l7->nd.src_mac);
		break;
	case TARGET_MAC:
		mac_take(in, l7->nd.target_mac);
		break;
	case PREFIX:
		prefix_take(in, l7);
		break;
	case MTU:
		span_be16(&in); // reserved
		l7->nd.mtu = span_be32(&in);
		break;
	case ROUTE:
		route_take(in, l7);
		break;
	case RDNSS:
		rdnss_take(in, lists, &l7->nd);
		break;
	case DNSSL:
		dnssl_take(in, lists, &l7->nd);
		break;
	default:
		break;
	}
}

static bool options_take(struct span *in, struct l7 *l7)
{
	struct lists lists;

	lists.rdnss = text_builder(lists.rdnss_bytes, LINK_LIST_MAX);
	lists.dnssl = text_builder(lists.dnssl_bytes, LINK_LIST_MAX);
	for (unsigned i = 0; i < OPTIONS_MAX && in->left > 0; i++) {
		uint8_t type = span_u8(in), units = span_u8(in);
		struct span option;

		if (units == 0)
			return false;
		option = span_take(in, (uint32_t)units * OPTION_UNIT - OPTION_HEADER);
		if (!span_ok(&option))
			return false;
		option_take(type, option, &lists, l7);
	}
	link_list_set(l7, &l7->nd.rdnss, &lists.rdnss);
	link_list_set(l7, &l7->nd.dnssl, &lists.dnssl);
	return span_ok(in);
}

static void advertisement_take(struct span *in, struct record_nd *nd)
{
	uint8_t flags;

	nd->hop_limit = span_u8(in);
	flags = span_u8(in);
	nd->ra_flags = flags & RA_FLAGS;
	nd->preference = flags >> PREFERENCE_SHIFT & PREFERENCE_MASK;
	nd->lifetime_s = span_be16(in);
	nd->reachable_ms = span_be32(in);
	nd->retrans_ms = span_be32(in);
}

static bool unspecified(const uint8_t *address)
{
	static const uint8_t none[LINK_ADDRESS6];

	return memcmp(address, none, sizeof(none)) == 0;
}

static enum nd_kind kind_of(const struct packet *p, const struct record_nd *nd)
{
	if (nd->type == ND_NEIGHBOR_SOLICITATION && unspecified(p->frame + p->src_at))
		return ND_DAD_PROBE;
	return nd->type == ND_NEIGHBOR_ADVERTISEMENT && (nd->na_flags & SOLICITED) == 0 ? ND_UNSOLICITED : ND_PLAIN;
}

static enum link_verdict dissect(const struct packet *p, struct span in, struct l7 *l7)
{
	struct record_nd *nd = &l7->nd;
	uint8_t type = span_u8(&in), flags;

	nd->type = (uint8_t)(type - ROUTER_SOLICITATION);
	span_u8(&in);   // code
	span_be16(&in); // checksum
	if (type == ROUTER_ADVERTISEMENT) {
		advertisement_take(&in, nd);
	} else {
		flags = (uint8_t)(span_be32(&in) >> 24);
		nd->na_flags = type == NEIGHBOR_ADVERTISEMENT ? flags & NA_FLAGS : 0;
	}
	if (type >= NEIGHBOR_SOLICITATION)
		nd->target = link_address_take(l7, &in, LINK_ADDRESS6);
	if (type == REDIRECT)
		nd->destination = link_address_take(l7, &in, LINK_ADDRESS6);
	if (!span_ok(&in) || !options_take(&in, l7))
		return LINK_BAD;
	nd->kind = (uint8_t)kind_of(p, nd);
	return LINK_RECORD;
}

const struct link_message_ops link_nd = {
	.name = "nd",
	.record = RECORD_ND,
	.dissect = dissect,
};
