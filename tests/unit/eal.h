// A small environment for tests that need rte_hash and rte_malloc: no hugepages, no devices, nothing shared. Takes some milliseconds.
#ifndef TESTS_EAL_H
#define TESTS_EAL_H

#include <rte_eal.h>

static inline int eal_start(void **state)
{
	static char args[][24] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "--log-level=lib.*:error",
				  "-m", "256", "-l", "0"};
	char *argv[sizeof(args) / sizeof(args[0])];

	(void)state;
	for (unsigned i = 0; i < sizeof(args) / sizeof(args[0]); i++)
		argv[i] = args[i];
	return rte_eal_init(sizeof(args) / sizeof(args[0]), argv) < 0 ? -1 : 0;
}

static inline int eal_stop(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

#endif
