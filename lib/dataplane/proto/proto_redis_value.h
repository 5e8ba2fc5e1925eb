// Values of RESP, for proto_redis.c: requests with their first arguments, replies one value at a time.
#ifndef PROTO_PROTO_REDIS_VALUE_H
#define PROTO_PROTO_REDIS_VALUE_H

#include "proto/proto.h"

enum { REDIS_ARGUMENTS = 8, REDIS_FRONT = 256 };

enum redis_read { REDIS_BAD, REDIS_MORE, REDIS_READ };

struct redis_request {
	struct span argument[REDIS_ARGUMENTS]; // of one that is longer, its first REDIS_FRONT bytes
	unsigned count;
	uint32_t rest; // arguments behind these
	bool line, open, bare; // inline: words in a line; that does not end yet; that ends without a carriage return
};

struct redis_value {
	uint8_t type;
	struct span text;  // of a line
	uint64_t elements; // values that are inside, or come before its own
	uint64_t skip;     // bytes of a string that are not there yet
};

// Sets l7->used and l7->skip.
enum redis_read redis_request_read(struct span in, struct redis_request *q, struct l7 *l7);
enum redis_read redis_arguments_pass(struct span in, uint32_t *arguments, struct l7 *l7);

enum redis_read redis_value_read(struct span *in, struct redis_value *value);

bool redis_name_is(struct span name);

// Of a flow that is not claimed. asked: the client has said what may be a command.
enum redis_read redis_reply_proves(struct span in, bool asked);

#endif
