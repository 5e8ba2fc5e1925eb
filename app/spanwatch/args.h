// The command line: what to do, and the configuration that results from file and options together.
//
// DPDK style is recognised by one rule: if there is a "--", what stands before it is EAL's and what stands after it is ours.
#ifndef SPANWATCH_ARGS_H
#define SPANWATCH_ARGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "config/config.h"

enum args_action { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_LIST, ARGS_GATEWAYS, ARGS_GENERATE_CONFIG, ARGS_FILTER_HELP, ARGS_PROTOCOLS };

struct args {
	enum args_action action;
	struct config config;     // checked when action is ARGS_RUN
	const char *generate;     // ARGS_GENERATE_CONFIG: the file to write
	const char *config_path;  // the file that was read, NULL: none
	int eal_argc;             // DPDK style: argv[0] and what stood before "--"; 0: EAL arguments are to be derived
	char **eal_argv;
	bool api_given;           // somebody asked for the API by --api or --set api.listen
};

// File first, then options in their order. Mistakes inside a configuration file go to stderr, a line each; everything else
// is one sentence in err. Returns 0 or -EINVAL (or what config_load returned). argv may be permuted; out points into it.
//
// A replay that does not stay has nobody to answer: unless api_given, its config.api.listen becomes "none".
int args_parse(int argc, char **argv, struct args *out, struct err *err);

// The same file and options again, for a program that runs: everything is one sentence in err, with the first mistake of the file.
int args_read_again(int argc, char **argv, struct config *out, struct err *err);

void args_print_help(FILE *out);
void args_print_version(FILE *out);

#endif
