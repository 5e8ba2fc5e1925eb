// Filters in force, and those before them that a worker may still be using.
#ifndef CONTROL_FILTERS_H
#define CONTROL_FILTERS_H

#include "control/control.h"

// Those of the configuration. Call before launch, once ports and workers are there.
int filters_start(struct control *c, struct err *err);
void filters_turn(struct control *c);    // frees what no worker uses any more
// Each turn: what the outputs are about to connect to is left out, and they are told once no worker uses a filter without it.
void filters_own_turn(struct control *c);
void filters_destroy(struct control *c); // no worker runs any more

#endif
