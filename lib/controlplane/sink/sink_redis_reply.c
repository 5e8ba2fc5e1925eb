#include "sink/sink_redis_reply.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

enum { WORDS_SHOWN_MAX = 240 }; // of what a server says

// ---- bounds ----

static unsigned nesting(const redisReadTask *task)
{
	unsigned depth = 0;

	while (task->parent != NULL && depth < REDIS_NESTING_MAX) {
		task = task->parent;
		depth++;
	}
	return depth;
}

// To hiredis NULL is a lack of memory: it frees what it has of the reply, and stops.
static void *array_create(const redisReadTask *task, REDIS_WIDTH elements)
{
	struct redis_replies *replies = task->privdata;

	if (elements > REDIS_ELEMENTS_MAX)
		replies->refused = "an array that is too wide";
	else if (nesting(task) == REDIS_NESTING_MAX)
		replies->refused = "arrays that are nested too deep";
	else
		return replies->array_create(task, elements);
	return NULL;
}

void redis_replies_init(struct redis_replies *replies, redisReader *reader)
{
	*replies = (struct redis_replies){.reader = reader, .functions = *reader->fn, .array_create = reader->fn->createArray};
	replies->functions.createArray = array_create;
	reader->fn = &replies->functions;
	reader->privdata = replies;
	redis_replies_raise(replies, false);
}

void redis_replies_raise(struct redis_replies *replies, bool list)
{
	replies->item_max = list ? REDIS_LIST_BYTES_MAX : REDIS_ITEM_BYTES_MAX;
	replies->reply_max = list ? REDIS_LIST_BYTES_MAX : REDIS_REPLY_BYTES_MAX;
}

// RESP3 has more types, which later hiredis takes; a server that was not asked for them sends none.
static bool resp2(const redisReply *reply)
{
	bool known = reply->type >= REDIS_REPLY_STRING && reply->type <= REDIS_REPLY_ERROR;

	for (size_t i = 0; known && reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
		known = resp2(reply->element[i]); // nested by REDIS_NESTING_MAX at most
	return known;
}

int redis_replies_next(struct redis_replies *replies, redisReply **out, const char **why)
{
	redisReader *reader = replies->reader;
	size_t before = reader->len - reader->pos, left;
	void *reply = NULL;
	int rc = redisReaderGetReply(reader, &reply);

	if (rc != REDIS_OK) {
		*why = replies->refused != NULL ? replies->refused : reader->errstr;
		return reader->err == REDIS_ERR_OOM && replies->refused == NULL ? -ENOMEM : -EPROTO;
	}
	if (reply != NULL && resp2(reply)) {
		replies->taken = 0;
		*out = reply;
		return 1;
	}
	left = reader->len - reader->pos;
	replies->taken += before - left;
	if (reply == NULL && left <= replies->item_max && replies->taken + left <= replies->reply_max)
		return 0;
	*why = reply != NULL ? "a reply of a type that was not asked for" : "a reply that is too long";
	if (reply != NULL)
		freeReplyObject(reply);
	return -EPROTO;
}

// ---- content ----

bool redis_reply_is(const redisReply *reply, const char *word)
{
	return (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) && reply->len == strlen(word) &&
	       memcmp(reply->str, word, reply->len) == 0;
}

bool redis_reply_begins(const redisReply *reply, const char *word)
{
	size_t len = strlen(word);

	return reply->type == REDIS_REPLY_ERROR && reply->len >= len && memcmp(reply->str, word, len) == 0 &&
	       (reply->len == len || reply->str[len] == ' ');
}

void redis_reply_blot(redisReply *reply, const char *secret)
{
	size_t len = strlen(secret);
	char *at, *end;

	if (len == 0)
		return;
	if (reply->type == REDIS_REPLY_ARRAY)
		for (size_t i = 0; i < reply->elements; i++)
			redis_reply_blot(reply->element[i], secret);
	if (reply->type != REDIS_REPLY_ERROR)
		return;
	end = reply->str + reply->len;
	at = memchr(reply->str, ' ', reply->len);
	while (at != NULL && (at = memmem(at, (size_t)(end - at), secret, len)) != NULL) {
		memset(at, '*', len);
		at += len;
	}
}

// ---- errors ----

static const struct error {
	const char *word, *cause;
	bool patient, keep;
	const char *remedy;
} errors[] = {
	{"NOAUTH", "auth", true, false, "set redis.password_file, and redis.user if it has users"},
	{"WRONGPASS", "auth", true, false, "check redis.user and redis.password_file"},
	{"NOPERM", "auth", true, false, "give redis.user the commands and keys it needs"},
	{"DENIED", "auth", true, false, "it is in protected mode: give it a password, or let it listen on loopback only"},
	{"OOM", "oom", false, true, "raise its maxmemory or lower redis.stream_length"},
	{"READONLY", "readonly", false, false, "it is a replica: the primary may be elsewhere"},
	{"MISCONF", "misconf", false, true, "its disk refuses: make room there"},
	{"LOADING", "loading", false, false, "it is reading its data"},
	{"MASTERDOWN", "masterdown", false, false, "it is a replica without its primary"},
	{"CLUSTERDOWN", "clusterdown", false, false, "look at CLUSTER INFO"},
	{"MOVED", "moved", false, false, "its Cluster is asked anew; if it is one, let redis.servers be auto or cluster"},
	{"ASK", "migrating", false, false, "the slot is being moved"},
	{"TRYAGAIN", "migrating", false, false, "the slot is being moved"},
	{"WRONGTYPE", "wrongtype", true, true, "a key of that name is something else: rename it or change sensor.name"},
	{"EXECABORT", "aborted", false, false, "a command of the batch was refused"},
	{"BUSY", "busy", false, false, "it is running a script"},
	{"ERR max number of clients reached", "clients", false, false, "raise its maxclients"},
	{"NOREPLICAS", "noreplicas", false, true, "it wants more replicas (min-replicas-to-write)"},
};

static const struct error *error_find(const redisReply *reply)
{
	static const struct error other = {"", "error", false, false, "look at its log"};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (redis_reply_begins(reply, errors[i].word))
			return &errors[i];
	return &other;
}

int redis_reply_fault(const redisReply *reply, struct remote_fault *fault)
{
	char words[WORDS_SHOWN_MAX + 1];
	const struct error *error;
	size_t used, taken;
	int rc;

	if (reply->type != REDIS_REPLY_ERROR)
		return 0;
	error = error_find(reply);
	used = text_escape(words, WORDS_SHOWN_MAX, (const uint8_t *)reply->str, reply->len, &taken);
	words[used] = '\0';
	rc = remote_fail(fault, error->cause, error->patient, "Redis answers \"%s%s\"; %s", words, taken < reply->len ? "..." : "",
			 error->remedy);
	fault->keep = error->keep;
	return rc;
}
