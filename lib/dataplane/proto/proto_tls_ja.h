// Fingerprints of TLS hellos: JA3 and JA3S (Salesforce), and JA4, the TLS client method of FoxIO that is BSD-licensed.
#ifndef PROTO_PROTO_TLS_JA_H
#define PROTO_PROTO_TLS_JA_H

#include "proto/proto_tls_hello.h"

enum { TLS_JA3_LENGTH = 32, TLS_JA4_LENGTH = 36, TLS_JA_ROOM = 40 };

// out: TLS_JA_ROOM bytes, no final NUL. False if the hello has more values than a client ever sends. transport: 't' for TCP, 'q' for
// QUIC, 'd' for DTLS.
bool tls_ja3(const struct tls_hello *client, char *out);
bool tls_ja3s(const struct tls_hello *server, char *out);
bool tls_ja4(const struct tls_hello *client, char transport, char *out);

#endif
