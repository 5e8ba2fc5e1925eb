// The sinks. A new one is a row here and a file beside this.
#include "sink/sink_list.h"

const struct sink_ops *const sink_list[] = {
	&sink_eve,
	&sink_redis,
	&sink_http,
};

const unsigned sink_count = sizeof(sink_list) / sizeof(sink_list[0]);
