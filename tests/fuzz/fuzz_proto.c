// Any bytes as a conversation in any protocol of the list: what is used is there, what is reported is whole and printable, and
// nothing reads past the pieces it is given (each is a block of its own size). The contract is checked in ../unit/proto_feed.h.
//
// Input: two bytes that choose the protocol (a digest of its name, so that seeds outlive the order of the list; FUZZ_PROTO in the
// environment chooses instead, if set), a byte of transport, direction and whether HTTP went before, two ports, then pieces: a length byte (its top bit: the
// other direction; 127: two bytes of length follow) and that many bytes. proto_seed.py writes such inputs from captures.
#include <stdint.h>
#include <stdlib.h>

#include "../unit/proto_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECE_LONG = 127, PIECE_OTHER = 0x80 };

static uint16_t digest(const char *name) // FNV-1a, folded
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return (uint16_t)(hash ^ hash >> 16);
}

// The list's row has _ where the name has -.
static bool is_named(const struct proto_ops *ops, const char *row)
{
	const char *name = ops->name;

	while (*name != '\0' && (*name == *row || (*name == '-' && *row == '_'))) {
		name++;
		row++;
	}
	return *name == *row;
}

static const struct proto_ops *chosen(uint16_t said)
{
	const char *name = getenv("FUZZ_PROTO");

	for (unsigned i = 1; i < proto_count; i++)
		if (name != NULL ? is_named(proto_list[i], name) : digest(proto_list[i]->name) == said)
			return proto_list[i];
	feed_must(name == NULL); // there is no such protocol
	return proto_list[1 + said % (proto_count - 1)];
}

static uint32_t piece_length(struct span *in, uint8_t said)
{
	uint32_t length = said & PIECE_LONG;

	if (length == PIECE_LONG)
		length = span_be16(in);
	return length < in->left ? length : in->left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct feed f;
	struct span in = span_of(data, (uint32_t)size);
	const struct proto_ops *ops = chosen(span_be16(&in));
	uint8_t kind = span_u8(&in);
	uint16_t client_port = span_be16(&in), server_port = span_be16(&in);
	enum proto_l4 l4 = (kind & 1) != 0 ? PROTO_UDP : PROTO_TCP;
	bool to_server = (kind & 2) == 0;

	if (!span_ok(&in) || (ops->l4 & l4) == 0)
		return 0;
	feed_start(&f, ops, l4, client_port, server_port);
	f.hint.costly = (kind & 4) == 0;
	f.hint.after = (kind & 8) != 0 ? &proto_http : NULL;
	while (in.left > 1) {
		uint8_t said = span_u8(&in);
		uint32_t length = piece_length(&in, said);
		struct span piece = span_take(&in, length);

		if ((said & PIECE_OTHER) != 0)
			to_server = !to_server;
		feed(&f, to_server, piece.at, piece.left);
		f.hint.now_ns += 1000000;
		f.hint.time_ns = f.hint.now_ns;
	}
	feed_end(&f);
	return 0;
}
