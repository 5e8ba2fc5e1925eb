// BGP-4: RFC 4271, capabilities RFC 5492, four-byte AS numbers RFC 6793, multiprotocol RFC 4760. A message begins with sixteen bytes of
// ones, its length and its type. One event for an OPEN, an UPDATE (the first prefixes of many) and a NOTIFICATION; a KEEPALIVE only
// shows that it is BGP.
#include "proto/proto_list.h"

#include <string.h>

#include "base/text.h"

struct bgp {
	uint8_t type, version, suberror;
	uint16_t hold_time_s, error;
	uint32_t asn, announced_count, withdrawn_count;
	uint8_t router_id[RECORD_IPV4], next_hop[RECORD_IPV4];
	uint8_t origin; // plus one; 0: not said
	struct record_text capabilities, announced, withdrawn, as_path, families;
};

enum { MARKER_BYTES = 16, HEADER_BYTES = 19, MESSAGE_MAX = 4096 };
enum { OPEN = 1, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE_REFRESH };
enum { PARAMETER_CAPABILITIES = 2, CAPABILITY_AS4 = 65, EXTENDED_LENGTH = 0x10, PREFIX_BITS_MAX = 32 };
enum { ATTRIBUTE_ORIGIN = 1, ATTRIBUTE_AS_PATH = 2, ATTRIBUTE_NEXT_HOP = 3, ATTRIBUTE_REACH = 14, ATTRIBUTE_UNREACH = 15 };
enum { LIST_MAX = 16, LIST_ROOM = 512, PATH_MAX_ASNS = 32, ATTRIBUTES_MAX = 64, CAPABILITIES_MAX = 32, PREFIXES_MAX = 4096 };

static const char *const types[] = {"", "open", "update", "notification", "keepalive", "route_refresh"};
static const char *const origins[] = {"", "igp", "egp", "incomplete"};

static const char *error_name(uint32_t error)
{
	static const char *const names[] = {NULL, "message_header_error", "open_message_error", "update_message_error", "hold_timer_expired",
					    "finite_state_machine_error", "cease", "route_refresh_message_error", "send_hold_timer_expired"};

	return error < sizeof(names) / sizeof(names[0]) ? names[error] : NULL;
}

#define BGP(key, kind_, member) FIELD(key, kind_, bgp, member), IN("bgp", key), .flags = FIELD_OMIT_ZERO

static const struct record_field fields[] = {
	{BGP("type", NAME8, type), NAMES(types)},
	{BGP("version", U8, version)},
	{BGP("asn", U32, asn)},
	{BGP("hold_time", U16, hold_time_s), .unit = "s"},
	{BGP("router_id", IPV4, router_id)},
	{BGP("capabilities", TEXT_LIST, capabilities)},
	{BGP("announced", TEXT_LIST, announced)},
	{BGP("announced_count", U32, announced_count)},
	{BGP("withdrawn", TEXT_LIST, withdrawn)},
	{BGP("withdrawn_count", U32, withdrawn_count)},
	{BGP("families", TEXT_LIST, families)},
	{BGP("origin", NAME8, origin), NAMES(origins)},
	{BGP("as_path", TEXT_LIST, as_path)},
	{BGP("next_hop", IPV4, next_hop)},
	{BGP("error", NAME16, error), .name_of = error_name},
	{BGP("error_subcode", U8, suberror)},
	{0},
};

static const struct record_kind kind = {.event_type = "bgp", BODY(bgp), .fields = fields};

static void separate(struct text_builder *b)
{
	if (b->used > 0)
		text_put(b, ",");
}

// ---- OPEN ----

static const char *capability_name(uint8_t code)
{
	switch (code) {
	case 1:
		return "multiprotocol";
	case 2:
	case 128:
		return "route_refresh";
	case 5:
		return "extended_next_hop";
	case 6:
		return "extended_message";
	case 64:
		return "graceful_restart";
	case CAPABILITY_AS4:
		return "four_octet_as";
	case 69:
		return "add_path";
	case 70:
		return "enhanced_route_refresh";
	case 71:
		return "long_lived_graceful_restart";
	case 73:
		return "fqdn";
	default:
		return NULL;
	}
}

static void capabilities_read(struct bgp *bgp, struct span in, struct text_builder *list)
{
	for (unsigned i = 0; i < CAPABILITIES_MAX && in.left > 0; i++) {
		uint8_t code = span_u8(&in);
		struct span value = span_take(&in, span_u8(&in));
		const char *name = capability_name(code);

		separate(list);
		if (name != NULL)
			text_put(list, name);
		else
			text_put_number(list, code);
		if (code == CAPABILITY_AS4 && value.left == 4)
			bgp->asn = span_be32(&value);
	}
}

static bool open_read(struct l7 *l7, struct bgp *bgp, struct span in)
{
	char room[LIST_ROOM];
	struct text_builder list = text_builder(room, sizeof(room));
	const uint8_t *id;
	struct span parameters;

	bgp->version = span_u8(&in);
	bgp->asn = span_be16(&in);
	bgp->hold_time_s = span_be16(&in);
	id = span_bytes(&in, RECORD_IPV4);
	parameters = span_take(&in, span_u8(&in));
	if (!span_ok(&parameters) || in.left > 0 || bgp->version != 4)
		return false;
	memcpy(bgp->router_id, id, RECORD_IPV4);
	for (unsigned i = 0; i < CAPABILITIES_MAX && parameters.left > 0; i++) {
		uint8_t type = span_u8(&parameters);
		struct span value = span_take(&parameters, span_u8(&parameters));

		if (type == PARAMETER_CAPABILITIES)
			capabilities_read(bgp, value, &list);
	}
	bgp->capabilities = l7_text_bytes(l7, room, (uint32_t)list.used, LIST_ROOM);
	return true;
}

// ---- UPDATE ----

static void prefix_put(struct text_builder *list, const uint8_t address[RECORD_IPV4], uint8_t bits)
{
	separate(list);
	for (unsigned i = 0; i < RECORD_IPV4; i++) {
		text_put(list, i > 0 ? "." : "");
		text_put_number(list, address[i]);
	}
	text_put(list, "/");
	text_put_number(list, bits);
}

// The prefixes of IPv4 in `in`; false if they do not end with it.
static bool prefixes_read(struct l7 *l7, struct span in, struct record_text *text, uint32_t *count)
{
	char room[LIST_ROOM];
	struct text_builder list = text_builder(room, sizeof(room));

	for (*count = 0; in.left > 0 && *count < PREFIXES_MAX; ++*count) {
		uint8_t bits = span_u8(&in), address[RECORD_IPV4] = {0};
		uint32_t bytes = (bits + 7u) / 8;
		const uint8_t *at = span_bytes(&in, bytes);

		if (at == NULL || bits > PREFIX_BITS_MAX)
			return false;
		memcpy(address, at, bytes);
		if (*count < LIST_MAX)
			prefix_put(&list, address, bits);
	}
	*text = l7_text_bytes(l7, room, (uint32_t)list.used, LIST_ROOM);
	return in.left == 0;
}

// Segments of two- or four-byte numbers: which of the two is told by what fits (RFC 6793 leaves it to the OPENs).
static bool path_fits(struct span in, unsigned width)
{
	while (in.left > 0) {
		uint8_t type = span_u8(&in), count = span_u8(&in);

		if (type < 1 || type > 4 || count == 0)
			return false;
		span_bytes(&in, count * width);
	}
	return span_ok(&in);
}

static void path_read(struct l7 *l7, struct bgp *bgp, struct span in)
{
	char room[LIST_ROOM];
	struct text_builder list = text_builder(room, sizeof(room));
	unsigned width = path_fits(in, 4) ? 4 : 2, listed = 0;

	while (in.left > 0 && span_ok(&in)) {
		uint8_t count = (uint8_t)(span_u8(&in), span_u8(&in));

		for (unsigned i = 0; i < count && span_ok(&in) && listed < PATH_MAX_ASNS; i++, listed++) {
			separate(&list);
			text_put_number(&list, width == 4 ? span_be32(&in) : span_be16(&in));
		}
		if (listed == PATH_MAX_ASNS)
			break;
	}
	bgp->as_path = l7_text_bytes(l7, room, (uint32_t)list.used, LIST_ROOM);
}

static void family_put(struct text_builder *families, struct span in)
{
	uint16_t afi = span_be16(&in);
	uint8_t safi = span_u8(&in);

	separate(families);
	text_put(families, afi == 1 ? "ipv4" : afi == 2 ? "ipv6" : afi == 25 ? "l2vpn" : afi == 16388 ? "link_state" : "other");
	text_put(families, safi == 1 ? "_unicast" : safi == 2 ? "_multicast" : safi == 128 ? "_vpn" : safi == 70 ? "_evpn" : "");
}

static bool attributes_read(struct l7 *l7, struct bgp *bgp, struct span in)
{
	char room[LIST_ROOM];
	struct text_builder families = text_builder(room, sizeof(room));

	for (unsigned i = 0; i < ATTRIBUTES_MAX && in.left > 0; i++) {
		uint8_t flags = span_u8(&in), type = span_u8(&in);
		uint32_t length = (flags & EXTENDED_LENGTH) != 0 ? span_be16(&in) : span_u8(&in);
		struct span value = span_take(&in, length);

		if (!span_ok(&value))
			return false;
		if (type == ATTRIBUTE_ORIGIN && value.left == 1 && value.at[0] < 3)
			bgp->origin = (uint8_t)(span_u8(&value) + 1);
		else if (type == ATTRIBUTE_AS_PATH)
			path_read(l7, bgp, value);
		else if (type == ATTRIBUTE_NEXT_HOP && value.left == RECORD_IPV4)
			memcpy(bgp->next_hop, value.at, RECORD_IPV4);
		else if (type == ATTRIBUTE_REACH || type == ATTRIBUTE_UNREACH)
			family_put(&families, value);
	}
	bgp->families = l7_text_bytes(l7, room, (uint32_t)families.used, LIST_ROOM);
	return true;
}

static bool update_read(struct l7 *l7, struct bgp *bgp, struct span in)
{
	struct span withdrawn = span_take(&in, span_be16(&in)), attributes = span_take(&in, span_be16(&in));

	return span_ok(&in) && span_ok(&withdrawn) && span_ok(&attributes) &&
	       prefixes_read(l7, withdrawn, &bgp->withdrawn, &bgp->withdrawn_count) && attributes_read(l7, bgp, attributes) &&
	       prefixes_read(l7, in, &bgp->announced, &bgp->announced_count);
}

// ---- messages ----

static bool body_read(struct l7 *l7, struct bgp *bgp, struct span in)
{
	switch (bgp->type) {
	case OPEN:
		return open_read(l7, bgp, in);
	case UPDATE:
		return update_read(l7, bgp, in);
	case NOTIFICATION:
		bgp->error = span_u8(&in);
		bgp->suberror = span_u8(&in);
		return span_ok(&in);
	case KEEPALIVE:
		return in.left == 0;
	default:
		return bgp->type == ROUTE_REFRESH && in.left >= 4;
	}
}

static bool marker_is(struct span in)
{
	for (unsigned i = 0; i < MARKER_BYTES && i < in.left; i++)
		if (in.at[i] != 0xff)
			return false;
	return true;
}

static enum proto_verdict bgp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct bgp *bgp = L7_BODY(l7, struct bgp);
	struct span rest = in;
	uint16_t length;

	(void)hint;
	if (!marker_is(in))
		return PROTO_NO;
	if (in.left < HEADER_BYTES)
		return PROTO_MORE;
	span_bytes(&rest, MARKER_BYTES);
	length = span_be16(&rest);
	bgp->type = span_u8(&rest);
	if (length < HEADER_BYTES || length > MESSAGE_MAX || bgp->type < OPEN || bgp->type > ROUTE_REFRESH)
		return PROTO_NO;
	if (in.left < length)
		return PROTO_MORE;
	l7->used = length;
	if (!body_read(l7, bgp, span_take(&rest, length - HEADER_BYTES)))
		return PROTO_NO;
	if (bgp->type == KEEPALIVE || bgp->type == ROUTE_REFRESH) {
		l7_clear(l7);
		return PROTO_MORE;
	}
	return PROTO_YES;
}

const struct proto_ops proto_bgp = {
	.name = "bgp",
	.title = "BGP",
	.spec = "RFC 4271, RFC 5492, RFC 6793",
	.l4 = PROTO_TCP,
	.ports = {179},
	.max_payloads = 2,
	.first = {{0xff, 0xff}},
	.firsts = 1,
	.dissect = bgp_dissect,
	.kind = &kind,
};
