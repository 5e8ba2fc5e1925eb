// spanwatch-tail: what spanwatch has put into Redis streams, as lines on standard output. It is told to stop, or goes on for ever:
// a server that is away is tried again, with growing pauses.
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tail.h"
#include "tail_wait.h"

enum { PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 5000, SAID_AGAIN_MS = 60000 };

void tail_say(const char *format, ...)
{
	static char last[ERR_TEXT_MAX];
	static uint64_t last_ms;
	char text[ERR_TEXT_MAX];
	uint64_t now = tail_now_ms();
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, last) == 0 && now - last_ms < SAID_AGAIN_MS)
		return;
	strcpy(last, text);
	last_ms = now;
	fprintf(stderr, "spanwatch-tail: %s\n", text);
}

static void keys_make(struct tail *t)
{
	for (unsigned s = 0; s < t->args->sensors; s++) {
		for (unsigned i = 0; i < TAIL_STREAMS; i++) {
			struct tail_key *key = &t->key[t->keys];

			if (!t->args->stream[i])
				continue;
			key->sensor = t->args->sensor[s];
			key->stream = tail_stream_names[i];
			snprintf(key->name, sizeof(key->name), "sw:{%s}:%s", key->sensor, key->stream);
			t->keys++;
		}
	}
}

// Half of it by chance, so that many readers do not come back at once.
static int pause_make(unsigned *ms)
{
	unsigned half = *ms / 2;
	int rc = tail_wait(-1, 0, half + (unsigned)random() % (half + 1));

	*ms = *ms * 2 < PAUSE_MAX_MS ? *ms * 2 : PAUSE_MAX_MS;
	return rc;
}

// One connection, from its beginning to its end. *good: it has answered what was asked of it for a while.
static int connection_run(struct tail *t, const char *address, bool *good, struct err *err)
{
	uint64_t began;
	int rc = tail_link_open(&t->link, t->args, address, err);

	if (rc != 0)
		return rc;
	began = tail_now_ms();
	rc = t->args->group[0] != '\0' ? tail_follow_group(t, err) : tail_follow(t, err);
	*good = tail_now_ms() - began > TAIL_BLOCK_MS;
	return rc;
}

static int run(struct tail *t)
{
	unsigned pause_ms = PAUSE_FIRST_MS, next = 0, failed = 0;

	for (;;) {
		struct err err = {0};
		bool good = false;
		int rc = connection_run(t, t->args->address[next], &good, &err);

		tail_link_close(&t->link);
		if (rc == 0 || rc == -EINTR)
			return 0;
		if (rc == -EPIPE || t->output_failed) {
			tail_say("%s", err.text[0] != '\0' ? err.text : "the reader of standard output has gone");
			return 1;
		}
		failed = good ? 1 : failed + 1;
		if (t->args->once && failed == t->args->addresses) { // somebody waits for the end
			tail_say("%s", err.text);
			return 1;
		}
		tail_say("%s; trying again", err.text);
		t->away = true;
		next = (next + 1) % t->args->addresses;
		pause_ms = good ? PAUSE_FIRST_MS : pause_ms;
		rc = pause_make(&pause_ms);
		if (rc < 0)
			return rc == -EPIPE;
	}
}

// What an interrupted turn left in the buffer was read and is whole.
static int finish(struct tail *t)
{
	struct err err;

	if (t->output_failed || tail_out_flush(&t->out, &err) == 0)
		return 0;
	tail_say("%s", err.text);
	return 1;
}

int main(int argc, char **argv)
{
	static struct tail_args args;
	static struct tail t;
	struct err err = {0};
	int rc = tail_args_parse(argc, argv, &args, &err);

	unsetenv("SPANWATCH_REDIS_PASSWORD");
	if (rc == 0 && args.action == TAIL_HELP)
		tail_args_help(stdout);
	if (rc == 0 && args.action == TAIL_VERSION)
		printf("spanwatch-tail %s\n", SPANWATCH_VERSION);
	if (rc == 0 && args.action != TAIL_RUN)
		return 0;
	if (rc == 0)
		rc = tail_state_load(&t.state, args.state_path, &err);
	if (rc == 0)
		rc = tail_state_save(&t.state, &err);
	if (rc != 0) {
		tail_say("%s", err.text);
		return 1;
	}
	srandom((unsigned)getpid());
	tail_wait_init();
	t.args = &args;
	t.out.fd = STDOUT_FILENO;
	keys_make(&t);
	rc = run(&t);
	return rc != 0 ? rc : finish(&t);
}
