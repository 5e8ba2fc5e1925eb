#include "link/link_message.h"

#include "base/text.h"
#include "link/link_text.h"
#include "record/record_names.h"

enum { ECHO_REPLY = 0, ECHO_REQUEST = 8, ECHO_REQUEST6 = 128, ECHO_REPLY6 = 129 };
enum { MLD_FIRST = 130, MLD_LAST = 132, ND_FIRST = 133, ND_LAST = 137, MLD_REPORT_V2 = 143 };
enum { SUPPRESS = 8, ROBUSTNESS = 7, EXPONENT_BITS = 3, WORD = 4 };

static const struct link_message_ops *icmpv6_ops(uint8_t type)
{
	if (type == ECHO_REQUEST6 || type == ECHO_REPLY6)
		return NULL;
	if ((type >= MLD_FIRST && type <= MLD_LAST) || type == MLD_REPORT_V2)
		return &link_mld;
	return type >= ND_FIRST && type <= ND_LAST ? &link_nd : &link_icmp;
}

static const struct link_message_ops *ops_of(const struct packet *p, uint8_t type)
{
	if (p->ip_version == 6)
		return p->proto == IP_ICMPV6 ? icmpv6_ops(type) : NULL;
	if (p->proto == IP_IGMP)
		return &link_igmp;
	return p->proto == IP_ICMP && type != ECHO_REPLY && type != ECHO_REQUEST ? &link_icmp : NULL;
}

enum link_verdict link_message_dissect(const struct packet *p, struct l7 *l7)
{
	const struct link_message_ops *ops;
	enum link_verdict verdict;
	struct span in;

	if (p->fragment || p->l4_at == 0 || p->payload_at < p->l4_at)
		return LINK_NONE;
	in = span_of(p->frame + p->l4_at, p->payload_at - p->l4_at + p->payload);
	if (in.left == 0)
		return p->truncated ? LINK_NONE : LINK_BAD;
	ops = ops_of(p, in.at[0]);
	if (ops == NULL)
		return LINK_NONE;
	l7_clear(l7);
	verdict = ops->dissect(p, in, l7);
	l7->type = (uint8_t)ops->record;
	return verdict == LINK_BAD && p->truncated ? LINK_NONE : verdict;
}

// ---- addresses ----

static bool zero(const uint8_t *bytes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

struct record_text link_address_take(struct l7 *l7, struct span *in, uint32_t length)
{
	struct span address = span_take(in, length);

	if (!span_ok(&address) || zero(address.at, length))
		return (struct record_text){0};
	return link_addresses_take(l7, &address, length, 1);
}

// A list that the texts have no room for is cut between addresses, never within one.
struct record_text link_addresses_take(struct l7 *l7, struct span *in, uint32_t length, uint32_t count)
{
	uint32_t room = L7_TEXT_MAX - l7->text_used;
	struct span all = span_take(in, length * count);
	char bytes[LINK_LIST_MAX];
	struct text_builder list = text_builder(bytes, room < LINK_LIST_MAX ? room : LINK_LIST_MAX);
	struct record_text text = {0};

	if (!span_ok(&all))
		return text;
	while (all.left >= length && list.used + RECORD_ADDRESS_MAX + 1 <= list.room)
		link_list_add_address(&list, length == LINK_ADDRESS4 ? 4 : 6, span_take(&all, length));
	if (all.left > 0)
		l7->text_cut = true;
	link_list_set(l7, &text, &list);
	return text;
}

// ---- what MLD and IGMP share ----

uint32_t link_float(uint32_t code, unsigned bits)
{
	unsigned mantissa = bits - EXPONENT_BITS - 1;
	uint32_t top = 1u << mantissa;

	if (code < 1u << (bits - 1))
		return code;
	return ((code & (top - 1)) | top) << ((code >> mantissa & ((1u << EXPONENT_BITS) - 1)) + EXPONENT_BITS);
}

bool link_query_take(struct l7 *l7, struct span *in, uint32_t length)
{
	struct record_multicast *m = &l7->multicast;
	uint8_t flags = span_u8(in);

	m->suppress = (flags & SUPPRESS) != 0;
	m->robustness = flags & ROBUSTNESS;
	m->query_interval_s = link_float(span_u8(in), 8);
	m->sources_said = span_be16(in);
	m->sources = link_addresses_take(l7, in, length, m->sources_said);
	return span_ok(in);
}

static bool group_take(struct l7 *l7, struct span *in, uint32_t length)
{
	struct record_multicast *m = &l7->multicast;
	struct record_group beyond, *row = m->groups < RECORD_GROUPS_MAX ? &m->row[m->groups++] : &beyond;
	uint32_t words;

	row->type = span_u8(in);
	words = span_u8(in);
	row->sources_said = span_be16(in);
	if (row == &beyond) { // only looked at for its lengths
		span_bytes(in, length * (1u + row->sources_said) + words * WORD);
		return span_ok(in);
	}
	row->group = link_address_take(l7, in, length);
	row->sources = link_addresses_take(l7, in, length, row->sources_said);
	span_bytes(in, words * WORD);
	return span_ok(in);
}

bool link_groups_take(struct l7 *l7, struct span *in, uint32_t length, uint16_t count)
{
	l7->multicast.groups_said = count;
	for (uint32_t i = 0; i < count; i++) // each takes at least eight bytes, so a message bounds it
		if (!group_take(l7, in, length))
			return false;
	return span_ok(in);
}
