// Service bindings in DNS (SVCB, HTTPS): RFC 9460 section 2.
#ifndef PROTO_PROTO_DNS_SVCB_H
#define PROTO_PROTO_DNS_SVCB_H

#include "base/span.h"
#include "base/text.h"

// Writes the parameters, which follow the target to the end of the data, as one writes them in a zone: " alpn=h2,h3 port=8443".
// False if they are not in order or not whole.
bool dns_svcb_put(struct span *at, struct text_builder *out);

#endif
