// What can be known before EAL runs: EAL says yes to a device that it could not make, and does not say why.
#ifndef CONTROL_PREFLIGHT_H
#define CONTROL_PREFLIGHT_H

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"

enum { PREFLIGHT_NOTES_MAX = 4, PREFLIGHT_PCI_MAX = 16 };

struct preflight {
	unsigned notes;
	char note[PREFLIGHT_NOTES_MAX][ERR_TEXT_MAX]; // what does not stop us but is worth saying
};

// The file is a capture that can be read; the interfaces exist and may be captured from; PCI devices are bound to a driver that
// DPDK can use.
int preflight_check(const struct config *config, struct preflight *out, struct err *err);

// The PCI address in full (0000:03:00.0) if name is one.
bool preflight_pci(const char *name, char full[PREFLIGHT_PCI_MAX]);
bool preflight_any_pci(const char *list);

// NUMA node of the first interface or PCI device of the list, -1: none.
int preflight_node(const char *list);

#endif
