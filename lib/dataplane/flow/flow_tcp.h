// What TCP does in one flow, learnt a packet at a time in the order of arrival: sequence spaces, round-trip times, losses, states.
//
// Two parts, for the caches: struct flow_tcp is one line that every packet touches; struct flow_tcp_cold is touched when something
// happens. A packet that only goes on with what was, new data or a new acknowledgement in an open connection, is dealt with by
// flow_tcp_count() itself, straight down; flow_tcp_happening() judges all others. The names of things (retransmission, out of
// order, ...) mean what Wireshark means by them; conn_state and history are Zeek's. No DPDK, no memory but the two structs.
#ifndef FLOW_FLOW_TCP_H
#define FLOW_FLOW_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/packet.h"
#include "record/record.h"

// Clock: ns >> FLOW_TCP_CLOCK_SHIFT, about a microsecond, in 32 bits: differences are true up to 73 minutes.
enum { FLOW_TCP_CLOCK_SHIFT = 10, FLOW_TCP_FINE_SHIFT = 6, FLOW_TCP_HISTORY_MAX = RECORD_HISTORY_MAX };

#define FLOW_TCP_AHEAD_MAX 0x40000000u // sequence numbers this far apart are no longer before or behind each other for sure

struct flow_tcp_end { // of what this end sent
	uint32_t next_seq;   // behind the highest byte
	uint32_t contiguous; // behind the last byte before the first gap: what may be acknowledged
	uint32_t ack, edge;  // of its last packet: acknowledgement, and where the window that it gives ends
	uint32_t next_at;    // clock when next_seq moved
	uint32_t timed_seq;  // an acknowledgement of this is a sample of the round-trip time
};

struct flow_tcp {
	struct flow_tcp_end end[2]; // client, server
	uint32_t idle;      // clock: the longest silence
	uint16_t lost[2];   // segments missing before one that came; stops at 65535
	uint16_t isn[2];    // low half
	uint8_t plain;      // bits FLOW_TCP_PLAIN_*: such packets need no judging; and FLOW_TCP_KNOWS_*
	uint8_t scale;      // of windows: low half client, high half server
	uint8_t dup_acks[2]; // in a row, by who sent them
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct flow_tcp) == 64, "what every TCP packet touches is one cache line");

enum { FLOW_TCP_PLAIN_ACK = 1, FLOW_TCP_PLAIN_DATA = 2, FLOW_TCP_KNOWS_SEQ = 16, FLOW_TCP_KNOWS_ACK = 64 }; // server: next bits

enum flow_tcp_flag { // those by end: client; server is the next bit
	FLOW_TCP_TIMED = 1 << 0,
	FLOW_TCP_AMBIGUOUS = 1 << 2,    // the timed segment was sent again
	FLOW_TCP_LAST_KEEP_ALIVE = 1 << 4,
	FLOW_TCP_LAST_PROBE = 1 << 6,   // of a window that is zero
	FLOW_TCP_RESET_CLOSED = 1 << 8, // a RST after its FIN
	FLOW_TCP_SYN_SEEN = 1 << 10,
	FLOW_TCP_SCALES = 1 << 12,
	FLOW_TCP_SPOKE = 1 << 14,       // first_byte is set
	// of the connection
	FLOW_TCP_RETRY_STAMPED = 1 << 16,
	FLOW_TCP_SYN_TIMED = 1 << 17,
	FLOW_TCP_HANDSHAKE = 1 << 18,
	FLOW_TCP_SYN_ANSWERED = 1 << 19,
	FLOW_TCP_ECN_ASKED = 1 << 20,
	FLOW_TCP_ECN = 1 << 21,
	FLOW_TCP_RESET_BY_CLIENT = 1 << 22,
	FLOW_TCP_RESET_BY_SERVER = 1 << 23,
	FLOW_TCP_DIRECTION_SHIFT = 24,  // two bits of enum flow_direction, of any flow
	FLOW_TCP_OVERLAPPED = 1 << 26,  // by end: what came last began before contiguous and went on behind it
	FLOW_TCP_CLOSED_CLEAN = 1 << 28, // by end: its FIN came in an open connection
	FLOW_TCP_DATA = 1 << 30         // of either end, none of it after its RST
};

struct flow_tcp_cold {
	uint32_t history[2];           // Zeek's, five bits a letter, six letters each
	union {
		uint32_t syn_at;       // of the last SYN, until the handshake is over; fine, since the flow's start
		uint32_t dup_at;       // clock of the last duplicate acknowledgement
	};
	uint32_t handshake, syn_rtt;   // ns >> FLOW_TCP_FINE_SHIFT
	uint32_t rtt_min, rtt_max, rtt_last, rtt_smooth8, rtt_sum; // clock; smooth8: times 8
	uint32_t timed_at[2];          // clock
	uint32_t first_byte[2];        // clock since the flow's start
	uint32_t flags;                // enum flow_tcp_flag
	uint16_t rtt_count;            // samples in rtt_sum; both are halved before one of them is full
	uint16_t retry_stamp;          // low half of the time stamp of the timed segment when it was sent again
	uint16_t often[FLOW_TCP_OFTEN][2];
	uint8_t seldom[FLOW_TCP_COUNTS - FLOW_TCP_OFTEN][2];
	uint8_t state[2];              // by end: enum flow_tcp_state, times 16; enum flow_conn
};

_Static_assert(sizeof(struct flow_tcp_cold) <= 92, "with the rest of what is cold it is three cache lines");

enum { FLOW_TCP_STATE_SHIFT = 4, FLOW_TCP_CONN_MASK = 15 };

static inline enum flow_tcp_state flow_tcp_state(const struct flow_tcp_cold *c, unsigned end)
{
	return (enum flow_tcp_state)(c->state[end] >> FLOW_TCP_STATE_SHIFT);
}

static inline void flow_tcp_state_set(struct flow_tcp_cold *c, unsigned end, enum flow_tcp_state state)
{
	c->state[end] = (uint8_t)((unsigned)state << FLOW_TCP_STATE_SHIFT | (c->state[end] & FLOW_TCP_CONN_MASK));
}

static inline enum flow_direction flow_direction_of(const struct flow_tcp_cold *c)
{
	return (enum flow_direction)(c->flags >> FLOW_TCP_DIRECTION_SHIFT & 3);
}

// Judges a packet of which more is to be said than that it goes on. start_ns: time of the flow's first packet, read only now.
void flow_tcp_happening(struct flow_tcp *t, struct flow_tcp_cold *c, unsigned dir, const struct packet *p, const uint64_t *start_ns);

static inline uint32_t flow_tcp_clock(uint64_t ns)
{
	return (uint32_t)(ns >> FLOW_TCP_CLOCK_SHIFT);
}

static inline bool flow_tcp_goes_on(const struct flow_tcp *t, unsigned dir, const struct packet *p)
{
	const struct flow_tcp_end *from = &t->end[dir], *to = &t->end[!dir];
	unsigned kind = p->payload_wire > 0 ? FLOW_TCP_PLAIN_DATA : FLOW_TCP_PLAIN_ACK;
	uint32_t end = p->tcp_seq + p->payload_wire;

	return (((p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK) & ((t->plain >> 2 * dir & kind) != 0) &
		(p->tcp_seq - from->next_seq < FLOW_TCP_AHEAD_MAX) & (p->tcp_window != 0) & (to->edge != to->ack) & (to->edge != end) &
		((int32_t)(p->tcp_ack - to->contiguous) <= 0) & ((int32_t)(p->tcp_ack - to->timed_seq) < 0) &
		((p->payload_wire > 0) | (p->tcp_ack != from->ack))) != 0;
}

static inline void flow_tcp_count(struct flow_tcp *t, struct flow_tcp_cold *c, unsigned dir, const struct packet *p, const uint64_t *start_ns)
{
	struct flow_tcp_end *from = &t->end[dir];
	uint32_t end = p->tcp_seq + p->payload_wire;

	if (__builtin_expect(!flow_tcp_goes_on(t, dir, p), 0)) {
		flow_tcp_happening(t, c, dir, p, start_ns);
		return;
	}
	t->lost[dir] = (uint16_t)(t->lost[dir] + ((p->tcp_seq != from->next_seq) & (t->lost[dir] != UINT16_MAX)));
	t->dup_acks[dir] = p->tcp_ack == from->ack ? t->dup_acks[dir] : 0;
	from->next_at = end != from->next_seq ? flow_tcp_clock(p->time_ns) : from->next_at;
	from->contiguous = p->tcp_seq == from->contiguous ? end : from->contiguous;
	from->next_seq = end;
	from->ack = p->tcp_ack;
	from->edge = p->tcp_ack + ((uint32_t)p->tcp_window << (t->scale >> 4 * dir & 15));
}

// The time of the packet before and of this one.
static inline void flow_tcp_silence(struct flow_tcp *t, uint64_t before_ns, uint64_t now_ns)
{
	uint64_t idle = now_ns > before_ns ? (now_ns - before_ns) >> FLOW_TCP_CLOCK_SHIFT : 0;

	idle = idle < UINT32_MAX ? idle : UINT32_MAX;
	t->idle = idle > t->idle ? (uint32_t)idle : t->idle;
}

// What a record says of it.
void flow_tcp_record(const struct flow_tcp *t, const struct flow_tcp_cold *c, struct record_tcp *out);

// ---- Zeek's view: flow_conn.c ----

enum flow_conn { CONN_INACTIVE, CONN_PARTIAL, CONN_SYN_SENT, CONN_SYN_ACK_SENT, CONN_ESTABLISHED, CONN_CLOSED, CONN_RESET };

// The letters of a packet's flags; called before its sequence numbers are taken.
void flow_conn_history(struct flow_tcp_cold *c, unsigned dir, const struct packet *p, const struct flow_tcp *t);
void flow_conn_move(struct flow_tcp_cold *c, unsigned dir, const struct packet *p);
void flow_conn_letter(struct flow_tcp_cold *c, unsigned dir, char letter); // once for each direction
void flow_conn_gap(struct flow_tcp_cold *c, unsigned dir); // something that dir sent was not seen
bool flow_conn_has(const struct flow_tcp_cold *c, unsigned dir, char letter);
enum flow_conn_state flow_conn_state(const struct flow_tcp_cold *c);

static inline enum flow_conn flow_conn(const struct flow_tcp_cold *c, unsigned end)
{
	return (enum flow_conn)(c->state[end] & FLOW_TCP_CONN_MASK);
}

// Writes at most FLOW_TCP_HISTORY_MAX letters, returns how many.
unsigned flow_conn_history_put(const struct flow_tcp_cold *c, char *out);

#endif
