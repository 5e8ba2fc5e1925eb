// Text in UTF-16, little endian, as Microsoft's protocols have it: goes out as UTF-8, escaped like every other text (l7_text).
#ifndef PROTO_PROTO_UTF16_H
#define PROTO_PROTO_UTF16_H

#include "record/l7.h"

// Up to a final NUL, if there is one; half a code unit at the end is left out, half a surrogate pair is U+FFFD.
struct record_text utf16_text(struct l7 *l7, struct span in, uint32_t max);

// UTF-16 or bytes as they are, up to a NUL.
struct record_text utf16_text_or(struct l7 *l7, struct span in, bool wide, uint32_t max);

// Takes a text with its final NUL: of UTF-16, or of bytes. False, and nothing taken, if there is no NUL.
bool utf16_until(struct span *in, bool wide, struct span *out);

#endif
