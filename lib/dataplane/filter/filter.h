// What is looked at and what is not: a pcap-filter expression says what is kept, attribute filters say what is dropped or kept,
// and the appliance's own connections are left out. Made by control, immutable, read by all workers; whoever replaces one waits
// until no worker uses the old one any more.
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include <rte_mbuf.h>

#include "base/err.h"
#include "base/ip.h"
#include "filter/filter_attributes.h"
#include "filter/filter_expression.h"
#include "filter/filter_native.h"

enum { FILTER_OWN_MAX = 128 };

// An end of the appliance's own connections: TCP, address and port.
struct filter_own {
	struct ip_address address, with; // with: the address at the other end; version 0: any
	uint16_t port;                   // of address
};

struct filter_source {
	const char *expression;          // NULL or empty: everything is kept
	const char *attributes_name;     // of the text, for sentences
	const char *attributes;          // NULL: none
	size_t attributes_length;
	const struct filter_port *ports; // for Interface_Name
	unsigned port_count;
	const struct filter_own *own;
	unsigned own_count;
};

enum filter_answer { FILTER_KEEP, FILTER_DROP, FILTER_DROP_OWN };

struct filter {
	bool has_expression;
	struct filter_expression expression;
	struct filter_native native;
	struct filter_attributes *attributes; // NULL: none
	bool lent;                            // to the one made of it by filter_renew()
	unsigned own_count;
	struct filter_own own[FILTER_OWN_MAX];
};

// *out is NULL if nothing is to be filtered. Needs EAL where there is an expression.
int filter_create(const struct filter_source *source, struct filter **out, struct err *err);
// The same as old (NULL: one that keeps everything) with other own connections. Nothing is compiled: the two share what old was made
// of. Both are destroyed, but old may be used only as long as the new one is there.
int filter_renew(struct filter *old, const struct filter_own *own, unsigned count, struct filter **out, struct err *err);
void filter_destroy(struct filter *f);

// p: decoded, over m's bytes. Native code reads the mbuf; a frame of several segments, or one that was longer than what is here and
// whose length is asked for, is for the interpreter.
enum filter_answer filter_judge(const struct filter *f, const struct packet *p, struct rte_mbuf *m);

#endif
