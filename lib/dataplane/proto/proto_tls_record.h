// The record layer of TLS, RFC 8446 section 5.1, as far as it is plain: handshake messages lie in records without regard to where
// these begin and end, so their bytes are joined.
#ifndef PROTO_PROTO_TLS_RECORD_H
#define PROTO_PROTO_TLS_RECORD_H

#include "record/l7.h"

enum { TLS_RECORD_HEADER = 5, TLS_RECORD_BYTES_MAX = 16384 + 2048, TLS_JOIN_MAX = 16384, TLS_MESSAGE_HEADER = 4 };
enum { TLS_ALERT_BYTES = 2, TLS_ALERT_WARNING = 1, TLS_ALERT_FATAL = 2, TLS_ALERT_CLOSE = 0 };
enum { TLS_CCS = 20, TLS_ALERT = 21, TLS_HANDSHAKE = 22, TLS_DATA = 23 };

struct tls_record {
	uint8_t content;
	uint16_t version, length;
};

struct tls_record tls_record_read(struct span *in);

// Whether the header is one of SSL 3.0 to TLS 1.3.
bool tls_record_fits(const struct tls_record *r);

// Fewer bytes than a header: whether they can be the beginning of one.
bool tls_record_begins(struct span in);

// The handshake bytes at the front of `in`, of which the first `left` belong to a record that began earlier, joined in scratch (of
// TLS_JOIN_MAX bytes); *ended if something else than more of them follows.
struct span tls_handshake_join(struct span in, uint32_t left, uint8_t *scratch, bool *ended);

// Passes over n of those bytes, and the headers between them; *left as above, for what follows.
void tls_handshake_pass(struct span *in, uint32_t *left, uint32_t n);

// Puts an alert into the event.
void tls_alert_fill(uint8_t level, uint8_t description, bool by_client, struct l7 *l7);

// Type and length of a message.
uint32_t tls_message_read(struct span *in, uint8_t *type);

#endif
