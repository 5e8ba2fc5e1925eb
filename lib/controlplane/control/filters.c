// Filters are made here, published to the workers by a pointer, and freed once every worker has said that it uses the new one. Nothing
// on the packet path waits for that.
//
// The appliance's own connections (its API, its outputs) are left out of live capture, or watching the interface that it is managed
// through would feed on itself: each look at the page would make flows, each flow a longer page; each batch of records more records.
#include "control/filters.h"
#include "control/filters_job.h"
#include "control/filters_own.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RETIRED_MAX = 16, MAKE_LIMIT_MS = 1000 };

// What is in force, in the words it was said in: what it was made of, and what is shown.
struct filters_text {
	char expression[CONFIG_FILTER_MAX];
	char from[CONFIG_PATH_MAX]; // where the attributes come from
	char *attributes;           // NULL: none
	size_t length;
};

struct filters {
	struct filter *current;
	struct filters_text text;
	struct filters_late late;
	uint64_t since_ns, changes;
	uint64_t received, filtered, filtered_own; // when it was put in force
	char error[ERR_TEXT_MAX];                  // of the last change, if it was refused
	struct filter *retired[RETIRED_MAX];
	unsigned retired_count;
	struct filters_own own;
};

// ---- change ----

static int text_make(struct filters_text *text, const char *expression, const char *name, const char *attributes, size_t length,
		     struct err *err)
{
	*text = (struct filters_text){.length = length};
	if (expression != NULL && strlen(expression) >= sizeof(text->expression))
		return err_set(err, -E2BIG, "the filter is longer than %zu bytes", sizeof(text->expression) - 1);
	snprintf(text->expression, sizeof(text->expression), "%s", expression != NULL ? expression : "");
	if (attributes == NULL)
		return 0;
	snprintf(text->from, sizeof(text->from), "%s", name != NULL ? name : "");
	text->attributes = malloc(length + 1);
	if (text->attributes == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	memcpy(text->attributes, attributes, length);
	text->attributes[length] = '\0';
	return 0;
}

static void counters_sum(const struct control *c, uint64_t *received, uint64_t *filtered, uint64_t *filtered_own)
{
	*received = *filtered = *filtered_own = 0;
	for (unsigned k = 0; k < c->worker_count; k++) {
		*received += c->worker[k]->counters.received_pkts;
		*filtered += c->worker[k]->counters.filtered_pkts;
		*filtered_own += c->worker[k]->counters.filtered_own_pkts;
	}
}

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void publish(struct control *c, struct filter *new)
{
	struct filters *f = c->filters;

	if (f->current != NULL)
		f->retired[f->retired_count++] = f->current;
	f->current = new;
	for (unsigned k = 0; k < c->worker_count; k++)
		atomic_store_explicit(&c->worker[k]->filter, new, memory_order_release);
}

static void put_in_force(struct control *c, struct filter *new, struct filters_text *text)
{
	struct filters *f = c->filters;

	publish(c, new);
	free(f->text.attributes);
	f->text = *text;
	f->since_ns = wall_ns();
	f->changes++;
	counters_sum(c, &f->received, &f->filtered, &f->filtered_own);
}

static bool used_by_all(const struct control *c)
{
	for (unsigned k = 0; k < c->worker_count; k++)
		if (!atomic_load_explicit(&c->worker[k]->finished, memory_order_acquire) &&
		    atomic_load_explicit(&c->worker[k]->filter_used, memory_order_acquire) != c->filters->current)
			return false;
	return true;
}

void filters_turn(struct control *c)
{
	struct filters *f = c->filters;

	filters_late_reap(&f->late);
	if (f->retired_count == 0 || !used_by_all(c))
		return;
	while (f->retired_count > 0)
		filter_destroy(f->retired[--f->retired_count]);
}

// ---- own connections ----

static bool leaves_out(const struct control *c)
{
	return !c->replay && c->config->capture.own_traffic == CONFIG_OWN_LEAVE_OUT;
}

// The filter stays what it is but for these.
static int own_put(struct control *c, struct err *err)
{
	struct filters *f = c->filters;
	struct filter *new;
	int rc;

	filters_turn(c);
	if (f->retired_count == RETIRED_MAX)
		return err_set(err, -EBUSY, "the filters were changed too often within a moment");
	rc = filter_renew(f->current, f->own.end, f->own.count, &new, err);
	if (rc == 0)
		publish(c, new);
	return rc;
}

int control_own_listen(struct control *c, const char *bound, struct err *err)
{
	if (!leaves_out(c) || strcmp(bound, c->config->api.listen) == 0)
		return 0;
	filters_own_listen(&c->filters->own, bound);
	filters_own_take(&c->filters->own, c);
	return own_put(c, err);
}

void filters_own_turn(struct control *c)
{
	struct filters_own *own;
	struct err ignored; // it is tried again

	if (!filters_own_asked(c))
		return;
	own = &c->filters->own;
	if (!own->given) {
		filters_own_take(own, c);
		if (!leaves_out(c)) // nobody has to wait, that is all
			own->count = own->api;
		own->given = !leaves_out(c) || own_put(c, &ignored) == 0;
	}
	if (!own->given || (leaves_out(c) && !used_by_all(c)))
		return;
	filters_own_grant(c);
	own->given = false;
}

// ---- expression and attributes ----

// 0: *new is made and there is room for the one that it replaces.
static int filter_make(struct control *c, const struct filters_text *text, struct filter **new, struct err *err)
{
	struct filter_port ports[PORT_MAX];
	struct filter_source source = {
		.expression = text->expression,
		.attributes_name = text->from,
		.attributes = text->attributes,
		.attributes_length = text->length,
		.ports = ports,
		.port_count = c->port_count,
		.own = c->filters->own.end,
		.own_count = c->filters->own.count,
	};

	for (unsigned i = 0; i < c->port_count; i++)
		ports[i] = (struct filter_port){c->port[i]->name, c->port[i]->id};
	filters_turn(c);
	if (c->filters->retired_count == RETIRED_MAX)
		return err_set(err, -EBUSY, "the filters were changed too often within a moment; try again");
	return c->launched ? filters_job_run(&c->filters->late, &source, MAKE_LIMIT_MS, new, err) : filter_create(&source, new, err);
}

// A change that failed: what was in force stays, and why it does is remembered.
static int refuse(struct control *c, int rc, const struct err *err)
{
	snprintf(c->filters->error, sizeof(c->filters->error), "%s", err->text);
	return rc;
}

int control_filter_set(struct control *c, const char *expression, const char *name, const char *attributes, size_t length,
		       struct err *err)
{
	struct filters_text text;
	struct filter *new;
	int rc = text_make(&text, expression, name, attributes, length, err);

	if (rc == 0)
		rc = filter_make(c, &text, &new, err);
	if (rc < 0) {
		free(text.attributes);
		return refuse(c, rc, err);
	}
	if (new != NULL && new->has_expression && new->native.run == NULL)
		control_note_once(c, "the filter runs without native code, somewhat slower: %s", new->native.why);
	put_in_force(c, new, &text);
	c->filters->error[0] = '\0';
	return 0;
}

void control_filters(const struct control *c, struct control_filters *out)
{
	const struct filters *f = c->filters;

	*out = (struct control_filters){
		.expression = f->text.expression,
		.attributes_from = f->text.from,
		.attributes = f->text.attributes,
		.attributes_length = f->text.length,
		.own = f->own.count,
		.native = f->current != NULL && f->current->has_expression && f->current->native.run != NULL,
		.since_ns = f->since_ns,
		.changes = f->changes,
		.error = f->error,
	};
	counters_sum(c, &out->received, &out->filtered, &out->filtered_own);
	out->received_before = f->received;
	out->filtered_before = f->filtered;
	out->filtered_own_before = f->filtered_own;
}

// All of a regular file, bounded; one byte more than is allowed shows that there is more.
static int file_read(const char *path, char *out, size_t room, size_t *length, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat stat;
	ssize_t n = 1;

	if (fd < 0)
		return err_set(err, -errno, "cannot open the attribute filters %s: %s", path, strerror(errno));
	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
		rc = err_set(err, -EINVAL, "%s is not a regular file and cannot hold attribute filters", path);
	for (*length = 0; rc == 0 && *length < room && n > 0; *length += (size_t)n) {
		n = read(fd, out + *length, room - *length);
		if (n < 0) {
			rc = err_set(err, -errno, "cannot read the attribute filters %s: %s", path, strerror(errno));
			n = 0;
		}
	}
	close(fd);
	return rc;
}

int control_filter_load(struct control *c, const char *expression, const char *path, struct err *err)
{
	char *text;
	size_t length;
	int rc;

	if (path == NULL || path[0] == '\0')
		return control_filter_set(c, expression, NULL, NULL, 0, err);
	text = malloc(FILTER_ATTRIBUTES_BYTES_MAX + 1);
	if (text == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	rc = file_read(path, text, FILTER_ATTRIBUTES_BYTES_MAX + 1, &length, err);
	if (rc < 0)
		refuse(c, rc, err);
	else
		rc = control_filter_set(c, expression, path, text, length, err);
	free(text);
	return rc;
}

int filters_start(struct control *c, struct err *err)
{
	c->filters = calloc(1, sizeof(*c->filters));
	if (c->filters == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	if (leaves_out(c))
		filters_own_listen(&c->filters->own, c->config->api.listen);
	return control_filter_load(c, c->config->capture.filter, c->config->capture.attributes, err);
}

void filters_destroy(struct control *c)
{
	if (c->filters == NULL)
		return;
	while (c->filters->retired_count > 0)
		filter_destroy(c->filters->retired[--c->filters->retired_count]);
	filters_late_reap(&c->filters->late);
	filter_destroy(c->filters->current);
	free(c->filters->text.attributes);
	free(c->filters);
}
