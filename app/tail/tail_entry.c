#include "tail_entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { AROUND_MAX = 64 + TAIL_ID_MAX }; // what --id puts in front of a record

bool tail_id_parse(const char *text, struct tail_id *out)
{
	char *end;

	if (!tail_id_valid(text))
		return false;
	out->boot = strtoull(text, &end, 10);
	out->seq = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
	return true;
}

// The number behind "name": in an object; text that a tombstone of ours holds is only of known words.
static uint64_t number_of(const struct tail_entry *entry, const char *name, uint64_t otherwise)
{
	const char *end = entry->json + entry->length, *at = memmem(entry->json, entry->length, name, strlen(name));
	uint64_t number = 0;

	if (at == NULL)
		return otherwise;
	at += strlen(name);
	while (at < end && (*at == ' ' || *at == ':'))
		at++;
	if (at == end || *at < '0' || *at > '9')
		return otherwise;
	while (at < end && *at >= '0' && *at <= '9')
		if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, (uint64_t)(*at++ - '0'), &number))
			return otherwise;
	return number;
}

static int fields_read(const redisReply *fields, struct tail_entry *out)
{
	const redisReply *name, *value;

	if (fields->type != REDIS_REPLY_ARRAY || fields->elements < 2)
		return -EBADMSG;
	name = fields->element[0];
	value = fields->element[1];
	if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING || value->len < 2 || value->str[0] != '{' ||
	    value->str[value->len - 1] != '}')
		return -EBADMSG;
	out->json = value->str;
	out->length = (size_t)value->len;
	out->first = out->id.seq;
	out->is_tombstone = strcmp(name->str, "tombstone") == 0;
	if (out->is_tombstone)
		out->first = number_of(out, "\"first\"", out->id.seq);
	return out->is_tombstone || strcmp(name->str, "eve") == 0 ? 0 : -EBADMSG;
}

int tail_entry_read(const redisReply *reply, struct tail_entry *out)
{
	const redisReply *id;

	*out = (struct tail_entry){0};
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return -EPROTO;
	id = reply->element[0];
	if (id->type != REDIS_REPLY_STRING || id->len >= TAIL_ID_MAX || strlen(id->str) != (size_t)id->len || !tail_id_parse(id->str, &out->id))
		return -EPROTO;
	strcpy(out->id_text, id->str);
	if (reply->element[1]->type == REDIS_REPLY_NIL)
		return -ENODATA;
	return fields_read(reply->element[1], out);
}

uint64_t tail_entry_missing(const struct tail_entry *entry, const struct tail_id *last)
{
	if (last->boot == 0 || entry->id.boot != last->boot || entry->first <= last->seq + 1)
		return 0;
	return entry->first - last->seq - 1;
}

// A control character inside JSON is at best white space; a line end would make two lines of one.
static void one_line(char *at, const char *end)
{
	for (; at < end; at++)
		if ((unsigned char)*at < 0x20)
			*at = ' ';
}

static size_t tombstone_line(const struct tail_entry *entry, const char *sensor, const char *stream, const char *id, char *out, size_t room)
{
	struct json j;

	json_init(&j, out, room);
	json_object_begin(&j, NULL);
	if (id != NULL)
		json_string(&j, "id", id);
	json_string(&j, "event_type", "tombstone");
	json_string(&j, "stream", stream);
	json_object_begin(&j, "spanwatch");
	json_string(&j, "sensor", sensor);
	json_object_end(&j);
	json_raw(&j, "tombstone", entry->json, entry->length);
	json_object_end(&j);
	if (json_overflowed(&j))
		return 0;
	one_line(out, out + json_length(&j));
	return json_length(&j);
}

size_t tail_entry_line(const struct tail_entry *entry, const char *sensor, const char *stream, bool with_id, char *out, size_t room)
{
	char id[AROUND_MAX];
	size_t used = 0;

	snprintf(id, sizeof(id), "%s/%s", stream, entry->id_text);
	if (entry->is_tombstone)
		return tombstone_line(entry, sensor, stream, with_id ? id : NULL, out, room);
	if (entry->length + 2 * AROUND_MAX > room)
		return 0;
	if (with_id)
		used = (size_t)snprintf(out, room, "{\"id\":\"%s\"%s", id, entry->json[strspn(entry->json + 1, " ") + 1] == '}' ? "" : ",");
	memcpy(out + used, entry->json + with_id, entry->length - with_id);
	used += entry->length - with_id;
	one_line(out, out + used);
	return used;
}
