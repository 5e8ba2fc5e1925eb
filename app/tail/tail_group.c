// Reading as a member of a consumer group: Redis knows what was read, by whom, and what nobody has acknowledged yet. A line is
// acknowledged after it was written. First comes what this member had not acknowledged in an earlier life, from time to time what
// other members have left undone for long, otherwise what is new.
//
// Streams that are not there yet are waited for and never made: an empty one would have no time to live.
#include <errno.h>
#include <string.h>

#include "tail.h"
#include "tail_wait.h"

enum { CLAIM_COUNT = 100, ACK_WORDS = 3 };

_Static_assert(ACK_WORDS + TAIL_REPLY_ENTRIES <= TAIL_WORDS_MAX && 9 + 2 * TAIL_KEYS_MAX <= TAIL_WORDS_MAX, "raise TAIL_WORDS_MAX");

static void words_of(struct tail_words *words, const char *const *list)
{
	words->count = 0;
	for (; *list != NULL; list++)
		tail_words_add(words, *list);
}

// ---- acknowledging ----

static int acknowledge_key(struct tail *t, const struct tail_key *key, struct err *err)
{
	struct tail_words words;
	redisReply *reply;
	int rc;

	words_of(&words, (const char *const[]){"XACK", key->name, t->args->group, NULL});
	for (unsigned i = 0; i < t->unacked; i++)
		if (t->unack[i].key == key)
			tail_words_add(&words, t->unack[i].id);
	if (words.count == ACK_WORDS)
		return 0;
	rc = tail_link_ask(&t->link, &words, &reply, err);
	freeReplyObject(reply);
	return rc;
}

// What has been written. An answer that got lost is asked for again after the next connecting, before anything is read.
static int acknowledge(struct tail *t, struct err *err)
{
	int rc = 0;

	t->link.finishing = true;
	for (unsigned i = 0; i < t->keys && t->unacked > 0 && rc == 0; i++)
		rc = acknowledge_key(t, &t->key[i], err);
	t->link.finishing = false;
	if (rc == 0)
		t->unacked = 0;
	return rc;
}

// ---- groups ----

static int group_make(struct tail *t, struct tail_key *key, struct err *err)
{
	const char *from = key->last[0] != '\0' ? key->last : key->was_absent ? "0-0" : t->args->from;
	struct tail_words words;
	redisReply *reply;
	int rc;

	words_of(&words, (const char *const[]){"XGROUP", "CREATE", key->name, t->args->group, from, NULL});
	rc = tail_link_ask(&t->link, &words, &reply, err);
	freeReplyObject(reply);
	key->ready = rc == 0 || rc == -EEXIST;
	if (rc == -ENOENT)
		key->was_absent = true;
	return key->ready || rc == -ENOENT ? 0 : rc;
}

static int groups_make(struct tail *t, struct err *err)
{
	int rc = 0;

	if (tail_now_ms() < t->look_at_ms)
		return 0;
	t->look_at_ms = tail_now_ms() + TAIL_BLOCK_MS;
	for (unsigned i = 0; i < t->keys && rc == 0; i++)
		if (!t->key[i].ready)
			rc = group_make(t, &t->key[i], err);
	return rc;
}

// ---- reading ----

// own: NULL, or the one stream whose entries that this member has not acknowledged are read, those behind `after`.
static int read_some(struct tail *t, const struct tail_key *own, const char *after, unsigned *count, struct err *err)
{
	const struct tail_args *args = t->args;
	struct tail_words words;
	redisReply *reply;
	char number[16], block[16];
	int rc;

	snprintf(number, sizeof(number), "%u", own != NULL ? CLAIM_COUNT : tail_count(t));
	snprintf(block, sizeof(block), "%u", TAIL_BLOCK_MS);
	words_of(&words, (const char *const[]){"XREADGROUP", "GROUP", args->group, args->consumer, "COUNT", number, NULL});
	if (own == NULL && !args->once) {
		tail_words_add(&words, "BLOCK");
		tail_words_add(&words, block);
	}
	tail_words_add(&words, "STREAMS");
	for (unsigned i = 0; i < t->keys; i++)
		if (own == NULL ? t->key[i].ready : own == &t->key[i])
			tail_words_add(&words, t->key[i].name);
	for (unsigned i = 0; i < t->keys; i++)
		if (own == NULL ? t->key[i].ready : own == &t->key[i])
			tail_words_add(&words, after);
	rc = tail_link_ask(&t->link, &words, &reply, err);
	if (rc == 0)
		rc = tail_answer_write(t, reply, count, err);
	freeReplyObject(reply);
	return rc == 0 ? acknowledge(t, err) : rc;
}

// What is acknowledged goes away from the front, so the front is asked for until it is empty.
static int own_read(struct tail *t, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < t->keys && rc == 0; i++) {
		unsigned count = 1;

		while (t->key[i].ready && rc == 0 && count > 0 && !tail_stopping())
			rc = read_some(t, &t->key[i], "0-0", &count, err);
	}
	return rc;
}

static int claim_some(struct tail *t, struct tail_key *key, char start[TAIL_ID_MAX], struct err *err)
{
	struct tail_words words;
	redisReply *reply;
	char idle[24], number[16];
	unsigned count = 0;
	int rc;

	snprintf(idle, sizeof(idle), "%llu", t->args->claim_after_s * 1000ull);
	snprintf(number, sizeof(number), "%u", CLAIM_COUNT);
	words_of(&words, (const char *const[]){"XAUTOCLAIM", key->name, t->args->group, t->args->consumer, idle, start, "COUNT", number, NULL});
	rc = tail_link_ask(&t->link, &words, &reply, err);
	if (rc == 0 && (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
			!tail_id_valid(reply->element[0]->str) || strlen(reply->element[0]->str) >= TAIL_ID_MAX))
		rc = tail_shape_wrong(t, err);
	if (rc == 0) {
		strcpy(start, reply->element[0]->str);
		rc = tail_entries_write(t, key, reply->element[1], &count, err);
	}
	if (rc == 0) {
		rc = tail_out_flush(&t->out, err);
		t->output_failed |= rc != 0;
	}
	freeReplyObject(reply);
	return rc == 0 ? acknowledge(t, err) : rc;
}

static int claim(struct tail *t, struct err *err)
{
	int rc = 0;

	if (t->args->claim_after_s == 0 || tail_now_ms() < t->claim_at_ms)
		return 0;
	for (unsigned i = 0; i < t->keys && rc == 0; i++) {
		char start[TAIL_ID_MAX] = "0-0";

		if (!t->key[i].ready)
			continue;
		do
			rc = claim_some(t, &t->key[i], start, err);
		while (rc == 0 && strcmp(start, "0-0") != 0 && !tail_stopping());
	}
	t->claim_at_ms = tail_now_ms() + t->args->claim_after_s * 500ull;
	return rc;
}

static bool any_ready(const struct tail *t)
{
	for (unsigned i = 0; i < t->keys; i++)
		if (t->key[i].ready)
			return true;
	return false;
}

static int new_read(struct tail *t, unsigned *count, struct err *err)
{
	int rc;

	*count = 0;
	if (any_ready(t))
		return read_some(t, NULL, ">", count, err);
	tail_nothing_say(t);
	rc = t->args->once ? 0 : tail_wait(-1, 0, TAIL_BLOCK_MS);
	return rc < 0 ? rc : 0;
}

int tail_follow_group(struct tail *t, struct err *err)
{
	unsigned count = 0;
	int rc;

	for (unsigned i = 0; i < t->keys; i++)
		t->key[i].ready = false;
	t->look_at_ms = 0;
	rc = groups_make(t, err);
	if (rc == 0)
		rc = acknowledge(t, err);
	if (rc == 0)
		rc = own_read(t, err);
	while (rc == 0 && !tail_stopping()) {
		rc = claim(t, err);
		if (rc == 0)
			rc = new_read(t, &count, err);
		if (rc == 0 && count == 0 && t->args->once)
			break;
		if (rc == 0)
			rc = groups_make(t, err);
	}
	return rc;
}
