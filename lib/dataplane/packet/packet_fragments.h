// IP fragments put together again, so that flows and dissectors see whole datagrams. No DPDK: memory comes from the caller.
//
// Bounded in memory (so many datagrams at a time, 64 kB each), in pieces (PACKET_FRAGMENTS_RANGES with gaps between them) and in
// time (since the first fragment came, by the packets' clock). A full table gives up the datagram that began first. What is whole
// has left the table, but keeps its bytes until its reader is done with them: places of their own let that be as slow as it likes.
//
// Policy: a fragment that lies within what is there already and says the same is a repetition, and is left out. Any other overlap,
// a second end, or bytes behind the end refuse the whole datagram and all of it that is still to come, until its time is over:
// RFC 5722 wants that for IPv6, and the same is done for IPv4, since what the receiver makes of it cannot be known. Fragments too
// small for the header that follows IP (RFC 1858) need no rule: only the whole datagram is looked at.
//
// A frame that is a fragment is counted when it comes. What became of it is counted here or, once its datagram is whole, where
// that goes: each frame once.
#ifndef PACKET_PACKET_FRAGMENTS_H
#define PACKET_PACKET_FRAGMENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet/packet.h"

enum {
	PACKET_FRAGMENTS_RANGES = 32,
	PACKET_FRAGMENTS_HEADROOM = 1024, // for all headers in front of the data; with more a datagram is not joined
	PACKET_FRAGMENTS_FRAME_MAX = 65535 // bytes of a whole frame that are shown; what lies behind counts as not captured
};

// What became of frames whose datagram did not become whole, and of those that were not needed for it.
enum packet_fragments_fate {
	FRAGMENTS_TIMEOUT,
	FRAGMENTS_EVICTED,   // made way in a full table
	FRAGMENTS_OVERLAP,   // the datagram is refused
	FRAGMENTS_SCATTERED, // more pieces than are kept apart, too many headers, or more bytes on the wire than can be counted
	FRAGMENTS_DUPLICATE,
	FRAGMENTS_CUT,       // the capture ends in front of the data
	FRAGMENTS_UNSOUND,   // the whole is malformed
	FRAGMENTS_LOST,      // the whole was lost on its way to the worker that owns its flow
	FRAGMENTS_FATES
};

extern const char *const packet_fragments_fates[FRAGMENTS_FATES];

struct packet_fragments_counters {
	uint64_t datagrams;    // made whole
	uint64_t waiting_pkts, waiting_bytes; // in those that are not
	uint64_t fate_pkts[FRAGMENTS_FATES], fate_bytes[FRAGMENTS_FATES];
};

struct packet_fragments_config {
	uint32_t datagrams;  // joined at a time, at least 1
	uint32_t away;       // places besides, for whole ones that have not been given back
	uint64_t timeout_ns;
	uint64_t secret;     // an attacker must not choose who shares a chain
};

struct packet_fragments;

uint64_t packet_fragments_bytes(const struct packet_fragments_config *config);
struct packet_fragments *packet_fragments_init(void *memory, const struct packet_fragments_config *config);

// Takes a fragment: p->fragment is set and its verdict is OK. False: it is held, given up or left out, its bytes are not needed any
// more and its verdict is PACKET_FRAGMENT. True: with it the datagram is whole. p is decoded anew from the frame that carried the
// first fragment, with all data in it; times and wire stay those of the last frame, joined_pkts and joined_bytes are the frames
// that came before. Its bytes stay as they are until *place is given back. It may be a fragment again: of what a tunnel carries.
bool packet_fragments_take(struct packet_fragments *f, struct packet *p, uint32_t *place);

// By whoever is done with the frame; may be another thread.
void packet_fragments_give_back(struct packet_fragments *f, uint32_t place);

// Whole ones that have not been given back. As long as they are no more than config.away, what becomes of a fragment does not
// depend on how soon that happens; beyond, they take the places of datagrams that are being joined.
uint32_t packet_fragments_away(struct packet_fragments *f);

// Gives up a few of those whose time is over.
void packet_fragments_expire(struct packet_fragments *f, uint64_t clock_ns);

// What became of the frames that p stands for, when it is not to be one of a flow.
void packet_fragments_count(struct packet_fragments_counters *c, const struct packet *p, enum packet_fragments_fate fate);

struct packet_fragments_counters *packet_fragments_counters(struct packet_fragments *f);

#endif
