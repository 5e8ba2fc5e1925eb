// Packets that do more than go on. One step a packet: what it says of the handshake, what kind of segment it is against what came
// before, the letters and states, then what is remembered. The rules for retransmissions, order and acknowledgements follow
// Wireshark's, as its users compare: times between are taken at the capture, so a late segment is called out of order as long as the
// round trip has not passed, sent again thereafter.
#include "flow/flow_tcp.h"

#include "packet/packet_tcp.h"

enum {
	FAST_WITHIN = 20000000 >> FLOW_TCP_CLOCK_SHIFT, // a fast retransmission follows the last duplicate acknowledgement
	EARLY_WITHIN = 3000000 >> FLOW_TCP_CLOCK_SHIFT, // out of order, where no round trip is known
	FAST_DUP_ACKS = 2,
	SCALE_MAX = 14,
	RTT_MAX = (uint32_t)(60000000000ull >> FLOW_TCP_CLOCK_SHIFT), // no sample: the time was not the network's
	NEVER = 1 << 30, // timed_seq so far ahead is not acknowledged
};

struct step {
	struct flow_tcp *t;
	struct flow_tcp_cold *c;
	const struct packet *p;
	struct flow_tcp_end *from, *to;
	uint64_t start_ns;
	uint32_t now;        // clock
	uint32_t end;        // behind the segment, SYN and FIN counted
	uint32_t span;       // sequence numbers it takes
	int32_t ahead;       // of what this end had sent
	unsigned dir;
	bool known;          // what this end had sent
	bool probe, keep_alive, sent_again;
};

static bool of_end(const struct step *s, uint32_t flag, unsigned dir)
{
	return (s->c->flags & flag << dir) != 0;
}

static bool has(const struct step *s, uint8_t flags)
{
	return (s->p->tcp_flags & flags) != 0;
}

static void count(struct step *s, enum flow_tcp_counts what, unsigned dir)
{
	uint16_t *often = what < FLOW_TCP_OFTEN ? &s->c->often[what][dir] : NULL;
	uint8_t *seldom = what < FLOW_TCP_OFTEN ? NULL : &s->c->seldom[what - FLOW_TCP_OFTEN][dir];

	if (often != NULL)
		*often = (uint16_t)(*often + (*often < UINT16_MAX));
	else
		*seldom = (uint8_t)(*seldom + (*seldom < UINT8_MAX));
}

static bool acks_known(const struct step *s, unsigned dir)
{
	return (s->t->plain & FLOW_TCP_KNOWS_ACK << dir) != 0;
}

static bool window_zero(const struct step *s, unsigned dir)
{
	return acks_known(s, dir) && s->t->end[dir].edge == s->t->end[dir].ack;
}

static uint32_t since_start(const struct step *s, unsigned shift)
{
	uint64_t since = s->p->time_ns > s->start_ns ? (s->p->time_ns - s->start_ns) >> shift : 0;

	return since < UINT32_MAX ? (uint32_t)since : UINT32_MAX;
}

static uint32_t window_edge(const struct step *s)
{
	unsigned shift = has(s, TCP_SYN) ? 0 : (unsigned)s->t->scale >> 4 * s->dir & 15u;

	return s->p->tcp_ack + ((uint32_t)s->p->tcp_window << shift);
}

// ---- handshake ----

// A SYN with a number of its own: another connection on the same ports. What was counted stays.
static void syn_again(struct step *s)
{
	struct flow_tcp *t = s->t;

	for (unsigned i = 0; i < 2; i++)
		t->end[i] = (struct flow_tcp_end){0};
	t->plain = t->scale = 0;
	t->dup_acks[0] = t->dup_acks[1] = 0;
	s->c->flags &= ~(uint32_t)(FLOW_TCP_TIMED * 3 | FLOW_TCP_AMBIGUOUS * 3 | FLOW_TCP_SYN_SEEN * 3 | FLOW_TCP_SCALES * 3);
	flow_tcp_state_set(s->c, 0, FLOW_TCP_NONE);
	flow_tcp_state_set(s->c, 1, FLOW_TCP_NONE);
}

static void syn_options(struct step *s)
{
	struct packet_tcp_options o;
	struct flow_tcp_cold *c = s->c;
	unsigned both = FLOW_TCP_SCALES * 3, scale;

	packet_tcp_options(s->p, &o);
	scale = o.window_scale < SCALE_MAX ? o.window_scale : SCALE_MAX;
	c->flags &= ~((uint32_t)FLOW_TCP_SCALES << s->dir);
	c->flags |= packet_tcp_has(&o, TCP_OPTION_WINDOW_SCALE) ? (uint32_t)FLOW_TCP_SCALES << s->dir : 0;
	s->t->scale = (uint8_t)((s->t->scale & 0xf0u >> 4 * s->dir) | scale << 4 * s->dir);
	if (of_end(s, FLOW_TCP_SYN_SEEN, !s->dir) && (c->flags & both) != both)
		s->t->scale = 0; // windows are scaled if both say so
}

static void syn_take(struct step *s)
{
	const struct packet *p = s->p;
	struct flow_tcp_cold *c = s->c;
	bool answer = has(s, TCP_ACK);

	if (s->known && s->t->isn[s->dir] != (uint16_t)p->tcp_seq) {
		if (!answer)
			syn_again(s);
		s->known = false;
	}
	syn_options(s);
	s->t->isn[s->dir] = (uint16_t)p->tcp_seq;
	c->flags |= (uint32_t)FLOW_TCP_SYN_SEEN << s->dir;
	if (!answer && (p->tcp_flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR))
		c->flags |= FLOW_TCP_ECN_ASKED;
	if (answer && (p->tcp_flags & (TCP_ECE | TCP_CWR)) == TCP_ECE && (c->flags & FLOW_TCP_ECN_ASKED) != 0)
		c->flags |= FLOW_TCP_ECN;
}

// From the last SYN to the first packet that acknowledges and is no SYN.
static void handshake_take(struct step *s)
{
	struct flow_tcp_cold *c = s->c;
	uint32_t now = since_start(s, FLOW_TCP_FINE_SHIFT), since = now > c->syn_at ? now - c->syn_at : 0;

	if ((c->flags & FLOW_TCP_HANDSHAKE) != 0)
		return;
	if (has(s, TCP_SYN) && !has(s, TCP_ACK)) {
		c->syn_at = now;
		c->flags |= FLOW_TCP_SYN_TIMED;
		c->flags &= ~(uint32_t)FLOW_TCP_SYN_ANSWERED;
	} else if ((c->flags & FLOW_TCP_SYN_TIMED) == 0 || !has(s, TCP_ACK)) {
		return;
	} else if (!has(s, TCP_SYN)) {
		c->handshake = since;
		c->flags |= FLOW_TCP_HANDSHAKE;
		c->dup_at = s->now;
	} else if ((c->flags & FLOW_TCP_SYN_ANSWERED) == 0) {
		c->syn_rtt = since;
		c->flags |= FLOW_TCP_SYN_ANSWERED;
	}
}

// ---- what kind of segment ----

static void window_judge(struct step *s)
{
	const struct packet *p = s->p;
	bool plain = !has(s, TCP_SYN | TCP_FIN | TCP_RST);

	s->probe = s->known && p->payload_wire == 1 && s->ahead == 0 && window_zero(s, !s->dir);
	if (s->probe)
		return;
	if (p->tcp_window == 0 && plain)
		count(s, FLOW_TCP_ZERO_WINDOW, s->dir);
	if (s->known && s->ahead > 0 && !has(s, TCP_RST))
		s->t->lost[s->dir] = (uint16_t)(s->t->lost[s->dir] + (s->t->lost[s->dir] < UINT16_MAX));
	s->keep_alive = s->known && p->payload_wire <= 1 && s->ahead == -1 && plain;
	if (s->keep_alive)
		count(s, FLOW_TCP_KEEP_ALIVES, s->dir);
	if (p->payload_wire > 0 && plain && acks_known(s, !s->dir) && of_end(s, FLOW_TCP_SYN_SEEN, !s->dir) && s->end == s->to->edge)
		count(s, FLOW_TCP_WINDOW_FULL, s->dir);
}

// The same acknowledgement and window again, and nothing else: something came that was not the next.
static void dup_ack_judge(struct step *s)
{
	const struct packet *p = s->p;
	bool same = acks_known(s, s->dir) && p->tcp_ack == s->from->ack;

	if (!same) {
		s->t->dup_acks[s->dir] = 0;
		return;
	}
	if (s->probe || !s->known || p->payload_wire > 0 || s->ahead != 0 || p->tcp_window == 0 || window_edge(s) != s->from->edge ||
	    has(s, TCP_SYN | TCP_FIN | TCP_RST) || of_end(s, FLOW_TCP_LAST_KEEP_ALIVE, !s->dir))
		return;
	if (s->t->dup_acks[s->dir] < UINT8_MAX)
		s->t->dup_acks[s->dir]++;
	s->c->dup_at = s->now;
	count(s, FLOW_TCP_DUP_ACKS, s->dir);
}

static void sent_again(struct step *s, enum flow_tcp_counts kind)
{
	s->sent_again = true;
	count(s, FLOW_TCP_RETRANSMISSIONS, s->dir);
	if (kind != FLOW_TCP_RETRANSMISSIONS)
		count(s, kind, s->dir);
}

static bool early(const struct step *s)
{
	uint32_t rtt = s->c->handshake >> (FLOW_TCP_CLOCK_SHIFT - FLOW_TCP_FINE_SHIFT);
	uint32_t within = (s->c->flags & FLOW_TCP_HANDSHAKE) != 0 && s->c->handshake != 0 ? rtt : EARLY_WITHIN;

	return s->now - s->from->next_at < within && s->end != s->from->next_seq;
}

static bool fast(const struct step *s)
{
	return s->t->dup_acks[!s->dir] >= FAST_DUP_ACKS && s->to->ack == s->p->tcp_seq && s->now - s->c->dup_at < FAST_WITHIN;
}

static void order_judge(struct step *s)
{
	uint32_t payload = s->p->payload_wire;
	bool old = s->known && s->ahead < 0 && !(payload > 1 && s->ahead == -1); // behind a probe of one byte the data itself is new

	if (s->span == 0 || s->keep_alive)
		return;
	if (payload > 0 && acks_known(s, !s->dir) && (int32_t)(s->p->tcp_seq + payload - s->to->ack) <= 0)
		sent_again(s, FLOW_TCP_SPURIOUS);
	else if (old && fast(s))
		sent_again(s, FLOW_TCP_FAST);
	else if (old && early(s))
		count(s, FLOW_TCP_OUT_OF_ORDER, s->dir);
	else if (old)
		sent_again(s, FLOW_TCP_RETRANSMISSIONS);
}

// ---- round-trip times: one segment at a time is timed in each direction ----

static void rtt_sample(struct flow_tcp_cold *c, uint32_t rtt)
{
	if (rtt > RTT_MAX)
		return;
	if (c->rtt_count == UINT16_MAX || c->rtt_sum > UINT32_MAX - rtt) {
		c->rtt_sum = c->rtt_sum / c->rtt_count * (c->rtt_count / 2u);
		c->rtt_count /= 2;
	}
	c->rtt_min = c->rtt_count == 0 || rtt < c->rtt_min ? rtt : c->rtt_min;
	c->rtt_max = rtt > c->rtt_max ? rtt : c->rtt_max;
	c->rtt_smooth8 = c->rtt_count == 0 ? rtt * 8 : c->rtt_smooth8 - c->rtt_smooth8 / 8 + rtt; // RFC 6298
	c->rtt_last = rtt;
	c->rtt_sum += rtt;
	c->rtt_count++;
}

// Karn: after a segment was sent again no one knows which of the two is acknowledged, unless time stamps tell.
static bool stamp_tells(const struct step *s)
{
	uint32_t value, echo;

	return (s->c->flags & FLOW_TCP_RETRY_STAMPED) != 0 && packet_tcp_timestamps(s->p, &value, &echo) &&
	       (int16_t)((uint16_t)echo - s->c->retry_stamp) >= 0;
}

static void timed_acked(struct step *s)
{
	unsigned peer = !s->dir;

	if (of_end(s, FLOW_TCP_TIMED, peer) && (int32_t)(s->p->tcp_ack - s->to->timed_seq) < 0)
		return;
	if (of_end(s, FLOW_TCP_TIMED, peer) && (!of_end(s, FLOW_TCP_AMBIGUOUS, peer) || stamp_tells(s)))
		rtt_sample(s->c, s->now - s->c->timed_at[peer]);
	s->c->flags &= ~((uint32_t)(FLOW_TCP_TIMED | FLOW_TCP_AMBIGUOUS) << peer);
	s->to->timed_seq = s->p->tcp_ack + NEVER;
}

static void timed_again(struct step *s)
{
	uint32_t value, echo;

	s->c->flags |= (uint32_t)FLOW_TCP_AMBIGUOUS << s->dir;
	s->c->flags &= ~(uint32_t)FLOW_TCP_RETRY_STAMPED;
	if (!packet_tcp_timestamps(s->p, &value, &echo))
		return;
	s->c->retry_stamp = (uint16_t)value;
	s->c->flags |= FLOW_TCP_RETRY_STAMPED;
	s->c->timed_at[s->dir] = s->now;
}

static void timed_sent(struct step *s)
{
	bool timed = of_end(s, FLOW_TCP_TIMED, s->dir);

	if (timed && s->known && s->ahead < 0 && (int32_t)(s->p->tcp_seq - s->from->timed_seq) < 0 && s->span > 0) {
		timed_again(s);
	} else if (!timed && s->span > 0 && (!s->known || s->ahead >= 0)) {
		s->c->flags |= (uint32_t)FLOW_TCP_TIMED << s->dir;
		s->c->timed_at[s->dir] = s->now;
		s->from->timed_seq = s->end;
	}
}

// ---- states ----

static void fin_move(struct step *s, bool acks_fin)
{
	enum flow_tcp_state mine = flow_tcp_state(s->c, s->dir), other = flow_tcp_state(s->c, !s->dir);

	if (mine >= FLOW_TCP_FIN_WAIT_1 && mine != FLOW_TCP_CLOSE_WAIT) // again
		return;
	if (other == FLOW_TCP_FIN_WAIT_1 || other == FLOW_TCP_FIN_WAIT_2)
		mine = acks_fin ? FLOW_TCP_LAST_ACK : FLOW_TCP_CLOSING;
	else
		mine = FLOW_TCP_FIN_WAIT_1;
	if (other == FLOW_TCP_FIN_WAIT_2)
		other = FLOW_TCP_TIME_WAIT;
	else if (other == FLOW_TCP_FIN_WAIT_1)
		other = FLOW_TCP_CLOSING;
	else if (other == FLOW_TCP_OPEN || other == FLOW_TCP_SYN_RECEIVED)
		other = FLOW_TCP_CLOSE_WAIT;
	flow_tcp_state_set(s->c, s->dir, mine);
	flow_tcp_state_set(s->c, !s->dir, other);
}

// What an acknowledgement of all that an end has sent does to it.
static enum flow_tcp_state acked_state(enum flow_tcp_state state)
{
	switch (state) {
	case FLOW_TCP_SYN_RECEIVED: return FLOW_TCP_OPEN;
	case FLOW_TCP_FIN_WAIT_1: return FLOW_TCP_FIN_WAIT_2;
	case FLOW_TCP_CLOSING: return FLOW_TCP_TIME_WAIT;
	case FLOW_TCP_LAST_ACK: return FLOW_TCP_DONE;
	default: return state;
	}
}

// What it does to the end that sends it: an acknowledgement without a SYN comes of an open connection.
static enum flow_tcp_state sent_state(const struct step *s)
{
	enum flow_tcp_state mine = flow_tcp_state(s->c, s->dir), other = flow_tcp_state(s->c, !s->dir);

	if (has(s, TCP_SYN))
		return has(s, TCP_ACK) && mine <= FLOW_TCP_SYN_SENT ? FLOW_TCP_SYN_RECEIVED : mine == FLOW_TCP_NONE ? FLOW_TCP_SYN_SENT : mine;
	if (!has(s, TCP_ACK) || mine > FLOW_TCP_SYN_RECEIVED)
		return mine;
	return mine == FLOW_TCP_NONE && other == FLOW_TCP_SYN_SENT && s->span == 0 ? mine : FLOW_TCP_OPEN;
}

static void state_move(struct step *s)
{
	bool acks_all = has(s, TCP_ACK) && (int32_t)(s->p->tcp_ack - s->to->next_seq) >= 0;

	if (has(s, TCP_RST)) {
		flow_tcp_state_set(s->c, 0, FLOW_TCP_DONE);
		flow_tcp_state_set(s->c, 1, FLOW_TCP_DONE);
		return;
	}
	flow_tcp_state_set(s->c, s->dir, sent_state(s));
	if (acks_all)
		flow_tcp_state_set(s->c, !s->dir, acked_state(flow_tcp_state(s->c, !s->dir)));
	if (has(s, TCP_FIN))
		fin_move(s, acks_all);
}

// ---- what is remembered ----

// New bytes behind old ones, and nothing missing. Wireshark takes their acknowledgement for one of bytes unseen, so contiguous stays;
// Zeek, rightly, finds no gap.
static bool behind_overlaps(const struct step *s)
{
	uint32_t before = s->p->tcp_seq - (uint32_t)s->ahead; // next_seq

	return s->ahead < 0 && before == s->from->contiguous && (int32_t)(s->end - before) > 0;
}

static void sent(struct step *s)
{
	struct flow_tcp_end *from = s->from;

	timed_sent(s);
	if (s->p->payload_wire > 0 && !of_end(s, FLOW_TCP_SPOKE, s->dir)) {
		s->c->flags |= (uint32_t)FLOW_TCP_SPOKE << s->dir;
		s->c->first_byte[s->dir] = since_start(s, FLOW_TCP_CLOCK_SHIFT);
	}
	if (!s->known) {
		if (!has(s, TCP_SYN))
			s->t->isn[s->dir] = (uint16_t)(s->p->tcp_seq - 1);
		from->next_seq = from->contiguous = s->end;
		from->next_at = s->now;
		s->t->plain |= (uint8_t)(FLOW_TCP_KNOWS_SEQ << s->dir);
	} else if (!s->probe) {
		if ((int32_t)(s->end - from->next_seq) > 0) {
			from->next_seq = s->end;
			from->next_at = s->now;
		}
		if (s->p->tcp_seq == from->contiguous)
			from->contiguous = from->next_seq;
		else if (behind_overlaps(s))
			s->c->flags |= (uint32_t)FLOW_TCP_OVERLAPPED << s->dir;
		else if (s->ahead > 0)
			s->c->flags &= ~((uint32_t)FLOW_TCP_OVERLAPPED << s->dir);
	}
}

static void acked(struct step *s)
{
	bool seen = (s->t->plain & FLOW_TCP_KNOWS_SEQ << !s->dir) != 0;

	if (!has(s, TCP_ACK))
		return;
	timed_acked(s);
	if (seen && (int32_t)(s->p->tcp_ack - s->to->contiguous) > 0 && !has(s, TCP_RST)) {
		count(s, FLOW_TCP_ACKED_UNSEEN, !s->dir);
		if (!of_end(s, FLOW_TCP_OVERLAPPED, !s->dir))
			flow_conn_gap(s->c, !s->dir);
		s->c->flags &= ~((uint32_t)FLOW_TCP_OVERLAPPED << !s->dir);
		// What came behind the gap has been seen: one gap is told once, however much was on its way.
		s->to->contiguous = (int32_t)(s->p->tcp_ack - s->to->next_seq) > 0 ? s->p->tcp_ack : s->to->next_seq;
	} else if (!seen && !acks_known(s, !s->dir)) { // so that what goes on without an answer need not be judged
		if (s->to->edge == s->to->ack || (int32_t)(s->p->tcp_ack - s->to->contiguous) > 0)
			s->to->contiguous = s->p->tcp_ack;
		s->to->edge = s->to->ack + 1;
	}
	s->from->ack = s->p->tcp_ack;
	s->from->edge = window_edge(s);
	s->t->plain |= (uint8_t)(FLOW_TCP_KNOWS_ACK << s->dir);
}

static void reset_note(struct flow_tcp_cold *c, unsigned dir)
{
	if ((c->flags & (FLOW_TCP_RESET_BY_CLIENT | FLOW_TCP_RESET_BY_SERVER)) == 0)
		c->flags |= dir == 0 ? FLOW_TCP_RESET_BY_CLIENT : FLOW_TCP_RESET_BY_SERVER;
}

// What comes next from this end may have been acknowledged before it is seen.
static bool acked_early(const struct flow_tcp *t, unsigned dir)
{
	const struct flow_tcp_end *from = &t->end[dir], *to = &t->end[!dir];

	return (int32_t)(from->contiguous - from->next_seq) > 0 ||
	       ((t->plain & FLOW_TCP_KNOWS_ACK << !dir) != 0 && (int32_t)(to->ack - from->next_seq) > 0);
}

// Which packets need no judging from now on: those that would set nothing but what flow_tcp_count() sets.
static void plain_set(struct step *s)
{
	const struct flow_tcp_cold *c = s->c;
	uint8_t all = FLOW_TCP_KNOWS_SEQ * 3 | FLOW_TCP_KNOWS_ACK * 3, one = FLOW_TCP_KNOWS_SEQ | FLOW_TCP_KNOWS_ACK;
	uint8_t known = s->t->plain & all;
	bool settled = (c->flags & (FLOW_TCP_SYN_TIMED | FLOW_TCP_HANDSHAKE)) != FLOW_TCP_SYN_TIMED;

	s->t->plain = known;
	for (unsigned dir = 0; dir < 2 && settled; dir++) {
		bool both = known == all && flow_tcp_state(c, !dir) == FLOW_TCP_OPEN && flow_conn(c, !dir) != CONN_INACTIVE;
		bool alone = known == one << dir && flow_tcp_state(c, !dir) == FLOW_TCP_NONE && flow_conn(c, !dir) == CONN_INACTIVE;

		if (flow_tcp_state(c, dir) != FLOW_TCP_OPEN || flow_conn(c, dir) == CONN_INACTIVE || !(both || alone) ||
		    of_end(s, FLOW_TCP_LAST_KEEP_ALIVE | FLOW_TCP_LAST_PROBE, dir))
			continue;
		if (flow_conn_has(c, dir, 'A'))
			s->t->plain |= (uint8_t)(FLOW_TCP_PLAIN_ACK << 2 * dir);
		if (flow_conn_has(c, dir, 'D') && of_end(s, FLOW_TCP_TIMED, dir) && !acked_early(s->t, dir))
			s->t->plain |= (uint8_t)(FLOW_TCP_PLAIN_DATA << 2 * dir);
	}
}

void flow_tcp_happening(struct flow_tcp *t, struct flow_tcp_cold *c, unsigned dir, const struct packet *p, const uint64_t *start_ns)
{
	uint32_t span = p->payload_wire + ((p->tcp_flags & (TCP_SYN | TCP_FIN)) != 0);
	struct step s = {.t = t, .c = c, .p = p, .from = &t->end[dir], .to = &t->end[!dir], .dir = dir, .start_ns = *start_ns,
			 .now = flow_tcp_clock(p->time_ns), .span = span, .end = p->tcp_seq + span,
			 .known = (t->plain & FLOW_TCP_KNOWS_SEQ << dir) != 0};

	flow_conn_history(c, dir, p, t);
	if (has(&s, TCP_SYN))
		syn_take(&s);
	s.ahead = s.known ? (int32_t)(p->tcp_seq - s.from->next_seq) : 0;
	handshake_take(&s);
	window_judge(&s);
	dup_ack_judge(&s);
	order_judge(&s);
	sent(&s);
	flow_conn_move(c, dir, p);
	state_move(&s);
	acked(&s);
	if (has(&s, TCP_RST))
		reset_note(c, dir);
	c->flags &= ~((uint32_t)(FLOW_TCP_LAST_KEEP_ALIVE | FLOW_TCP_LAST_PROBE) << dir);
	c->flags |= (s.keep_alive ? (uint32_t)FLOW_TCP_LAST_KEEP_ALIVE << dir : 0) | (s.probe ? (uint32_t)FLOW_TCP_LAST_PROBE << dir : 0);
	plain_set(&s);
}
