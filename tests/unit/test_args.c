// The command line, table by table: what is understood, what is refused and with which sentence, what stands before "--".
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"

enum { WORDS_MAX = 16 };

struct line {
	int argc;
	char *argv[WORDS_MAX + 1];
	char text[2048];
};

// Words are separated by blanks, which is all these tests need; '' is an empty word.
static void line_split(struct line *line, const char *text)
{
	char *next;

	memset(line, 0, sizeof(*line));
	snprintf(line->text, sizeof(line->text), "spanwatch %s", text);
	for (char *word = strtok_r(line->text, " ", &next); word != NULL; word = strtok_r(NULL, " ", &next)) {
		assert_true(line->argc < WORDS_MAX);
		line->argv[line->argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
	}
}

static int parse(struct line *line, const char *text, struct args *args, struct err *err)
{
	line_split(line, text);
	memset(err, 0, sizeof(*err));
	return args_parse(line->argc, line->argv, args, err);
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *sentence;
	} cases[] = {
		{"", "spanwatch --list"},
		{"-v -w 2", "nothing to capture"},
		{"-i eth0 -r x.pcap", "only one of them"},
		{"-i", "--interface wants IF[,IF] behind it"},
		{"-r", "--replay wants FILE behind it"},
		{"--replay", "--replay wants FILE behind it"},
		{"-r ''", "its value is empty"},
		{"-i ''", "its value is empty"},
		{"--api=", "its value is empty"},
		{"-r a -r b", "given twice"},
		{"-r a --replay b", "given twice"},
		{"-c a -lcf b", "cannot open the configuration a"},
		{"-i eth0 -w many", "capture.workers is \"many\"; it must be a whole number from 0 to 64"},
		{"-i eth0 -w 65", "from 0 to 64"},
		{"-i eth0 -w -1", "from 0 to 64"},
		{"-r x --speed fast", "capture.speed is \"fast\""},
		{"-i eth0 --speed 1", "--speed"},
		{"-i eth0 --stay", "--stay"},
		{"-i eth0 --api 8480", "ADDRESS:PORT"},
		{"-i eth0,,eth1", "a name is missing"},
		{"-i eth0 --set burst=1", "did you mean capture.burst?"},
		{"-i eth0 --set capture.burst", "SECTION.KEY=VALUE"},
		{"-i eth0 --set =1", "there is no key"},
		{"-i eth0 --set capture.burst=65", "from 1 to 64"},
		{"-i eth0 --set limits.mbufs=64", "limits.mbufs"},
		{"-I", "there is no option -I"},
		{"-v -xr", "there is no option -x"},
		{"--stay=1 -r x", "--stay takes no value"},
		{"--verbose=1 -r x", "--verbose takes no value"},
		{"--replya x", "did you mean --replay?"},
		{"--repaly=x", "did you mean --replay?"},
		{"--doctor", "there is no option --doctor"},
		{"--\033[31m", "\\x1b"},
		{"x.pcap", "\"x.pcap\" belongs to no option"},
		{"-r x y", "\"y\" belongs to no option"},
		{"-c /nonexistent/spanwatch.conf -i eth0", "/nonexistent/spanwatch.conf"},
		{"-l 0-1 -- -r", "--replay wants FILE"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line line;
		struct args args;
		struct err err;

		if (parse(&line, cases[i].line, &args, &err) == 0 || strstr(err.text, cases[i].sentence) == NULL)
			fail_msg("\"%s\" gave \"%s\"", cases[i].line, err.text);
	}
}

static void test_actions(void **state)
{
	static const struct {
		const char *line;
		enum args_action action;
	} cases[] = {
		{"-i eth0", ARGS_RUN},
		{"-h", ARGS_HELP},
		{"--help", ARGS_HELP},
		{"-c /nonexistent -h", ARGS_HELP},
		{"-h --nonsense", ARGS_HELP},
		{"-vh", ARGS_HELP},
		{"-V", ARGS_VERSION},
		{"--version", ARGS_VERSION},
		{"--list", ARGS_LIST},
		{"-li", ARGS_LIST},
		{"--gateways", ARGS_GATEWAYS},
		{"-lg", ARGS_GATEWAYS},
		{"-gcf out.conf", ARGS_GENERATE_CONFIG},
		{"--generate-config out.conf", ARGS_GENERATE_CONFIG},
		{"--generate-config=out.conf", ARGS_GENERATE_CONFIG},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line line;
		struct args args;
		struct err err;

		if (parse(&line, cases[i].line, &args, &err) != 0 || args.action != cases[i].action)
			fail_msg("\"%s\" gave action %d, \"%s\"", cases[i].line, args.action, err.text);
		if (args.action == ARGS_GENERATE_CONFIG)
			assert_string_equal(args.generate, "out.conf");
	}
}

static void test_values(void **state)
{
	struct line line;
	struct args args;
	struct err err;

	(void)state;
	assert_int_equal(parse(&line, "-i eth0,eth1 -w 3 -i eth2 -v -o out --set flow.capacity=4096 --set capture.burst=1 "
			       "--set capture.burst=2", &args, &err), 0);
	assert_string_equal(args.config.capture.interface, "eth0,eth1, eth2");
	assert_int_equal(args.config.capture.workers, 3);
	assert_int_equal(args.config.capture.burst, 2);
	assert_int_equal(args.config.flow.capacity, 4096);
	assert_string_equal(args.config.output.directory, "out");
	assert_true(args.config.sensor.verbose);
	assert_true(args.config.sensor.name[0] != '\0');
	assert_int_equal(args.eal_argc, 0);

	assert_int_equal(parse(&line, "--replay=x.pcap --speed 0.5 --stay -o - --set sensor.name=lab", &args, &err), 0);
	assert_string_equal(args.config.capture.replay, "x.pcap");
	assert_true(args.config.capture.stay);
	assert_true(args.config.capture.speed == 0.5);
	assert_string_equal(args.config.output.directory, "-");
	assert_string_equal(args.config.sensor.name, "lab");
}

static void test_interfaces_too_long(void **state)
{
	char text[1600] = "-i ";
	struct line line;
	struct args args;
	struct err err;

	(void)state;
	memset(text + 3, 'a', 1100);
	assert_true(parse(&line, text, &args, &err) != 0);
	assert_non_null(strstr(err.text, "up to 1023 bytes"));
}

static void test_api(void **state)
{
	static const struct {
		const char *line, *listen;
		bool given;
	} cases[] = {
		{"-i eth0", "127.0.0.1:8480", false},
		{"-i eth0 --api none", "none", true},
		{"-r x", "none", false},
		{"-r x --stay", "127.0.0.1:8480", false},
		{"-r x --api [::1]:80", "[::1]:80", true},
		{"-r x --set api.listen=unix:/tmp/s", "unix:/tmp/s", true},
		{"--vdev net_tap0 --", "127.0.0.1:8480", false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line line;
		struct args args;
		struct err err;

		assert_int_equal(parse(&line, cases[i].line, &args, &err), 0);
		assert_string_equal(args.config.api.listen, cases[i].listen);
		assert_int_equal(args.api_given, cases[i].given);
	}
}

static void test_eal(void **state)
{
	struct line line;
	struct args args;
	struct err err;

	(void)state;
	assert_int_equal(parse(&line, "-l 0-1 --vdev net_pcap0,rx_pcap=x -- -w 2 -o out", &args, &err), 0);
	assert_int_equal(args.eal_argc, 5);
	assert_string_equal(args.eal_argv[0], "spanwatch");
	assert_string_equal(args.eal_argv[2], "0-1");
	assert_string_equal(args.eal_argv[4], "net_pcap0,rx_pcap=x");
	assert_int_equal(args.config.capture.workers, 2);
	assert_string_equal(args.config.output.directory, "out");

	// options that both know belong to the side they stand on, also those with two letters
	assert_int_equal(parse(&line, "-v -li -- -i eth0", &args, &err), 0);
	assert_int_equal(args.eal_argc, 3);
	assert_string_equal(args.eal_argv[2], "-li");
	assert_false(args.config.sensor.verbose);
	assert_int_equal(args.action, ARGS_RUN);

	assert_int_equal(parse(&line, "--", &args, &err), 0);
	assert_int_equal(args.eal_argc, 1);
}

struct file {
	char path[64], line[256];
};

static void file_make(struct file *file, const char *text, const char *option, const char *rest)
{
	FILE *out;
	int fd;

	strcpy(file->path, "/tmp/test_args.XXXXXX");
	fd = mkstemp(file->path);
	assert_true(fd >= 0);
	out = fdopen(fd, "w");
	fputs(text, out);
	fclose(out);
	snprintf(file->line, sizeof(file->line), "%s %s %s", rest, option, file->path);
}

// The file comes first wherever it stands, and a source named by an option takes the place of the file's.
static void test_file(void **state)
{
	static const char *const spellings[] = {"-c", "--config", "-lcf", "--load-config"};
	static const char text[] = "[capture]\nworkers = 5\nburst = 8\ninterface = \"eth7\"\n[api]\nlisten = \"none\"\n";
	struct line line;
	struct args args;
	struct file file;
	struct err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		file_make(&file, text, spellings[i], "-w 2");
		assert_int_equal(parse(&line, file.line, &args, &err), 0);
		assert_string_equal(args.config_path, file.path);
		assert_int_equal(args.config.capture.workers, 2);
		assert_int_equal(args.config.capture.burst, 8);
		assert_string_equal(args.config.capture.interface, "eth7");
		assert_string_equal(args.config.api.listen, "none");
		unlink(file.path);
	}
	file_make(&file, text, "-c", "-r x.pcap");
	assert_int_equal(parse(&line, file.line, &args, &err), 0);
	assert_string_equal(args.config.capture.interface, "");
	assert_string_equal(args.config.capture.replay, "x.pcap");
	unlink(file.path);

	file_make(&file, text, "-c", "-i eth1 -i eth2");
	assert_int_equal(parse(&line, file.line, &args, &err), 0);
	assert_string_equal(args.config.capture.interface, "eth1, eth2");
	unlink(file.path);

	file_make(&file, text, "-c", "-c /nonexistent");
	assert_true(parse(&line, file.line, &args, &err) != 0);
	unlink(file.path);

	file_make(&file, "[capture]\ninterface = a\nreplay = b\n", "-c", "-v");
	assert_true(parse(&line, file.line, &args, &err) != 0);
	assert_non_null(strstr(err.text, "only one of them"));
	unlink(file.path);
}

// The first mistake of the file is the sentence, and nothing is taken from it.
static void test_read_again(void **state)
{
	struct config config = {.capture.burst = 7};
	struct line line;
	struct args args;
	struct file file;
	struct err err;
	FILE *out;

	(void)state;
	file_make(&file, "[capture]\nburst = 8\n", "-c", "-i eth0 -w 3");
	assert_int_equal(parse(&line, file.line, &args, &err), 0);
	out = fopen(file.path, "w");
	fputs("[capture]\nburts = 9\nfilter = udp\nnothing = 5\n", out);
	fclose(out);
	assert_true(args_read_again(line.argc, line.argv, &config, &err) < 0);
	assert_non_null(strstr(err.text, ":2: there is no key capture.burts; did you mean capture.burst?"));
	assert_int_equal(config.capture.burst, 7);
	out = fopen(file.path, "w");
	fputs("[capture]\nburst = 9\nfilter = udp\n", out);
	fclose(out);
	assert_int_equal(args_read_again(line.argc, line.argv, &config, &err), 0);
	assert_int_equal(config.capture.burst, 9);
	assert_string_equal(config.capture.filter, "udp");
	assert_int_equal(config.capture.workers, 3);
	unlink(file.path);
	assert_true(args_read_again(line.argc, line.argv, &config, &err) < 0);
	assert_non_null(strstr(err.text, file.path));
}

static void test_file_twice(void **state)
{
	char text[512];
	struct line line;
	struct args args;
	struct file file;
	struct err err;

	(void)state;
	file_make(&file, "[capture]\nburst = 8\n", "-c", "-i eth0");
	snprintf(text, sizeof(text), "%s -lcf %s", file.line, file.path);
	assert_true(parse(&line, text, &args, &err) != 0);
	assert_non_null(strstr(err.text, "given twice"));
	unlink(file.path);
}

static void test_help(void **state)
{
	static const char *const words[] = {"Usage:", "Examples:", "-i, --interface IF[,IF]", "--generate-config FILE",
					    "--set SECTION.KEY=VALUE", "--list", "Exit codes:", "127.0.0.1:8480"};
	static char text[16384];
	FILE *out = fmemopen(text, sizeof(text), "w");
	char *next;

	(void)state;
	args_print_help(out);
	fclose(out);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_non_null(strstr(text, words[i]));
	for (char *at = strtok_r(text, "\n", &next); at != NULL; at = strtok_r(NULL, "\n", &next))
		if (strlen(at) > 100)
			fail_msg("%zu columns: %s", strlen(at), at);
}

static void test_version(void **state)
{
	char text[128] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	args_print_version(out);
	fclose(out);
	assert_int_equal(strncmp(text, "spanwatch ", 10), 0);
	assert_non_null(strstr(text, SPANWATCH_VERSION " (DPDK 2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_actions),
		cmocka_unit_test(test_values),	cmocka_unit_test(test_interfaces_too_long),
		cmocka_unit_test(test_api),	cmocka_unit_test(test_eal),
		cmocka_unit_test(test_file),	cmocka_unit_test(test_read_again), cmocka_unit_test(test_file_twice),
		cmocka_unit_test(test_help),	cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
