// Operations: what people and programs may ask of a running spanwatch. One row an operation, in ops_list.c; REST and a prompt are
// two faces of the same rows and know none of them by name.
//
// An answer may have to be waited for (flows are asked of the workers, which answer in slices): op_call_run() then says -EAGAIN and
// is called again, a turn later. Nothing here blocks, and everything runs on control's thread.
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"

enum {
	OP_ARGUMENTS_MAX = 4,
	OP_ANSWER_FIRST = 64 << 10, // bytes of room for an answer; doubled while it does not fit
	OP_ANSWER_MAX = 4 << 20,
	OP_BODY_MAX = 64 << 10,     // bytes of a body
	OPS_QUESTIONS_MAX = 32,     // that may be with the workers at once
	OPS_WAIT_MS = 2000          // for the workers' answers
};

struct control;
struct op_call;

struct op_argument {
	const char *name; // NULL ends the list
	const char *help;
	uint64_t min, max, fallback;
};

struct op {
	const char *path;
	const char *help;
	struct op_argument argument[OP_ARGUMENTS_MAX];

	// What has to be asked of others first; all three or none. ask: 0 or a negative errno with a sentence. forget is called once
	// after answered, never before: the question's memory belongs to those who answer until then.
	int (*ask)(struct op_call *call, struct err *err);
	bool (*answered)(const struct op_call *call);
	void (*forget)(struct op_call *call);

	// What it changes; all of these or none, body_max 0: without a body. write is called once, before the answer is made; on an
	// error, which is a sentence, nothing has changed.
	const char *write_method; // "PUT", "POST"
	bool write_only;          // there is no answer without a change
	size_t body_max;
	int (*write)(struct op_call *call, const char *body, size_t length, struct err *err);

	// The answer, one of the two. Called again with more room if it did not fit, so it changes nothing.
	void (*json)(struct op_call *call, struct json *j); // members of the object
	size_t (*text)(struct op_call *call, char *out, size_t room); // length; 0: no room
};

extern const struct op ops_list[];
extern const unsigned ops_count;

const struct op *op_find(const char *path);

// What operations remember between calls: what has changed lately, and questions nobody waits for any more.
struct ops_watch {
	uint64_t next_ns;
	uint64_t lost;            // packets lost before they reached us, at the last look
	uint64_t lost_lately;     // since lost_start_ns
	uint64_t lost_start_ns, lost_seen_ns;
	uint64_t residual_since_ns; // at rest and not zero since then; 0: it is zero
};

struct ops {
	struct control *control;
	struct ops_watch watch;
	struct op_call *abandoned;
	unsigned questions;
};

int ops_create(struct control *control, struct ops **out);
void ops_turn(struct ops *ops); // looks around once a second; cheap otherwise
void ops_destroy(struct ops *ops);

struct op_call {
	const struct op *op;
	struct ops *ops;
	uint64_t argument[OP_ARGUMENTS_MAX];
	void *state;      // the operation's own
	bool asked;
	bool writes;      // the change is still to be made, with this body
	const char *body;
	size_t body_length;
	uint64_t deadline_ns;
	char *out;        // the answer, owned by the call
	size_t room, length;
	struct op_call *next;
};

int op_call_begin(struct ops *ops, const struct op *op, struct op_call **out);
// -EINVAL and a sentence if there is no such argument or it may not have this value.
int op_call_argument(struct op_call *call, const char *name, const char *value, struct err *err);
// That it changes something. The body has to live until op_call_run() has returned something else than -EAGAIN.
void op_call_write(struct op_call *call, const char *body, size_t length);
// 0: out and length are set. -EAGAIN: later. -EBUSY, -ETIMEDOUT, -ENOMEM, -EMSGSIZE, -EINVAL: a sentence.
int op_call_run(struct op_call *call, struct err *err);
void op_call_end(struct op_call *call); // at any time

#endif
