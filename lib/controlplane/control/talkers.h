// The addresses that moved most bytes, from the flows that have ended. Space-saving (Metwally et al., 2005) in sets of eight: a
// newcomer to a full set takes the place of its smallest and inherits its count, which is then an upper bound.
#ifndef CONTROL_TALKERS_H
#define CONTROL_TALKERS_H

#include <stdint.h>

#include "record/record.h"

struct talker {
	uint8_t address[16];
	uint8_t ip_version; // 0: free
	uint64_t bytes, pkts, flows;
	uint64_t over_bytes; // at most this much of bytes may be somebody else's
};

struct talkers;

int talkers_create(struct talkers **out);
void talkers_destroy(struct talkers *talkers);
void talkers_add(struct talkers *talkers, const struct record *flow);
// The first n by bytes; returns how many there are.
unsigned talkers_top(const struct talkers *talkers, struct talker *out, unsigned n);

#endif
