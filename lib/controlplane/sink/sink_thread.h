// The plain threads of sinks.
#ifndef SINK_SINK_THREAD_H
#define SINK_SINK_THREAD_H

#include <pthread.h>

#include "base/err.h"

// A thread called "PART-NAME" (cut to what the system takes), for the output `name`. All signals are blocked in it: they are main's,
// and a closed pipe or a size limit becomes an error instead of a death. Returns 0 or a negative errno with a sentence.
int sink_thread_start(pthread_t *thread, const char *part, const char *name, void *(*run)(void *), void *argument, struct err *err);

#endif
