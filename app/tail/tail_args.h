// What spanwatch-tail was asked to do. Nothing here touches the network; the files it names are opened elsewhere.
#ifndef TAIL_ARGS_H
#define TAIL_ARGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

enum { TAIL_STREAMS = 3, TAIL_SENSORS_MAX = 32, TAIL_KEYS_MAX = TAIL_STREAMS * TAIL_SENSORS_MAX, TAIL_ADDRESSES_MAX = 16 };
enum { TAIL_NAME_MAX = 256, TAIL_ADDRESS_MAX = 300, TAIL_SECRET_MAX = 512, TAIL_ID_MAX = 44, TAIL_KEY_MAX = TAIL_NAME_MAX + 16 };

extern const char *const tail_stream_names[TAIL_STREAMS]; // "flows", "alerts", "events"

enum tail_action { TAIL_RUN, TAIL_HELP, TAIL_VERSION };

struct tail_args {
	enum tail_action action;
	char address[TAIL_ADDRESSES_MAX][TAIL_ADDRESS_MAX]; // HOST:PORT or unix:PATH
	unsigned addresses;
	char sensor[TAIL_SENSORS_MAX][TAIL_NAME_MAX];
	unsigned sensors;
	bool stream[TAIL_STREAMS];
	char group[TAIL_NAME_MAX], consumer[TAIL_NAME_MAX]; // group empty: none
	char from[TAIL_ID_MAX]; // an id to go on after, or "$": the end
	const char *state_path; // NULL: none
	bool with_id, once;
	unsigned claim_after_s, database;
	char user[TAIL_NAME_MAX], password[TAIL_SECRET_MAX]; // empty: none
};

// 0, or -EINVAL (or what kept it from reading the password's file) with a sentence.
int tail_args_parse(int argc, char **argv, struct tail_args *out, struct err *err);
void tail_args_help(FILE *out);

// Whether text is the id of an entry: NUMBER or NUMBER-NUMBER, as Redis takes it.
bool tail_id_valid(const char *text);

#endif
