// The writer's side: entries are collected, written in one go, and only then seen by the reader. Between two fsyncs a copy of what was
// written is kept, because after a failed fsync the file must not be trusted any more (a second one says all is well when it is not).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/spool_inside.h"

enum { MS_NS = 1000000, RETRY_NS = 1000 * 1000 * 1000, LOOK_NS = 1000 * 1000 * 1000 };

// ---- what is to be told ----

static void gap_add(struct spool *s, unsigned stream, uint64_t boot, uint64_t first, uint64_t last, enum spool_cause cause)
{
	struct spool_gap *end = &s->gap[stream][s->gaps[stream] > 0 ? s->gaps[stream] - 1 : 0];

	if (s->gaps[stream] > 0 && end->boot == boot && end->last + 1 == first && (end->cause == cause || s->gaps[stream] == SPOOL_GAPS_MAX)) {
		end->last = last;
		return;
	}
	if (s->gaps[stream] == SPOOL_GAPS_MAX) {
		s->gaps_more[stream] = true; // the reader would find the hole, but only once something follows
		return;
	}
	s->gap[stream][s->gaps[stream]++] = (struct spool_gap){boot, first, last, (uint8_t)cause};
}

// ---- segments ----

void spool_disk_failed(struct spool *s, int error, const char *what)
{
	s->stats.disk_errors++;
	s->stats.disk_failing = true;
	if (s->dir_fd < 0 && s->stats.disk_error[0] != '\0')
		return; // why there is no folder has been said; without one nothing else can work
	snprintf(s->stats.disk_error, sizeof(s->stats.disk_error), "%s in %.200s: %s", what, s->directory, strerror(error));
}

static bool sync_now(struct spool *s)
{
	int error = 0;

	if (s->active == NULL || s->active->memory != NULL)
		s->unsynced_used = 0;
	if (s->unsynced_used == 0)
		return true;
	if (fdatasync(s->active->fd) != 0)
		error = errno;
	s->next_sync_ns = clock_monotonic_ns() + (uint64_t)s->config.fsync_ms * MS_NS; // from its end: a slow disk has time for other things
	pthread_mutex_lock(&s->mutex);
	s->stats.fsyncs++;
	s->stats.fsync_failures += error != 0;
	if (error != 0)
		spool_disk_failed(s, error, "fsync of a segment");
	pthread_mutex_unlock(&s->mutex);
	if (error == 0)
		s->unsynced_used = 0;
	return error == 0;
}

static void seal(struct spool *s)
{
	if (s->active == NULL || s->active->memory != NULL || ftruncate(s->active->fd, (off_t)s->active->size) == 0)
		return;
	pthread_mutex_lock(&s->mutex);
	s->stats.disk_errors++; // it keeps its preallocated tail, which reads as its end
	pthread_mutex_unlock(&s->mutex);
}

// A new segment on disk, or in memory. Locked. NULL: neither.
static struct spool_segment *segment_next(struct spool *s)
{
	struct spool_segment *seg = NULL;
	int error;

	if (s->stats.disk_failing && clock_monotonic_ns() < s->next_retry_ns)
		return spool_segment_memory(s);
	if (spool_segment_create(s, &seg, &error) == 0) {
		s->stats.disk_failing = false;
		s->stats.disk_error[0] = '\0';
		return seg;
	}
	spool_disk_failed(s, error, "a new segment");
	if (error == ENOSPC || error == EDQUOT) {
		spool_room_retained(s, 0); // what was acknowledged makes way for what was not
		if (spool_segment_create(s, &seg, &error) == 0)
			return seg;
	}
	s->next_retry_ns = clock_monotonic_ns() + RETRY_NS;
	return spool_segment_memory(s);
}

static bool quota_reached(const struct spool *s)
{
	return spool_room_waiting(s) + s->config.segment_bytes > s->config.quota_bytes;
}

// Room for a new segment under the quota and on the disk. Locked. False: what is pending has to go.
static bool segment_begin(struct spool *s, enum spool_cause *cause)
{
	bool oldest = s->config.policy == SPOOL_DROP_OLDEST;
	struct spool_segment *seg;

	s->active = NULL;
	*cause = SPOOL_QUOTA;
	while (quota_reached(s))
		if (!oldest || !spool_room_make(s))
			return false;
	*cause = SPOOL_DISK;
	while ((seg = segment_next(s)) == NULL) {
		if (!oldest || !spool_room_make(s))
			return false;
		s->next_retry_ns = 0; // that made room on the disk, or in memory
	}
	s->active = seg;
	spool_segment_push(s, seg);
	return true;
}

// ---- commit ----

static int bytes_write(struct spool *s, const uint8_t *bytes, size_t n)
{
	struct spool_segment *seg = s->active;
	size_t put = 0;

	if (seg->memory != NULL) {
		memcpy(seg->memory + seg->size, bytes, n);
		return 0;
	}
	while (put < n) {
		ssize_t more = pwrite(seg->fd, bytes + put, n - put, (off_t)(seg->size + put));

		if (more < 0 && errno == EINTR)
			continue;
		if (more <= 0)
			return more < 0 ? -errno : -EIO;
		put += (size_t)more;
	}
	return 0;
}

// What was torn is made to read as the end. It lies in room that is allocated, so this works on a full disk.
static void torn_erase(struct spool *s)
{
	static const uint8_t zeros[sizeof(struct spool_file_entry)];

	if (pwrite(s->active->fd, zeros, sizeof(zeros), (off_t)s->active->size) != (ssize_t)sizeof(zeros))
		s->stats.disk_errors++; // its checksum will not fit
}

static void unsynced_keep(struct spool *s, const uint8_t *bytes, size_t n)
{
	if (s->active->memory != NULL)
		return;
	memcpy(s->unsynced + s->unsynced_used, bytes, n); // never more than a segment, which is synced at its end
	s->unsynced_used += n;
}

static void pending_publish(struct spool *s)
{
	pthread_mutex_lock(&s->mutex);
	s->active->size += s->pending_used;
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (s->pending_has[i]) {
			s->committed[i] = s->pending_last[i];
			if (s->active->memory != NULL)
				s->state->disk_to[i] = s->committed[i];
		}
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->mutex);
}

static void pending_clear(struct spool *s)
{
	s->pending_used = 0;
	memset(s->pending_has, 0, sizeof(s->pending_has));
}

// For a later run, which finds the hole.
static void why_keep(struct spool_id *to, struct spool_id id)
{
	if (spool_id_compare(id, *to) > 0)
		*to = id;
}

// What is pending is given up and told later.
static void pending_lose(struct spool *s, enum spool_cause cause)
{
	for (size_t at = 0; at < s->pending_used;) {
		struct spool_file_entry e;

		memcpy(&e, s->pending + at, sizeof(e));
		why_keep(cause == SPOOL_QUOTA ? &s->state->quota_to[e.stream] : &s->state->disk_to[e.stream], (struct spool_id){e.boot, e.last});
		gap_add(s, e.stream, e.boot, e.first, e.last, e.cause == SPOOL_KEPT ? cause : (enum spool_cause)e.cause);
		at += e.size;
	}
	pending_clear(s);
}

static bool segment_roll(struct spool *s, enum spool_cause *cause)
{
	bool good;

	seal(s);
	pthread_mutex_lock(&s->mutex);
	good = segment_begin(s, cause);
	pthread_mutex_unlock(&s->mutex);
	s->unsynced_used = 0;
	return good;
}

// The last ids before these entries, which are committed.
static void before_them(const struct spool *s, const uint8_t *bytes, size_t n, struct spool_id before[SPOOL_STREAMS])
{
	bool seen[SPOOL_STREAMS] = {false};
	struct spool_file_entry e;

	memcpy(before, s->committed, sizeof(s->committed));
	for (size_t at = 0; at < n; at += e.size) {
		memcpy(&e, bytes + at, sizeof(e));
		if (!seen[e.stream])
			before[e.stream] = (struct spool_id){e.boot, e.first - 1};
		seen[e.stream] = true;
	}
}

// A segment that begins with these entries once more.
static bool segment_roll_back(struct spool *s, const uint8_t *bytes, size_t n)
{
	struct spool_id before[SPOOL_STREAMS], committed[SPOOL_STREAMS];
	enum spool_cause cause;
	bool good;

	before_them(s, bytes, n, before);
	seal(s);
	pthread_mutex_lock(&s->mutex);
	memcpy(committed, s->committed, sizeof(committed));
	memcpy(s->committed, before, sizeof(before)); // for its header
	good = segment_begin(s, &cause);
	memcpy(s->committed, committed, sizeof(committed));
	pthread_mutex_unlock(&s->mutex);
	s->unsynced_used = 0;
	return good;
}

// After a failed fsync: what it was for is written once more, into a new segment. The reader leaves out what it meets twice.
static void again_write(struct spool *s)
{
	size_t n = s->unsynced_used;
	uint8_t *bytes = malloc(n > 0 ? n : 1);

	if (bytes == NULL)
		return;
	memcpy(bytes, s->unsynced, n);
	s->stats.disk_failing = false; // one failed sync is no reason not to try a new file
	if (segment_roll_back(s, bytes, n) && bytes_write(s, bytes, n) == 0) {
		unsynced_keep(s, bytes, n);
		pthread_mutex_lock(&s->mutex);
		s->active->size += n;
		pthread_mutex_unlock(&s->mutex);
		if (!sync_now(s))
			s->active = NULL;
	}
	free(bytes);
}

static void sync_due(struct spool *s)
{
	if (s->unsynced_used > 0 && clock_monotonic_ns() >= s->next_sync_ns && !sync_now(s))
		again_write(s);
}

static bool active_has_room(const struct spool *s, size_t n)
{
	return s->active != NULL && s->active->size + n <= s->config.segment_bytes;
}

// Everything that is pending goes into one segment.
static void pending_write(struct spool *s)
{
	enum spool_cause cause = SPOOL_DISK;

	if (s->pending_used == 0)
		return;
	if (!active_has_room(s, s->pending_used)) {
		if (s->unsynced_used > 0 && !sync_now(s))
			again_write(s);
		if (!active_has_room(s, s->pending_used) && !segment_roll(s, &cause)) {
			pending_lose(s, cause);
			return;
		}
	}
	for (unsigned tries = 0; tries < 2; tries++) {
		int rc = bytes_write(s, s->pending, s->pending_used);

		if (rc == 0) {
			unsynced_keep(s, s->pending, s->pending_used);
			pending_publish(s);
			pending_clear(s);
			return;
		}
		pthread_mutex_lock(&s->mutex);
		torn_erase(s);
		spool_disk_failed(s, -rc, "a write");
		s->next_retry_ns = clock_monotonic_ns() + RETRY_NS; // the next segment is in memory
		pthread_mutex_unlock(&s->mutex);
		if (!segment_roll(s, &cause))
			break;
	}
	pending_lose(s, cause);
}

// ---- entries ----

static size_t pending_most(const struct spool *s)
{
	size_t segment = s->config.segment_bytes - sizeof(struct spool_file_header);

	return segment < SPOOL_PENDING_MAX ? segment : SPOOL_PENDING_MAX;
}

// Room for so many bytes of entries; what was pending may be lost for it, and then stands among the gaps.
static void pending_room(struct spool *s, size_t n)
{
	if (s->pending_used + n > pending_most(s))
		pending_write(s);
}

void spool_put_entry(struct spool *s, const struct spool_file_entry *e, const void *payload)
{
	pending_room(s, sizeof(*e) + e->length + 8);
	s->pending_used += spool_entry_put(s->pending + s->pending_used, e, payload);
	s->pending_last[e->stream] = (struct spool_id){e->boot, e->last};
	s->pending_has[e->stream] = true;
}

// What was lost before comes first: ids of a stream only grow.
static void gaps_put(struct spool *s, unsigned stream)
{
	unsigned n;

	pending_room(s, SPOOL_GAPS_MAX * sizeof(struct spool_file_entry));
	n = s->gaps[stream];
	s->gaps[stream] = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct spool_gap g = s->gap[stream][i];
		struct spool_file_entry e = {.boot = g.boot, .first = g.first, .last = g.last, .stream = (uint8_t)stream, .cause = g.cause};

		spool_put_entry(s, &e, NULL);
	}
}

void spool_append(struct spool *s, unsigned stream, const void *payload, uint32_t length)
{
	struct spool_file_entry e = {.boot = s->boot, .stream = (uint8_t)stream, .cause = SPOOL_KEPT, .length = length};

	e.first = e.last = ++s->last[stream].seq;
	__atomic_add_fetch(&s->appended, 1, __ATOMIC_RELAXED);
	pending_room(s, sizeof(e) + length + 8 + SPOOL_GAPS_MAX * sizeof(e)); // before the gaps: it may make some
	if (s->gaps[stream] > 0)
		gaps_put(s, stream);
	if (length > SPOOL_PAYLOAD_MAX || length == 0) // no record is; it would never come out again
		gap_add(s, stream, e.boot, e.first, e.last, SPOOL_DAMAGE);
	else
		spool_put_entry(s, &e, payload);
}

void spool_append_gap(struct spool *s, unsigned stream, uint64_t count, enum spool_cause cause)
{
	uint64_t first = s->last[stream].seq + 1;

	if (count == 0)
		return;
	s->last[stream].seq += count;
	__atomic_add_fetch(&s->told_lost, count, __ATOMIC_RELAXED);
	gap_add(s, stream, s->boot, first, s->last[stream].seq, cause);
}

static void all_write(struct spool *s)
{
	pending_write(s);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (s->gaps[i] > 0)
			gaps_put(s, i);
	pending_write(s);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (s->gaps_more[i] && s->gaps[i] == 0) {
			s->gaps_more[i] = false;
			spool_holes_put(s, i, s->committed[i], s->last[i], 0, SPOOL_DAMAGE);
		}
	pending_write(s);
}

// A later boot within a run. The ids that it gave out in the one before are told as the first of this one: so it has as many as the
// page says were given.
static void boot_change(struct spool *s, uint64_t boot)
{
	all_write(s);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		spool_end_learn(s, i, s->last[i]);
		s->last[i].boot = boot;
		__atomic_add_fetch(&s->told_lost, s->last[i].seq, __ATOMIC_RELAXED);
		if (s->last[i].seq > 0)
			gap_add(s, i, boot, 1, s->last[i].seq, SPOOL_DISK);
	}
	__atomic_store_n(&s->boot, boot, __ATOMIC_RELAXED);
	s->state->boot = boot;
	spool_state_sync(s);
}

void spool_commit(struct spool *s)
{
	uint64_t boot = atomic_load_explicit(&s->boot_wanted, memory_order_relaxed);

	if (boot > s->boot)
		boot_change(s, boot);
	all_write(s);
	sync_due(s);
}

void spool_finish(struct spool *s)
{
	if (s->unsynced_used > 0 && !sync_now(s))
		again_write(s);
	seal(s);
	s->active = NULL;
}

// While in memory: whether the disk takes a segment again. Locked.
static void disk_retry(struct spool *s)
{
	struct spool_segment *seg;
	int error;

	if (!s->stats.disk_failing || clock_monotonic_ns() < s->next_retry_ns)
		return;
	s->next_retry_ns = clock_monotonic_ns() + RETRY_NS;
	if (spool_segment_create(s, &seg, &error) < 0) {
		spool_disk_failed(s, error, "a new segment");
		return;
	}
	s->stats.disk_failing = false;
	s->stats.disk_error[0] = '\0';
	if (!s->state_mapped)
		spool_state_again(s);
	spool_segment_push(s, seg);
	s->active = seg;
	s->unsynced_used = 0;
}

// A folder that was removed is made again. What was in it is gone, but for what is open. Locked.
static void folder_look(struct spool *s)
{
	struct stat st;
	struct err ignored;

	if (s->dir_fd >= 0 && fstat(s->dir_fd, &st) == 0 && st.st_nlink > 0)
		return;
	if (s->dir_fd >= 0) {
		spool_disk_failed(s, ENOENT, "the folder was removed");
		close(s->dir_fd);
	}
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->cursor_fd >= 0)
		close(s->cursor_fd);
	s->dir_fd = s->lock_fd = s->cursor_fd = -1;
	s->active = NULL;
	s->unsynced_used = 0;
	if (spool_folder_open(s, &ignored) == 0 && s->dir_fd >= 0) {
		spool_state_again(s);
		return;
	}
	s->stats.disk_errors++;
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd); // somebody else has it now
	s->dir_fd = s->lock_fd = -1;
}

void spool_turn(struct spool *s)
{
	uint64_t now_ns = clock_monotonic_ns();

	sync_due(s);
	if (now_ns < s->next_look_ns)
		return;
	s->next_look_ns = now_ns + LOOK_NS;
	pthread_mutex_lock(&s->mutex);
	folder_look(s);
	disk_retry(s);
	spool_room_retained(s, s->config.retain_bytes);
	pthread_mutex_unlock(&s->mutex);
	all_write(s);
}
