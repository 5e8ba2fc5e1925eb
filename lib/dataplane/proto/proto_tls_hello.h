// The two hello messages of TLS, RFC 5246 section 7.4.1 and RFC 8446 section 4.1, as far as they tell who talks to whom and how.
// The spans point into the message.
#ifndef PROTO_PROTO_TLS_HELLO_H
#define PROTO_PROTO_TLS_HELLO_H

#include "base/span.h"
#include "record/l7.h"

struct tls_hello {
	uint16_t version;    // the message's own field
	uint16_t highest;    // by supported_versions too; in a ServerHello the one chosen
	uint16_t cipher;     // ServerHello
	bool retry;          // ServerHello that is a HelloRetryRequest
	bool resumed;        // ClientHello: asks to resume; ServerHello: takes the key that was offered
	bool named;          // ClientHello: has the extension of the server's name
	bool ech;            // ClientHello: the true one is encrypted in it (RFC 9849)
	struct span session; // id; to be resumed, or the server's for later or that it resumes
	struct span ciphers; // ClientHello: u16 each
	struct span extensions;
	struct span sni;          // host name
	struct span alpn;         // list of protocol names, u8 length each
	struct span versions;     // ClientHello supported_versions: u16 each
	struct span groups;       // supported_groups: u16 each
	struct span formats;      // ec_point_formats: u8 each
	struct span signatures;   // signature_algorithms: u16 each
	unsigned ciphers_count, extensions_count;
};

// in: the body of the message, which may be cut short; what is whole in it is read.
void tls_client_hello_read(struct span in, struct tls_hello *hello);
void tls_server_hello_read(struct span in, struct tls_hello *hello);

// What the first name of an ALPN list that is known stands for: enum flow_service. IANA, "TLS ALPN Protocol IDs".
uint8_t tls_alpn_service(struct span list);

// Names of protocols as ALPN lists them, comma separated.
struct record_text tls_alpn_text(struct l7 *l7, struct span list);

// A ClientHello in the form of SSL 2.0, RFC 5246 appendix E.2, or one of SSL 2.0 itself: `in` begins with its record. What its
// lengths say must agree. False if it is not one; hello has version, session and ciphers (of three bytes, those are counted).
bool tls_ssl2_hello_read(struct span in, struct tls_hello *hello);

// Values that clients throw in to keep servers tolerant, RFC 8701.
static inline bool tls_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

#endif
