// The sinks. A new one is a row here and a file beside this.
#include "sink/sink_list.h"

#include <string.h>

const struct sink_ops *const sink_list[] = {
	&sink_eve,
	&sink_redis,
};

const unsigned sink_count = sizeof(sink_list) / sizeof(sink_list[0]);

const char *const sink_stream_names[SINK_STREAMS] = {"flows", "alerts", "events", "aggregates"};
const char *const sink_state_names[SINK_STATES] = {"off", "connecting", "degraded", "draining", "up", "failing"};

enum sink_stream sink_stream_of(const struct record *r)
{
	return r->type == RECORD_FLOW ? SINK_FLOWS : r->type == RECORD_AGGREGATE ? SINK_AGGREGATES : SINK_EVENTS;
}

const struct sink_ops *sink_find(const char *name)
{
	for (unsigned i = 0; i < sink_count; i++)
		if (strcmp(sink_list[i]->name, name) == 0)
			return sink_list[i];
	return NULL;
}
