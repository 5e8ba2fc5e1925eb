// eve.json in the folder of the run, or EVE lines on standard output: one JSON object a line.
//
// A batch is encoded into a buffer and written at once, whole lines only, so that "written" means it is in the file and a reader
// that follows the file sees lines as they come. A write that is cut short (a full disk) is taken back to the end of the last
// whole line, so that none is torn and what follows, once there is room again, begins on a line of its own. On a pipe that cannot
// be done, but there a write fails only for good.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "proto/proto.h"
#include "record/record_json.h"
#include "sink/sink_list.h"

enum { BUFFER_BYTES = 512 * 1024, LINES_MAX = 4096, PATH_ROOM = CONFIG_PATH_MAX + 16, POLL_MS = 1000 };

_Static_assert(BUFFER_BYTES > 2 * RECORD_JSON_MAX, "a batch is more than a record");

struct eve {
	int fd;
	bool is_file; // can be cut
	uint64_t bytes;
	struct record_context context;
	char path[PATH_ROOM]; // for sentences
	unsigned lines;
	uint32_t line_end[LINES_MAX]; // in the buffer
	size_t used;
	char buffer[BUFFER_BYTES];
};

// ---- open ----

static int stdout_open(struct eve *eve, struct err *err)
{
	snprintf(eve->path, sizeof(eve->path), "standard output");
	eve->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (eve->fd < 0)
		return err_set(err, -errno, "cannot write to standard output: %s; it has to be open for -o -", strerror(errno));
	return 0;
}

static int file_open(struct eve *eve, const char *directory, struct err *err)
{
	size_t failed;
	int rc = folder_make(directory, &failed);

	if (rc < 0)
		return err_set(err, rc, "cannot make the output folder %.*s: %s; choose another with -o", (int)failed, directory, strerror(-rc));
	snprintf(eve->path, sizeof(eve->path), "%s/eve.json", directory);
	eve->fd = open(eve->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (eve->fd < 0)
		return err_set(err, -errno, "cannot write %s: %s; choose another folder with -o", eve->path, strerror(errno));
	return 0;
}

static int eve_open(const struct config *config, void **state, struct err *err)
{
	struct eve *eve = malloc(sizeof(*eve));
	struct stat st;
	int rc;

	if (eve == NULL)
		return err_set(err, -ENOMEM, "no memory for the output eve");
	eve->bytes = 0;
	eve->context = (struct record_context){.sensor = config->sensor.name, .app_name = proto_name, .kind_of = proto_record_kind};
	rc = strcmp(config->output.directory, "-") == 0 ? stdout_open(eve, err) : file_open(eve, config->output.directory, err);
	if (rc < 0) {
		free(eve);
		return rc;
	}
	eve->is_file = fstat(eve->fd, &st) == 0 && S_ISREG(st.st_mode);
	*state = eve;
	return 0;
}

static bool eve_enabled(const struct config *config)
{
	return config->output.directory[0] != '\0';
}

// ---- write ----

static const char *remedy(int code)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
		return "make room, or choose another folder with -o";
	case EFBIG:
		return "raise the limit of file sizes (ulimit -f)";
	case EPIPE:
		return "the reader of the pipe has gone; let it read to the end";
	default:
		return "check the disk and the folder given with -o";
	}
}

// Returns 0 or a negative errno; *put says how far it came.
static int put_all(struct eve *eve, const char *bytes, size_t len, size_t *put)
{
	*put = 0;
	while (*put < len) {
		ssize_t n = write(eve->fd, bytes + *put, len - *put);

		if (n >= 0)
			*put += (size_t)n;
		else if (errno == EAGAIN)
			poll(&(struct pollfd){.fd = eve->fd, .events = POLLOUT}, 1, POLL_MS);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

// Takes back the excess bytes at the end of the file.
static void take_back(const struct eve *eve, size_t excess)
{
	off_t end = excess > 0 && eve->is_file ? lseek(eve->fd, -(off_t)excess, SEEK_CUR) : -1;

	if (end >= 0 && ftruncate(eve->fd, end) != 0)
		lseek(eve->fd, 0, SEEK_END); // a file that can only grow
}

// Writes the lines of the buffer and empties it; adds those that are out as a whole to *written.
static int lines_put(struct eve *eve, unsigned *written, struct err *err)
{
	size_t put, whole = 0;
	unsigned line = 0;
	int rc = put_all(eve, eve->buffer, eve->used, &put);

	while (line < eve->lines && eve->line_end[line] <= put)
		whole = eve->line_end[line++];
	take_back(eve, put - whole);
	eve->bytes += whole;
	*written += line;
	eve->lines = 0;
	eve->used = 0;
	return rc < 0 ? err_set(err, rc, "cannot write to %s: %s; %s", eve->path, strerror(-rc), remedy(-rc)) : 0;
}

static int eve_write(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err)
{
	struct eve *eve = state;
	int rc = 0;

	*written = 0;
	eve->lines = 0;
	eve->used = 0;
	for (unsigned i = 0; i < n && rc == 0; i++) {
		eve->used += record_json(records[i], &eve->context, eve->buffer + eve->used);
		eve->buffer[eve->used++] = '\n';
		eve->line_end[eve->lines++] = (uint32_t)eve->used;
		if (BUFFER_BYTES - eve->used < RECORD_JSON_MAX + 1 || eve->lines == LINES_MAX)
			rc = lines_put(eve, written, err);
	}
	if (rc == 0 && eve->lines > 0)
		rc = lines_put(eve, written, err);
	return rc;
}

static uint64_t eve_bytes(const void *state)
{
	return ((const struct eve *)state)->bytes;
}

static int eve_close(void *state, struct err *err)
{
	struct eve *eve = state;
	int rc = 0;

	if (close(eve->fd) != 0)
		rc = err_set(err, -errno, "cannot close %s: %s; %s", eve->path, strerror(errno), remedy(errno));
	free(eve);
	return rc;
}

const struct sink_ops sink_eve = {
	.name = "eve",
	.enabled = eve_enabled,
	.open = eve_open,
	.write = eve_write,
	.bytes = eve_bytes,
	.close = eve_close,
};
