#include "api/api_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	BAD_REQUEST = 400, FORBIDDEN = 403, NOT_FOUND = 404, NOT_ALLOWED = 405, LENGTH_REQUIRED = 411, TOO_LARGE = 413, TOO_LONG = 414,
	WRONG_TYPE = 415, MISDIRECTED = 421
};
enum { PORT_DIGITS_MAX = 5, LENGTH_DIGITS_MAX = 18 };

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

// One character of a target, escape or not, at **at; moves on. -1: nothing that may stand there.
static int character(const char **at, const char *end)
{
	const char *s = *at;
	int value = (unsigned char)s[0];

	*at += 1;
	if (value == '%') {
		if (end - s < 3 || hex_value(s[1]) < 0 || hex_value(s[2]) < 0)
			return -1;
		value = hex_value(s[1]) << 4 | hex_value(s[2]);
		*at += 2;
	}
	return value < 0x20 || value > 0x7e || value == '\\' ? -1 : value;
}

static int decode(const char *from, const char *end, char *out, size_t room)
{
	size_t n = 0;

	while (from < end) {
		int c = character(&from, end);

		if (c < 0)
			return BAD_REQUEST;
		if (n + 1 == room)
			return TOO_LONG;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return 0;
}

// "/a/b": no empty part but a last one, no "." or "..".
static bool path_is_plain(const char *path)
{
	while (*path == '/') {
		size_t n = strcspn(++path, "/");

		if ((n == 0 && path[0] == '/') || (n == 1 && path[0] == '.') || (n == 2 && memcmp(path, "..", 2) == 0))
			return false;
		path += n;
	}
	return *path == '\0';
}

// Arguments are told apart before they are decoded, so that %26 is a character and not a border.
static int arguments_parse(const char *raw, struct api_target *out)
{
	char *at = out->query, *room_end = out->query + sizeof(out->query);

	while (*raw != '\0') {
		const char *end = raw + strcspn(raw, "&");
		const char *equals = memchr(raw, '=', (size_t)(end - raw));
		const char *name_end = equals != NULL ? equals : end;
		const char *value = equals != NULL ? equals + 1 : end;
		int rc;

		if (out->arguments == API_ARGUMENTS_MAX || name_end == raw)
			return BAD_REQUEST;
		if (room_end - at < 2)
			return TOO_LONG;
		rc = decode(raw, name_end, at, (size_t)(room_end - at));
		if (rc != 0)
			return rc;
		out->argument[out->arguments].name = at;
		at += strlen(at) + 1;
		if (at == room_end)
			return TOO_LONG;
		rc = decode(value, end, at, (size_t)(room_end - at));
		if (rc != 0)
			return rc;
		out->argument[out->arguments++].value = at;
		at += strlen(at) + 1;
		raw = *end == '&' ? end + 1 : end;
	}
	return 0;
}

int api_target_parse(const char *raw, struct api_target *out)
{
	const char *end = raw + strcspn(raw, "?");
	int rc;

	memset(out, 0, sizeof(*out));
	if (raw[0] != '/')
		return BAD_REQUEST;
	rc = decode(raw, end, out->path, sizeof(out->path));
	if (rc != 0)
		return rc;
	if (!path_is_plain(out->path))
		return NOT_FOUND;
	return *end == '?' ? arguments_parse(end + 1, out) : 0;
}

static bool host_is(const char *host, size_t length, const char *name)
{
	return name != NULL && strlen(name) == length && strncasecmp(host, name, length) == 0;
}

bool api_host_allowed(const char *host, const char *also)
{
	const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
	size_t length = end != NULL ? (size_t)(end + 1 - host) : strcspn(host, ":");
	const char *port = host + length;
	size_t digits;

	if (*port == ':') {
		digits = strspn(++port, "0123456789");
		if (digits == 0 || digits > PORT_DIGITS_MAX)
			return false;
		port += digits;
	}
	if (*port != '\0')
		return false;
	return host_is(host, length, "localhost") || host_is(host, length, "127.0.0.1") || host_is(host, length, "[::1]") ||
	       host_is(host, length, also);
}

// ---- heads ----

static bool method_is(const struct api_head *head, const char *method)
{
	return method != NULL && strcmp(head->method, method) == 0;
}

bool api_head_writes(const struct api_head *head, const struct api_place *place)
{
	return method_is(head, place->write_method);
}

// A page of this very server, or no page at all.
static bool from_here(const struct api_head *head)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;

	if (head->site != NULL && strcmp(head->site, "same-origin") != 0 && strcmp(head->site, "none") != 0)
		return false;
	if (head->origins == 0)
		return true;
	return head->origins == 1 && head->origin != NULL && strncasecmp(head->origin, scheme, n) == 0 &&
	       strcasecmp(head->origin + n, head->host) == 0;
}

// "application/json", also "application/json; charset=utf-8".
static bool type_is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	return type != NULL && strncasecmp(type, json, n) == 0 && (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static unsigned length_check(const struct api_head *head, size_t max, size_t *body, const char **sentence)
{
	const char *text = head->length;
	size_t digits = text != NULL ? strspn(text, "0123456789") : 0;

	*sentence = max > 0 ? "a body is sent with its length, at once" : "no request here has a body";
	if (head->encodings > 0)
		return max > 0 ? LENGTH_REQUIRED : TOO_LARGE;
	if (text == NULL)
		return max > 0 ? LENGTH_REQUIRED : 0;
	*sentence = "the length of the body is not a number";
	if (digits == 0 || text[digits] != '\0')
		return BAD_REQUEST;
	*sentence = max > 0 ? "the body is longer than is taken here" : "no request here has a body";
	if (digits > LENGTH_DIGITS_MAX || strtoull(text, NULL, 10) > max)
		return TOO_LARGE;
	*body = (size_t)strtoull(text, NULL, 10);
	*sentence = "the body is empty";
	return max > 0 && *body == 0 ? BAD_REQUEST : 0;
}

static unsigned write_check(const struct api_head *head, const struct api_place *place, size_t *body, const char **sentence)
{
	*sentence = "pages of other servers change nothing here";
	if (!from_here(head))
		return FORBIDDEN;
	*sentence = "what changes something is sent as Content-Type: application/json";
	if (head->types != 1 || !type_is_json(head->type))
		return WRONG_TYPE;
	return length_check(head, place->body_max, body, sentence);
}

unsigned api_head_check(const struct api_head *head, const struct api_place *place, const char *name, size_t *body, const char **sentence)
{
	bool reads = method_is(head, "GET") || method_is(head, "HEAD");

	*body = 0;
	*sentence = "a request has exactly one Host";
	if (head->hosts != 1 || head->host == NULL)
		return BAD_REQUEST;
	*sentence = "a request has one length, not several";
	if (head->lengths + head->encodings > 1)
		return BAD_REQUEST;
	*sentence = "this server goes by localhost, 127.0.0.1, [::1] and the address it listens on, and by no other name";
	if (name != NULL && !api_host_allowed(head->host, name))
		return MISDIRECTED;
	if (api_head_writes(head, place))
		return write_check(head, place, body, sentence);
	*sentence = place->write_method != NULL ? "this method is not known here; Allow says which are" : "only GET and HEAD are known here";
	if (!reads || place->write_only)
		return NOT_ALLOWED;
	return length_check(head, 0, body, sentence);
}

// ---- bodies ----

unsigned api_body_check(const char *bytes, size_t length, const char **sentence)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];

		*sentence = "the body holds a NUL";
		if (c == '\0' || (c == '\\' && length - i >= 6 && memcmp(bytes + i + 1, "u0000", 5) == 0))
			return BAD_REQUEST;
		if (c == '\\')
			i += length - i >= 2 && bytes[i + 1] != '\0';
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		*sentence = "the body is nested too deep";
		if (depth > API_BODY_DEPTH_MAX)
			return BAD_REQUEST;
	}
	return 0;
}
