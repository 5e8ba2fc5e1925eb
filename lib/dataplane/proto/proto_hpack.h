// HPACK, RFC 7541: the compressed header fields of HTTP/2, as far as a monitor wants them.
//
// The dynamic table is not kept whole: of its newest HPACK_ENTRIES entries it is known which field they are, and of those that are
// wanted the value, as long as the newest HPACK_BYTES bytes of such values hold it. So what a connection repeats (host, agent,
// server) is there again, and the memory is fixed. An index beyond that is a field that is not known, which is then left out.
// Entries that the peer has evicted need no account: a sound peer does not refer to them.
#ifndef PROTO_PROTO_HPACK_H
#define PROTO_PROTO_HPACK_H

#include "base/span.h"

enum { HPACK_ENTRIES = 64, HPACK_BYTES = 496, HPACK_VALUE_MAX = 255, HPACK_ROOM = 4096 };

enum hpack_kind {
	HPACK_OTHER, // not wanted, or not known
	HPACK_METHOD,
	HPACK_PATH,
	HPACK_AUTHORITY,
	HPACK_STATUS,
	HPACK_HOST,
	HPACK_USER_AGENT,
	HPACK_REFERER,
	HPACK_CONTENT_TYPE,
	HPACK_CONTENT_LENGTH,
	HPACK_SERVER,
	HPACK_LOCATION
};

struct hpack_entry {
	uint32_t at;  // of its value, counted as `written` is
	uint16_t len;
	uint8_t kind; // enum hpack_kind
	bool cut;     // the value had more bytes
};

struct hpack_table {
	uint32_t inserted, known; // entries ever; how many of the newest are known
	uint32_t written;         // bytes of values ever
	uint32_t size_max;        // an entry larger than this empties the table
	struct hpack_entry entry[HPACK_ENTRIES];
	uint8_t bytes[HPACK_BYTES];
};

struct hpack_field {
	enum hpack_kind kind;
	struct span value; // in the room, or a constant
	bool cut;
};

void hpack_begin(struct hpack_table *table);

// Some fields were missed: what is in the table is not known any more. What comes into it from now on is.
void hpack_forget(struct hpack_table *table);

// The next field of a header block; room: HPACK_ROOM bytes for its value. False at the end, or if the block is broken (then the
// span is poisoned, and the table forgotten).
bool hpack_next(struct hpack_table *table, struct span *block, uint8_t *room, struct hpack_field *out);

#endif
