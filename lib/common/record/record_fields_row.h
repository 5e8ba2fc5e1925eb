// How a row of the field table and the record kind it belongs to are written: for record_fields*.c and the protocols' files.
#ifndef RECORD_RECORD_FIELDS_ROW_H
#define RECORD_RECORD_FIELDS_ROW_H

#include <stddef.h>

#include "record/record_fields.h"

#define FIELD(name_, kind_, of, member)                                                                                    \
	.name = name_, .csv = name_, .sql = name_, .kind = FIELD_##kind_, .offset = offsetof(struct of, member),          \
	.size = sizeof(((struct of *)0)->member)
#define MADE(name_, kind_, make_) .name = name_, .csv = name_, .sql = name_, .kind = FIELD_MADE_##kind_, .make = record_make_##make_
#define KEY(key) .eve_key = "\"" key "\":", .eve_key_length = sizeof("\"" key "\":") - 1
#define TOP(key) .eve = key, .eve_object = "", KEY(key)
#define IN(object, key) .eve = object "." key, .eve_object = object, KEY(key)
#define NAMES(list) .names = list, .names_count = sizeof(list) / sizeof((list)[0])
#define ROWS(of, member, count_, max)                                                                                      \
	.row_size = sizeof(((struct of *)0)->member[0]), .row_count_offset = offsetof(struct of, count_), .rows_max = max

#define BODY(of) .body_size = (uint32_t)(sizeof(struct of) + 7u) & ~7u

#define TCP_MS(key, member)                                                                                         \
	{FIELD("tcp_" key, MS, record_flow, tcp.member), IN("tcp", key), .flags = FIELD_OMIT_ZERO, .unit = "ns"}
// A count of TCP by direction: two rows.
#define TCP_COUNT(key, member)                                                                                             \
	{FIELD("tcp_" key "_toserver", U32, record_flow, tcp.member[0]), IN("tcp", key "_toserver"), .flags = FIELD_OMIT_ZERO},    \
	{FIELD("tcp_" key "_toclient", U32, record_flow, tcp.member[1]), IN("tcp", key "_toclient"), .flags = FIELD_OMIT_ZERO}

extern const struct record_field record_arp_fields[], record_stp_fields[], record_cdp_fields[], record_lldp_fields[],
	record_icmp_fields[], record_nd_fields[], record_multicast_fields[];

#endif
