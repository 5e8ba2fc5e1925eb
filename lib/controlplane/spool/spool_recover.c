// What an earlier run left: segments in order, what of the last one is sound, where the reader was, and what had been given and never
// came. A sealed segment is not read here, only its header, which says what came before it: a spool of many gigabytes opens at once.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/spool_inside.h"

struct found {
	uint64_t number, size;
	struct spool_file_header header;
	bool sound;
};

struct findings {
	struct found *row;
	size_t count, room;
	uint64_t highest; // number that a name has, whatever it is the name of
	uint32_t newer;   // version of a segment that is not ours to touch; 0: none
};

// ---- looking ----

static bool number_of(const char *name, uint64_t *out)
{
	char *end;

	if (name[0] < '0' || name[0] > '9')
		return false;
	*out = strtoull(name, &end, 10);
	return strcmp(end, ".spool") == 0 && *out > 0 && *out < UINT64_MAX / 2;
}

static bool header_sound(const struct spool *s, const struct found *f)
{
	const struct spool_file_header *h = &f->header;

	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (h->before[i].boot >= SPOOL_BOOT_MAX)
			return false;
	return h->endian == SPOOL_ENDIAN && h->version == SPOOL_VERSION && h->crc == spool_header_crc(h) && h->number == f->number &&
	       memcmp(h->instance, s->state->instance, sizeof(h->instance)) == 0;
}

// The page is new or was lost: the instance is that of the latest segment, so that what waits is not taken for somebody else's.
static void instance_adopt(struct spool *s, const struct findings *all)
{
	for (size_t i = 0; i < all->count && s->state_fresh; i++)
		if (all->row[i].sound && all->row[i].header.crc == spool_header_crc(&all->row[i].header))
			memcpy(s->state->instance, all->row[i].header.instance, sizeof(s->state->instance));
}

static int found_add(struct spool *s, struct findings *all, const char *name, uint64_t number)
{
	int fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct found f = {.number = number};
	struct stat st;

	all->highest = number > all->highest ? number : all->highest;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) { // a link, a pipe, a folder: somebody else's, left alone
		if (fd >= 0)
			close(fd);
		s->stats.damaged_files++;
		return 0;
	}
	f.size = (uint64_t)st.st_size;
	f.sound = pread(fd, &f.header, sizeof(f.header), 0) == (ssize_t)sizeof(f.header) && memcmp(f.header.magic, "SWSPOOL", 8) == 0;
	close(fd);
	if (f.sound && f.header.endian == SPOOL_ENDIAN && f.header.version > SPOOL_VERSION && f.header.crc == spool_header_crc(&f.header))
		all->newer = f.header.version;
	if (all->count == all->room) {
		size_t room = all->room > 0 ? 2 * all->room : 64;
		struct found *larger = realloc(all->row, room * sizeof(*larger));

		if (larger == NULL)
			return -ENOMEM;
		all->row = larger;
		all->room = room;
	}
	all->row[all->count++] = f;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int folder_look(struct spool *s, struct findings *all, struct err *err)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *one;
	uint64_t number;

	if (folder == NULL && s->dir_fd < 0)
		return 0; // the disk refuses: in memory
	if (folder == NULL) {
		rc = err_set(err, -errno, "cannot read the spool in %.200s: %s", s->directory, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == 0 && (one = readdir(folder)) != NULL)
		if (number_of(one->d_name, &number))
			rc = found_add(s, all, one->d_name, number);
	closedir(folder);
	if (rc < 0)
		return err_set(err, rc, "no memory for the spool in %.200s", s->directory);
	if (all->newer != 0)
		return spool_newer(s, all->newer, err);
	if (all->count > 1)
		qsort(all->row, all->count, sizeof(*all->row), by_number);
	return 0;
}

// ---- taking ----

// A file that is no segment of ours is renamed, so that it is not looked at again; an empty one goes.
static void unsound_put_aside(struct spool *s, const struct found *f)
{
	char name[SPOOL_NAME_MAX], aside[SPOOL_NAME_MAX];

	spool_segment_name(f->number, "spool", name);
	spool_segment_name(f->number, "damaged", aside);
	if (f->size == 0) {
		unlinkat(s->dir_fd, name, 0);
		return;
	}
	s->stats.damaged_files++;
	s->stats.damaged_bytes += f->size;
	if (renameat(s->dir_fd, name, s->dir_fd, aside) != 0)
		s->stats.disk_errors++;
}

static int segment_take(struct spool *s, const struct found *f)
{
	struct spool_segment *seg = calloc(1, sizeof(*seg));

	if (seg == NULL)
		return -ENOMEM;
	seg->fd = -1;
	seg->number = f->number;
	seg->size = f->size;
	memcpy(seg->before, f->header.before, sizeof(seg->before));
	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		spool_end_learn(s, i, seg->before[i]);
		if (spool_id_compare(seg->before[i], s->committed[i]) > 0)
			s->committed[i] = seg->before[i];
	}
	spool_segment_push(s, seg);
	return 0;
}

static void scan(struct spool *s, const uint8_t *bytes, size_t n, size_t at)
{
	while (at < n) {
		struct spool_file_entry e;
		int size = spool_entry_look(bytes + at, n - at, &e);
		size_t skip = size == -EBADMSG ? spool_entry_skip(bytes + at, n - at) : 0;

		if (size <= 0 && skip == 0)
			break;
		at += size > 0 ? (size_t)size : skip;
		if (size > 0 && spool_id_compare((struct spool_id){e.boot, e.last}, s->committed[e.stream]) > 0)
			s->committed[e.stream] = (struct spool_id){e.boot, e.last};
	}
}

// The last segment: what is sound of it, and with it the last ids. What is behind the end is left; a new run begins a new segment. The
// reader begins at the cursor, so what follows that counts, though there may be a bad place before it.
static int last_scan(struct spool *s, struct spool_segment *seg)
{
	uint8_t *bytes = malloc(seg->size > 0 ? seg->size : 1);
	ssize_t got;

	spool_segment_fd(s, seg);
	got = bytes != NULL ? spool_segment_read(seg, bytes, seg->size, 0) : -1;
	if (got > 0)
		scan(s, bytes, (size_t)got, sizeof(struct spool_file_header));
	if (got > 0 && s->cursor.segment == seg->number && s->cursor.offset > sizeof(struct spool_file_header))
		scan(s, bytes, (size_t)got, s->cursor.offset);
	free(bytes);
	return bytes == NULL ? -ENOMEM : 0;
}

// Segments far larger than any that is written are not read into memory at once.
static bool last_fits(const struct spool *s, const struct spool_segment *seg)
{
	return seg->size <= (uint64_t)s->config.segment_bytes + SPOOL_ENTRY_BYTES_MAX || seg->size <= 1u << 30;
}

static int segments_take(struct spool *s, const struct findings *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct found *f = &all->row[i];
		int rc = 0;

		if (f->sound && header_sound(s, f))
			rc = segment_take(s, f);
		else
			unsound_put_aside(s, f);
		if (rc < 0)
			return rc;
	}
	if (s->newest != NULL && last_fits(s, s->newest))
		return last_scan(s, s->newest);
	return 0;
}

// ---- the reader's place, the boot, and what never came ----

// Without a cursor all that is there has to be read.
static void cursor_make(struct spool *s)
{
	if (s->cursor.serial > 0 || s->oldest == NULL)
		return;
	memcpy(s->cursor.acked, s->oldest->before, sizeof(s->cursor.acked));
	memcpy(s->cursor.counted, s->oldest->before, sizeof(s->cursor.counted));
}

static void place_find(struct spool *s)
{
	struct spool_file_cursor *c = &s->cursor;
	struct spool_segment *seg = spool_segment_find(s, c->segment);

	if (seg == NULL || seg->number != c->segment || c->offset < sizeof(struct spool_file_header) || c->offset > seg->size)
		c->offset = sizeof(struct spool_file_header);
	c->segment = seg != NULL ? seg->number : s->next_number;
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (spool_id_compare(s->committed[i], c->acked[i]) < 0)
			s->committed[i] = c->acked[i]; // the segments are gone, the cursor still knows
	s->done = (struct spool_place){.segment = c->segment, .offset = c->offset};
	memcpy(s->done.read, c->acked, sizeof(s->done.read));
	s->at = s->done;
}

// Of the last boot it is known how many were given. What is missing of those before it was lost with its segments.
static void missing_tell(struct spool *s)
{
	enum spool_cause last = spool_machine_same(s) ? SPOOL_CRASH : SPOOL_POWER;
	uint64_t boot = s->state->boot;

	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		struct spool_id from = s->committed[i], to = {boot, atomic_load(&s->state->given[i])};

		spool_end_learn(s, i, from);
		spool_end_learn(s, i, to);
		s->stats.recovered += spool_ids_between(s, i, s->cursor.counted[i], spool_id_compare(from, to) > 0 ? from : to);
		spool_holes_put(s, i, from, to, boot, last);
	}
	spool_commit(s);
}

static void boot_count(struct spool *s)
{
	uint64_t boot = s->state->boot;

	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (s->committed[i].boot > boot)
			boot = s->committed[i].boot;
	s->boot = boot + 1;
	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		atomic_store(&s->state->given[i], 0);
		s->last[i] = (struct spool_id){s->boot, 0};
	}
	s->state->boot = s->boot;
	spool_machine_put(s);
	spool_state_sync(s); // the next boot has to be another one even if the machine goes down
}

int spool_recover(struct spool *s, struct err *err)
{
	struct findings all = {.count = 0};
	int rc = folder_look(s, &all, err);

	if (rc == 0)
		rc = spool_state_open(s, err); // not before it is known that nothing here is of a newer version
	if (rc == 0) {
		s->next_number = all.highest + 1;
		instance_adopt(s, &all);
		spool_cursor_read(s);
		rc = segments_take(s, &all);
		if (rc < 0)
			err_set(err, rc, "no memory for the spool in %.200s", s->directory);
	}
	free(all.row);
	if (rc < 0)
		return rc;
	cursor_make(s);
	if (s->next_number <= s->cursor.segment)
		s->next_number = s->cursor.segment + 1;
	place_find(s);
	missing_tell(s);
	boot_count(s);
	spool_room_retained(s, s->config.retain_bytes);
	return 0;
}
