#include "ops/ops.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/ops_run.h"

enum { NS_PER_MS = 1000000, WATCH_NS = 1000000000, NAP_NS = 1000000, NUMBER_DIGITS_MAX = 18, SHOWN_MAX = 32 };

cJSON *op_body_parse(const char *body, size_t length, struct err *err)
{
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(body, length, &end, false);
	size_t at = end != NULL ? (size_t)(end - body) : 0;

	while (root != NULL && at < length && isspace((unsigned char)body[at]))
		at++;
	if (root != NULL && at == length)
		return root;
	err_set(err, -EINVAL, "the body is not JSON from position %zu on", at + 1);
	cJSON_Delete(root);
	return NULL;
}

const struct op *op_find(const char *path)
{
	for (unsigned i = 0; i < ops_count; i++)
		if (strcmp(ops_list[i].path, path) == 0)
			return &ops_list[i];
	return NULL;
}

int ops_create(struct control *control, struct ops **out)
{
	struct ops *ops = calloc(1, sizeof(*ops));

	if (ops == NULL)
		return -ENOMEM;
	ops->control = control;
	*out = ops;
	return 0;
}

static void call_free(struct op_call *call)
{
	if (call->asked) {
		call->op->forget(call);
		call->ops->questions--;
	}
	free(call->out);
	free(call);
}

static void abandoned_reap(struct ops *ops)
{
	struct op_call **at = &ops->abandoned;

	while (*at != NULL) {
		struct op_call *call = *at;

		if (!call->op->answered(call)) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		call_free(call);
	}
}

void ops_turn(struct ops *ops)
{
	uint64_t now_ns = clock_monotonic_ns();

	abandoned_reap(ops);
	if (now_ns < ops->watch.next_ns)
		return;
	ops->watch.next_ns = now_ns + WATCH_NS;
	ops_watch_look(ops, now_ns);
}

// A worker that never answers keeps what it was asked with: its memory stays until the process ends.
void ops_destroy(struct ops *ops)
{
	const struct timespec nap = {0, NAP_NS};

	if (ops == NULL)
		return;
	for (unsigned i = 0; i < OPS_WAIT_MS && ops->abandoned != NULL; i++) {
		abandoned_reap(ops);
		if (ops->abandoned != NULL)
			nanosleep(&nap, NULL);
	}
	if (ops->abandoned == NULL)
		free(ops);
}

// ---- calls ----

int op_call_begin(struct ops *ops, const struct op *op, struct op_call **out)
{
	struct op_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return -ENOMEM;
	call->ops = ops;
	call->op = op;
	for (unsigned i = 0; i < OP_ARGUMENTS_MAX && op->argument[i].name != NULL; i++)
		call->argument[i] = op->argument[i].fallback;
	*out = call;
	return 0;
}

static bool number_read(const char *text, uint64_t *out)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > NUMBER_DIGITS_MAX || text[digits] != '\0')
		return false;
	*out = strtoull(text, NULL, 10);
	return true;
}

int op_call_argument(struct op_call *call, const char *name, const char *value, struct err *err)
{
	const struct op_argument *arguments = call->op->argument;

	for (unsigned i = 0; i < OP_ARGUMENTS_MAX && arguments[i].name != NULL; i++) {
		uint64_t number;

		if (strcmp(arguments[i].name, name) != 0)
			continue;
		if (!number_read(value, &number) || number < arguments[i].min || number > arguments[i].max)
			return err_set(err, -EINVAL, "%s is \"%.*s\"; it must be a whole number from %llu to %llu", name, SHOWN_MAX, value,
				       (unsigned long long)arguments[i].min, (unsigned long long)arguments[i].max);
		call->argument[i] = number;
		return 0;
	}
	return err_set(err, -EINVAL, "%s knows no argument \"%.*s\"%s%s", call->op->path, SHOWN_MAX, name,
		       arguments[0].name != NULL ? "; it knows " : "", arguments[0].name != NULL ? arguments[0].name : "");
}

void op_call_write(struct op_call *call, const char *body, size_t length)
{
	call->writes = true;
	call->body = body;
	call->body_length = length;
}

// Whatever is wrong with what somebody sent, or with a file of theirs, is one code.
static int change(struct op_call *call, struct err *err)
{
	int rc = call->op->write(call, call->body, call->body_length, err);

	call->writes = false;
	return rc == 0 || rc == -EBUSY || rc == -ENOMEM ? rc : -EINVAL;
}

static int ask(struct op_call *call, struct err *err)
{
	int rc;

	if (call->ops->questions >= OPS_QUESTIONS_MAX)
		return err_set(err, -EBUSY, "too many questions are with the workers already; ask again in a second");
	rc = call->op->ask(call, err);
	if (rc < 0)
		return rc;
	call->asked = true;
	call->ops->questions++;
	call->deadline_ns = clock_monotonic_ns() + (uint64_t)OPS_WAIT_MS * NS_PER_MS;
	return 0;
}

// One try with the room there is. False: it did not fit.
static bool answer(struct op_call *call)
{
	struct json j;

	if (call->op->text != NULL) {
		call->length = call->op->text(call, call->out, call->room);
		return call->length > 0;
	}
	json_init(&j, call->out, call->room);
	json_object_begin(&j, NULL);
	call->op->json(call, &j);
	json_object_end(&j);
	call->length = json_length(&j);
	return !json_overflowed(&j);
}

int op_call_run(struct op_call *call, struct err *err)
{
	if (call->writes) {
		int rc = change(call, err);

		if (rc < 0)
			return rc;
	}
	if (call->op->ask != NULL && !call->asked) {
		int rc = ask(call, err);

		if (rc < 0)
			return rc;
	}
	if (call->asked && !call->op->answered(call)) {
		if (clock_monotonic_ns() < call->deadline_ns)
			return -EAGAIN;
		return err_set(err, -ETIMEDOUT, "a worker has not answered within %d s; /api/v1/lcores shows which one is stuck",
			       OPS_WAIT_MS / 1000);
	}
	for (size_t room = OP_ANSWER_FIRST; room <= OP_ANSWER_MAX; room *= 2) {
		char *out = realloc(call->out, room);

		if (out == NULL)
			return err_set(err, -ENOMEM, "there is no memory for the answer");
		call->out = out;
		call->room = room;
		if (answer(call))
			return 0;
	}
	return err_set(err, -EMSGSIZE, "the answer is longer than %d MB; ask for less", OP_ANSWER_MAX >> 20);
}

void op_call_end(struct op_call *call)
{
	if (call == NULL)
		return;
	if (!call->asked || call->op->answered(call)) {
		call_free(call);
		return;
	}
	call->next = call->ops->abandoned;
	call->ops->abandoned = call;
}
