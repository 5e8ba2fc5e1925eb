// The options of a TCP header that the analysis of a flow asks for, read for the few packets where it matters.
#ifndef FLOW_FLOW_TCP_OPTIONS_H
#define FLOW_FLOW_TCP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/packet.h"

struct flow_tcp_options {
	uint16_t mss;     // 0: not said
	uint8_t scale;    // at most 14
	bool scales, sacks, stamps;
	uint32_t stamp, echo;
};

void flow_tcp_options(const struct packet *p, struct flow_tcp_options *out);

#endif
