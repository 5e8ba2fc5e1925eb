// The operations that are more than a line, for the list.
#ifndef OPS_OPS_RUN_H
#define OPS_OPS_RUN_H

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "ops/ops.h"

// A body that is JSON from its first byte to its last, or NULL and a sentence.
cJSON *op_body_parse(const char *body, size_t length, struct err *err);

void op_health(struct op_call *call, struct json *j);
void op_ports(struct op_call *call, struct json *j);
void op_config(struct op_call *call, struct json *j);

void op_filters(struct op_call *call, struct json *j);
int op_filters_set(struct op_call *call, const char *body, size_t length, struct err *err);
void op_sinks(struct op_call *call, struct json *j);
int op_sinks_set(struct op_call *call, const char *body, size_t length, struct err *err);

void op_reloaded(struct op_call *call, struct json *j);
int op_reload(struct op_call *call, const char *body, size_t length, struct err *err);

int op_flows_ask(struct op_call *call, struct err *err);
bool op_flows_answered(const struct op_call *call);
void op_flows_forget(struct op_call *call);
void op_flows(struct op_call *call, struct json *j);

// Looks at what health compares over time.
void ops_watch_look(struct ops *ops, uint64_t now_ns);

#endif
