// What sinks, their states and their streams are called. Apart from the list, so that a test can bring its own.
#include <string.h>

#include "sink/sink.h"

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
