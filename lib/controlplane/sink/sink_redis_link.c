#include "sink/sink_redis_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/sink_redis_peer.h"
#include "sink/sink_thread.h"

enum { NUMBERS_MAX = 4, PATIENCE = 10, ASK_ARGUMENTS_MAX = 8, REPLY_BYTES_MIN = 4, AWAITED_MANY = 64 }; // numbers: of one name
enum { LOOKUP_STEP_NS = 2000000 };

static uint64_t now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

// ---- faults ----

int redis_link_distrust(const struct redis_link *link, const char *why, struct remote_fault *fault)
{
	return remote_fail(fault, "tls", true, "the certificate of %s does not hold: %s; check redis.tls_ca_file and that it names the host "
					       "as redis.address does", link->peer, why);
}

static int transport_fault(const struct redis_link *link, int code, struct remote_fault *fault)
{
	const char *tls = redis_tls_error(link);

	if (tls != NULL)
		return redis_link_distrust(link, tls, fault);
	switch (code) {
	case ECONNREFUSED:
		return remote_fail(fault, "refused", false, "no Redis listens at %s", link->peer);
	case ETIMEDOUT:
		return remote_fail(fault, "timeout", false, "%s does not answer", link->peer);
	case ENOENT:
	case ENOTSOCK:
	case EACCES:
	case EPERM:
		return remote_fail(fault, "socket", false, "cannot use %s: %s; check redis.address and who may open it", link->peer,
				   strerror(code));
	case 0:
	case ECONNRESET:
	case EPIPE:
		return remote_fail(fault, "closed", false, "%s closed the connection%s", link->peer,
				   link->spoke ? "" : " before it said a word; does it expect TLS (redis.tls)?");
	case ENOMEM:
		return remote_fail(fault, "memory", false, "no memory for what is said to %s", link->peer);
	default:
		return remote_fail(fault, "unreachable", false, "cannot reach %s: %s", link->peer, strerror(code));
	}
}

// After a call of hiredis that failed.
static int context_fault(const struct redis_link *link, int code, struct remote_fault *fault)
{
	switch (link->context->err) {
	case REDIS_ERR_IO:
		return transport_fault(link, code != 0 ? code : EIO, fault);
	case REDIS_ERR_EOF:
		return transport_fault(link, 0, fault);
	case REDIS_ERR_OOM:
		return transport_fault(link, ENOMEM, fault);
	default:
		return redis_tls_error(link) != NULL ? transport_fault(link, EIO, fault)
						     : redis_link_protocol(link, "something else", fault);
	}
}

int redis_link_protocol(const struct redis_link *link, const char *why, struct remote_fault *fault)
{
	if (link->guess != NULL)
		return remote_fail(fault, "protocol", true, "%s does not speak Redis, it speaks %s; check redis.address", link->peer,
				   link->guess);
	if (!link->spoke)
		return remote_fail(fault, "protocol", true, "%s does not speak Redis (%s); check redis.address", link->peer, why);
	return remote_fail(fault, "protocol", false, "%s sent what no Redis sends (%s)", link->peer, why);
}

// From its first bytes, of which as few as one may have come. They are not shown: who echoes would show the password.
static const char *server_guess(const char *at, size_t len)
{
	static const struct {
		const char *begin, *name;
		size_t len;
	} known[] = {
		{"HTTP/", "HTTP", 5}, {"<", "HTTP", 1}, {"SSH-", "SSH", 4}, {"220", "SMTP or FTP", 3},
		{"\x15\x03", "TLS (redis.tls)", 2}, {"\x16\x03", "TLS (redis.tls)", 2}, {"ERROR\r\n", "memcached", 7},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (memcmp(at, known[i].begin, len < known[i].len ? len : known[i].len) == 0)
			return known[i].name;
	return NULL;
}

// ---- connect ----

// Of the time that is left, what may be slept at once.
static int step_ms(uint64_t left)
{
	return left < REMOTE_STEP_MS ? (int)left : REMOTE_STEP_MS;
}

static int socket_wait(int fd, uint64_t until, const struct remote_patience *patience)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		uint64_t now = now_ms();
		int code = 0, n;

		if (now >= until || remote_patience_over(patience))
			return -ETIMEDOUT;
		n = poll(&p, 1, step_ms(until - now));
		if (n == 0 || (n < 0 && errno == EINTR))
			continue;
		if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &(socklen_t){sizeof(code)}) != 0)
			code = errno;
		return -code;
	}
}

// Returns a socket or a negative errno. Ours, not hiredis's: with a deadline, not inherited by children, every number of a name tried.
static int socket_connect(const struct redis_link *link, const struct sockaddr *address, socklen_t len)
{
	int on = 1, rc, fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	rc = connect(fd, address, len) == 0 ? 0 : -errno;
	if (rc == -EINPROGRESS)
		rc = socket_wait(fd, now_ms() + link->timeout_ms, link->patience);
	if (rc < 0) {
		close(fd);
		return rc == -EAGAIN ? -ETIMEDOUT : rc; // a unix socket whose backlog is full
	}
	if (address->sa_family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	return fd;
}

static int unix_connect(struct redis_link *link, struct remote_fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	memcpy(address.sun_path, link->address.host, strnlen(link->address.host, sizeof(address.sun_path) - 1));
	fd = socket_connect(link, (const struct sockaddr *)&address, sizeof(address));
	return fd < 0 ? transport_fault(link, -fd, fault) : fd;
}

enum { LOOKUP_RUNS, LOOKUP_DONE, LOOKUP_LEFT };

struct lookup {
	atomic_int state; // who comes second frees it
	struct addrinfo hints, *list;
	char host[REDIS_HOST_MAX], port[8];
	int code;
};

static void *lookup_run(void *argument)
{
	struct lookup *l = argument;

	l->code = getaddrinfo(l->host, l->port, &l->hints, &l->list);
	if (atomic_exchange(&l->state, LOOKUP_DONE) != LOOKUP_LEFT)
		return NULL;
	if (l->code == 0)
		freeaddrinfo(l->list);
	free(l);
	return NULL;
}

// Waits as long as there is patience. Frees it, or leaves that to its thread.
static int lookup_take(const struct redis_link *link, struct lookup *l, struct addrinfo **list)
{
	int code;

	while (atomic_load(&l->state) == LOOKUP_RUNS && !remote_patience_over(link->patience))
		nanosleep(&(struct timespec){.tv_nsec = LOOKUP_STEP_NS}, NULL);
	if (atomic_exchange(&l->state, LOOKUP_LEFT) != LOOKUP_DONE)
		return EAI_AGAIN;
	*list = l->list;
	code = l->code;
	free(l);
	return code;
}

// getaddrinfo(), which a name server that does not answer holds up for many seconds: for names on a thread of its own. Returns one of
// its codes.
static int name_look(const struct redis_link *link, struct addrinfo **list)
{
	struct lookup *l = calloc(1, sizeof(*l));
	struct err ignored;
	pthread_t thread;
	int code;

	if (l == NULL)
		return EAI_MEMORY;
	memcpy(l->host, link->address.host, sizeof(l->host));
	snprintf(l->port, sizeof(l->port), "%u", link->address.port);
	l->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST};
	code = getaddrinfo(l->host, l->port, &l->hints, list);
	l->hints.ai_flags = AI_NUMERICSERV;
	if (code == EAI_NONAME && sink_thread_start(&thread, "name", "redis", lookup_run, l, &ignored) == 0) {
		pthread_detach(thread);
		return lookup_take(link, l, list);
	}
	free(l);
	return code == EAI_NONAME ? EAI_AGAIN : code; // a name, and there is no thread to look it up
}

static int tcp_connect(struct redis_link *link, struct remote_fault *fault)
{
	struct addrinfo *list = NULL;
	unsigned tried = 0;
	int rc = name_look(link, &list), fd = -ECONNREFUSED;

	if (rc != 0)
		return remote_fail(fault, "resolve", false, "cannot look up the name of %s: %s", link->peer, gai_strerror(rc));
	for (struct addrinfo *a = list; a != NULL && tried < NUMBERS_MAX && fd < 0; a = a->ai_next, tried++) {
		sink_own_tell(link->own, a->ai_addr);
		fd = socket_connect(link, a->ai_addr, a->ai_addrlen);
		if (fd >= 0)
			getnameinfo(a->ai_addr, a->ai_addrlen, link->number, sizeof(link->number), NULL, 0, NI_NUMERICHOST);
	}
	freeaddrinfo(list);
	return fd < 0 ? transport_fault(link, -fd, fault) : fd;
}

static int context_make(struct redis_link *link, int fd, struct remote_fault *fault)
{
	link->context = redisConnectFd(fd);
	if (link->context == NULL) {
		close(fd);
		return transport_fault(link, ENOMEM, fault);
	}
	link->context->flags &= ~REDIS_BLOCK; // later hiredis sets it
	redis_replies_init(&link->replies, link->context->reader);
	return 0;
}

int redis_link_dial(const struct redis_settings *settings, const struct redis_address *address, struct redis_link **out,
		    struct remote_fault *fault)
{
	struct redis_link *link = calloc(1, sizeof(*link));
	int rc;

	if (link == NULL)
		return remote_fail(fault, "memory", false, "no memory for a connection to Redis");
	link->address = *address;
	link->timeout_ms = settings->timeout_ms;
	link->patience = settings->patience;
	link->own = settings->own;
	memcpy(link->password, settings->password, sizeof(link->password));
	redis_address_text(address, link->peer, sizeof(link->peer));
	rc = address->port == 0 ? unix_connect(link, fault) : tcp_connect(link, fault);
	if (rc >= 0)
		rc = context_make(link, rc, fault);
	if (rc == 0 && settings->tls && address->port != 0)
		rc = redis_tls_start(link, settings, fault);
	if (rc < 0) {
		redis_link_close(link);
		return rc;
	}
	*out = link;
	return 0;
}

void redis_link_close(struct redis_link *link)
{
	if (link == NULL)
		return;
	if (link->context != NULL)
		redisFree(link->context);
	explicit_bzero(link->password, sizeof(link->password));
	free(link);
}

const char *redis_link_peer(const struct redis_link *link)
{
	return link->peer;
}

bool redis_link_asking(const struct redis_link *link)
{
	return link->asking;
}

// ---- write ----

int redis_link_append(struct redis_link *link, int argc, const char **argv, const size_t *lengths)
{
	if (redisAppendCommandArgv(link->context, argc, argv, lengths) != REDIS_OK)
		return -ENOMEM;
	link->awaited++;
	return 0;
}

int redis_link_ask(struct redis_link *link, struct remote_fault *fault, ...)
{
	const char *argv[ASK_ARGUMENTS_MAX];
	size_t lengths[ASK_ARGUMENTS_MAX];
	va_list args;
	int argc = 0;

	va_start(args, fault);
	while (argc < ASK_ARGUMENTS_MAX && (argv[argc] = va_arg(args, const char *)) != NULL) {
		lengths[argc] = strlen(argv[argc]);
		argc++;
	}
	va_end(args);
	return redis_link_append(link, argc, argv, lengths) < 0 ? transport_fault(link, ENOMEM, fault) : 0;
}

static bool unwritten(const struct redis_link *link)
{
	return sdslen(link->context->obuf) > 0 && !link->deaf;
}

// 1: something went; 0: the socket takes nothing now; -EIO. A server that has gone may have said why: that is still read.
static int some_write(struct redis_link *link, struct remote_fault *fault)
{
	size_t before = sdslen(link->context->obuf);

	errno = 0;
	if (redisBufferWrite(link->context, NULL) == REDIS_OK)
		return sdslen(link->context->obuf) < before;
	if (link->context->err != REDIS_ERR_IO || link->tls != NULL || (errno != EPIPE && errno != ECONNRESET))
		return context_fault(link, errno, fault);
	link->context->err = 0;
	link->deaf = true;
	return 0;
}

int redis_link_flush(struct redis_link *link, struct remote_fault *fault)
{
	int rc = 1;

	while (rc > 0 && unwritten(link))
		rc = some_write(link, fault);
	return rc < 0 ? rc : 0;
}

// ---- read ----

// 1: something came; 0: nothing is there; -EIO.
static int some_read(struct redis_link *link, struct remote_fault *fault)
{
	redisReader *reader = link->context->reader;
	size_t before = reader->len;

	errno = 0;
	if (redisBufferRead(link->context) != REDIS_OK)
		return context_fault(link, errno, fault);
	if (!link->spoke && reader->len > 0)
		link->guess = server_guess(reader->buf, reader->len);
	return reader->len > before;
}

static int reply_take(struct redis_link *link, redisReply **out, struct remote_fault *fault)
{
	const char *why = "";
	int rc = redis_replies_next(&link->replies, out, &why);

	if (rc < 0)
		return rc == -ENOMEM ? transport_fault(link, ENOMEM, fault) : redis_link_protocol(link, why, fault);
	if (rc == 0)
		return 0;
	link->awaited -= link->awaited > 0;
	link->spoke = true;
	link->guess = NULL;
	redis_reply_blot(*out, link->password);
	return 1;
}

// A server answers a long batch in many small pieces. To wake up for each costs both sides more than the answers do, and no reply is
// shorter than ":1\r\n": while many are awaited, poll() tells of what has come once that much is there for each, or at the end of
// its wait.
static void wake_late(const struct redis_link *link)
{
	size_t there = link->context->reader->len - link->context->reader->pos, least = (size_t)link->awaited * REPLY_BYTES_MIN;
	int low = link->awaited >= AWAITED_MANY && least > there ? (int)(least - there) : 1;

	if (link->tls == NULL)
		setsockopt(link->context->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
}

// TLS may want to write in order to read and the other way round, which hiredis does not tell: it is tried again soon.
static int link_wait(struct redis_link *link, uint64_t until, struct remote_fault *fault)
{
	struct pollfd p = {.fd = link->context->fd, .events = POLLIN};
	uint64_t now = now_ms();
	int wait_ms, n;

	if (now >= until || remote_patience_over(link->patience))
		return remote_fail(fault, "timeout", false, "%s did not answer within %u ms", link->peer, link->timeout_ms);
	wait_ms = step_ms(until - now);
	if (link->tls != NULL && unwritten(link))
		wait_ms = wait_ms < REDIS_TLS_TICK_MS ? wait_ms : REDIS_TLS_TICK_MS;
	else if (unwritten(link))
		p.events |= POLLOUT;
	wake_late(link);
	n = poll(&p, 1, wait_ms);
	return n < 0 && errno != EINTR ? transport_fault(link, errno, fault) : 0;
}

int redis_link_reply(struct redis_link *link, redisReply **out, struct remote_fault *fault)
{
	uint64_t idle = now_ms() + link->timeout_ms, end = now_ms() + (uint64_t)PATIENCE * link->timeout_ms;
	int rc;

	while ((rc = reply_take(link, out, fault)) == 0) {
		int wrote = unwritten(link) ? some_write(link, fault) : 0, came;

		came = wrote < 0 ? wrote : some_read(link, fault);
		if (came < 0)
			return came;
		if (wrote > 0)
			end = now_ms() + (uint64_t)PATIENCE * link->timeout_ms;
		if (wrote > 0 || came > 0)
			idle = now_ms() + link->timeout_ms;
		rc = came > 0 && now_ms() < end ? 0 : link_wait(link, idle < end ? idle : end, fault);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}
