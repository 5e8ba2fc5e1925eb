// What tests of filters in control are made of: a control with workers that only say which filter they use.
#ifndef TESTS_FILTERS_CONTROL_H
#define TESTS_FILTERS_CONTROL_H

#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/filters.h"

enum { WORKERS = 2 };

static inline struct control *control_make(struct config *config)
{
	struct control *c = calloc(1, sizeof(*c));
	struct err err = {""};

	assert_non_null(c);
	c->config = config;
	c->worker_count = WORKERS;
	for (unsigned k = 0; k < WORKERS; k++) {
		c->worker[k] = aligned_alloc(_Alignof(struct worker), sizeof(struct worker));
		assert_non_null(c->worker[k]);
		memset(c->worker[k], 0, sizeof(struct worker));
	}
	assert_int_equal(filters_start(c, &err), 0);
	assert_int_equal(naming_create(c->config, &c->naming, &err), 0);
	return c;
}

static inline void control_unmake(struct control *c)
{
	filters_destroy(c);
	naming_destroy(c->naming);
	for (unsigned k = 0; k < WORKERS; k++)
		free(c->worker[k]);
	free(c);
}

static inline const struct filter *in_force(const struct control *c)
{
	const struct filter *f = atomic_load(&c->worker[0]->filter);

	assert_ptr_equal(f, atomic_load(&c->worker[1]->filter));
	return f;
}

// What the next turn of a worker says.
static inline void turn(struct worker *w)
{
	atomic_store(&w->filter_used, atomic_load(&w->filter));
}

#endif
