// Which protocols are looked for: the names of [protocols] off as a mask for the classifier.
#ifndef CONTROL_PROTOCOLS_H
#define CONTROL_PROTOCOLS_H

#include "base/err.h"
#include "proto/proto.h"

// list: names, comma separated, or "all". A name that is none is refused with the nearest one.
int protocols_off(const char *list, uint64_t off[PROTO_MAX / 64], struct err *err);

#endif
