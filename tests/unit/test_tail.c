// spanwatch-tail without a server: options, entries and their lines, the file of its state.
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tail_args.h"
#include "tail_entry.h"
#include "tail_state.h"
#include "tail_wait.h"

enum { ARGS_MAX = 16, LINE_ROOM = 4096 };

// ---- options ----

static struct tail_args args;
static struct err err;

static int parse(const char *first, ...)
{
	char *argv[ARGS_MAX] = {(char *)"spanwatch-tail"};
	int argc = 1;
	va_list more;

	va_start(more, first);
	for (const char *word = first; word != NULL && argc < ARGS_MAX - 1; word = va_arg(more, const char *))
		argv[argc++] = (char *)word;
	va_end(more);
	return tail_args_parse(argc, argv, &args, &err);
}

static void test_defaults(void **state)
{
	(void)state;
	unsetenv("SPANWATCH_REDIS_PASSWORD");
	assert_int_equal(parse(NULL), 0);
	assert_string_equal(args.address[0], "127.0.0.1:6379");
	assert_int_equal(args.addresses, 1);
	assert_int_equal(args.sensors, 1);
	assert_true(args.stream[0] && args.stream[1] && args.stream[2]);
	assert_string_equal(args.from, "0-0");
	assert_int_equal(args.claim_after_s, 60);
}

static void test_lists(void **state)
{
	(void)state;
	assert_int_equal(parse("--redis", "[::1]:7, unix:/run/a b", "--sensor", "a,b", "--sensor", "b,c d", "--streams", "alerts", "--from", "end",
			       NULL), 0);
	assert_int_equal(args.addresses, 2);
	assert_string_equal(args.address[1], "unix:/run/a b");
	assert_int_equal(args.sensors, 3);
	assert_string_equal(args.sensor[2], "c d");
	assert_true(!args.stream[0] && args.stream[1] && !args.stream[2]);
	assert_string_equal(args.from, "$");
	setenv("SPANWATCH_REDIS_PASSWORD", "word", 1);
	assert_int_equal(parse("--user", "u", "--group", "g", "--claim-after", "0", NULL), 0);
	assert_string_equal(args.password, "word");
	assert_int_equal(args.claim_after_s, 0);
	unsetenv("SPANWATCH_REDIS_PASSWORD");
}

static void test_bounds(void **state)
{
	char many[8 * TAIL_SENSORS_MAX] = "", longest[TAIL_ADDRESS_MAX + 8];
	int at = 0;

	(void)state;
	for (int i = 0; i <= TAIL_SENSORS_MAX; i++)
		at += snprintf(many + at, sizeof(many) - (size_t)at, "%ss%d", i > 0 ? "," : "", i);
	assert_int_equal(parse("--sensor", many, NULL), -EINVAL);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "unix:", 5);
	assert_int_equal(parse("--redis", longest, NULL), -EINVAL);
	assert_int_equal(parse("--sensor", longest, NULL), -EINVAL);
	assert_int_equal(parse("--redis", "a:0", NULL), -EINVAL);
	assert_int_equal(parse("--redis", "a:65536", NULL), -EINVAL);
	assert_int_equal(parse("--redis", "unix:", NULL), -EINVAL);
	assert_int_equal(parse("--sensor", "a,,b", NULL), -EINVAL);
	assert_int_equal(parse("--from", "1-2", "--from", "3-4", NULL), -EINVAL);
}

static void test_ids(void **state)
{
	static const char *const good[] = {"0", "1-2", "18446744073709551615-18446744073709551615"};
	static const char *const bad[] = {"", "-", "1-", "-1", "1-2-3", " 1", "+1", "1-x", "18446744073709551616-0", "00000000000000000000000000001"};

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(tail_id_valid(good[i]));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(tail_id_valid(bad[i]));
}

// ---- entries ----

static redisReply text(const char *of)
{
	return (redisReply){.type = REDIS_REPLY_STRING, .str = (char *)of, .len = (__typeof__(((redisReply *)0)->len))strlen(of)};
}

static int entry(const char *id, const char *name, const char *value, struct tail_entry *out)
{
	redisReply id_reply = text(id), name_reply = text(name), value_reply = text(value);
	redisReply *pair[] = {&name_reply, &value_reply};
	redisReply fields = {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = pair};
	redisReply *both[] = {&id_reply, &fields};

	return tail_entry_read(&(redisReply){.type = REDIS_REPLY_ARRAY, .elements = 2, .element = both}, out);
}

static const char *line(const struct tail_entry *of, bool with_id)
{
	static char room[LINE_ROOM];

	room[tail_entry_line(of, "a\"b", "flows", with_id, room, sizeof(room) - 1)] = '\0';
	return room;
}

static void test_lines(void **state)
{
	struct tail_entry e;

	(void)state;
	assert_int_equal(entry("3-7", "eve", "{\"n\":1}", &e), 0);
	assert_string_equal(line(&e, false), "{\"n\":1}");
	assert_string_equal(line(&e, true), "{\"id\":\"flows/3-7\",\"n\":1}");
	assert_int_equal(entry("3-7", "eve", "{  }", &e), 0);
	assert_string_equal(line(&e, true), "{\"id\":\"flows/3-7\"  }");
	assert_int_equal(entry("3-7", "eve", "{\n\"n\":\r1}", &e), 0);
	assert_string_equal(line(&e, false), "{ \"n\": 1}");
	assert_int_equal(entry("3-7", "tombstone", "{\"first\":5}", &e), 0);
	assert_string_equal(line(&e, true), "{\"id\":\"flows/3-7\",\"event_type\":\"tombstone\",\"stream\":\"flows\","
					    "\"spanwatch\":{\"sensor\":\"a\\\"b\"},\"tombstone\":{\"first\":5}}");
	e.length = LINE_ROOM;
	e.is_tombstone = false;
	assert_string_equal(line(&e, false), "");
}

static void test_strangers(void **state)
{
	static const char *const bad_ids[] = {"", "x", "1-", "18446744073709551616-1", "1-2-3"};
	static const char *const bad_values[] = {"", "{", "[]", "{}x", "x{}"};
	redisReply id = text("3-7"), nil = {.type = REDIS_REPLY_NIL}, *both[] = {&id, &nil};
	struct tail_entry e;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad_ids) / sizeof(bad_ids[0]); i++)
		assert_int_equal(entry(bad_ids[i], "eve", "{}", &e), -EPROTO);
	for (unsigned i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++)
		assert_int_equal(entry("3-7", "eve", bad_values[i], &e), -EBADMSG);
	assert_int_equal(entry("3-7", "evil", "{}", &e), -EBADMSG);
	assert_string_equal(e.id_text, "3-7");
	assert_int_equal(tail_entry_read(&(redisReply){.type = REDIS_REPLY_ARRAY, .elements = 2, .element = both}, &e), -ENODATA);
	assert_int_equal(tail_entry_read(&(redisReply){.type = REDIS_REPLY_INTEGER}, &e), -EPROTO);
	assert_int_equal(tail_entry_read(&(redisReply){.type = REDIS_REPLY_ARRAY, .elements = 1, .element = both}, &e), -EPROTO);
}

static void test_missing(void **state)
{
	struct tail_entry e;

	(void)state;
	assert_int_equal(entry("3-7", "eve", "{}", &e), 0);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){3, 6}), 0);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){3, 2}), 4);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){3, 9}), 0);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){2, 2}), 0);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){0, 0}), 0);
	assert_int_equal(entry("3-7", "tombstone", "{\"cause\":\"quota\",\"first\" : 5}", &e), 0);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){3, 4}), 0);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){3, 2}), 2);
	assert_int_equal(entry("3-7", "tombstone", "{\"first\":99999999999999999999}", &e), 0);
	assert_int_equal(tail_entry_missing(&e, &(struct tail_id){3, 6}), 0);
}

// ---- state ----

static struct tail_state kept, again;

static void test_state(void **state)
{
	char folder[] = "/tmp/spanwatch-tail-XXXXXX", path[64], longer[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state", folder);
	snprintf(longer, sizeof(longer), "%s/none/state", folder);
	assert_int_equal(tail_state_load(&kept, path, &err), 0);
	assert_null(tail_state_get(&kept, "sw:{a b}:flows"));
	assert_int_equal(tail_state_set(&kept, "sw:{a b}:flows", "3-7", &err), 0);
	assert_int_equal(tail_state_set(&kept, "sw:{a b}:events", "0-0", &err), 0);
	assert_int_equal(tail_state_set(&kept, "sw:{a b}:flows", "3-8", &err), 0);
	assert_int_equal(tail_state_save(&kept, &err), 0);
	assert_int_equal(tail_state_load(&again, path, &err), 0);
	assert_int_equal(again.count, 2);
	assert_string_equal(tail_state_get(&again, "sw:{a b}:flows"), "3-8");
	for (unsigned i = again.count; i < TAIL_STATE_MAX; i++) {
		snprintf(longer, sizeof(longer), "k%u", i);
		assert_int_equal(tail_state_set(&again, longer, "1-1", &err), 0);
	}
	assert_int_equal(tail_state_set(&again, "one more", "1-1", &err), -ENOSPC);
	assert_int_equal(tail_state_save(&again, &err), 0);
	assert_int_equal(tail_state_load(&kept, path, &err), 0);
	assert_int_equal(kept.count, TAIL_STATE_MAX);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

// Cut anywhere, or with anything else in it, it is refused, and never taken for a shorter one.
static void test_state_damaged(void **state)
{
	static char whole[512];
	char folder[] = "/tmp/spanwatch-tail-XXXXXX", path[64];
	size_t length;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state", folder);
	assert_int_equal(tail_state_load(&kept, path, &err), 0);
	assert_int_equal(tail_state_set(&kept, "sw:{a}:flows", "3-7", &err), 0);
	assert_int_equal(tail_state_save(&kept, &err), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(whole, 1, sizeof(whole), file);
	fclose(file);
	for (size_t cut = 0; cut < length; cut++) {
		file = fopen(path, "w");
		assert_non_null(file);
		fwrite(whole, 1, cut, file);
		fclose(file);
		assert_int_equal(tail_state_load(&again, path, &err), -EBADMSG);
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%.*send\nmore\n", (int)length, whole);
	fclose(file);
	assert_int_equal(tail_state_load(&again, path, &err), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

// Also one who never has to wait, because there is always more to read and a reader for it, is told to stop. Comes last: it stays told.
static void test_told_to_stop(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	tail_wait_init();
	assert_int_equal(tail_wait(ends[0], POLLIN, 1000), 1);
	raise(SIGTERM);
	assert_false(tail_stopping());
	assert_int_equal(tail_wait(ends[0], POLLIN, 1000), -EINTR);
	assert_true(tail_stopping());
	assert_int_equal(tail_wait_on(ends[0], POLLIN, 1000), 1);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_lists),     cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_ids),      cmocka_unit_test(test_lines),     cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_missing),  cmocka_unit_test(test_state),     cmocka_unit_test(test_state_damaged),
		cmocka_unit_test(test_told_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
