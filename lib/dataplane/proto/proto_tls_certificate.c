// The low-level digest is used because the newer interface of libcrypto allocates memory for each, which a worker must not do.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "proto/proto_tls_certificate.h"

#include <openssl/sha.h>

#include "proto/proto_x509.h"

enum { NAME_MAX = 448, SERIAL_BYTES_MAX = 24, TIME_MAX = 24, ALT_NAMES_MAX = 768, HEX_WIDTH = 3, CHAIN_MAX = 255 };

static struct span certificate_take(struct span *list)
{
	uint32_t high = span_u8(list);

	return span_take(list, high << 16 | span_be16(list));
}

static struct record_text text_of(struct l7 *l7, const struct text_builder *b)
{
	return l7_text_bytes(l7, b->at, (uint32_t)b->used, (uint32_t)b->room);
}

static struct record_text name_text(struct l7 *l7, struct span name)
{
	char room[NAME_MAX];
	struct text_builder b = text_builder(room, sizeof(room));

	x509_name_put(&b, name);
	return text_of(l7, &b);
}

static struct record_text time_text(struct l7 *l7, const struct der *time)
{
	char room[TIME_MAX];
	struct text_builder b = text_builder(room, sizeof(room));

	x509_time_put(&b, time);
	return text_of(l7, &b);
}

static struct record_text hex_text(struct l7 *l7, struct span bytes, bool upper)
{
	char room[SERIAL_BYTES_MAX * HEX_WIDTH];
	struct text_builder b = text_builder(room, sizeof(room));

	x509_hex_put(&b, bytes, upper);
	return text_of(l7, &b);
}

static struct record_text alt_names_text(struct l7 *l7, struct span names)
{
	char room[ALT_NAMES_MAX];
	struct text_builder b = text_builder(room, sizeof(room));

	x509_alt_names_put(&b, names);
	return text_of(l7, &b);
}

static struct record_text digest_text(struct l7 *l7, struct span certificate)
{
	uint8_t digest[SHA_DIGEST_LENGTH];

	l7->costly = true;
	SHA1(certificate.at, certificate.left, digest);
	return hex_text(l7, span_of(digest, sizeof(digest)), false);
}

static void own_fill(struct span certificate, bool costly, struct l7 *l7)
{
	struct record_tls *tls = &l7->tls;
	struct x509 x509;

	if (!x509_read(certificate, &x509))
		return;
	tls->subject = name_text(l7, x509.subject);
	tls->issuer = name_text(l7, x509.issuer);
	tls->serial = hex_text(l7, x509.serial, true);
	tls->not_before = time_text(l7, &x509.not_before);
	tls->not_after = time_text(l7, &x509.not_after);
	if (costly)
		tls->fingerprint = digest_text(l7, certificate);
	l7->withheld |= !costly;
	tls->alt_names = alt_names_text(l7, x509.alt_names);
}

void tls_certificate_fill(struct span in, bool costly, struct l7 *l7)
{
	span_u8(&in); // the length of the list, of which there may be less: three bytes
	span_be16(&in);
	while (in.left > 0 && l7->tls.chain < CHAIN_MAX) {
		struct span certificate = certificate_take(&in);

		if (!span_ok(&certificate))
			break;
		if (l7->tls.chain++ == 0)
			own_fill(certificate, costly, l7);
	}
}
