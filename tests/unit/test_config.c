// The configuration: rows, values, files good and bad, the template, combinations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "base/nearest.h"

enum { ERRORS_ROOM = 65536 };

// Loads text over the defaults. errors: what was complained about.
static int load(const char *text, size_t length, struct config *config, char *errors)
{
	FILE *out = fmemopen(errors, ERRORS_ROOM, "w");
	struct err err = {0};
	int rc;

	assert_non_null(out);
	config_defaults(config);
	rc = config_load_text(config, "x.conf", text, length, out, &err);
	fclose(out);
	assert_int_equal(rc != 0, err.text[0] != '\0');
	return rc;
}

static void test_rows_cover_struct(void **state)
{
	uint8_t covered[sizeof(struct config)] = {0};
	unsigned gap = 0;

	(void)state;
	for (unsigned i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];

		for (uint32_t at = row->offset; at < row->offset + row->size; at++)
			assert_int_equal(covered[at]++, 0);
		assert_true(strlen(row->help) > 0 && strlen(row->help) < 115);
		assert_null(strchr(row->help, '\n'));
	}
	for (size_t at = 0; at < sizeof(covered); at++) { // padding is shorter than any number
		gap = covered[at] ? 0 : gap + 1;
		assert_true(gap < sizeof(double));
	}
}

static void test_defaults_are_allowed(void **state)
{
	struct config config, again;
	struct err err;

	(void)state;
	config_defaults(&config);
	memset(&again, 0, sizeof(again));
	for (unsigned i = 0; i < config_row_count; i++) {
		char name[128];

		snprintf(name, sizeof(name), "%s.%s", config_rows[i].section, config_rows[i].key);
		assert_int_equal(config_set(&again, name, config_rows[i].fallback, &err), 0);
	}
	assert_memory_equal(&config, &again, sizeof(config));
	assert_int_equal(config_check(&config, &err), 0);
	assert_int_equal(config.capture.burst, 32);
	assert_true(config.capture.promiscuous);
	assert_int_equal(config.flow.capacity, 524288);
	assert_string_equal(config.api.listen, "127.0.0.1:8480");
}

static void test_set(void **state)
{
	static const struct {
		const char *name, *value, *sentence; // NULL: taken
	} cases[] = {
		{"capture.burst", "1", NULL},
		{"capture.burst", "64", NULL},
		{"capture.burst", "0", "from 1 to 64"},
		{"capture.burst", "65", "from 1 to 64"},
		{"capture.burst", "", "whole number"},
		{"capture.burst", "-1", "whole number"},
		{"capture.burst", "+1", "whole number"},
		{"capture.burst", "1.0", "whole number"},
		{"capture.burst", "0x10", "whole number"},
		{"capture.burst", " 3", "whole number"},
		{"capture.burst", "3 ", "whole number"},
		{"capture.burst", "4294967328", "from 1 to 64"},
		{"capture.burst", "18446744073709551648", "from 1 to 64"},
		{"capture.burst", "100000000000000000000000000", "whole number"},
		{"flow.capacity", "67108864", NULL},
		{"flow.capacity", "67108865", "from 1024 to 67108864"},
		{"flow.capacity", "1023", "from 1024 to 67108864"},
		{"capture.speed", "0.5", NULL},
		{"capture.speed", "1000", NULL},
		{"capture.speed", "1000.1", "from 0 to 1000"},
		{"capture.speed", "nan", "a number"},
		{"capture.speed", "inf", "a number"},
		{"capture.speed", "1e3", "a number"},
		{"capture.speed", "1.2.3", "a number"},
		{"capture.speed", ".", "a number"},
		{"capture.stay", "true", NULL},
		{"capture.stay", "no", NULL},
		{"capture.stay", "maybe", "true or false"},
		{"capture.stay", "", "true or false"},
		{"capture.idle", "adaptive", NULL},
		{"capture.idle", "Adaptive", "auto, poll or adaptive"},
		{"capture.steer", "none", NULL},
		{"capture.steer", "hardware", "auto, software or none"},
		{"sensor.name", "", NULL},
		{"sensor.name", "a\033[31mb", "\\x1b"},
		{"capture.replay", "/tmp/\xc3\xa4.pcap", NULL},
		{"capture.bursts", "1", "did you mean capture.burst?"},
		{"captrue.burst", "1", "did you mean capture.burst?"},
		{"burst", "1", "did you mean capture.burst?"},
		{"nonsense.entirely", "1", "--generate-config"},
		{"", "1", "there is no key"},
		{".", "1", "there is no key"},
		{"capture.", "1", "there is no key"},
		{"capture.burst.x", "1", "there is no key"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config, before;
		struct err err = {0};
		int rc;

		config_defaults(&config);
		before = config;
		rc = config_set(&config, cases[i].name, cases[i].value, &err);
		if ((rc == 0) != (cases[i].sentence == NULL) || (rc != 0 && strstr(err.text, cases[i].sentence) == NULL))
			fail_msg("%s = '%s': rc %d, \"%s\"", cases[i].name, cases[i].value, rc, err.text);
		if (rc != 0)
			assert_memory_equal(&config, &before, sizeof(config));
	}
}

static void test_set_texts(void **state)
{
	char text[CONFIG_PATH_MAX + 1];
	struct config config;
	struct err err;

	(void)state;
	config_defaults(&config);
	memset(text, 'a', sizeof(text));
	text[CONFIG_PATH_MAX] = '\0';
	assert_int_equal(config_set(&config, "capture.replay", text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "up to 1023 bytes"));
	text[CONFIG_PATH_MAX - 1] = '\0';
	assert_int_equal(config_set(&config, "capture.replay", text, &err), 0);
	assert_string_equal(config.capture.replay, text);
	assert_int_equal(config_set(&config, text, "1", &err), -ENOENT);
}

static void test_load_good(void **state)
{
	static const char text[] = "\xef\xbb\xbf# a comment\r\n"
				   "; another\r\n"
				   "\r\n"
				   "[capture] # of packets\r\n"
				   "  interface = \"eth0, eth1\"   # both\r\n"
				   "\tburst=64\r\n"
				   "speed = 0.25 ; slow\r\n"
				   "idle = 'poll'\r\n"
				   "promiscuous = off\r\n"
				   "[sensor]\r\n"
				   "name = \"a # b ; \\\"c\\\" \\\\ = [d]\"\r\n"
				   "[output]\r\n"
				   "directory = John's#1 ;and a comment\r\n"
				   "[capture]\r\n"
				   "workers = 3";
	char errors[ERRORS_ROOM] = "";
	struct config config;

	(void)state;
	assert_int_equal(load(text, sizeof(text) - 1, &config, errors), 0);
	assert_string_equal(errors, "");
	assert_string_equal(config.capture.interface, "eth0, eth1");
	assert_int_equal(config.capture.burst, 64);
	assert_true(config.capture.speed == 0.25);
	assert_int_equal(config.capture.idle, CONFIG_IDLE_POLL);
	assert_false(config.capture.promiscuous);
	assert_string_equal(config.sensor.name, "a # b ; \"c\" \\ = [d]");
	assert_string_equal(config.output.directory, "John's#1");
	assert_int_equal(config.capture.workers, 3);
	assert_int_equal(config.flow.capacity, 524288);
}

static void test_load_long_value(void **state)
{
	char text[CONFIG_PATH_MAX + 64], path[CONFIG_PATH_MAX], errors[ERRORS_ROOM] = "";
	struct config config;

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	snprintf(text, sizeof(text), "[capture]\nreplay = \"%s\"\nburst = 2\n", path);
	assert_int_equal(load(text, strlen(text), &config, errors), 0);
	assert_string_equal(config.capture.replay, path);
	assert_int_equal(config.capture.burst, 2);
}

static void test_load_bad(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"burst = 1\n", "x.conf:1: there is no key burst; did you mean capture.burst?"},
		{"[capture]\n\nbrust = 1\n", "x.conf:3: there is no key capture.brust; did you mean capture.burst?"},
		{"[captures]\nburst = 1\n", "x.conf:2: there is no key captures.burst; did you mean capture.burst?"},
		{"[capture]\nburst = 65\n", "x.conf:2: capture.burst is \"65\"; it must be a whole number from 1 to 64"},
		{"[capture]\nburst =\n", "x.conf:2: capture.burst is \"\""},
		{"[capture]\nburst = # 3\n", "x.conf:2: capture.burst is \"\""},
		{"[capture]\nburst\n", "x.conf:2: this is neither"},
		{"[capture]\nburst: 3\n", "x.conf:2: this is neither"},
		{"[capture]\nBurst = 3\n", "x.conf:2: a key is made of"},
		{"[capture]\n = 3\n", "x.conf:2: a key is made of"},
		{"[capture]\n[x\nburst = 3\n", "x.conf:2: a section is written"},
		{"[capture] x\n", "x.conf:1: a section is written"},
		{"[", "x.conf:1: a section is written"},
		{"[capture]\nburst = 3\n\n[flow]\nicmp_s = 3\n[capture]\nburst = 3\n",
		 "x.conf:7: capture.burst is set a second time; the first is on line 2"},
		{"[sensor]\nname = \"abc\n", "x.conf:2: the quote"},
		{"[sensor]\nname = \"abc\\\"\n", "x.conf:2: the quote"},
		{"[sensor]\nname = \"abc\\", "x.conf:2: "},
		{"[sensor]\nname = 'abc' d\n", "x.conf:2: something stands after"},
		{"[sensor]\nname = \"a\\nb\"\n", "x.conf:2: a backslash"},
		{"[sensor]\nname = a\rb\n", "x.conf:2: sensor.name is \"a\\x0db\""},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char errors[ERRORS_ROOM] = "";
		struct config config, defaults;

		config_defaults(&defaults);
		if (load(cases[i].text, strlen(cases[i].text), &config, errors) != -EINVAL ||
		    strstr(errors, cases[i].sentence) == NULL)
			fail_msg("case %u: \"%s\" but wanted \"%s\"", i, errors, cases[i].sentence);
		assert_memory_equal(&config, &defaults, sizeof(config));
	}
}

// Every mistake is told with its line, and nothing of such a file is taken.
static void test_load_collects(void **state)
{
	static const char text[] = "[capture]\nburst = 7\nworkers = many\n[flow]\ncapacty = 4096\nicmp_s = 10\nrubbish\n";
	char errors[ERRORS_ROOM] = "";
	struct config config;

	(void)state;
	assert_int_equal(load(text, sizeof(text) - 1, &config, errors), -EINVAL);
	assert_non_null(strstr(errors, "x.conf:3: "));
	assert_non_null(strstr(errors, "x.conf:5: "));
	assert_non_null(strstr(errors, "x.conf:7: "));
	assert_null(strstr(errors, "x.conf:2: "));
	assert_int_equal(config.capture.burst, 32);
}

static void test_load_hostile(void **state)
{
	static const char with_nul[] = "[capture]\nbu\0rst = 7\n", utf16[] = "\xff\xfe[\0c\0]\0\n\0";
	static char long_line[10000], many[200 * 6];
	char errors[ERRORS_ROOM] = "", *at = errors;
	struct config config;
	unsigned lines = 0;

	(void)state;
	assert_int_equal(load(with_nul, sizeof(with_nul) - 1, &config, errors), -EINVAL);
	assert_non_null(strstr(errors, "x.conf:2: the line holds a NUL byte"));
	assert_int_equal(load(utf16, sizeof(utf16) - 1, &config, errors), -EINVAL);
	memset(long_line, 'k', sizeof(long_line));
	assert_int_equal(load(long_line, sizeof(long_line), &config, errors), -EINVAL);
	assert_non_null(strstr(errors, "x.conf:1: the line is longer"));
	for (unsigned i = 0; i < 200; i++)
		memcpy(many + i * 6, "wrong\n", 6);
	assert_int_equal(load(many, sizeof(many), &config, errors), -EINVAL);
	while ((at = strchr(at, '\n')) != NULL)
		at++, lines++;
	assert_int_equal(lines, 101);
	assert_non_null(strstr(errors, "and 100 more mistakes"));
	assert_int_equal(load("", 0, &config, errors), 0);
}

static void path_make(char *out, size_t room, const char *folder, const char *name)
{
	assert_true((size_t)snprintf(out, room, "%s/%s", folder, name) < room);
}

static void test_files(void **state)
{
	char folder[] = "/tmp/test_config.XXXXXX", path[256], errors[ERRORS_ROOM] = "";
	FILE *out = fmemopen(errors, sizeof(errors), "w");
	struct config config;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	config_defaults(&config);
	assert_int_equal(config_load(&config, folder, out, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a regular file"));
	path_make(path, sizeof(path), folder, "missing");
	assert_int_equal(config_load(&config, path, out, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	path_make(path, sizeof(path), folder, "pipe");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_load(&config, path, out, &err), -EINVAL);
	unlink(path);
	path_make(path, sizeof(path), folder, "huge");
	close(creat(path, 0600));
	assert_int_equal(truncate(path, 100 << 20), 0);
	assert_int_equal(config_load(&config, path, out, &err), -EFBIG);
	assert_int_equal(truncate(path, 1 << 20), 0); // just small enough to be looked at: one line of NULs
	assert_int_equal(config_load(&config, path, out, &err), -EINVAL);
	unlink(path);
	fclose(out);
	assert_int_equal(rmdir(folder), 0);
}

static void test_template(void **state)
{
	char folder[] = "/tmp/test_config.XXXXXX", path[256], missing[256], text[65536], errors[ERRORS_ROOM] = "";
	FILE *out = fmemopen(errors, sizeof(errors), "w"), *file;
	struct config config, defaults;
	struct err err;
	size_t length;

	(void)state;
	assert_non_null(mkdtemp(folder));
	path_make(path, sizeof(path), folder, "spanwatch.conf");
	assert_int_equal(config_write_template(path, &err), 0);
	config_defaults(&defaults);
	memset(&config, 0, sizeof(config)); // so that the file itself must set every key
	assert_int_equal(config_load(&config, path, out, &err), 0);
	assert_memory_equal(&config, &defaults, sizeof(config));

	file = fopen(path, "r");
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	for (unsigned i = 0; i < config_row_count; i++)
		assert_non_null(strstr(text, config_rows[i].help));

	assert_int_equal(config_write_template(path, &err), -EEXIST);
	path_make(missing, sizeof(missing), folder, "no/such/folder");
	assert_int_equal(config_write_template(missing, &err), -ENOENT);
	unlink(path);
	fclose(out);
	assert_int_equal(rmdir(folder), 0); // no temporary file is left
}

static void test_check(void **state)
{
	static const struct {
		const char *set[3][2];
		const char *sentence; // NULL: fine
	} cases[] = {
		{{{"capture.interface", "eth0"}, {"capture.replay", "x.pcap"}}, "only one of them"},
		{{{"capture.interface", "eth0"}, {"capture.stay", "true"}}, "capture.stay"},
		{{{"capture.interface", "eth0"}, {"capture.speed", "1"}}, "capture.speed"},
		{{{"capture.replay", "x.pcap"}, {"capture.stay", "true"}, {"capture.speed", "1"}}, NULL},
		{{{"capture.interface", "eth0, eth1,eth2"}}, NULL},
		{{{"capture.interface", "eth0,,eth1"}}, "a name is missing"},
		{{{"capture.interface", "eth0,"}}, "a name is missing"},
		{{{"capture.interface", "eth0, "}}, "a name is missing"},
		{{{"capture.interface", ","}}, "a name is missing"},
		{{{"capture.interface", " "}}, "a name is missing"},
		{{{"flow.tcp_new_s", "700"}}, "flow.tcp_established_s"},
		{{{"flow.udp_new_s", "121"}}, "flow.udp_established_s"},
		{{{"limits.mbufs", "4096"}}, "limits.mbufs"},
		{{{"limits.mbufs", "8192"}, {"capture.queues", "2"}}, "limits.mbufs"},
		{{{"limits.mbufs", "8193"}, {"capture.queues", "2"}}, NULL},
		{{{"sensor.name", "caf\xc3\xa9"}}, "sensor.name"},
		{{{"api.listen", "none"}}, NULL},
		{{{"api.listen", "0.0.0.0:1"}}, NULL},
		{{{"api.listen", "127.0.0.1:0"}}, NULL},
		{{{"api.listen", "[::1]:8480"}}, NULL},
		{{{"api.listen", "::1:8480"}}, "ADDRESS:PORT"},
		{{{"api.listen", "[]:8480"}}, "ADDRESS:PORT"},
		{{{"api.listen", "127.0.0.1"}}, "ADDRESS:PORT"},
		{{{"api.listen", "127.0.0.1:"}}, "ADDRESS:PORT"},
		{{{"api.listen", "127.0.0.1:65536"}}, "ADDRESS:PORT"},
		{{{"api.listen", "127.0.0.1:http"}}, "ADDRESS:PORT"},
		{{{"api.listen", ":8480"}}, "ADDRESS:PORT"},
		{{{"api.listen", ""}}, "ADDRESS:PORT"},
		{{{"api.listen", "unix:/run/spanwatch.sock"}}, NULL},
		{{{"api.listen", "unix:"}}, "unix socket"},
		{{{"api.listen", "unix:/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
				 "123456789/123456789"}},
		 "1 to 107 bytes"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		struct err err = {0};
		int rc;

		config_defaults(&config);
		for (unsigned j = 0; j < 3 && cases[i].set[j][0] != NULL; j++)
			assert_int_equal(config_set(&config, cases[i].set[j][0], cases[i].set[j][1], &err), 0);
		rc = config_check(&config, &err);
		if ((rc == 0) != (cases[i].sentence == NULL) || (rc != 0 && strstr(err.text, cases[i].sentence) == NULL))
			fail_msg("case %u (%s): rc %d, \"%s\"", i, cases[i].set[0][1], rc, err.text);
	}
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} cases[] = {
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"burst", "brust", 1}, {"abcd", "acbd", 1},
		{"ab", "ba", 1}, {"same", "same", 0}, {"abc", "xyz", 3},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(nearest_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(nearest_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_cover_struct), cmocka_unit_test(test_defaults_are_allowed),
		cmocka_unit_test(test_set),		  cmocka_unit_test(test_set_texts),
		cmocka_unit_test(test_load_good),	  cmocka_unit_test(test_load_long_value),
		cmocka_unit_test(test_load_bad),	  cmocka_unit_test(test_load_collects),
		cmocka_unit_test(test_load_hostile),	  cmocka_unit_test(test_files),
		cmocka_unit_test(test_template),	  cmocka_unit_test(test_check),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
