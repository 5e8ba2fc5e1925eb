// The keys of Initial packets, RFC 9001 section 5 and RFC 9369 section 3.3, and the packets they open. They follow from what anybody
// on the way sees: they keep nothing secret, they only keep middleboxes from getting used to what is inside.
#ifndef PROTO_PROTO_QUIC_KEYS_H
#define PROTO_PROTO_QUIC_KEYS_H

#include "proto/proto_quic_header.h"

enum { QUIC_KEY_BYTES = 16, QUIC_IV_BYTES = 12 };

struct quic_keys {
	uint8_t key[QUIC_KEY_BYTES], iv[QUIC_IV_BYTES], mask[QUIC_KEY_BYTES];
};

// dcid: the destination of the client's first Initial packet (after a Retry: of the first one that answers it).
void quic_keys_make(const struct quic_version *version, struct span dcid, bool server, struct quic_keys *keys);

// What the packet says, written to `out` (at most room bytes of it); empty if it is too short. The tag at its end is not checked:
// whoever can alter the packet can make that too, and a packet that was captured in part has none. So the caller must refuse what
// makes no sense.
struct span quic_open(const struct quic_keys *keys, const struct quic_header *header, uint8_t *out, uint32_t room);

#endif
