// The appliance's own connections to servers, told before they are made, so that live capture can leave them out from their first
// packet on: otherwise what a batch of records takes on the wire would become records.
//
// A connection is known by both addresses and the server's port. Our port is of no account: it is another one each time, and while a
// server is away there is a try every second. Told ends stay, the oldest making way, until the sink is sent elsewhere.
#ifndef SINK_SINK_OWN_H
#define SINK_SINK_OWN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"

enum { SINK_OWN_MAX = 16, SINK_OWN_WAIT_MS = 1000, SINK_OWN_LINGER_S = 10 };

struct sink_own_end {
	struct ip_address here, there;
	uint16_t port; // of there
};

struct sink_own {
	bool asks;                        // constant. False: nobody wants to know
	atomic_bool over;                 // nothing is waited for any more
	_Atomic unsigned asked, granted;  // changes of what follows; of these, those that are in force
	unsigned taken;                   // control's own: the change that it is putting in force

	pthread_mutex_t mutex; // of what follows
	struct sink_own_end end[SINK_OWN_MAX];
	unsigned count;
	unsigned old;          // so many of the first are from before the sink was sent elsewhere
	uint64_t old_until_ns; // and go then: the last packets of their connections have come
};

void sink_own_init(struct sink_own *own, bool asks);
void sink_own_fini(struct sink_own *own);

// ---- the sender ----

// Before each connection. If it was not known, waits until it is left out, for at most SINK_OWN_WAIT_MS. own NULL: nobody wants to know.
void sink_own_tell(struct sink_own *own, const struct sockaddr *there);
void sink_own_elsewhere(struct sink_own *own); // all that was told is of the past
void sink_own_turn(struct sink_own *own);      // now and then: forgets it

// ---- control ----

bool sink_own_asked(const struct sink_own *own); // something has changed
unsigned sink_own_take(struct sink_own *own, struct sink_own_end out[SINK_OWN_MAX]);
void sink_own_grant(struct sink_own *own);       // what was taken is in force
void sink_own_release(struct sink_own *own);     // control has other things to do: nothing is waited for from now on

#endif
