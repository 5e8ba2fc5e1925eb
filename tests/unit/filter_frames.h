// Frames for tests of filters, a few bytes each, with a letter for a name: what a filter selects is then a word.
#ifndef TESTS_FILTER_FRAMES_H
#define TESTS_FILTER_FRAMES_H

#include <stdint.h>
#include <string.h>

#include "packet/packet.h"

enum { FRAME_ROOM = 128, FRAMES = 12 };

struct frame {
	char letter;
	uint16_t port; // it came in by
	uint32_t length;
	uint8_t bytes[FRAME_ROOM];
};

static inline void frame_put(struct frame *f, const void *bytes, uint32_t n)
{
	memcpy(f->bytes + f->length, bytes, n);
	f->length += n;
}

#define FRAME_PUT(f, ...) frame_put(f, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void frame_ethernet(struct frame *f, uint8_t src, uint8_t dst)
{
	FRAME_PUT(f, 2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src);
}

// An IPv4 header without options: 10.0.0.src to 10.0.dst.1.
static inline void frame_ipv4(struct frame *f, uint8_t proto, uint8_t src, uint8_t dst, uint8_t ttl, uint8_t fragment, uint8_t rest)
{
	FRAME_PUT(f, 8, 0, 0x45, 0xb8, 0, (uint8_t)(20 + rest), 0x12, 0x34, fragment, 0, ttl, proto, 0, 0, 10, 0, 0, src, 10, 0, dst, 1);
}

static inline void frame_ipv6(struct frame *f, uint8_t next, uint8_t rest)
{
	FRAME_PUT(f, 0x86, 0xdd, 0x60, 0, 0, 7, 0, rest, next, 33);
	FRAME_PUT(f, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	FRAME_PUT(f, 0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

static inline void frame_tcp(struct frame *f, uint8_t src, uint8_t dst, uint8_t flags)
{
	FRAME_PUT(f, 0, src, 0, dst, 0, 0, 1, 0, 0, 0, 2, 0, 0x50, flags, 0x10, 0, 0, 0, 0, 0);
}

static inline void frame_udp(struct frame *f, uint8_t src, uint8_t dst, uint8_t rest)
{
	FRAME_PUT(f, 0, src, 0, dst, 0, (uint8_t)(8 + rest), 0, 0);
}

// A: TCP SYN to port 80       B: its SYN-ACK         C: UDP 53 to 200      D: ARP request     E: IPv6 TCP to 80
// F: ICMPv6 echo behind a hop-by-hop header           G: ICMP echo          H: VLAN 7, UDP     I: VLANs 7 and 9, TCP
// J: a first fragment of UDP  K: LLC (STP)            L: LLDP
static inline void frames_make(struct frame f[FRAMES])
{
	memset(f, 0, FRAMES * sizeof(*f));
	for (unsigned i = 0; i < FRAMES; i++) {
		f[i].letter = (char)('A' + i);
		f[i].port = (uint16_t)(i % 2);
		frame_ethernet(&f[i], (uint8_t)(i + 1), (uint8_t)(i + 2));
	}
	frame_ipv4(&f[0], IP_TCP, 1, 2, 64, 0x40, 20), frame_tcp(&f[0], 99, 80, TCP_SYN);
	frame_ipv4(&f[1], IP_TCP, 2, 1, 63, 0, 20), frame_tcp(&f[1], 80, 99, TCP_SYN | TCP_ACK);
	frame_ipv4(&f[2], IP_UDP, 3, 4, 1, 0, 12), frame_udp(&f[2], 53, 200, 4), FRAME_PUT(&f[2], 1, 2, 3, 4);
	FRAME_PUT(&f[3], 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 4, 10, 0, 0, 4, 0, 0, 0, 0, 0, 0, 10, 0, 0, 9);
	frame_ipv6(&f[4], IP_TCP, 20), frame_tcp(&f[4], 99, 80, TCP_ACK);
	frame_ipv6(&f[5], 0, 16), FRAME_PUT(&f[5], IP_ICMPV6, 0, 1, 4, 0, 0, 0, 0, 128, 0, 0, 0, 0, 1, 0, 2);
	frame_ipv4(&f[6], IP_ICMP, 7, 8, 64, 0, 8), FRAME_PUT(&f[6], 8, 0, 0, 0, 0, 5, 0, 6);
	FRAME_PUT(&f[7], 0x81, 0, 0x60, 7), frame_ipv4(&f[7], IP_UDP, 8, 9, 64, 0, 8), frame_udp(&f[7], 53, 53, 0);
	FRAME_PUT(&f[8], 0x88, 0xa8, 0, 7, 0x81, 0, 0, 9), frame_ipv4(&f[8], IP_TCP, 9, 10, 64, 0, 20), frame_tcp(&f[8], 1, 2, TCP_RST);
	frame_ipv4(&f[9], IP_UDP, 10, 11, 64, 0x20, 8), frame_udp(&f[9], 53, 53, 72);
	FRAME_PUT(&f[10], 0, 7, 0x42, 0x42, 3, 0, 0, 0, 0);
	FRAME_PUT(&f[11], 0x88, 0xcc, 0, 0);
}

static inline struct packet frame_decode(const struct frame *f)
{
	struct packet p = {.frame = f->bytes, .captured = f->length, .wire = f->length};

	packet_decode(&p);
	return p;
}

#endif
