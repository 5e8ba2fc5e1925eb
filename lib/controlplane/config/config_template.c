// The template: every key with what it does, what it may be and its default. Written beside its final name and renamed, so
// that nobody ever sees half of one. An existing file is not replaced: it may be the work of an afternoon.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_row.h"

static void row_print(FILE *out, const struct config_row *row)
{
	bool quoted = row->type == CONFIG_TEXT || row->type == CONFIG_ENUM;
	const char *quote = quoted ? "\"" : "";
	char wanted[128];

	config_row_wanted(row, wanted, sizeof(wanted));
	fprintf(out, "\n# %s\n# %s; default %s%s%s%s\n", row->help, wanted, quote, row->fallback, quote,
		row->reloadable ? "; SIGHUP puts a change into force" : "");
	fprintf(out, "%s = %s%s%s\n", row->key, quote, row->fallback, quote);
}

void config_print_template(FILE *out)
{
	const char *section = "";

	fprintf(out, "# Configuration of spanwatch. Every key is here with its default; a key that is left out keeps it.\n"
		     "# The file is INI and TOML at once: quote texts, write lists as \"a, b\". Options override it.\n");
	for (unsigned i = 0; i < config_row_count; i++) {
		if (strcmp(section, config_rows[i].section) != 0) {
			section = config_rows[i].section;
			fprintf(out, "\n[%s]\n", section);
		}
		row_print(out, &config_rows[i]);
	}
}

// Prints into fd and closes it. A full disk may only show at fsync or close.
static int template_write(int fd)
{
	FILE *out = fdopen(fd, "w");
	int rc = 0;

	if (out == NULL) {
		rc = -errno;
		close(fd);
		return rc;
	}
	config_print_template(out);
	if (fflush(out) != 0 || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
		rc = -errno;
	if (fclose(out) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

int config_write_template(const char *path, struct err *err)
{
	char temporary[CONFIG_PATH_MAX];
	struct stat stat;
	int fd, rc;

	if (lstat(path, &stat) == 0)
		return err_set(err, -EEXIST, "%s exists already and is not replaced; choose another name or move it away",
			       path);
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return err_set(err, -ENAMETOOLONG, "the name of the configuration to write is longer than %u bytes",
			       (unsigned)sizeof(temporary) - 8);
	fd = mkstemp(temporary);
	if (fd < 0)
		return err_set(err, -errno, "cannot write the configuration %s: %s", path, strerror(errno));
	rc = template_write(fd);
	if (rc == 0 && rename(temporary, path) != 0)
		rc = -errno;
	if (rc == 0)
		return 0;
	unlink(temporary);
	return err_set(err, rc, "cannot write the configuration %s: %s", path, strerror(-rc));
}
