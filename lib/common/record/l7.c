#include "record/l7.h"

#include <stddef.h>

#include "base/text.h"

void l7_clear(struct l7 *l7)
{
	memset((char *)l7 + offsetof(struct l7, pending), 0, offsetof(struct l7, text) - offsetof(struct l7, pending));
}

struct record_text l7_text_bytes(struct l7 *l7, const void *bytes, uint32_t len, uint32_t max)
{
	uint32_t room = L7_TEXT_MAX - l7->text_used;
	struct record_text text = {.at = l7->text_used};
	size_t taken;

	if (room > max)
		room = max;
	text.len = (uint16_t)text_escape(l7->text + l7->text_used, room, bytes, len, &taken);
	l7->text_used = (uint16_t)(l7->text_used + text.len);
	if (taken < len)
		l7->text_cut = true;
	return text;
}

// Bytes before the next backslash that may stand as it is.
static uint32_t path_part(const uint8_t *at, uint32_t len)
{
	uint32_t i = 0;

	while (i < len && (at[i] != '\\' || text_looks_escaped(at + i, len - i)))
		i++;
	return i;
}

struct record_text l7_path_bytes(struct l7 *l7, const void *bytes, uint32_t len, uint32_t max)
{
	struct record_text path = {.at = l7->text_used};
	const uint8_t *at = bytes;

	for (;;) {
		uint32_t part = path_part(at, len);

		path.len = (uint16_t)(path.len + l7_text_bytes(l7, at, part, max - path.len).len);
		if (part == len)
			return path;
		if (path.len >= max || l7->text_used >= L7_TEXT_MAX) {
			l7->text_cut = true;
			return path;
		}
		l7->text[l7->text_used++] = '\\';
		path.len++;
		at += part + 1;
		len -= part + 1;
	}
}

struct record_text l7_text(struct l7 *l7, struct span in, uint32_t max)
{
	return l7_text_bytes(l7, in.at, in.left, max);
}
