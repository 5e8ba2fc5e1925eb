// What goes to those who keep sums by time (Redis), as records of type RECORD_AGGREGATE, each a JSON object of at most what a
// record holds. Made by control alone, of what the workers count anyway and of the records of flows it hands out.
//
//	{"time":"2026-11-21T11:30:05Z","minute":"202611211130",
//	 "stats":{"pps":12.5,...},
//	 "top":{"talkers":[["10.0.0.1",1234],...],"pairs":[["10.0.0.1 10.0.0.2",99],...],
//	        "protocols":[["tcp",99],...],"applications":[["tls",99],...]},
//	 "hosts":["10.0.0.1",...]}
//
// Once a second there is one with all that there is at this time; when a minute is over, a closing one without stats, whose sums
// are final. In a replay a minute is one of packet time, and its closing sums depend neither on the number of workers nor on
// speed. All numbers are absolute, so to read one twice does no harm. Where all of it does not fit, or more hosts wait than fit,
// further ones of the same time follow that hold the rest: a member that is not there says nothing.
//
// A flow counts, with all its bytes, in the minute in which its record is made: when it has ended, which a timeout puts off. With
// flow.interim_s a flow that goes on counts as it goes. What the end of a run cuts off counts in its last minute. The sums of
// talkers and pairs are those of space-saving (talkers.h): exact until thousands of addresses share the table, then an upper
// bound. hosts are those that a HyperLogLog has to be told (aggregate_hosts.h), each minute anew.
#ifndef CONTROL_AGGREGATE_H
#define CONTROL_AGGREGATE_H

#include "control/aggregate_tcp.h"
#include "metrics/metrics.h"

enum {
	AGGREGATE_TALKERS_MAX = 64,
	AGGREGATE_PAIRS_MAX = 48,
	AGGREGATE_PROTOCOLS_MAX = 32,
	AGGREGATE_APPLICATIONS_MAX = 64,
	AGGREGATE_HOSTS_RECORDS_MAX = 8, // of a second, that hold nothing but hosts
	AGGREGATE_PORT_NAME_MAX = 32,
	AGGREGATE_STATS_MAX = 8192       // characters
};

struct aggregate;
typedef void aggregate_give_fn(void *arg, const struct record *r); // the record is good until it returns

int aggregate_create(bool replay, aggregate_give_fn *give, void *arg, struct aggregate **out);
void aggregate_destroy(struct aggregate *a);

// A flow's record is out, in order. at_ns: when it was made; if that is in another minute than those before, their minute is
// closed.
void aggregate_flow(struct aggregate *a, const struct record *flow, uint64_t at_ns);

// A second of the wall clock has passed. now_ns: what it says; in a replay 0, or the packet time it has surely come to. done_ns:
// all records due before are out.
void aggregate_second(struct aggregate *a, const struct metrics_sources *s, const struct metrics_rates *rates, uint64_t now_ns,
		      uint64_t done_ns);

// All records are out: closes the minute and says the last numbers.
void aggregate_end(struct aggregate *a, const struct metrics_sources *s, const struct metrics_rates *rates, uint64_t now_ns);

// ---- within: the members of "stats" ----

struct aggregate_ports {
	double seconds; // of the last turn; totals then, and rates up to then
	uint64_t pkts[PORT_MAX], bytes[PORT_MAX];
	double pps[PORT_MAX], bps[PORT_MAX];
};

void aggregate_stats_json(const struct metrics_sources *s, const struct metrics_rates *rates, struct aggregate_ports *ports,
			  struct aggregate_tcp *tcp, struct json *j);
// The last part of each port's name with nothing but [A-Za-z0-9_.-]; no two are the same.
void aggregate_port_names(struct port *const *ports, unsigned n, char names[PORT_MAX][AGGREGATE_PORT_NAME_MAX]);

#endif
