#include "api/api_request.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { BAD_REQUEST = 400, NOT_FOUND = 404, TOO_LONG = 414, PORT_DIGITS_MAX = 5 };

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
