// What nothing here decodes, counted by its number, with the first bytes of the first frame: people extend the tables from it.
// Bounded: numbers beyond the table are counted together. One thread writes; anyone may read at any time.
#ifndef LINK_LINK_UNKNOWN_H
#define LINK_LINK_UNKNOWN_H

#include <stdatomic.h>
#include <stdint.h>

#include "packet/packet.h"

enum link_unknown_kind { LINK_UNKNOWN_ETHERTYPE, LINK_UNKNOWN_SAP, LINK_UNKNOWN_SNAP, LINK_UNKNOWN_IP_PROTOCOL, LINK_UNKNOWN_KINDS };
enum { LINK_UNKNOWN_MAX = 64, LINK_UNKNOWN_BYTES = 16 };

extern const char *const link_unknown_names[LINK_UNKNOWN_KINDS];

struct link_unknown_row {
	uint8_t kind; // enum link_unknown_kind
	uint8_t length;
	uint16_t number; // EtherType; DSAP and SSAP; number of SNAP, whose organisation stands first in bytes; of IP
	uint8_t bytes[LINK_UNKNOWN_BYTES];
	_Atomic uint64_t pkts, frame_bytes;
};

struct link_unknown {
	_Atomic uint32_t rows; // rows below are whole
	struct link_unknown_row row[LINK_UNKNOWN_MAX];
	_Atomic uint64_t other_pkts, other_bytes; // of numbers that found no row
};

// Counts a frame if its verdict, or what IP carries in it, says that nothing knows it.
void link_unknown_count(struct link_unknown *u, const struct packet *p);

// Adds what `from` holds to `sum`, which nobody else uses.
void link_unknown_add(struct link_unknown *sum, const struct link_unknown *from);

#endif
