// The organisations' own parts of LLDP. Within the layer.
#ifndef LINK_LINK_LLDP_H
#define LINK_LINK_LLDP_H

#include "base/span.h"
#include "record/l7.h"

// in: behind the type and length: OUI, subtype, value. A value too short for what it is leaves nothing behind.
void link_lldp_organisation(struct span in, struct l7 *l7);

#endif
