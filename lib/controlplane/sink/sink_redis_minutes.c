// Which minutes (and hours) have keys. In live traffic each key expires by itself. A replay puts a day into a second, and a capture
// with made-up times a year: so only as many minutes have keys at once as fit into redis.minute_ttl_s, and with one more the keys of
// the one that was begun first are deleted. After a restart, those of before expire.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink_redis.h"

int redis_minutes_init(struct redis_minutes *minutes, unsigned room)
{
	*minutes = (struct redis_minutes){.room = room, .text = calloc(room, sizeof(*minutes->text))};
	return minutes->text != NULL ? 0 : -ENOMEM;
}

void redis_minutes_fini(struct redis_minutes *minutes)
{
	free(minutes->text);
	*minutes = (struct redis_minutes){0};
}

static bool is_there(const struct redis_minutes *minutes, const char *text)
{
	for (unsigned i = minutes->count; i > 0; i--) // most likely the last one
		if (strcmp(minutes->text[(minutes->first + i - 1) % minutes->room], text) == 0)
			return true;
	return false;
}

bool redis_minutes_add(struct redis_minutes *minutes, const char *text, char gone[REDIS_MINUTE_MAX])
{
	bool full = minutes->count == minutes->room;

	if (is_there(minutes, text))
		return false;
	if (full) {
		memcpy(gone, minutes->text[minutes->first], REDIS_MINUTE_MAX);
		minutes->first = (minutes->first + 1) % minutes->room;
		minutes->count--;
	}
	snprintf(minutes->text[(minutes->first + minutes->count++) % minutes->room], REDIS_MINUTE_MAX, "%s", text);
	return full;
}
