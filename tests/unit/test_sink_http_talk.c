// The HTTP sink against a server of this process, over loopback: what it sends, and what it makes of a server that misbehaves.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sink/sink_http.h"

enum { REQUEST_ROOM = 1 << 20, REQUESTS_MAX = 4096, KEY_ROOM = 256, LINES_MAX = 8192, TIMEOUT_MS = 1000, PATIENCE_MS = 60000 };

struct request {
	char *head, *body; // in text
	size_t body_length;
	char key[KEY_ROOM];
	char text[REQUEST_ROOM];
};

// What the server does; changed only while nothing is on its way.
struct behaviour {
	const char *answer;   // to what is not said below; NULL: 200
	size_t limit;         // 413 for a body larger than this
	unsigned fail_at;     // this request (from 1) is answered by 500
	bool echo_key, echo_request;
	enum { PLAIN, HANG, CLOSE, HALF, GARBAGE, ENDLESS_BODY, ENDLESS_LINE, ENDLESS_HEAD, ENDLESS_CONTINUE, DRIP } manner;
};

static struct {
	int listener;
	uint16_t port;
	pthread_t thread;
	struct behaviour does;
	_Atomic unsigned connections, requests;
	_Atomic int connection; // -1: none
	_Atomic uint64_t sent; // bytes
	char keys[REQUESTS_MAX][KEY_ROOM];
	char taken[LINES_MAX][64]; // first 63 bytes of each line that was answered by 200
	_Atomic unsigned lines;
	struct request request; // the last one
} server;

// ---- the server ----

static bool put(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		atomic_fetch_add(&server.sent, (uint64_t)n);
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

static bool put_text(int fd, const char *text)
{
	return put(fd, text, strlen(text));
}

static void value_of(const struct request *r, const char *name, char *out, size_t room)
{
	const char *at = strcasestr(r->head, name);

	out[0] = '\0';
	if (at != NULL)
		snprintf(out, room, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
}

static bool request_read(int fd, struct request *r)
{
	size_t used = 0, want = SIZE_MAX;
	char length[32], *end;

	r->head = r->text;
	while (used < want) {
		ssize_t n = recv(fd, r->text + used, sizeof(r->text) - 1 - used, 0);

		if (n <= 0)
			return false;
		used += (size_t)n;
		r->text[used] = '\0';
		end = strstr(r->text, "\r\n\r\n");
		if (want != SIZE_MAX || end == NULL)
			continue;
		end[2] = '\0';
		r->body = end + 4;
		value_of(r, "\r\nContent-Length: ", length, sizeof(length));
		value_of(r, "\r\nIdempotency-Key: ", r->key, sizeof(r->key));
		r->body_length = strtoul(length, NULL, 10);
		want = (size_t)(r->body - r->text) + r->body_length;
	}
	return true;
}

static void lines_take(const struct request *r)
{
	for (const char *at = r->body, *end = at + r->body_length; at < end; at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1)
		snprintf(server.taken[server.lines++ % LINES_MAX], 64, "%.*s", (int)strcspn(at, ","), at);
}

static bool answer(int fd, const struct request *r, unsigned number)
{
	const struct behaviour *does = &server.does;
	char text[2 * KEY_ROOM + 128], token[KEY_ROOM];

	if (does->limit > 0 && r->body_length > does->limit)
		return put_text(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
	if (number == does->fail_at)
		return put_text(fd, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
	if (does->echo_key) {
		snprintf(text, sizeof(text), "HTTP/1.1 409 Known\r\nidempotency-key:  %s \r\nContent-Length: 0\r\n\r\n", r->key);
		return put_text(fd, text);
	}
	if (does->echo_request) {
		value_of(r, "\r\nAuthorization: ", token, sizeof(token));
		snprintf(text, sizeof(text), "HTTP/1.1 400 No\r\nContent-Length: %zu\r\n\r\n%s;", strlen(token) + 1 + strlen(r->head), token);
		return put_text(fd, text) && put_text(fd, r->head);
	}
	if (does->answer != NULL)
		return put_text(fd, does->answer);
	lines_take(r);
	return put_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void repeat(int fd, const char *head, const char *what)
{
	if (put_text(fd, head))
		while (put_text(fd, what))
			;
}

// Returns whether the connection goes on.
static bool misbehave(int fd, const struct request *r, unsigned number)
{
	static char block[4097];
	char byte;

	memset(block, 'x', sizeof(block) - 1);
	switch (server.does.manner) {
	case PLAIN:
		return answer(fd, r, number);
	case HANG:
		while (recv(fd, &byte, 1, 0) > 0)
			;
		break;
	case CLOSE:
		break;
	case HALF:
		put_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
		break;
	case GARBAGE:
		put_text(fd, "\x16\x03\x01 -ERR unknown command 'POST'\r\n\r\n");
		break;
	case ENDLESS_BODY:
		repeat(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", block);
		break;
	case ENDLESS_LINE:
		repeat(fd, "HTTP/1.1 200 OK\r\nX: ", block);
		break;
	case ENDLESS_HEAD:
		repeat(fd, "HTTP/1.1 200 OK\r\n", "X: y\r\n");
		break;
	case ENDLESS_CONTINUE:
		repeat(fd, "", "HTTP/1.1 100 Continue\r\n\r\n");
		break;
	case DRIP:
		put_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
		while (put_text(fd, "x"))
			usleep(20000);
		break;
	}
	return false;
}

static void *serve(void *argument)
{
	int fd;

	(void)argument;
	while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
		server.connections++;
		server.connection = fd;
		for (bool on = true; on && request_read(fd, &server.request);) {
			strcpy(server.keys[server.requests++ % REQUESTS_MAX], server.request.key);
			on = misbehave(fd, &server.request, server.requests);
		}
		server.connection = -1;
		close(fd);
	}
	return NULL;
}

static int server_start(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);

	(void)state;
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.listener, (struct sockaddr *)&at, length) != 0 || listen(server.listener, 16) != 0 ||
	    getsockname(server.listener, (struct sockaddr *)&at, &length) != 0)
		return -1;
	server.connection = -1;
	server.port = ntohs(at.sin_port);
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int server_stop(void **state)
{
	(void)state;
	shutdown(server.listener, SHUT_RDWR);
	shutdown(server.connection, SHUT_RDWR); // left open by a test that failed
	pthread_join(server.thread, NULL);
	return close(server.listener);
}

static void server_does(struct behaviour does)
{
	server.does = does;
	server.connections = server.requests = server.lines = 0;
	server.sent = 0;
}

// ---- the sink ----

static struct config config;
static char target[SINK_TARGET_MAX];
static const struct remote_identity identity = {.sensor = "lab", .instance = {0xab}};
static struct remote_fault fault;

static void *created(const char *rest)
{
	struct err err = {""};
	void *http = NULL;

	snprintf(config.http.url, sizeof(config.http.url), "http://127.0.0.1:%u/%s", server.port, rest);
	assert_int_equal(http_remote.create(&config, &http, target, &err), 0);
	return http;
}

static int connect_now(void *http)
{
	struct remote_where where;
	int rc;

	memset(&where, 0xff, sizeof(where));
	fault = (struct remote_fault){.cause = ""};
	rc = http_remote.connect(http, &identity, &where, &fault);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		assert_false(where.known[i]);
	return rc;
}

static void *connected(const char *rest)
{
	void *http = created(rest);

	assert_int_equal(connect_now(http), 0);
	return http;
}

static struct spool_batch batch;
static char payload[4096];

static void batch_make(uint64_t first, unsigned count, unsigned bytes)
{
	batch.count = count;
	snprintf(payload, sizeof(payload), "{\"pad\":\"%0*d\"}", (int)bytes, 0);
	for (unsigned i = 0; i < count; i++)
		batch.entry[i] = (struct spool_entry){.stream = SINK_FLOWS, .boot = 1, .first = first + i, .last = first + i,
						      .length = (uint32_t)strlen(payload), .payload = payload};
}

static int deliver(void *http, unsigned *duplicates)
{
	fault = (struct remote_fault){.cause = ""};
	*duplicates = 0;
	if (http_remote.send(http, &batch, &fault) < 0)
		return -EIO;
	return http_remote.receive(http, duplicates, &fault);
}

static void gone(void *http)
{
	http_remote.disconnect(http);
	http_remote.disconnect(http); // at any time
	http_remote.destroy(http);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void config_reset(void)
{
	config_defaults(&config);
	config.http.timeout_ms = PATIENCE_MS;
	config.http.batch = 1024;
}

// ---- tests ----

static void one_connection_carries_many_batches(void **state)
{
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	server_does((struct behaviour){0});
	http = connected("in?q=1");
	for (unsigned i = 0; i < 20; i++) {
		batch_make(1 + 3 * i, 3, 10);
		assert_int_equal(deliver(http, &duplicates), 0);
		assert_int_equal(duplicates, 0);
	}
	gone(http);
	assert_int_equal(server.connections, 2); // one to see whether it is there
	assert_int_equal(server.requests, 20);
	assert_int_equal(server.lines, 60);
	assert_string_equal(server.taken[59], "{\"id\":\"flows/1-60\"");
	assert_string_equal(server.keys[19], "ab000000000000000000000000000000-0.1.58-0.1.60-3");
	assert_true(strncmp(server.request.head, "POST /in?q=1 HTTP/1.1\r\n", 23) == 0);
	assert_non_null(strstr(server.request.head, "\r\nContent-Type: application/x-ndjson\r\n"));
	assert_non_null(strstr(server.request.head, "\r\nUser-Agent: spanwatch/" SPANWATCH_VERSION "\r\n"));
	assert_non_null(strstr(server.request.head, "\r\nSpanwatch-Instance: ab000000000000000000000000000000\r\n"));
	assert_null(strcasestr(server.request.head, "\r\nExpect:"));
	assert_null(strcasestr(server.request.head, "\r\nAccept-Encoding:"));
	assert_null(strcasestr(server.request.head, "\r\nAuthorization:"));
}

static void lines_check(unsigned count)
{
	char want[64];

	assert_int_equal(server.lines, count);
	for (unsigned i = 0; i < count; i++) {
		snprintf(want, sizeof(want), "{\"id\":\"flows/1-%u\"", i + 1);
		assert_string_equal(server.taken[i], want);
	}
}

static void what_is_too_large_goes_in_parts(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 7, 100, 1000};
	unsigned duplicates, before;
	void *http;

	(void)state;
	config_reset();
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		server_does((struct behaviour){.limit = 700});
		http = connected("in");
		batch_make(1, counts[i], 100);
		assert_int_equal(deliver(http, &duplicates), 0);
		lines_check(counts[i]);
		before = server.requests;
		server.lines = 0;
		assert_int_equal(deliver(http, &duplicates), 0); // now it knows: nothing is sent in vain
		lines_check(counts[i]);
		assert_true(server.requests - before <= before);
		assert_true(counts[i] < 100 || server.requests - before < before);
		gone(http);
	}
}

static void one_record_that_is_too_large_stays(void **state)
{
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	server_does((struct behaviour){.limit = 50});
	http = connected("in");
	batch_make(1, 4, 100);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(deliver(http, &duplicates), -EIO);
		assert_string_equal(fault.cause, "too_large");
		assert_true(fault.patient && fault.keep);
		assert_int_equal(server.requests, 3 + i);
	}
	server.does.limit = 0; // raised
	assert_int_equal(deliver(http, &duplicates), 0);
	lines_check(4);
	gone(http);
}

static void a_batch_is_as_large_as_the_settings_say(void **state)
{
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	config.http.batch = 300;
	server_does((struct behaviour){0});
	http = connected("in");
	assert_int_equal(http_remote.most(http), 300);
	batch_make(1, 1000, 10); // from before the setting was changed: its key is known, perhaps
	assert_int_equal(deliver(http, &duplicates), 0);
	lines_check(1000);
	assert_int_equal(server.requests, 1);
	gone(http);
}

// Two records fit. The fault is in the middle of a batch in parts. This process goes on where it was; another one sends the same
// parts again, and the receiver knows them by their keys.
static void parts_are_the_same_after_a_fault_and_after_a_restart(void **state)
{
	static char first[8][KEY_ROOM];
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	server_does((struct behaviour){.limit = 100, .fail_at = 5});
	http = connected("in");
	batch_make(1, 8, 10);
	assert_int_equal(deliver(http, &duplicates), -EIO);
	assert_string_equal(fault.cause, "server_error");
	assert_int_equal(server.requests, 5); // 8 and 4 are too many, 2, 2, 2
	assert_int_equal(deliver(http, &duplicates), 0);
	assert_int_equal(server.requests, 7);
	lines_check(8);
	assert_string_equal(server.keys[4], server.keys[5]);
	memcpy(first, server.keys, sizeof(first));
	gone(http);
	server_does((struct behaviour){.limit = 100, .echo_key = true});
	http = connected("in");
	assert_int_equal(deliver(http, &duplicates), 0);
	assert_int_equal(duplicates, 8);
	assert_int_equal(server.requests, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_string_equal(server.keys[i], first[i < 4 ? i : i + 1]);
	gone(http);
}

static void known_is_only_what_repeats_our_key(void **state)
{
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	server_does((struct behaviour){.echo_key = true});
	http = connected("in");
	batch_make(1, 5, 10);
	assert_int_equal(deliver(http, &duplicates), 0);
	assert_int_equal(duplicates, 5);
	server_does((struct behaviour){.answer = "HTTP/1.1 409 Conflict\r\nIdempotency-Key: other\r\nContent-Length: 3\r\n\r\nwho"});
	assert_int_equal(deliver(http, &duplicates), -EIO);
	assert_string_equal(fault.cause, "refused");
	assert_non_null(strstr(fault.err.text, "answers 409: who"));
	gone(http);
}

static void a_pause_that_was_asked_for_is_kept(void **state)
{
	unsigned duplicates;
	double begun;
	void *http;

	(void)state;
	config_reset();
	server_does((struct behaviour){.answer = "HTTP/1.1 429 Slow\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n"});
	http = connected("in");
	batch_make(1, 1, 10);
	assert_int_equal(deliver(http, &duplicates), -EIO);
	assert_non_null(strstr(fault.err.text, "it asks for a pause of 50 s"));
	server_does((struct behaviour){0});
	assert_int_equal(deliver(http, &duplicates), -EIO); // nobody waits for it here
	assert_string_equal(fault.cause, "busy");
	assert_true(fault.keep);
	assert_non_null(strstr(fault.err.text, "asked for a pause, "));
	assert_non_null(strstr(fault.err.text, " s of it are left"));
	assert_int_equal(server.requests, 0);
	gone(http);
	server_does((struct behaviour){.answer = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"});
	http = connected("in");
	assert_int_equal(deliver(http, &duplicates), -EIO);
	server_does((struct behaviour){0});
	for (begun = seconds(); seconds() < begun + 1.05;)
		usleep(10000);
	assert_int_equal(deliver(http, &duplicates), 0);
	server_does((struct behaviour){.answer = "HTTP/1.1 503 Gone fishing\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n"});
	assert_int_equal(deliver(http, &duplicates), -EIO);
	assert_non_null(strstr(fault.err.text, "a pause of 60 s")); // and no longer
	gone(http);
}

static void redirects_are_not_followed(void **state)
{
	static char moved[128];
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	snprintf(moved, sizeof(moved), "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:%u/other\r\nContent-Length: 0\r\n\r\n", server.port);
	server_does((struct behaviour){.answer = moved});
	http = connected("in");
	batch_make(1, 1, 10);
	assert_int_equal(deliver(http, &duplicates), -EIO);
	assert_string_equal(fault.cause, "redirect");
	assert_int_equal(server.requests, 1);
	gone(http);
}

static void no_secret_comes_back_in_a_sentence(void **state)
{
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	setenv("SPANWATCH_HTTP_TOKEN", "hunter2", 1);
	server_does((struct behaviour){.echo_request = true});
	http = connected("?key=swordfish");
	batch_make(1, 1, 10);
	assert_int_equal(deliver(http, &duplicates), -EIO);
	assert_non_null(strstr(server.request.head, "POST /?key=swordfish "));
	assert_non_null(strstr(server.request.head, "\r\nAuthorization: Bearer hunter2\r\n"));
	assert_non_null(strstr(fault.err.text, "answers 400: Bearer *******;POST /?************* HTTP/1.1"));
	assert_null(strstr(fault.err.text, "hunter2"));
	assert_null(strstr(target, "swordfish"));
	gone(http);
	unsetenv("SPANWATCH_HTTP_TOKEN");
}

static void a_new_token_is_read_with_a_new_connection(void **state)
{
	const char *base = getenv("TMPDIR");
	unsigned duplicates;
	void *http;
	FILE *file;

	(void)state;
	config_reset();
	snprintf(config.http.token_file, sizeof(config.http.token_file), "%s/spanwatch-token-%d", base != NULL ? base : "/tmp", (int)getpid());
	batch_make(1, 1, 10);
	http = NULL;
	for (unsigned i = 0; i < 3; i++) {
		if (i < 2) {
			file = fopen(config.http.token_file, "w");
			assert_non_null(file);
			fprintf(file, "token-%u\n", i);
			fclose(file);
		} else {
			unlink(config.http.token_file); // then the last one it had
		}
		server_does((struct behaviour){.answer = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"});
		if (http == NULL)
			http = created("in");
		assert_int_equal(connect_now(http), 0);
		assert_int_equal(deliver(http, &duplicates), -EIO);
		assert_string_equal(fault.cause, "auth");
		assert_true(fault.patient && !fault.keep);
		assert_non_null(strstr(server.request.head, i == 0 ? "Bearer token-0\r\n" : "Bearer token-1\r\n"));
		http_remote.disconnect(http);
	}
	gone(http);
}

static void the_environment_chooses_no_proxy(void **state)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	unsigned duplicates;
	void *http;

	(void)state;
	config_reset();
	for (unsigned i = 0; i < 6; i++)
		setenv(names[i], "http://127.0.0.1:1/", 1);
	server_does((struct behaviour){0});
	http = connected("in");
	batch_make(1, 2, 10);
	assert_int_equal(deliver(http, &duplicates), 0);
	lines_check(2);
	gone(http);
	for (unsigned i = 0; i < 6; i++)
		unsetenv(names[i]);
}

static void a_server_that_misbehaves(void **state)
{
	static const struct {
		int manner;
		const char *cause;
	} rows[] = {
		{HANG, "timeout"}, {CLOSE, "closed"}, {HALF, "closed"}, {GARBAGE, "protocol"}, {ENDLESS_BODY, "protocol"},
		{ENDLESS_LINE, "protocol"}, {ENDLESS_HEAD, "protocol"}, {ENDLESS_CONTINUE, "protocol"}, {DRIP, "timeout"},
	};
	unsigned duplicates;
	double begun;
	void *http;

	(void)state;
	config_reset();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		config.http.timeout_ms = strcmp(rows[i].cause, "timeout") == 0 ? TIMEOUT_MS : PATIENCE_MS;
		server_does((struct behaviour){0});
		http = connected("in");
		server.does.manner = (unsigned)rows[i].manner;
		batch_make(1, 3, 10);
		begun = seconds();
		assert_int_equal(deliver(http, &duplicates), -EIO);
		assert_true(seconds() - begun < PATIENCE_MS / 1e3);
		if (strcmp(fault.cause, rows[i].cause) != 0)
			fail_msg("row %u: \"%s\": %s", i, fault.cause, fault.err.text);
		assert_false(fault.keep);
		http_remote.disconnect(http); // the server sees it, and stops
		server.does.manner = PLAIN;
		assert_int_equal(connect_now(http), 0);
		assert_int_equal(deliver(http, &duplicates), 0);
		lines_check(3);
		assert_true(server.sent < 32 << 20); // of a gigabyte: what buffers of the kernel hold
		gone(http);
	}
}

static void nobody_is_there(void **state)
{
	struct err err = {""};
	void *http = NULL;

	(void)state;
	config_reset();
	strcpy(config.http.url, "http://127.0.0.1:1/in");
	assert_int_equal(http_remote.create(&config, &http, target, &err), 0);
	assert_int_equal(connect_now(http), -EIO);
	assert_string_equal(fault.cause, "unreachable");
	assert_non_null(strstr(fault.err.text, "http://127.0.0.1:1/in: cannot connect ("));
	gone(http);
	strcpy(config.http.url, "http://nowhere.invalid/in");
	assert_int_equal(http_remote.create(&config, &http, target, &err), 0);
	assert_int_equal(connect_now(http), -EIO);
	assert_true(strcmp(fault.cause, "resolve") == 0 || strcmp(fault.cause, "timeout") == 0); // the second: no name server answers
	gone(http);
}

static void no_tls_where_it_is_asked_for(void **state)
{
	struct err err = {""};
	void *http = NULL;

	(void)state;
	config_reset();
	config.http.timeout_ms = TIMEOUT_MS;
	server_does((struct behaviour){0});
	snprintf(config.http.url, sizeof(config.http.url), "https://127.0.0.1:%u/in", server.port);
	assert_int_equal(http_remote.create(&config, &http, target, &err), 0);
	assert_int_equal(connect_now(http), -EIO);
	assert_true(strcmp(fault.cause, "tls") == 0 || strcmp(fault.cause, "timeout") == 0); // it waits for the rest of a request
	assert_int_equal(server.requests, 0);
	gone(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_connection_carries_many_batches),
		cmocka_unit_test(what_is_too_large_goes_in_parts),
		cmocka_unit_test(one_record_that_is_too_large_stays),
		cmocka_unit_test(a_batch_is_as_large_as_the_settings_say),
		cmocka_unit_test(parts_are_the_same_after_a_fault_and_after_a_restart),
		cmocka_unit_test(known_is_only_what_repeats_our_key),
		cmocka_unit_test(a_pause_that_was_asked_for_is_kept),
		cmocka_unit_test(redirects_are_not_followed),
		cmocka_unit_test(no_secret_comes_back_in_a_sentence),
		cmocka_unit_test(a_new_token_is_read_with_a_new_connection),
		cmocka_unit_test(the_environment_chooses_no_proxy),
		cmocka_unit_test(a_server_that_misbehaves),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(no_tls_where_it_is_asked_for),
	};

	unsetenv("SPANWATCH_HTTP_TOKEN");
	return cmocka_run_group_tests(tests, server_start, server_stop);
}
