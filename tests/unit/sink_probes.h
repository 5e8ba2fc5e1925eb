// Two outputs that are nothing but what a test lets them say, a list of just these, and a control plane that was never launched.
#ifndef TESTS_SINK_PROBES_H
#define TESTS_SINK_PROBES_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "control/sinks.h"
#include "ops/ops.h"
#include "record/record_ring.h"

enum { ORDERS_MAX = 8192, RECORDS = 2000, RECORD_BYTES = 128, TURNS_MAX = 20000 };

struct probe {
	int open_code, apply_code;
	unsigned opens, applies, closes;
	char address[64];           // of the settings that hold
	atomic_bool held;
	uint64_t order[ORDERS_MAX]; // of what was written
	atomic_uint written;
	struct sink_stats say;      // what stats() says
};

static struct probe redis, http;

static inline int probe_open(struct probe *p, const char *address, void **state, struct err *err)
{
	if (p->open_code != 0)
		return err_set(err, p->open_code, "the probe cannot be opened");
	snprintf(p->address, sizeof(p->address), "%.60s", address);
	p->opens++;
	*state = p;
	return 0;
}

static inline int probe_apply(struct probe *p, const char *address, struct err *err)
{
	if (p->apply_code != 0)
		return err_set(err, p->apply_code, "the probe does not like that");
	snprintf(p->address, sizeof(p->address), "%.60s", address);
	p->applies++;
	return 0;
}

static inline bool redis_enabled(const struct config *config)
{
	return config->redis.address[0] != '\0';
}

static inline int redis_open(const struct config *config, void **state, struct err *err)
{
	return probe_open(&redis, config->redis.address, state, err);
}

static inline int redis_apply(void *state, const struct config *config, struct err *err)
{
	return probe_apply(state, config->redis.address, err);
}

static inline bool http_enabled(const struct config *config)
{
	return config->http.url[0] != '\0';
}

static inline int http_open(const struct config *config, void **state, struct err *err)
{
	return probe_open(&http, config->http.url, state, err);
}

static inline int http_apply(void *state, const struct config *config, struct err *err)
{
	return probe_apply(state, config->http.url, err);
}

static inline int probe_write(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err)
{
	struct probe *p = state;

	(void)err;
	while (atomic_load(&p->held))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	for (*written = 0; *written < n; ++*written) {
		unsigned at = atomic_fetch_add(&p->written, 1);

		if (at < ORDERS_MAX)
			p->order[at] = records[*written]->order_ns;
	}
	return 0;
}

static inline uint64_t probe_bytes(const void *state)
{
	(void)state;
	return 0;
}

static inline int probe_close(void *state, struct err *err)
{
	struct probe *p = state;

	(void)err;
	p->closes++;
	return 0;
}

static inline void probe_stats(void *state, struct sink_stats *out)
{
	const struct probe *p = state;
	struct sink_stats said = p->say;

	said.name = out->name;
	said.queued = out->queued;
	said.written = out->written;
	said.dropped_queue_full = out->dropped_queue_full;
	said.skipped = out->skipped;
	said.remote = true;
	snprintf(said.target, sizeof(said.target), "%s", p->address);
	*out = said;
}

#define PROBE .write = probe_write, .bytes = probe_bytes, .close = probe_close, .stats = probe_stats

static const struct sink_ops redis_ops = {.name = "redis", .enabled = redis_enabled, .open = redis_open, .apply = redis_apply, PROBE};
static const struct sink_ops http_ops = {.name = "http", .enabled = http_enabled, .open = http_open, .apply = http_apply, PROBE};

const struct sink_ops *const sink_list[] = {&redis_ops, &http_ops};
const unsigned sink_count = 2;

// ---- a control plane that was never launched ----

struct world {
	struct config config, draft;
	struct control control;
	struct worker *worker;
	struct ops *ops;
};

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err;

	assert_non_null(w);
	memset(&redis, 0, sizeof(redis));
	memset(&http, 0, sizeof(http));
	redis.say.state = http.say.state = SINK_UP;
	config_defaults(&w->config);
	w->config.limits.sink_queue_bytes = 64 << 10;
	w->control.config = &w->config;
	w->control.replay = true;
	w->control.next_second_cycles = UINT64_MAX;
	assert_int_equal(merge_create(1, &w->control.merge), 0);
	assert_int_equal(naming_create(&w->config, &w->control.naming, &err), 0);
	assert_non_null(w->control.expected = expected_create());
	assert_non_null(w->worker = aligned_alloc(64, sizeof(*w->worker)));
	memset(w->worker, 0, sizeof(*w->worker));
	assert_int_equal(record_ring_create(1 << 20, &w->worker->out), 0);
	w->control.worker[0] = w->worker;
	w->control.worker_count = 1;
	assert_int_equal(ops_create(&w->control, &w->ops), 0);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < w->control.sink_count; i++)
		sink_free(w->control.sink[i]);
	ops_destroy(w->ops);
	free(w->control.reloaded);
	expected_destroy(w->control.expected);
	naming_destroy(w->control.naming);
	merge_destroy(w->control.merge);
	record_ring_destroy(w->worker->out);
	free(w->worker);
	free(w);
	return 0;
}

static inline void record_push(struct world *w, uint64_t order_ns)
{
	struct record *r = record_ring_reserve(w->worker->out, RECORD_BYTES);

	assert_non_null(r);
	memset(r, 0, RECORD_BYTES);
	r->length = RECORD_BYTES;
	r->type = RECORD_STATS;
	r->order_ns = order_ns;
	record_ring_commit(w->worker->out, r);
	atomic_store(&w->worker->mark_ns, order_ns + 1);
}

static inline void numbers_agree(struct world *w)
{
	struct metrics_sources sources;

	control_sources(&w->control, &sources);
	for (unsigned i = 0; i < w->control.sink_count; i++) {
		struct sink_stats stats;

		sink_stats(w->control.sink[i], &stats);
		assert_int_equal(stats.queued + stats.dropped_queue_full + stats.skipped, sources.records_given - sources.records_waiting);
	}
}

static inline struct sink_stats stats_of(const struct world *w, const struct sink_ops *ops)
{
	struct sink_stats stats;

	assert_non_null(control_sink_find(&w->control, ops));
	sink_stats(control_sink_find(&w->control, ops), &stats);
	return stats;
}

static inline int set(struct world *w, const char *name, const char *value, struct err *err)
{
	w->draft = *w->control.config;
	assert_int_equal(config_set(&w->draft, name, value, err), 0);
	return control_sinks_set(&w->control, &w->draft, err);
}

static inline int put(struct world *w, const char *body, struct err *err)
{
	struct op_call *call;
	int rc;

	assert_int_equal(op_call_begin(w->ops, op_find("sinks"), &call), 0);
	op_call_write(call, body, strlen(body));
	rc = op_call_run(call, err);
	op_call_end(call);
	return rc;
}

static inline cJSON *ask(struct world *w, const char *path)
{
	struct op_call *call;
	struct err err;
	cJSON *tree;

	assert_int_equal(op_call_begin(w->ops, op_find(path), &call), 0);
	assert_int_equal(op_call_run(call, &err), 0);
	tree = cJSON_ParseWithLength(call->out, call->length);
	assert_non_null(tree);
	op_call_end(call);
	return tree;
}

static inline const char *text_at(const cJSON *tree, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, key));
}

static inline double number_at(const cJSON *tree, const char *group, const char *key)
{
	const cJSON *of = group != NULL ? cJSON_GetObjectItemCaseSensitive(tree, group) : tree;

	assert_non_null(cJSON_GetObjectItemCaseSensitive(of, key));
	return cJSON_GetObjectItemCaseSensitive(of, key)->valuedouble;
}

#endif
