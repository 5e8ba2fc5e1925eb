// The frames of an Initial packet, RFC 9000 section 19 and Google's before, and the stream of bytes that the CRYPTO frames of many
// packets make, in whatever order they come.
#ifndef PROTO_PROTO_QUIC_FRAMES_H
#define PROTO_PROTO_QUIC_FRAMES_H

#include "base/span.h"

enum { QUIC_RANGES_MAX = 24 };

// CRYPTO frames of a packet are handed on by this.
typedef void quic_crypto_fn(void *context, uint64_t offset, struct span data);

// False, and then nothing was handed on, if the bytes are not frames that an Initial packet may have. cut: the last may end early.
bool quic_frames_read(struct span in, bool google, bool cut, quic_crypto_fn *each, void *context);

// Which parts of a stream are there; they lie in room that its owner has.
struct quic_stream {
	uint16_t begin[QUIC_RANGES_MAX], end[QUIC_RANGES_MAX]; // in order, apart from each other
	uint8_t count;
};

// Puts data where it belongs in room; what lies beyond size, or makes more ranges than there may be, is left out.
void quic_stream_add(struct quic_stream *s, uint8_t *room, uint32_t size, uint64_t offset, struct span data);

// How many bytes are there from the beginning on, and up to the last.
uint32_t quic_stream_ready(const struct quic_stream *s);
uint32_t quic_stream_end(const struct quic_stream *s);

#endif
