// The folder, its lock, the page that survives SIGKILL, and the cursor.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "spool/spool_inside.h"

static const char state_magic[8] = "SWSTATE", cursor_magic[8] = "SWCURSR";

enum { FILE_FLAGS = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK };

// ---- folder ----

bool spool_disk_refuses(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

int spool_folder_open(struct spool *s, struct err *err)
{
	size_t failed;
	int rc = folder_make(s->directory, &failed);

	if (rc == 0)
		s->dir_fd = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rc < 0 || s->dir_fd < 0) {
		rc = rc < 0 ? rc : -errno;
		if (spool_disk_refuses(-rc)) {
			spool_disk_failed(s, -rc, "the folder");
			return 0;
		}
		return err_set(err, rc, "cannot use %.200s for the records that wait: %s; set spool.directory to a folder that can be written to",
			       s->directory, strerror(-rc));
	}
	s->lock_fd = openat(s->dir_fd, "lock", FILE_FLAGS, 0640);
	if (s->lock_fd < 0 && !spool_disk_refuses(errno))
		return err_set(err, -errno, "cannot write to %.200s, where records wait: %s; set spool.directory to another folder", s->directory,
			       strerror(errno));
	if (s->lock_fd >= 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(err, -EBUSY, "another spanwatch uses %.200s; set spool.directory to a folder of this one's own", s->directory);
	return 0;
}

// ---- the page ----

static void machine_read(char out[SPOOL_MACHINE_MAX])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, SPOOL_MACHINE_MAX - 1) : 0;

	out[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

bool spool_machine_same(const struct spool *s)
{
	char now[SPOOL_MACHINE_MAX];

	machine_read(now);
	return strncmp(now, s->state->machine, SPOOL_MACHINE_MAX) == 0;
}

void spool_machine_put(struct spool *s)
{
	machine_read(s->state->machine);
}

static bool state_sound(const struct spool_file_state *state)
{
	return memcmp(state->magic, state_magic, sizeof(state_magic)) == 0 && state->endian == SPOOL_ENDIAN && state->version == SPOOL_VERSION &&
	       state->boot < SPOOL_BOOT_MAX;
}

static int state_fresh(struct spool_file_state *state)
{
	memset(state, 0, SPOOL_STATE_BYTES);
	memcpy(state->magic, state_magic, sizeof(state_magic));
	state->version = SPOOL_VERSION;
	state->endian = SPOOL_ENDIAN;
	return getrandom(state->instance, sizeof(state->instance), 0) == SPOOL_INSTANCE_BYTES ? 0 : -EIO;
}

// A page that is really on disk: a store into one that is not would kill us.
static bool page_take(int fd)
{
	static const uint8_t zeros[SPOOL_STATE_BYTES];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	if (st.st_size >= SPOOL_STATE_BYTES)
		return fallocate(fd, 0, 0, SPOOL_STATE_BYTES) == 0 || errno == EOPNOTSUPP;
	return pwrite(fd, zeros, sizeof(zeros) - (size_t)st.st_size, st.st_size) == (ssize_t)sizeof(zeros) - st.st_size;
}

int spool_newer(const struct spool *s, uint32_t version, struct err *err)
{
	return err_set(err, -EPROTONOSUPPORT, "the spool in %.200s was written by a newer spanwatch (format %u, this one reads %d) and is left "
		       "untouched; run that version, or set spool.directory to another folder", s->directory, version, SPOOL_VERSION);
}

// The version of the page, as far as one can be believed.
static uint32_t version_look(const struct spool *s)
{
	int fd = openat(s->dir_fd, "state", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct {
		char magic[8];
		uint32_t version, endian;
	} begin = {.version = 0};
	bool ours = fd >= 0 && pread(fd, &begin, sizeof(begin), 0) == (ssize_t)sizeof(begin) && memcmp(begin.magic, state_magic, 8) == 0 &&
		    begin.endian == SPOOL_ENDIAN && begin.version <= SPOOL_VERSION_MAX;

	if (fd >= 0)
		close(fd);
	return ours ? begin.version : 0;
}

int spool_state_open(struct spool *s, struct err *err)
{
	uint32_t version = version_look(s);
	int fd;

	if (version > SPOOL_VERSION)
		return spool_newer(s, version, err);
	fd = openat(s->dir_fd, "state", FILE_FLAGS, 0640);
	s->state = MAP_FAILED;
	if (page_take(fd))
		s->state = mmap(NULL, SPOOL_STATE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	s->state_mapped = s->state != MAP_FAILED;
	if (fd >= 0)
		close(fd);
	if (!s->state_mapped) { // without it a crash cannot be told exactly
		s->state = mmap(NULL, SPOOL_STATE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (s->state == MAP_FAILED)
			return err_set(err, -ENOMEM, "no memory for the spool");
		fd = openat(s->dir_fd, "state", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK); // it may be readable at least
		if (fd >= 0 && pread(fd, s->state, SPOOL_STATE_BYTES, 0) != SPOOL_STATE_BYTES)
			memset(s->state, 0, SPOOL_STATE_BYTES);
		if (fd >= 0)
			close(fd);
		spool_disk_failed(s, EIO, "the page of counters");
	}
	s->state_fresh = !state_sound(s->state);
	if (s->state_fresh && state_fresh(s->state) < 0)
		return err_set(err, -EIO, "the system gives no random numbers for the spool");
	return 0;
}

// The page in a folder that was made again, or on a disk that works again, at the place where it always was: the producer counts in it
// all the while. What it counts in this very moment may be missing from it.
void spool_state_again(struct spool *s)
{
	int fd = openat(s->dir_fd, "state", FILE_FLAGS, 0640);

	s->state_mapped = page_take(fd) && pwrite(fd, s->state, SPOOL_STATE_BYTES, 0) == SPOOL_STATE_BYTES &&
			  mmap(s->state, SPOOL_STATE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
	if (!s->state_mapped)
		s->stats.disk_errors++;
	if (fd >= 0)
		close(fd);
	spool_state_sync(s);
}

void spool_state_sync(struct spool *s)
{
	if (s->state_mapped && msync(s->state, SPOOL_STATE_BYTES, MS_SYNC) != 0)
		s->stats.disk_errors++;
	if (s->dir_fd >= 0 && fsync(s->dir_fd) != 0)
		s->stats.disk_errors++;
}

void spool_state_close(struct spool *s)
{
	if (s->state != NULL && s->state != MAP_FAILED) {
		if (s->state_mapped)
			msync(s->state, SPOOL_STATE_BYTES, MS_SYNC);
		munmap(s->state, SPOOL_STATE_BYTES);
	}
	if (s->cursor_fd >= 0)
		close(s->cursor_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
}

// ---- the cursor ----

static uint32_t cursor_crc(const struct spool_file_cursor *c)
{
	return spool_crc(0, c, offsetof(struct spool_file_cursor, crc));
}

static bool cursor_sound(const struct spool_file_cursor *c)
{
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (c->acked[i].boot >= SPOOL_BOOT_MAX || c->counted[i].boot >= SPOOL_BOOT_MAX)
			return false;
	return memcmp(c->magic, cursor_magic, sizeof(cursor_magic)) == 0 && c->version == SPOOL_VERSION && c->endian == SPOOL_ENDIAN &&
	       c->segment < UINT64_MAX / 2 && c->crc == cursor_crc(c);
}

void spool_cursor_read(struct spool *s)
{
	struct stat st;

	memset(&s->cursor, 0, sizeof(s->cursor));
	s->cursor_fd = openat(s->dir_fd, "cursor", FILE_FLAGS, 0640);
	if (s->cursor_fd >= 0 && (fstat(s->cursor_fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(s->cursor_fd);
		s->cursor_fd = -1;
	}
	for (int slot = 0; slot < 2 && s->cursor_fd >= 0; slot++) {
		struct spool_file_cursor c;

		if (pread(s->cursor_fd, &c, sizeof(c), slot * SPOOL_SLOT_BYTES) == (ssize_t)sizeof(c) && cursor_sound(&c) &&
		    c.serial >= s->cursor.serial)
			s->cursor = c;
	}
}

void spool_cursor_write(struct spool *s, bool sync)
{
	struct spool_file_cursor *c = &s->cursor;

	memcpy(c->magic, cursor_magic, sizeof(cursor_magic));
	c->version = SPOOL_VERSION;
	c->endian = SPOOL_ENDIAN;
	c->serial++;
	c->crc = cursor_crc(c);
	if (s->cursor_fd < 0)
		s->cursor_fd = openat(s->dir_fd, "cursor", FILE_FLAGS, 0640);
	if (s->cursor_fd < 0 || pwrite(s->cursor_fd, c, sizeof(*c), (off_t)(c->serial % 2) * SPOOL_SLOT_BYTES) != (ssize_t)sizeof(*c))
		s->stats.disk_errors++; // harmless but for a restart, which will send again what was acknowledged
	else if (sync)
		fdatasync(s->cursor_fd);
}
