// The writer's side of a remote sink: records become EVE JSON and go into the spool, one commit a batch of the runner.
#include "sink/sink_remote.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/proto.h"
#include "sink/sink_sender.h"
#include "sink/sink_thread.h"

enum { MB = 1 << 20, NS_PER_S = 1000000000, PATH_ROOM = CONFIG_PATH_MAX + 16 };

_Static_assert((int)SINK_STREAMS == (int)SPOOL_STREAMS, "the spool keeps as many streams as there are");
_Static_assert((int)RECORD_JSON_MAX <= (int)SPOOL_PAYLOAD_MAX, "every record fits");
_Static_assert((int)CONFIG_SPOOL_DROP_NEWEST == (int)SPOOL_DROP_NEWEST, "the same policies");

int remote_fail(struct remote_fault *fault, const char *cause, bool patient, const char *format, ...)
{
	va_list args;

	snprintf(fault->cause, sizeof(fault->cause), "%s", cause);
	fault->patient = patient;
	fault->keep = false;
	va_start(args, format);
	vsnprintf(fault->err.text, sizeof(fault->err.text), format, args);
	va_end(args);
	return -EIO;
}

// ---- open ----

static int log_open(struct remote *r, const struct config *config, struct err *err)
{
	char path[PATH_ROOM];
	struct spool_config spool = {
		.directory = path,
		.quota_bytes = (uint64_t)config->spool.quota_mb * MB,
		.retain_bytes = (uint64_t)config->spool.retain_mb * MB,
		.segment_bytes = config->spool.segment_mb * MB,
		.fsync_ms = config->spool.fsync_ms,
		.memory_bytes = (uint64_t)config->spool.memory_mb * MB,
		.policy = (enum spool_policy)config->spool.policy,
		.keep_last = 1u << SINK_ALERTS,
	};

	if (config->spool.directory[0] == '\0')
		return err_set(err, -EINVAL, "spool.directory is empty; set it to a folder where records can wait for the output %s", r->ops->name);
	if (spool.quota_bytes < 2 * (uint64_t)spool.segment_bytes)
		return err_set(err, -EINVAL, "spool.quota_mb (%u) has to be at least twice spool.segment_mb (%u)", config->spool.quota_mb,
			       config->spool.segment_mb);
	snprintf(path, sizeof(path), "%s/%s", config->spool.directory, r->ops->name);
	return spool_open(&spool, &r->spool, err);
}

static void remote_free(struct remote *r)
{
	if (r->state != NULL)
		r->ops->destroy(r->state);
	if (r->next_state != NULL)
		r->ops->destroy(r->next_state);
	free(r->json);
	free(r->batch[0]);
	free(r->batch[1]);
	sink_own_fini(&r->own);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

static struct remote *remote_new(const struct remote_ops *ops, const struct config *config)
{
	struct remote *r = calloc(1, sizeof(*r));
	struct timespec now;

	if (r == NULL)
		return NULL;
	pthread_mutex_init(&r->mutex, NULL);
	r->ops = ops;
	sink_own_init(&r->own, config->capture.replay[0] == '\0' && config->capture.own_traffic == CONFIG_OWN_LEAVE_OUT);
	r->replay = config->capture.replay[0] != '\0';
	r->exit_wait_s = config->spool.exit_wait_s;
	atomic_init(&r->patience.until_ns, UINT64_MAX);
	r->json = malloc(RECORD_JSON_MAX);
	r->batch[0] = calloc(1, sizeof(*r->batch[0]));
	r->batch[1] = calloc(1, sizeof(*r->batch[1]));
	snprintf(r->sensor, sizeof(r->sensor), "%s", config->sensor.name);
	r->context = (struct record_context){.sensor = r->sensor, .app_name = proto_name, .kind_of = proto_record_kind};
	r->stats.state = SINK_CONNECTING;
	clock_gettime(CLOCK_REALTIME, &now);
	r->stats.since_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	if (r->json == NULL || r->batch[0] == NULL || r->batch[1] == NULL) {
		remote_free(r);
		return NULL;
	}
	return r;
}

int remote_open(const struct remote_ops *ops, const struct config *config, void **state, struct err *err)
{
	struct remote *r = remote_new(ops, config);
	struct err ignored;
	int rc;

	if (r == NULL)
		return err_set(err, -ENOMEM, "no memory for the output %s", ops->name);
	rc = ops->create(config, &r->state, r->stats.target, err);
	if (rc < 0)
		goto fail;
	rc = log_open(r, config, err);
	if (rc < 0)
		goto fail;
	rc = sink_thread_start(&r->thread, "send", ops->name, sender_run, r, err);
	if (rc < 0)
		goto fail_log;
	r->threaded = true;
	*state = r;
	return 0;

fail_log:
	spool_close(r->spool, &ignored);
fail:
	remote_free(r);
	return rc;
}

// ---- write ----

static const char *payload_make(struct remote *r, const struct record *record, size_t *length)
{
	const struct record_stats *body = record_body_const(record);

	if (record->type != RECORD_AGGREGATE) {
		*length = record_json(record, &r->context, r->json);
		return r->json;
	}
	*length = body->json.len;
	return (const char *)record + sizeof(*record) + record_body_size(RECORD_AGGREGATE) + body->json.at;
}

// Those that control could not even queue.
static void refused_tell(struct remote *r)
{
	for (unsigned i = 0; i < SINK_STREAMS; i++) {
		uint64_t refused = atomic_load_explicit(&r->refused[i], memory_order_acquire);

		spool_append_gap(r->spool, i, refused - r->refused_told[i], SPOOL_QUEUE);
		r->refused_told[i] = refused;
	}
}

int remote_write(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err)
{
	struct remote *r = state;

	(void)err; // what cannot be kept is told by tombstones
	for (unsigned i = 0; i < n; i++) {
		size_t length;
		const char *payload = payload_make(r, records[i], &length);

		spool_append(r->spool, sink_stream_of(records[i]), payload, (uint32_t)length);
		r->bytes += length;
	}
	refused_tell(r);
	spool_commit(r->spool);
	spool_turn(r->spool);
	*written = n;
	return 0;
}

int remote_flush(void *state, struct err *err)
{
	struct remote *r = state;

	(void)err;
	refused_tell(r);
	spool_commit(r->spool);
	spool_turn(r->spool);
	return 0;
}

uint64_t remote_bytes(const void *state)
{
	return ((const struct remote *)state)->bytes;
}

// ---- control ----

void remote_give(void *state, enum sink_stream stream)
{
	spool_give(((struct remote *)state)->spool, stream);
}

void remote_refuse(void *state, enum sink_stream stream)
{
	_Atomic uint64_t *refused = &((struct remote *)state)->refused[stream];

	atomic_store_explicit(refused, atomic_load_explicit(refused, memory_order_relaxed) + 1, memory_order_release); // one writer
}

void remote_stats(void *state, struct sink_stats *out)
{
	struct remote *r = state;
	struct spool_stats log;

	spool_stats(r->spool, &log);
	pthread_mutex_lock(&r->mutex);
	out->state = r->stats.state;
	memcpy(out->target, r->stats.target, sizeof(out->target));
	memcpy(out->cause, r->stats.cause, sizeof(out->cause));
	memcpy(out->error, r->stats.error, sizeof(out->error));
	out->since_ns = r->stats.since_ns;
	out->connects = r->stats.connects;
	out->faults = r->stats.faults;
	out->batches = r->stats.batches;
	out->duplicates = r->stats.duplicates;
	out->delivered_per_s = r->stats.delivered_per_s;
	pthread_mutex_unlock(&r->mutex);
	out->remote = true;
	out->recovered = log.recovered;
	out->delivered = log.delivered;
	out->waiting = log.waiting;
	out->waiting_bytes = log.waiting_bytes;
	out->retained_bytes = log.retained_bytes;
	out->tombstoned = log.tombstoned;
	out->spool_memory_bytes = log.memory_bytes;
	out->spool_damaged_bytes = log.damaged_bytes;
	out->spool_failing = log.disk_failing;
	memcpy(out->spool_error, log.disk_error, sizeof(out->spool_error));
	out->drain_s = log.waiting == 0 ? 0 : out->delivered_per_s > 0 ? (double)log.waiting / out->delivered_per_s : -1;
}

int remote_apply(void *state, const struct config *config, struct err *err)
{
	struct remote *r = state;
	char target[SINK_TARGET_MAX] = "";
	void *next, *before;
	int rc = r->ops->create(config, &next, target, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&r->mutex);
	before = r->next_state;
	r->next_state = next;
	memcpy(r->next_target, target, sizeof(r->next_target));
	r->exit_wait_s = config->spool.exit_wait_s;
	pthread_mutex_unlock(&r->mutex);
	if (before != NULL)
		r->ops->destroy(before);
	return 0;
}

struct sink_own *remote_own(void *state)
{
	return &((struct remote *)state)->own;
}

void remote_rest(void *state, bool off)
{
	atomic_store_explicit(&((struct remote *)state)->off, off, memory_order_relaxed);
}

void remote_finish(void *state)
{
	struct remote *r = state;
	struct spool_stats log;

	sink_own_release(&r->own);
	if (!r->threaded)
		return;
	spool_stats(r->spool, &log);
	remote_patience_end(&r->patience, log.waiting > 0 && !r->stop ? r->exit_wait_s : 0);
	atomic_store_explicit(&r->finishing, true, memory_order_release);
	pthread_join(r->thread, NULL);
	r->threaded = false;
}

int remote_close(void *state, struct err *err)
{
	struct remote *r = state;
	int rc;

	atomic_store_explicit(&r->stop, true, memory_order_release);
	remote_finish(r);
	rc = spool_close(r->spool, err);
	remote_free(r);
	return rc;
}
