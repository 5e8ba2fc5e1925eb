// A filter made aside: libpcap asks the name service for the hosts that an expression names, and control must not wait for that.
#ifndef CONTROL_FILTERS_JOB_H
#define CONTROL_FILTERS_JOB_H

#include "base/err.h"
#include "filter/filter.h"

enum { FILTERS_JOBS_LATE_MAX = 4 };

struct filters_job;

// Jobs that were given up and still run.
struct filters_late {
	unsigned count;
	struct filters_job *job[FILTERS_JOBS_LATE_MAX];
};

// As filter_create(), on a thread of its own, waited for as long as limit_ms: -ETIMEDOUT if that was not enough, -EBUSY if too many
// that were given up still run.
int filters_job_run(struct filters_late *late, const struct filter_source *source, unsigned limit_ms, struct filter **out, struct err *err);

// Frees what has ended since. What never ends keeps its memory until the process ends.
void filters_late_reap(struct filters_late *late);

#endif
