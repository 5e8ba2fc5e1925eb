// One segment: a preallocated file, or memory while the disk refuses.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/spool_inside.h"

static const char magic[8] = "SWSPOOL";

void spool_segment_name(uint64_t number, const char *suffix, char out[SPOOL_NAME_MAX])
{
	snprintf(out, SPOOL_NAME_MAX, "%010llu.%s", (unsigned long long)number, suffix);
}

uint32_t spool_header_crc(const struct spool_file_header *h)
{
	return spool_crc(0, h, offsetof(struct spool_file_header, crc));
}

// ---- entries ----

int spool_entry_look(const uint8_t *at, size_t left, struct spool_file_entry *out)
{
	if (left < sizeof(*out))
		return 0;
	memcpy(out, at, sizeof(*out));
	if (out->size == 0)
		return 0;
	if (out->size < sizeof(*out) || out->size > SPOOL_ENTRY_BYTES_MAX || out->size % 8 != 0 || out->size > left ||
	    out->length > out->size - sizeof(*out) || out->stream >= SPOOL_STREAMS || out->cause >= SPOOL_CAUSES || out->first == 0 ||
	    out->first > out->last || out->boot == 0 || out->boot >= SPOOL_BOOT_MAX ||
	    (out->cause == SPOOL_KEPT && (out->first != out->last || out->length == 0)))
		return -EBADMSG;
	if (spool_crc(0, at + offsetof(struct spool_file_entry, boot), out->size - offsetof(struct spool_file_entry, boot)) != out->crc)
		return -EBADMSG;
	return (int)out->size;
}

// Behind a bad place: where the next sound entry begins, if its size can be believed; otherwise the end.
size_t spool_entry_skip(const uint8_t *at, size_t left)
{
	struct spool_file_entry bad, next;

	memcpy(&bad, at, sizeof(bad));
	if (bad.size >= sizeof(bad) && bad.size % 8 == 0 && bad.size <= SPOOL_ENTRY_BYTES_MAX && bad.size + sizeof(next) <= left &&
	    spool_entry_look(at + bad.size, left - bad.size, &next) > 0)
		return bad.size;
	return 0;
}

size_t spool_entry_put(uint8_t *at, const struct spool_file_entry *e, const void *payload)
{
	struct spool_file_entry whole = *e;
	size_t used = sizeof(whole) + e->length;

	whole.size = (uint32_t)(used + 7) & ~7u;
	memset(at + used, 0, whole.size - used);
	if (e->length > 0)
		memcpy(at + sizeof(whole), payload, e->length);
	memcpy(at, &whole, sizeof(whole));
	whole.crc = spool_crc(0, at + offsetof(struct spool_file_entry, boot), whole.size - offsetof(struct spool_file_entry, boot));
	memcpy(at, &whole, sizeof(whole));
	return whole.size;
}

// ---- segments ----

static struct spool_segment *segment_new(struct spool *s, struct spool_file_header *h)
{
	struct spool_segment *seg = calloc(1, sizeof(*seg));

	if (seg == NULL)
		return NULL;
	seg->fd = -1;
	seg->number = s->next_number;
	seg->size = sizeof(*h);
	memcpy(seg->before, s->committed, sizeof(seg->before));
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, magic, sizeof(magic));
	h->version = SPOOL_VERSION;
	h->endian = SPOOL_ENDIAN;
	h->number = seg->number;
	memcpy(h->instance, s->state->instance, sizeof(h->instance));
	memcpy(h->before, seg->before, sizeof(h->before));
	h->crc = spool_header_crc(h);
	return seg;
}

static int segment_allocate(int fd, uint32_t bytes)
{
	int rc;

	do
		rc = fallocate(fd, 0, 0, bytes);
	while (rc != 0 && errno == EINTR);
	return rc != 0 && errno != EOPNOTSUPP && errno != ENOSYS ? -errno : 0;
}

static int segment_try(struct spool *s, struct spool_segment **out, int *error)
{
	struct spool_file_header h;
	struct spool_segment *seg = segment_new(s, &h);
	char name[SPOOL_NAME_MAX];

	*error = ENOMEM;
	if (seg == NULL)
		return -ENOMEM;
	spool_segment_name(seg->number, "spool", name);
	seg->fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	*error = errno;
	if (seg->fd < 0 && errno == EEXIST) // whatever it is, it is not ours; the next number is tried
		s->next_number++;
	if (seg->fd < 0)
		goto fail;
	*error = -segment_allocate(seg->fd, s->config.segment_bytes);
	if (*error != 0)
		goto fail_file;
	errno = EIO;
	if (pwrite(seg->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h)) {
		*error = errno;
		goto fail_file;
	}
	s->next_number++;
	*out = seg;
	return 0;

fail_file:
	unlinkat(s->dir_fd, name, 0);
	close(seg->fd);
fail:
	free(seg);
	return -*error;
}

int spool_segment_create(struct spool *s, struct spool_segment **out, int *error)
{
	int rc;

	for (unsigned i = 0; i < SPOOL_NAMES_TAKEN_MAX; i++) {
		rc = segment_try(s, out, error);
		if (rc != -EEXIST)
			break;
	}
	return rc;
}

struct spool_segment *spool_segment_memory(struct spool *s)
{
	struct spool_file_header h;
	struct spool_segment *seg;

	if (s->memory_bytes + s->config.segment_bytes > s->config.memory_bytes)
		return NULL;
	seg = segment_new(s, &h);
	if (seg == NULL)
		return NULL;
	seg->memory = malloc(s->config.segment_bytes);
	if (seg->memory == NULL) {
		free(seg);
		return NULL;
	}
	memcpy(seg->memory, &h, sizeof(h));
	s->next_number++;
	return seg;
}

void spool_segment_fd(struct spool *s, struct spool_segment *seg)
{
	char name[SPOOL_NAME_MAX];
	struct stat st;
	int fd;

	if (seg->fd >= 0 || seg->memory != NULL)
		return;
	spool_segment_name(seg->number, "spool", name);
	fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	seg->fd = fd;
}

ssize_t spool_segment_read(const struct spool_segment *seg, void *out, size_t n, uint64_t offset)
{
	size_t got = 0;

	if (seg->memory != NULL) {
		memcpy(out, seg->memory + offset, n);
		return (ssize_t)n;
	}
	if (seg->fd < 0)
		return -1;
	while (got < n) {
		ssize_t more = pread(seg->fd, (uint8_t *)out + got, n - got, (off_t)(offset + got));

		if (more < 0 && errno == EINTR)
			continue;
		if (more <= 0)
			break;
		got += (size_t)more;
	}
	return (ssize_t)got;
}

// Nothing is written to a segment that has one behind it. Thousands may wait, and are not open meanwhile.
static void segment_rest(struct spool_segment *seg)
{
	if (seg->users > 0 || seg->next == NULL || seg->fd < 0)
		return;
	close(seg->fd);
	seg->fd = -1;
}

void spool_segment_push(struct spool *s, struct spool_segment *seg)
{
	if (s->newest != NULL) {
		s->newest->next = seg;
		segment_rest(s->newest);
	} else {
		s->oldest = seg;
	}
	s->newest = seg;
	s->segments++;
	if (seg->memory != NULL)
		s->memory_bytes += s->config.segment_bytes;
}

static void segment_free(struct spool *s, struct spool_segment *seg)
{
	if (seg->fd >= 0)
		close(seg->fd);
	if (seg->memory != NULL)
		s->memory_bytes -= s->config.segment_bytes;
	free(seg->memory);
	free(seg);
}

void spool_segment_drop(struct spool *s, struct spool_segment *seg)
{
	struct spool_segment *previous = NULL, *one = s->oldest;
	char name[SPOOL_NAME_MAX];

	for (; one != seg; one = one->next)
		previous = one;
	*(previous != NULL ? &previous->next : &s->oldest) = seg->next;
	if (s->newest == seg)
		s->newest = previous;
	s->segments--;
	if (seg->memory == NULL) {
		spool_segment_name(seg->number, "spool", name);
		unlinkat(s->dir_fd, name, 0);
	}
	seg->gone = true;
	if (seg->users == 0)
		segment_free(s, seg);
}

void spool_segment_put(struct spool *s, struct spool_segment *seg)
{
	if (--seg->users == 0 && seg->gone)
		segment_free(s, seg);
	else
		segment_rest(seg);
}

struct spool_segment *spool_segment_find(struct spool *s, uint64_t number)
{
	struct spool_segment *seg = s->oldest;

	while (seg != NULL && seg->number < number)
		seg = seg->next;
	return seg;
}

// Copies what cannot be read into a file of its own, for whoever wants to look. If that cannot be written either, it is only counted.
void spool_segment_aside(struct spool *s, struct spool_segment *seg, uint64_t offset, size_t n)
{
	char name[SPOOL_NAME_MAX];
	uint8_t *copy = malloc(n > 0 ? n : 1);
	ssize_t got = copy != NULL ? spool_segment_read(seg, copy, n, offset) : -1;
	bool written = true;
	int fd;

	spool_segment_name(seg->number, "damaged", name);
	fd = got > 0 ? openat(s->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640) : -1;
	if (fd >= 0) {
		written = write(fd, copy, (size_t)got) == got;
		close(fd);
	}
	free(copy);
	pthread_mutex_lock(&s->mutex);
	s->stats.damaged_bytes += n;
	s->stats.damaged_files++;
	s->stats.disk_errors += !written;
	pthread_mutex_unlock(&s->mutex);
}
