// What stands in a TCP header beyond ports, numbers and flags: the window, the urgent pointer, all options. Read on demand, for the
// few packets where somebody asks (a SYN); time stamps, which every packet has, have a short way of their own.
#ifndef PACKET_PACKET_TCP_H
#define PACKET_PACKET_TCP_H

#include "base/span.h"
#include "packet/packet.h"

enum { PACKET_TCP_OPTIONS_MAX = 40, PACKET_TCP_SACK_MAX = 4 }; // bytes of options; blocks

enum packet_tcp_kind {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_WINDOW_SCALE = 3,
	TCP_OPTION_SACK_PERMITTED = 4,
	TCP_OPTION_SACK = 5,
	TCP_OPTION_TIMESTAMPS = 8,
	TCP_OPTION_MD5 = 19,
	TCP_OPTION_USER_TIMEOUT = 28,
	TCP_OPTION_AO = 29,
	TCP_OPTION_MPTCP = 30,
	TCP_OPTION_FAST_OPEN = 34,
	TCP_OPTION_EXPERIMENT = 254,
	TCP_OPTION_FAST_OPEN_ID = 0xf989 // of an experiment (RFC 6994)
};

struct packet_tcp_options {
	bool sound;      // no length lies, none is wrong for its kind
	bool cut;        // the capture ends before the options do
	uint8_t count;   // without END and NOP
	uint8_t others;  // of kinds beyond 63 that are not known here
	uint64_t kinds;  // bit of each kind up to 63 that is there and has the length of its kind; TCP_OPTION_FAST_OPEN: of both kinds
	uint16_t window, urgent; // of the header
	uint16_t mss;
	uint8_t window_scale;
	uint8_t mptcp_subtype;
	uint8_t fast_open_cookie; // bytes of it, 0: asked for
	uint8_t sack_blocks;
	uint16_t user_timeout;    // bit 15: minutes, else seconds
	uint32_t time_value, time_echo;
	uint32_t sack[PACKET_TCP_SACK_MAX][2];
};

static inline bool packet_tcp_has(const struct packet_tcp_options *o, enum packet_tcp_kind kind)
{
	return kind < 64 && (o->kinds >> kind & 1) != 0;
}

// False, and all zero, if this is no TCP header that was captured. Of an option that comes twice the last one counts.
bool packet_tcp_options(const struct packet *p, struct packet_tcp_options *out);

// The body of the last option of this kind that is whole (behind kind and length), poisoned if there is none.
struct span packet_tcp_option(const struct packet *p, enum packet_tcp_kind kind);

// packet_tcp_timestamps() where the options are laid out in any other way than the usual.
bool packet_tcp_timestamps_walk(const struct packet *p, uint32_t *value, uint32_t *echo);

// Time stamps: nearly every packet of an open connection has NOP, NOP, TIMESTAMPS and nothing else.
static inline bool packet_tcp_timestamps(const struct packet *p, uint32_t *value, uint32_t *echo)
{
	struct span s = span_of(p->frame + p->l4_at, p->l4_at != 0 && p->proto == IP_TCP ? p->captured - p->l4_at : 0);
	const uint8_t *h = span_bytes(&s, 32);

	if (h == NULL || h[12] >> 4 != 8 || h[20] != 1 || h[21] != 1 || h[22] != TCP_OPTION_TIMESTAMPS || h[23] != 10)
		return packet_tcp_timestamps_walk(p, value, echo);
	*value = (uint32_t)h[24] << 24 | (uint32_t)h[25] << 16 | (uint32_t)h[26] << 8 | h[27];
	*echo = (uint32_t)h[28] << 24 | (uint32_t)h[29] << 16 | (uint32_t)h[30] << 8 | h[31];
	return true;
}

#endif
