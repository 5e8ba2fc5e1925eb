#include "proto/proto_ntlmssp.h"

#include "base/text.h"
#include "proto/proto_utf16.h"

enum { SIGNATURE_BYTES = 8, TEXT_MAX = 256, VERSION_ROOM = 48 };
enum { FLAG_UNICODE = 1, FLAG_VERSION = 0x02000000 };

static const char signature[SIGNATURE_BYTES] = "NTLMSSP";

static bool signature_find(struct span *in)
{
	while (in->left >= SIGNATURE_BYTES) {
		const uint8_t *at = memchr(in->at, signature[0], in->left);

		if (at == NULL)
			return false;
		span_bytes(in, (uint32_t)(at - in->at));
		if (in->left >= SIGNATURE_BYTES && memcmp(in->at, signature, SIGNATURE_BYTES) == 0)
			return true;
		span_bytes(in, 1);
	}
	return false;
}

// A text by its length, room and offset, which stand in `in`; the offset counts from the signature.
static struct record_text text_at(struct span message, struct span *in, bool wide, struct l7 *l7)
{
	uint16_t length = span_le16(in);
	uint32_t offset;

	span_bytes(in, 2);
	offset = span_le32(in);
	if (!span_ok(in) || length == 0)
		return (struct record_text){0};
	span_bytes(&message, offset);
	message = span_take(&message, length);
	return span_ok(&message) ? utf16_text_or(l7, message, wide, TEXT_MAX) : (struct record_text){0};
}

static struct record_text version_read(struct span *in, struct l7 *l7)
{
	uint8_t major = span_u8(in), minor = span_u8(in);
	uint16_t build = span_le16(in);
	char room[VERSION_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));

	span_bytes(in, 3);
	text_put_number(&b, major);
	text_put(&b, ".");
	text_put_number(&b, minor);
	text_put(&b, " build ");
	text_put_number(&b, build);
	text_put(&b, " rev ");
	text_put_number(&b, span_u8(in));
	return span_ok(in) && major > 0 ? l7_text_bytes(l7, room, (uint32_t)b.used, VERSION_ROOM) : (struct record_text){0};
}

// Domain and workstation are never in UTF-16 here.
static void negotiate_read(struct span message, struct span in, struct ntlmssp *out, struct l7 *l7)
{
	uint32_t flags = span_le32(&in);

	out->domain = text_at(message, &in, false, l7);
	out->host = text_at(message, &in, false, l7);
	if ((flags & FLAG_VERSION) != 0)
		out->version = version_read(&in, l7);
}

static void challenge_read(struct span message, struct span in, struct ntlmssp *out, struct l7 *l7)
{
	struct span flags = in;

	span_bytes(&flags, 8);
	out->target = text_at(message, &in, (span_le32(&flags) & FLAG_UNICODE) != 0, l7);
}

static void authenticate_read(struct span message, struct span in, struct ntlmssp *out, struct l7 *l7)
{
	struct span rest = in;
	uint32_t flags;
	bool wide;

	span_bytes(&rest, 6 * 8); // six texts, then the flags
	flags = span_le32(&rest);
	wide = !span_ok(&rest) || (flags & FLAG_UNICODE) != 0;
	span_bytes(&in, 2 * 8); // what was made of the password
	out->domain = text_at(message, &in, wide, l7);
	out->user = text_at(message, &in, wide, l7);
	out->host = text_at(message, &in, wide, l7);
	if (span_ok(&rest) && (flags & FLAG_VERSION) != 0)
		out->version = version_read(&rest, l7);
}

enum ntlmssp_type ntlmssp_read(struct span blob, struct ntlmssp *out, struct l7 *l7)
{
	struct span in;
	uint32_t type;

	if (!signature_find(&blob))
		return NTLMSSP_NONE;
	in = blob;
	span_bytes(&in, SIGNATURE_BYTES);
	type = span_le32(&in);
	if (type == NTLMSSP_NEGOTIATE)
		negotiate_read(blob, in, out, l7);
	else if (type == NTLMSSP_CHALLENGE)
		challenge_read(blob, in, out, l7);
	else if (type == NTLMSSP_AUTHENTICATE)
		authenticate_read(blob, in, out, l7);
	else
		return NTLMSSP_NONE;
	return (enum ntlmssp_type)type;
}
