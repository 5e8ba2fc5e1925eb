// What a person at a terminal sees of a run: a line of progress while it goes on, a readable summary when it is over. Machines
// read stats.json instead. It only prints what it is given: numbers are added up elsewhere.
#ifndef SPANWATCH_SUMMARY_H
#define SPANWATCH_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SUMMARY_PROTOCOLS_MAX = 16, SUMMARY_TALKERS_MAX = 10, SUMMARY_LEDGER_MAX = 96, SUMMARY_NOTES_MAX = 16 };

struct summary_protocol {
	const char *name;
	uint64_t flows, pkts, bytes;
};

struct summary_talker {
	char address[64];
	uint64_t pkts, bytes;
};

// One line of the ledger. Lines whose value is 0 are left out, unless the line is a total.
struct summary_entry {
	char name[64]; // "received", "dropped (steer ring full)"
	uint64_t value;
	bool total;
};

struct summary {
	const char *source;     // file or interfaces
	uint64_t pkts, bytes;   // received
	uint64_t flows;         // seen over the whole run
	double capture_s;       // from the first packet to the last, by their own times
	double run_s;           // how long it took here
	unsigned workers;
	unsigned protocols, talkers, ledgers, notes; // rows used
	struct summary_protocol protocol[SUMMARY_PROTOCOLS_MAX];
	struct summary_talker talker[SUMMARY_TALKERS_MAX];
	struct summary_entry ledger[SUMMARY_LEDGER_MAX];
	const char *note[SUMMARY_NOTES_MAX];
	int64_t residual;       // 0: every packet and every record is in exactly one line
	const char *damage;     // what was wrong with the input, NULL: nothing
	const char *output;     // where the files are, NULL: none were written
};

// Colours only if out is a terminal and NO_COLOR is not set.
void summary_print(FILE *out, const struct summary *summary);

// The line of progress. It exists only on a terminal, and is rewritten at most five times a second.
struct summary_progress {
	FILE *out;
	bool shown;
	uint64_t next_ns; // monotonic
};

void summary_progress_init(struct summary_progress *progress, FILE *out);

// fraction: 0..1 of the file that was read, negative if it is not known. pkts so far, mpps now.
void summary_progress(struct summary_progress *progress, double fraction, uint64_t pkts, double mpps);

// Wipes the line, so that what is printed next starts on a clean one.
void summary_progress_end(struct summary_progress *progress);

// Numbers for people, decimal units. out has room for SUMMARY_UNIT_MAX.
enum { SUMMARY_UNIT_MAX = 32 };
const char *summary_bytes(uint64_t bytes, char *out); // 1.5 MB
const char *summary_count(uint64_t count, char *out); // 1,234,567
const char *summary_time(double seconds, char *out);  // 3.4 ms, 12.0 s, 2 min 05 s

#endif
