// Filters and configuration at run time: what is in force, and changing it. What cannot be put in force changes nothing.
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/control.h"
#include "ops/ops_run.h"

enum { TIME_ROOM = 32, NAME_ROOM = 128, NS_IN_S = 1000000000 };

static const char body_name[] = "body"; // in sentences that say line and column

// ---- what is in force ----

static void value_json(const char *key, const cJSON *value, struct json *j);

static void children_json(const cJSON *parent, struct json *j)
{
	for (const cJSON *one = parent->child; one != NULL; one = one->next)
		value_json(one->string, one, j);
}

// Attribute filters are as deep as their compiler lets them be: a list, a filter, a protocol, a list of values.
static void value_json(const char *key, const cJSON *value, struct json *j)
{
	if (cJSON_IsObject(value)) {
		json_object_begin(j, key);
		children_json(value, j);
		json_object_end(j);
	} else if (cJSON_IsArray(value)) {
		json_array_begin(j, key);
		children_json(value, j);
		json_array_end(j);
	} else if (cJSON_IsString(value)) {
		json_string(j, key, value->valuestring);
	} else if (cJSON_IsNumber(value)) {
		json_double(j, key, value->valuedouble);
	} else {
		json_bool(j, key, cJSON_IsTrue(value));
	}
}

// Always a list, also where a single filter was given.
static void attributes_json(const struct control_filters *f, struct json *j)
{
	cJSON *tree = f->attributes != NULL ? cJSON_ParseWithLength(f->attributes, f->attributes_length) : NULL;

	json_array_begin(j, "attributes");
	if (cJSON_IsArray(tree))
		children_json(tree, j);
	else if (tree != NULL)
		value_json(NULL, tree, j);
	json_array_end(j);
	cJSON_Delete(tree);
}

static void packets_json(const char *key, uint64_t received, uint64_t filtered, uint64_t own, struct json *j)
{
	json_object_begin(j, key);
	json_u64(j, "received", received);
	json_u64(j, "kept", received > filtered + own ? received - filtered - own : 0); // they are counted while this is read
	json_u64(j, "filtered", filtered);
	json_u64(j, "filtered_own", own);
	json_object_end(j);
}

void op_filters(struct op_call *call, struct json *j)
{
	struct control_filters f;
	char since[TIME_ROOM];
	struct tm utc;
	time_t seconds;

	control_filters(call->ops->control, &f);
	seconds = (time_t)(f.since_ns / NS_IN_S);
	strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
	json_string(j, "expression", f.expression);
	json_bool(j, "native", f.native);
	attributes_json(&f, j);
	json_string(j, "attributes_from", f.attributes_from);
	json_u64(j, "own_ends", f.own);
	json_string(j, "since", since);
	json_u64(j, "changes", f.changes);
	json_string(j, "error", f.error);
	packets_json("packets", f.received, f.filtered, f.filtered_own, j);
	packets_json("packets_since", f.received - f.received_before, f.filtered - f.filtered_before, f.filtered_own - f.filtered_own_before, j);
}

// ---- changing it ----

// Where the value of the nth member (1: the first) of an object stands. The text is sound JSON.
static void member_find(const char *text, size_t length, unsigned n, size_t *start, size_t *end)
{
	unsigned depth = 0;
	bool quoted = false;

	*start = *end = 0;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
			continue;
		}
		quoted = c == '"';
		if (depth == 1 && c == ':' && n > 0 && --n == 0)
			*start = i + 1;
		if (depth == 1 && (c == ',' || c == '}') && *start != 0) {
			*end = i;
			return;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
	}
}

// A copy of the body with blanks around one value, so that what is said about the value says where in the body it stands.
static char *value_copy(const char *body, size_t length, unsigned n)
{
	char *copy = malloc(length);
	size_t start, end;

	if (copy == NULL)
		return NULL;
	member_find(body, length, n, &start, &end);
	for (size_t i = 0; i < length; i++)
		copy[i] = (i >= start && i < end) || body[i] == '\n' ? body[i] : ' ';
	return copy;
}

struct change {
	const char *expression;
	unsigned attributes; // which member they are; 0: not given
	bool no_attributes;  // given, but empty
};

static int member_read(const cJSON *member, unsigned n, struct change *change, struct err *err)
{
	if (strcmp(member->string, "expression") == 0) {
		if (!cJSON_IsString(member))
			return err_set(err, -EINVAL, "expression is a text: a pcap-filter expression, or empty for none");
		change->expression = member->valuestring;
		return 0;
	}
	if (strcmp(member->string, "attributes") == 0) {
		if (!cJSON_IsArray(member) && !cJSON_IsObject(member))
			return err_set(err, -EINVAL, "attributes is a list of attribute filters, or an empty one for none");
		change->attributes = n;
		change->no_attributes = member->child == NULL;
		return 0;
	}
	return err_set(err, -EINVAL, "there is no member \"%.32s\"; expression and attributes can be set", member->string);
}

static int change_read(const cJSON *root, struct change *change, struct err *err)
{
	unsigned n = 0;

	if (!cJSON_IsObject(root))
		return err_set(err, -EINVAL, "the body is not a JSON object; {\"expression\": \"tcp\"} is one");
	if (root->child == NULL)
		return err_set(err, -EINVAL, "the body sets nothing; expression and attributes can be set");
	for (const cJSON *one = root->child; one != NULL; one = one->next)
		if (member_read(one, ++n, change, err) < 0)
			return -EINVAL;
	return 0;
}

static int change_apply(struct control *c, const struct change *change, const char *body, size_t length, struct err *err)
{
	struct control_filters now;
	char *copy;
	int rc;

	control_filters(c, &now);
	if (change->expression != NULL)
		now.expression = change->expression;
	if (change->attributes == 0)
		return control_filter_set(c, now.expression, now.attributes_from, now.attributes, now.attributes_length, err);
	if (change->no_attributes)
		return control_filter_set(c, now.expression, NULL, NULL, 0, err);
	copy = value_copy(body, length, change->attributes);
	if (copy == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	rc = control_filter_set(c, now.expression, body_name, copy, length, err);
	free(copy);
	return rc;
}

int op_filters_set(struct op_call *call, const char *body, size_t length, struct err *err)
{
	cJSON *root = op_body_parse(body, length, err);
	struct change change = {.attributes = 0};
	int rc;

	if (root == NULL)
		return -EINVAL;
	rc = change_read(root, &change, err);
	if (rc == 0)
		rc = change_apply(call->ops->control, &change, body, length, err);
	cJSON_Delete(root);
	return rc;
}

// ---- the configuration ----

int op_reload(struct op_call *call, const char *body, size_t length, struct err *err)
{
	(void)body;
	(void)length;
	return control_reload(call->ops->control, err);
}

static void names_json(const char *key, const bool *rows, struct json *j)
{
	char name[NAME_ROOM];

	json_array_begin(j, key);
	for (unsigned i = 0; i < config_row_count; i++)
		if (rows[i]) {
			snprintf(name, sizeof(name), "%s.%s", config_rows[i].section, config_rows[i].key);
			json_string(j, NULL, name);
		}
	json_array_end(j);
}

void op_reloaded(struct op_call *call, struct json *j)
{
	const struct control_reload *r = &call->ops->control->reload;

	names_json("changed", r->changed, j);
	names_json("needs_restart", r->restart, j);
}
