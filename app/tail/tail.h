// spanwatch-tail as a whole: which streams, how far, over what connection, to where.
#ifndef TAIL_H
#define TAIL_H

#include "tail_entry.h"
#include "tail_link.h"
#include "tail_out.h"
#include "tail_state.h"

struct tail_key {
	char name[TAIL_KEY_MAX]; // sw:{SENSOR}:flows
	const char *sensor, *stream;
	char last[TAIL_ID_MAX];  // id of the last entry that was written; empty: none, and where to begin is not settled
	bool ready;              // group: it is there, in the stream
	bool was_absent;         // group: there was no such stream when we looked; all that is in it is new
};

struct tail {
	const struct tail_args *args;
	struct tail_link link;
	struct tail_state state;
	struct tail_out out;
	bool away;          // the server was, and has not answered since
	bool output_failed; // of no use to connect again
	unsigned keys;
	struct tail_key key[TAIL_KEYS_MAX];
	unsigned unacked; // group: written, and Redis has not said that it knows
	struct {
		struct tail_key *key;
		char id[TAIL_ID_MAX];
	} unack[TAIL_REPLY_ENTRIES];
	uint64_t claim_at_ms, look_at_ms; // group: when to look for what others left undone, and for streams that were not there
};

// Goes on until it is told to stop or nothing is left (--once): 0. -EINTR: told to stop. Another negative errno with a sentence:
// connect again, unless output_failed or --once.
int tail_follow(struct tail *t, struct err *err);
int tail_follow_group(struct tail *t, struct err *err);

// Adds the entries of one stream, as Redis lists them, to the output; *count says how many.
int tail_entries_write(struct tail *t, struct tail_key *key, const redisReply *entries, unsigned *count, struct err *err);
// The same for an answer of XREAD or XREADGROUP, and flushes.
int tail_answer_write(struct tail *t, const redisReply *answer, unsigned *count, struct err *err);
void tail_nothing_say(const struct tail *t); // that there is no record yet of those whose are asked for
unsigned tail_count(const struct tail *t); // entries to ask of each stream
int tail_shape_wrong(const struct tail *t, struct err *err);

// A sentence on stderr; one that was just said is not repeated.
void tail_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
