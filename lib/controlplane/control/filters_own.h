// The appliance's own connections, as filters leave them out: those to its API, and those that its outputs make to their servers.
#ifndef CONTROL_FILTERS_OWN_H
#define CONTROL_FILTERS_OWN_H

#include "control/control.h"

struct filters_own {
	unsigned count, api; // of the ends; the first are the API's
	struct filter_own end[FILTER_OWN_MAX];
	bool given;          // what the outputs asked for is in the filter; workers may still use the one before
};

// "127.0.0.1:8480", "[::]:8480", "unix:PATH", "none": where the API listens, and nowhere else.
void filters_own_listen(struct filters_own *own, const char *listen);

// An output is about to connect to where it has not been, or is done with a server; true until granted.
bool filters_own_asked(const struct control *c);
void filters_own_take(struct filters_own *own, const struct control *c);
void filters_own_grant(const struct control *c);

#endif
