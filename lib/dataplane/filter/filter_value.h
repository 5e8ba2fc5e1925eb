// A value of an attribute filter, as a range of numbers: a port, an address, a network and "1024-2048" are all the same.
#ifndef FILTER_FILTER_VALUE_H
#define FILTER_FILTER_VALUE_H

#include <stddef.h>

#include "filter/filter_fields.h"

struct filter_range {
	unsigned __int128 low, high;
};

int filter_value_text(const struct filter_field *field, const char *text, struct filter_range *out);
int filter_value_number(const struct filter_field *field, double number, struct filter_range *out);

// What a value may be, for a sentence.
void filter_value_wanted(const struct filter_field *field, char *out, size_t room);

#endif
