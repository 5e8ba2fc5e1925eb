// What classify_init() makes of the list of protocols: struct classify's starts and ports.
#ifndef CLASSIFY_CLASSIFY_INDEX_H
#define CLASSIFY_CLASSIFY_INDEX_H

#include "classify/classify.h"

void classify_index(struct classify *c);

#endif
