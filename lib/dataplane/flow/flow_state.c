// A flow's life, packet by packet: who is the client, what state it is in, when it is over. Only the packet's own fields and its
// clock decide, so that a replay gives the same flows however it is run.
#include <string.h>

#include "flow/flow_table.h"

enum { PORT_WELL_KNOWN = 1024 };

// Who is the client: the sender of a SYN, the receiver of a SYN-ACK; without those the side that does not have the well-known port;
// else whoever spoke first. Sets *flipped if that is not the sender of this first packet.
static enum flow_direction direction_of(const struct packet *p, bool *flipped)
{
	bool ports = p->proto == IP_TCP || p->proto == IP_UDP || p->proto == IP_SCTP;
	bool from_known = p->src_port < PORT_WELL_KNOWN, to_known = p->dst_port < PORT_WELL_KNOWN;

	*flipped = false;
	if (p->proto == IP_TCP && (p->tcp_flags & TCP_SYN) != 0) {
		*flipped = (p->tcp_flags & TCP_ACK) != 0;
		return *flipped ? FLOW_DIRECTION_SYN_ACK : FLOW_DIRECTION_SYN;
	}
	if (ports && from_known != to_known) {
		*flipped = from_known;
		return FLOW_DIRECTION_PORT;
	}
	return FLOW_DIRECTION_FIRST;
}

static void direction_set(struct flow_table *t, struct flow *f, struct flow_cold *cold, const struct packet *p, unsigned src_end)
{
	cold->direction = (uint8_t)direction_of(p, &cold->flipped);
	f->client = (uint8_t)(cold->flipped ? !src_end : src_end);
	t->counters.directions[cold->direction]++;
	t->counters.flipped += cold->flipped;
	if (cold->flipped)
		flow_conn_letter(&cold->tcp, 0, '^');
}

static enum flow_class class_of(uint8_t proto)
{
	switch (proto) {
	case IP_TCP: return FLOW_TCP_NEW;
	case IP_UDP: return FLOW_UDP_NEW;
	case IP_ICMP:
	case IP_ICMPV6: return FLOW_ICMP;
	default: return FLOW_OTHER;
	}
}

void flow_begin(struct flow_table *t, uint32_t index, unsigned src_end, const struct packet *p, uint16_t port)
{
	struct flow *f = &t->flows[index];
	struct flow_cold *cold = &t->cold[index];
	hash_sig_t sig = cold->sig;
	uint8_t key[FLOW_KEY6_USED];
	bool linked = f->life == FLOW_LIVE;
	struct flow_link link = f->link;

	memcpy(key, cold->key, sizeof(key));
	memset(f, 0, sizeof(*f));
	memset(cold, 0, sizeof(*cold));
	f->clock_ns = p->clock_ns;
	f->end_ns = p->time_ns;
	f->class = (uint8_t)class_of(p->proto);
	f->inspect = p->fragment ? FLOW_INSPECT_NONE : p->proto == IP_TCP ? FLOW_INSPECT_TCP : p->proto == IP_UDP ? FLOW_INSPECT_UDP : FLOW_INSPECT_NONE;
	f->life = FLOW_LIVE;
	f->link = link;
	cold->start_ns = p->time_ns;
	cold->sig = sig;
	memcpy(cold->key, key, sizeof(key));
	cold->port = port;
	direction_set(t, f, cold, p, src_end);
	if (p->proto == IP_TCP)
		t->tcp[index] = (struct flow_tcp){0};
	t->counters.created++;
	if (linked)
		flow_wheel_take(&t->wheel, t->flows, index);
	flow_wheel_put(&t->wheel, t->flows, index, flow_due_ns(t, f));
}

// A shorter time-out moves the flow in the wheel at once; a longer one is found when the wheel meets it.
static void class_set(struct flow_table *t, struct flow *f, enum flow_class class)
{
	bool shorter = t->timeout_ns[class] < t->timeout_ns[f->class];

	f->class = (uint8_t)class;
	if (shorter) {
		uint32_t index = (uint32_t)(f - t->flows);

		flow_wheel_take(&t->wheel, t->flows, index);
		flow_wheel_put(&t->wheel, t->flows, index, flow_due_ns(t, f));
	}
}

static void tcp_move(struct flow_table *t, struct flow *f, unsigned dir, uint8_t flags)
{
	if (flags & TCP_FIN)
		f->closing |= (uint8_t)(1u << dir);
	if (f->class == FLOW_TCP_CLOSED)
		return;
	if ((flags & TCP_RST) != 0 || f->closing == FLOW_CLOSING_BOTH)
		class_set(t, f, FLOW_TCP_CLOSED);
	else if (f->class == FLOW_TCP_NEW && f->pkts[0] > 0 && f->pkts[1] > 0 && (flags & (TCP_SYN | TCP_ACK)) == TCP_ACK)
		class_set(t, f, FLOW_TCP_ESTABLISHED);
}

// A fragment, and a header of which the capture shows but a part, tell nothing of sequence numbers.
static inline void tcp_count(struct flow_table *t, const struct flow *f, unsigned dir, const struct packet *p)
{
	uint32_t index = (uint32_t)(f - t->flows);

	if (unlikely(p->fragment || p->payload_at == 0))
		return;
	flow_tcp_silence(&t->tcp[index], f->end_ns, p->time_ns);
	flow_tcp_count(&t->tcp[index], &t->cold[index].tcp, dir, p, &t->cold[index].start_ns);
}

unsigned flow_count(struct flow_table *t, struct flow *f, unsigned src_end, const struct packet *p)
{
	unsigned dir = src_end != f->client;

	if (f->class <= FLOW_TCP_CLOSED)
		tcp_count(t, f, dir, p);
	if (p->clock_ns > f->clock_ns)
		f->clock_ns = p->clock_ns;
	if (p->time_ns > f->end_ns)
		f->end_ns = p->time_ns;
	f->pkts[dir]++;
	f->bytes[dir] += p->wire;
	if (f->class <= FLOW_TCP_CLOSED) {
		f->tcp_flags[dir] |= p->tcp_flags;
		if (f->class != FLOW_TCP_ESTABLISHED || (p->tcp_flags & (TCP_FIN | TCP_RST)) != 0)
			tcp_move(t, f, dir, p->tcp_flags);
	} else if (f->class == FLOW_UDP_NEW && f->pkts[!dir] > 0) {
		class_set(t, f, FLOW_UDP_ESTABLISHED);
	}
	return dir;
}

bool flow_over(const struct flow_table *t, const struct flow *f, const struct packet *p, enum flow_reason *reason)
{
	if (flow_due_ns(t, f) < p->clock_ns) {
		*reason = FLOW_REASON_TIMEOUT;
		return true;
	}
	if (f->class == FLOW_TCP_CLOSED && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		*reason = FLOW_REASON_TCP_REUSE;
		return true;
	}
	return false;
}

enum flow_state flow_state_of(const struct flow *f)
{
	switch (f->class) {
	case FLOW_TCP_CLOSED:
		return FLOW_STATE_CLOSED;
	case FLOW_TCP_ESTABLISHED:
	case FLOW_UDP_ESTABLISHED:
		return FLOW_STATE_ESTABLISHED;
	default:
		return f->pkts[0] > 0 && f->pkts[1] > 0 && f->class >= FLOW_ICMP ? FLOW_STATE_ESTABLISHED : FLOW_STATE_NEW;
	}
}

enum flow_conn_state flow_conn_state_of(const struct flow *f, const struct flow_cold *cold)
{
	if (f->class <= FLOW_TCP_CLOSED)
		return flow_conn_state(&cold->tcp);
	if (f->class != FLOW_UDP_NEW && f->class != FLOW_UDP_ESTABLISHED)
		return CONN_STATE_OTH;
	if (f->pkts[0] > 0)
		return f->pkts[1] > 0 ? CONN_STATE_SF : CONN_STATE_S0;
	return f->pkts[1] > 0 ? CONN_STATE_SHR : CONN_STATE_OTH;
}

// What is not TCP has but two letters, in the order in which the ends spoke.
unsigned flow_history_put(const struct flow *f, const struct flow_cold *cold, char *out)
{
	unsigned n = flow_conn_history_put(&cold->tcp, out);

	if (f->class <= FLOW_TCP_CLOSED)
		return n;
	if (cold->flipped && f->pkts[1] > 0)
		out[n++] = 'd';
	if (f->pkts[0] > 0)
		out[n++] = 'D';
	if (!cold->flipped && f->pkts[1] > 0)
		out[n++] = 'd';
	return n;
}
