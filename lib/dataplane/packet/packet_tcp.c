// Options are walked in a span that ends where the header ends, at most PACKET_TCP_OPTIONS_MAX of them, one byte each.
#include "packet/packet_tcp.h"

#include <stddef.h>

enum { HEADER = 20, WORD_AT = 12, WINDOW_SCALE_MAX = 14 };

// The header without options into *h, what was captured of the options as a span. False if there is no such header.
static bool header_find(const struct packet *p, struct span *h, struct span *options, bool *cut)
{
	struct span s = span_of(p->frame, p->captured), words;
	uint32_t length;

	if (p->proto != IP_TCP || p->l4_at == 0 || p->verdict != PACKET_OK)
		return false;
	span_bytes(&s, p->l4_at);
	*h = span_take(&s, HEADER);
	words = *h;
	span_bytes(&words, WORD_AT);
	length = (uint32_t)(span_u8(&words) >> 4) * 4;
	if (!span_ok(h) || length < HEADER)
		return false;
	length -= HEADER;
	*cut = length > s.left;
	*options = span_take(&s, *cut ? s.left : length);
	return true;
}

// The next option: its kind, its body. False at the end, or where a length lies (*lies).
static bool option_next(struct span *s, bool cut, uint8_t *kind, struct span *body, bool *lies)
{
	uint8_t length;

	*lies = false;
	while (s->left > 0) {
		*kind = span_u8(s);
		if (*kind == TCP_OPTION_END)
			return false;
		if (*kind == TCP_OPTION_NOP)
			continue;
		if (s->left == 0) {
			*lies = !cut;
			return false;
		}
		length = span_u8(s);
		*lies = length < 2 || (length - 2u > s->left && !cut);
		if (*lies || length - 2u > s->left)
			return false;
		*body = span_take(s, length - 2u);
		return true;
	}
	return false;
}

static bool is_fast_open(struct span body)
{
	return span_be16(&body) == TCP_OPTION_FAST_OPEN_ID && span_ok(&body);
}

// A cookie is asked for with none, or has 4 to 16 bytes (RFC 7413).
static bool fast_open_read(struct packet_tcp_options *o, uint32_t cookie)
{
	o->fast_open_cookie = (uint8_t)cookie;
	return cookie == 0 || (cookie >= 4 && cookie <= 16 && cookie % 2 == 0);
}

static bool sack_read(struct packet_tcp_options *o, struct span b)
{
	uint32_t blocks = b.left / 8;

	if (b.left % 8 != 0 || blocks == 0 || blocks > PACKET_TCP_SACK_MAX)
		return false;
	o->sack_blocks = (uint8_t)blocks;
	for (uint32_t i = 0; i < blocks; i++) {
		o->sack[i][0] = span_be32(&b);
		o->sack[i][1] = span_be32(&b);
	}
	return true;
}

// Reads a body; false if its length is not that of its kind.
static bool option_read(struct packet_tcp_options *o, uint8_t kind, struct span b)
{
	switch (kind) {
	case TCP_OPTION_MSS:
		if (b.left != 2)
			return false;
		o->mss = span_be16(&b);
		return true;
	case TCP_OPTION_WINDOW_SCALE: // RFC 7323: more than 14 is 14
		if (b.left != 1)
			return false;
		o->window_scale = span_u8(&b);
		if (o->window_scale > WINDOW_SCALE_MAX)
			o->window_scale = WINDOW_SCALE_MAX;
		return true;
	case TCP_OPTION_SACK_PERMITTED:
		return b.left == 0;
	case TCP_OPTION_SACK:
		return sack_read(o, b);
	case TCP_OPTION_TIMESTAMPS:
		if (b.left != 8)
			return false;
		o->time_value = span_be32(&b);
		o->time_echo = span_be32(&b);
		return true;
	case TCP_OPTION_MD5:
		return b.left == 16;
	case TCP_OPTION_USER_TIMEOUT:
		if (b.left != 2)
			return false;
		o->user_timeout = span_be16(&b);
		return true;
	case TCP_OPTION_AO:
		return b.left >= 2;
	case TCP_OPTION_MPTCP:
		if (b.left < 1)
			return false;
		o->mptcp_subtype = span_u8(&b) >> 4;
		return true;
	case TCP_OPTION_FAST_OPEN:
		return fast_open_read(o, b.left);
	default:
		return true;
	}
}

static void option_add(struct packet_tcp_options *o, uint8_t kind, struct span body)
{
	bool sound;

	o->count++;
	if (kind == TCP_OPTION_EXPERIMENT && is_fast_open(body)) {
		span_bytes(&body, 2);
		kind = TCP_OPTION_FAST_OPEN;
	}
	sound = option_read(o, kind, body);
	if (!sound)
		o->sound = false;
	else if (kind < 64)
		o->kinds |= 1ull << kind;
	else
		o->others++;
}

bool packet_tcp_options(const struct packet *p, struct packet_tcp_options *out)
{
	struct span h, s, body;
	uint8_t kind;
	bool lies;

	*out = (struct packet_tcp_options){.sound = false};
	if (!header_find(p, &h, &s, &out->cut))
		return false;
	out->sound = true;
	span_bytes(&h, WORD_AT + 2);
	out->window = span_be16(&h);
	span_bytes(&h, 2);
	out->urgent = span_be16(&h);
	while (option_next(&s, out->cut, &kind, &body, &lies))
		option_add(out, kind, body);
	if (lies)
		out->sound = false;
	return true;
}

struct span packet_tcp_option(const struct packet *p, enum packet_tcp_kind wanted)
{
	struct span found = {.bad = true}, h, s, body;
	bool cut = false, lies;
	uint8_t kind;

	if (!header_find(p, &h, &s, &cut))
		return found;
	while (option_next(&s, cut, &kind, &body, &lies)) {
		if (wanted == TCP_OPTION_FAST_OPEN && kind == TCP_OPTION_EXPERIMENT && is_fast_open(body)) {
			span_bytes(&body, 2);
			kind = TCP_OPTION_FAST_OPEN;
		}
		if (kind == wanted)
			found = body;
	}
	return found;
}

bool packet_tcp_timestamps_walk(const struct packet *p, uint32_t *value, uint32_t *echo)
{
	struct packet_tcp_options o;

	if (!packet_tcp_options(p, &o) || !packet_tcp_has(&o, TCP_OPTION_TIMESTAMPS))
		return false;
	*value = o.time_value;
	*echo = o.time_echo;
	return true;
}
