#include "tail_wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static volatile sig_atomic_t stopping;
static sigset_t waiting_mask;

static void stop_on(int number)
{
	(void)number;
	stopping = 1;
}

void tail_wait_init(void)
{
	struct sigaction action = {.sa_handler = stop_on}, ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &waiting_mask);
	sigdelset(&waiting_mask, SIGTERM);
	sigdelset(&waiting_mask, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

bool tail_stopping(void)
{
	return stopping != 0;
}

uint64_t tail_now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

// ppoll() that finds something ready does not look at signals: one who always has more to do would never be told.
static void pending_take(void)
{
	sigset_t pending;

	if (sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT)))
		stopping = 1;
}

int tail_wait(int fd, short events, uint64_t ms)
{
	struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = STDOUT_FILENO}};
	struct timespec limit = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
	int n = ppoll(fds, 2, &limit, &waiting_mask);

	pending_take();
	if (stopping)
		return -EINTR;
	if ((fds[1].revents & POLLERR) != 0)
		return -EPIPE;
	return n > 0 && fds[0].revents != 0;
}

int tail_wait_on(int fd, short events, uint64_t ms)
{
	struct pollfd one = {.fd = fd, .events = events};

	return poll(&one, 1, (int)ms) > 0;
}
