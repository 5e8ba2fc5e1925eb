// Any bytes as a conversation in any protocol of the list: what is used is there, what is reported is whole and printable, and
// nothing reads past the pieces it is given (each is a block of its own size). The contract is checked in ../unit/proto_feed.h.
//
// Input: protocol, transport and direction of the first piece, two ports, then pieces: a length byte (its top bit: the other
// direction; 127: all that is left) and that many bytes.
#include <stdint.h>

#include "../unit/proto_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECE_MAX = 127, PIECE_OTHER = 0x80 };

static uint32_t piece_length(uint8_t said, uint32_t left)
{
	uint32_t length = said & PIECE_MAX;

	if (length == PIECE_MAX || length > left)
		return left;
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct feed f;
	struct span in = span_of(data, (uint32_t)size);
	uint8_t kind = span_u8(&in);
	uint16_t client_port = span_be16(&in), server_port = span_be16(&in);
	const struct proto_ops *ops = proto_list[1 + (kind & 15) % (proto_count - 1)];
	enum proto_l4 l4 = (kind & 16) != 0 ? PROTO_UDP : PROTO_TCP;
	bool to_server = (kind & 32) == 0;

	if (!span_ok(&in) || (ops->l4 & l4) == 0)
		return 0;
	feed_start(&f, ops, l4, client_port, server_port);
	while (in.left > 1) {
		uint8_t said = span_u8(&in);
		struct span piece = span_take(&in, piece_length(said, in.left));

		if ((said & PIECE_OTHER) != 0)
			to_server = !to_server;
		feed(&f, to_server, piece.at, piece.left);
	}
	feed_end(&f);
	return 0;
}
