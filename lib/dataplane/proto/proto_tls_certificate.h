// The Certificate message of TLS up to 1.2, RFC 5246 section 7.4.2 (that of 1.3 is encrypted): what its first certificate, the
// server's own, says, and how many there are.
#ifndef PROTO_PROTO_TLS_CERTIFICATE_H
#define PROTO_PROTO_TLS_CERTIFICATE_H

#include "proto/proto.h"

// in: the body of the message, which may be cut short; certificates that are whole in it count. The digest is only made if costly.
void tls_certificate_fill(struct span in, bool costly, struct l7 *l7);

#endif
