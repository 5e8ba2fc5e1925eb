// What EAL is told, from a configuration and the machine this runs on; and the sentences about what cannot be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/eal_args.h"
#include "control/preflight.h"

static const uint8_t EMPTY_CAPTURE[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [17] = 0, [18] = 4, [20] = 1};
enum { MEMORY_MB = 1 << 20 }; // more than any machine has of hugepages

static struct eal_args args;
static struct config config;
static struct err err;

static unsigned memory_mb(const struct config *of, unsigned workers)
{
	assert_ptr_equal(of, &config);
	assert_true(workers > 0);
	return MEMORY_MB;
}

static int make(int argc, char **argv)
{
	memset(&err, 0, sizeof(err));
	return eal_args_make(argc, argv, &config, memory_mb, &args, &err);
}

// The argument that begins so, without that beginning.
static const char *argument(const char *beginning)
{
	for (int i = 0; i < args.argc; i++)
		if (strncmp(args.argv[i], beginning, strlen(beginning)) == 0)
			return args.argv[i] + strlen(beginning);
	return NULL;
}

static bool noted(const char *words)
{
	for (unsigned i = 0; i < args.notes; i++)
		if (strstr(args.note[i], words) != NULL)
			return true;
	return false;
}

static void capture_make(const char *name)
{
	FILE *out;

	config_defaults(&config);
	snprintf(config.capture.replay, sizeof(config.capture.replay), "/tmp/test_eal_args.%d.%s", getpid(), name);
	out = fopen(config.capture.replay, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(EMPTY_CAPTURE, 1, sizeof(EMPTY_CAPTURE), out), sizeof(EMPTY_CAPTURE));
	fclose(out);
}

static void test_replay(void **state)
{
	(void)state;
	capture_make("pcap");
	assert_int_equal(make(0, NULL), 0);
	unlink(config.capture.replay);
	assert_string_equal(args.argv[0], "spanwatch");
	assert_string_equal(argument("--vdev=net_pcap_replay,rx_pcap="), config.capture.replay);
	assert_non_null(argument("--no-pci"));
	assert_non_null(argument("--no-telemetry"));
	assert_non_null(argument("--no-huge"));
	assert_null(argument("--in-memory"));
	assert_int_equal(args.workers, 1);
	assert_int_equal(args.ports, 1);
	assert_string_equal(args.port[0].name, config.capture.replay);
	assert_true(noted("without hugepages"));
}

// EAL would take what follows a comma for its own.
static void test_odd_name(void **state)
{
	char target[CONFIG_PATH_MAX] = "";
	const char *path;

	(void)state;
	capture_make("a, b=c.pcap");
	assert_int_equal(make(0, NULL), 0);
	path = argument("--vdev=net_pcap_replay,rx_pcap=");
	assert_non_null(path);
	assert_null(strpbrk(path, ",="));
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, config.capture.replay);
	unlink(config.capture.replay);
}

// lcore 0 is control on the first CPU; the workers take the others, and all in turn when there are too few.
static void test_lcores(void **state)
{
	cpu_set_t all, some;
	int cpu[2] = {-1, -1};
	char expected[64];

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&some);
	for (int i = 0, n = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET((size_t)i, &all)) {
			CPU_SET((size_t)i, &some);
			cpu[n++] = i;
		}
	capture_make("pcap");
	config.capture.workers = 3;
	assert_int_equal(sched_setaffinity(0, sizeof(some), &some), 0);
	if (cpu[1] >= 0) {
		assert_int_equal(make(0, NULL), 0);
		snprintf(expected, sizeof(expected), "0@%d,1@%d,2@%d,3@%d", cpu[0], cpu[1], cpu[0], cpu[1]);
		assert_string_equal(argument("--lcores="), expected);
		assert_true(noted("3 workers share 2 cores with each other and control"));
		config.capture.workers = 1;
		assert_int_equal(make(0, NULL), 0);
		assert_false(noted("share"));
		config.capture.workers = 3;
		CPU_CLR((size_t)cpu[1], &some);
		assert_int_equal(sched_setaffinity(0, sizeof(some), &some), 0);
	}
	assert_int_equal(make(0, NULL), 0);
	snprintf(expected, sizeof(expected), "0@%d,1@%d,2@%d,3@%d", cpu[0], cpu[0], cpu[0], cpu[0]);
	assert_string_equal(argument("--lcores="), expected);
	assert_true(noted("3 workers share 1 core with each other and control"));
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	unlink(config.capture.replay);
}

// What a person gave stands as it is; only the devices of -i and -r are added.
static void test_given(void **state)
{
	char words[][48] = {"spanwatch", "-l", "0,1", "--vdev", "net_tap0,iface=x", "--vdev=net_ring0", "--vdev=crypto_null0"};
	char *given[7];

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		given[i] = words[i];
	config_defaults(&config);
	assert_int_equal(make(7, given), 0);
	assert_int_equal(args.argc, 7);
	for (int i = 0; i < 7; i++)
		assert_string_equal(args.argv[i], words[i]);
	assert_int_equal(args.ports, 2);
	assert_string_equal(args.port[0].device, "net_tap0");
	assert_string_equal(args.port[0].name, "net_tap0,iface=x");
	assert_string_equal(args.port[1].device, "net_ring0");

	capture_make("pcap");
	assert_int_equal(make(3, given), 0);
	unlink(config.capture.replay);
	assert_int_equal(args.argc, 4);
	assert_int_equal(args.ports, 1);
	assert_null(argument("--lcores="));
}

static void test_too_many(void **state)
{
	char *given[EAL_ARGS_MAX], word[] = "-v";

	(void)state;
	for (unsigned i = 0; i < EAL_ARGS_MAX; i++)
		given[i] = word;
	config_defaults(&config);
	assert_true(make(EAL_ARGS_MAX, given) < 0);
	assert_non_null(strstr(err.text, "EAL arguments"));
	assert_int_equal(make(EAL_ARGS_MAX - 1, given), 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *replay, *interface, *say;
	} cases[] = {
		{"/nonexistent.pcap", "", "/nonexistent.pcap: No such file"},
		{"/tmp", "", "a directory"},
		{"/proc/self/exe", "", "not a capture"},
		{"", "l0", "did you mean lo?"},
		{"", "nothing-like-it-at-all", "no such interface"},
		{"", "ffff:1f:1f.7", "no such PCI device"},
		{"", "1f:1f.7", "0000:1f:1f.7: no such PCI device"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		config_defaults(&config);
		snprintf(config.capture.replay, sizeof(config.capture.replay), "%s", cases[i].replay);
		snprintf(config.capture.interface, sizeof(config.capture.interface), "%s", cases[i].interface);
		assert_true(make(0, NULL) < 0);
		if (strstr(err.text, cases[i].say) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].say);
	}
}

static void test_interface(void **state)
{
	unsigned queues, block, size, count;

	(void)state;
	config_defaults(&config);
	config.capture.workers = 2;
	strcpy(config.capture.interface, "lo");
	if (make(0, NULL) < 0) { // who may not capture is told how to
		assert_non_null(strstr(err.text, "setcap"));
		return;
	}
	assert_int_equal(args.ports, 1);
	assert_string_equal(args.port[0].device, "net_af_packet_lo");
	assert_int_equal(sscanf(argument("--vdev=net_af_packet_lo,"), "iface=lo,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u", &queues, &block, &size,
				&count), 4);
	assert_int_equal(queues, 2);
	assert_int_equal(block % size, 0);
	assert_int_equal(count % (block / size), 0);
	assert_true((uint64_t)size * count * queues <= 128u << 20);
}

// Live it is on, unless EAL could not make its socket: that would end the start.
static void test_telemetry(void **state)
{
	char folder[] = "/tmp/test_eal_args.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	config_defaults(&config);
	strcpy(config.capture.interface, "lo");
	setenv("RUNTIME_DIRECTORY", folder, 1);
	if (make(0, NULL) == 0) { // who may not capture has seen why in test_interface
		assert_null(argument("--no-telemetry"));
		assert_false(noted("telemetry"));
		setenv("RUNTIME_DIRECTORY", "/nonexistent", 1);
		assert_int_equal(make(0, NULL), 0);
		assert_non_null(argument("--no-telemetry"));
		assert_true(noted("no DPDK telemetry: /nonexistent cannot be written"));
	}
	unsetenv("RUNTIME_DIRECTORY");
	rmdir(folder);
}

static void test_pci(void **state)
{
	char full[PREFLIGHT_PCI_MAX];

	(void)state;
	assert_true(preflight_pci("0000:03:00.1", full));
	assert_string_equal(full, "0000:03:00.1");
	assert_true(preflight_pci("3B:00.0", full));
	assert_string_equal(full, "0000:3b:00.0");
	assert_false(preflight_pci("eth0", full));
	assert_false(preflight_pci("03:00.0x", full));
	assert_false(preflight_pci("", full));
	assert_true(preflight_any_pci("eth0, 03:00.0"));
	assert_false(preflight_any_pci("eth0,lo"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),	  cmocka_unit_test(test_odd_name), cmocka_unit_test(test_lcores),
		cmocka_unit_test(test_given),	  cmocka_unit_test(test_too_many), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_interface), cmocka_unit_test(test_pci),
		cmocka_unit_test(test_telemetry),
	};

	return cmocka_run_group_tests_name("eal_args", tests, NULL, NULL);
}
