// A pcap-filter expression ("tcp port 80 and not host 10.0.0.1") compiled by libpcap to its classic programme. No DPDK.
#ifndef FILTER_FILTER_EXPRESSION_H
#define FILTER_FILTER_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <pcap/pcap.h>

#include "base/err.h"
#include "packet/packet.h"

enum {
	FILTER_EXPRESSION_MAX = 2048, // bytes
	FILTER_INSTRUCTIONS_MAX = 4096
};

struct filter_expression {
	struct bpf_program program;
	bool asks_length; // of the frame on the wire, which a mbuf does not know
	bool far;         // a load more than 32 kB behind an index
	bool loops;       // protochain
	uint64_t paths;   // ways through the programme from its start to its ends, UINT64_MAX: at least that many
};

// An empty expression is refused; who wants no filter makes none. The sentence names the word, and where it stands.
int filter_expression_compile(const char *text, struct filter_expression *out, struct err *err);
void filter_expression_free(struct filter_expression *e);

// Whether the frame is one of those described: libpcap's interpreter over its bytes.
bool filter_expression_holds(const struct filter_expression *e, const struct packet *p);

#endif
