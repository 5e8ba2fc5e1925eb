// The flows that ended last, for people who ask what was there: a ring of the newest, bounded.
#ifndef CONTROL_RECENT_H
#define CONTROL_RECENT_H

#include <stdint.h>

#include "record/record.h"

struct recent;

int recent_create(uint32_t capacity, struct recent **out);
void recent_destroy(struct recent *recent);
void recent_add(struct recent *recent, const struct record *flow);
uint32_t recent_count(const struct recent *recent);
// i = 0: the newest. NULL beyond the count. Good until the next recent_add().
const struct record *recent_at(const struct recent *recent, uint32_t i);

#endif
