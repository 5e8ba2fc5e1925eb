// What a request asks for, from the bytes that came, and whether it may. No library and no state: this is what the fuzzer drives.
//
// MHD hands on URLs decoded but as they came otherwise, %00 and all. So the raw target is read here, once, and what is not plainly
// a path and its arguments is refused with a status of HTTP.
#ifndef API_API_REQUEST_H
#define API_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum { API_BODY_DEPTH_MAX = 16 }; // objects and arrays within each other
enum { API_PATH_MAX = 128, API_QUERY_MAX = 256, API_ARGUMENTS_MAX = 8 };

struct api_target {
	char path[API_PATH_MAX];   // decoded; begins with '/', no empty, "." or ".." part
	char query[API_QUERY_MAX]; // decoded in place
	unsigned arguments;
	struct {
		const char *name, *value; // in query
	} argument[API_ARGUMENTS_MAX];
};

// 0, or the status to answer with: 400 malformed, 404 no such place can be, 414 too long.
int api_target_parse(const char *raw, struct api_target *out);

// Whether a Host header names this machine: localhost, 127.0.0.1, [::1] or also, each with or without a port. A page of somebody
// else's whose name was made to point here (DNS rebinding) does not. also: may be NULL.
bool api_host_allowed(const char *host, const char *also);

// What a head says. Texts are NULL where there is no such field; the counts say how often it came.
struct api_head {
	const char *method, *host, *length, *type, *origin, *site;
	unsigned hosts, lengths, encodings, types, origins;
};

// What may be asked of a place.
struct api_place {
	const char *write_method; // NULL: it only answers
	bool write_only;          // and does not answer GET
	size_t body_max;          // of a write; 0: it has none
};

// 0, or the status to answer with and its sentence. name: that the server goes by besides localhost; NULL: any will do (a unix
// socket). *body: how many bytes are to come.
//
// Who may write is who can reach the socket; what has to be kept out is a browser that reaches it for a page of somebody else's. It
// says where the page comes from, and it does not send JSON elsewhere without asking first, which nobody answers.
unsigned api_head_check(const struct api_head *head, const struct api_place *place, const char *name, size_t *body, const char **sentence);

// Whether it is a request that changes something, rather than one that asks. The head was found good.
bool api_head_writes(const struct api_head *head, const struct api_place *place);

// Whether a body can be given to a parser of JSON: no NUL in any spelling, bounded depth. 0 or 400.
unsigned api_body_check(const char *bytes, size_t length, const char **sentence);

#endif
