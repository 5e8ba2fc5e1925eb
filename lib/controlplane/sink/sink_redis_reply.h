// Replies of a server that is not trusted: hiredis parses them, this bounds what they may cost. Apart from the connection, so that a
// fuzzer can feed it.
#ifndef SINK_SINK_REDIS_REPLY_H
#define SINK_SINK_REDIS_REPLY_H

#include "sink/sink_redis_link.h"

enum {
	REDIS_ITEM_BYTES_MAX = SPOOL_PAYLOAD_MAX + 16 * 1024, // not yet parsed: one string (an entry in XINFO STREAM), one line
	REDIS_REPLY_BYTES_MAX = 3 * REDIS_ITEM_BYTES_MAX,     // all of it: XINFO STREAM with two entries; EXEC with 1024 refusals is less
	REDIS_LIST_BYTES_MAX = 1024 * 1024,                   // both, while asking for the list of a Cluster's nodes
	REDIS_ELEMENTS_MAX = 32768,                           // of one array
	REDIS_NESTING_MAX = 7,                                // arrays in arrays; later hiredis has no limit of its own
};

#if HIREDIS_MAJOR >= 1
#define REDIS_WIDTH size_t // hiredis changed the type of createArray's argument
#else
#define REDIS_WIDTH int
#endif

struct redis_replies { // not to be moved while in use
	redisReader *reader;
	redisReplyObjectFunctions functions; // the reader's, but for createArray, which is here:
	void *(*array_create)(const redisReadTask *task, REDIS_WIDTH elements);
	const char *refused; // by us: why
	size_t taken;        // bytes parsed of the reply that is not complete
	size_t item_max, reply_max;
};

// Puts the bounds upon a reader, which stays the caller's.
void redis_replies_init(struct redis_replies *replies, redisReader *reader);
void redis_replies_raise(struct redis_replies *replies, bool list); // for the list of nodes, and back

// 1 and a reply; 0: more bytes are needed; -EPROTO or -ENOMEM and why, after which there is no further reply.
int redis_replies_next(struct redis_replies *replies, redisReply **out, const char **why);

bool redis_reply_is(const redisReply *reply, const char *word);     // a string or status that is this
bool redis_reply_begins(const redisReply *reply, const char *word); // an error reply whose first word is this

// Overwrites the secret where an error reply repeats it, from its second word on (the first is a code).
void redis_reply_blot(redisReply *reply, const char *secret);

#endif
