// From a packet of a flow that still asks to its dissectors: a UDP datagram as it is, TCP through the stream of its direction.
#include "worker/worker.h"

struct inspection {
	struct worker *worker;
	struct flow_cold *cold;
	struct proto_hint hint;
};

static uint32_t offer(void *context, struct span in, uint64_t *skip, bool *stop)
{
	struct inspection *i = context;
	uint32_t used = classify_bytes(&i->worker->classify, &i->cold->classify, in, &i->hint, skip);

	*stop = i->cold->classify.done;
	return used;
}

static void hint_fill(const struct flow *f, unsigned dir, const struct packet *p, struct proto_hint *hint)
{
	hint->l4 = f->inspect == FLOW_INSPECT_TCP ? PROTO_TCP : PROTO_UDP;
	hint->to_server = dir == 0;
	hint->now_ns = p->clock_ns;
	hint->time_ns = p->time_ns;
	hint->client_port = dir == 0 ? p->src_port : p->dst_port;
	hint->server_port = dir == 0 ? p->dst_port : p->src_port;
}

static void inspect_tcp(struct worker *w, struct inspection *i, unsigned dir, const struct packet *p)
{
	struct flow_stream_pool *pool = &w->flows->streams;
	struct flow_stream *stream = &i->cold->stream[dir], *other = &i->cold->stream[!dir];
	uint32_t seq = p->tcp_seq;
	bool over = false;

	if ((p->tcp_flags & TCP_SYN) != 0) {
		seq++;
		if (!stream->started)
			flow_stream_start(stream, seq);
	}
	if (p->payload_wire > 0)
		over = flow_stream_segment(pool, stream, seq, span_of(p->frame + p->payload_at, p->payload), p->payload_wire, offer, i);
	if (!over && other->buffer != 0 && (p->tcp_flags & TCP_ACK) != 0) {
		i->hint.to_server = !i->hint.to_server;
		over = flow_stream_acked(pool, other, p->tcp_ack, offer, i);
	}
	if (over) {
		flow_stream_end(pool, stream);
		flow_stream_end(pool, other);
	}
}

void worker_inspect(struct worker *w, uint32_t index, unsigned dir, const struct packet *p)
{
	struct flow *f = &w->flows->flows[index];
	struct inspection i = {.worker = w, .cold = &w->flows->cold[index]};
	uint64_t skip;

	w->reporting = p;
	w->reporting_index = index;
	hint_fill(f, dir, p, &i.hint);
	if (f->inspect == FLOW_INSPECT_TCP)
		inspect_tcp(w, &i, dir, p);
	else if (p->payload > 0)
		classify_bytes(&w->classify, &i.cold->classify, span_of(p->frame + p->payload_at, p->payload), &i.hint, &skip);
	f->app = classify_app(&i.cold->classify);
	if (i.cold->classify.done)
		f->inspect = FLOW_INSPECT_NONE;
}

void worker_inspect_end(struct worker *w, uint32_t index, const struct packet *p)
{
	struct flow *f = &w->flows->flows[index];
	struct flow_cold *cold = &w->flows->cold[index];

	w->reporting = p;
	w->reporting_index = index;
	classify_end(&w->classify, &cold->classify);
	cold->classify.done = true;
	flow_stream_end(&w->flows->streams, &cold->stream[0]);
	flow_stream_end(&w->flows->streams, &cold->stream[1]);
	f->inspect = FLOW_INSPECT_NONE;
}
