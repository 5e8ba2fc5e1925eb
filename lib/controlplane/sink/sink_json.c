// A sink's numbers for people and programs: /api/v1/sinks. What adds up stands together.
#include <time.h>

#include "sink/sink.h"

enum { TIME_ROOM = 32, NS_IN_S = 1000000000 };

static void since_json(uint64_t since_ns, struct json *j)
{
	time_t seconds = (time_t)(since_ns / NS_IN_S);
	char text[TIME_ROOM];
	struct tm utc;

	if (since_ns == 0) {
		json_null(j, "since");
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
	json_string(j, "since", text);
}

// made = queued + refused + left_out; queued = in_queue + written + failed; of servers, whose refused ones are told lost, too:
// recovered + written + refused = delivered + waiting + tombstoned.
static void records_json(const struct sink_stats *s, struct json *j)
{
	json_object_begin(j, "records");
	json_u64(j, "made", s->queued + s->dropped_queue_full + s->skipped);
	json_u64(j, "left_out", s->skipped);
	json_u64(j, "refused", s->dropped_queue_full);
	json_u64(j, "queued", s->queued);
	json_u64(j, "in_queue", s->queued - s->written - s->dropped_error);
	json_u64(j, "failed", s->dropped_error);
	json_u64(j, "written", s->written);
	if (s->remote) {
		json_u64(j, "recovered", s->recovered);
		json_u64(j, "delivered", s->delivered);
		json_u64(j, "waiting", s->waiting);
		json_u64(j, "tombstoned", s->tombstoned);
		json_u64(j, "duplicates", s->duplicates);
	}
	json_object_end(j);
}

static void spool_json(const struct sink_stats *s, struct json *j)
{
	json_object_begin(j, "spool");
	json_u64(j, "waiting_bytes", s->waiting_bytes);
	json_u64(j, "retained_bytes", s->retained_bytes);
	json_u64(j, "memory_bytes", s->spool_memory_bytes);
	json_u64(j, "damaged_bytes", s->spool_damaged_bytes);
	json_bool(j, "failing", s->spool_failing);
	json_string(j, "error", s->spool_error);
	json_object_end(j);
}

void sink_stats_json(const struct sink_stats *s, struct json *j)
{
	json_string(j, "name", s->name);
	json_string(j, "state", sink_state_names[s->state]);
	json_string(j, "cause", s->cause);
	json_string(j, "error", s->error);
	json_string(j, "target", s->target);
	since_json(s->since_ns, j);
	json_bool(j, "remote", s->remote);
	records_json(s, j);
	json_u64(j, "bytes", s->written_bytes);
	if (!s->remote)
		return;
	json_double(j, "delivered_per_s", s->delivered_per_s);
	if (s->drain_s < 0)
		json_null(j, "drain_s");
	else
		json_double(j, "drain_s", s->drain_s);
	json_u64(j, "connects", s->connects);
	json_u64(j, "faults", s->faults);
	json_u64(j, "batches", s->batches);
	spool_json(s, j);
}
