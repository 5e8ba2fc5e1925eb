// Targets, Hosts, heads and bodies of any bytes: whatever is let through is a plain path and plain arguments, changes something only
// as JSON that no page of another server sent, and is not longer or deeper than it may be.
//
// The same bytes are a target, a Host, and a head: lines for method, host, length, type, origin, site and name of the place; the
// rest is a body.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_request.h"

enum { BODY_MAX = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	for (; *text != '\0'; text++)
		assert(*text >= 0x20 && *text < 0x7f && *text != '\\');
}

// Takes a line off; NULL for an empty one.
static const char *line(char **at)
{
	char *text = *at, *end = strchr(text, '\n');

	*at = end != NULL ? end + 1 : text + strlen(text);
	if (end != NULL)
		*end = '\0';
	return text[0] != '\0' ? text : NULL;
}

static void check_head(char *text)
{
	static const struct api_place places[] = {{NULL, false, 0}, {"PUT", false, BODY_MAX}, {"POST", true, 0}};
	const char *method = line(&text), *host = line(&text), *length = line(&text), *type = line(&text), *origin = line(&text);
	const char *site = line(&text), *place_name = line(&text), *sentence = NULL;
	const struct api_place *place = &places[place_name != NULL ? (unsigned char)place_name[0] % 3 : 0];
	const struct api_head head = {
		.method = method != NULL ? method : "", .host = host, .length = length, .type = type, .origin = origin, .site = site,
		.hosts = host != NULL, .lengths = length != NULL, .types = type != NULL, .origins = origin != NULL,
	};
	size_t body = 1;
	unsigned status = api_head_check(&head, place, "127.0.0.2", &body, &sentence);

	assert(sentence != NULL && (status == 0 || (status >= 400 && status < 500)));
	if (status != 0)
		return;
	assert(body <= place->body_max && (host != NULL && api_host_allowed(host, "127.0.0.2")));
	if (!api_head_writes(&head, place)) {
		assert(strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
		assert(body == 0 && !place->write_only);
		return;
	}
	assert(strncasecmp(type, "application/json", 16) == 0 && (body > 0) == (place->body_max > 0));
	assert(origin == NULL || strcasecmp(origin + strlen("http://"), host) == 0);
	assert(site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0);
}

// An exact copy, so that the sanitizer sees a byte too much.
static void check_body(const uint8_t *data, size_t size)
{
	const char *sentence = NULL;
	char *body = malloc(size > 0 ? size : 1);
	unsigned status;

	assert(body != NULL);
	memcpy(body, data, size);
	status = api_body_check(body, size, &sentence);
	assert(status == 0 || (status == 400 && sentence != NULL));
	assert(status != 0 || memchr(body, '\0', size) == NULL);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct api_target t;
	int status;

	assert(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	status = api_target_parse(text, &t);
	assert(status == 0 || status == 400 || status == 404 || status == 414);
	if (status == 0) {
		assert(t.path[0] == '/' && strstr(t.path, "//") == NULL && strstr(t.path, "/../") == NULL);
		assert(t.arguments <= API_ARGUMENTS_MAX);
		check_text(t.path);
		for (unsigned i = 0; i < t.arguments; i++) {
			check_text(t.argument[i].name);
			check_text(t.argument[i].value);
		}
	}
	if (api_host_allowed(text, NULL))
		assert(strlen(text) <= sizeof("127.0.0.1:65535"));
	check_head(text);
	check_body(data, size);
	free(text);
	return 0;
}
