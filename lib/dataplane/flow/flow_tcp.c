// What two ends of a TCP connection tell each other in their SYNs, kept for the flow's record.
#include "flow/flow_table.h"
#include "packet/packet_tcp.h"

enum { IN_ALL = RECORD_TCP_SACK | RECORD_TCP_TIMESTAMPS | RECORD_TCP_MPTCP, SEEN = RECORD_TCP_SEEN_SERVER | RECORD_TCP_SEEN_CLIENT };

static unsigned said_of(const struct packet_tcp_options *o)
{
	static const struct {
		enum packet_tcp_kind kind;
		enum record_tcp_option bit;
	} rows[] = {
		{TCP_OPTION_SACK_PERMITTED, RECORD_TCP_SACK}, {TCP_OPTION_TIMESTAMPS, RECORD_TCP_TIMESTAMPS},
		{TCP_OPTION_MPTCP, RECORD_TCP_MPTCP},	      {TCP_OPTION_FAST_OPEN, RECORD_TCP_FAST_OPEN},
		{TCP_OPTION_MD5, RECORD_TCP_MD5},	      {TCP_OPTION_AO, RECORD_TCP_AO},
	};
	unsigned said = 0;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (packet_tcp_has(o, rows[i].kind))
			said |= rows[i].bit;
	return said;
}

void flow_tcp_syn(struct flow_tcp_options *t, unsigned dir, const struct packet *p)
{
	struct packet_tcp_options o;
	unsigned said, scale;

	if (!packet_tcp_options(p, &o))
		return;
	said = said_of(&o);
	if ((t->said & SEEN) != 0)
		said = (said & t->said & IN_ALL) | ((said | t->said) & ~(unsigned)IN_ALL);
	t->said = (uint8_t)(said | (dir == 0 ? RECORD_TCP_SEEN_SERVER : RECORD_TCP_SEEN_CLIENT));
	t->mss[dir] = o.mss;
	scale = packet_tcp_has(&o, TCP_OPTION_WINDOW_SCALE) ? o.window_scale + 1u : 0;
	t->scale = (uint8_t)((t->scale & (dir == 0 ? 0xf0 : 0x0f)) | scale << (4 * dir));
}
