// IKE: RFC 7296 (version 2), RFC 2408 and 2409 (version 1), RFC 3948 (behind four zero bytes on port 4500). A message has a header of
// 28 bytes whose length is the datagram's, whose version and exchange belong together and whose payloads chain up to its end. One
// event a message, with the first proposal where it is not encrypted.
#include "proto/proto_list.h"

#include <string.h>

#include "base/text.h"
#include "proto/proto_ike_names.h"

struct ike {
	uint8_t major, minor, exchange, role;
	uint16_t key_bits, group;
	uint32_t message_id, lifetime_s;
	struct record_text init_spi, resp_spi, payloads, vendors;
	struct record_text encryption, prf, hash, auth;
};

enum { HEADER_BYTES = 28, SPI_BYTES = 8, PAYLOADS_MAX = 24, TRANSFORMS_MAX = 16, ATTRIBUTES_MAX = 16 };
enum { NAMES_ROOM = 256, VENDORS_ROOM = 512, VENDOR_BYTES_MAX = 20, NAME_MAX = 40, PROPOSAL_HEAD = 8, V1_DOI_BYTES = 8 };
enum { KEEPALIVE = 0xff, PRIVATE_TYPES = 128 };
enum { FLAG_V1_ENCRYPTED = 1, FLAG_V2_RESPONSE = 32 };
enum { V1_SA = 1, V1_VENDOR = 13, V1_TYPES = 33, V2_SA = IKE_SA_V2, V2_VENDOR = 43, V2_ENCRYPTED = 46, V2_FRAGMENT = 53, V2_TYPES = 54 };
enum { TRANSFORM_ENCR = 1, TRANSFORM_PRF, TRANSFORM_INTEG, TRANSFORM_DH };
enum { ATTRIBUTE_SHORT = 0x8000, V2_KEY_LENGTH = 14, V1_CIPHER = 1, V1_HASH, V1_AUTH, V1_GROUP, V1_LIFE = 12, V1_KEY_LENGTH = 14 };

static const char *const roles[] = {"initiator", "responder"};

static const struct record_field fields[] = {
	{FIELD("version_major", U8, ike, major), IN("ike", "version_major")},
	{FIELD("version_minor", U8, ike, minor), IN("ike", "version_minor")},
	{FIELD("exchange_type", U8, ike, exchange), IN("ike", "exchange_type")},
	{FIELD("message_id", U32, ike, message_id), IN("ike", "message_id")},
	{FIELD("init_spi", TEXT, ike, init_spi), IN("ike", "init_spi")},
	{FIELD("resp_spi", TEXT, ike, resp_spi), IN("ike", "resp_spi")},
	{FIELD("role", NAME8, ike, role), IN("ike", "role"), NAMES(roles)},
	{FIELD("alg_enc", TEXT, ike, encryption), IN("ike", "alg_enc")},
	{FIELD("alg_enc_bits", U16, ike, key_bits), IN("ike", "alg_enc_bits"), .flags = FIELD_OMIT_ZERO, .unit = "bits"},
	{FIELD("alg_auth", TEXT, ike, auth), IN("ike", "alg_auth")},
	{FIELD("alg_prf", TEXT, ike, prf), IN("ike", "alg_prf")},
	{FIELD("alg_hash", TEXT, ike, hash), IN("ike", "alg_hash")},
	{FIELD("alg_dh", U16, ike, group), IN("ike", "alg_dh"), .flags = FIELD_OMIT_ZERO},
	{FIELD("sa_life_duration", U32, ike, lifetime_s), IN("ike", "sa_life_duration"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("payload", TEXT_LIST, ike, payloads), IN("ike", "payload")},
	{FIELD("vendor_ids", TEXT_LIST, ike, vendors), IN("ike", "vendor_ids")},
	{0},
};

static const struct record_kind kind = {.event_type = "ike", BODY(ike), .fields = fields};

// The first value of an algorithm counts: it is the one preferred, and in an answer the only one.
static void name_set(struct l7 *l7, struct record_text *text, const char *name, uint32_t value)
{
	char number[16];
	struct text_builder b = text_builder(number, sizeof(number));

	if (text->len > 0 || value == 0)
		return;
	text_put_number(&b, value);
	*text = name != NULL ? l7_text_bytes(l7, name, (uint32_t)strlen(name), NAME_MAX) : l7_text_bytes(l7, number, (uint32_t)b.used, NAME_MAX);
}

// The next attribute: RFC 2408 section 3.3, RFC 7296 section 3.3.5. A long value is zero if it has not four bytes.
static bool attribute_next(struct span *in, uint16_t *type, uint32_t *value)
{
	struct span wide;

	*type = span_be16(in);
	*value = span_be16(in);
	if ((*type & ATTRIBUTE_SHORT) == 0) {
		wide = span_take(in, *value);
		*value = wide.left == 4 ? span_be32(&wide) : 0;
	}
	*type &= (uint16_t)~ATTRIBUTE_SHORT;
	return span_ok(in);
}

static void transform_v2(struct l7 *l7, struct ike *ike, uint8_t type, uint16_t id, struct span attributes)
{
	uint16_t attribute;
	uint32_t value;

	if (type == TRANSFORM_ENCR && ike->encryption.len == 0)
		for (unsigned i = 0; i < ATTRIBUTES_MAX && attributes.left > 0 && attribute_next(&attributes, &attribute, &value); i++)
			if (attribute == V2_KEY_LENGTH)
				ike->key_bits = (uint16_t)value;
	if (type == TRANSFORM_ENCR)
		name_set(l7, &ike->encryption, ike_encryption_name(id), id);
	else if (type == TRANSFORM_PRF)
		name_set(l7, &ike->prf, ike_prf_name(id), id);
	else if (type == TRANSFORM_INTEG)
		name_set(l7, &ike->auth, ike_integrity_name(id), id);
	else if (type == TRANSFORM_DH && ike->group == 0)
		ike->group = id;
}

static void transform_v1(struct l7 *l7, struct ike *ike, struct span attributes)
{
	uint16_t type;
	uint32_t value;

	for (unsigned i = 0; i < ATTRIBUTES_MAX && attributes.left > 0 && attribute_next(&attributes, &type, &value); i++) {
		if (type == V1_CIPHER)
			name_set(l7, &ike->encryption, ike_v1_cipher_name(value), value);
		else if (type == V1_HASH)
			name_set(l7, &ike->hash, ike_v1_hash_name(value), value);
		else if (type == V1_AUTH)
			name_set(l7, &ike->auth, ike_v1_auth_name(value), value);
		else if (type == V1_GROUP && ike->group == 0)
			ike->group = (uint16_t)value;
		else if (type == V1_LIFE && ike->lifetime_s == 0)
			ike->lifetime_s = value;
		else if (type == V1_KEY_LENGTH && ike->key_bits == 0)
			ike->key_bits = (uint16_t)value;
	}
}

// The first proposal of a security association.
static void sa_read(struct l7 *l7, struct ike *ike, struct span in)
{
	uint8_t spi_bytes, transforms;
	struct span proposal;
	uint16_t length;

	if (ike->major == 1)
		span_bytes(&in, V1_DOI_BYTES);
	span_be16(&in);
	length = span_be16(&in);
	proposal = span_take(&in, length > 4 ? length - 4u : 0);
	span_be16(&proposal); // number, protocol
	spi_bytes = span_u8(&proposal);
	transforms = span_u8(&proposal);
	span_bytes(&proposal, spi_bytes);
	for (unsigned i = 0; i < transforms && i < TRANSFORMS_MAX; i++) {
		uint16_t bytes = (uint16_t)(span_be16(&proposal), span_be16(&proposal));
		struct span transform = span_take(&proposal, bytes > 4 ? bytes - 4u : 0);
		uint8_t type = span_u8(&transform);
		uint16_t id;

		span_u8(&transform);
		id = span_be16(&transform);
		if (!span_ok(&transform))
			break;
		if (ike->major == 2)
			transform_v2(l7, ike, type, id, transform);
		else if (i == 0)
			transform_v1(l7, ike, transform);
	}
}

static void vendor_put(struct text_builder *vendors, struct span in)
{
	if (vendors->used > 0)
		text_put(vendors, ",");
	text_put_hex(vendors, in.at, in.left < VENDOR_BYTES_MAX ? in.left : VENDOR_BYTES_MAX);
}

// The chain of payloads, up to the one that hides the rest. False if it does not end with the message.
static bool payloads_read(struct l7 *l7, struct ike *ike, uint8_t next, struct span in)
{
	char names[NAMES_ROOM], vendor_ids[VENDORS_ROOM];
	struct text_builder list = text_builder(names, sizeof(names)), vendors = text_builder(vendor_ids, sizeof(vendor_ids));

	for (unsigned i = 0; i < PAYLOADS_MAX && next != 0; i++) {
		const char *name = ike_payload_name(ike->major, next);
		uint8_t type = next;
		uint16_t length;
		struct span payload;

		next = span_u8(&in);
		span_u8(&in);
		length = span_be16(&in);
		payload = span_take(&in, length >= 4 ? length - 4u : UINT32_MAX);
		if (!span_ok(&in))
			return false;
		if (list.used > 0)
			text_put(&list, ",");
		if (name != NULL)
			text_put(&list, name);
		else
			text_put_number(&list, type);
		if (type == (ike->major == 2 ? V2_SA : V1_SA))
			sa_read(l7, ike, payload);
		else if (type == (ike->major == 2 ? V2_VENDOR : V1_VENDOR))
			vendor_put(&vendors, payload);
		else if (ike->major == 2 && (type == V2_ENCRYPTED || type == V2_FRAGMENT))
			break; // next tells of the first payload inside
	}
	ike->payloads = l7_text_bytes(l7, names, (uint32_t)list.used, NAMES_ROOM);
	ike->vendors = l7_text_bytes(l7, vendor_ids, (uint32_t)vendors.used, VENDORS_ROOM);
	return true;
}

// next: type of the first payload.
static bool exchange_known(uint8_t major, uint8_t exchange, uint8_t next)
{
	if (major == 2)
		return ((exchange >= 34 && exchange <= 41) || exchange == 43 || exchange == 44) &&
		       (next == 0 || (next >= V2_SA && next < V2_TYPES) || next >= PRIVATE_TYPES);
	return major == 1 && ((exchange >= 1 && exchange <= 6) || exchange == 32 || exchange == 33) &&
	       (next < V1_TYPES || next >= PRIVATE_TYPES);
}

static struct record_text spi_text(struct l7 *l7, const uint8_t *spi)
{
	char text[2 * SPI_BYTES];
	struct text_builder b = text_builder(text, sizeof(text));

	text_put_hex(&b, spi, SPI_BYTES);
	return l7_text_bytes(l7, text, (uint32_t)b.used, sizeof(text));
}

static enum proto_verdict ike_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	static const uint8_t none[SPI_BYTES];
	struct ike *ike = L7_BODY(l7, struct ike);
	struct span head = in, marker = in;
	const uint8_t *init, *resp;
	uint8_t next, version, flags;
	uint32_t length;

	if (in.left == 1 && in.at[0] == KEEPALIVE) // of NATs on the way
		return PROTO_MORE;
	if (in.left > HEADER_BYTES + 4 && span_be32(&marker) == 0)
		head = marker; // on port 4500
	length = head.left;
	init = span_bytes(&head, SPI_BYTES);
	resp = span_bytes(&head, SPI_BYTES);
	next = span_u8(&head);
	version = span_u8(&head);
	ike->exchange = span_u8(&head);
	flags = span_u8(&head);
	ike->message_id = span_be32(&head);
	if (span_be32(&head) != length || !span_ok(&head) || memcmp(init, none, SPI_BYTES) == 0)
		return PROTO_NO;
	ike->major = version >> 4;
	ike->minor = version & 15;
	if (ike->minor > 0 || !exchange_known(ike->major, ike->exchange, next))
		return PROTO_NO;
	ike->role = ike->major == 2 ? (flags & FLAG_V2_RESPONSE) != 0 : !hint->to_server;
	ike->init_spi = spi_text(l7, init);
	ike->resp_spi = spi_text(l7, resp);
	if (ike->major == 1 && (flags & FLAG_V1_ENCRYPTED) != 0)
		return PROTO_YES;
	return payloads_read(l7, ike, next, head) ? PROTO_YES : PROTO_NO;
}

const struct proto_ops proto_ike = {
	.name = "ike",
	.title = "IKE",
	.spec = "RFC 7296, RFC 2409, RFC 3948",
	.l4 = PROTO_UDP,
	.ports = {500, 4500},
	.max_payloads = 4,
	.dissect = ike_dissect,
	.kind = &kind,
};
