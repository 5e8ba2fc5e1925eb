// What the HTTP sink is made of, for sink_http.c and for tests: its settings, bodies and keys of batches, and what answers mean.
#ifndef SINK_SINK_HTTP_H
#define SINK_SINK_HTTP_H

#include <curl/curl.h>

#include "sink/sink_remote.h"

enum { HTTP_INSTANCE_ROOM = 2 * SPOOL_INSTANCE_BYTES + 1, HTTP_KEY_ROOM = 192, HTTP_SAID_MAX = 200, HTTP_WAIT_MAX_S = 60, HTTP_TOKEN_ROOM = 4096 };

extern const struct remote_ops http_remote;

// ---- sink_http_settings.c ----

struct http_settings {
	char url[CONFIG_PATH_MAX], ca_file[CONFIG_PATH_MAX], token_file[CONFIG_PATH_MAX];
	char query[CONFIG_PATH_MAX];  // of url; may be a secret
	char target[SINK_TARGET_MAX]; // for people: url without query
	char token[HTTP_TOKEN_ROOM];
	uint32_t timeout_ms, batch;
};

int http_settings_read(struct http_settings *is, const struct config *config, struct err *err);
// A token that was changed meanwhile; while its file cannot be read, the old one stays.
void http_token_refresh(struct http_settings *is);

// ---- sink_http_body.c ----

// A line of JSON for each entry: an object with the entry's id in front, or a tombstone. out has http_body_room() bytes; returns how
// many were written.
size_t http_body_room(const struct spool_entry *entries, unsigned count);
size_t http_body(const struct spool_entry *entries, unsigned count, char *out);

void http_instance(const uint8_t bytes[SPOOL_INSTANCE_BYTES], char out[HTTP_INSTANCE_ROOM]);
// The same entries of the same log have the same key, in any process, and no others have it.
void http_key(const char *instance, const struct spool_entry *entries, unsigned count, char out[HTTP_KEY_ROOM]);

// ---- sink_http_answer.c ----

enum http_verdict { HTTP_DELIVERED, HTTP_KNOWN, HTTP_TOO_LARGE, HTTP_REFUSED };

struct http_answer {
	long status;
	bool our_key;       // its header repeats the key of the request
	unsigned wait_s;    // it asks to be left alone for so long; 0: it does not
	const char *said;   // the beginning of its body, without secrets
	size_t said_length;
};

// HTTP_REFUSED: the fault says why. HTTP_TOO_LARGE: as well, for a batch that cannot be smaller.
enum http_verdict http_judge(const struct http_answer *answer, const char *target, struct remote_fault *fault);

// What libcurl made of it, if that was not an answer. said: libcurl's own words. Returns -EIO.
int http_broken(CURLcode code, const char *said, const char *target, struct remote_fault *fault);

#endif
