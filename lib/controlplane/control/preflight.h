// What can be known before EAL runs: EAL says yes to a device that it could not make, and does not say why.
#ifndef CONTROL_PREFLIGHT_H
#define CONTROL_PREFLIGHT_H

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"

// The file is a capture that can be read, the interfaces exist, are up and may be captured from.
int preflight_check(const struct config *config, struct err *err);

bool preflight_is_pci(const char *name); // 0000:03:00.0
bool preflight_any_pci(const char *list);

// NUMA node of the first interface or PCI device of the list, -1: none.
int preflight_node(const char *list);

#endif
