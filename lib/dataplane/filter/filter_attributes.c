// JSON (cJSON) to comparisons. cJSON keeps no positions, but it keeps the order: the nth member that is looked at is the nth key of
// the text, and where that stands is only searched for when there is something to complain about.
#include "filter/filter_attributes.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/text.h"

enum { SHOWN_MAX = 60, SHOWN_ROOM = SHOWN_MAX + 4 };

struct compiler {
	const char *name, *text;
	size_t length;
	unsigned keys; // members looked at so far
	const struct filter_port *ports;
	unsigned port_count;
	struct filter_attributes *out;
	struct err *err;
};

// ---- sentences ----

static const char *show(const char *text, char out[SHOWN_ROOM])
{
	size_t length = strlen(text), taken, used = text_escape(out, SHOWN_MAX, (const uint8_t *)text, length, &taken);

	strcpy(out + used, taken < length ? "..." : "");
	return out;
}

static size_t string_end(const struct compiler *c, size_t at)
{
	for (at++; at < c->length && c->text[at] != '"'; at++)
		at += c->text[at] == '\\';
	return at + 1;
}

// Where the nth key of the text stands (1: the first). The text is sound JSON.
static size_t key_place(const struct compiler *c, unsigned n)
{
	size_t at = 0;

	while (at < c->length) {
		size_t start = at, next;

		if (c->text[at++] != '"')
			continue;
		next = at = string_end(c, start);
		while (next < c->length && isspace((unsigned char)c->text[next]))
			next++;
		if (next < c->length && c->text[next] == ':' && --n == 0)
			return start;
	}
	return 0;
}

__attribute__((format(printf, 3, 0))) static int fail_at(const struct compiler *c, size_t at, const char *format, va_list args)
{
	unsigned line = 1, column = 1;
	char sentence[ERR_TEXT_MAX];

	for (size_t i = 0; i < at && i < c->length; i++) {
		line += c->text[i] == '\n';
		column = c->text[i] == '\n' ? 1 : column + 1;
	}
	vsnprintf(sentence, sizeof(sentence), format, args);
	return err_set(c->err, -EINVAL, "%.200s:%u:%u: %s", c->name, line, column, sentence);
}

// About the member that is being looked at.
__attribute__((format(printf, 2, 3))) static int fail(const struct compiler *c, const char *format, ...)
{
	va_list args;
	int rc;

	va_start(args, format);
	rc = fail_at(c, c->keys > 0 ? key_place(c, c->keys) : 0, format, args);
	va_end(args);
	return rc;
}

__attribute__((format(printf, 3, 4))) static int fail_here(const struct compiler *c, size_t at, const char *format, ...)
{
	va_list args;
	int rc;

	va_start(args, format);
	rc = fail_at(c, at, format, args);
	va_end(args);
	return rc;
}

// ---- tables ----

static const struct filter_protocol *protocol_find(const struct compiler *c, const char *name)
{
	struct nearest nearest = {.name = name};
	char shown[SHOWN_ROOM];

	for (unsigned i = 0; i < filter_protocol_count; i++) {
		if (strcasecmp(filter_protocols[i].name, name) == 0)
			return &filter_protocols[i];
		nearest_offer(&nearest, filter_protocols[i].name, filter_protocols[i].name);
	}
	if (nearest.best != NULL)
		fail(c, "there is no protocol \"%s\"; did you mean %s?", show(name, shown), nearest.best);
	else
		fail(c, "there is no protocol \"%s\"; spanwatch --filter-help lists them all", show(name, shown));
	return NULL;
}

static const struct filter_field *field_find(const struct compiler *c, const char *protocol, const char *name)
{
	struct nearest nearest = {.name = name};
	char shown[SHOWN_ROOM];

	for (unsigned i = 0; i < filter_field_count; i++) {
		if (strcmp(filter_fields[i].protocol, protocol) != 0)
			continue;
		if (strcasecmp(filter_fields[i].name, name) == 0)
			return &filter_fields[i];
		nearest_offer(&nearest, filter_fields[i].name, filter_fields[i].name);
	}
	if (nearest.best != NULL)
		fail(c, "%s has no attribute \"%s\"; did you mean %s?", protocol, show(name, shown), nearest.best);
	else
		fail(c, "%s has no attribute \"%s\"; spanwatch --filter-help lists them all", protocol, show(name, shown));
	return NULL;
}

// ---- values ----

static int range_add(struct compiler *c, struct filter_range range)
{
	if (c->out->ranges == FILTER_RANGES_MAX)
		return fail(c, "more than %u values", FILTER_RANGES_MAX);
	c->out->range[c->out->ranges++] = range;
	return 0;
}

static int interface_add(struct compiler *c, const char *name)
{
	static const struct filter_range nothing = {.low = 1, .high = 0};
	bool found = false;

	for (unsigned i = 0; i < c->port_count; i++) {
		if (strcmp(c->ports[i].name, name) != 0)
			continue;
		found = true;
		if (range_add(c, (struct filter_range){c->ports[i].id, c->ports[i].id}) < 0)
			return -EINVAL;
	}
	return found ? 0 : range_add(c, nothing);
}

static int value_add(struct compiler *c, const struct filter_field *field, const cJSON *value)
{
	char wanted[128], shown[SHOWN_ROOM], number[32];
	struct filter_range range;
	int rc = -EINVAL;

	snprintf(number, sizeof(number), "%.17g", value->valuedouble);
	if (cJSON_IsString(value) && field->kind == FILTER_INTERFACE)
		return interface_add(c, value->valuestring);
	if (cJSON_IsString(value))
		rc = filter_value_text(field, value->valuestring, &range);
	else if (cJSON_IsNumber(value))
		rc = filter_value_number(field, value->valuedouble, &range);
	else if (cJSON_IsBool(value) && field->bits == 1)
		rc = filter_value_number(field, cJSON_IsTrue(value), &range);
	if (rc == 0)
		return range_add(c, range);
	filter_value_wanted(field, wanted, sizeof(wanted));
	return fail(c, "%s.%s is %s%s%s; it must be %s, or a list of those", field->protocol, field->name, cJSON_IsString(value) ? "\"" : "",
		    cJSON_IsString(value)   ? show(value->valuestring, shown)
		    : cJSON_IsNumber(value) ? number
					    : "something else",
		    cJSON_IsString(value) ? "\"" : "", wanted);
}

static int values_add(struct compiler *c, const struct filter_field *field, const cJSON *value)
{
	int rc = 0;

	if (!cJSON_IsArray(value))
		return value_add(c, field, value);
	if (value->child == NULL)
		return fail(c, "%s.%s is an empty list; nothing could ever fit", field->protocol, field->name);
	for (const cJSON *one = value->child; one != NULL && rc == 0; one = one->next)
		rc = value_add(c, field, one);
	return rc;
}

// ---- filters ----

static struct filter_comparison *comparison_add(struct compiler *c, enum filter_place place, uint16_t number)
{
	struct filter_attributes *a = c->out;
	struct filter_comparison *new = &a->comparison[a->comparisons];

	if (a->comparisons == FILTER_COMPARISONS_MAX) {
		fail(c, "more than %u attributes", FILTER_COMPARISONS_MAX);
		return NULL;
	}
	*new = (struct filter_comparison){.place = (uint8_t)place, .number = number, .first = (uint16_t)a->ranges};
	a->comparisons++;
	return new;
}

static int attribute_add(struct compiler *c, const struct filter_protocol *protocol, const cJSON *member)
{
	const struct filter_field *field;
	struct filter_comparison *new;
	int rc;

	c->keys++;
	field = field_find(c, protocol->name, member->string);
	if (field == NULL)
		return -EINVAL;
	new = comparison_add(c, field->place, protocol->number);
	if (new == NULL)
		return -EINVAL;
	new->offset = field->offset;
	new->bytes = field->bytes;
	new->shift = field->shift;
	new->bits = field->bits;
	new->option = field->option;
	rc = values_add(c, field, member);
	new->count = (uint16_t)(c->out->ranges - new->first);
	return rc;
}

static int protocol_add(struct compiler *c, const cJSON *member)
{
	const struct filter_protocol *protocol = protocol_find(c, member->string);
	int rc = 0;

	if (protocol == NULL)
		return -EINVAL;
	if (!cJSON_IsObject(member))
		return fail(c, "%s is given no object; {} asks whether the protocol is there", protocol->name);
	if (comparison_add(c, protocol->place, protocol->number) == NULL)
		return -EINVAL;
	for (const cJSON *one = member->child; one != NULL && rc == 0; one = one->next)
		rc = attribute_add(c, protocol, one);
	return rc;
}

static int action_read(struct compiler *c, const cJSON *member, struct filter_rule *rule)
{
	const char *text = cJSON_IsString(member) ? member->valuestring : "";

	if (strcasecmp(text, "keep") != 0 && strcasecmp(text, "drop") != 0)
		return fail(c, "an Action is \"drop\" or \"keep\"");
	rule->keep = strcasecmp(text, "keep") == 0;
	return 0;
}

static int rule_add(struct compiler *c, const cJSON *object)
{
	struct filter_attributes *a = c->out;
	struct filter_rule *rule = &a->rule[a->rules];
	int rc = 0;

	if (!cJSON_IsObject(object))
		return fail(c, "filter %u is not an object", a->rules + 1);
	if (a->rules == FILTER_RULES_MAX)
		return fail(c, "more than %u filters", FILTER_RULES_MAX);
	*rule = (struct filter_rule){.first = (uint16_t)a->comparisons};
	for (const cJSON *one = object->child; one != NULL && rc == 0; one = one->next) {
		c->keys++;
		rc = strcasecmp(one->string, "Action") == 0 ? action_read(c, one, rule) : protocol_add(c, one);
	}
	if (rc < 0)
		return rc;
	rule->count = (uint16_t)(a->comparisons - rule->first);
	if (rule->count == 0)
		return fail(c, "filter %u names no protocol", a->rules + 1);
	a->otherwise_keep = !rule->keep; // the last one's
	a->rules++;
	return 0;
}

static int rules_add(struct compiler *c, const cJSON *root)
{
	int rc = 0;

	if (cJSON_IsObject(root))
		return rule_add(c, root);
	if (!cJSON_IsArray(root))
		return fail(c, "this is neither a filter ({...}) nor a list of filters ([...])");
	if (root->child == NULL)
		return fail(c, "the list of filters is empty");
	for (const cJSON *one = root->child; one != NULL && rc == 0; one = one->next)
		rc = rule_add(c, one);
	return rc;
}

// The word that JSON broke at, for a sentence.
static int syntax_fail(const struct compiler *c, size_t at)
{
	char shown[SHOWN_ROOM], word[SHOWN_MAX];
	size_t n = 0;

	while (at < c->length && isspace((unsigned char)c->text[at]))
		at++;
	while (at + n < c->length && n < 20 && !isspace((unsigned char)c->text[at + n]))
		n++;
	if (n == 0)
		return fail_here(c, at, "the JSON ends too early");
	snprintf(word, sizeof(word), "%.*s", (int)n, c->text + at);
	return fail_here(c, at, "this is not JSON from \"%s\" on", show(word, shown));
}

static int parse(const struct compiler *c, cJSON **root)
{
	const char *end = NULL;
	size_t at;

	if (c->length > FILTER_ATTRIBUTES_BYTES_MAX)
		return err_set(c->err, -E2BIG, "%.200s: more than %u bytes of filters", c->name, FILTER_ATTRIBUTES_BYTES_MAX);
	if (c->length == 0)
		return err_set(c->err, -EINVAL, "%.200s: there is no filter in it", c->name);
	*root = cJSON_ParseWithLengthOpts(c->text, c->length, &end, false);
	at = end >= c->text && end <= c->text + c->length ? (size_t)(end - c->text) : 0;
	if (*root == NULL)
		return syntax_fail(c, at);
	while (at < c->length && isspace((unsigned char)c->text[at]))
		at++;
	return at < c->length ? fail_here(c, at, "something stands behind the filters") : 0;
}

int filter_attributes_compile(const char *name, const char *text, size_t length, const struct filter_port *ports, unsigned port_count,
			      struct filter_attributes **out, struct err *err)
{
	struct compiler c = {.name = name, .text = text, .length = length, .ports = ports, .port_count = port_count, .err = err};
	cJSON *root = NULL;
	int rc = parse(&c, &root);

	if (rc < 0)
		goto out;
	c.out = calloc(1, sizeof(*c.out));
	if (c.out == NULL) {
		rc = err_set(err, -ENOMEM, "no memory for the filters");
		goto out;
	}
	rc = rules_add(&c, root);
	if (rc < 0)
		filter_attributes_free(c.out);
	else
		*out = c.out;
out:
	cJSON_Delete(root);
	return rc;
}

void filter_attributes_free(struct filter_attributes *a)
{
	free(a);
}
