#include "flow/flow_tcp_options.h"

#include "base/span.h"

enum { HEADER = 20, OPTIONS_MAX = 40, SCALE_MAX = 14 };
enum { OPTION_END, OPTION_NOP, OPTION_MSS, OPTION_SCALE, OPTION_SACKS, OPTION_STAMPS = 8 };

static void option_take(uint8_t kind, struct span body, struct flow_tcp_options *out)
{
	uint32_t length = body.left;

	if (kind == OPTION_MSS && length == 2) {
		out->mss = span_be16(&body);
	} else if (kind == OPTION_SCALE && length == 1) {
		uint8_t scale = span_u8(&body);

		out->scale = scale < SCALE_MAX ? scale : SCALE_MAX;
		out->scales = true;
	} else if (kind == OPTION_SACKS && length == 0) {
		out->sacks = true;
	} else if (kind == OPTION_STAMPS && length == 8) {
		out->stamp = span_be32(&body);
		out->echo = span_be32(&body);
		out->stamps = true;
	}
}

void flow_tcp_options(const struct packet *p, struct flow_tcp_options *out)
{
	uint32_t from = p->l4_at + (uint32_t)HEADER;
	struct span s = {0};

	*out = (struct flow_tcp_options){0};
	if (p->l4_at != 0 && p->payload_at > from && p->payload_at <= from + OPTIONS_MAX && p->payload_at <= p->captured)
		s = span_of(p->frame + from, p->payload_at - from);
	while (s.left > 0) {
		uint8_t kind = span_u8(&s), length;

		if (kind == OPTION_END)
			break;
		if (kind == OPTION_NOP)
			continue;
		length = span_u8(&s);
		if (length < 2)
			break;
		option_take(kind, span_take(&s, length - 2u), out);
	}
}
