// The names of the keys and the numbers that stand in commands, written once.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink_redis.h"

static const char *const key_names[REDIS_KEYS] = {
	"flows", "alerts", "events", "writer", "alive", "delivered", "stats", "live",
};

int redis_sink_init(struct redis_sink *sink, const struct config *config, struct err *err)
{
	const char *sensor = config->sensor.name;

	if (sensor[0] == '\0' || strpbrk(sensor, "{}") != NULL)
		return err_set(err, -EINVAL, "the sensor name \"%s\" cannot stand in the keys of Redis: set sensor.name to one that is "
			       "not empty and has no { or }", sensor);
	snprintf(sink->sensor, sizeof(sink->sensor), "%s", sensor);
	for (unsigned k = 0; k < REDIS_KEYS; k++)
		snprintf(sink->key[k], REDIS_KEY_MAX, "sw:{%s}:%s", sensor, key_names[k]);
	sink->mode = config->redis.mode;
	sink->ttl_ms = (uint64_t)config->redis.ttl_s * 1000;
	snprintf(sink->ttl_s, sizeof(sink->ttl_s), "%" PRIu32, config->redis.ttl_s);
	snprintf(sink->minute_ttl_s, sizeof(sink->minute_ttl_s), "%" PRIu32, config->redis.minute_ttl_s);
	// An hour's sum lives as long as that of its last minute.
	snprintf(sink->hour_ttl_s, sizeof(sink->hour_ttl_s), "%" PRIu32, config->redis.minute_ttl_s + 3600);
	snprintf(sink->minute_ttl_ms, sizeof(sink->minute_ttl_ms), "%" PRIu64, (uint64_t)config->redis.minute_ttl_s * 1000);
	snprintf(sink->length, sizeof(sink->length), "%" PRIu32, config->redis.stream_length);
	snprintf(sink->lists_from, sizeof(sink->lists_from), "-%" PRIu32, config->redis.stream_length);
	if (redis_minutes_init(&sink->minutes, config->redis.minute_ttl_s / 60 + 1) < 0 ||
	    redis_minutes_init(&sink->hours, config->redis.minute_ttl_s / 3600 + 2) < 0) {
		redis_sink_fini(sink);
		return err_set(err, -ENOMEM, "no memory for the output redis");
	}
	return 0;
}

void redis_sink_fini(struct redis_sink *sink)
{
	redis_minutes_fini(&sink->minutes);
	redis_minutes_fini(&sink->hours);
	free(sink->command);
	sink->command = NULL;
	sink->room = 0;
}
