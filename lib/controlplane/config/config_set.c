// One key from text: finding its row, judging the value by it, writing it into struct config. Texts from outside never get
// into a sentence as they are.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "base/nearest.h"
#include "config/config_row.h"

enum { NUMBER_MAX = 20 }; // characters of the longest number taken

const char *config_show(const char *text, char *out)
{
	size_t length = strlen(text), taken, used;

	used = text_escape(out, CONFIG_SHOWN_MAX, (const uint8_t *)text, length, &taken);
	strcpy(out + used, taken < length ? "..." : "");
	return out;
}

const struct config_row *config_row_find(const char *section, const char *key)
{
	for (unsigned i = 0; i < config_row_count; i++)
		if (strcmp(config_rows[i].section, section) == 0 && strcmp(config_rows[i].key, key) == 0)
			return &config_rows[i];
	return NULL;
}

int config_row_unknown(const char *section, const char *key, struct err *err)
{
	char typed[2 * CONFIG_NAME_MAX], shown[CONFIG_SHOWN_MAX + 4], names[CONFIG_ROWS_MAX][CONFIG_NAME_MAX];
	struct nearest nearest = {.name = typed};

	snprintf(typed, sizeof(typed), "%s%s%s", section, *section != '\0' ? "." : "", key);
	for (unsigned i = 0; i < config_row_count; i++) {
		snprintf(names[i], sizeof(names[i]), "%s.%s", config_rows[i].section, config_rows[i].key);
		nearest_offer(&nearest, names[i], names[i]);
		if (*section == '\0')
			nearest_offer(&nearest, config_rows[i].key, names[i]);
	}
	if (nearest.best != NULL)
		return err_set(err, -ENOENT, "there is no key %s; did you mean %s?", config_show(typed, shown), nearest.best);
	return err_set(err, -ENOENT, "there is no key %s; spanwatch --generate-config FILE writes a file with all of them",
		       config_show(typed, shown));
}

void config_row_wanted(const struct config_row *row, char *out, size_t room)
{
	size_t used = 0;

	switch (row->type) {
	case CONFIG_BOOL:
		snprintf(out, room, "true or false");
		break;
	case CONFIG_U32:
		snprintf(out, room, "a whole number from %.0f to %.0f", row->min, row->max);
		break;
	case CONFIG_REAL:
		snprintf(out, room, "a number from %g to %g", row->min, row->max);
		break;
	case CONFIG_TEXT:
		snprintf(out, room, "a text of up to %u bytes without control characters", row->size - 1);
		break;
	case CONFIG_ENUM:
		for (unsigned i = 0; row->choices[i] != NULL && used < room; i++) {
			const char *before = i == 0 ? "" : row->choices[i + 1] != NULL ? ", " : " or ";

			used += (size_t)snprintf(out + used, room - used, "%s%s", before, row->choices[i]);
		}
		break;
	}
}

static int refuse(const struct config_row *row, const char *value, struct err *err)
{
	char shown[CONFIG_SHOWN_MAX + 4], wanted[128];

	config_row_wanted(row, wanted, sizeof(wanted));
	return err_set(err, -EINVAL, "%s.%s is \"%s\"; it must be %s", row->section, row->key, config_show(value, shown),
		       wanted);
}

// Decimal digits, with a point if whole is false. No sign, no exponent, nothing before or after.
static int number_parse(const char *value, bool whole, double *out)
{
	size_t length = strlen(value);
	char *end;

	if (length == 0 || length > NUMBER_MAX || strspn(value, whole ? "0123456789" : "0123456789.") != length)
		return -EINVAL;
	*out = strtod(value, &end);
	return *end == '\0' ? 0 : -EINVAL;
}

static int bool_parse(const char *value, bool *out)
{
	static const char *const names[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (unsigned truth = 0; truth < 2; truth++)
			if (strcmp(value, names[i][truth]) == 0) {
				*out = truth != 0;
				return 0;
			}
	return -EINVAL;
}

static int choice_parse(const struct config_row *row, const char *value, unsigned *out)
{
	for (unsigned i = 0; row->choices[i] != NULL; i++)
		if (strcmp(value, row->choices[i]) == 0) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

static int text_check(const char *value, uint32_t size)
{
	if (strlen(value) >= size)
		return -EINVAL;
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return -EINVAL;
	return 0;
}

int config_row_set(struct config *config, const struct config_row *row, const char *value, struct err *err)
{
	void *to = (char *)config + row->offset;
	double number = 0;
	unsigned choice;
	bool truth;

	switch (row->type) {
	case CONFIG_BOOL:
		if (bool_parse(value, &truth) != 0)
			return refuse(row, value, err);
		memcpy(to, &truth, sizeof(truth));
		return 0;
	case CONFIG_U32:
	case CONFIG_REAL:
		if (number_parse(value, row->type == CONFIG_U32, &number) != 0 || number < row->min || number > row->max)
			return refuse(row, value, err);
		if (row->type == CONFIG_U32)
			memcpy(to, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
		else
			memcpy(to, &number, sizeof(number));
		return 0;
	case CONFIG_TEXT:
		if (text_check(value, row->size) != 0)
			return refuse(row, value, err);
		memset(to, 0, row->size);
		strcpy(to, value);
		return 0;
	case CONFIG_ENUM:
		if (choice_parse(row, value, &choice) != 0)
			return refuse(row, value, err);
		memcpy(to, &choice, sizeof(choice));
		return 0;
	}
	return -EINVAL;
}

bool config_row_same(const struct config_row *row, const struct config *a, const struct config *b)
{
	const char *one = (const char *)a + row->offset, *other = (const char *)b + row->offset;

	return row->type == CONFIG_TEXT ? strcmp(one, other) == 0 : memcmp(one, other, row->size) == 0; // behind a text's end may be anything
}

int config_set(struct config *config, const char *name, const char *value, struct err *err)
{
	const char *dot = strchr(name, '.');
	char section[CONFIG_NAME_MAX] = "";
	const struct config_row *row;

	if (dot == NULL)
		return config_row_unknown("", name, err);
	snprintf(section, sizeof(section), "%.*s", (int)(dot - name < CONFIG_NAME_MAX ? dot - name : CONFIG_NAME_MAX), name);
	row = config_row_find(section, dot + 1);
	if (row == NULL)
		return config_row_unknown(section, dot + 1, err);
	return config_row_set(config, row, value, err);
}

void config_defaults(struct config *config)
{
	struct err err;

	memset(config, 0, sizeof(*config));
	for (unsigned i = 0; i < config_row_count; i++)
		config_row_set(config, &config_rows[i], config_rows[i].fallback, &err); // tested: none is refused
}
