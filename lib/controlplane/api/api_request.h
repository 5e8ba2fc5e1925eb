// What a request asks for, from the bytes that came. No library and no state: this is what the fuzzer drives.
//
// MHD hands on URLs decoded but as they came otherwise, %00 and all. So the raw target is read here, once, and what is not plainly
// a path and its arguments is refused with a status of HTTP.
#ifndef API_API_REQUEST_H
#define API_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

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

#endif
