// The records that the protocol files export, for link.c and tests.
#ifndef LINK_LINK_LIST_H
#define LINK_LINK_LIST_H

#include "link/link.h"

extern const struct link_ops link_arp, link_stp, link_cdp, link_lldp;

#endif
