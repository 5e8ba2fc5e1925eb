// Any bytes as a configuration file: taken whole or not at all, and what was taken stays within the ranges of the rows.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ranges_assert(const struct config *config)
{
	for (unsigned i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];
		const char *at = (const char *)config + row->offset;
		uint32_t number;

		if (row->type == CONFIG_TEXT && memchr(at, '\0', row->size) == NULL)
			abort();
		if (row->type != CONFIG_U32)
			continue;
		memcpy(&number, at, sizeof(number));
		if (number < row->min || number > row->max)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *errors;
	struct config config, before;
	struct err err;

	if (errors == NULL)
		errors = fopen("/dev/null", "w");
	config_defaults(&config);
	before = config;
	if (config_load_text(&config, "fuzz", (const char *)data, size, errors, &err) != 0) {
		if (memcmp(&config, &before, sizeof(config)) != 0)
			abort();
		return 0;
	}
	ranges_assert(&config);
	if (config_check(&config, &err) != 0 && memchr(err.text, '\0', sizeof(err.text)) == NULL)
		abort();
	return 0;
}
