#include "proto/proto_dns_rr.h"

#include <arpa/inet.h>

#include "proto/proto_dns_svcb.h"

enum { LABEL_MAX = 63, LABEL_POINTER = 0xc0, JUMPS_MAX = 32, HEX_BYTES_MAX = 128 };

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_NAPTR = 35,
	TYPE_DNAME = 39,
	TYPE_DS = 43,
	TYPE_SSHFP = 44,
	TYPE_TLSA = 52,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	TYPE_CAA = 257
};

static struct span span_from(struct span message, uint32_t offset)
{
	span_bytes(&message, offset);
	return message;
}

static bool label_add(struct dns_name *name, struct span *at, uint8_t len, uint32_t *wire)
{
	const uint8_t *label = span_bytes(at, len);

	*wire += len + 1u;
	if (label == NULL || *wire > DNS_NAME_MAX)
		return false;
	if (name->len > 0)
		name->bytes[name->len++] = '.';
	memcpy(name->bytes + name->len, label, len);
	name->len += len;
	return true;
}

bool dns_name_read_behind(struct span message, uint32_t header, struct span *at, struct dns_name *name)
{
	struct span from = *at, after = {0};
	uint32_t before = message.left - at->left; // a pointer goes before the labels it ends
	uint32_t wire = 1;
	unsigned jumps = 0;

	name->len = 0;
	for (;;) {
		uint8_t len = span_u8(&from);

		if (!span_ok(&from))
			return false;
		if (len == 0)
			break;
		if (len <= LABEL_MAX) {
			if (!label_add(name, &from, len, &wire))
				return false;
			continue;
		}
		uint32_t target = (uint32_t)(len & ~LABEL_POINTER) << 8 | span_u8(&from);

		if (len < LABEL_POINTER || !span_ok(&from) || target < header || target >= before || jumps == JUMPS_MAX)
			return false;
		if (jumps++ == 0)
			after = from;
		before = target;
		from = span_from(message, target);
	}
	*at = jumps > 0 ? after : from;
	return true;
}

bool dns_name_read(struct span message, struct span *at, struct dns_name *name)
{
	return dns_name_read_behind(message, DNS_HEADER_BYTES, at, name);
}

static bool name_put(struct span message, struct span *at, struct text_builder *out)
{
	struct dns_name name;

	if (!dns_name_read(message, at, &name))
		return false;
	if (name.len == 0)
		text_put(out, ".");
	text_put_bytes(out, name.bytes, name.len);
	return true;
}

static void numbers_put(struct span *at, unsigned count, unsigned bytes, struct text_builder *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			text_put(out, " ");
		text_put_number(out, bytes == 2 ? span_be16(at) : span_be32(at));
	}
}

static bool address_put(struct span *at, int family, uint32_t bytes, struct text_builder *out)
{
	const uint8_t *address = span_bytes(at, bytes);
	char text[INET6_ADDRSTRLEN];

	if (address == NULL || inet_ntop(family, address, text, sizeof(text)) == NULL)
		return false;
	text_put(out, text);
	return true;
}

static bool txt_put(struct span *at, struct text_builder *out)
{
	for (bool first = true; at->left > 0; first = false) {
		struct span string = span_take(at, span_u8(at));

		if (!span_ok(&string))
			return false;
		if (!first)
			text_put(out, " ");
		text_put_bytes(out, string.at, string.left);
	}
	return span_ok(at);
}

static bool soa_put(struct span message, struct span *at, struct text_builder *out)
{
	if (!name_put(message, at, out))
		return false;
	text_put(out, " ");
	if (!name_put(message, at, out))
		return false;
	text_put(out, " ");
	numbers_put(at, 5, 4, out);
	return span_ok(at);
}

static bool caa_put(struct span *at, struct text_builder *out)
{
	uint8_t flags = span_u8(at);
	struct span tag = span_take(at, span_u8(at));

	text_put_number(out, flags);
	text_put(out, " ");
	text_put_bytes(out, tag.at, tag.left);
	text_put(out, " \"");
	text_put_bytes(out, at->at, at->left);
	text_put(out, "\"");
	return span_ok(&tag) && span_bytes(at, at->left) != NULL;
}

static bool numbered_name_put(struct span message, struct span *at, unsigned numbers, struct text_builder *out)
{
	numbers_put(at, numbers, 2, out);
	text_put(out, " ");
	return span_ok(at) && name_put(message, at, out);
}

static bool quoted_put(struct span *at, struct text_builder *out)
{
	struct span string = span_take(at, span_u8(at));

	text_put(out, " \"");
	text_put_bytes(out, string.at, string.left);
	text_put(out, "\"");
	return span_ok(&string);
}

static bool naptr_put(struct span message, struct span *at, struct text_builder *out)
{
	numbers_put(at, 2, 2, out);
	for (unsigned i = 0; i < 3; i++) // flags, services, regular expression
		if (!quoted_put(at, out))
			return false;
	text_put(out, " ");
	return name_put(message, at, out);
}

// Numbers of one byte, then a digest; a key's has its tag of two bytes first.
static bool digest_put(struct span *at, bool tag, unsigned numbers, struct text_builder *out)
{
	if (tag) {
		numbers_put(at, 1, 2, out);
		text_put(out, " ");
	}
	for (unsigned i = 0; i < numbers; i++) {
		text_put_number(out, span_u8(at));
		text_put(out, " ");
	}
	text_put_hex(out, at->at, at->left);
	return span_ok(at) && at->left > 0 && span_bytes(at, at->left) != NULL;
}

// `at` ends with the data here: a name in it must end there too, but may point back into the whole message.
static bool typed_put(struct span message, struct span *at, uint16_t rrtype, struct text_builder *out)
{
	switch (rrtype) {
	case TYPE_A:
		return address_put(at, AF_INET, 4, out);
	case TYPE_AAAA:
		return address_put(at, AF_INET6, 16, out);
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR:
	case TYPE_DNAME:
		return name_put(message, at, out);
	case TYPE_MX:
		return numbered_name_put(message, at, 1, out);
	case TYPE_SRV:
		return numbered_name_put(message, at, 3, out);
	case TYPE_NAPTR:
		return naptr_put(message, at, out);
	case TYPE_DS:
		return digest_put(at, true, 2, out);
	case TYPE_SSHFP:
		return digest_put(at, false, 2, out);
	case TYPE_TLSA:
		return digest_put(at, false, 3, out);
	case TYPE_SVCB:
	case TYPE_HTTPS:
		return numbered_name_put(message, at, 1, out) && dns_svcb_put(at, out);
	case TYPE_SOA:
		return soa_put(message, at, out);
	case TYPE_TXT:
		return txt_put(at, out);
	case TYPE_CAA:
		return caa_put(at, out);
	default:
		return false;
	}
}

bool dns_rdata_read(struct span message, struct span *at, uint16_t rrtype, uint16_t len, struct text_builder *out)
{
	struct span data = span_take(at, len), whole = data;
	size_t mark = out->used;

	if (!span_ok(&data))
		return false;
	message.left -= at->left; // what is behind the data cannot be part of it
	if (typed_put(message, &data, rrtype, out) && data.left == 0)
		return true;
	out->used = mark;
	text_put_hex(out, whole.at, whole.left < HEX_BYTES_MAX ? whole.left : HEX_BYTES_MAX);
	return true;
}
