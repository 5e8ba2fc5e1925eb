// The reader's side. It goes from entry to entry and looks at ids alone: what it has given out already is left out, and where ids are
// missing, for whatever reason, it gives out a tombstone for exactly those. So the log itself may have been cut, thinned, damaged or
// written twice.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spool/spool_inside.h"

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, CHUNK_BYTES = SPOOL_BATCH_BYTES_MAX + SPOOL_ENTRY_BYTES_MAX };

// A walk over a part of one segment, for one batch.
struct walk {
	struct spool *s;
	struct spool_batch *batch;
	unsigned max;
	size_t bytes_max;
	struct spool_segment *seg;
	uint64_t offset, end; // in the segment; end: of what may be read of it
	bool sealed;          // nothing more will come behind end
	uint64_t intended;    // where an intended batch ends, if in this segment
	struct spool_id ends[SPOOL_STREAMS]; // of the log, when the segment was looked at
	bool full;
	bool stop;            // the bounds of an intended batch are reached
};

static bool room_for(const struct walk *w, unsigned entries, size_t bytes)
{
	const struct spool_batch *b = w->batch;

	return b->count + entries <= w->max && (b->count == 0 || b->bytes + bytes <= w->bytes_max);
}

static void give(struct walk *w, const struct spool_file_entry *e, uint64_t first, const uint8_t *payload)
{
	struct spool_batch *b = w->batch;

	b->entry[b->count++] = (struct spool_entry){
		.boot = e->boot, .first = first, .last = e->last, .stream = e->stream, .cause = e->cause, .length = e->length,
		.payload = (const char *)payload,
	};
	b->bytes += e->length;
	w->s->at.read[e->stream] = (struct spool_id){e->boot, e->last};
}

// An entry that the receiver has. Returns how many of its ids had not been counted yet. All before it counts as delivered. Locked.
static uint64_t count(struct spool *s, unsigned stream, struct spool_id last, uint64_t ids, enum spool_cause cause)
{
	uint64_t more = spool_ids_between(s, stream, s->cursor.counted[stream], last), own = ids < more ? ids : more;

	if (more == 0)
		return 0;
	s->cursor.counted[stream] = last;
	s->stats.delivered += more - own;
	if (cause == SPOOL_KEPT) {
		s->stats.delivered += own;
	} else {
		s->stats.tombstoned += own;
		s->stats.tombstoned_by[cause] += own;
	}
	return own;
}

// What the receiver turned out to have, though it never told us.
static void count_unsent(struct spool *s, const struct spool_file_entry *e)
{
	struct spool_id id = {e->boot, e->last};

	pthread_mutex_lock(&s->mutex);
	if (count(s, e->stream, id, e->last - e->first + 1, e->cause) == 0)
		s->stats.duplicates++;
	else if (spool_id_compare(id, s->cursor.acked[e->stream]) > 0)
		s->cursor.acked[e->stream] = id;
	pthread_mutex_unlock(&s->mutex);
}

// Tombstones for all that is missing up to these ids. False: there is no room for them.
static bool holes_give(struct walk *w, unsigned stream, struct spool_id to)
{
	struct spool *s = w->s;
	struct spool_file_entry hole;

	while (spool_hole_next(s, stream, s->at.read[stream], to, &hole)) {
		if (!room_for(w, 1, 0))
			return false;
		hole.cause = (uint8_t)spool_hole_cause(s, stream, (struct spool_id){hole.boot, hole.last}, s->at.rewound ? SPOOL_RETENTION : SPOOL_DAMAGE);
		give(w, &hole, hole.first, NULL);
	}
	return true;
}

// The receiver said that it has these ids, and they will not be met any more.
static void had_count(struct spool *s, unsigned stream, struct spool_id to)
{
	struct spool_id had = s->had[stream], last = spool_id_compare(had, to) < 0 ? had : to;

	if (last.boot < to.boot && last.seq > spool_end_of(s, stream, last.boot))
		last.seq = spool_end_of(s, stream, last.boot); // it has more than what this log remembers
	if (spool_id_compare(last, s->cursor.counted[stream]) <= 0)
		return;
	pthread_mutex_lock(&s->mutex);
	count(s, stream, last, 0, SPOOL_KEPT);
	if (spool_id_compare(last, s->cursor.acked[stream]) > 0)
		s->cursor.acked[stream] = last;
	pthread_mutex_unlock(&s->mutex);
}

static bool all_holes_give(struct walk *w, const struct spool_id to[SPOOL_STREAMS])
{
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		had_count(w->s, i, to[i]);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (!holes_give(w, i, to[i])) {
			w->full = true;
			return false;
		}
	return true;
}

// One sound entry. False: there is no room for it; it stays.
static bool take(struct walk *w, const struct spool_file_entry *e, const uint8_t *payload)
{
	struct spool_id read = w->s->at.read[e->stream];

	if (spool_id_compare((struct spool_id){e->boot, e->last}, read) <= 0) {
		count_unsent(w->s, e);
		return true;
	}
	if (!holes_give(w, e->stream, (struct spool_id){e->boot, e->first - 1}) || !room_for(w, 1, e->length))
		return false;
	read = w->s->at.read[e->stream];
	give(w, e, read.boot == e->boot && read.seq >= e->first ? read.seq + 1 : e->first, e->length > 0 ? payload : NULL);
	return true;
}

// Goes through the bytes that were read from w->offset on. Returns how far; w->full if the batch is.
static size_t chunk_walk(struct walk *w, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	while (at < n) {
		struct spool_file_entry e;
		int size = spool_entry_look(bytes + at, n - at, &e);

		if (w->offset + at >= w->intended) {
			w->stop = true;
			break;
		}
		if (size == -EBADMSG && n - at < SPOOL_ENTRY_BYTES_MAX && w->offset + n < w->end)
			break; // perhaps only cut by the end of this chunk
		if (size == -EBADMSG) {
			size_t skip = spool_entry_skip(bytes + at, n - at), lost = skip > 0 ? skip : w->end - w->offset - at;

			spool_segment_aside(w->s, w->seg, w->offset + at, lost);
			at += lost;
			continue;
		}
		if (size == 0 && n - at < sizeof(e) && w->offset + n < w->end)
			break;
		if (size == 0)
			return (size_t)(w->end - w->offset); // the end of what was written
		if (!take(w, &e, bytes + at + sizeof(e))) {
			w->full = true;
			break;
		}
		at += (size_t)size;
	}
	return at;
}

// ---- from segment to segment ----

// The segment of the reader's place, or the next one there is. Locked; a user more.
static struct spool_segment *segment_get(struct spool *s, struct walk *w)
{
	struct spool_segment *seg = spool_segment_find(s, s->at.segment);

	if (seg == NULL)
		return NULL;
	if (seg->number != s->at.segment) {
		s->at.segment = seg->number;
		s->at.offset = sizeof(struct spool_file_header);
	}
	seg->users++;
	spool_segment_fd(s, seg);
	w->offset = s->at.offset < sizeof(struct spool_file_header) ? sizeof(struct spool_file_header) : s->at.offset;
	w->end = seg->size;
	w->sealed = seg->next != NULL;
	w->intended = s->cursor.intend_segment == seg->number ? s->cursor.intend_offset : UINT64_MAX;
	memcpy(w->ends, s->committed, sizeof(w->ends));
	return seg;
}

static void rewound_end(const struct spool *s, struct spool_place *place)
{
	if (place->segment > s->rewound_segment || (place->segment == s->rewound_segment && place->offset >= s->rewound_offset))
		place->rewound = false;
}

// Leaves a segment that has been read to its end for the next one; false: there is none.
static bool segment_leave(struct walk *w)
{
	struct spool *s = w->s;
	bool more = false;

	pthread_mutex_lock(&s->mutex);
	s->at.offset = w->seg->gone ? sizeof(struct spool_file_header) : w->offset; // gone, and there may be less of it in its place
	if (!w->seg->gone && w->sealed && w->offset >= w->end) {
		s->at.segment = w->seg->number + 1;
		s->at.offset = sizeof(struct spool_file_header);
		more = true;
	}
	rewound_end(s, &s->at);
	spool_segment_put(s, w->seg);
	pthread_mutex_unlock(&s->mutex);
	return more;
}

// One segment, as far as the batch has room. True: on with the next.
static bool segment_walk(struct walk *w, uint8_t *room)
{
	ssize_t got;
	size_t want;

	pthread_mutex_lock(&w->s->mutex);
	w->seg = segment_get(w->s, w);
	pthread_mutex_unlock(&w->s->mutex);
	if (w->seg == NULL)
		return false;
	want = w->end > w->offset ? w->end - w->offset : 0;
	want = want < CHUNK_BYTES ? want : CHUNK_BYTES;
	if (w->offset == sizeof(struct spool_file_header) && !all_holes_give(w, w->seg->before)) {
		segment_leave(w);
		return false;
	}
	got = want > 0 ? spool_segment_read(w->seg, room, want, w->offset) : 0;
	if (got <= 0 && want > 0) { // the file has gone, or is shorter than it was
		w->offset = w->end;
	} else if (got > 0) {
		w->end = (size_t)got < want ? w->offset + (size_t)got : w->end;
		w->offset += chunk_walk(w, room, (size_t)got);
	}
	if (!w->sealed && w->offset >= w->end && !w->full && !w->stop)
		all_holes_give(w, w->ends);
	return segment_leave(w) && !w->full && !w->stop;
}

// alone: nothing that was read before is still on its way.
static void batch_end(struct spool *s, struct spool_batch *batch, bool stopped, bool alone)
{
	struct spool_file_cursor *c = &s->cursor;

	pthread_mutex_lock(&s->mutex);
	batch->end_segment = s->at.segment;
	batch->end_offset = s->at.offset;
	batch->thinned = s->thinned;
	if (batch->count == 0 && stopped && alone)
		c->intend_segment = c->intend_offset = 0; // the receiver had all of it
	if (batch->count == 0 && alone) { // nothing but what was known lay in between
		s->done = s->at;
		if (batch->end_segment > c->segment || (batch->end_segment == c->segment && batch->end_offset > c->offset)) {
			c->segment = batch->end_segment;
			c->offset = batch->end_offset;
		}
	}
	pthread_mutex_unlock(&s->mutex);
}

unsigned spool_read(struct spool *s, unsigned place, unsigned max, size_t bytes, struct spool_batch *batch)
{
	struct walk w = {.s = s, .batch = batch, .max = max < SPOOL_BATCH_MAX ? max : SPOOL_BATCH_MAX, .bytes_max = bytes};
	bool alone, intended;

	pthread_mutex_lock(&s->mutex);
	alone = s->at.segment == s->done.segment && s->at.offset == s->done.offset;
	intended = s->cursor.intend_segment > 0 && s->at.segment == s->cursor.segment && s->at.offset == s->cursor.offset;
	pthread_mutex_unlock(&s->mutex);
	if (s->room[place] == NULL)
		s->room[place] = malloc(CHUNK_BYTES);
	batch->count = 0;
	batch->bytes = 0;
	if (s->room[place] == NULL)
		return 0;
	if (intended) {
		w.max = SPOOL_BATCH_MAX; // as much as was meant, whatever is asked for now
		w.bytes_max = CHUNK_BYTES;
	}
	do {
		w.stop = false;
		while (segment_walk(&w, s->room[place]) && batch->count == 0)
			;
		batch_end(s, batch, w.stop, alone);
	} while (w.stop && batch->count == 0 && alone); // what was meant, the receiver has; on with what follows
	return batch->count;
}

bool spool_wait(struct spool *s, unsigned ms)
{
	struct timespec end;
	bool there;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += (long)(ms % 1000) * NS_PER_MS;
	if (end.tv_nsec >= NS_PER_S) {
		end.tv_sec++;
		end.tv_nsec -= NS_PER_S;
	}
	pthread_mutex_lock(&s->mutex);
	for (;;) {
		const struct spool_segment *seg = spool_segment_find(s, s->at.segment);

		there = seg != NULL && (seg->next != NULL || seg->number > s->at.segment || seg->size > s->at.offset);
		if (there || pthread_cond_timedwait(&s->more, &s->mutex, &end) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&s->mutex);
	return there;
}

// ---- what the receiver says ----

void spool_intend(struct spool *s, const struct spool_batch *batch)
{
	pthread_mutex_lock(&s->mutex);
	if (batch->thinned == s->thinned) {
		s->cursor.intend_segment = batch->end_segment;
		s->cursor.intend_offset = batch->end_offset;
		spool_cursor_write(s, false);
	}
	pthread_mutex_unlock(&s->mutex);
}

static void ack_entry(struct spool *s, const struct spool_entry *e)
{
	struct spool_id id = {e->boot, e->last};

	count(s, e->stream, id, e->last - e->first + 1, e->cause);
	if (spool_id_compare(id, s->cursor.acked[e->stream]) > 0)
		s->cursor.acked[e->stream] = id;
}

void spool_ack(struct spool *s, const struct spool_batch *batch)
{
	struct spool_file_cursor *c = &s->cursor;
	uint64_t end_offset;

	pthread_mutex_lock(&s->mutex);
	end_offset = batch->thinned == s->thinned ? batch->end_offset : sizeof(struct spool_file_header); // ids say what is known
	for (unsigned i = 0; i < batch->count; i++)
		ack_entry(s, &batch->entry[i]);
	if (batch->end_segment > c->segment || (batch->end_segment == c->segment && end_offset > c->offset)) {
		c->segment = batch->end_segment;
		c->offset = end_offset;
	}
	s->done.segment = batch->end_segment;
	s->done.offset = end_offset;
	for (unsigned i = 0; i < batch->count; i++)
		s->done.read[batch->entry[i].stream] = (struct spool_id){batch->entry[i].boot, batch->entry[i].last};
	rewound_end(s, &s->done);
	c->intend_segment = c->intend_offset = 0;
	spool_cursor_write(s, false);
	pthread_mutex_unlock(&s->mutex);
}

void spool_unread(struct spool *s)
{
	pthread_mutex_lock(&s->mutex);
	s->at = s->done;
	pthread_mutex_unlock(&s->mutex);
}

// Where the cursor is. Locked.
static void place_cursor(struct spool *s)
{
	s->done.segment = s->cursor.segment;
	s->done.offset = s->cursor.offset;
	memcpy(s->done.read, s->cursor.acked, sizeof(s->done.read));
	s->done.rewound = false;
}

// The first segment that has something behind these ids. Locked.
static const struct spool_segment *segment_behind(const struct spool *s, const bool known[SPOOL_STREAMS], const struct spool_id have[SPOOL_STREAMS])
{
	for (const struct spool_segment *seg = s->oldest; seg != NULL; seg = seg->next) {
		const struct spool_id *ends = seg->next != NULL ? seg->next->before : s->committed;

		for (unsigned i = 0; i < SPOOL_STREAMS; i++)
			if (known[i] && spool_id_compare(ends[i], have[i]) > 0)
				return seg;
	}
	return NULL;
}

// The receiver has ids that this run has not given out: of a former run whose boot number could not be kept (a disk that could not be
// written to). It would refuse ours as known, so the writer goes on with a later boot, and tells what it gave out in this one as lost.
static void outrun(struct spool *s, const bool known[SPOOL_STREAMS], const struct spool_id have[SPOOL_STREAMS])
{
	uint64_t boot = 0;

	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		if (known[i] && spool_id_compare(have[i], spool_given(s, i)) > 0 && have[i].boot > boot)
			boot = have[i].boot;
	}
	if (boot == 0 || boot >= SPOOL_BOOT_MAX)
		return;
	atomic_store(&s->boot_wanted, boot + 1);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		s->done.read[i] = s->had[i] = (struct spool_id){boot, UINT64_MAX};
	s->at = s->done;
}

bool spool_rewind(struct spool *s, const bool known[SPOOL_STREAMS], const struct spool_id have[SPOOL_STREAMS])
{
	const struct spool_segment *seg;
	bool fell_back = false;

	pthread_mutex_lock(&s->mutex);
	place_cursor(s);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		fell_back = fell_back || (known[i] && spool_id_compare(have[i], s->cursor.acked[i]) < 0);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		s->had[i] = known[i] ? have[i] : (struct spool_id){0, 0};
		if (known[i])
			s->done.read[i] = have[i];
		else if (fell_back)
			s->done.read[i] = (struct spool_id){0, 0};
	}
	seg = fell_back ? segment_behind(s, known, have) : NULL;
	if (seg != NULL && seg->number <= s->cursor.segment) {
		s->done.rewound = true;
		s->rewound_segment = s->cursor.segment;
		s->rewound_offset = s->cursor.offset;
		s->done.segment = seg->number;
		s->done.offset = sizeof(struct spool_file_header);
	}
	if (fell_back)
		s->cursor.intend_segment = s->cursor.intend_offset = 0;
	s->at = s->done;
	outrun(s, known, have);
	pthread_mutex_unlock(&s->mutex);
	return fell_back;
}
