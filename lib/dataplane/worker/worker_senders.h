// Who sends with which luck: good and bad TCP and UDP checksums by source MAC. A host all of whose checksums are bad is one whose
// NIC fills them in behind the point of capture (checksum offload); control looks for those and says so.
//
// A table of fixed size without removal: its worker writes, control reads. What finds no place is counted, not watched.
#ifndef WORKER_WORKER_SENDERS_H
#define WORKER_WORKER_SENDERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet/packet.h"

enum { WORKER_SENDERS = 1024, WORKER_SENDERS_TRIED = 8 };

struct worker_sender {
	_Atomic uint64_t key; // 0: free. Written last.
	_Atomic uint64_t verdicts[2]; // bad, good
	uint8_t ip_version, address[16]; // of its first packet
};

struct worker_senders {
	struct worker_sender sender[WORKER_SENDERS];
};

// False: no place for a new sender. p: of a flow, TCP or UDP.
bool worker_senders_add(struct worker_senders *senders, const struct packet *p, bool good);

// NULL: not there. For any thread.
const struct worker_sender *worker_senders_find(const struct worker_senders *senders, uint64_t key);

static inline uint8_t worker_sender_proto(uint64_t key)
{
	return (uint8_t)(key >> 48);
}

static inline void worker_sender_mac(uint64_t key, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)(key >> 8 * (5 - i));
}

#endif
