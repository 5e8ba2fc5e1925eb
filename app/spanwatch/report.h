// From the control plane's numbers to what a person reads and what the run leaves behind: the start line, the progress, the summary,
// stats.json.
#ifndef SPANWATCH_REPORT_H
#define SPANWATCH_REPORT_H

#include <stdio.h>

#include "api/api.h"
#include "args.h"
#include "control/control.h"
#include "summary.h"

// What was started: the URL of the page, and with -v ports, workers, steering and memory.
void report_start(const struct control *c, const struct api *api, const struct args *args, FILE *out);

void report_progress(const struct control *c, struct summary_progress *progress);

// The summary of the run so far, on a terminal or with -v; nothing when EVE goes to the same stdout.
void report_print(const struct control *c, FILE *out);

// The rows that do not balance.
void report_ledger(const struct ledger *ledger, FILE *out);

// stats.json in the run directory, written whole or not at all.
int report_files(const struct control *c, struct err *err);

#endif
