// The records that the sink files export, for sink_list.c and tests. Everyone else goes through the list.
#ifndef SINK_SINK_LIST_H
#define SINK_SINK_LIST_H

#include "sink/sink.h"

extern const struct sink_ops sink_eve, sink_redis, sink_http;

#endif
