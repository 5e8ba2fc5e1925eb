#include "proto/proto_http_head.h"

#include <stddef.h>
#include <strings.h>

enum { METHOD_MAX = 32, PROTOCOL_BYTES = 8, LENGTH_DIGITS_MAX = 19 };

static const char status_form[] = "HTTP/1.# ###", protocol_form[] = "HTTP/1.#";

// Compares with a form in which # stands for a digit, as far as there are bytes.
static bool form_fits(struct span in, const char *form)
{
	for (; *form != '\0' && in.left > 0; form++) {
		uint8_t c = span_u8(&in);

		if (*form == '#' ? c < '0' || c > '9' : c != (uint8_t)*form)
			return false;
	}
	return true;
}

// RFC 9110 section 5.6.2.
static bool token_char(uint8_t c)
{
	return c != 0 && c < 0x7f && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				      strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

// Whether the bytes so far, without an end of line, can be a request line: a token, a space, no control characters.
static bool request_line_begins(struct span in)
{
	uint32_t method = 0;

	while (method < in.left && method <= METHOD_MAX && token_char(in.at[method]))
		method++;
	if (method == 0 || method > METHOD_MAX)
		return false;
	span_bytes(&in, method);
	if (in.left > 0 && span_u8(&in) != ' ')
		return false;
	while (in.left > 0) {
		uint8_t c = span_u8(&in);

		if (c == 0x7f || (c < 0x20 && !(c == '\r' && in.left == 0)))
			return false;
	}
	return true;
}

static bool request_line_read(struct span line, struct http_head *head)
{
	struct span rest = line;

	if (!request_line_begins(line) || !span_until(&rest, ' ', &head->method) || rest.left < PROTOCOL_BYTES + 2)
		return false;
	head->protocol = rest;
	head->target = span_take(&head->protocol, rest.left - PROTOCOL_BYTES);
	if (!form_fits(head->protocol, protocol_form) || head->target.at[head->target.left - 1] != ' ')
		return false;
	head->target = span_trim(head->target);
	return head->target.left > 0;
}

static bool status_line_read(struct span line, struct http_head *head)
{
	struct span digits;

	if (line.left < sizeof(status_form) - 1 || !form_fits(line, status_form))
		return false;
	head->protocol = span_take(&line, PROTOCOL_BYTES);
	span_bytes(&line, 1);
	digits = span_take(&line, 3);
	while (digits.left > 0)
		head->status = (uint16_t)(head->status * 10 + span_u8(&digits) - '0');
	return line.left == 0 || line.at[0] == ' ';
}

bool http_line_read(struct span *in, struct span *line)
{
	if (!span_until(in, '\n', line))
		return false;
	*line = span_trim(*line);
	return true;
}

enum http_start http_start_read(struct span *in, struct http_head *head)
{
	struct span line;

	*head = (struct http_head){0};
	if (!http_line_read(in, &line))
		return form_fits(*in, status_form) || request_line_begins(*in) ? HTTP_START_UNFINISHED : HTTP_START_NOT;
	if (status_line_read(line, head))
		return HTTP_START_RESPONSE;
	return request_line_read(line, head) ? HTTP_START_REQUEST : HTTP_START_NOT;
}

static bool text_is(struct span s, const char *text)
{
	return s.left == strlen(text) && strncasecmp((const char *)s.at, text, s.left) == 0;
}

static void length_read(struct span value, struct http_head *head)
{
	uint64_t length = 0;

	if (value.left == 0 || value.left > LENGTH_DIGITS_MAX || head->length_said)
		return;
	while (value.left > 0) {
		uint8_t c = span_u8(&value);

		if (c < '0' || c > '9')
			return;
		length = length * 10 + c - '0';
	}
	head->length = length;
	head->length_said = true;
}

// The last coding of the list decides.
static void encoding_read(struct span value, struct http_head *head)
{
	struct span before;

	while (span_until(&value, ',', &before))
		;
	head->chunked = text_is(span_trim(value), "chunked");
}

static void field_read(struct span line, struct http_head *head)
{
	static const struct {
		const char *name;
		size_t offset;
	} wanted[] = {
		{"host", offsetof(struct http_head, host)},
		{"user-agent", offsetof(struct http_head, user_agent)},
		{"referer", offsetof(struct http_head, referer)},
		{"content-type", offsetof(struct http_head, content_type)},
		{"server", offsetof(struct http_head, server)},
		{"location", offsetof(struct http_head, location)},
	};
	struct span name, value;

	if (!span_until(&line, ':', &name))
		return;
	name = span_trim(name);
	value = span_trim(line);
	if (text_is(name, "content-length"))
		length_read(value, head);
	else if (text_is(name, "transfer-encoding"))
		encoding_read(value, head);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct span *to = (struct span *)(void *)((char *)head + wanted[i].offset);

		if (to->at == NULL && text_is(name, wanted[i].name))
			*to = value;
	}
}

bool http_fields_read(struct span *in, struct http_head *head)
{
	struct span line;

	while (http_line_read(in, &line)) {
		if (line.left == 0)
			return true;
		field_read(line, head);
	}
	return false;
}

struct span http_authority_host(struct span authority)
{
	struct span before, host;

	while (span_until(&authority, '@', &before))
		;
	host = authority;
	if (span_starts(authority, "[")) {
		if (span_until(&authority, ']', &before))
			host.left -= authority.left;
	} else if (span_until(&authority, ':', &before)) {
		host = before;
	}
	return host;
}
