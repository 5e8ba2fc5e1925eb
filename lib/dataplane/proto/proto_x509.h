// A certificate, RFC 5280: whose it is, who says so, how long, for which names. Nothing is verified: a signature is not looked at.
#ifndef PROTO_PROTO_X509_H
#define PROTO_PROTO_X509_H

#include "base/text.h"
#include "proto/proto_der.h"

struct x509 {
	struct span serial, issuer, subject; // the values; names: a list of sets
	struct der not_before, not_after;
	struct span alt_names; // subjectAltName: a list of context-tagged names; empty if there is none
};

// False if it is not a certificate or is not whole. A broken extension only costs what it would have told.
bool x509_read(struct span in, struct x509 *out);

// "C=DE, O=Example, CN=www.example.org", in the order of the certificate.
void x509_name_put(struct text_builder *b, struct span name);

// "2026-11-21T10:35:00"; nothing if it is not a time.
void x509_time_put(struct text_builder *b, const struct der *time);

// Bytes in hexadecimal with colons between them.
void x509_hex_put(struct text_builder *b, struct span bytes, bool upper);

// Names of hosts, mail addresses, URIs and IP addresses, comma separated. One with a comma in it is left out.
void x509_alt_names_put(struct text_builder *b, struct span names);

#endif
