#include "control/filters_own.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { API_MAX = FILTER_OWN_MAX / 2 }; // the rest is for the outputs

_Static_assert((int)FILTER_OWN_MAX - (int)API_MAX >= 4 * (int)SINK_OWN_MAX, "raise FILTER_OWN_MAX: an output has no room");

static void add(struct filters_own *own, unsigned most, struct filter_own end)
{
	if (own->count < most)
		own->end[own->count++] = end;
}

// ---- the API ----

// Listening on all addresses: each that this machine has.
static void add_all(struct filters_own *own, uint16_t port)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		struct filter_own end = {.port = port};

		if (i->ifa_addr != NULL && ip_address_read(i->ifa_addr, &end.address))
			add(own, API_MAX, end);
	}
	freeifaddrs(list);
}

void filters_own_listen(struct filters_own *own, const char *listen)
{
	const char *colon = strrchr(listen, ':');
	struct filter_own end = {.port = 0};
	bool six = listen[0] == '[';
	static const uint8_t any[16];
	char text[INET6_ADDRSTRLEN];

	own->count = own->api = 0;
	if (colon == NULL || strncmp(listen, "unix:", 5) == 0)
		return;
	end.port = (uint16_t)strtoul(colon + 1, NULL, 10);
	end.address.version = six ? 6 : 4;
	snprintf(text, sizeof(text), "%.*s", (int)(colon - listen) - 2 * six, listen + six);
	if (end.port == 0 || inet_pton(six ? AF_INET6 : AF_INET, text, end.address.byte) != 1) // control_own_listen() will say
		return;
	if (memcmp(end.address.byte, any, sizeof(any)) == 0)
		add_all(own, end.port);
	else
		add(own, API_MAX, end);
	own->api = own->count;
}

// ---- the outputs ----

bool filters_own_asked(const struct control *c)
{
	for (unsigned i = 0; i < c->sink_count; i++) {
		const struct sink_own *own = sink_own_of(c->sink[i]);

		if (own != NULL && sink_own_asked(own))
			return true;
	}
	return false;
}

void filters_own_take(struct filters_own *own, const struct control *c)
{
	own->count = own->api;
	for (unsigned i = 0; i < c->sink_count; i++) {
		struct sink_own *made = sink_own_of(c->sink[i]);
		struct sink_own_end end[SINK_OWN_MAX];
		unsigned n = made != NULL ? sink_own_take(made, end) : 0;

		for (unsigned k = 0; k < n; k++)
			add(own, FILTER_OWN_MAX, (struct filter_own){.address = end[k].there, .with = end[k].here, .port = end[k].port});
	}
}

void filters_own_grant(const struct control *c)
{
	for (unsigned i = 0; i < c->sink_count; i++) {
		struct sink_own *made = sink_own_of(c->sink[i]);

		if (made != NULL)
			sink_own_grant(made);
	}
}
