// The records that the protocol files export, for proto_list.c and tests. Everyone else goes through the list.
#ifndef PROTO_PROTO_LIST_H
#define PROTO_PROTO_LIST_H

#include "proto/proto.h"

extern const struct proto_ops proto_http, proto_tls, proto_dns, proto_mdns, proto_llmnr;

#endif
