// The last that is said of a flow before it goes out: where its server's name is from, the name that DNS told its client if it said
// none itself, and which application that is.
#ifndef CONTROL_NAMING_H
#define CONTROL_NAMING_H

#include "base/err.h"
#include "base/json.h"
#include "config/config.h"
#include "enrich/enrich_application.h"
#include "metrics/metrics.h"
#include "record/record.h"

struct naming;

int naming_create(const struct config *config, struct naming **out, struct err *err);
void naming_destroy(struct naming *naming);

// Adds to the record of a flow, which lies in WORKER_FLOW_RECORD_MAX bytes. Remembers nothing.
void naming_fill(const struct naming *naming, struct record *flow);

// Takes from a record that has gone out what later ones are named by, and counts it.
void naming_learn(struct naming *naming, const struct record *r);

// Other applications from now on; takes them over.
void naming_replace(struct naming *naming, struct enrich_applications *applications);

struct metrics_dns_names naming_stats(const struct naming *naming);

// The applications whose flows moved most bytes, at most limit of them: members of an object.
void naming_applications_json(const struct naming *naming, unsigned limit, struct json *j);

#endif
