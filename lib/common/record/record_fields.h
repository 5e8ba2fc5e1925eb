// The field table: each field of each record once, with its name in every output.
//
// EVE paths are dotted; fields of one object stand together, so that an encoder opens and closes an object when the prefix
// changes. Common fields (the header: timestamp, flow_id, event_type, ends, proto, app_proto, community_id, vlan) are a table of
// their own that comes first for every type.
#ifndef RECORD_RECORD_FIELDS_H
#define RECORD_RECORD_FIELDS_H

#include "record/record.h"

enum field_kind {
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_BOOL,
	FIELD_TIME,      // u64, ns since the epoch; EVE: 2017-09-06T12:13:14.123456+0000 (UTC)
	FIELD_HEX8,      // u8 as two hex digits
	FIELD_NAME8,     // u8, index of names[]
	FIELD_NAME16,    // u16, looked up by name_of(); the number as text where there is none
	FIELD_TEXT,      // struct record_text
	FIELD_TEXT_LIST, // struct record_text, comma separated; EVE: array of strings
	FIELD_ROWS,      // array of structs with a table of their own
	FIELD_RAW_JSON,  // struct record_text that is already JSON: spliced into the object as it is
	FIELD_SPECIAL    // written by special(); for the few that are made of several members (ends, community id)
};

enum field_flag {
	FIELD_OMIT_ZERO = 1,  // not written when 0 or empty
};

struct record_field {
	const char *name;      // unique within the type, snake_case
	enum field_kind kind;
	unsigned flags;
	uint16_t offset;       // in the body (in struct record for the common table)
	const char *eve;       // dotted path
	const char *csv, *sql; // column names, NULL: not in that output
	uint16_t ipfix;        // IANA information element, 0: none
	const char *unit;      // "ns", "bytes", ... or NULL
	const char *const *names;              // FIELD_NAME8
	const char *(*name_of)(uint32_t);      // FIELD_NAME16; NULL result: the number
	const struct record_field *row_fields; // FIELD_ROWS
	uint16_t row_size, row_count_offset;   // FIELD_ROWS: bytes of a row; where the u8 count is
};

struct record_kind {
	const char *event_type;
	uint32_t body_size; // multiple of 8
	const struct record_field *fields; // ends with a row whose name is NULL
};

extern const struct record_field record_common_fields[];
extern const struct record_kind record_kinds[RECORD_TYPES];

#endif
