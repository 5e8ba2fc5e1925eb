// Reading the configuration again while packets flow. It is taken whole or not at all: the new one is read and judged as at the start,
// its filters are made, and only then is anything put in force. A key that cannot change at run time keeps its value, and is named.
//
// What the API set in between is replaced: after a reload the files say what holds.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_row.h"
#include "control/sinks.h"
#include "enrich/enrich_application.h"

_Static_assert((int)CONTROL_ROWS_MAX >= (int)CONFIG_ROWS_MAX, "raise CONTROL_ROWS_MAX");

// Takes what may change from next into draft; marks what is different.
static void differences(const struct config *now, const struct config *next, struct config *draft, struct control_reload *out)
{
	for (unsigned i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];

		if (config_row_same(row, now, next))
			continue;
		*(row->reloadable ? &out->changed[i] : &out->restart[i]) = true;
		if (row->reloadable)
			memcpy((char *)draft + row->offset, (const char *)next + row->offset, row->size);
	}
}

static void restart_note(struct control_reload *reload)
{
	size_t used = 0, room = sizeof(reload->restart_note);

	reload->restart_note[0] = '\0';
	for (unsigned i = 0; i < config_row_count && used < room; i++)
		if (reload->restart[i])
			used += (size_t)snprintf(reload->restart_note + used, room - used, "%s%s.%s", used == 0 ? "a changed key needs a restart: " : ", ",
						 config_rows[i].section, config_rows[i].key);
}

// A filter that has changed and is wrong stands in the file: the options are those of the start.
static void file_name(const struct control *c, const struct config *draft, struct err *err)
{
	struct err sentence = *err;
	bool about_attributes = draft->capture.attributes[0] != '\0' && strstr(err->text, draft->capture.attributes) != NULL;

	if (c->reader.path != NULL && !about_attributes && strcmp(draft->capture.filter, c->config->capture.filter) != 0)
		err_set(err, 0, "%.150s: capture.filter: %.300s", c->reader.path, sentence.text);
}

// read and draft: room for a configuration each.
static int reload(struct control *c, struct config *read, struct config *draft, struct err *err)
{
	struct control_reload now = {.error = ""};
	struct enrich_applications *applications;
	struct control_sinks_change sinks;
	int rc;

	if (c->reader.read == NULL)
		return err_set(err, -ENOTSUP, "there is no configuration that could be read again");
	rc = c->reader.read(c->reader.arg, read, err);
	if (rc < 0)
		return rc;
	*draft = *c->config;
	differences(c->config, read, draft, &now);
	rc = enrich_applications_create(draft->applications.file, &applications, err);
	if (rc < 0)
		return rc;
	rc = control_sinks_prepare(c, draft, true, &sinks, err);
	if (rc < 0)
		goto fail;
	rc = control_filter_load(c, draft->capture.filter, draft->capture.attributes, err);
	if (rc < 0) {
		control_sinks_abort(c, &sinks);
		file_name(c, draft, err);
		goto fail;
	}
	control_sinks_commit(c, draft);
	naming_replace(c->naming, applications);
	restart_note(&now);
	c->reload = now;
	return 0;

fail:
	enrich_applications_destroy(applications);
	return rc;
}

int control_reload(struct control *c, struct err *err)
{
	struct config *read = calloc(1, sizeof(*read)), *draft = calloc(1, sizeof(*draft));
	int rc;

	if (c->reloaded == NULL)
		c->reloaded = calloc(1, sizeof(*c->reloaded));
	if (read == NULL || draft == NULL || c->reloaded == NULL)
		rc = err_set(err, -ENOMEM, "no memory to read the configuration again");
	else
		rc = reload(c, read, draft, err);
	if (rc == 0) {
		*c->reloaded = *draft;
		c->config = c->reloaded;
	} else {
		memset(&c->reload, 0, sizeof(c->reload));
		snprintf(c->reload.error, sizeof(c->reload.error), "%s", err->text);
	}
	free(draft);
	free(read);
	return rc;
}
