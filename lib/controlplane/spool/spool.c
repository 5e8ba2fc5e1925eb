#include "spool/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool/spool_inside.h"

const char *const spool_cause_names[SPOOL_CAUSES] = {"kept", "queue_full", "quota", "disk", "crash", "power", "damage", "retention"};

enum { NS_PER_MS = 1000000, STATS_WAIT_MS = 20 };

int spool_id_compare(struct spool_id a, struct spool_id b)
{
	if (a.boot != b.boot)
		return a.boot < b.boot ? -1 : 1;
	return a.seq < b.seq ? -1 : a.seq > b.seq;
}

static void spool_free(struct spool *s)
{
	while (s->oldest != NULL) {
		struct spool_segment *seg = s->oldest;

		s->oldest = seg->next;
		if (seg->fd >= 0)
			close(seg->fd);
		free(seg->memory);
		free(seg);
	}
	spool_state_close(s);
	free(s->pending);
	free(s->unsynced);
	free(s->room[0]);
	free(s->room[1]);
	pthread_mutex_destroy(&s->mutex);
	pthread_mutex_destroy(&s->seeing);
	pthread_cond_destroy(&s->more);
	free(s);
}

static void threads_init(struct spool *s)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&s->mutex, NULL);
	pthread_mutex_init(&s->seeing, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->more, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int spool_open(const struct spool_config *config, struct spool **out, struct err *err)
{
	struct spool *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(err, -ENOMEM, "no memory for the spool in %.200s", config->directory);
	if (strlen(config->directory) >= sizeof(s->directory)) {
		free(s);
		return err_set(err, -ENAMETOOLONG, "spool.directory is too long: with the name of the output it may have %d bytes", SPOOL_PATH_MAX - 1);
	}
	s->config = *config;
	s->dir_fd = s->lock_fd = s->cursor_fd = -1;
	snprintf(s->directory, sizeof(s->directory), "%s", config->directory);
	s->config.directory = s->directory;
	threads_init(s);
	s->pending = malloc(SPOOL_PENDING_MAX < config->segment_bytes ? SPOOL_PENDING_MAX : config->segment_bytes);
	s->unsynced = malloc(config->segment_bytes);
	if (s->pending == NULL || s->unsynced == NULL)
		rc = err_set(err, -ENOMEM, "no memory for the spool in %.200s; lower spool.segment_mb", config->directory);
	else
		rc = spool_folder_open(s, err);
	if (rc == 0)
		rc = spool_recover(s, err);
	if (rc < 0) {
		spool_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

int spool_close(struct spool *s, struct err *err)
{
	struct spool_stats stats;
	int rc = 0;

	if (s == NULL)
		return 0;
	spool_commit(s);
	spool_finish(s);
	spool_stats(s, &stats);
	if (stats.disk_failing && stats.waiting > 0)
		rc = err_set(err, -EIO, "records that wait could not be kept: %.400s", s->stats.disk_error);
	spool_cursor_write(s, true);
	spool_free(s);
	return rc;
}

const uint8_t *spool_instance(const struct spool *s)
{
	return s->state->instance;
}

uint64_t spool_boot(const struct spool *s)
{
	return __atomic_load_n(&s->boot, __ATOMIC_RELAXED);
}

void spool_give(struct spool *s, unsigned stream)
{
	_Atomic uint64_t *given = &s->state->given[stream];

	atomic_store_explicit(given, atomic_load_explicit(given, memory_order_relaxed) + 1, memory_order_relaxed); // one producer
}

struct spool_id spool_acked(const struct spool *s, unsigned stream)
{
	return s->cursor.acked[stream];
}

struct spool_id spool_given(const struct spool *s, unsigned stream)
{
	return (struct spool_id){spool_boot(s), atomic_load_explicit(&s->state->given[stream], memory_order_relaxed)};
}

uint64_t spool_oldest_boot(struct spool *s)
{
	uint64_t boot = spool_boot(s);

	pthread_mutex_lock(&s->mutex);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		if (s->committed[i].boot > 0 && spool_id_compare(s->committed[i], s->cursor.acked[i]) > 0) {
			uint64_t from = s->cursor.acked[i].boot > 0 ? s->cursor.acked[i].boot : 1;

			boot = from < boot ? from : boot;
		}
	pthread_mutex_unlock(&s->mutex);
	return boot;
}

// The disk may hold up who holds the mutex, and whoever asks must not wait for a disk: then it is told what was seen last.
static void seen_refresh(struct spool *s)
{
	unsigned ms = 0;

	while (pthread_mutex_trylock(&s->mutex) != 0) {
		if (ms++ == STATS_WAIT_MS)
			return;
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	}
	pthread_mutex_lock(&s->seeing);
	s->seen = s->stats;
	s->seen.waiting_bytes = spool_room_waiting(s);
	s->seen.segments = s->segments;
	s->seen.memory_bytes = s->memory_bytes;
	pthread_mutex_unlock(&s->seeing);
	pthread_mutex_unlock(&s->mutex);
}

void spool_stats(struct spool *s, struct spool_stats *out)
{
	seen_refresh(s);
	pthread_mutex_lock(&s->seeing);
	*out = s->seen;
	pthread_mutex_unlock(&s->seeing);
	out->boot = spool_boot(s);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		out->given += atomic_load_explicit(&s->state->given[i], memory_order_relaxed);
	out->appended = __atomic_load_n(&s->appended, __ATOMIC_RELAXED);
	out->never_appended = __atomic_load_n(&s->told_lost, __ATOMIC_RELAXED);
	out->waiting = out->recovered + out->appended + out->never_appended - out->delivered - out->tombstoned;
}
