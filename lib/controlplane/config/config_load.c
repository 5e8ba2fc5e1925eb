// A file becomes a struct config, whole or not at all. libinih splits sections and keys; the reader below, which hands it one
// line at a time, does what libinih leaves out and what a file that is also valid TOML needs: line numbers, quoted values,
// comments behind them, indented keys. libinih's line buffer is short, so it is shown the key only and the value is kept here.
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_row.h"

enum { FILE_BYTES_MAX = 1 << 20, LINE_BYTES_MAX = 4096, ERRORS_MAX = 100 };

static const char KEY_LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

struct config_file {
	const char *name;
	const char *at, *end;
	unsigned line;
	char text[LINE_BYTES_MAX]; // the line being read
	const char *value;         // in text
	unsigned set_on[CONFIG_ROWS_MAX]; // line that has set a row, 0: none yet
	struct config draft;
	FILE *errors;
	unsigned error_count;
};

static void complain(struct config_file *file, const char *sentence)
{
	if (++file->error_count <= ERRORS_MAX)
		fprintf(file->errors, "%s:%u: %s\n", file->name, file->line, sentence);
}

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && blank(end[-1]))
		end--;
	*end = '\0';
	while (blank(*text))
		text++;
	return text;
}

// Cuts an unquoted comment: # or ; at the start or after a blank.
static char *comment_cut(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if ((*c == '#' || *c == ';') && (c == text || blank(c[-1]))) {
			*c = '\0';
			break;
		}
	return trim(text);
}

// The text between quotes, in place. Between double ones a backslash stands before a quote or another backslash.
static char *unquote(struct config_file *file, char *text)
{
	char quote = text[0], *out = text, *in = text + 1;

	for (; *in != quote && *in != '\0'; in++) {
		if (quote == '"' && *in == '\\' && *++in != '"' && *in != '\\') {
			complain(file, "a backslash between double quotes stands before \" or \\ only");
			return NULL;
		}
		*out++ = *in;
	}
	if (*in == '\0') {
		complain(file, "the quote that opens the value is not closed");
		return NULL;
	}
	if (*comment_cut(in + 1) != '\0') {
		complain(file, "something stands after the closing quote");
		return NULL;
	}
	*out = '\0';
	return text;
}

// Copies the next line into file->text. Lines that no key could be on are complained about and left out.
static bool line_take(struct config_file *file)
{
	size_t left = (size_t)(file->end - file->at);
	const char *newline = memchr(file->at, '\n', left);
	size_t length = newline != NULL ? (size_t)(newline - file->at) : left;
	const char *start = file->at;

	file->at += length + (newline != NULL);
	file->line++;
	file->text[0] = '\0';
	if (memchr(start, '\0', length) != NULL)
		complain(file, "the line holds a NUL byte; is this a text file?");
	else if (length >= sizeof(file->text))
		complain(file, "the line is longer than 4095 bytes");
	else {
		memcpy(file->text, start, length);
		file->text[length] = '\0';
	}
	return file->text[0] != '\0';
}

// What libinih is shown of a line: "[section]" or "key=". False if there is nothing to show.
static bool line_show(struct config_file *file, char *out, size_t room)
{
	char *text = trim(file->text), *equals = strchr(text, '='), *key, *value;

	if (*text == '\0' || *text == '#' || *text == ';')
		return false;
	if (*text == '[') {
		text = comment_cut(text);
		if (text[strlen(text) - 1] == ']' && strlen(text) < room) {
			strcpy(out, text);
			return true;
		}
		complain(file, "a section is written [name]");
		return false;
	}
	if (equals == NULL) {
		complain(file, "this is neither a [section] nor key = value");
		return false;
	}
	*equals = '\0';
	key = trim(text);
	if (*key == '\0' || strlen(key) >= CONFIG_NAME_MAX || key[strspn(key, KEY_LETTERS)] != '\0') {
		complain(file, "a key is made of small letters, digits and _");
		return false;
	}
	value = trim(equals + 1);
	value = *value == '"' || *value == '\'' ? unquote(file, value) : comment_cut(value);
	if (value == NULL)
		return false;
	file->value = value;
	snprintf(out, room, "%s=", key);
	return true;
}

static char *on_read(char *out, int room, void *state)
{
	struct config_file *file = state;

	while (file->at < file->end)
		if (line_take(file) && line_show(file, out, (size_t)room))
			return out;
	return NULL;
}

static int on_key(void *state, const char *section, const char *key, const char *value)
{
	struct config_file *file = state;
	const struct config_row *row = config_row_find(section, key);
	unsigned *set_on;
	struct err err;

	(void)value; // file->value is the whole of it
	if (row == NULL) {
		config_row_unknown(section, key, &err);
		complain(file, err.text);
		return 1;
	}
	set_on = &file->set_on[row - config_rows];
	if (*set_on != 0) {
		err_set(&err, -EEXIST, "%s.%s is set a second time; the first is on line %u", section, key, *set_on);
		complain(file, err.text);
		return 1;
	}
	*set_on = file->line;
	if (config_row_set(&file->draft, row, file->value, &err) != 0)
		complain(file, err.text);
	return 1;
}

int config_load_text(struct config *config, const char *name, const char *text, size_t length, FILE *errors, struct err *err)
{
	struct config_file file = {.name = name, .at = text, .end = text + length, .draft = *config, .errors = errors};

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		file.at += 3;
	if (ini_parse_stream(on_read, &file, on_key, &file) != 0)
		complain(&file, "libinih could not read a line up to here");
	if (file.error_count > ERRORS_MAX)
		fprintf(errors, "%s: and %u more mistakes\n", name, file.error_count - ERRORS_MAX);
	if (file.error_count > 0)
		return err_set(err, -EINVAL, "%s has %u mistake%s; nothing was taken from it", name, file.error_count,
			       file.error_count == 1 ? "" : "s");
	*config = file.draft;
	return 0;
}

// All of a regular file. O_NONBLOCK: a pipe planted under the name must not stop us.
static int file_read(const char *path, char *out, size_t room, size_t *length, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat stat;
	ssize_t n = 1;

	if (fd < 0)
		return err_set(err, -errno, "cannot open the configuration %s: %s", path, strerror(errno));
	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
		rc = err_set(err, -EINVAL, "%s is not a regular file and cannot be a configuration", path);
		goto close;
	}
	for (*length = 0; *length < room && n > 0; *length += (size_t)n) {
		n = read(fd, out + *length, room - *length);
		if (n < 0) {
			rc = err_set(err, -errno, "cannot read the configuration %s: %s", path, strerror(errno));
			goto close;
		}
	}
	if (*length == room)
		rc = err_set(err, -EFBIG, "%s is larger than 1 MiB and cannot be a configuration", path);
close:
	close(fd);
	return rc;
}

int config_load(struct config *config, const char *path, FILE *errors, struct err *err)
{
	char *text = malloc(FILE_BYTES_MAX + 1);
	size_t length = 0;
	int rc;

	if (text == NULL)
		return err_set(err, -ENOMEM, "no memory to read the configuration %s", path);
	rc = file_read(path, text, FILE_BYTES_MAX + 1, &length, err);
	if (rc == 0)
		rc = config_load_text(config, path, text, length, errors, err);
	free(text);
	return rc;
}
