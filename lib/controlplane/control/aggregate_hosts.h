// Distinct hosts, for a HyperLogLog that Redis keeps and can merge over sensors. What is here is its twin: the same hash of an
// address's text, the same registers. An address that raises no register would raise none in Redis, so it is not sent; one that
// waits to be sent is forgotten when another raises its register further. So at most one waits for each register, whatever comes
// by, and what Redis counts is exactly what it would count of all of them.
#ifndef CONTROL_AGGREGATE_HOSTS_H
#define CONTROL_AGGREGATE_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/record_names.h"

enum { AGGREGATE_HOSTS_BITS = 14, AGGREGATE_HOSTS_REGISTERS = 1 << AGGREGATE_HOSTS_BITS };

struct aggregate_host {
	uint8_t address[16];
	uint8_t ip_version;
};

struct aggregate_hosts {
	uint8_t rank[AGGREGATE_HOSTS_REGISTERS];
	bool queued[AGGREGATE_HOSTS_REGISTERS];
	struct aggregate_host host[AGGREGATE_HOSTS_REGISTERS]; // of those queued
	uint16_t queue[AGGREGATE_HOSTS_REGISTERS];             // registers, the longest waiting at `first`
	uint32_t first, waiting;
};

// Where Redis (hyperloglog.c) puts an element, and what it says there: the length of the run of zeros plus one.
unsigned aggregate_hosts_register(const void *bytes, size_t len, uint8_t *rank);

void aggregate_hosts_clear(struct aggregate_hosts *hosts);
void aggregate_hosts_add(struct aggregate_hosts *hosts, const uint8_t address[16], uint8_t ip_version);
// Takes the next that is to be sent: its length as text, 0 if there is none.
size_t aggregate_hosts_take(struct aggregate_hosts *hosts, char out[RECORD_ADDRESS_MAX]);

#endif
