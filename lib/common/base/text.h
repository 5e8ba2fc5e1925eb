// Text from the wire becomes printable once, at the dissector, and is safe in every output from there on.
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Writes bytes as printable ASCII: 0x21..0x7e and space as they are, but a backslash and everything else as \xNN. Writes at
// most room bytes, never half an escape, no final NUL. Returns how many were written; *taken (may be NULL) says how many
// input bytes that covers, so that a caller can tell a cut text.
size_t text_escape(char *out, size_t room, const uint8_t *bytes, size_t len, size_t *taken);

// Whether a backslash and what follows it has the form of such an escape.
bool text_looks_escaped(const uint8_t *bytes, size_t len);

// A text under construction in room of the caller's. What does not fit is left out; nothing is ever written past the room.
struct text_builder {
	char *at;
	size_t room, used;
};

static inline struct text_builder text_builder(char *at, size_t room)
{
	return (struct text_builder){.at = at, .room = room};
}

void text_put_bytes(struct text_builder *b, const void *bytes, size_t len);
void text_put(struct text_builder *b, const char *text);
void text_put_number(struct text_builder *b, uint64_t number);
void text_put_hex(struct text_builder *b, const void *bytes, size_t len); // two lower-case digits a byte

#endif
