// A JSON writer that only appends, over room of the caller's. Nothing is ever written past the room: what does not fit sets a
// flag that stays, and from then on nothing is written at all, so that a caller asks once, at the end.
//
//	json_init(&j, out, sizeof(out));
//	json_object_begin(&j, NULL);
//	json_u64(&j, "packets", 7);
//	json_object_end(&j);
//	if (json_overflowed(&j)) ...
//
// key is the name of a member, or NULL for an element of an array or for the whole. That begins and ends match is the caller's
// business. Any bytes may be given as text; the output is valid JSON in valid UTF-8, and safe inside a <script>.
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *start, *at, *end;
	bool comma;    // something stands before what comes next
	bool overflow;
};

void json_init(struct json *j, char *out, size_t room);

void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);

void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
void json_double(struct json *j, const char *key, double value); // 12 digits; what is not a finite number becomes null
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
void json_string(struct json *j, const char *key, const char *text);
void json_string_bytes(struct json *j, const char *key, const void *bytes, size_t len);
void json_raw(struct json *j, const char *key, const void *bytes, size_t len); // is JSON already

static inline size_t json_length(const struct json *j)
{
	return (size_t)(j->at - j->start);
}

static inline bool json_overflowed(const struct json *j)
{
	return j->overflow;
}

// ---- what the writer is made of, for encoders that know their bounds ----

enum { JSON_U64_MAX = 20 }; // digits of the longest number

// Writes at most JSON_U64_MAX digits; returns the end.
char *json_put_u64(char *at, uint64_t value);

// Writes bytes as the inside of a string, up to end; what does not fit is cut between two characters. Returns the end of what
// was written; *taken (may be NULL) says how many bytes of the input that covers.
char *json_put_text(char *at, char *end, const void *bytes, size_t len, size_t *taken);

#endif
