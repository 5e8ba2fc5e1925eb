// Looks through what the workers know of senders. Live once a second; a replay is judged at its end alone, so that what is said
// does not depend on how fast it went.
#include "control/offload.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "control/control.h"

enum { BAD_AT_LEAST = 16 };

static bool said(struct control *c, uint64_t key)
{
	for (unsigned i = 0; i < c->offload_count; i++)
		if (c->offload_said[i] == key)
			return true;
	return false;
}

// Bad checksums of a sender over all workers; 0 if it has good ones, too.
static uint64_t bad_of(const struct control *c, uint64_t key)
{
	uint64_t bad = 0;

	for (unsigned k = 0; k < c->worker_count; k++) {
		const struct worker_sender *sender = worker_senders_find(&c->worker[k]->senders, key);

		if (sender == NULL)
			continue;
		if (atomic_load_explicit(&sender->good, memory_order_relaxed))
			return 0;
		bad += atomic_load_explicit(&sender->bad, memory_order_relaxed);
	}
	return bad;
}

static void say(struct control *c, const struct worker_sender *sender, uint64_t key, uint64_t bad)
{
	char address[INET6_ADDRSTRLEN] = "no address";
	uint8_t mac[6];

	worker_sender_mac(key, mac);
	if (sender->ip_version != 0)
		inet_ntop(sender->ip_version == 4 ? AF_INET : AF_INET6, sender->address, address, sizeof(address));
	control_note(c, "%02x:%02x:%02x:%02x:%02x:%02x (%s) sends %lu bad %s checksums and no good one since the first: its NIC fills them in "
		     "behind the point of capture (checksum offload)%s", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], address,
		     (unsigned long)bad, worker_sender_proto(key) == IP_TCP ? "TCP" : "UDP",
		     c->config->capture.checksum == CONFIG_CHECKSUM_DROP ? "; set capture.checksum = verify to keep its packets" : "");
	c->offload_said[c->offload_count++] = key;
}

void offload_look(struct control *c)
{
	for (unsigned k = 0; k < c->worker_count; k++)
		for (unsigned i = 0; i < WORKER_SENDERS && c->offload_count < CONTROL_OFFLOADS_MAX; i++) {
			const struct worker_senders *senders = &c->worker[k]->senders;
			uint64_t key = atomic_load_explicit(&senders->key[i], memory_order_acquire), bad;

			if (key == 0 || said(c, key))
				continue;
			bad = bad_of(c, key);
			if (bad >= BAD_AT_LEAST)
				say(c, &senders->sender[i], key, bad);
		}
}
