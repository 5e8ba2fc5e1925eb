// The protocols, in the order in which they are asked when no port gives a hint. A new one is a row here and a file beside this.
#include "proto/proto_list.h"

const struct proto_ops *const proto_list[] = {
	NULL,
	&proto_http,
	&proto_tls,
	&proto_dns,
	&proto_mdns,
	&proto_llmnr,
};

const unsigned proto_count = sizeof(proto_list) / sizeof(proto_list[0]);

_Static_assert(sizeof(proto_list) / sizeof(proto_list[0]) <= PROTO_MAX, "a flow's refused mask has a bit for each protocol");

const char *proto_name(unsigned index)
{
	return index == PROTO_UNKNOWN || index >= proto_count ? "unknown" : proto_list[index]->name;
}
