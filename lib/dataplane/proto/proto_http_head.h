// The head of an HTTP/1 message, RFC 9112: start line and fields, as spans of the bytes it was read from. Lines end in LF, with
// or without CR.
#ifndef PROTO_PROTO_HTTP_HEAD_H
#define PROTO_PROTO_HTTP_HEAD_H

#include "base/span.h"

struct http_head {
	struct span method, target; // request
	struct span protocol;       // "HTTP/1.1"
	uint16_t status;            // response
	struct span host, user_agent, referer, content_type, server, location; // first of each
	uint64_t length;
	bool length_said, chunked;
};

enum http_start {
	HTTP_START_NOT,
	HTTP_START_UNFINISHED, // may be one; its line is not complete
	HTTP_START_REQUEST,
	HTTP_START_RESPONSE
};

// Reads a start line into head, which it clears.
enum http_start http_start_read(struct span *in, struct http_head *head);

// Reads the lines behind it that are complete. True if the empty line at the end of the head was among them.
bool http_fields_read(struct span *in, struct http_head *head);

// A line without its end and blanks around it; false, and nothing read, if its end is not there.
bool http_line_read(struct span *in, struct span *line);

// The name in an authority ("host:port", "[::1]:80") without user and port.
struct span http_authority_host(struct span authority);

#endif
