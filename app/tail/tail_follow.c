// Reading without a group: where we are is our own business, in memory and in the file given with --state.
#include <errno.h>
#include <string.h>

#include "tail.h"
#include "tail_wait.h"

unsigned tail_count(const struct tail *t)
{
	unsigned each = TAIL_REPLY_ENTRIES / t->keys;

	return each < 100 ? each : 100;
}

int tail_shape_wrong(const struct tail *t, struct err *err)
{
	return err_set(err, -EIO, "Redis at %s: its answer has not the shape of one", t->link.address);
}

// ---- entries ----

static void missing_say(const struct tail_key *key, const struct tail_entry *entry)
{
	struct tail_id last;
	uint64_t missing = tail_id_parse(key->last, &last) ? tail_entry_missing(entry, &last) : 0;

	if (missing > 0)
		tail_say("note: %llu %s of %s between %s and %s are not in Redis any more; it keeps about redis.stream_length",
			 (unsigned long long)missing, key->stream, key->sensor, key->last, entry->id_text);
}

static int entry_write(struct tail *t, const struct tail_key *key, const struct tail_entry *entry, struct err *err)
{
	static char line[TAIL_OUT_BYTES];
	size_t length = tail_entry_line(entry, key->sensor, key->stream, t->args->with_id, line, sizeof(line) - 1);
	int rc = 0;

	if (length > 0)
		rc = tail_out_line(&t->out, line, length, err);
	else
		tail_say("note: %s %s is longer than any record of spanwatch's; left out", key->name, entry->id_text);
	t->output_failed |= rc != 0;
	return rc;
}

static int one_write(struct tail *t, struct tail_key *key, const redisReply *reply, struct err *err)
{
	struct tail_entry entry;
	int rc = tail_entry_read(reply, &entry);

	if (rc == -EPROTO)
		return tail_shape_wrong(t, err);
	if (t->args->group[0] == '\0')
		missing_say(key, &entry);
	if (rc == -EBADMSG)
		tail_say("note: %s %s has no field \"eve\" or \"tombstone\", so it is not of spanwatch; left out", key->name, entry.id_text);
	else if (rc == -ENODATA)
		tail_say("note: %s %s was trimmed away before anybody read it", key->name, entry.id_text);
	else
		rc = entry_write(t, key, &entry, err);
	if (t->output_failed)
		return rc;
	strcpy(key->last, entry.id_text);
	if (t->args->group[0] != '\0') {
		if (t->unacked == TAIL_REPLY_ENTRIES)
			return tail_shape_wrong(t, err);
		t->unack[t->unacked].key = key;
		strcpy(t->unack[t->unacked++].id, entry.id_text);
	}
	return 0;
}

int tail_entries_write(struct tail *t, struct tail_key *key, const redisReply *entries, unsigned *count, struct err *err)
{
	int rc = 0;

	if (entries->type != REDIS_REPLY_ARRAY)
		return tail_shape_wrong(t, err);
	for (size_t i = 0; i < entries->elements && rc == 0; i++) {
		rc = one_write(t, key, entries->element[i], err);
		*count += rc == 0;
	}
	return rc;
}

static struct tail_key *key_find(struct tail *t, const redisReply *name)
{
	for (unsigned i = 0; name->type == REDIS_REPLY_STRING && i < t->keys; i++)
		if (strcmp(t->key[i].name, name->str) == 0)
			return &t->key[i];
	return NULL;
}

int tail_answer_write(struct tail *t, const redisReply *answer, unsigned *count, struct err *err)
{
	int rc = 0;

	*count = 0;
	if (t->away)
		tail_say("connected to Redis at %s", t->link.address);
	t->away = false;
	if (answer->type == REDIS_REPLY_NIL)
		return 0;
	if (answer->type != REDIS_REPLY_ARRAY)
		return tail_shape_wrong(t, err);
	for (size_t i = 0; i < answer->elements && rc == 0; i++) {
		const redisReply *of = answer->element[i];
		struct tail_key *key = of->type == REDIS_REPLY_ARRAY && of->elements == 2 ? key_find(t, of->element[0]) : NULL;

		rc = key != NULL ? tail_entries_write(t, key, of->element[1], count, err) : tail_shape_wrong(t, err);
	}
	if (rc == 0) {
		rc = tail_out_flush(&t->out, err);
		t->output_failed |= rc != 0;
	}
	return rc;
}

// ---- where we are ----

static const char nowhere[] = "0-0";

void tail_nothing_say(const struct tail *t)
{
	tail_say("note: there is nothing yet of %s%s in Redis at %s; what stands there is named after sensor.name of spanwatch",
		 t->args->sensor[0], t->args->sensors > 1 ? " and the others" : "", t->link.address);
}

static bool anything(const struct tail *t)
{
	for (unsigned i = 0; i < t->keys; i++)
		if (strcmp(t->key[i].last, nowhere) != 0)
			return true;
	return false;
}

static void remember(struct tail *t)
{
	struct err err;
	int rc = 0;

	if (t->state.path == NULL)
		return;
	for (unsigned i = 0; i < t->keys && rc == 0; i++)
		rc = tail_state_set(&t->state, t->key[i].name, t->key[i].last, &err);
	if (rc == 0)
		rc = tail_state_save(&t->state, &err);
	if (rc != 0)
		tail_say("%s", err.text);
}

static int end_find(struct tail *t, struct tail_key *key, struct err *err)
{
	struct tail_words words = {0};
	struct tail_id id;
	redisReply *reply;
	const char *last = nowhere;
	int rc;

	for (unsigned i = 0; i < 6; i++)
		tail_words_add(&words, (const char *[]){"XREVRANGE", key->name, "+", "-", "COUNT", "1"}[i]);
	rc = tail_link_ask(&t->link, &words, &reply, err);
	if (rc == 0 && (reply->type != REDIS_REPLY_ARRAY || reply->elements > 1))
		rc = tail_shape_wrong(t, err);
	if (rc == 0 && reply->elements == 1) {
		const redisReply *entry = reply->element[0];

		if (entry->type == REDIS_REPLY_ARRAY && entry->elements == 2 && entry->element[0]->type == REDIS_REPLY_STRING &&
		    strlen(entry->element[0]->str) < TAIL_ID_MAX && tail_id_parse(entry->element[0]->str, &id))
			last = entry->element[0]->str;
		else
			rc = tail_shape_wrong(t, err);
	}
	if (rc == 0)
		strcpy(key->last, last);
	freeReplyObject(reply);
	return rc;
}

// Settled once; what is the end then stays the beginning, also over new connections.
static int begin(struct tail *t, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < t->keys && rc == 0; i++) {
		struct tail_key *key = &t->key[i];
		const char *known = tail_state_get(&t->state, key->name);

		if (key->last[0] != '\0')
			continue;
		if (known != NULL)
			strcpy(key->last, known);
		else if (t->args->from[0] == '$')
			rc = end_find(t, key, err);
		else
			strcpy(key->last, t->args->from);
	}
	if (rc == 0)
		remember(t);
	return rc;
}

static int read_some(struct tail *t, unsigned *count, struct err *err)
{
	struct tail_words words = {0};
	redisReply *reply;
	char number[16], block[16];
	int rc;

	snprintf(number, sizeof(number), "%u", tail_count(t));
	snprintf(block, sizeof(block), "%u", TAIL_BLOCK_MS);
	tail_words_add(&words, "XREAD");
	tail_words_add(&words, "COUNT");
	tail_words_add(&words, number);
	if (!t->args->once) {
		tail_words_add(&words, "BLOCK");
		tail_words_add(&words, block);
	}
	tail_words_add(&words, "STREAMS");
	for (unsigned i = 0; i < t->keys; i++)
		tail_words_add(&words, t->key[i].name);
	for (unsigned i = 0; i < t->keys; i++)
		tail_words_add(&words, t->key[i].last);
	rc = tail_link_ask(&t->link, &words, &reply, err);
	if (rc == 0)
		rc = tail_answer_write(t, reply, count, err);
	freeReplyObject(reply);
	return rc;
}

int tail_follow(struct tail *t, struct err *err)
{
	unsigned count = 0;
	int rc = begin(t, err);

	while (rc == 0 && !tail_stopping()) {
		rc = read_some(t, &count, err);
		if (rc == 0 && count > 0)
			remember(t);
		if (rc == 0 && !anything(t))
			tail_nothing_say(t);
		if (rc == 0 && count == 0 && t->args->once)
			break;
	}
	return rc;
}
