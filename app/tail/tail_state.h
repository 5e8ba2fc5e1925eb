// What has been written, as a small file of text: a line for each stream, its key and the id of the last entry. It is replaced as a
// whole, so that it is always one that was true.
#ifndef TAIL_STATE_H
#define TAIL_STATE_H

#include "tail_args.h"

enum { TAIL_STATE_MAX = 256 }; // streams, those that are not followed this time included

struct tail_state {
	const char *path; // NULL: nothing is remembered
	unsigned count;
	struct {
		char key[TAIL_KEY_MAX], id[TAIL_ID_MAX];
	} row[TAIL_STATE_MAX];
};

// 0, also if there is no such file yet; otherwise a negative errno with a sentence.
int tail_state_load(struct tail_state *state, const char *path, struct err *err);
const char *tail_state_get(const struct tail_state *state, const char *key); // NULL: nothing is known
int tail_state_set(struct tail_state *state, const char *key, const char *id, struct err *err);
int tail_state_save(const struct tail_state *state, struct err *err);

#endif
