// The sender of a remote sink: connects, asks where to go on, sends what the spool has, waits for the answer, acknowledges. While one
// batch is on its way the next is read; there is never more than one, because a receiver that refuses one and takes the next would
// leave a hole that can never be filled.
//
// On any fault: what was on its way is read again. Pauses grow from 100 ms to 1 s, where only a person can help from 1 s to 5 s, each
// a little different, so that many sensors do not come back at once.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "sink/sink_sender.h"

enum {
	NS_PER_S = 1000000000,
	NS_PER_MS = 1000000,
	PAUSE_FIRST_MS = 100,
	PAUSE_MAX_MS = 1000, // a server that is back is noticed within two seconds
	PATIENT_FIRST_MS = 1000,
	PATIENT_MAX_MS = 5000,
	STEP_MS = 20,       // how soon the end, or other settings, are noticed
	GATHER_MS = 4,      // few records wait for more
	GATHER_BELOW = 64,
	BATCH_BYTES = 768 * 1024
};

static void nap(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)ms * NS_PER_MS}, NULL);
}

// ---- state ----

static void state_set(struct remote *r, enum sink_state state, const struct remote_fault *fault)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	pthread_mutex_lock(&r->mutex);
	if (r->stats.state != state || (fault != NULL && strcmp(fault->cause, r->stats.cause) != 0))
		r->stats.since_ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
	r->stats.state = state;
	snprintf(r->stats.cause, sizeof(r->stats.cause), "%s", fault != NULL ? fault->cause : "");
	snprintf(r->stats.error, sizeof(r->stats.error), "%s", fault != NULL ? fault->err.text : "");
	pthread_mutex_unlock(&r->mutex);
}

static uint64_t pause_ns(unsigned failures, bool patient)
{
	uint64_t ms = patient ? PATIENT_FIRST_MS : PAUSE_FIRST_MS, max = patient ? PATIENT_MAX_MS : PAUSE_MAX_MS;
	uint8_t dice = 0;

	for (unsigned i = 1; i < failures && ms < max; i++)
		ms *= 2;
	ms = ms < max ? ms : max;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != (ssize_t)sizeof(dice))
		dice = 0;
	return (ms + ms * dice / 1024) * NS_PER_MS; // up to a quarter more
}

static void fault_take(struct remote *r, const struct remote_fault *fault)
{
	if (!fault->keep) {
		r->ops->disconnect(r->state);
		r->connected = false;
	}
	spool_unread(r->spool);
	r->failures++;
	r->next_try_ns = clock_monotonic_ns() + pause_ns(r->failures, fault->patient);
	pthread_mutex_lock(&r->mutex);
	r->stats.faults++;
	pthread_mutex_unlock(&r->mutex);
	state_set(r, SINK_DEGRADED, fault);
}

static void rate_turn(struct remote *r)
{
	uint64_t now = clock_monotonic_ns();
	struct spool_stats log;

	if (now < r->next_rate_ns)
		return;
	sink_own_turn(&r->own);
	spool_stats(r->spool, &log);
	pthread_mutex_lock(&r->mutex);
	r->stats.delivered_per_s = (double)(log.delivered - r->rate_delivered) * NS_PER_S / (double)(now - r->next_rate_ns + NS_PER_S);
	pthread_mutex_unlock(&r->mutex);
	r->rate_delivered = log.delivered;
	r->next_rate_ns = now + NS_PER_S;
}

// ---- settings ----

static void settings_take(struct remote *r)
{
	void *next;

	pthread_mutex_lock(&r->mutex);
	next = r->next_state;
	r->next_state = NULL;
	if (next != NULL)
		memcpy(r->stats.target, r->next_target, sizeof(r->stats.target));
	pthread_mutex_unlock(&r->mutex);
	if (next == NULL)
		return;
	sink_own_elsewhere(&r->own);
	r->ops->disconnect(r->state);
	r->ops->destroy(r->state);
	r->state = next;
	r->connected = false;
	r->failures = 0;
	r->next_try_ns = 0;
	state_set(r, SINK_CONNECTING, NULL);
}

// ---- connecting ----

static void connect_try(struct remote *r)
{
	struct remote_identity identity = {
		.sensor = r->sensor, .oldest_boot = spool_oldest_boot(r->spool), .patience = &r->patience, .own = &r->own};
	struct remote_where where = {.known = {false}};
	struct remote_fault fault = {.cause = ""};

	memcpy(identity.instance, spool_instance(r->spool), sizeof(identity.instance));
	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		identity.acked[i] = spool_acked(r->spool, i);
		identity.given[i] = spool_given(r->spool, i);
	}
	r->unreachable = r->ops->connect(r->state, &identity, &where, &fault) < 0;
	if (r->unreachable) {
		fault_take(r, &fault);
		return;
	}
	r->connected = true;
	spool_rewind(r->spool, where.known, where.last);
	pthread_mutex_lock(&r->mutex);
	r->stats.connects++;
	pthread_mutex_unlock(&r->mutex);
	state_set(r, SINK_DRAINING, NULL);
}

// ---- sending ----

static unsigned batch_read(struct remote *r)
{
	unsigned place = r->turn, most = r->ops->most != NULL ? r->ops->most(r->state) : SPOOL_BATCH_MAX;

	r->turn ^= 1;
	return spool_read(r->spool, place, most, BATCH_BYTES, r->batch[place]);
}

static void delivered(struct remote *r, const struct spool_batch *batch, unsigned duplicates)
{
	spool_ack(r->spool, batch);
	r->failures = 0;
	if (r->stats.state == SINK_DEGRADED)
		state_set(r, SINK_DRAINING, NULL); // on a connection that was kept
	r->next_idle_ns = clock_monotonic_ns() + NS_PER_S;
	if (r->replay && atomic_load_explicit(&r->finishing, memory_order_acquire))
		remote_patience_end(&r->patience, r->exit_wait_s); // it goes on: so do we
	pthread_mutex_lock(&r->mutex);
	r->stats.batches++;
	r->stats.duplicates += duplicates;
	pthread_mutex_unlock(&r->mutex);
}

// Whether it has to end now, whatever waits.
static bool over(const struct remote *r)
{
	return atomic_load_explicit(&r->stop, memory_order_acquire) || remote_patience_over(&r->patience);
}

// Sends what there is, until there is no more or something goes wrong. False: a fault.
static bool drain(struct remote *r)
{
	unsigned n = batch_read(r);

	while (n > 0) {
		const struct spool_batch *batch = r->batch[r->turn ^ 1];
		struct remote_fault fault = {.cause = ""};
		unsigned duplicates = 0;

		if (r->ops->intends)
			spool_intend(r->spool, batch);
		if (r->ops->send(r->state, batch, &fault) < 0) {
			fault_take(r, &fault);
			return false;
		}
		n = r->ops->intends ? 0 : batch_read(r); // meanwhile
		if (r->ops->receive(r->state, &duplicates, &fault) < 0) {
			fault_take(r, &fault);
			return false;
		}
		delivered(r, batch, duplicates);
		rate_turn(r);
		if (r->ops->intends)
			n = batch_read(r);
		if (over(r)) {
			spool_unread(r->spool);
			return true;
		}
		if (n > 0 && n < GATHER_BELOW && !atomic_load_explicit(&r->finishing, memory_order_relaxed))
			nap(GATHER_MS);
	}
	return true;
}

static void idle(struct remote *r)
{
	struct remote_fault fault = {.cause = ""};

	if (clock_monotonic_ns() < r->next_idle_ns || r->ops->idle == NULL)
		return;
	r->next_idle_ns = clock_monotonic_ns() + NS_PER_S;
	if (r->ops->idle(r->state, &fault) < 0)
		fault_take(r, &fault);
	else if (r->failures > 0)
		r->failures = 0;
}

// ---- the thread ----

// Switched off, and nothing waits: the server is left alone, and another may write under our name.
static bool resting(struct remote *r)
{
	struct spool_stats log;

	spool_stats(r->spool, &log);
	if (!atomic_load_explicit(&r->off, memory_order_relaxed) || log.waiting > 0)
		return false;
	if (r->connected)
		r->ops->disconnect(r->state);
	r->connected = false;
	r->failures = 0;
	r->next_try_ns = 0;
	if (r->stats.state != SINK_CONNECTING)
		state_set(r, SINK_CONNECTING, NULL); // as it will, once it is on again; what waited has no cause any more
	return true;
}

static void turn(struct remote *r)
{
	settings_take(r);
	rate_turn(r);
	if (resting(r)) {
		nap(STEP_MS);
		return;
	}
	if (clock_monotonic_ns() < r->next_try_ns) {
		nap(STEP_MS);
		return;
	}
	if (!r->connected)
		connect_try(r);
	if (!r->connected || !drain(r))
		return;
	if (r->stats.state != SINK_UP)
		state_set(r, SINK_UP, NULL);
	if (!spool_wait(r->spool, STEP_MS))
		idle(r);
	else if (!atomic_load_explicit(&r->finishing, memory_order_relaxed))
		nap(GATHER_MS);
}

// Once nothing more comes: true when all is delivered, time is up, or there is nobody to deliver to. What is left is for the next run.
static bool finished(struct remote *r)
{
	struct spool_stats log;

	if (!atomic_load_explicit(&r->finishing, memory_order_acquire))
		return false;
	spool_stats(r->spool, &log);
	if (!r->last_try && !over(r) && log.waiting > 0) {
		r->last_try = true;
		if (!r->connected)
			connect_try(r); // once more, at once
		return false;
	}
	return over(r) || log.waiting == 0 || r->unreachable;
}

void *sender_run(void *argument)
{
	struct remote *r = argument;

	r->next_rate_ns = clock_monotonic_ns() + NS_PER_S;
	while (!finished(r) && !atomic_load_explicit(&r->stop, memory_order_acquire))
		turn(r);
	if (r->connected)
		r->ops->disconnect(r->state);
	return NULL;
}
