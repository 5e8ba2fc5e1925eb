// What EAL is told. A person says which interface or file; cores, memory and devices follow from that and from the machine. A DPDK
// person says it all before `--`; then only the devices of -i and -r are added.
//
// What can be known before EAL runs is looked at first (control/preflight.h), and what EAL made is compared with what was asked
// for: EAL itself says yes to a device that it could not make.
#ifndef CONTROL_EAL_ARGS_H
#define CONTROL_EAL_ARGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "config/config.h"

enum { EAL_ARGS_MAX = 64, EAL_ARG_MAX = CONFIG_PATH_MAX + 128, EAL_PORTS_MAX = 16, EAL_NAME_MAX = 64, EAL_LOG_MAX = 4096, EAL_NOTES_MAX = 8 };

struct eal_port {
	char device[EAL_NAME_MAX]; // as EAL calls it
	char name[CONFIG_PATH_MAX]; // as the user does
};

struct eal_args {
	int argc;
	char *argv[EAL_ARGS_MAX]; // into text, so a copy of this struct is of no use
	char text[EAL_ARGS_MAX][EAL_ARG_MAX];
	bool cut;         // something did not fit
	unsigned workers; // 0: as many as EAL has worker lcores
	unsigned ports;
	struct eal_port port[EAL_PORTS_MAX]; // that must exist afterwards
	bool hugepages;
	unsigned notes;
	char note[EAL_NOTES_MAX][ERR_TEXT_MAX]; // what was decided and is worth saying
	FILE *log_stream;
	char log[EAL_LOG_MAX]; // of EAL's start
};

// memory_mb: what a number of workers needs.
int eal_args_make(int given_argc, char **given, const struct config *config,
		  unsigned (*memory_mb)(const struct config *config, unsigned workers), struct eal_args *out, struct err *err);

// rte_eal_init() with its log kept: the sentence has the line that tells why.
int eal_args_init(struct eal_args *args, struct err *err);

// Compares the ports that were asked for with those that exist.
int eal_ports_check(struct eal_args *args, const struct config *config, struct err *err);

#endif
