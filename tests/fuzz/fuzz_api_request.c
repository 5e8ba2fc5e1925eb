// Targets and Hosts of any bytes: whatever is let through is a plain path and plain arguments.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	for (; *text != '\0'; text++)
		assert(*text >= 0x20 && *text < 0x7f && *text != '\\');
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
	free(text);
	return 0;
}
