// Flows, as EVE objects with "active": true on those that live.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "ops/ops_run.h"
#include "proto/proto.h"
#include "record/record_json.h"

static const char active_member[] = ",\"active\":true}";

struct flows_answer {
	struct control_flows *question;
	const struct record **records;
	char *object; // room for one record as JSON, and the member
};

int op_flows_ask(struct op_call *call, struct err *err)
{
	uint32_t limit = (uint32_t)call->argument[0];
	struct flows_answer *a = calloc(1, sizeof(*a));

	if (a == NULL)
		goto none;
	a->records = calloc(limit, sizeof(const struct record *));
	a->object = malloc(RECORD_JSON_MAX + sizeof(active_member));
	if (a->records == NULL || a->object == NULL || control_flows_start(call->ops->control, limit, &a->question) < 0)
		goto none;
	call->state = a;
	return 0;
none:
	if (a != NULL) {
		free(a->object);
		free(a->records);
		free(a);
	}
	return err_set(err, -ENOMEM, "there is no memory to ask for %u flows", limit);
}

bool op_flows_answered(const struct op_call *call)
{
	const struct flows_answer *a = call->state;

	return control_flows_ready(a->question);
}

void op_flows_forget(struct op_call *call)
{
	struct flows_answer *a = call->state;

	control_flows_free(a->question);
	free(a->object);
	free(a->records);
	free(a);
	call->state = NULL;
}

static void flow_json(struct flows_answer *a, const struct record *r, const struct record_context *context, struct json *j)
{
	const struct record_flow *flow = record_body_const(r);
	size_t length = record_json(r, context, a->object);

	if (length == 0)
		return;
	if (flow->reason == FLOW_REASON_ACTIVE) {
		memcpy(a->object + length - 1, active_member, sizeof(active_member) - 1);
		length += sizeof(active_member) - 2;
	}
	json_raw(j, NULL, a->object, length);
}

void op_flows(struct op_call *call, struct json *j)
{
	struct control *c = call->ops->control;
	struct flows_answer *a = call->state;
	const struct record_context context = {.sensor = c->config->sensor.name, .app_name = proto_name, .kind_of = proto_record_kind};
	unsigned n = control_flows_take(c, a->question, a->records);

	json_u64(j, "active", control_flows_active(a->question));
	json_u64(j, "count", n);
	json_array_begin(j, "flows");
	for (unsigned i = 0; i < n && !json_overflowed(j); i++)
		flow_json(a, a->records[i], &context, j);
	json_array_end(j);
}
