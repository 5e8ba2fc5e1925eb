// The configuration in force, by walking its table. A key that names a secret shows only whether it is set.
#include <string.h>

#include "control/control.h"
#include "ops/ops_run.h"

static bool secret(const char *key)
{
	static const char *const words[] = {"password", "secret", "token", "credential"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(key, words[i]) != NULL)
			return true;
	return false;
}

static void value_json(const struct config_row *row, const void *at, struct json *j)
{
	unsigned choice;

	switch (row->type) {
	case CONFIG_BOOL:
		json_bool(j, row->key, *(const bool *)at);
		break;
	case CONFIG_U32:
		json_u64(j, row->key, *(const uint32_t *)at);
		break;
	case CONFIG_REAL:
		json_double(j, row->key, *(const double *)at);
		break;
	case CONFIG_TEXT:
		if (secret(row->key))
			json_string(j, row->key, *(const char *)at != '\0' ? "(set)" : "");
		else
			json_string(j, row->key, at);
		break;
	case CONFIG_ENUM:
		memcpy(&choice, at, sizeof(choice));
		json_string(j, row->key, row->choices[choice]);
		break;
	}
}

void op_config(struct op_call *call, struct json *j)
{
	const uint8_t *config = (const uint8_t *)call->ops->control->config;
	const char *section = NULL;

	for (unsigned i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];

		if (section == NULL || strcmp(section, row->section) != 0) {
			if (section != NULL)
				json_object_end(j);
			section = row->section;
			json_object_begin(j, section);
		}
		value_json(row, config + row->offset, j);
	}
	if (section != NULL)
		json_object_end(j);
}
