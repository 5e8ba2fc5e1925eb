#include "proto/proto_list.h"

#define PROTO_ROW(name) &proto_##name,

const struct proto_ops *const proto_list[] = {NULL, PROTO_LIST(PROTO_ROW)};

const unsigned proto_count = sizeof(proto_list) / sizeof(proto_list[0]);

_Static_assert(sizeof(proto_list) / sizeof(proto_list[0]) <= PROTO_MAX, "counters and masks have a place for each protocol");

const char *proto_name(unsigned index)
{
	return index == PROTO_UNKNOWN || index >= proto_count ? "unknown" : proto_list[index]->name;
}

const struct record_kind *proto_record_kind(uint8_t type)
{
	unsigned index = type - RECORD_TYPES;

	if (type < RECORD_TYPES)
		return &record_kinds[type];
	return index != PROTO_UNKNOWN && index < proto_count ? proto_list[index]->kind : NULL;
}
