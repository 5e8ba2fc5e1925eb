// A compiled expression as native code, through rte_bpf. Needs EAL.
#ifndef FILTER_FILTER_NATIVE_H
#define FILTER_FILTER_NATIVE_H

#include <rte_bpf.h>

#include "filter/filter_expression.h"

struct filter_native {
	struct rte_bpf *bpf;
	uint64_t (*run)(void *mbuf); // NULL: there is no native code
	const char *why;             // ... because of this
};

// Never fails: without native code there is still the interpreter.
void filter_native_make(const struct filter_expression *e, struct filter_native *out);
void filter_native_free(struct filter_native *n);

#endif
