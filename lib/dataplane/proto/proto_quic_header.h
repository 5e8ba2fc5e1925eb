// The long header of QUIC, RFC 8999, 9000 section 17.2 and 9369, and what differs between its versions.
#ifndef PROTO_PROTO_QUIC_HEADER_H
#define PROTO_PROTO_QUIC_HEADER_H

#include "base/span.h"

enum { QUIC_CID_MAX = 20, QUIC_SALT_BYTES = 20, QUIC_VERSION_NAME_MAX = 16 };

enum quic_packet { QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE, QUIC_RETRY, QUIC_NEGOTIATION };

struct quic_version {
	const uint8_t *salt; // of the keys of Initial packets; NULL: not known
	bool second;         // version 2: other packet types, other labels of keys
	bool google;         // frames as before the IETF's: CRYPTO is 8
};

struct quic_header {
	uint8_t first;
	uint32_t version;
	enum quic_packet packet;
	struct span dcid, scid;
	struct span token;       // Initial
	struct span at;          // from the packet number on to the end of the packet, as far as it was captured
	uint32_t length;         // bytes `at` should have
};

// Whether it is one of QUIC: published, a draft, a vendor's, or one reserved to be refused.
bool quic_version_known(uint32_t version);
struct quic_version quic_version_of(uint32_t version);

// "1", "2", "draft-29", "Q050", the number in hexadecimal otherwise. Returns the length; no final NUL.
uint32_t quic_version_name(uint32_t version, char out[QUIC_VERSION_NAME_MAX]);

// Reads one packet off the datagram. False if it has no long header of a known version, or one that contradicts itself.
bool quic_header_read(struct span *in, struct quic_header *header);

// Whether nothing speaks against the rest of a datagram being packets of the same connection, up to its end.
bool quic_follows(struct span rest, const struct quic_header *header);

// A number of 1 to 8 bytes, RFC 9000 section 16.
uint64_t quic_number(struct span *in);

#endif
