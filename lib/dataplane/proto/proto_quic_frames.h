// The frames of an Initial packet, RFC 9000 section 19 and Google's before.
#ifndef PROTO_PROTO_QUIC_FRAMES_H
#define PROTO_PROTO_QUIC_FRAMES_H

#include "base/span.h"

// CRYPTO frames of a packet are handed on by this.
typedef void quic_crypto_fn(void *context, uint64_t offset, struct span data);

// False, and then nothing was handed on, if the bytes are not frames that an Initial packet may have. cut: the last may end early.
bool quic_frames_read(struct span in, bool google, bool cut, quic_crypto_fn *each, void *context);

#endif
