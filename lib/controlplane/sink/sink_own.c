#include "sink/sink_own.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { NS_PER_S = 1000000000, STEP_NS = 1000000 };

void sink_own_init(struct sink_own *own, bool asks)
{
	own->asks = asks;
	pthread_mutex_init(&own->mutex, NULL);
}

void sink_own_fini(struct sink_own *own)
{
	pthread_mutex_destroy(&own->mutex);
}

// ---- the sender ----

// The address that the kernel would speak from. A UDP socket that is connected sends nothing, but has one.
static bool here_find(const struct sockaddr *there, struct ip_address *out)
{
	struct sockaddr_storage here = {0};
	socklen_t length = there->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6), room = sizeof(here);
	int fd = socket(there->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found;

	if (fd < 0)
		return false;
	found = connect(fd, there, length) == 0 && getsockname(fd, (struct sockaddr *)&here, &room) == 0;
	close(fd);
	return found && ip_address_read((const struct sockaddr *)&here, out);
}

static bool end_make(const struct sockaddr *there, struct sink_own_end *out)
{
	*out = (struct sink_own_end){.port = 0};
	if (!ip_address_read(there, &out->there))
		return false;
	if (there->sa_family == AF_INET)
		out->port = ntohs(((const struct sockaddr_in *)(const void *)there)->sin_port);
	else
		out->port = ntohs(((const struct sockaddr_in6 *)(const void *)there)->sin6_port);
	return out->port != 0 && here_find(there, &out->here);
}

static void end_remove(struct sink_own *own, unsigned i)
{
	own->count--;
	own->old -= i < own->old;
	memmove(&own->end[i], &own->end[i + 1], (own->count - i) * sizeof(own->end[0]));
}

// The latest is the last. One that is there already changes nothing for control.
static void end_add(struct sink_own *own, const struct sink_own_end *end)
{
	unsigned i = 0;

	while (i < own->count && memcmp(&own->end[i], end, sizeof(*end)) != 0)
		i++;
	if (i == own->count)
		atomic_fetch_add_explicit(&own->asked, 1, memory_order_release);
	if (i < own->count || own->count == SINK_OWN_MAX)
		end_remove(own, i < own->count ? i : 0);
	own->end[own->count++] = *end;
}

void sink_own_tell(struct sink_own *own, const struct sockaddr *there)
{
	struct sink_own_end end;

	if (own == NULL || !own->asks || !end_make(there, &end))
		return;
	pthread_mutex_lock(&own->mutex);
	end_add(own, &end);
	pthread_mutex_unlock(&own->mutex);
	for (unsigned i = 0; i < SINK_OWN_WAIT_MS && sink_own_asked(own) && !atomic_load_explicit(&own->over, memory_order_acquire); i++)
		nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
}

void sink_own_elsewhere(struct sink_own *own)
{
	pthread_mutex_lock(&own->mutex);
	own->old = own->count;
	own->old_until_ns = clock_monotonic_ns() + (uint64_t)SINK_OWN_LINGER_S * NS_PER_S;
	pthread_mutex_unlock(&own->mutex);
}

void sink_own_turn(struct sink_own *own)
{
	pthread_mutex_lock(&own->mutex);
	if (own->old > 0 && clock_monotonic_ns() >= own->old_until_ns) {
		while (own->old > 0)
			end_remove(own, 0);
		atomic_fetch_add_explicit(&own->asked, 1, memory_order_release);
	}
	pthread_mutex_unlock(&own->mutex);
}

// ---- control ----

bool sink_own_asked(const struct sink_own *own)
{
	return atomic_load_explicit(&own->asked, memory_order_acquire) != atomic_load_explicit(&own->granted, memory_order_acquire);
}

unsigned sink_own_take(struct sink_own *own, struct sink_own_end out[SINK_OWN_MAX])
{
	unsigned count;

	pthread_mutex_lock(&own->mutex);
	own->taken = atomic_load_explicit(&own->asked, memory_order_relaxed);
	count = own->count;
	memcpy(out, own->end, count * sizeof(out[0]));
	pthread_mutex_unlock(&own->mutex);
	return count;
}

void sink_own_grant(struct sink_own *own)
{
	atomic_store_explicit(&own->granted, own->taken, memory_order_release);
}

void sink_own_release(struct sink_own *own)
{
	atomic_store_explicit(&own->over, true, memory_order_release);
}
