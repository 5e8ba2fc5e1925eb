// DPDK's telemetry: /spanwatch/stats, /spanwatch/lcores and /spanwatch/flows next to /ethdev and /eal, for dpdk-telemetry.py and
// the collectors that speak its socket. Answers come on EAL's telemetry thread, so only what workers count is read, never a port
// or a sink: those belong to control.
#ifndef METRICS_TELEMETRY_H
#define METRICS_TELEMETRY_H

#include "worker/worker.h"

// The workers have to stay until telemetry_stop(). A command cannot be taken back: without workers it answers nothing.
int telemetry_start(struct worker *const *workers, unsigned n);
void telemetry_stop(void); // waits for an answer that is being made

#endif
