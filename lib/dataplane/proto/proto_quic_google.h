// QUIC as it was before the IETF's: Google's Q025 to Q046, whose first packet, with the client's hello, is not encrypted.
#ifndef PROTO_PROTO_QUIC_GOOGLE_H
#define PROTO_PROTO_QUIC_GOOGLE_H

#include "base/span.h"

struct quic_google_hello {
	uint32_t version; // "Q043"
	struct span sni, agent, alpn;
};

// A datagram that begins with the client's hello.
bool quic_google_read(struct span in, struct quic_google_hello *hello);

// The hello itself, also as Q050 has it in CRYPTO frames. False if it is none.
bool quic_google_hello_read(struct span in, struct quic_google_hello *hello);

#endif
