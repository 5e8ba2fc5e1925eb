// A record as one EVE JSON object, by walking the field table.
#ifndef RECORD_RECORD_JSON_H
#define RECORD_RECORD_JSON_H

#include <stddef.h>

#include "record/record.h"

enum { RECORD_JSON_MAX = 65536 }; // no record is longer than this as JSON

struct record_json_context {
	const char *sensor;                    // spanwatch.sensor
	const char *(*app_name)(unsigned app); // proto_name, given by the caller because record knows no protocols
};

// Writes the object without a final newline. out has room for RECORD_JSON_MAX bytes. Returns its length.
size_t record_json(const struct record *r, const struct record_json_context *context, char *out);

#endif
