#include "control/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker.h"

struct recent {
	uint32_t capacity, count, next;
	uint8_t *blocks; // of WORKER_FLOW_RECORD_MAX bytes
};

int recent_create(uint32_t capacity, struct recent **out)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->blocks = calloc(capacity, WORKER_FLOW_RECORD_MAX)) == NULL) {
		free(r);
		return -ENOMEM;
	}
	r->capacity = capacity;
	*out = r;
	return 0;
}

void recent_destroy(struct recent *r)
{
	if (r == NULL)
		return;
	free(r->blocks);
	free(r);
}

void recent_add(struct recent *r, const struct record *flow)
{
	if (r->capacity == 0 || flow->length > WORKER_FLOW_RECORD_MAX)
		return;
	memcpy(r->blocks + (size_t)r->next * WORKER_FLOW_RECORD_MAX, flow, flow->length);
	r->next = (r->next + 1) % r->capacity;
	if (r->count < r->capacity)
		r->count++;
}

uint32_t recent_count(const struct recent *r)
{
	return r->count;
}

const struct record *recent_at(const struct recent *r, uint32_t i)
{
	uint32_t at;

	if (i >= r->count)
		return NULL;
	at = (r->next + r->capacity - 1 - i) % r->capacity;
	return (const struct record *)(const void *)(r->blocks + (size_t)at * WORKER_FLOW_RECORD_MAX);
}
