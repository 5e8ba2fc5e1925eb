// What clients have been told: of each client and address, the names it asked for when DNS answered with that address. A flow that
// says no name itself is likely to be for the last one that its client was told before it began.
//
// Answers are taken in the order of packet time, so what is known at any time does not depend on how many workers there are. Of each
// pair the last ENRICH_NAMES_TOLD names are kept, with the time from which and until which they hold; the pair that was answered
// longest ago makes way. A flow is looked up when it ends, by when it began: an answer that came later does not count.
#ifndef ENRICH_ENRICH_NAMES_H
#define ENRICH_ENRICH_NAMES_H

#include <stdint.h>

#include "record/record.h"

enum { ENRICH_NAMES_TOLD = 4 };

struct enrich_names;

struct enrich_names_stats {
	uint64_t capacity, used; // pairs of client and address
	uint64_t told;           // addresses in answers that were taken
	uint64_t evicted;        // pairs that made way
};

int enrich_names_create(uint32_t capacity, struct enrich_names **out); // capacity 0: nothing is remembered
void enrich_names_destroy(struct enrich_names *names);

// A record of DNS; what is no answer with addresses is passed over.
void enrich_names_learn(struct enrich_names *names, const struct record *r);

// The name that the client of these ends was told for the server before start_ns; its length, 0: none. Good until the next learn.
uint32_t enrich_names_find(const struct enrich_names *names, const struct record_ends *ends, uint64_t start_ns, const char **name);

void enrich_names_stats(const struct enrich_names *names, struct enrich_names_stats *out);

#endif
