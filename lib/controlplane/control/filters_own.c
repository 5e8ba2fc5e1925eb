#include "control/filters_own.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct filters_own *own, struct filter_own end)
{
	if (own->count < FILTER_OWN_MAX)
		own->end[own->count++] = end;
}

// Listening on all addresses: each that this machine has.
static void add_all(struct filters_own *own, uint16_t port)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		struct filter_own end = {.port = port};

		if (i->ifa_addr != NULL && ip_address_read(i->ifa_addr, &end.address))
			add(own, end);
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

	own->count = 0;
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
		add(own, end);
}
