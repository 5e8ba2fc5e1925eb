// A record as one EVE JSON object, by walking the field table.
#ifndef RECORD_RECORD_JSON_H
#define RECORD_RECORD_JSON_H

#include <stddef.h>

#include "record/record_fields.h"

// No record is longer than this as JSON. A record that a worker made is never near it; one that would be has texts cut.
// FIXED: what of it is not text.
enum { RECORD_JSON_MAX = 131072, RECORD_JSON_FIXED_MAX = 16384 };

// Writes the object without a final newline. out has room for RECORD_JSON_MAX bytes. Returns its length; 0 for what is
// not a record.
size_t record_json(const struct record *r, const struct record_context *context, char *out);

#endif
