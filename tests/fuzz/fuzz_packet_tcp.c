// Any bytes as a TCP header with options: the walk stays inside, the short way of time stamps says the same as the walk, and what
// was sound of a whole header stays so where the capture ends earlier. The first byte says how much the capture lacks.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet_tcp.h"

enum { FRAME_HEADERS = 34, TCP_MAX = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static struct packet_tcp_options walk(const uint8_t *frame, uint32_t captured, uint32_t wire)
{
	struct packet p = {.captured = captured, .wire = wire};
	struct packet_tcp_options o;
	uint32_t value = 0, echo = 0;
	uint8_t *exact = malloc(captured);

	require(exact != NULL);
	memcpy(exact, frame, captured);
	p.frame = exact;
	packet_decode(&p);
	packet_tcp_options(&p, &o);
	require(o.count <= PACKET_TCP_OPTIONS_MAX / 2 && o.sack_blocks <= PACKET_TCP_SACK_MAX && o.window_scale <= 14);
	require(packet_tcp_timestamps(&p, &value, &echo) == packet_tcp_has(&o, TCP_OPTION_TIMESTAMPS));
	require(!packet_tcp_has(&o, TCP_OPTION_TIMESTAMPS) || (value == o.time_value && echo == o.time_echo));
	for (unsigned kind = 2; kind < 64; kind++)
		require(!packet_tcp_has(&o, kind) || packet_tcp_option(&p, kind).at != NULL);
	free(exact);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[FRAME_HEADERS + TCP_MAX] = {[12] = 8, [14] = 0x45, [23] = IP_TCP};
	uint32_t n, wire;
	struct packet_tcp_options whole, cut;

	if (size < 1)
		return 0;
	n = size - 1 < TCP_MAX ? (uint32_t)(size - 1) : TCP_MAX;
	frame[17] = (uint8_t)(20 + n);
	memmove(frame + FRAME_HEADERS, data + 1, n);
	wire = FRAME_HEADERS + n;
	whole = walk(frame, wire, wire);
	cut = walk(frame, wire - (n > 0 ? data[0] % n : 0), wire);
	require(cut.sound || !whole.sound || cut.window == 0);
	require(cut.count <= whole.count);
	return 0;
}
