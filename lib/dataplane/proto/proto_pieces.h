// A message whose pieces come in any order, in packets of their own; its owner has the room where they lie.
#ifndef PROTO_PROTO_PIECES_H
#define PROTO_PROTO_PIECES_H

#include "base/span.h"

enum { PIECES_MAX = 24 };

struct pieces {
	uint16_t begin[PIECES_MAX], end[PIECES_MAX]; // what is there: in order, apart from each other
	uint8_t count;
};

// Puts data where it belongs in room; what lies beyond size, or would make more pieces than there may be, is left out.
void pieces_add(struct pieces *p, uint8_t *room, uint32_t size, uint64_t offset, struct span data);

// How many bytes are there from the beginning on, and up to the last.
uint32_t pieces_ready(const struct pieces *p);
uint32_t pieces_end(const struct pieces *p);

#endif
