#include "proto/proto_pieces.h"

// Where a range that begins at `begin` goes: behind all that end before it.
static unsigned place_of(const struct pieces *p, uint32_t begin)
{
	unsigned at = 0;

	while (at < p->count && p->end[at] < begin)
		at++;
	return at;
}

static bool place_make(struct pieces *p, unsigned at)
{
	if (p->count == PIECES_MAX)
		return false;
	for (unsigned i = p->count++; i > at; i--) {
		p->begin[i] = p->begin[i - 1];
		p->end[i] = p->end[i - 1];
	}
	return true;
}

// Takes the ranges that now touch the one at `at` into it.
static void place_join(struct pieces *p, unsigned at)
{
	unsigned next = at + 1, kept = at + 1;

	for (; next < p->count && p->begin[next] <= p->end[at]; next++)
		if (p->end[next] > p->end[at])
			p->end[at] = p->end[next];
	for (; next < p->count; next++, kept++) {
		p->begin[kept] = p->begin[next];
		p->end[kept] = p->end[next];
	}
	p->count = (uint8_t)kept;
}

void pieces_add(struct pieces *p, uint8_t *room, uint32_t size, uint64_t offset, struct span data)
{
	uint32_t begin = (uint32_t)offset, end;
	unsigned at;

	if (offset >= size || data.left == 0)
		return;
	end = begin + (data.left < size - begin ? data.left : size - begin);
	at = place_of(p, begin);
	if (at == p->count || p->begin[at] > end) {
		if (!place_make(p, at))
			return;
		p->begin[at] = (uint16_t)begin;
		p->end[at] = (uint16_t)end;
	}
	if (begin < p->begin[at])
		p->begin[at] = (uint16_t)begin;
	if (end > p->end[at])
		p->end[at] = (uint16_t)end;
	place_join(p, at);
	memcpy(room + begin, data.at, end - begin);
}

uint32_t pieces_ready(const struct pieces *p)
{
	return p->count > 0 && p->begin[0] == 0 ? p->end[0] : 0;
}

uint32_t pieces_end(const struct pieces *p)
{
	return p->count > 0 ? p->end[p->count - 1] : 0;
}
