// Text from the wire becomes printable once, at the dissector, and is safe in every output from there on.
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

// Writes bytes as printable ASCII: 0x21..0x7e and space as they are, but a backslash and everything else as \xNN. Writes at
// most room bytes, never half an escape, no final NUL. Returns how many were written; *taken (may be NULL) says how many
// input bytes that covers, so that a caller can tell a cut text.
size_t text_escape(char *out, size_t room, const uint8_t *bytes, size_t len, size_t *taken);

#endif
