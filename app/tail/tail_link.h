// One connection to Redis. All that comes from there is hostile until read: a reply is bounded in bytes and elements, and an answer
// that does not come in time ends the connection.
#ifndef TAIL_LINK_H
#define TAIL_LINK_H

#include <hiredis/hiredis.h>
#include <stdint.h>

#include "tail_args.h"

enum { TAIL_ANSWER_MS = 5000, TAIL_BLOCK_MS = 1000, TAIL_WORDS_MAX = 512 };
enum { TAIL_REPLY_ENTRIES = 300, TAIL_REPLY_BYTES_MAX = 64 << 20, TAIL_REPLY_ELEMENTS_MAX = 1 << 14 };

struct tail_link {
	redisContext *context; // NULL: not connected
	const char *address;
	uint64_t elements; // of the reply that is being read
	bool finishing;    // what is asked now has to be answered before we stop
};

// A command's words, texts of the caller's.
struct tail_words {
	unsigned count;
	const char *word[TAIL_WORDS_MAX];
};

void tail_words_add(struct tail_words *words, const char *word);

// Connects and logs in. 0, -EINTR or -EPIPE as of tail_wait, or another negative errno with a sentence.
int tail_link_open(struct tail_link *link, const struct tail_args *args, const char *address, struct err *err);
void tail_link_close(struct tail_link *link);

// Asks and waits for the answer. 0 and the answer, for freeReplyObject(); -EINTR, -EPIPE; -EIO with a sentence: the connection is
// not good any more; -ENOENT no such key or group, -EEXIST there is one already, -EREMOTEIO another refusal, with a sentence.
int tail_link_ask(struct tail_link *link, const struct tail_words *words, redisReply **out, struct err *err);

#endif
