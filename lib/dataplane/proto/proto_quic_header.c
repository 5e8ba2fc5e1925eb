#include "proto/proto_quic_header.h"

#include "base/text.h"

enum { LONG_FORM = 0x80, FIXED_BIT = 0x40, TYPE_SHIFT = 4, TYPE_MASK = 3 };
enum { RETRY_TAG_BYTES = 16, PACKET_BYTES_MIN = 20, VERSION_BYTES = 4, NEGOTIABLE_MAX = 64, COALESCED_MAX = 8 };

enum {
	VERSION_1 = 0x00000001,
	VERSION_2 = 0x6b3343cf,
	VERSION_2_DRAFT = 0x709a50c4,
	VERSION_DRAFT = 0xff000000,
	VERSION_MVFST = 0xfaceb000,
	VERSION_MVFST_22 = 0xfaceb001,
	VERSION_Q050 = 0x51303530,
	VERSION_T050 = 0x54303530,
	VERSION_T051 = 0x54303531,
};

enum { DRAFT_FIRST = 17, DRAFT_22 = 22, DRAFT_23 = 23, DRAFT_29 = 29, DRAFT_33 = 33, DRAFT_LAST = 34 };

// ---- versions ----

static const uint8_t salt_1[QUIC_SALT_BYTES] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
						0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
static const uint8_t salt_2[QUIC_SALT_BYTES] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
						0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
static const uint8_t salt_2_draft[QUIC_SALT_BYTES] = {0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d,
						      0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5, 0xd3};
static const uint8_t salt_29[QUIC_SALT_BYTES] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
						 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
static const uint8_t salt_23[QUIC_SALT_BYTES] = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
						 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};
static const uint8_t salt_22[QUIC_SALT_BYTES] = {0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
						 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a};
static const uint8_t salt_q050[QUIC_SALT_BYTES] = {0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
						   0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45};
static const uint8_t salt_t050[QUIC_SALT_BYTES] = {0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
						   0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10};
static const uint8_t salt_t051[QUIC_SALT_BYTES] = {0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
						   0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d};

static bool google_is(uint32_t version)
{
	return version == VERSION_Q050 || version == VERSION_T050 || version == VERSION_T051;
}

static bool draft_is(uint32_t version)
{
	return (version & 0xffffff00) == VERSION_DRAFT && (version & 0xff) >= DRAFT_FIRST && (version & 0xff) <= DRAFT_LAST;
}

static bool mvfst_is(uint32_t version) // Facebook's
{
	return (version & 0xfffffff0) == VERSION_MVFST;
}

static bool reserved_is(uint32_t version) // to be refused, so that refusing is exercised
{
	return (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

bool quic_version_known(uint32_t version)
{
	return version == VERSION_1 || version == VERSION_2 || version == VERSION_2_DRAFT || draft_is(version) || mvfst_is(version) ||
	       google_is(version) || reserved_is(version);
}

static const uint8_t *draft_salt(unsigned draft)
{
	if (draft >= DRAFT_33)
		return salt_1;
	if (draft >= DRAFT_29)
		return salt_29;
	if (draft >= DRAFT_23)
		return salt_23;
	return draft == DRAFT_22 ? salt_22 : NULL;
}

static const uint8_t *salt_of(uint32_t version)
{
	if (draft_is(version))
		return draft_salt(version & 0xff);
	if (mvfst_is(version))
		return version == VERSION_MVFST_22 ? salt_22 : salt_23;
	switch (version) {
	case VERSION_2:
		return salt_2;
	case VERSION_2_DRAFT:
		return salt_2_draft;
	case VERSION_Q050:
		return salt_q050;
	case VERSION_T050:
		return salt_t050;
	case VERSION_T051:
		return salt_t051;
	default:
		return salt_1; // what clients use for a reserved version too
	}
}

struct quic_version quic_version_of(uint32_t version)
{
	return (struct quic_version){
		.salt = salt_of(version),
		.second = version == VERSION_2 || version == VERSION_2_DRAFT,
		.google = google_is(version),
	};
}

uint32_t quic_version_name(uint32_t version, char out[QUIC_VERSION_NAME_MAX])
{
	struct text_builder b = text_builder(out, QUIC_VERSION_NAME_MAX);
	uint8_t bytes[VERSION_BYTES] = {(uint8_t)(version >> 24), (uint8_t)(version >> 16), (uint8_t)(version >> 8), (uint8_t)version};

	if (version == VERSION_1 || version == VERSION_2) {
		text_put_number(&b, version == VERSION_1 ? 1 : 2);
	} else if (draft_is(version)) {
		text_put(&b, "draft-");
		text_put_number(&b, version & 0xff);
	} else if (bytes[0] == 'Q' || bytes[0] == 'T') {
		text_put_bytes(&b, bytes, sizeof(bytes));
	} else {
		text_put(&b, "0x");
		text_put_hex(&b, bytes, sizeof(bytes));
	}
	return (uint32_t)b.used;
}

// ---- packets ----

uint64_t quic_number(struct span *in)
{
	uint8_t first = span_u8(in);
	uint64_t number = first & 0x3f;

	for (unsigned more = (1u << (first >> 6)) - 1; more > 0; more--)
		number = number << 8 | span_u8(in);
	return number;
}

static enum quic_packet packet_of(uint8_t first, bool second)
{
	static const enum quic_packet packets[] = {QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE, QUIC_RETRY};
	unsigned type = first >> TYPE_SHIFT & TYPE_MASK;

	return packets[second ? (type + 3) & TYPE_MASK : type];
}

static struct span cid_read(struct span *in)
{
	uint8_t length = span_u8(in);

	return span_take(in, length <= QUIC_CID_MAX ? length : UINT32_MAX);
}

// The versions a server offers instead: one that exists must be among them.
static bool negotiation_read(struct span *in)
{
	bool known = false;

	if (in->left == 0 || in->left % VERSION_BYTES != 0 || in->left > NEGOTIABLE_MAX * VERSION_BYTES)
		return false;
	while (in->left > 0) {
		uint32_t version = span_be32(in);

		known |= quic_version_known(version) && !reserved_is(version);
	}
	return known;
}

static bool body_read(struct span *in, struct quic_header *h)
{
	uint64_t length;

	if (h->packet == QUIC_NEGOTIATION)
		return negotiation_read(in);
	if (h->packet == QUIC_RETRY) {
		h->token = *in;
		return span_take(in, in->left).left > RETRY_TAG_BYTES;
	}
	if (h->packet == QUIC_INITIAL) {
		length = quic_number(in);
		h->token = span_take(in, length <= in->left ? (uint32_t)length : UINT32_MAX);
	}
	length = quic_number(in);
	if (!span_ok(in) || length < PACKET_BYTES_MIN || length > UINT16_MAX)
		return false;
	h->length = (uint32_t)length;
	h->at = span_take(in, h->length < in->left ? h->length : in->left);
	return true;
}

bool quic_header_read(struct span *in, struct quic_header *h)
{
	*h = (struct quic_header){.first = span_u8(in), .version = span_be32(in)};
	h->dcid = cid_read(in);
	h->scid = cid_read(in);
	if (!span_ok(in) || (h->first & LONG_FORM) == 0)
		return false;
	if (h->version == 0)
		h->packet = QUIC_NEGOTIATION;
	else if ((h->first & FIXED_BIT) == 0 || !quic_version_known(h->version))
		return false;
	else
		h->packet = packet_of(h->first, quic_version_of(h->version).second);
	return body_read(in, h);
}

static bool same(struct span a, struct span b)
{
	return a.left == b.left && memcmp(a.at, b.at, a.left) == 0;
}

bool quic_follows(struct span rest, const struct quic_header *header)
{
	for (unsigned i = 0; rest.left > 0 && i < COALESCED_MAX; i++) {
		struct quic_header next;

		if ((rest.at[0] & (LONG_FORM | FIXED_BIT)) == FIXED_BIT) // a short header: it has no length
			return i > 0 && rest.left > header->dcid.left;
		if (!quic_header_read(&rest, &next) || next.version != header->version || !same(next.dcid, header->dcid))
			return false;
	}
	return rest.left == 0;
}
