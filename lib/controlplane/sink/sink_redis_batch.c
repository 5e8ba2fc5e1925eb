// A batch as commands of one transaction. Streams: XADD with our own id, which Redis takes once; NOMKSTREAM where the stream exists,
// so that one that was deleted meanwhile is noticed instead of begun again in the middle. Lists and the channel have no ids: there
// the last id of each stream is put down in the hash sw:{SENSOR}:delivered by the same transaction.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sink/sink_redis.h"

enum {
	ARGUMENTS_MAX = 16,
	TOMBSTONE_MAX = 256,
	COMMANDS_MAX = 24576 // of one transaction: its reply has to stay within what is taken for one
};

int redis_put(struct redis_sink *sink, enum redis_command_kind kind, unsigned stream, int argc, const char **argv,
	      const size_t *lengths)
{
	size_t measured[ARGUMENTS_MAX];

	if (sink->commands == sink->room) {
		unsigned room = sink->room == 0 ? 2 * SPOOL_BATCH_MAX : 2 * sink->room;
		struct redis_command *more = realloc(sink->command, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		sink->command = more;
		sink->room = room;
	}
	for (int i = 0; lengths == NULL && i < argc && i < ARGUMENTS_MAX; i++)
		measured[i] = strlen(argv[i]);
	if (sink->apart && redis_link_append(sink->link, 1, (const char *[]){"ASKING"}, (const size_t[]){strlen("ASKING")}) < 0)
		return -ENOMEM;
	sink->command[sink->commands++] = (struct redis_command){.kind = (uint8_t)kind, .stream = (uint8_t)stream};
	return redis_link_append(sink->link, argc, argv, lengths != NULL ? lengths : measured);
}

int redis_put_expire(struct redis_sink *sink, const char *key, const char *ttl_s)
{
	return redis_put(sink, REDIS_KEEP, 0, 3, (const char *[]){"EXPIRE", key, ttl_s}, NULL);
}

// {"first":1,"last":7,"count":7,"cause":"quota","boot":3}; in lists and on the channel it says what it is.
static size_t tombstone_write(const struct redis_sink *sink, const struct spool_entry *entry, struct spool_id id,
			      char text[TOMBSTONE_MAX])
{
	struct json j;

	json_init(&j, text, TOMBSTONE_MAX);
	json_object_begin(&j, NULL);
	if (sink->mode != CONFIG_REDIS_STREAMS) {
		json_string(&j, "event_type", "tombstone");
		json_string(&j, "stream", sink_stream_names[entry->stream]);
	}
	json_u64(&j, "first", entry->first);
	json_u64(&j, "last", entry->last);
	json_u64(&j, "count", entry->last - entry->first + 1);
	json_string(&j, "cause", spool_cause_names[entry->cause]);
	json_u64(&j, "boot", id.boot);
	json_object_end(&j);
	return json_length(&j);
}

// XADD key [NOMKSTREAM] [MAXLEN ~ length] id eve|tombstone json. Trimming once a batch is as good as at each entry.
static int stream_put(struct redis_sink *sink, unsigned s, struct spool_id id, bool trim, const char *field, const char *text,
		      size_t length)
{
	const char *argv[ARGUMENTS_MAX] = {"XADD", sink->key[s]};
	size_t lengths[ARGUMENTS_MAX] = {4, strlen(sink->key[s])};
	char id_text[REDIS_ID_MAX];
	size_t id_length = (size_t)(redis_id_write(id_text, id) - id_text);
	int n = 2;

#define PUT(text_, length_) (argv[n] = (text_), lengths[n++] = (length_))
	if (sink->there[s])
		PUT("NOMKSTREAM", strlen("NOMKSTREAM"));
	if (trim) {
		PUT("MAXLEN", strlen("MAXLEN"));
		PUT("~", 1);
		PUT(sink->length, strlen(sink->length));
	}
	PUT(id_text, id_length);
	PUT(field, strlen(field));
	PUT(text, length);
#undef PUT
	return redis_put(sink, REDIS_ENTRY, s, n, argv, lengths);
}

static int entry_put(struct redis_sink *sink, const struct spool_entry *entry, bool trim)
{
	static const char *const verbs[] = {[CONFIG_REDIS_LISTS] = "RPUSH", [CONFIG_REDIS_CHANNEL] = "PUBLISH"};
	struct spool_id id = {.boot = entry->boot + sink->book.base, .seq = entry->last};
	char tombstone[TOMBSTONE_MAX];
	const char *text = entry->payload, *field = "eve";
	size_t length = entry->length;

	if (entry->cause != SPOOL_KEPT) {
		field = "tombstone";
		text = tombstone;
		length = tombstone_write(sink, entry, id, tombstone);
	}
	sink->top[entry->stream] = id;
	if (sink->mode == CONFIG_REDIS_STREAMS)
		return stream_put(sink, entry->stream, id, trim, field, text, length);
	return redis_put(sink, REDIS_PUSH, entry->stream, 3,
			 (const char *[]){verbs[sink->mode], sink->key[entry->stream], text},
			 (const size_t[]){strlen(verbs[sink->mode]), strlen(sink->key[entry->stream]), length});
}

// Which entries are the last of their stream.
static void lasts_find(const struct spool_batch *batch, unsigned last[SPOOL_STREAMS])
{
	for (unsigned s = 0; s < SPOOL_STREAMS; s++)
		last[s] = UINT32_MAX;
	for (unsigned i = 0; i < batch->count; i++)
		last[batch->entry[i].stream] = i;
}

static int marks_put(struct redis_sink *sink, const struct spool_id top[REDIS_KEPT])
{
	const char *argv[2 + 2 * REDIS_KEPT] = {"HSET", sink->key[REDIS_KEY_DELIVERED]};
	char id[REDIS_KEPT][REDIS_ID_MAX];
	int n = 2;

	for (unsigned s = 0; s < REDIS_KEPT; s++) {
		if (top[s].boot == 0)
			continue;
		redis_id_write(id[s], top[s]);
		argv[n++] = sink_stream_names[s];
		argv[n++] = id[s];
	}
	return n > 2 ? redis_put(sink, REDIS_KEEP, 0, n, argv, NULL) : 0;
}

// What a stream or list needs after its entries: its bound and its time to live.
static int stream_keep(struct redis_sink *sink, unsigned s)
{
	int rc = 0;

	if (sink->mode == CONFIG_REDIS_CHANNEL)
		return 0;
	if (sink->mode == CONFIG_REDIS_LISTS)
		rc = redis_put(sink, REDIS_KEEP, s, 4, (const char *[]){"LTRIM", sink->key[s], sink->lists_from, "-1"}, NULL);
	return rc == 0 ? redis_put_expire(sink, sink->key[s], sink->ttl_s) : rc;
}

static int aggregate_put(struct redis_sink *sink, const struct spool_entry *entry)
{
	if (sink->commands > COMMANDS_MAX)
		sink->left_out++;
	else if (entry->cause == SPOOL_KEPT)
		return redis_aggregate_put(sink, entry->payload, entry->length);
	return 0;
}

int redis_aggregates_put(struct redis_sink *sink, const struct spool_batch *batch)
{
	int rc = 0;

	for (unsigned i = 0; i < batch->count && rc == 0; i++)
		if (batch->entry[i].stream >= REDIS_KEPT)
			rc = aggregate_put(sink, &batch->entry[i]);
	return rc;
}

int redis_batch_put(struct redis_sink *sink, const struct spool_batch *batch)
{
	unsigned last[SPOOL_STREAMS];
	int rc = 0;

	lasts_find(batch, last);
	for (unsigned i = 0; i < batch->count && rc == 0; i++) {
		const struct spool_entry *entry = &batch->entry[i];

		if (entry->boot > sink->boot)
			sink->boot = entry->boot;
		if (entry->stream < REDIS_KEPT)
			rc = entry_put(sink, entry, last[entry->stream] == i);
		else if (!sink->asking)
			rc = aggregate_put(sink, entry);
	}
	for (unsigned s = 0; s < REDIS_KEPT && rc == 0; s++)
		if (last[s] != UINT32_MAX)
			rc = stream_keep(sink, s);
	if (rc == 0 && sink->mode != CONFIG_REDIS_STREAMS)
		rc = marks_put(sink, sink->top);
	if (rc == 0 && sink->mode != CONFIG_REDIS_STREAMS)
		rc = redis_put_expire(sink, sink->key[REDIS_KEY_DELIVERED], sink->ttl_s);
	return rc;
}
