// A server that says what it was told to, whatever it is asked, piece by piece: a thread behind a port of loopback.
#ifndef REDIS_FAKE_H
#define REDIS_FAKE_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FAKE_HEARD_MAX = 64 * 1024, FAKE_CALLS_MAX = 8 };

struct fake_call { // one connection
	const char *answer;
	size_t length;     // 0: that of the text
	size_t piece;      // bytes sent at once; 0: all
	unsigned pause_ms; // between pieces
	bool uninvited;    // says it before it has heard anything
	const char *then;  // said once `after` bytes were heard; NULL: nothing
	size_t after;
	bool hang_up;      // closes when all is said; otherwise stays until the other side closes
};

struct fake {
	struct fake_call calls[FAKE_CALLS_MAX];
	unsigned call_count;
	int listener;
	uint16_t port;
	atomic_uint accepted;
	char heard[FAKE_HEARD_MAX]; // after fake_stop()
	size_t heard_bytes;
	pthread_t thread;
};

static inline size_t fake_hear(struct fake *f, int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n > 0 && f->heard_bytes + (size_t)n < FAKE_HEARD_MAX) {
		memcpy(f->heard + f->heard_bytes, bytes, (size_t)n);
		f->heard_bytes += (size_t)n;
	}
	return n > 0 ? (size_t)n : 0;
}

static inline void fake_say(int fd, const struct fake_call *c)
{
	size_t length = c->length > 0 ? c->length : strlen(c->answer), piece = c->piece > 0 ? c->piece : length, n;

	for (size_t at = 0; at < length; at += n) {
		n = length - at < piece ? length - at : piece;
		if (send(fd, c->answer + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			return;
		if (c->pause_ms > 0)
			nanosleep(&(struct timespec){.tv_nsec = c->pause_ms * 1000000L}, NULL);
	}
}

static inline void *fake_run(void *argument)
{
	struct fake *f = argument;

	for (unsigned i = 0; i < f->call_count; i++) {
		const struct fake_call *c = &f->calls[i];
		int fd = accept(f->listener, NULL, NULL);
		size_t heard = 0, n;

		if (fd < 0)
			break; // fake_stop()
		atomic_fetch_add(&f->accepted, 1);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		if (!c->uninvited)
			heard = fake_hear(f, fd);
		fake_say(fd, c);
		while (!c->hang_up && (n = fake_hear(f, fd)) > 0) {
			if (c->then != NULL && heard < c->after && heard + n >= c->after)
				fake_say(fd, &(struct fake_call){.answer = c->then});
			heard += n;
		}
		close(fd);
	}
	return NULL;
}

// The calls are set; returns once the port is open.
static inline void fake_start(struct fake *f, unsigned call_count)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(a);

	f->call_count = call_count;
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->listener >= 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&a, &length), 0);
	f->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

static inline void fake_stop(struct fake *f)
{
	shutdown(f->listener, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
}

#endif
