// Two indexes over the list, made once: by first byte (a refusal without a call) and by port.
#include "classify/classify_index.h"

static void starts_set(struct classify *c, unsigned app)
{
	const struct proto_ops *ops = proto_list[app];
	uint64_t bit = 1ull << app % 64;

	for (unsigned byte = 0; byte < 256; byte++) {
		bool can = ops->firsts == 0;

		for (unsigned i = 0; i < ops->firsts; i++)
			can |= byte >= ops->first[i][0] && byte <= ops->first[i][1];
		for (unsigned l4 = 0; can && l4 < 2; l4++)
			if ((ops->l4 & 1u << l4) != 0)
				c->starts[l4][byte][app / 64] |= bit;
	}
}

static bool before(const struct classify_port *a, uint8_t l4, uint16_t port)
{
	return a->port != port ? a->port < port : a->l4 < l4;
}

static unsigned place_of(const struct classify *c, uint8_t l4, uint16_t port)
{
	unsigned low = 0, high = c->ports_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (before(&c->ports[middle], l4, port))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// Of two protocols that name a port, the one earlier in the list has it.
static void port_put(struct classify *c, uint8_t l4, uint16_t port, unsigned app)
{
	unsigned at = place_of(c, l4, port);

	if (at < c->ports_count && c->ports[at].port == port && c->ports[at].l4 == l4)
		return;
	memmove(&c->ports[at + 1], &c->ports[at], (c->ports_count - at) * sizeof(c->ports[0]));
	c->ports[at] = (struct classify_port){port, l4, (uint8_t)app};
	c->ports_count++;
}

void classify_index(struct classify *c)
{
	for (unsigned app = 1; app < proto_count; app++) {
		const struct proto_ops *ops = proto_list[app];

		if ((c->limits.off[app / 64] & 1ull << app % 64) == 0)
			starts_set(c, app);
		for (unsigned l4 = PROTO_TCP; l4 <= PROTO_UDP; l4++)
			for (unsigned i = 0; (ops->l4 & l4) != 0 && i < PROTO_PORTS_MAX && ops->ports[i] != 0; i++)
				if (c->ports_count < CLASSIFY_PORTS_MAX)
					port_put(c, (uint8_t)l4, ops->ports[i], app);
	}
}

unsigned classify_port_app(const struct classify *c, enum proto_l4 l4, uint16_t port)
{
	unsigned at = place_of(c, (uint8_t)l4, port);

	return at < c->ports_count && c->ports[at].port == port && c->ports[at].l4 == l4 ? c->ports[at].app : 0;
}
