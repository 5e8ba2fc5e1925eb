// Lines of JSON and keys of batches. They are functions of the entries and of nothing else: a batch that is sent again, by this
// process or the next, is the same to the last byte, and a receiver knows it by its key.
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "sink/sink_http.h"

enum { LINE_EXTRA = 320 }; // an id in front of a payload, or a whole tombstone

static const char *stream_name(const struct spool_entry *e)
{
	return e->stream < SINK_STREAMS ? sink_stream_names[e->stream] : "none";
}

// What record_json() writes is an object with members, on one line.
static bool is_object(const struct spool_entry *e)
{
	if (e->length < 4 || e->payload[0] != '{' || e->payload[1] != '"' || e->payload[e->length - 1] != '}')
		return false;
	for (uint32_t i = 0; i < e->length; i++)
		if ((uint8_t)e->payload[i] < 0x20)
			return false;
	return true;
}

static void id_put(struct text_builder *b, const struct spool_entry *e)
{
	text_put(b, stream_name(e));
	text_put(b, "/");
	text_put_number(b, e->boot);
	text_put(b, "-");
	text_put_number(b, e->last);
}

static size_t object_line(const struct spool_entry *e, char *out)
{
	struct text_builder b = text_builder(out, LINE_EXTRA + e->length);

	text_put(&b, "{\"id\":\"");
	id_put(&b, e);
	text_put(&b, "\",");
	text_put_bytes(&b, e->payload + 1, e->length - 1);
	text_put(&b, "\n");
	return b.used;
}

static size_t tombstone_line(const struct spool_entry *e, unsigned cause, char *out)
{
	char id[LINE_EXTRA];
	struct text_builder b = text_builder(id, sizeof(id));
	struct json j;

	id_put(&b, e);
	json_init(&j, out, LINE_EXTRA - 1);
	json_object_begin(&j, NULL);
	json_string_bytes(&j, "id", id, b.used);
	json_string(&j, "event_type", "tombstone");
	json_string(&j, "stream", stream_name(e));
	json_u64(&j, "boot", e->boot);
	json_u64(&j, "first", e->first);
	json_u64(&j, "last", e->last);
	json_u64(&j, "count", e->last - e->first + 1);
	json_string(&j, "cause", cause < SPOOL_CAUSES ? spool_cause_names[cause] : "unknown");
	json_object_end(&j);
	out[json_length(&j)] = '\n';
	return json_length(&j) + 1;
}

size_t http_body_room(const struct spool_entry *entries, unsigned count)
{
	size_t room = 0;

	for (unsigned i = 0; i < count; i++)
		room += LINE_EXTRA + entries[i].length;
	return room;
}

// An entry that is none of ours (someone wrote into the log) would tear the lines of others, and left out it would be a hole that
// nobody told: so it is told, as lost by damage.
size_t http_body(const struct spool_entry *entries, unsigned count, char *out)
{
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct spool_entry *e = &entries[i];

		if (e->cause != SPOOL_KEPT)
			used += tombstone_line(e, e->cause, out + used);
		else
			used += is_object(e) ? object_line(e, out + used) : tombstone_line(e, SPOOL_DAMAGE, out + used);
	}
	return used;
}

void http_instance(const uint8_t bytes[SPOOL_INSTANCE_BYTES], char out[HTTP_INSTANCE_ROOM])
{
	struct text_builder b = text_builder(out, HTTP_INSTANCE_ROOM - 1);

	text_put_hex(&b, bytes, SPOOL_INSTANCE_BYTES);
	out[b.used] = '\0';
}

static void end_put(struct text_builder *b, const struct spool_entry *e)
{
	text_put(b, "-");
	text_put_number(b, e->stream);
	text_put(b, ".");
	text_put_number(b, e->boot);
	text_put(b, ".");
	text_put_number(b, e->last);
}

// Both ends and how many. A hole that became a tombstone between two attempts changes neither end, nor should it: what the receiver
// took the first time is at least as much.
void http_key(const char *instance, const struct spool_entry *entries, unsigned count, char out[HTTP_KEY_ROOM])
{
	struct text_builder b = text_builder(out, HTTP_KEY_ROOM - 1);

	text_put(&b, instance);
	end_put(&b, &entries[0]);
	end_put(&b, &entries[count - 1]);
	text_put(&b, "-");
	text_put_number(&b, count);
	out[b.used] = '\0';
}
