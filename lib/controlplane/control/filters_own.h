// The appliance's own connections, as filters leave them out: those to its API.
#ifndef CONTROL_FILTERS_OWN_H
#define CONTROL_FILTERS_OWN_H

#include "control/control.h"

struct filters_own {
	unsigned count;
	struct filter_own end[FILTER_OWN_MAX];
};

// "127.0.0.1:8480", "[::]:8480", "unix:PATH", "none": where the API listens, and nowhere else.
void filters_own_listen(struct filters_own *own, const char *listen);

#endif
