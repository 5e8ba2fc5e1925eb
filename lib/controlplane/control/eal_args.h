// What EAL is told. A person says which interface or file; cores, memory and devices follow from that and from the machine. A DPDK
// person says it all before `--` and only what is missing is not added.
//
// What can be known before EAL runs is looked at first (a file, an interface, a permission): EAL itself says yes to a device that it
// could not make.
#ifndef CONTROL_EAL_ARGS_H
#define CONTROL_EAL_ARGS_H

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"

enum { EAL_ARGS_MAX = 64, EAL_ARG_MAX = CONFIG_PATH_MAX + 128, EAL_PORTS_MAX = 16, EAL_LOG_MAX = 4096, EAL_NOTES_MAX = 2 };

struct eal_args {
	int argc;
	char *argv[EAL_ARGS_MAX];
	char text[EAL_ARGS_MAX][EAL_ARG_MAX];
	unsigned workers;
	unsigned ports;   // that must exist afterwards; 0: as many as EAL finds
	bool hugepages;
	unsigned notes;
	char note[EAL_NOTES_MAX][ERR_TEXT_MAX]; // what was decided and is worth saying
};

// memory_mb: what a number of workers needs.
int eal_args_make(int given_argc, char **given, const struct config *config,
		  unsigned (*memory_mb)(const struct config *config, unsigned workers), struct eal_args *out, struct err *err);

// rte_eal_init() with its log kept: the sentence has the line that tells why.
int eal_args_init(const struct eal_args *args, struct err *err);

// Compares the ports that were asked for with those that exist.
int eal_ports_check(const struct eal_args *args, const struct config *config, struct err *err);

#endif
