#include "tail_out.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tail_wait.h"

// After a signal there is only so much time for a reader that does not read.
static int room_wait(struct tail_out *out, struct err *err)
{
	for (;;) {
		uint64_t now = tail_now_ms();
		int rc;

		if (tail_stopping() && out->stop_by_ms == 0)
			out->stop_by_ms = now + TAIL_FLUSH_MS;
		if (out->stop_by_ms == 0)
			rc = tail_wait(out->fd, POLLOUT, INT_MAX);
		else if (now < out->stop_by_ms)
			rc = tail_wait_on(out->fd, POLLOUT, out->stop_by_ms - now);
		else
			return err_set(err, -ETIMEDOUT, "nobody took the last lines within %d s; they come again next time", TAIL_FLUSH_MS / 1000);
		if (rc == 1)
			return 0;
		if (rc == -EPIPE)
			return err_set(err, -EPIPE, "the reader of standard output has gone");
	}
}

// POLLOUT says that PIPE_BUF bytes go into a pipe without blocking, and no more.
int tail_out_flush(struct tail_out *out, struct err *err)
{
	size_t put = 0;

	while (put < out->used) {
		size_t some = out->used - put < PIPE_BUF ? out->used - put : PIPE_BUF;
		int rc = room_wait(out, err);
		ssize_t n;

		if (rc != 0)
			return rc;
		n = write(out->fd, out->bytes + put, some);
		if (n >= 0)
			put += (size_t)n;
		else if (errno == EPIPE)
			return err_set(err, -EPIPE, "the reader of standard output has gone");
		else if (errno != EINTR && errno != EAGAIN)
			return err_set(err, -errno, "cannot write to standard output: %s", strerror(errno));
	}
	out->used = 0;
	return 0;
}

int tail_out_line(struct tail_out *out, const char *line, size_t length, struct err *err)
{
	int rc = 0;

	if (length + 1 > TAIL_OUT_BYTES)
		return -EMSGSIZE;
	if (out->used + length + 1 > TAIL_OUT_BYTES)
		rc = tail_out_flush(out, err);
	if (rc != 0)
		return rc;
	memcpy(out->bytes + out->used, line, length);
	out->used += length;
	out->bytes[out->used++] = '\n';
	out->lines++;
	return 0;
}
