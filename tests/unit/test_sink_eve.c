// eve.json through the runner: lines that parse, one for each record; and what happens when the disk is full, the pipe closed, the
// folder missing.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "sink/sink_list.h"

enum { RECORDS = 3000, PATH_ROOM = 512 };

static char folder[PATH_ROOM];
static struct config config;

static const char *in_folder(const char *name)
{
	static char path[PATH_ROOM + 64];

	snprintf(path, sizeof(path), "%s%s%s", folder, name[0] != '\0' ? "/" : "", name);
	return path;
}

static void output_to(const char *directory)
{
	memset(&config, 0, sizeof(config));
	config.limits.sink_queue_bytes = 1 << 16;
	strcpy(config.sensor.name, "lab");
	strcpy(config.output.directory, directory);
}

static int folder_create(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/spanwatch-eve-XXXXXX", base != NULL ? base : "/tmp");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(in_folder("eve.json"));
	unlink(in_folder("a/b/eve.json"));
	unlink(in_folder("file"));
	rmdir(in_folder("a/b"));
	rmdir(in_folder("a"));
	return rmdir(folder);
}

static struct sink *started(void)
{
	struct sink *sink = NULL;
	struct err err = {""};

	assert_true(sink_eve.enabled(&config));
	assert_int_equal(sink_start(&sink_eve, &config, 0, &sink, &err), 0);
	return sink;
}

static void push_all(struct sink *sink, uint64_t first, uint64_t n)
{
	uint64_t words[64] = {0};
	struct record *r = (struct record *)(void *)words;

	*r = (struct record){.type = RECORD_FLOW, .time_ns = 1504699994123456789u, .to_server = true,
			     .ends = {.client = {192, 0, 2, 1}, .server = {192, 0, 2, 2}, .ip_version = 4, .proto = 6}};
	r->length = (uint32_t)sizeof(*r) + record_body_size(RECORD_FLOW);
	assert_true(r->length <= sizeof(words));
	for (uint64_t id = first; id < first + n; id++) {
		r->flow_id = id + 1;
		while (!sink_push(sink, r))
			sched_yield();
	}
}

// Reads lines until the end: each is a whole object, ids ascend. Returns how many.
static uint64_t lines_check(FILE *in, uint64_t *bytes)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	uint64_t lines = 0;
	double last = 0;

	*bytes = 0;
	while ((n = getline(&line, &room, in)) > 0) {
		cJSON *j = cJSON_Parse(line);

		*bytes += (uint64_t)n;
		assert_int_equal(line[n - 1], '\n');
		assert_non_null(j);
		assert_string_equal(cJSON_GetObjectItem(j, "event_type")->valuestring, "flow");
		assert_true(cJSON_GetObjectItem(j, "flow_id")->valuedouble > last);
		last = cJSON_GetObjectItem(j, "flow_id")->valuedouble;
		lines++;
		cJSON_Delete(j);
	}
	free(line);
	return lines;
}

static uint64_t file_check(const char *path, uint64_t *bytes)
{
	FILE *in = fopen(path, "r");
	uint64_t lines;

	assert_non_null(in);
	lines = lines_check(in, bytes);
	fclose(in);
	return lines;
}

static void one_line_for_each_record(void **state)
{
	struct err err = {""};
	struct sink_stats stats;
	struct stat st;
	struct sink *sink;
	uint64_t bytes;

	(void)state;
	output_to(folder);
	for (unsigned run = 0; run < 2; run++) { // the second run replaces what the first has left
		sink = started();
		push_all(sink, 0, RECORDS);
		assert_int_equal(sink_stop(sink, &err), 0);
		sink_stats(sink, &stats);
		sink_free(sink);
		assert_int_equal(stats.written, RECORDS);
		assert_int_equal(file_check(in_folder("eve.json"), &bytes), RECORDS);
		assert_int_equal(stats.written_bytes, bytes);
	}
	assert_int_equal(stat(in_folder("eve.json"), &st), 0);
	assert_int_equal(st.st_mode & 0137, 0); // nobody else can read it, and it is no program
}

static void missing_folders_are_made(void **state)
{
	struct err err = {""};
	struct sink *sink;
	uint64_t bytes;

	(void)state;
	output_to(in_folder("a/b/"));
	sink = started();
	push_all(sink, 0, 1);
	assert_int_equal(sink_stop(sink, &err), 0);
	sink_free(sink);
	assert_int_equal(file_check(in_folder("a/b/eve.json"), &bytes), 1);
}

static void what_cannot_be_opened_says_so(void **state)
{
	struct sink *sink = NULL;
	struct err err = {""};
	FILE *file;

	(void)state;
	file = fopen(in_folder("file"), "w");
	assert_non_null(file);
	fclose(file);
	output_to(in_folder("file/deeper"));
	assert_int_equal(sink_start(&sink_eve, &config, 0, &sink, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "file/deeper: Not a directory"));
	assert_non_null(strstr(err.text, "choose another with -o"));
	output_to(in_folder("file"));
	assert_int_equal(sink_start(&sink_eve, &config, 0, &sink, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "file/eve.json: Not a directory"));
	assert_null(sink);
}

static void not_asked_for(void **state)
{
	(void)state;
	output_to("");
	assert_false(sink_eve.enabled(&config));
}

static void file_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void settle(const struct sink *sink)
{
	struct sink_stats s;

	do {
		sched_yield();
		sink_stats(sink, &s);
	} while (s.queued != s.written + s.dropped_error);
}

// A file that may not grow is a full disk: writes come up short, then fail.
static void a_full_disk_tears_no_line_and_may_get_room_again(void **state)
{
	struct sink_stats full, after;
	struct err err = {""};
	struct sink *sink;
	uint64_t bytes;

	(void)state;
	output_to(folder);
	sink = started();
	file_limit(100001);
	push_all(sink, 0, RECORDS);
	settle(sink);
	sink_stats(sink, &full);
	assert_true(full.dropped_error > 0 && full.written > 0);
	assert_true(full.written_bytes <= 100001 && full.written_bytes > 100001 - 1000);
	assert_int_equal(file_check(in_folder("eve.json"), &bytes), full.written);
	assert_int_equal(bytes, full.written_bytes);
	file_limit(RLIM_INFINITY);
	push_all(sink, RECORDS, RECORDS);
	assert_int_equal(sink_stop(sink, &err), -EFBIG);
	assert_non_null(strstr(err.text, "eve.json: File too large; raise the limit of file sizes"));
	sink_stats(sink, &after);
	assert_int_equal(after.written, full.written + RECORDS);
	assert_int_equal(after.dropped_error, full.dropped_error);
	assert_int_equal(file_check(in_folder("eve.json"), &bytes), after.written);
	assert_int_equal(bytes, after.written_bytes);
	sink_free(sink);
}

// ---- standard output ----

static int stdout_replace(int fd)
{
	int saved;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(saved >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	return saved;
}

static void stdout_restore(int saved)
{
	dup2(saved, STDOUT_FILENO);
	close(saved);
}

static struct sink *started_on(int fd)
{
	int saved = stdout_replace(fd);
	struct sink *sink;

	output_to("-");
	sink = started();
	stdout_restore(saved);
	return sink;
}

static void no_room_on_standard_output(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct sink *sink = started_on(fd);
	struct sink_stats stats;
	struct err err = {""};

	(void)state;
	push_all(sink, 0, 100);
	assert_int_equal(sink_stop(sink, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "cannot write to standard output: No space left on device; make room"));
	sink_stats(sink, &stats);
	assert_int_equal(stats.dropped_error, 100);
	assert_int_equal(stats.written, 0);
	sink_free(sink);
	close(fd);
}

static void a_closed_pipe_is_an_error_and_no_death(void **state)
{
	struct err err = {""};
	struct sink *sink;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	signal(SIGPIPE, SIG_DFL);
	sink = started_on(ends[1]);
	close(ends[0]);
	push_all(sink, 0, 1000);
	assert_int_equal(sink_stop(sink, &err), -EPIPE);
	assert_non_null(strstr(err.text, "standard output: Broken pipe; the reader of the pipe has gone"));
	sink_free(sink);
	close(ends[1]);
}

struct reader {
	int fd;
	bool slow;
	uint64_t lines, bytes;
};

static void *read_all(void *argument)
{
	struct reader *reader = argument;
	FILE *in;

	if (reader->slow)
		usleep(100000);
	in = fdopen(reader->fd, "r");
	reader->lines = lines_check(in, &reader->bytes);
	fclose(in);
	return NULL;
}

// flags: O_NONBLOCK is what a shell or a parent may have left on the pipe.
static void pipe_check(int flags)
{
	struct reader reader = {.slow = true};
	struct sink_stats stats;
	struct err err = {""};
	pthread_t thread;
	struct sink *sink;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, flags), 0);
	sink = started_on(ends[1]);
	close(ends[1]);
	reader.fd = ends[0];
	assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
	push_all(sink, 0, RECORDS);
	assert_int_equal(sink_stop(sink, &err), 0);
	sink_stats(sink, &stats);
	sink_free(sink);
	pthread_join(thread, NULL);
	assert_int_equal(reader.lines, RECORDS);
	assert_int_equal(reader.bytes, stats.written_bytes);
}

static void a_slow_reader_gets_every_line(void **state)
{
	(void)state;
	pipe_check(0);
	pipe_check(O_NONBLOCK);
}

static void a_list_of_sinks(void **state)
{
	(void)state;
	assert_true(sink_count >= 1);
	for (unsigned i = 0; i < sink_count; i++)
		assert_true(sink_list[i]->name != NULL && sink_list[i]->enabled != NULL && sink_list[i]->open != NULL &&
			    sink_list[i]->write != NULL && sink_list[i]->bytes != NULL && sink_list[i]->close != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_for_each_record),
		cmocka_unit_test(missing_folders_are_made),
		cmocka_unit_test(what_cannot_be_opened_says_so),
		cmocka_unit_test(not_asked_for),
		cmocka_unit_test(a_full_disk_tears_no_line_and_may_get_room_again),
		cmocka_unit_test(no_room_on_standard_output),
		cmocka_unit_test(a_closed_pipe_is_an_error_and_no_death),
		cmocka_unit_test(a_slow_reader_gets_every_line),
		cmocka_unit_test(a_list_of_sinks),
	};

	return cmocka_run_group_tests(tests, folder_create, folder_remove);
}
