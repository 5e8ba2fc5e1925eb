// The outputs: how they are, and other settings for them. A section of the configuration that has the name of an output can be set
// as far as it may change at run time; whole or not at all. Files that keys name are the configuration's alone: whoever asks here
// must not choose which file is read as a password and sent to a server of his choice.
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "config/config_row.h"
#include "control/sinks.h"
#include "ops/ops_run.h"

enum { NUMBER_ROOM = 32, NAMES_ROOM = 384 };

// ---- how they are ----

static void off_json(const struct sink_ops *ops, struct json *j)
{
	const struct sink_stats stats = {.name = ops->name, .state = SINK_OFF, .remote = ops->stats != NULL, .drain_s = -1};

	json_object_begin(j, NULL);
	sink_stats_json(&stats, j);
	json_object_end(j);
}

static void running_json(const struct sink *sink, struct json *j)
{
	struct sink_stats stats;

	sink_stats(sink, &stats);
	json_object_begin(j, NULL);
	sink_stats_json(&stats, j);
	json_object_end(j);
}

void op_sinks(struct op_call *call, struct json *j)
{
	const struct control *c = call->ops->control;

	json_array_begin(j, "sinks");
	for (unsigned i = 0; i < c->sink_count; i++)
		running_json(c->sink[i], j);
	for (unsigned k = 0; k < sink_count; k++)
		if (control_sink_find(c, sink_list[k]) == NULL)
			off_json(sink_list[k], j);
	json_array_end(j);
}

// ---- changing them ----

struct change {
	struct config *config; // a draft
	bool set[CONFIG_ROWS_MAX];
	unsigned keys;
};

static bool file_only(const struct config_row *row)
{
	const char *end = strstr(row->key, "_file");

	return !row->reloadable || (end != NULL && strcmp(end, "_file") == 0);
}

// Whether a section can be set here at all.
static bool settable(const char *section)
{
	if (sink_find(section) == NULL)
		return false;
	for (unsigned i = 0; i < config_row_count; i++)
		if (strcmp(config_rows[i].section, section) == 0 && !file_only(&config_rows[i]))
			return true;
	return false;
}

static void names_add(char *names, const char *name)
{
	size_t used = strlen(names);

	snprintf(names + used, NAMES_ROOM - used, "%s%s", used > 0 ? ", " : "", name);
}

static int section_unknown(const char *name, struct err *err)
{
	char shown[CONFIG_SHOWN_MAX + 4], names[NAMES_ROOM] = "";
	struct nearest nearest = {.name = name};

	for (unsigned i = 0; i < sink_count; i++)
		if (settable(sink_list[i]->name)) {
			nearest_offer(&nearest, sink_list[i]->name, sink_list[i]->name);
			names_add(names, sink_list[i]->name);
		}
	if (names[0] == '\0')
		return err_set(err, -EINVAL, "there is no output %s whose settings could change at run time, nor any other", config_show(name, shown));
	if (nearest.best != NULL)
		return err_set(err, -EINVAL, "there is no output %s whose settings could change at run time; did you mean %s?",
			       config_show(name, shown), nearest.best);
	return err_set(err, -EINVAL, "there is no output %s whose settings could change at run time; these can: %s", config_show(name, shown), names);
}

static int file_only_say(const struct config_row *row, struct err *err)
{
	char names[NAMES_ROOM] = "";

	for (unsigned i = 0; i < config_row_count; i++)
		if (strcmp(config_rows[i].section, row->section) == 0 && !file_only(&config_rows[i]))
			names_add(names, config_rows[i].key);
	return err_set(err, -EINVAL, "%s.%s is set in the configuration only; here can be set %s", row->section, row->key, names);
}

static int value_wrong(const struct config_row *row, struct err *err)
{
	char wanted[128];

	config_row_wanted(row, wanted, sizeof(wanted));
	return err_set(err, -EINVAL, "%s.%s must be %s", row->section, row->key, wanted);
}

static int value_set(struct config *config, const struct config_row *row, const cJSON *value, struct err *err)
{
	bool number = row->type == CONFIG_U32 || row->type == CONFIG_REAL;
	char text[NUMBER_ROOM];

	if (cJSON_IsString(value) && !number && row->type != CONFIG_BOOL)
		return config_row_set(config, row, value->valuestring, err);
	if (cJSON_IsBool(value) && row->type == CONFIG_BOOL)
		return config_row_set(config, row, cJSON_IsTrue(value) ? "true" : "false", err);
	if (!cJSON_IsNumber(value) || !number)
		return value_wrong(row, err);
	snprintf(text, sizeof(text), "%.15g", value->valuedouble);
	return config_row_set(config, row, text, err);
}

static int key_read(struct change *change, const char *section, const cJSON *member, struct err *err)
{
	const struct config_row *row = config_row_find(section, member->string);

	if (row == NULL) {
		config_row_unknown(section, member->string, err);
		return -EINVAL;
	}
	if (file_only(row))
		return file_only_say(row, err);
	if (change->set[row - config_rows])
		return err_set(err, -EINVAL, "%s.%s is set a second time", section, row->key);
	change->set[row - config_rows] = true;
	change->keys++;
	return value_set(change->config, row, member, err);
}

static int change_read(const cJSON *root, struct change *change, struct err *err)
{
	if (!cJSON_IsObject(root))
		return err_set(err, -EINVAL, "the body is not a JSON object; {\"redis\": {\"enabled\": false}} is one");
	for (const cJSON *section = root->child; section != NULL; section = section->next) {
		if (!settable(section->string))
			return section_unknown(section->string, err);
		if (!cJSON_IsObject(section))
			return err_set(err, -EINVAL, "%s is an object of keys and values: {\"enabled\": false}", section->string);
		for (const cJSON *member = section->child; member != NULL; member = member->next) {
			int rc = key_read(change, section->string, member, err);

			if (rc < 0)
				return rc;
		}
	}
	return change->keys > 0 ? 0 : err_set(err, -EINVAL, "the body sets nothing; {\"redis\": {\"enabled\": false}} would");
}

int op_sinks_set(struct op_call *call, const char *body, size_t length, struct err *err)
{
	struct control *c = call->ops->control;
	cJSON *root = op_body_parse(body, length, err);
	struct change change = {.config = malloc(sizeof(*change.config))};
	int rc = -EINVAL;

	if (root != NULL && change.config == NULL) {
		rc = err_set(err, -ENOMEM, "no memory for another configuration");
	} else if (root != NULL) {
		*change.config = *c->config;
		rc = change_read(root, &change, err);
		if (rc == 0)
			rc = config_check(change.config, err);
		if (rc == 0)
			rc = control_sinks_set(c, change.config, err);
	}
	free(change.config);
	cJSON_Delete(root);
	return rc;
}
