// Suffixes and applications are two arrays, found through two open hash tables that are never more than half full. A suffix is hashed
// from its end, so that one pass over a name passes all its suffixes, the shortest first.
#include "enrich/enrich_application.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { LINES_MAX = 65536, LINE_MAX = 1024, SUFFIX_MAX = 253, SHOWN_MAX = 64, FIELDS = 3 };

static const uint64_t fnv_basis = 0xcbf29ce484222325u, fnv_prime = 0x100000001b3u;

struct row {
	char suffix[SUFFIX_MAX + 1];
	uint32_t len, application;
};

struct enrich_applications {
	uint32_t *by_suffix, *by_name; // index plus one; 0: free
	uint32_t slots;                // of both, a power of two
	struct row *row;
	struct enrich_application *application;
	uint32_t rows, count;
};

static uint64_t hash_more(uint64_t hash, char c)
{
	return (hash ^ (uint64_t)tolower((unsigned char)c)) * fnv_prime;
}

static uint32_t slot_of(const struct enrich_applications *a, uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32) & (a->slots - 1);
}

// ---- suffixes ----

static uint64_t suffix_hash(const char *suffix, uint32_t len)
{
	uint64_t hash = fnv_basis;

	for (uint32_t i = len; i > 0; i--)
		hash = hash_more(hash, suffix[i - 1]);
	return hash;
}

// The slot of a suffix, or the free one where it belongs.
static uint32_t *suffix_slot(const struct enrich_applications *a, uint64_t hash, const char *suffix, uint32_t len)
{
	uint32_t at = slot_of(a, hash);

	for (; a->by_suffix[at] != 0; at = (at + 1) & (a->slots - 1)) {
		const struct row *row = &a->row[a->by_suffix[at] - 1];

		if (row->len == len && strncasecmp(row->suffix, suffix, len) == 0)
			break;
	}
	return &a->by_suffix[at];
}

struct enrich_application *enrich_application_find(const struct enrich_applications *a, const char *name, uint32_t len)
{
	struct enrich_application *found = NULL;
	uint64_t hash = fnv_basis;

	if (len > 0 && name[len - 1] == '.')
		len--;
	for (uint32_t i = len; i > 0; i--) {
		hash = hash_more(hash, name[i - 1]);
		if (i == 1 || name[i - 2] == '.') {
			uint32_t row = *suffix_slot(a, hash, name + i - 1, len - i + 1);

			if (row != 0)
				found = &a->application[a->row[row - 1].application];
		}
	}
	return found;
}

// ---- applications ----

// The slot of a name, or the free one where it belongs.
static uint32_t *name_slot(const struct enrich_applications *a, const char *name)
{
	uint32_t at = slot_of(a, suffix_hash(name, (uint32_t)strlen(name)));

	while (a->by_name[at] != 0 && strcmp(a->application[a->by_name[at] - 1].name, name) != 0)
		at = (at + 1) & (a->slots - 1);
	return &a->by_name[at];
}

unsigned enrich_application_count(const struct enrich_applications *a)
{
	return a->count;
}

const struct enrich_application *enrich_application_at(const struct enrich_applications *a, unsigned i)
{
	return &a->application[i];
}

void enrich_applications_go_on(struct enrich_applications *a, const struct enrich_applications *before)
{
	for (uint32_t i = 0; i < before->count; i++) {
		const struct enrich_application *from = &before->application[i];
		uint32_t at = *name_slot(a, from->name);

		if (at == 0)
			continue;
		a->application[at - 1].flows = from->flows;
		a->application[at - 1].flows_by_dns = from->flows_by_dns;
		a->application[at - 1].pkts = from->pkts;
		a->application[at - 1].bytes = from->bytes;
	}
}

// The texts have been judged: they fit. A category that is said replaces the one there was.
static uint32_t application_add(struct enrich_applications *a, const char *name, const char *category)
{
	uint32_t *slot = name_slot(a, name);

	if (*slot == 0) {
		snprintf(a->application[a->count].name, sizeof(a->application[0].name), "%s", name);
		*slot = ++a->count;
	}
	if (category[0] != '\0')
		snprintf(a->application[*slot - 1].category, sizeof(a->application[0].category), "%s", category);
	return *slot - 1;
}

// A suffix that is there already is another application's from now on.
static void row_add(struct enrich_applications *a, const char *suffix, const char *application, const char *category)
{
	uint32_t len = (uint32_t)strlen(suffix), *slot = suffix_slot(a, suffix_hash(suffix, len), suffix, len);

	if (*slot == 0) {
		snprintf(a->row[a->rows].suffix, sizeof(a->row[0].suffix), "%s", suffix);
		a->row[a->rows].len = len;
		*slot = ++a->rows;
	}
	a->row[*slot - 1].application = application_add(a, application, category);
}

// ---- the user's file ----

// Where a sentence points to.
struct place {
	const char *path;
	unsigned line;
};

static int refuse(const struct place *at, const char *what, const char *text, struct err *err)
{
	char shown[SHOWN_MAX + 1];
	size_t n = 0;

	for (; text[n] != '\0' && n < SHOWN_MAX; n++)
		shown[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	shown[n] = '\0';
	return err_set(err, -EINVAL, "%.200s:%u: \"%s\" %s", at->path, at->line, shown, what);
}

// Splits a line in place at blanks; a field that begins with a quote goes on to the next one. Returns how many there are; one more
// than FIELDS: too many; 0: none but a comment.
static unsigned fields_split(char *line, const char *field[FIELDS])
{
	unsigned n = 0;

	for (char *at = line;; n++) {
		bool quoted;

		at += strspn(at, " \t\r\n");
		if (*at == '\0' || *at == '#')
			return n;
		if (n == FIELDS)
			return n + 1;
		quoted = *at == '"';
		at += quoted;
		field[n] = at;
		at += strcspn(at, quoted ? "\"" : " \t\r\n");
		if (*at != '\0')
			*at++ = '\0';
	}
}

static bool suffix_sound(const char *suffix)
{
	size_t len = strlen(suffix);

	if (len == 0 || len > SUFFIX_MAX || suffix[0] == '.' || suffix[len - 1] == '.' || strstr(suffix, "..") != NULL)
		return false;
	return strspn(suffix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static bool text_sound(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '\\')
			return false;
	return len > 0 && len <= max;
}

static int line_take(struct enrich_applications *a, const struct place *at, char *line, struct err *err)
{
	const char *field[FIELDS] = {"", "", ""};
	unsigned n = fields_split(line, field);
	const char *suffix = strncmp(field[0], "*.", 2) == 0 ? field[0] + 2 : field[0] + (field[0][0] == '.');

	if (n == 0)
		return 0;
	if (n < 2 || n > FIELDS)
		return refuse(at, "begins a line that is not: suffix application [category]; names with blanks stand in quotes", field[0], err);
	if (!suffix_sound(suffix))
		return refuse(at, "is no domain suffix such as example.com", field[0], err);
	if (!text_sound(field[1], RECORD_APPLICATION_MAX))
		return refuse(at, "is no name of an application: 1 to 63 printable ASCII characters, no backslash", field[1], err);
	if (n == FIELDS && !text_sound(field[2], RECORD_CATEGORY_MAX))
		return refuse(at, "is no category: 1 to 31 printable ASCII characters, no backslash", field[2], err);
	row_add(a, suffix, field[1], field[2]);
	return 0;
}

static int lines_take(struct enrich_applications *a, FILE *file, const char *path, struct err *err)
{
	struct place at = {path, 0};
	char line[LINE_MAX];

	while (fgets(line, sizeof(line), file) != NULL) {
		int rc;

		if (++at.line > LINES_MAX)
			return refuse(&at, "is one line more than the 65536 that are read", "", err);
		if (strlen(line) == sizeof(line) - 1 && line[sizeof(line) - 2] != '\n')
			return refuse(&at, "begins a line that is too long", line, err);
		rc = line_take(a, &at, line, err);
		if (rc < 0)
			return rc;
	}
	if (ferror(file))
		return err_set(err, -EIO, "cannot read the applications %.200s: %s", path, strerror(errno));
	return 0;
}

static int file_take(struct enrich_applications *a, FILE *file, const char *path, struct err *err)
{
	struct stat stat;

	if (fstat(fileno(file), &stat) != 0 || !S_ISREG(stat.st_mode))
		return err_set(err, -EINVAL, "%.200s is not a regular file and cannot hold applications", path);
	return lines_take(a, file, path, err);
}

// ---- together ----

// A file is not read for its length first: room is for as many lines as there may be. Pages that are not used cost nothing.
static struct enrich_applications *room_make(uint32_t rows)
{
	struct enrich_applications *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	for (a->slots = 1; a->slots < 2 * rows;)
		a->slots *= 2;
	a->by_suffix = calloc(a->slots, sizeof(*a->by_suffix));
	a->by_name = calloc(a->slots, sizeof(*a->by_name));
	a->row = calloc(rows, sizeof(*a->row));
	a->application = calloc(rows, sizeof(*a->application));
	if (a->by_suffix != NULL && a->by_name != NULL && a->row != NULL && a->application != NULL)
		return a;
	enrich_applications_destroy(a);
	return NULL;
}

void enrich_applications_destroy(struct enrich_applications *a)
{
	if (a == NULL)
		return;
	free(a->by_suffix);
	free(a->by_name);
	free(a->row);
	free(a->application);
	free(a);
}

int enrich_applications_create(const char *path, struct enrich_applications **out, struct err *err)
{
	bool own = path != NULL && path[0] != '\0';
	FILE *file = own ? fopen(path, "re") : NULL;
	struct enrich_applications *a;
	int rc = 0;

	if (own && file == NULL)
		return err_set(err, -errno, "cannot open the applications %.200s: %s", path, strerror(errno));
	a = room_make(enrich_suffix_count + (own ? LINES_MAX : 0));
	if (a == NULL)
		rc = err_set(err, -ENOMEM, "no memory for the applications");
	for (unsigned i = 0; rc == 0 && i < enrich_suffix_count; i++)
		row_add(a, enrich_suffixes[i].suffix, enrich_suffixes[i].application, enrich_suffixes[i].category);
	if (rc == 0 && own)
		rc = file_take(a, file, path, err);
	if (file != NULL)
		fclose(file);
	if (rc == 0)
		*out = a;
	else
		enrich_applications_destroy(a);
	return rc;
}
