// From an entry of a stream to a line. What comes from Redis is checked for its shape; that a record is JSON is the writer's word, but
// it cannot make two lines of one.
#ifndef TAIL_ENTRY_H
#define TAIL_ENTRY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "tail_args.h"

struct tail_id {
	uint64_t boot, seq; // 0, 0: before all others
};

struct tail_entry {
	char id_text[TAIL_ID_MAX];
	struct tail_id id;
	uint64_t first;   // of the ids it stands for
	bool is_tombstone;
	const char *json; // of the reply
	size_t length;
};

bool tail_id_parse(const char *text, struct tail_id *out);

// 0; -ENODATA: an id whose entry has been trimmed away; -EBADMSG: an entry, but not of spanwatch's (the id is set in both cases);
// -EPROTO: no entry at all.
int tail_entry_read(const redisReply *reply, struct tail_entry *out);

// How many ids of this boot between `last` and this entry nobody has told of; 0 if last is of another, which may begin anywhere.
uint64_t tail_entry_missing(const struct tail_entry *entry, const struct tail_id *last);

// The line, without its end. Returns its length; 0: it does not fit into room.
size_t tail_entry_line(const struct tail_entry *entry, const char *sensor, const char *stream, bool with_id, char *out, size_t room);

#endif
