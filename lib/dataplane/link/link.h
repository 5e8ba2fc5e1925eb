// What is said on a link itself (ARP, spanning trees, CDP, LLDP): a frame is a whole, of no flow, and makes at most one record.
// A protocol is one record and one function, as in proto; it is chosen by the frame's verdict.
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/span.h"
#include "packet/packet.h"
#include "record/l7.h"

enum link_verdict {
	LINK_NONE,   // nothing to report: no protocol of this list, or a form of it that has no record
	LINK_BAD,    // its own lengths or mandatory parts are not sound
	LINK_RECORD, // l7 holds a record
};

// in: what follows the link layer's header. number: EtherType, number of SNAP, or SAPs: what led here.
typedef enum link_verdict link_dissect_fn(struct span in, uint16_t number, struct l7 *l7);

struct link_ops {
	const char *name;
	enum packet_verdict verdict, bad; // which frames; what they are if they are not sound
	enum record_type record;
	link_dissect_fn *dissect;
};

extern const struct link_ops *const link_list[];
extern const unsigned link_count;

// Dissects a decoded frame. A frame that is not sound gets its verdict changed, unless it was the capture that cut it. l7 is
// cleared; it holds a record if the answer is LINK_RECORD. Every record of this layer begins with a struct record_ether.
enum link_verdict link_dissect(struct packet *p, struct l7 *l7);

#endif
