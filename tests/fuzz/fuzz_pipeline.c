// The whole packet path without DPDK: any bytes as a list of frames with times, each decoded, found a flow among a few, and its
// payload given through the streams to all dissectors, as the worker does. Every frame has one verdict and every flow an end, and
// when all flows have ended every buffer and transaction is back in its pool, whatever came before.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"
#include "flow/flow_key.h"
#include "flow/flow_stream.h"
#include "packet/packet.h"

enum { FLOWS = 8, BLOCKS = 2, STREAMS = 2, STREAM_BYTES = 2048, TIMEOUT_NS = 100, WIRE_UNIT = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct table_flow {
	bool live;
	struct flow_key4 key4;
	struct flow_key6 key6;
	uint8_t ip_version;
	unsigned client;
	uint64_t clock_ns, frames;
	struct classify_flow classify;
	struct flow_stream stream[2];
};

struct pipeline {
	struct classify classify;
	struct flow_stream_pool streams;
	struct table_flow flow[FLOWS];
	unsigned evict;
	uint64_t begun, ended, frames_begun, frames_ended, reports;
	struct proto_hint hint;
	struct table_flow *offering;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void report(void *context, const struct classify_flow *flow, const struct l7 *l7, bool to_server)
{
	(void)to_server;
	++*(uint64_t *)context;
	require(flow->app > 0 && flow->app < proto_count && l7->text_used <= L7_TEXT_MAX);
}

static void flow_end(struct pipeline *l, struct table_flow *f)
{
	classify_end(&l->classify, &f->classify);
	for (unsigned dir = 0; dir < 2; dir++)
		flow_stream_end(&l->streams, &f->stream[dir]);
	l->ended++;
	l->frames_ended += f->frames;
	*f = (struct table_flow){.live = false};
}

// The frame's flow, begun if it is new or idle for too long; one of the others ends if there is no room.
static struct table_flow *flow_of(struct pipeline *l, const struct packet *p, unsigned *src_end)
{
	struct flow_key4 key4 = {0};
	struct flow_key6 key6 = {0};
	struct table_flow *f = NULL;

	*src_end = p->ip_version == 4 ? flow_key4_of(p, 0, &key4) : flow_key6_of(p, 0, &key6);
	for (unsigned i = 0; i < FLOWS && f == NULL; i++)
		if (l->flow[i].live && l->flow[i].ip_version == p->ip_version && memcmp(&l->flow[i].key4, &key4, sizeof(key4)) == 0 &&
		    memcmp(&l->flow[i].key6, &key6, sizeof(key6)) == 0)
			f = &l->flow[i];
	if (f != NULL && p->clock_ns - f->clock_ns <= TIMEOUT_NS)
		return f;
	if (f == NULL)
		f = &l->flow[l->evict++ % FLOWS];
	if (f->live)
		flow_end(l, f);
	*f = (struct table_flow){.live = true, .key4 = key4, .key6 = key6, .ip_version = p->ip_version, .client = *src_end};
	l->begun++;
	return f;
}

static uint32_t offer(void *context, struct span in, uint64_t *skip, bool *stop)
{
	struct pipeline *l = context;
	uint32_t used = classify_bytes(&l->classify, &l->offering->classify, in, &l->hint, skip);

	require(used <= in.left);
	*stop = l->offering->classify.done;
	return used;
}

static void inspect_tcp(struct pipeline *l, struct table_flow *f, unsigned dir, const struct packet *p)
{
	struct span payload = span_of(p->frame + p->payload_at, p->payload);
	bool syn = (p->tcp_flags & TCP_SYN) != 0, over = false;

	if (syn && !f->stream[dir].started)
		flow_stream_start(&f->stream[dir], p->tcp_seq + 1);
	if (p->payload_wire > 0)
		over = flow_stream_segment(&l->streams, &f->stream[dir], p->tcp_seq + syn, payload, p->payload_wire, offer, l);
	if (!over && f->stream[!dir].buffer != 0 && (p->tcp_flags & TCP_ACK) != 0) {
		l->hint.to_server = !l->hint.to_server;
		over = flow_stream_acked(&l->streams, &f->stream[!dir], p->tcp_ack, offer, l);
	}
	if (over)
		for (dir = 0; dir < 2; dir++)
			flow_stream_end(&l->streams, &f->stream[dir]);
}

static void inspect(struct pipeline *l, struct table_flow *f, unsigned src_end, const struct packet *p)
{
	unsigned dir = src_end != f->client;
	uint64_t skip;

	if (p->fragment || f->classify.done || (p->proto != IP_TCP && p->proto != IP_UDP))
		return;
	l->offering = f;
	l->hint = (struct proto_hint){.l4 = p->proto == IP_TCP ? PROTO_TCP : PROTO_UDP, .to_server = dir == 0};
	l->hint.client_port = dir == 0 ? p->src_port : p->dst_port;
	l->hint.server_port = dir == 0 ? p->dst_port : p->src_port;
	if (p->proto == IP_TCP)
		inspect_tcp(l, f, dir, p);
	else if (p->payload > 0)
		classify_bytes(&l->classify, &f->classify, span_of(p->frame + p->payload_at, p->payload), &l->hint, &skip);
}

static void frame_walk(struct pipeline *l, struct packet *p)
{
	struct table_flow *f;
	unsigned src_end;

	packet_decode(p);
	require(p->verdict < PACKET_VERDICTS && p->wire >= p->captured && p->payload <= p->payload_wire);
	require((uint64_t)p->payload_at + p->payload <= p->captured);
	require(p->l3_at <= p->captured && p->l4_at <= p->captured);
	if (p->verdict != PACKET_OK)
		return;
	f = flow_of(l, p, &src_end);
	f->clock_ns = p->clock_ns;
	f->frames++;
	l->frames_begun++;
	inspect(l, f, src_end, p);
}

// One frame of the input, in memory of exactly its size.
static void frame_next(struct pipeline *l, struct span *in, uint64_t *clock_ns)
{
	uint16_t length = span_be16(in);
	uint8_t wire = span_u8(in);
	struct span bytes;
	struct packet p;
	uint8_t *frame;

	*clock_ns += span_u8(in);
	bytes = span_take(in, length < in->left ? length : in->left);
	p = (struct packet){.captured = bytes.left, .wire = wire == 0 ? 0 : bytes.left + (uint32_t)(wire - 1) * WIRE_UNIT, .time_ns = *clock_ns,
			    .clock_ns = *clock_ns};
	frame = malloc(bytes.left + 1u);
	require(frame != NULL);
	if (bytes.left > 0)
		memcpy(frame + 1, bytes.at, bytes.left);
	p.frame = frame + 1;
	frame_walk(l, &p);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t l7_memory[sizeof(struct l7) * BLOCKS + 64] __attribute__((aligned(64)));
	static uint8_t stream_memory[(sizeof(struct flow_stream_buffer) + STREAM_BYTES + 64) * STREAMS + 64] __attribute__((aligned(64)));
	static uint8_t scratch[L7_SCRATCH];
	static struct l7 scratch_l7;
	struct span in = span_of(data, (uint32_t)size);
	struct pipeline l = {.streams = {.bytes = STREAM_BYTES}};
	uint64_t clock_ns = 1;

	classify_init(&l.classify, l7_memory, BLOCKS, &scratch_l7, scratch, NULL, report, &l.reports);
	pool_init(&l.streams.pool, stream_memory, flow_stream_block_bytes(STREAM_BYTES), STREAMS);
	while (in.left > 4)
		frame_next(&l, &in, &clock_ns);
	for (unsigned i = 0; i < FLOWS; i++)
		if (l.flow[i].live)
			flow_end(&l, &l.flow[i]);
	require(l.begun == l.ended && l.frames_begun == l.frames_ended);
	require(l.classify.transactions == l.reports);
	require(l.classify.l7_pool.available == l.classify.l7_pool.capacity && l.streams.pool.available == l.streams.pool.capacity);
	return 0;
}
