// Records: what a worker says of its flows and of what was spoken in them. Written in place in the ring to control. When the ring
// is full a replay waits (control always drains), live the record is counted as refused.
#include <rte_pause.h>
#include <string.h>
#include <time.h>

#include "worker/worker.h"

// A worker that waits for room leaves its core to those that make it.
enum { SPINS_BEFORE_NAP = 64, NAP_NS = 100 * 1000, DSCP_SHIFT = 2 };

static struct record *reserve(struct worker *w, uint32_t length)
{
	struct record *r = record_ring_reserve(w->out, length);
	unsigned spins = 0;

	w->counters.records_made++;
	while (r == NULL && (w->config.replay || w->flushing)) {
		if (++spins < SPINS_BEFORE_NAP)
			rte_pause();
		else
			nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
		r = record_ring_reserve(w->out, length);
	}
	if (r == NULL) {
		w->counters.records_dropped[RECORD_DROP_RING_FULL]++;
		record_ring_refuse(w->out);
	}
	return r;
}

static uint32_t length_of(uint32_t body, uint32_t text)
{
	return ((uint32_t)sizeof(struct record) + body + text + 7u) & ~7u;
}

static void header_fill(const struct worker *w, uint32_t index, struct record *r)
{
	const struct flow *f = &w->flows->flows[index];
	const struct flow_cold *cold = &w->flows->cold[index];

	memset(r, 0, sizeof(*r));
	r->app = f->app;
	r->port = cold->port;
	r->start_ns = cold->start_ns;
	flow_ends(w->flows, index, &r->ends);
}

// By what its protocol was told, and where nothing told one, whose port it is.
static void app_put(const struct worker *w, const struct flow *f, const struct flow_cold *cold, const struct record *r,
		    struct record_flow *body)
{
	const struct classify_flow *classify = &cold->classify;
	enum proto_l4 l4 = r->ends.proto == IPPROTO_TCP ? PROTO_TCP : PROTO_UDP;

	body->app_orig = classify->app != 0 ? classify->orig : 0;
	if (f->app != 0) {
		body->confidence = proto_list[f->app]->behaviour ? FLOW_CONFIDENCE_BEHAVIOUR : FLOW_CONFIDENCE_CONTENT;
		body->claimed_to_client = classify->claimed_to_client;
		body->claimed_payload = (uint8_t)(classify->claimed_to_client ? classify->asked_to_client : classify->asked_to_server);
	} else if (r->ends.proto == IPPROTO_TCP || r->ends.proto == IPPROTO_UDP) {
		body->app_guess = (uint8_t)classify_port_app(&w->classify, l4, r->ends.server_port);
		body->app_guess_port = r->ends.server_port;
		body->confidence = body->app_guess != 0 ? FLOW_CONFIDENCE_PORT : FLOW_CONFIDENCE_NONE;
	}
}

// used: bytes of texts that are there already. Returns how many there are then.
static uint32_t detail_put(const struct worker *w, const struct flow_cold *cold, struct record_flow *body, char *texts, uint32_t used)
{
	const struct flow_detail *detail = cold->detail != 0 ? pool_at(&w->flows->details, cold->detail - 1) : NULL;
	uint16_t bytes;

	if (detail == NULL)
		return used;
	bytes = (uint16_t)(detail->firsts * sizeof(int32_t));
	body->tunnel = detail->tunnel;
	body->ether = detail->ether;
	body->ether_known = true;
	body->first_sizes = (struct record_text){(uint16_t)used, bytes};
	body->first_gaps = (struct record_text){(uint16_t)(used + bytes), bytes};
	for (unsigned i = 0; i < detail->firsts; i++) {
		memcpy(texts + body->first_sizes.at + i * sizeof(int32_t), &detail->first[i].size, sizeof(int32_t));
		memcpy(texts + body->first_gaps.at + i * sizeof(int32_t), &detail->first[i].gap_us, sizeof(int32_t));
	}
	return used + 2u * bytes;
}

uint32_t worker_flow_record(const struct worker *w, uint32_t index, struct record *r)
{
	const struct flow *f = &w->flows->flows[index];
	const struct flow_cold *cold = &w->flows->cold[index];
	char *texts = (char *)record_body(r) + record_body_size(RECORD_FLOW);
	const struct flow_hostname *name = cold->hostname != 0 ? pool_at(&w->flows->hostnames, cold->hostname - 1) : NULL;
	const struct flow_watch *watch = flow_watch_of(w->flows, index);
	struct record_flow *body = record_body(r);

	header_fill(w, index, r);
	r->type = RECORD_FLOW;
	r->to_server = true;
	r->time_ns = f->end_ns;
	r->order_ns = f->clock_ns;
	*body = (struct record_flow){
		.pkts = {f->pkts[0], f->pkts[1]},
		.bytes = {f->bytes[0], f->bytes[1]},
		.start_ns = cold->start_ns,
		.end_ns = f->end_ns,
		.state = (uint8_t)flow_state_of(f),
		.reason = FLOW_REASON_ACTIVE,
		.tcp_flags = {f->tcp_flags[0], f->tcp_flags[1]},
		.direction = (uint8_t)flow_direction_of(&cold->tcp),
		.ttl_min = {f->ttl_least[0], f->ttl_least[1]},
		.ttl_max = {f->ttl_most[0], f->ttl_most[1]},
		.dscp = {f->tos[0] >> DSCP_SHIFT, f->tos[1] >> DSCP_SHIFT},
		.tcp_options = cold->options.said,
		.tcp_mss = {cold->options.mss[0], cold->options.mss[1]},
		.tcp_scale = {cold->options.scale & 15, cold->options.scale >> 4},
	};
	app_put(w, f, cold, r, body);
	if (watch != NULL) {
		body->elephant = watch->elephant;
		body->peak_bps = watch->elephant ? watch->peak_bps : 0;
	}
	if (name != NULL) {
		body->hostname = (struct record_text){0, name->len};
		body->hostname_app = name->app;
		body->service = name->service;
		memcpy(texts, name->text, name->len);
	}
	body->history.at = body->hostname.len;
	body->history.len = (uint16_t)flow_history_put(f, cold, texts + body->history.at);
	body->conn_state = (uint8_t)flow_conn_state_of(f, cold);
	if (f->class <= FLOW_TCP_CLOSED)
		flow_tcp_record(&w->flows->tcp[index], &cold->tcp, &body->tcp);
	for (unsigned dir = 0; dir < 2 && (f->class == FLOW_UDP_NEW || f->class == FLOW_UDP_ESTABLISHED); dir++)
		body->jitter_ns[dir] = f->pkts[dir] > 2 ? flow_udp_jitter_ns(flow_udp_of(w->flows, index), dir) : 0;
	r->length = length_of(record_body_size(RECORD_FLOW), detail_put(w, cold, body, texts, body->hostname.len + body->history.len));
	return r->length;
}

// A flow of which there have been records says what it did since; together they are the whole.
static void since_last(struct record_flow *body, const struct flow_watch *watch)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		body->pkts[dir] -= watch->pkts[dir];
		body->bytes[dir] -= watch->bytes[dir];
	}
	body->part = watch->records;
}

void worker_report_interim(struct worker *w, uint32_t index, uint64_t order_ns)
{
	const struct flow *f = &w->flows->flows[index];
	struct flow_watch *watch = flow_watch_get(w->flows, index);
	struct record_flow *body;
	struct record *r;

	if (watch == NULL) {
		w->counters.interims_refused++;
		return;
	}
	watch->records++;
	r = reserve(w, WORKER_FLOW_RECORD_MAX);
	if (r != NULL) {
		worker_flow_record(w, index, r);
		body = record_body(r);
		since_last(body, watch);
		r->order_ns = order_ns;
		record_ring_commit(w->out, r);
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		watch->pkts[dir] = f->pkts[dir];
		watch->bytes[dir] = f->bytes[dir];
	}
}

static void port_tcp_add(struct worker *w, uint32_t index)
{
	const struct flow *f = &w->flows->flows[index];
	const struct flow_cold *cold = &w->flows->cold[index];
	const struct flow_tcp *t = &w->flows->tcp[index];
	const uint16_t *again = cold->tcp.often[FLOW_TCP_RETRANSMISSIONS];
	const uint8_t *unseen = cold->tcp.seldom[FLOW_TCP_ACKED_UNSEEN - FLOW_TCP_OFTEN];
	struct worker_port_tcp *c;

	if (f->class > FLOW_TCP_CLOSED || cold->port >= WORKER_PORTS)
		return;
	c = &w->counters.port_tcp[cold->port];
	c->segments += f->pkts[0] + f->pkts[1];
	c->lost += (uint64_t)t->lost[0] + t->lost[1];
	c->acked_unseen += (uint64_t)unseen[0] + unseen[1];
	c->retransmissions += (uint64_t)again[0] + again[1];
}

void worker_report_flow(struct worker *w, uint32_t index, enum flow_reason reason, uint64_t order_ns)
{
	struct flow *f = &w->flows->flows[index];
	struct flow_watch *watch;
	struct record_flow *body;
	struct record *r;

	w->reporting = NULL;
	w->reporting_index = index;
	w->reporting_order_ns = order_ns;
	classify_end(&w->classify, &w->flows->cold[index].classify);
	w->counters.flows_ended[reason]++;
	w->counters.ended_pkts += f->pkts[0] + f->pkts[1];
	w->counters.ended_bytes += f->bytes[0] + f->bytes[1];
	port_tcp_add(w, index);
	r = reserve(w, WORKER_FLOW_RECORD_MAX);
	if (r == NULL)
		return;
	worker_flow_record(w, index, r);
	body = record_body(r);
	body->reason = (uint8_t)reason;
	watch = flow_watch_of(w->flows, index);
	if (watch != NULL && watch->records > 0) {
		watch->records++;
		since_last(body, watch);
	}
	r->order_ns = order_ns;
	record_ring_commit(w->out, r);
}

// The first server name that a flow tells is kept for its own record.
static void hostname_keep(struct worker *w, struct flow_cold *cold, uint8_t app, const struct l7 *l7)
{
	uint32_t block, len = l7->hostname.len;
	struct flow_hostname *name;

	if ((len == 0 && l7->service == 0) || cold->hostname != 0 || (block = pool_get(&w->flows->hostnames)) == POOL_NONE)
		return;
	name = pool_at(&w->flows->hostnames, block);
	name->app = app;
	name->service = l7->service;
	name->len = (uint8_t)(len < RECORD_HOSTNAME_MAX ? len : RECORD_HOSTNAME_MAX);
	memcpy(name->text, l7->text + l7->hostname.at, name->len);
	cold->hostname = block + 1;
}

void worker_report_l7(void *context, const struct classify_flow *flow, const struct l7 *l7, bool to_server)
{
	struct worker *w = context;
	struct flow *f = &w->flows->flows[w->reporting_index];
	const struct packet *p = w->reporting; // NULL: the flow ends
	uint32_t body = proto_record_kind(l7->type)->body_size, length = length_of(body, l7->text_used);
	struct record *r;

	f->app = classify_app(flow);
	hostname_keep(w, &w->flows->cold[w->reporting_index], f->app, l7);
	r = reserve(w, length);
	if (r == NULL)
		return;
	header_fill(w, w->reporting_index, r);
	r->type = l7->type;
	r->to_server = to_server;
	r->time_ns = p != NULL ? p->time_ns : f->end_ns;
	r->order_ns = p != NULL ? p->clock_ns : w->reporting_order_ns;
	memcpy(record_body(r), l7->body, body); // the bodies are a union
	memcpy((char *)record_body(r) + body, l7->text, l7->text_used);
	r->length = length;
	record_ring_commit(w->out, r);
}

// A message of the link in a packet of a flow: the flow's header, the packet's time and direction.
void worker_report_message(struct worker *w, uint32_t index, bool to_server, const struct packet *p, const struct l7 *l7)
{
	uint32_t body = record_body_size(l7->type), length = length_of(body, l7->text_used);
	struct record *r = reserve(w, length);

	if (r == NULL)
		return;
	header_fill(w, index, r);
	r->type = l7->type;
	r->to_server = to_server;
	r->time_ns = p->time_ns;
	r->order_ns = p->clock_ns;
	memcpy(record_body(r), &l7->icmp, body); // the bodies are a union
	memcpy((char *)record_body(r) + body, l7->text, l7->text_used);
	r->length = length;
	record_ring_commit(w->out, r);
}

// Of no flow: what there is of ends is the tags. The mark that follows this burst is not ahead of the frame's time.
void worker_report_link(struct worker *w, const struct packet *p, uint16_t port, const struct l7 *l7)
{
	uint32_t body = record_body_size(l7->type), length = length_of(body, l7->text_used);
	struct record *r = reserve(w, length);

	if (r == NULL)
		return;
	memset(r, 0, sizeof(*r));
	r->type = l7->type;
	r->to_server = true;
	r->port = port;
	r->start_ns = r->time_ns = p->time_ns;
	r->order_ns = p->clock_ns;
	r->ends.vlans = p->vlans;
	memcpy(r->ends.vlan, p->vlan, sizeof(p->vlan[0]) * p->vlans);
	memcpy(record_body(r), &l7->arp, body); // the bodies are a union
	memcpy((char *)record_body(r) + body, l7->text, l7->text_used);
	r->length = length;
	record_ring_commit(w->out, r);
}
