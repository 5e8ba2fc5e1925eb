// The field table: each field of each record once, with its name in every output.
//
// EVE paths are dotted; fields of one object stand together, so that an encoder opens and closes an object when the prefix
// changes. A path component "@" stands for the event type: records of one body (dns, mdns, llmnr) share a table. Common fields (the
// header: timestamp, flow_id, event_type, ends, proto, app_proto, community_id, vlan) are a table of their own that comes first
// for every type; it ends in the object `spanwatch`, which a type's own table may go on with.
#ifndef RECORD_RECORD_FIELDS_H
#define RECORD_RECORD_FIELDS_H

#include "record/record.h"

enum field_kind {
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_BOOL,
	FIELD_TIME,        // u64, ns since the epoch; EVE: 2017-09-06T12:13:14.123456+0000 (UTC)
	FIELD_MS,          // u64, ns; EVE: 27.520 (ms, to a microsecond)
	FIELD_HEX16,       // u16 as four hex digits
	FIELD_BIT16,       // true if the u16 has bit set; not written otherwise
	FIELD_NAME8,       // u8, index of names[]; not written beyond names_count
	FIELD_NAME16,      // u16, looked up by name_of(); the number as text where there is none
	FIELD_TEXT,        // struct record_text
	FIELD_TEXT_LIST,   // struct record_text, comma separated; EVE: array of strings
	FIELD_LIST16,      // u16[rows_max], how many are set is the u8 at row_count_offset; EVE: array of numbers
	FIELD_LIST32,      // struct record_text whose bytes are int32_t each; EVE: array of numbers
	FIELD_ROWS,        // array of structs with a table of their own, which has only kinds up to FIELD_TEXT_LIST
	FIELD_MAC,         // six bytes; EVE: 02:00:5e:10:00:01
	FIELD_IPV4,        // four bytes; EVE: 192.0.2.1
	FIELD_RAW_JSON,    // struct record_text that is already JSON: goes in as it is
	FIELD_MADE_NUMBER, // what make() makes of several members
	FIELD_MADE_TEXT
};

enum field_flag {
	FIELD_OMIT_ZERO = 1,  // not written when 0; texts and lists never are when empty
	FIELD_ONE = 4,        // of a text list: one text alone is written as such, not as a list of one
	FIELD_LINES = 2,      // of a text list: not commas stand between its texts but "\n", a backslash and an n, which no text holds
};

enum { FIELD_MADE_MAX = 64, FIELD_KEY_MAX = 32 };

struct record_kind;

// What an encoder has to know besides the record.
struct record_context {
	const char *sensor;                    // name of this sensor
	const char *(*app_name)(unsigned app); // proto_name, given by the caller because record knows no protocols
	const struct record_kind *(*kind_of)(uint8_t type); // proto_record_kind; NULL result: no such type
};

struct field_value {
	uint64_t number;
	const char *text; // in room, or a constant; any bytes
	uint32_t length;
	char room[FIELD_MADE_MAX];
};

struct record_field {
	const char *name;      // unique within the type, snake_case
	enum field_kind kind;
	unsigned flags;
	uint16_t offset, size; // in the body (in struct record for the common table, in the row for a table of rows)
	const char *eve;       // dotted path, NULL: not in that output
	const char *eve_object;       // the path without its last component
	char eve_key[FIELD_KEY_MAX];  // that last one as it stands in the output: "name":
	uint8_t eve_key_length;
	const char *csv, *sql; // column names, NULL: not in that output
	uint16_t ipfix;        // IANA information element, 0: none
	const char *unit;      // "ns", "bytes", ... or NULL
	uint16_t bit;                          // FIELD_BIT16
	uint8_t names_count;
	const char *const *names;              // FIELD_NAME8
	const char *(*name_of)(uint32_t);      // FIELD_NAME16; NULL result: the number
	const struct record_field *row_fields; // FIELD_ROWS
	uint16_t row_size, row_count_offset;   // FIELD_ROWS, FIELD_LIST16: bytes of a row; where the u8 count is
	uint8_t rows_max;
	bool (*make)(const struct record *r, const struct record_context *context, struct field_value *out); // false: absent
};

struct record_kind {
	const char *event_type;
	uint32_t body_size; // multiple of 8
	bool client_first;  // the source is the client, whoever sent the packet
	const struct record_field *fields; // ends with a row whose name is NULL
};

extern const struct record_field record_common_fields[];
extern const struct record_kind record_kinds[RECORD_TYPES]; // those that are not the events of a protocol

#endif
