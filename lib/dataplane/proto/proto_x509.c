#include "proto/proto_x509.h"

#include <arpa/inet.h>

enum { UTC_TIME_DIGITS = 12, TIME_DIGITS = 14, OBJECT_ARC_BITS_MAX = 28, IPV4_BYTES = 4, IPV6_BYTES = 16 };
enum { NAME_MAIL = DER_CONTEXT + 1, NAME_HOST = DER_CONTEXT + 2, NAME_URI = DER_CONTEXT + 6, NAME_ADDRESS = DER_CONTEXT + 7 };

static const char object_alt_names[] = "\x55\x1d\x11";

static bool bytes_are(struct span s, const char *bytes, uint32_t len)
{
	return s.left == len && memcmp(s.at, bytes, len) == 0;
}

// ---- the certificate ----

static void extensions_read(struct span list, struct x509 *out)
{
	while (list.left > 0) {
		struct span extension = der_take(&list, DER_SEQUENCE);
		struct span object = der_take(&extension, DER_OBJECT), octets;

		der_pass(&extension, DER_BOOLEAN); // critical
		octets = der_take(&extension, DER_OCTETS);
		if (span_ok(&octets) && bytes_are(object, object_alt_names, sizeof(object_alt_names) - 1))
			out->alt_names = der_take(&octets, DER_SEQUENCE);
	}
}

bool x509_read(struct span in, struct x509 *out)
{
	struct span certificate = der_take(&in, DER_SEQUENCE), signed_part = der_take(&certificate, DER_SEQUENCE), validity;
	bool timed;

	*out = (struct x509){0};
	der_pass(&signed_part, DER_CONTEXT_OF); // version
	out->serial = der_take(&signed_part, DER_INTEGER);
	der_take(&signed_part, DER_SEQUENCE); // algorithm
	out->issuer = der_take(&signed_part, DER_SEQUENCE);
	validity = der_take(&signed_part, DER_SEQUENCE);
	timed = der_read(&validity, &out->not_before) && der_read(&validity, &out->not_after);
	out->subject = der_take(&signed_part, DER_SEQUENCE);
	if (!timed || !span_ok(&out->serial) || !span_ok(&out->issuer) || !span_ok(&out->subject))
		return false;
	der_take(&signed_part, DER_SEQUENCE); // key
	while (signed_part.left > 0) {
		struct der element;

		if (der_read(&signed_part, &element) && element.tag == DER_CONTEXT_OF + 3)
			extensions_read(der_take(&element.value, DER_SEQUENCE), out);
	}
	return true;
}

// ---- names ----

static void object_put(struct text_builder *b, struct span object)
{
	uint32_t arc = span_u8(&object), high = arc / 40 < 2 ? arc / 40 : 2;

	text_put_number(b, high);
	text_put(b, ".");
	text_put_number(b, arc - high * 40);
	for (arc = 0; object.left > 0;) {
		uint8_t byte = span_u8(&object);

		arc = (arc & ((1u << (OBJECT_ARC_BITS_MAX - 7)) - 1)) << 7 | (byte & 0x7f);
		if ((byte & 0x80) != 0)
			continue;
		text_put(b, ".");
		text_put_number(b, arc);
		arc = 0;
	}
}

// What is before the equals sign, RFC 4514 section 3 and what is customary beyond.
static void attribute_put(struct text_builder *b, struct span object)
{
	static const struct {
		const char *object;
		uint32_t len;
		const char *name;
	} known[] = {
		{"\x55\x04\x03", 3, "CN"}, {"\x55\x04\x04", 3, "SN"}, {"\x55\x04\x05", 3, "serialNumber"}, {"\x55\x04\x06", 3, "C"},
		{"\x55\x04\x07", 3, "L"}, {"\x55\x04\x08", 3, "ST"}, {"\x55\x04\x09", 3, "street"}, {"\x55\x04\x0a", 3, "O"},
		{"\x55\x04\x0b", 3, "OU"}, {"\x55\x04\x0c", 3, "title"}, {"\x55\x04\x2a", 3, "GN"}, {"\x55\x04\x11", 3, "postalCode"},
		{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, "emailAddress"}, {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, "DC"},
		{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10, "UID"},
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bytes_are(object, known[i].object, known[i].len)) {
			text_put(b, known[i].name);
			return;
		}
	object_put(b, object);
}

void x509_name_put(struct text_builder *b, struct span name)
{
	bool first = true;

	while (name.left > 0) {
		struct span set = der_take(&name, DER_SET);

		while (set.left > 0) {
			struct span pair = der_take(&set, DER_SEQUENCE), object = der_take(&pair, DER_OBJECT);
			struct der value;

			if (!der_read(&pair, &value))
				continue;
			text_put(b, first ? "" : ", ");
			attribute_put(b, object);
			text_put(b, "=");
			text_put_bytes(b, value.value.at, value.value.left);
			first = false;
		}
	}
}

static void alt_name_put(struct text_builder *b, const struct der *name)
{
	char room[INET6_ADDRSTRLEN];
	struct span value = name->value;

	if (name->tag == NAME_ADDRESS && (value.left == IPV4_BYTES || value.left == IPV6_BYTES)) {
		inet_ntop(value.left == IPV4_BYTES ? AF_INET : AF_INET6, value.at, room, sizeof(room));
		value = span_of(room, (uint32_t)strlen(room));
	} else if (name->tag != NAME_HOST && name->tag != NAME_MAIL && name->tag != NAME_URI) {
		return;
	}
	if (value.left == 0 || memchr(value.at, ',', value.left) != NULL)
		return;
	text_put(b, b->used > 0 ? "," : "");
	text_put_bytes(b, value.at, value.left);
}

void x509_alt_names_put(struct text_builder *b, struct span names)
{
	struct der name;

	while (names.left > 0)
		if (der_read(&names, &name))
			alt_name_put(b, &name);
}

// ---- times, numbers ----

static bool digits_only(struct span s)
{
	while (s.left > 0) {
		uint8_t c = span_u8(&s);

		if (c < '0' || c > '9')
			return false;
	}
	return true;
}

void x509_time_put(struct text_builder *b, const struct der *time)
{
	static const char *const before[] = {"-", "-", "T", ":", ":"}; // month, day, hour, minute, second
	struct span value = time->value, digits = span_take(&value, time->tag == DER_TIME ? TIME_DIGITS : UTC_TIME_DIGITS);

	if ((time->tag != DER_TIME && time->tag != DER_UTC_TIME) || !span_ok(&digits) || !digits_only(digits))
		return;
	if (time->tag == DER_TIME)
		text_put_bytes(b, span_bytes(&digits, 2), 2);
	else
		text_put(b, digits.at[0] < '5' ? "20" : "19");
	text_put_bytes(b, span_bytes(&digits, 2), 2);
	for (unsigned i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		text_put(b, before[i]);
		text_put_bytes(b, span_bytes(&digits, 2), 2);
	}
}

void x509_hex_put(struct text_builder *b, struct span bytes, bool upper)
{
	static const char digits[2][17] = {"0123456789abcdef", "0123456789ABCDEF"};

	for (bool first = true; bytes.left > 0; first = false) {
		uint8_t byte = span_u8(&bytes);

		text_put(b, first ? "" : ":");
		text_put_bytes(b, (char[]){digits[upper][byte >> 4], digits[upper][byte & 15]}, 2);
	}
}
