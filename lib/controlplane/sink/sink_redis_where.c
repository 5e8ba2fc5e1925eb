// Where to go on after a connection: whose ids stand in the streams, and which of them are ours.
//
// The streams themselves say what arrived; the hash sw:{SENSOR}:writer says by whom and with which base. Where it is gone, as after
// a FLUSHALL, ids not beyond what was acknowledged to us are taken for ours. Where another log wrote (a new spool folder under an
// old sensor name), or a stranger added ids beyond those that we gave out, we begin anew behind all of them, after what was
// acknowledged to us.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sink/sink_redis.h"

const char *const redis_book_fields[REDIS_BOOK_FIELDS] = {"instance", "base", "since", "boot", "from"};

// ---- text ----

char *redis_id_write(char at[REDIS_ID_MAX], struct spool_id id)
{
	char *end = json_put_u64(at, id.boot);

	*end++ = '-';
	end = json_put_u64(end, id.seq);
	*end = '\0';
	return end;
}

// Digits only; returns what follows them, NULL if there is no number or it is too large.
static const char *number_read(const char *at, const char *end, uint64_t *out)
{
	const char *start = at;

	for (*out = 0; at < end && isdigit((unsigned char)*at); at++)
		if (__builtin_mul_overflow(*out, 10u, out) || __builtin_add_overflow(*out, (uint64_t)(*at - '0'), out))
			return NULL;
	return at > start ? at : NULL;
}

bool redis_id_read(const char *text, size_t length, struct spool_id *out)
{
	const char *end = text + length, *at = number_read(text, end, &out->boot);

	if (at == NULL || at == end || *at != '-')
		return false;
	return number_read(at + 1, end, &out->seq) == end;
}

void redis_book_write(const struct redis_book *book, char text[REDIS_BOOK_FIELDS - 1][REDIS_BOOK_TEXT_MAX])
{
	char *at = text[3];

	snprintf(text[0], REDIS_BOOK_TEXT_MAX, "%" PRIu64, book->base);
	snprintf(text[1], REDIS_BOOK_TEXT_MAX, "%" PRIu64, book->since);
	snprintf(text[2], REDIS_BOOK_TEXT_MAX, "%" PRIu64, book->boot);
	for (unsigned s = 0; s < SPOOL_STREAMS; s++) {
		at = redis_id_write(at, book->from[s]);
		*at++ = s + 1 < SPOOL_STREAMS ? ' ' : '\0';
	}
}

static bool number_is(const char *text, size_t length, uint64_t *out)
{
	return text != NULL && number_read(text, text + length, out) == text + length && *out <= REDIS_BOOT_MAX;
}

bool redis_book_read(const char *const text[REDIS_BOOK_FIELDS - 1], const size_t lengths[REDIS_BOOK_FIELDS - 1],
		     struct redis_book *out)
{
	const char *at = text[3], *end = at != NULL ? at + lengths[3] : NULL;

	if (!number_is(text[0], lengths[0], &out->base) || !number_is(text[1], lengths[1], &out->since) ||
	    !number_is(text[2], lengths[2], &out->boot) || at == NULL)
		return false;
	for (unsigned s = 0; s < SPOOL_STREAMS; s++) {
		const char *space = memchr(at, ' ', (size_t)(end - at));
		const char *stop = s + 1 < SPOOL_STREAMS ? space : end;

		if (stop == NULL || !redis_id_read(at, (size_t)(stop - at), &out->from[s]))
			return false;
		at = stop + (stop < end);
	}
	return true;
}

// ---- whose ids ----

static uint64_t highest(const struct spool_id *ids, unsigned n)
{
	uint64_t boot = 0;

	for (unsigned i = 0; i < n; i++)
		if (ids[i].boot > boot)
			boot = ids[i].boot;
	return boot;
}

// Whether an id of Redis was written by this log under this book.
static bool is_of(const struct redis_book *book, struct spool_id id)
{
	return id.boot >= book->since + book->base && id.boot <= book->boot + book->base;
}

static struct spool_id local_of(const struct redis_book *book, struct spool_id id)
{
	return (struct spool_id){.boot = id.boot - book->base, .seq = id.seq};
}

// An id of ours that we never gave out: a stranger's. given.boot 0: that is not known.
static bool is_beyond(const struct redis_book *book, struct spool_id id, struct spool_id given)
{
	struct spool_id local = local_of(book, id);

	return is_of(book, id) && given.boot != 0 && (local.boot > given.boot || (local.boot == given.boot && local.seq > given.seq));
}

static bool any_beyond(const struct redis_found *found, const struct redis_book *book, const struct remote_identity *identity)
{
	for (unsigned s = 0; s < REDIS_KEPT; s++)
		if (found->last[s].boot != 0 && is_beyond(book, found->last[s], identity->given[s]))
			return true;
	return false;
}

// A new beginning behind whatever is there. What an old book proves to be there of a stream is not sent again.
static void begin_anew(const struct redis_found *found, const struct redis_book *old, uint64_t top,
		       const struct remote_identity *identity, struct redis_book *book)
{
	*book = (struct redis_book){.since = identity->oldest_boot, .boot = identity->oldest_boot, .base = old->base};
	if (top >= identity->oldest_boot + old->base)
		book->base = top - identity->oldest_boot + 1;
	for (unsigned s = 0; s < SPOOL_STREAMS; s++) {
		bool proven = s < REDIS_KEPT && found->writer != REDIS_WRITER_OTHER && found->last[s].boot != 0 &&
			      is_of(old, found->last[s]) && !is_beyond(old, found->last[s], identity->given[s]);

		book->from[s] = proven ? local_of(old, found->last[s]) : identity->acked[s];
	}
}

int redis_where(const struct redis_found *found, const struct redis_book *memory, const struct remote_identity *identity,
		struct redis_book *book, struct remote_where *where)
{
	struct redis_book old = {.boot = highest(identity->acked, SPOOL_STREAMS)};
	uint64_t top = highest(found->last, REDIS_KEPT);

	if (top > REDIS_BOOT_MAX || identity->oldest_boot > REDIS_BOOT_MAX)
		return -ERANGE;
	if (found->writer == REDIS_WRITER_WE)
		old = found->book;
	else if (memory != NULL)
		old = *memory;
	if (found->writer != REDIS_WRITER_OTHER && top <= old.boot + old.base && !any_beyond(found, &old, identity))
		*book = old;
	else
		begin_anew(found, &old, top, identity, book);

	memset(where, 0, sizeof(*where));
	for (unsigned s = 0; s < REDIS_KEPT; s++) {
		where->known[s] = true;
		if (found->last[s].boot == 0)
			continue; // it has nothing
		where->last[s] = is_of(book, found->last[s]) ? local_of(book, found->last[s]) : book->from[s];
	}
	return 0;
}
