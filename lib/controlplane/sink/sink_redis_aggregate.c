// An aggregate, a JSON object that control makes once a second, as commands: the newest sums in a hash, the tops and the distinct
// hosts of each minute in keys of that minute, the whole on the channel "live", a few numbers in RedisTimeSeries where it is. All
// values are absolute, so that writing one twice changes nothing.
//
// The text is our own, but it has been on disk: it is read as anything else from outside. What is broken is left out and counted.
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "sink/sink_redis.h"

enum {
	STATS_MAX = 512,   // fields of one aggregate
	TOPS_MAX = REDIS_TOPS_MAX, // sorted sets
	MEMBERS_MAX = 512, // of one of them
	HOSTS_MAX = 4096,
	FIELD_MAX = REDIS_FIELD_MAX,
	MEMBER_MAX = 512,
	KEY_ROOM = REDIS_KEY_MAX + 2 * FIELD_MAX,
	NUMBER_MAX = 32,
	SERIES_MAX = 32,
	MINUTE_DIGITS = REDIS_MINUTE_MAX - 1,
	HOUR_DIGITS = 10,
	ARGUMENTS_MAX = 2 + 2 * (STATS_MAX + 2) > 2 + HOSTS_MAX ? 2 + 2 * (STATS_MAX + 2) : 2 + HOSTS_MAX
};

_Static_assert(2 + 2 * MEMBERS_MAX <= ARGUMENTS_MAX, "room for a sorted set");

// A command that is being put together. Its numbers live in it.
struct wide {
	int argc;
	const char *argv[ARGUMENTS_MAX];
	unsigned numbers;
	char number[STATS_MAX + 2][NUMBER_MAX];
};

_Static_assert(MEMBERS_MAX <= STATS_MAX, "room for the numbers of a sorted set");

static bool name_is_sound(const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;

	return n > 0 && n < FIELD_MAX && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-") == n;
}

static bool text_is_short(const cJSON *item)
{
	return cJSON_IsString(item) && item->valuestring != NULL && item->valuestring[0] != '\0' &&
	       strlen(item->valuestring) <= MEMBER_MAX;
}

static const char *number_text(struct wide *w, double value)
{
	char *at = w->number[w->numbers++];

	snprintf(at, NUMBER_MAX, "%.15g", value);
	return at;
}

static void wide_begin(struct wide *w, const char *verb, const char *key)
{
	w->argc = 2;
	w->numbers = 0;
	w->argv[0] = verb;
	w->argv[1] = key;
}

static void wide_add(struct wide *w, const char *field, const char *value)
{
	w->argv[w->argc++] = field;
	if (value != NULL)
		w->argv[w->argc++] = value;
}

static int wide_put(struct redis_sink *sink, struct wide *w)
{
	size_t lengths[ARGUMENTS_MAX];

	for (int i = 0; i < w->argc; i++)
		lengths[i] = strlen(w->argv[i]);
	return redis_put(sink, REDIS_SUM, SINK_AGGREGATES, w->argc, w->argv, lengths);
}

static int put_with_ttl(struct redis_sink *sink, struct wide *w, const char *ttl_s)
{
	int rc = wide_put(sink, w);

	return rc == 0 ? redis_put(sink, REDIS_SUM, SINK_AGGREGATES, 3, (const char *[]){"EXPIRE", w->argv[1], ttl_s}, NULL) : rc;
}

static void key_write(const struct redis_sink *sink, char key[KEY_ROOM], const char *kind, const char *name)
{
	snprintf(key, KEY_ROOM, "sw:{%s}:%s:%s", sink->sensor, kind, name);
}

// ---- parts ----

// The whole hash anew: fields of ports that are no more would stay for ever.
static int stats_put(struct redis_sink *sink, struct wide *w, const cJSON *stats, const cJSON *time)
{
	const cJSON *item;
	int rc;

	wide_begin(w, "HSET", sink->key[REDIS_KEY_STATS]);
	if (text_is_short(time))
		wide_add(w, "time", time->valuestring);
	cJSON_ArrayForEach(item, stats) {
		bool number = cJSON_IsNumber(item) && isfinite(item->valuedouble);

		if (!name_is_sound(item->string) || (!number && !text_is_short(item)) || w->numbers >= STATS_MAX ||
		    w->argc + 4 > ARGUMENTS_MAX)
			sink->left_out++;
		else
			wide_add(w, item->string, number ? number_text(w, item->valuedouble) : item->valuestring);
	}
	if (sink->left_out > 0)
		wide_add(w, "redis.left_out", number_text(w, (double)sink->left_out));
	if (w->argc == 2)
		return 0;
	rc = redis_put(sink, REDIS_SUM, SINK_AGGREGATES, 2, (const char *[]){"DEL", sink->key[REDIS_KEY_STATS]}, NULL);
	return rc == 0 ? put_with_ttl(sink, w, sink->ttl_s) : rc;
}

static bool in_series(const char *name)
{
	static const char *const names[] = {"pps", "bps", "fps", "flows.active"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "tcp.", 4) == 0;
}

// Milliseconds of "2026-11-21T11:30:05Z"; 0: it is none.
static long long time_ms(const cJSON *time)
{
	struct tm tm = {0};
	const char *end = cJSON_IsString(time) ? strptime(time->valuestring, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	return end != NULL && (*end == 'Z' || *end == '.') && tm.tm_year >= 70 ? (long long)timegm(&tm) * 1000 : 0;
}

static int point_put(struct redis_sink *sink, const char *metric, double value, const char *ms)
{
	char key[KEY_ROOM], number[NUMBER_MAX];
	int rc;

	key_write(sink, key, "ts", metric);
	snprintf(number, sizeof(number), "%.15g", value);
	rc = redis_put(sink, REDIS_SERIES, SINK_AGGREGATES, 13,
		       (const char *[]){"TS.ADD", key, ms, number, "RETENTION", sink->minute_ttl_ms, "ON_DUPLICATE", "LAST", "LABELS",
					"sensor", sink->sensor, "metric", metric}, NULL);
	return rc == 0 ? redis_put(sink, REDIS_SERIES, SINK_AGGREGATES, 3, (const char *[]){"EXPIRE", key, sink->ttl_s}, NULL) : rc;
}

static int series_put(struct redis_sink *sink, const cJSON *stats, const cJSON *time)
{
	char ms[NUMBER_MAX];
	unsigned points = 0;
	const cJSON *item;
	int rc = 0;

	if (!sink->series || time_ms(time) == 0)
		return 0;
	snprintf(ms, sizeof(ms), "%lld", time_ms(time));
	cJSON_ArrayForEach(item, stats) {
		if (rc == 0 && points < SERIES_MAX && cJSON_IsNumber(item) && isfinite(item->valuedouble) &&
		    name_is_sound(item->string) && in_series(item->string)) {
			rc = point_put(sink, item->string, item->valuedouble, ms);
			points++;
		}
	}
	return rc;
}

// Of which minutes there are such keys is remembered; of which names, too.
static void top_note(struct redis_sink *sink, const char *name)
{
	for (unsigned i = 0; i < sink->top_names; i++)
		if (strcmp(sink->top_name[i], name) == 0)
			return;
	if (sink->top_names < TOPS_MAX)
		snprintf(sink->top_name[sink->top_names++], FIELD_MAX, "%s", name);
}

static int top_put(struct redis_sink *sink, struct wide *w, const cJSON *top, const char *minute)
{
	char key[KEY_ROOM], name[2 * FIELD_MAX];
	const cJSON *pair;

	if (!name_is_sound(top->string) || !cJSON_IsArray(top)) {
		sink->left_out++;
		return 0;
	}
	top_note(sink, top->string);
	snprintf(name, sizeof(name), "%s:%s", top->string, minute);
	key_write(sink, key, "top", name);
	wide_begin(w, "ZADD", key);
	cJSON_ArrayForEach(pair, top) {
		const cJSON *member = cJSON_GetArrayItem(pair, 0), *score = cJSON_GetArrayItem(pair, 1);

		if (!cJSON_IsArray(pair) || !text_is_short(member) || !cJSON_IsNumber(score) || !isfinite(score->valuedouble) ||
		    w->numbers >= MEMBERS_MAX)
			sink->left_out++;
		else
			wide_add(w, number_text(w, score->valuedouble), member->valuestring);
	}
	return w->argc > 2 ? put_with_ttl(sink, w, sink->minute_ttl_s) : 0;
}

static int tops_put(struct redis_sink *sink, struct wide *w, const cJSON *tops, const char *minute)
{
	const cJSON *top;
	unsigned n = 0;
	int rc = 0;

	cJSON_ArrayForEach(top, tops) {
		if (n++ >= TOPS_MAX)
			sink->left_out++;
		else if (rc == 0)
			rc = top_put(sink, w, top, minute);
	}
	return rc;
}

// The distinct hosts of the minute and of its hour, as HyperLogLogs, which PFMERGE joins across sensors.
static int hosts_put(struct redis_sink *sink, struct wide *w, const cJSON *hosts, const char *minute)
{
	char minute_key[KEY_ROOM], hour_key[KEY_ROOM], hour[HOUR_DIGITS + 1];
	const cJSON *host;
	int rc;

	snprintf(hour, sizeof(hour), "%.*s", HOUR_DIGITS, minute);
	key_write(sink, minute_key, "hosts", minute);
	key_write(sink, hour_key, "hosts", hour);
	wide_begin(w, "PFADD", minute_key);
	cJSON_ArrayForEach(host, hosts) {
		if (!text_is_short(host) || w->argc - 2 >= HOSTS_MAX)
			sink->left_out++;
		else
			wide_add(w, host->valuestring, NULL);
	}
	if (w->argc == 2)
		return 0;
	rc = put_with_ttl(sink, w, sink->minute_ttl_s);
	w->argv[1] = hour_key;
	return rc == 0 ? put_with_ttl(sink, w, sink->hour_ttl_s) : rc;
}

// ---- minutes that make way ----

static int key_delete(struct redis_sink *sink, const char *kind, const char *name)
{
	char key[KEY_ROOM];

	key_write(sink, key, kind, name);
	return redis_put(sink, REDIS_SUM, SINK_AGGREGATES, 2, (const char *[]){"DEL", key}, NULL);
}

static int minute_delete(struct redis_sink *sink, const char *minute)
{
	char name[FIELD_MAX + REDIS_MINUTE_MAX];
	int rc = key_delete(sink, "hosts", minute);

	for (unsigned i = 0; i < sink->top_names && rc == 0; i++) {
		snprintf(name, sizeof(name), "%s:%s", sink->top_name[i], minute);
		rc = key_delete(sink, "top", name);
	}
	return rc;
}

static int minute_begin(struct redis_sink *sink, const char *minute)
{
	char hour[REDIS_MINUTE_MAX], gone[REDIS_MINUTE_MAX];
	int rc = 0;

	snprintf(hour, sizeof(hour), "%.*s", HOUR_DIGITS, minute);
	if (redis_minutes_add(&sink->minutes, minute, gone))
		rc = minute_delete(sink, gone);
	if (rc == 0 && redis_minutes_add(&sink->hours, hour, gone))
		rc = key_delete(sink, "hosts", gone);
	return rc;
}

// ---- the whole ----

static bool minute_is_sound(const cJSON *minute)
{
	return cJSON_IsString(minute) && strlen(minute->valuestring) == MINUTE_DIGITS &&
	       strspn(minute->valuestring, "0123456789") == MINUTE_DIGITS;
}

static int parts_put(struct redis_sink *sink, struct wide *w, const cJSON *root)
{
	const cJSON *stats = cJSON_GetObjectItemCaseSensitive(root, "stats");
	const cJSON *time = cJSON_GetObjectItemCaseSensitive(root, "time");
	const cJSON *minute = cJSON_GetObjectItemCaseSensitive(root, "minute");
	int rc = 0;

	if (cJSON_IsObject(stats))
		rc = stats_put(sink, w, stats, time);
	if (rc == 0 && cJSON_IsObject(stats))
		rc = series_put(sink, stats, time);
	if (!minute_is_sound(minute)) {
		sink->left_out += minute != NULL;
		return rc;
	}
	if (rc == 0)
		rc = minute_begin(sink, minute->valuestring);
	if (rc == 0)
		rc = tops_put(sink, w, cJSON_GetObjectItemCaseSensitive(root, "top"), minute->valuestring);
	if (rc == 0)
		rc = hosts_put(sink, w, cJSON_GetObjectItemCaseSensitive(root, "hosts"), minute->valuestring);
	return rc;
}

int redis_aggregate_put(struct redis_sink *sink, const char *json, size_t length)
{
	cJSON *root = cJSON_ParseWithLength(json, length);
	struct wide *w = malloc(sizeof(*w));
	int rc = -ENOMEM;

	if (w != NULL && !cJSON_IsObject(root)) {
		sink->left_out++;
		rc = 0;
	} else if (w != NULL) {
		rc = parts_put(sink, w, root);
		if (rc == 0)
			rc = redis_put(sink, REDIS_SUM, SINK_AGGREGATES, 3,
				       (const char *[]){"PUBLISH", sink->key[REDIS_KEY_LIVE], json},
				       (const size_t[]){strlen("PUBLISH"), strlen(sink->key[REDIS_KEY_LIVE]), length});
	}
	free(w);
	cJSON_Delete(root);
	return rc;
}
