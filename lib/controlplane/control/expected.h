// Connections that another one has announced: the data of an FTP session, of a TFTP request. Decided here and not in a worker,
// because the two flows need not be the same worker's; records come in packet time, and an announcement is out before the flow that
// it announces has ended.
#ifndef CONTROL_EXPECTED_H
#define CONTROL_EXPECTED_H

#include "record/record.h"

enum { EXPECTED_MAX = 256 }; // announcements kept; the oldest makes way

struct expected;

// NULL: no memory.
struct expected *expected_create(void);
void expected_destroy(struct expected *expected);

// Takes what a record announces.
void expected_learn(struct expected *expected, const struct record *r);

// Says of a flow that no protocol claimed what announced it: its app, its confidence and the flow that did.
void expected_fill(const struct expected *expected, struct record *flow);

#endif
