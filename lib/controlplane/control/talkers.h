// The addresses, or pairs of them, that moved most bytes, from the records of flows. Space-saving (Metwally et al., 2005) in sets of
// eight: a newcomer to a full set takes the place of its smallest and inherits its count, which is then an upper bound.
#ifndef CONTROL_TALKERS_H
#define CONTROL_TALKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/record.h"

struct talker {
	uint8_t address[16], other[16]; // other: of a pair, the larger one; zeros if there is none
	uint8_t ip_version; // 0: free
	uint64_t bytes, pkts, flows;
	uint64_t over_bytes; // at most this much of bytes may be somebody else's
};

struct talkers;

// fixed: who shares a set is the same in each run, for replays; else it is drawn, because an attacker must not choose.
int talkers_create(bool fixed, struct talkers **out);
void talkers_destroy(struct talkers *talkers);
void talkers_clear(struct talkers *talkers);

void talkers_add(struct talkers *talkers, const struct record *flow);      // both of its ends, each by itself
void talkers_add_pair(struct talkers *talkers, const struct record *flow); // whoever of the two called
// One address with what a flow moved. Returns whether it was not there.
bool talkers_add_address(struct talkers *talkers, const uint8_t address[16], const struct record *flow);

// The first n by bytes, those with as many by address; returns how many there are.
unsigned talkers_top(const struct talkers *talkers, struct talker *out, unsigned n);

#endif
