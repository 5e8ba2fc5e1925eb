// The thread works on copies and shares nothing but the job, which it gives back by one flag and never touches again.
#include "control/filters_job.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "port/port.h"

enum { NAP_NS = 200000, NAPS_A_MS = 5 };

struct filters_job {
	atomic_bool done;
	int rc;
	struct err err;
	struct filter *filter; // made, if rc is 0

	struct filter_source source; // of what follows
	struct filter_port port[PORT_MAX];
	char port_name[PORT_MAX][PORT_NAME_MAX];
	struct filter_own own[FILTER_OWN_MAX];
	char *expression, *name, *attributes;
};

static void job_free(struct filters_job *job)
{
	free(job->expression);
	free(job->name);
	free(job->attributes);
	free(job);
}

static struct filters_job *job_make(const struct filter_source *source)
{
	struct filters_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->source = *source;
	job->source.expression = job->expression = strdup(source->expression != NULL ? source->expression : "");
	job->source.attributes_name = job->name = strdup(source->attributes_name != NULL ? source->attributes_name : "");
	if (source->attributes != NULL)
		job->source.attributes = job->attributes = malloc(source->attributes_length + 1);
	if (job->attributes != NULL)
		memcpy(job->attributes, source->attributes, source->attributes_length);
	for (unsigned i = 0; i < source->port_count; i++) {
		snprintf(job->port_name[i], PORT_NAME_MAX, "%s", source->ports[i].name);
		job->port[i] = (struct filter_port){job->port_name[i], source->ports[i].id};
	}
	if (source->own_count > 0)
		memcpy(job->own, source->own, source->own_count * sizeof(job->own[0]));
	job->source.ports = job->port;
	job->source.own = job->own;
	if (job->expression != NULL && job->name != NULL && (job->attributes != NULL) == (source->attributes != NULL))
		return job;
	job_free(job);
	return NULL;
}

static void *job_thread(void *arg)
{
	struct filters_job *job = arg;

	job->rc = filter_create(&job->source, &job->filter, &job->err);
	atomic_store_explicit(&job->done, true, memory_order_release);
	return NULL;
}

static bool job_start(struct filters_job *job)
{
	pthread_attr_t detached;
	pthread_t thread;
	bool started;

	if (pthread_attr_init(&detached) != 0)
		return false;
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &detached, job_thread, job) == 0;
	pthread_attr_destroy(&detached);
	return started;
}

static bool job_wait(const struct filters_job *job, unsigned limit_ms)
{
	const struct timespec nap = {0, NAP_NS};

	for (unsigned i = 0; i < limit_ms * NAPS_A_MS; i++) {
		if (atomic_load_explicit(&job->done, memory_order_acquire))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

int filters_job_run(struct filters_late *late, const struct filter_source *source, unsigned limit_ms, struct filter **out, struct err *err)
{
	struct filters_job *job;
	int rc;

	filters_late_reap(late);
	if (late->count == FILTERS_JOBS_LATE_MAX)
		return err_set(err, -EBUSY, "filters that were asked for earlier still wait for the names of hosts; try again later");
	job = job_make(source);
	if (job == NULL || !job_start(job)) {
		if (job != NULL)
			job_free(job);
		return err_set(err, -ENOMEM, "no memory for the filters");
	}
	if (!job_wait(job, limit_ms)) {
		late->job[late->count++] = job;
		return err_set(err, -ETIMEDOUT, "the filter is not ready after %u ms: it names a host that is not found quickly; use its address",
			       limit_ms);
	}
	rc = job->rc;
	*err = job->err;
	*out = job->filter;
	job_free(job);
	return rc;
}

void filters_late_reap(struct filters_late *late)
{
	unsigned left = 0;

	for (unsigned i = 0; i < late->count; i++) {
		struct filters_job *job = late->job[i];

		if (!atomic_load_explicit(&job->done, memory_order_acquire)) {
			late->job[left++] = job;
			continue;
		}
		if (job->rc == 0)
			filter_destroy(job->filter);
		job_free(job);
	}
	late->count = left;
}
