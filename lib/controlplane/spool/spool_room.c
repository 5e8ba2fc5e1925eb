// What makes room: acknowledged segments beyond what is retained, and, where the quota is reached, the oldest that waits. What is so
// dropped is not written down: the reader finds the hole in the ids and tells it exactly. Streams that are to be dropped last stay: a
// segment is first thinned to what it has of them, and goes only when nothing else is left to drop.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/spool_inside.h"

static uint64_t first_needed(const struct spool *s)
{
	return s->at.segment < s->cursor.segment ? s->at.segment : s->cursor.segment;
}

void spool_room_retained(struct spool *s, uint64_t keep_bytes)
{
	uint64_t bytes = 0;

	for (const struct spool_segment *seg = s->oldest; seg != NULL && seg->number < s->cursor.segment; seg = seg->next)
		bytes += seg->size;
	while (bytes > keep_bytes && s->oldest != NULL && s->oldest->number < first_needed(s) && s->oldest != s->active) {
		bytes -= s->oldest->size;
		spool_segment_drop(s, s->oldest);
	}
	s->stats.retained_bytes = bytes;
}

uint64_t spool_room_waiting(const struct spool *s)
{
	uint64_t bytes = 0;

	for (const struct spool_segment *seg = s->oldest; seg != NULL; seg = seg->next) {
		uint64_t done = seg->number == s->cursor.segment ? s->cursor.offset : sizeof(struct spool_file_header);

		if (seg->number >= s->cursor.segment && seg->size > done)
			bytes += seg->size - done;
	}
	return bytes;
}

// ---- dropping what waits ----

static const struct spool_id *ends_of(const struct spool *s, const struct spool_segment *seg)
{
	return seg->next != NULL ? seg->next->before : s->committed;
}

static bool has_kept(const struct spool *s, const struct spool_segment *seg)
{
	const struct spool_id *ends = ends_of(s, seg);

	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if ((s->config.keep_last & 1u << i) != 0 && spool_id_compare(ends[i], seg->before[i]) > 0)
			return true;
	return false;
}

// The entries of a segment that are dropped last, as a segment. Returns its bytes, 0: it could not be read. *mark: a place in the one,
// then in the other.
static size_t thin(struct spool *s, struct spool_segment *seg, uint8_t *bytes, uint64_t *mark)
{
	size_t at = sizeof(struct spool_file_header), used = at, marked = at;
	struct spool_file_entry e;
	ssize_t got;

	spool_segment_fd(s, seg);
	got = spool_segment_read(seg, bytes, seg->size, 0);
	while (got > 0 && at < (size_t)got) {
		int size = spool_entry_look(bytes + at, (size_t)got - at, &e);

		if (size <= 0)
			break;
		if ((s->config.keep_last & 1u << e.stream) != 0) {
			memmove(bytes + used, bytes + at, (size_t)size);
			used += (size_t)size;
		}
		at += (size_t)size;
		if (at <= *mark)
			marked = used;
	}
	*mark = marked;
	return got > 0 ? used : 0;
}

static bool replace_file(struct spool *s, struct spool_segment *seg, const uint8_t *bytes, size_t n)
{
	static const char draft[] = "thinned.draft"; // always the same: the next one takes the place of what a crash left
	char name[SPOOL_NAME_MAX];
	int fd;
	bool good;

	spool_segment_name(seg->number, "spool", name);
	fd = openat(s->dir_fd, draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	good = fd >= 0 && write(fd, bytes, n) == (ssize_t)n && fdatasync(fd) == 0 && renameat(s->dir_fd, draft, s->dir_fd, name) == 0;
	if (fd >= 0)
		close(fd);
	if (!good)
		unlinkat(s->dir_fd, draft, 0);
	return good;
}

// Places in a segment that is being thinned: what had been read of it is met again and left out. The file of the cursor has to say so
// first, because after the death of this process an old place in the new file would pass over some.
static void places_reset(struct spool *s, uint64_t number, uint64_t mark)
{
	if (s->cursor.intend_segment == number)
		s->cursor.intend_offset = mark;
	if (s->at.segment == number)
		s->at.offset = sizeof(struct spool_file_header);
	if (s->done.segment == number)
		s->done.offset = sizeof(struct spool_file_header);
	s->thinned++;
	if (s->cursor.segment != number && s->cursor.intend_segment != number)
		return;
	if (s->cursor.segment == number)
		s->cursor.offset = sizeof(struct spool_file_header);
	spool_cursor_write(s, true);
}

static void segment_replace(struct spool *s, struct spool_segment *seg, struct spool_segment *less)
{
	struct spool_segment **at = &s->oldest;

	while (*at != seg)
		at = &(*at)->next;
	*at = less;
	if (s->newest == seg)
		s->newest = less;
	seg->gone = true;
	seg->users++; // dropped by put, which closes its file and frees it
	spool_segment_put(s, seg);
}

// The segment becomes one of its own number with less in it. False: it is to be dropped as a whole.
static bool segment_thin(struct spool *s, struct spool_segment *seg)
{
	struct spool_segment *less = calloc(1, sizeof(*less));
	uint8_t *bytes = less != NULL ? malloc(seg->size) : NULL;
	uint64_t mark = s->cursor.intend_offset;
	size_t n = bytes != NULL ? thin(s, seg, bytes, &mark) : 0;
	bool good = n > sizeof(struct spool_file_header);

	if (good)
		places_reset(s, seg->number, mark);
	if (!good || (seg->memory == NULL && !replace_file(s, seg, bytes, n))) {
		free(bytes);
		free(less);
		return false;
	}
	*less = *seg;
	less->fd = -1;
	less->users = 0;
	less->size = n;
	less->thinned = true;
	less->memory = seg->memory != NULL ? bytes : NULL;
	s->memory_bytes += seg->memory != NULL ? s->config.segment_bytes : 0;
	segment_replace(s, seg, less);
	if (less->memory == NULL)
		free(bytes);
	return true;
}

static struct spool_segment *victim(struct spool *s)
{
	struct spool_segment *oldest = spool_segment_find(s, s->cursor.segment), *seg = oldest;

	while (seg != NULL && (seg->thinned || seg == s->active))
		seg = seg->next;
	if (seg == NULL && oldest != s->active)
		seg = oldest; // only what is dropped last is left
	return seg;
}

bool spool_room_make(struct spool *s)
{
	struct spool_segment *seg = victim(s);
	struct spool_id ends[SPOOL_STREAMS];
	uint8_t streams = 0xff;

	if (seg == NULL)
		return false;
	memcpy(ends, ends_of(s, seg), sizeof(ends));
	if (!seg->thinned && has_kept(s, seg) && segment_thin(s, seg))
		streams = (uint8_t)~s->config.keep_last;
	else
		spool_segment_drop(s, seg);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if ((streams & 1u << i) != 0 && spool_id_compare(ends[i], s->state->quota_to[i]) > 0)
			s->state->quota_to[i] = ends[i];
	return true;
}
