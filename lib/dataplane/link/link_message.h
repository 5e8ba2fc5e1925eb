// What hosts and routers of a link tell each other over IP: ICMP but for echo, neighbour discovery, MLD, IGMP. Each is a packet of
// a flow and stays one, whatever is found here: a verdict is never changed, for by now the packet has been steered and counted.
#ifndef LINK_LINK_MESSAGE_H
#define LINK_LINK_MESSAGE_H

#include "link/link.h"

// in: the message from its type on, as far as it was captured.
typedef enum link_verdict link_message_fn(const struct packet *p, struct span in, struct l7 *l7);

struct link_message_ops {
	const char *name;
	enum record_type record;
	link_message_fn *dissect;
};

extern const struct link_message_ops link_icmp, link_nd, link_mld, link_igmp;

// Whether a sound packet may be one: cheap, for it is asked of each.
static inline bool link_message_is(const struct packet *p)
{
	return p->proto == IP_ICMP || p->proto == IP_ICMPV6 || p->proto == IP_IGMP;
}

// As link_dissect(). LINK_BAD: the message was captured whole and is not sound.
enum link_verdict link_message_dissect(const struct packet *p, struct l7 *l7);

// ---- within the layer ----

enum { LINK_ADDRESS4 = 4, LINK_ADDRESS6 = 16 };

// The next address of `in` as a text; none if all of it is zero.
struct record_text link_address_take(struct l7 *l7, struct span *in, uint32_t length);

// Steps over `count` addresses; as many of them as a record has room for become a list.
struct record_text link_addresses_take(struct l7 *l7, struct span *in, uint32_t length, uint32_t count);

// The group records of IGMPv3 and MLDv2 reports (RFC 3376 section 4.2, RFC 3810 section 5.2): one form, two address lengths.
bool link_groups_take(struct l7 *l7, struct span *in, uint32_t length, uint16_t count);

// What queries of both end with: S and QRV, QQIC, sources.
bool link_query_take(struct l7 *l7, struct span *in, uint32_t length);

// A number of `bits` that is linear below its highest bit and has an exponent of three bits above (RFC 3376 section 4.1.1).
uint32_t link_float(uint32_t code, unsigned bits);

#endif
