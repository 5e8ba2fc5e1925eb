// Any bytes as what a Redis server sends, in pieces: replies or an end, never more memory than the bounds allow, and every error
// reply is a fault with a cause and a printable sentence. The first byte says how long a piece is, the second whether a list of a
// Cluster's nodes is asked for.
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink_redis_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "s3cret";

static void require(int holds)
{
	if (!holds)
		abort();
}

// As that of sink_remote.c, which brings the spool along.
int remote_fail(struct remote_fault *fault, const char *cause, bool patient, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	snprintf(fault->cause, sizeof(fault->cause), "%s", cause);
	fault->patient = patient;
	fault->keep = false;
	vsnprintf(fault->err.text, sizeof(fault->err.text), format, args);
	va_end(args);
	return -EIO;
}

static void text_require(const char *text)
{
	require(text[0] != '\0');
	for (; *text != '\0'; text++)
		require(*text >= ' ' && *text <= '~');
}

static void shape_require(const redisReply *reply, unsigned depth)
{
	require(reply->type >= REDIS_REPLY_STRING && reply->type <= REDIS_REPLY_ERROR);
	if (reply->type != REDIS_REPLY_ARRAY)
		return;
	require(depth < REDIS_NESTING_MAX && reply->elements <= REDIS_ELEMENTS_MAX);
	for (size_t i = 0; i < reply->elements; i++)
		shape_require(reply->element[i], depth + 1);
}

static void reply_judge(redisReply *reply)
{
	struct remote_fault fault = {0};

	shape_require(reply, 0);
	redis_reply_blot(reply, secret);
	if (redis_reply_fault(reply, &fault) < 0) {
		const char *blank = memchr(reply->str, ' ', reply->len);

		require(reply->type == REDIS_REPLY_ERROR);
		text_require(fault.cause);
		text_require(fault.err.text);
		require(blank == NULL || memmem(blank, reply->len - (size_t)(blank - reply->str), secret, sizeof(secret) - 1) == NULL);
	} else {
		require(reply->type != REDIS_REPLY_ERROR);
	}
	freeReplyObject(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	redisReader *reader = redisReaderCreate();
	struct redis_replies replies;
	size_t piece = size > 0 ? (size_t)data[0] * 16 + 1 : 1;
	const char *why = NULL;
	int rc = 0;

	require(reader != NULL);
	redis_replies_init(&replies, reader);
	redis_replies_raise(&replies, size > 1 && (data[1] & 1));
	for (size_t at = 2; at < size && rc >= 0; at += piece) {
		redisReply *reply = NULL;

		require(redisReaderFeed(reader, (const char *)data + at, size - at < piece ? size - at : piece) == REDIS_OK);
		while ((rc = redis_replies_next(&replies, &reply, &why)) == 1)
			reply_judge(reply);
		require(rc < 0 || (reader->len - reader->pos <= replies.item_max && replies.taken <= replies.reply_max));
	}
	if (rc < 0)
		text_require(why);
	redisReaderFree(reader);
	return 0;
}
