// A flow's life, packet by packet: who is the client, what state it is in, when it is over. Only the packet's own fields and its
// clock decide, so that a replay gives the same flows however it is run.
#include <string.h>

#include "flow/flow_table.h"
#include "packet/packet_transport.h"

enum { PORT_WELL_KNOWN = 1024 };

// Who is the client: the sender of a SYN, the receiver of a SYN-ACK; without those the side that does not have the well-known port;
// else whoever spoke first. Sets *flipped if that is not the sender of this first packet.
static enum flow_direction direction_of(const struct packet *p, bool *flipped)
{
	bool ports = p->proto == IP_TCP || p->proto == IP_UDP || p->proto == IP_SCTP || p->proto == IP_DCCP || p->proto == IP_UDPLITE;
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
	bool flipped;
	enum flow_direction direction = direction_of(p, &flipped);

	cold->tcp.flags = (uint32_t)direction << FLOW_TCP_DIRECTION_SHIFT;
	f->client = (uint8_t)(flipped ? !src_end : src_end);
	t->counters.directions[direction]++;
	t->counters.flipped += flipped;
	if (flipped)
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
	uint8_t key4[sizeof(cold->key4)];
	bool linked = f->life == FLOW_LIVE;

	memcpy(key4, cold->key4, sizeof(key4));
	memset(f, 0, sizeof(*f));
	memset(cold, 0, sizeof(*cold));
	f->clock_ns = p->clock_ns;
	f->end_ns = p->time_ns;
	f->class = (uint8_t)class_of(p->proto);
	f->inspect = p->proto == IP_TCP ? FLOW_INSPECT_TCP : p->proto == IP_UDP ? FLOW_INSPECT_UDP : FLOW_INSPECT_NONE;
	f->life = FLOW_LIVE;
	f->ttl_least[0] = f->ttl_least[1] = UINT8_MAX;
	cold->start_ns = p->time_ns;
	memcpy(cold->key4, key4, sizeof(key4));
	cold->port = port;
	flow_interim_set(t, f, p->clock_ns);
	direction_set(t, f, cold, p, src_end);
	if (p->proto == IP_TCP)
		t->tcp[index] = (struct flow_tcp){0};
	cold->detail = flow_detail_begin(&t->details, p, f->client == src_end);
	t->counters.created++;
	if (linked)
		flow_wheel_take(&t->wheel, t->links, index);
	flow_wheel_put(&t->wheel, t->links, index, flow_due_ns(t, f));
	if (f->class == FLOW_TCP_NEW || f->class == FLOW_UDP_NEW)
		flow_unanswered_put(t, index);
}

// A shorter time-out moves the flow in the wheel at once; a longer one is found when the wheel meets it.
static void class_set(struct flow_table *t, struct flow *f, enum flow_class class)
{
	bool shorter = t->timeout_ns[class] < t->timeout_ns[f->class];
	uint32_t index = (uint32_t)(f - t->flows);

	f->class = (uint8_t)class;
	flow_unanswered_take(t, index); // what leaves its first class has been answered, or is over
	if (shorter) {
		flow_wheel_take(&t->wheel, t->links, index);
		flow_wheel_put(&t->wheel, t->links, index, flow_due_ns(t, f));
	}
}

static void tcp_move(struct flow_table *t, struct flow *f, unsigned dir, const struct packet *p)
{
	uint8_t flags = p->tcp_flags;

	if (unlikely(flags & TCP_SYN))
		flow_tcp_syn(&t->cold[f - t->flows].options, dir, p);
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

// The hop limit is byte 8 of IPv4 and 7 of IPv6; the traffic class of IPv6 lies four bits into the header, that of IPv4 eight.
static inline void ip_count(struct flow *f, unsigned dir, const struct packet *p)
{
	const uint8_t *ip = p->frame + p->l3_at; // a flow's packet has a whole IP header
	unsigned six = p->ip_version == 6;
	uint8_t ttl = ip[8 - six];

	f->ttl_least[dir] = ttl < f->ttl_least[dir] ? ttl : f->ttl_least[dir];
	f->ttl_most[dir] = ttl > f->ttl_most[dir] ? ttl : f->ttl_most[dir];
	f->tos[dir] = (uint8_t)(((unsigned)ip[0] << 8 | ip[1]) >> 4 * six);
}

static void first_keep(struct flow_table *t, const struct flow *f, unsigned dir, const struct packet *p)
{
	uint32_t detail = t->cold[f - t->flows].detail;

	if (detail != 0)
		flow_detail_first(pool_at(&t->details, detail - 1), p, dir, f->end_ns);
}

unsigned flow_count(struct flow_table *t, struct flow *f, unsigned src_end, const struct packet *p)
{
	unsigned dir = src_end != f->client;

	if (f->class <= FLOW_TCP_CLOSED)
		tcp_count(t, f, dir, p);
	else if (f->class <= FLOW_UDP_ESTABLISHED)
		flow_udp_count(flow_udp_of(t, (uint32_t)(f - t->flows)), dir, f->pkts[dir], p->time_ns);
	if (unlikely(f->pkts[0] + f->pkts[1] < t->first_packets))
		first_keep(t, f, dir, p);
	if (p->clock_ns > f->clock_ns)
		f->clock_ns = p->clock_ns;
	if (p->time_ns > f->end_ns)
		f->end_ns = p->time_ns;
	f->pkts[dir] += 1 + (uint64_t)p->joined_pkts;
	f->bytes[dir] += (uint64_t)p->wire + p->joined_bytes;
	ip_count(f, dir, p);
	if (f->class <= FLOW_TCP_CLOSED) {
		f->tcp_flags[dir] |= p->tcp_flags;
		if (f->class != FLOW_TCP_ESTABLISHED || (p->tcp_flags & (TCP_FIN | TCP_RST)) != 0)
			tcp_move(t, f, dir, p);
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
	bool flipped = flow_conn_has(&cold->tcp, 0, '^');
	unsigned n = flow_conn_history_put(&cold->tcp, out);

	if (f->class <= FLOW_TCP_CLOSED)
		return n;
	if (flipped && f->pkts[1] > 0)
		out[n++] = 'd';
	if (f->pkts[0] > 0)
		out[n++] = 'D';
	if (!flipped && f->pkts[1] > 0)
		out[n++] = 'd';
	return n;
}
