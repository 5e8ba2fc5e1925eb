#include "tail_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER "# spanwatch-tail: stream, id of the last entry that was written\n"
#define FOOTER "end\n" // a file that was cut is told from one that is short

enum { FILE_MAX = TAIL_STATE_MAX * (TAIL_KEY_MAX + TAIL_ID_MAX + 2) + 256, PATH_ROOM = 4096 };

const char *tail_state_get(const struct tail_state *state, const char *key)
{
	for (unsigned i = 0; i < state->count; i++)
		if (strcmp(state->row[i].key, key) == 0)
			return state->row[i].id;
	return NULL;
}

int tail_state_set(struct tail_state *state, const char *key, const char *id, struct err *err)
{
	unsigned i = 0;

	while (i < state->count && strcmp(state->row[i].key, key) != 0)
		i++;
	if (i == TAIL_STATE_MAX)
		return err_set(err, -ENOSPC, "%s remembers %d streams, and no more; use another file", state->path, TAIL_STATE_MAX);
	snprintf(state->row[i].key, TAIL_KEY_MAX, "%s", key);
	snprintf(state->row[i].id, TAIL_ID_MAX, "%s", id);
	if (i == state->count)
		state->count++;
	return 0;
}

static int damaged(const char *path, struct err *err)
{
	return err_set(err, -EBADMSG, "%s is not a state of spanwatch-tail, or damaged; if it may be forgotten, remove it", path);
}

static int rows_read(struct tail_state *state, char *text, struct err *err)
{
	char *rest = text + strlen(HEADER), *line;

	if (strncmp(text, HEADER, strlen(HEADER)) != 0)
		return damaged(state->path, err);
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		char *id = strrchr(line, ' '); // a sensor's name may have blanks

		if (strcmp(line, "end") == 0)
			return *rest == '\0' ? 0 : damaged(state->path, err);
		if (id == NULL || id - line >= TAIL_KEY_MAX || strlen(id + 1) >= TAIL_ID_MAX || !tail_id_valid(id + 1))
			return damaged(state->path, err);
		*id = '\0';
		if (tail_state_set(state, line, id + 1, err) != 0)
			return damaged(state->path, err);
	}
	return damaged(state->path, err);
}

int tail_state_load(struct tail_state *state, const char *path, struct err *err)
{
	static char text[FILE_MAX + 1];
	ssize_t n;
	int fd, rc;

	*state = (struct tail_state){.path = path};
	if (path == NULL)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd >= 0 ? read(fd, text, FILE_MAX) : -1;
	rc = n < 0 ? err_set(err, -errno, "cannot read %s: %s", path, strerror(errno)) : 0;
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		return rc;
	text[n] = '\0';
	return rows_read(state, text, err);
}

static int put(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

static size_t text_make(const struct tail_state *state, char *out, size_t room)
{
	size_t used = (size_t)snprintf(out, room, HEADER);

	for (unsigned i = 0; i < state->count; i++)
		used += (size_t)snprintf(out + used, room - used, "%s %s\n", state->row[i].key, state->row[i].id);
	return used + (size_t)snprintf(out + used, room - used, FOOTER);
}

// Not synced: it is as safe as what the reader of our lines has not synced either.
int tail_state_save(const struct tail_state *state, struct err *err)
{
	static char text[FILE_MAX + 1];
	char beside[PATH_ROOM];
	int fd, rc;

	if (state->path == NULL)
		return 0;
	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", state->path) >= sizeof(beside))
		return err_set(err, -ENAMETOOLONG, "the path given with --state is too long");
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	rc = fd >= 0 ? put(fd, text, text_make(state, text, sizeof(text))) : -errno;
	if (fd >= 0 && close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(beside, state->path) != 0)
		rc = -errno;
	return rc == 0 ? 0 : err_set(err, rc, "cannot remember in %s what was written: %s", state->path, strerror(-rc));
}
