// Attribute filters: the JSON of --attributes compiled to comparisons of numbers. Bounded, immutable, no strings left at run time.
// No DPDK.
#ifndef FILTER_FILTER_ATTRIBUTES_H
#define FILTER_FILTER_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "filter/filter_value.h"
#include "packet/packet.h"

enum { FILTER_ATTRIBUTES_BYTES_MAX = 1 << 18, FILTER_RULES_MAX = 256, FILTER_COMPARISONS_MAX = 1024, FILTER_RANGES_MAX = 4096 };

// The place is there, and, where there are bytes to read, their value is in one of the ranges.
struct filter_comparison {
	uint8_t place; // enum filter_place
	uint8_t offset, bytes, shift, bits, option;
	uint16_t number; // EtherType or IP protocol, for the places that need one
	uint16_t first, count; // ranges
};

struct filter_rule {
	uint16_t first, count; // comparisons; all have to hold
	bool keep;
};

struct filter_attributes {
	unsigned rules, comparisons, ranges;
	bool otherwise_keep; // where no rule holds
	struct filter_rule rule[FILTER_RULES_MAX];
	struct filter_comparison comparison[FILTER_COMPARISONS_MAX];
	struct filter_range range[FILTER_RANGES_MAX];
};

// What a port is called. An interface that is not captured from is no mistake: nothing comes from it.
struct filter_port {
	const char *name;
	uint16_t id;
};

// name stands in the sentences, which say line, column and word.
int filter_attributes_compile(const char *name, const char *text, size_t length, const struct filter_port *ports, unsigned port_count,
			      struct filter_attributes **out, struct err *err);
void filter_attributes_free(struct filter_attributes *a);

bool filter_attributes_keep(const struct filter_attributes *a, const struct packet *p, uint16_t port);

#endif
