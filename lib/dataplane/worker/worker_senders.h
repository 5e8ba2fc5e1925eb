// Senders of bad checksums, TCP and UDP apart, by source MAC. One that has sent none but bad ones since the first is a host whose
// NIC fills them in behind the point of capture (checksum offload); control looks for those and says so.
//
// Entered with its first bad checksum, so that clean traffic costs nothing. A table of fixed size without removal: its worker
// writes, control reads. A sender that finds no place is counted, not watched.
#ifndef WORKER_WORKER_SENDERS_H
#define WORKER_WORKER_SENDERS_H

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet/packet.h"

enum { WORKER_SENDERS = 512, WORKER_SENDERS_BUCKET = 8 };

struct worker_senders {
	uint32_t used;
	_Atomic uint64_t key[WORKER_SENDERS] __rte_cache_aligned; // protocol and MAC; 0: free. Written last. A bucket is a cache line.
	struct worker_sender {
		_Atomic uint64_t bad;
		atomic_bool good;        // it has sent a good one, too
		uint8_t ip_version, address[16]; // of its first bad packet
	} sender[WORKER_SENDERS];
};

// p: TCP or UDP. False: no place for a new sender.
bool worker_senders_bad(struct worker_senders *senders, const struct packet *p);
void worker_senders_good_slowly(struct worker_senders *senders, const struct packet *p);

static inline void worker_senders_good(struct worker_senders *senders, const struct packet *p)
{
	if (unlikely(senders->used > 0))
		worker_senders_good_slowly(senders, p);
}

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
