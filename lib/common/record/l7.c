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

struct record_text l7_text(struct l7 *l7, struct span in, uint32_t max)
{
	return l7_text_bytes(l7, in.at, in.left, max);
}
