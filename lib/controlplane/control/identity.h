// What makes a flow recognisable elsewhere: Community ID v1 (the specification at github.com/corelight/community-id-spec), seed 0,
// and a flow_id derived from it and the time of the first packet, so that it does not depend on counters.
#ifndef CONTROL_IDENTITY_H
#define CONTROL_IDENTITY_H

#include "record/record.h"

// Fills community_id and flow_id of a record from its ends and start, and the community id of what an ICMP error quotes. Records without IP keep zeros.
void identity_fill(struct record *r);

#endif
