#include "control/sinks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_row.h"

enum { NOTED_PATH_MAX = 192 };

_Static_assert((int)CONTROL_SINKS_MAX <= (int)METRICS_SINKS_MAX, "raise METRICS_SINKS_MAX");

// ---- which run ----

struct sink *control_sink_find(const struct control *c, const struct sink_ops *ops)
{
	for (unsigned i = 0; i < c->sink_count; i++)
		if (sink_ops_of(c->sink[i]) == ops)
			return c->sink[i];
	return NULL;
}

// One that has a section with the key `enabled` runs while that is false, too: what waits in its spool goes on.
static bool wanted(const struct sink_ops *ops, const struct config *config)
{
	const struct config_row *row = config_row_find(ops->name, "enabled");

	return ops->enabled(config) && (row == NULL || *((const bool *)config + row->offset));
}

static bool keys_same(const struct config *a, const struct config *b, const char *section)
{
	for (unsigned i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];
		bool concerns = strcmp(row->section, section) == 0 || strcmp(row->section, "spool") == 0;

		if (concerns && !config_row_same(row, a, b))
			return false;
	}
	return true;
}

static int settings_give(struct control *c, const struct config *config, bool again, struct control_sinks_change *change, struct err *err)
{
	for (unsigned i = 0; i < change->had; i++) {
		const struct sink_ops *ops = sink_ops_of(c->sink[i]);
		int rc;

		if (!ops->enabled(config) || (!again && keys_same(c->config, config, ops->name)))
			continue;
		rc = sink_apply(c->sink[i], config, err);
		if (rc < 0)
			return rc;
		change->applied |= 1u << i;
	}
	return 0;
}

// A new one is behind all others, so that the bits of records that some have and others do not stay right. Such a record is still
// waiting, for the new one as well; all before it were never meant for it.
static int one_start(struct control *c, const struct sink_ops *ops, const struct config *config, struct err *err)
{
	struct metrics_sources sources;
	int rc;

	if (c->sink_count == CONTROL_SINKS_MAX)
		return err_set(err, -E2BIG, "more than %u outputs", CONTROL_SINKS_MAX);
	control_sources(c, &sources);
	rc = sink_start(ops, config, sources.records_given - sources.records_waiting, &c->sink[c->sink_count], err);
	if (rc < 0)
		return rc;
	c->sink_count++;
	return 0;
}

int control_sinks_prepare(struct control *c, const struct config *config, bool again, struct control_sinks_change *change, struct err *err)
{
	int rc;

	*change = (struct control_sinks_change){.had = c->sink_count};
	rc = settings_give(c, config, again, change, err);
	for (unsigned i = 0; i < sink_count && rc == 0; i++)
		if (sink_list[i]->enabled(config) && control_sink_find(c, sink_list[i]) == NULL)
			rc = one_start(c, sink_list[i], config, err);
	if (rc < 0)
		control_sinks_abort(c, change);
	return rc;
}

void control_sinks_commit(struct control *c, const struct config *config)
{
	for (unsigned i = 0; i < c->sink_count; i++)
		sink_switch(c->sink[i], wanted(sink_ops_of(c->sink[i]), config));
}

void control_sinks_abort(struct control *c, const struct control_sinks_change *change)
{
	struct err ignored;

	while (c->sink_count > change->had)
		sink_free(c->sink[--c->sink_count]);
	for (unsigned i = 0; i < change->had; i++)
		if ((change->applied & 1u << i) != 0)
			sink_apply(c->sink[i], c->config, &ignored); // they held until just now
}

int control_sinks_apply(struct control *c, const struct config *config, struct err *err)
{
	struct control_sinks_change change;
	int rc = control_sinks_prepare(c, config, false, &change, err);

	if (rc == 0)
		control_sinks_commit(c, config);
	return rc;
}

int control_sinks_set(struct control *c, const struct config *config, struct err *err)
{
	int rc;

	if (c->reloaded == NULL && (c->reloaded = malloc(sizeof(*c->reloaded))) == NULL)
		return err_set(err, -ENOMEM, "no memory for another configuration");
	rc = control_sinks_apply(c, config, err);
	if (rc < 0)
		return rc;
	*c->reloaded = *config;
	c->config = c->reloaded;
	return 0;
}

// ---- what is said ----

static const char *grouped(uint64_t n, char *out)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), used = 0;

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

static const char *time_left(double seconds, char *out, size_t room)
{
	out[0] = '\0';
	if (seconds >= 0)
		snprintf(out, room, ", for about %.0f s", seconds < 1 ? 1 : seconds);
	return out;
}

bool control_sink_away(const struct sink_stats *s)
{
	bool stuck = s->state == SINK_DRAINING && s->drain_s < 0;

	return s->remote && (s->state == SINK_CONNECTING || s->state == SINK_DEGRADED || s->state == SINK_FAILING || stuck);
}

void control_sink_sentence(const struct sink_stats *s, char *out)
{
	const char *target = s->target[0] != '\0' ? s->target : "its server", *cause = s->cause[0] != '\0' ? s->cause : "not yet connected";
	const char *error = s->error, *gap = error[0] != '\0' ? "; " : "";
	char waiting[32], left[48];

	grouped(s->waiting, waiting);
	switch (s->state) {
	case SINK_OFF:
		snprintf(out, CONTROL_SENTENCE_MAX, "switched off%s%s%s", s->waiting > 0 ? "; what waits still goes to its server: " : "",
			 s->waiting > 0 ? waiting : "", s->waiting > 0 ? " records" : "");
		break;
	case SINK_UP:
		snprintf(out, CONTROL_SENTENCE_MAX, "connected to %.100s", target);
		break;
	case SINK_DRAINING:
		snprintf(out, CONTROL_SENTENCE_MAX, "connected to %.100s; %s records that waited are being sent%s", target, waiting,
			 time_left(s->drain_s, left, sizeof(left)));
		break;
	case SINK_FAILING:
		snprintf(out, CONTROL_SENTENCE_MAX, "records are lost%s%.280s", gap, error);
		break;
	default:
		snprintf(out, CONTROL_SENTENCE_MAX, "waiting for %.100s (%s): %s records wait in the spool%s%.180s", target, cause, waiting, gap, error);
		break;
	}
}

// One line, and not another one about the same sink for a while: what changes in between is counted.
static void changes_tell(struct control *c, struct control_sink_seen *seen, const struct sink_stats *stats)
{
	unsigned missed = seen->changes - 1;
	char sentence[CONTROL_SENTENCE_MAX], more[96] = "";

	control_sink_sentence(stats, sentence);
	if (missed > 0)
		snprintf(more, sizeof(more), " (%u change%s in between not told%s%s)", missed, missed == 1 ? "" : "s",
			 seen->missed[0] != '\0' ? ", the latest cause: " : "", seen->missed);
	control_tell(c, "output %s: %s%s", stats->name, sentence, more);
	seen->changes = 0;
	seen->missed[0] = '\0';
	seen->pause_s = CONTROL_TELL_EVERY_S;
}

// Behind for a moment, without having been away, is no news.
static enum sink_state state_seen(const struct control_sink_seen *before, const struct sink_stats *now)
{
	return now->state == SINK_DRAINING && before->state == SINK_UP ? SINK_UP : now->state;
}

static void one_look(struct control *c, struct control_sink_seen *seen, const struct sink_stats *stats)
{
	enum sink_state state;

	if (!seen->known)
		seen->state = SINK_CONNECTING; // as each begins; nobody has to be told
	state = state_seen(seen, stats);
	if (seen->pause_s > 0)
		seen->pause_s--;
	if (state != seen->state || strcmp(stats->cause, seen->cause) != 0) {
		if (seen->changes++ > 0 && seen->cause[0] != '\0')
			memcpy(seen->missed, seen->cause, sizeof(seen->missed));
	}
	seen->known = true;
	seen->state = state;
	snprintf(seen->cause, sizeof(seen->cause), "%s", stats->cause);
	if (seen->changes > 0 && seen->pause_s == 0)
		changes_tell(c, seen, stats);
}

static void spool_look(struct control *c, struct control_sink_seen *seen, const struct sink_stats *stats)
{
	if (seen->spool_pause_s > 0)
		seen->spool_pause_s--;
	if (seen->spool_pause_s > 0 || stats->spool_failing == seen->spool_failing)
		return;
	seen->spool_failing = stats->spool_failing;
	seen->spool_pause_s = CONTROL_TELL_EVERY_S;
	if (stats->spool_failing)
		control_tell(c, "output %s: the spool is in memory: %.280s", stats->name, stats->spool_error);
	else
		control_tell(c, "output %s: the spool is on disk again", stats->name);
}

// Records that a server was told are lost, since that was last said here.
static bool lost_more(struct control_sink_seen *seen, const struct sink_stats *stats, char *text, size_t room)
{
	uint64_t more = stats->tombstoned - seen->lost;
	char number[32];

	snprintf(text, room, "%s record%s told lost; tombstones say which and why", grouped(more, number), more == 1 ? "" : "s");
	seen->lost = stats->tombstoned;
	return more > 0;
}

static void lost_look(struct control *c, struct control_sink_seen *seen, const struct sink_stats *stats)
{
	char text[CONTROL_SENTENCE_MAX];

	if (seen->lost_pause_s > 0 && --seen->lost_pause_s > 0)
		return;
	if (!lost_more(seen, stats, text, sizeof(text)))
		return;
	seen->lost_pause_s = CONTROL_TELL_EVERY_S;
	control_tell(c, "output %s: %s", stats->name, text);
}

void control_sinks_look(struct control *c)
{
	for (unsigned i = 0; i < c->sink_count; i++) {
		struct sink_stats stats;

		sink_stats(c->sink[i], &stats);
		if (!stats.remote)
			continue;
		one_look(c, &c->sink_seen[i], &stats);
		spool_look(c, &c->sink_seen[i], &stats);
		lost_look(c, &c->sink_seen[i], &stats);
	}
}

static void waits_note(struct control *c, const struct sink_stats *stats)
{
	const char *why = stats->error, *gap = why[0] != '\0' ? "; this one could not: " : "";
	char waiting[32], path[NOTED_PATH_MAX];

	grouped(stats->waiting, waiting);
	snprintf(path, sizeof(path), "%.150s/%s", c->config->spool.directory, stats->name);
	if (stats->spool_failing)
		control_note(c, "%s: %s records wait; the next run sends those that %s has taken, and tells the others lost%s%.200s", stats->name,
			     waiting, path, gap, why);
	else
		control_note(c, "%s: %s records wait in %s; the next run sends them%s%.200s", stats->name, waiting, path, gap, why);
}

void control_sinks_end(struct control *c)
{
	for (unsigned i = 0; i < c->sink_count; i++) {
		char text[CONTROL_SENTENCE_MAX];
		struct sink_stats stats;

		sink_stats(c->sink[i], &stats);
		if (stats.remote && lost_more(&c->sink_seen[i], &stats, text, sizeof(text)))
			control_note(c, "output %s: %s", stats.name, text);
		if (stats.remote && stats.waiting > 0)
			waits_note(c, &stats);
	}
}
