#include "proto/proto_quic_frames.h"

#include "proto/proto_quic_header.h"

enum { FRAME_PADDING = 0, FRAME_PING = 1, FRAME_ACK = 2, FRAME_ACK_ECN = 3, FRAME_CRYPTO = 6, FRAME_CLOSE = 0x1c };
enum { GOOGLE_CLOSE = 2, GOOGLE_PING = 7, GOOGLE_CRYPTO = 8, GOOGLE_ACK = 0x40, GOOGLE_ACK_MASK = 0xc0, GOOGLE_ACK_BLOCKS = 0x20 };
enum { FRAMES_MAX = 512, ACK_RANGES_MAX = 64, FRAMES_BYTES_MIN = 4 };

// Mostly all that is left, and long.
static void padding_pass(struct span *in)
{
	uint32_t n = 0;

	while (n < in->left && in->at[n] == FRAME_PADDING)
		n++;
	span_bytes(in, n);
}

static void numbers_pass(struct span *in, uint64_t count)
{
	while (count-- > 0 && span_ok(in))
		quic_number(in);
}

static bool ack_pass(struct span *in, uint8_t type)
{
	uint64_t ranges;

	numbers_pass(in, 2); // largest, delay
	ranges = quic_number(in);
	if (ranges > ACK_RANGES_MAX)
		return false;
	numbers_pass(in, 1 + 2 * ranges);
	numbers_pass(in, type == FRAME_ACK_ECN ? 3 : 0);
	return span_ok(in);
}

static bool close_pass(struct span *in)
{
	uint64_t reason;

	numbers_pass(in, 2); // code, type of the frame that led to it
	reason = quic_number(in);
	return reason <= in->left && span_bytes(in, (uint32_t)reason) != NULL;
}

static bool google_ack_pass(struct span *in, uint8_t type)
{
	static const uint8_t width[] = {1, 2, 4, 6};
	uint32_t block = width[type & 3];
	uint8_t blocks, stamps;

	span_bytes(in, width[type >> 2 & 3]); // largest
	span_bytes(in, 2);                    // delay
	blocks = (type & GOOGLE_ACK_BLOCKS) != 0 ? span_u8(in) : 0;
	span_bytes(in, block + blocks * (block + 1));
	stamps = span_u8(in);
	span_bytes(in, stamps > 0 ? 5 + 3u * (stamps - 1u) : 0);
	return span_ok(in);
}

static bool google_close_pass(struct span *in)
{
	span_bytes(in, 4);
	span_bytes(in, span_be16(in));
	return span_ok(in);
}

static bool other_pass(struct span *in, uint8_t type, bool google)
{
	if (google && (type & GOOGLE_ACK_MASK) == GOOGLE_ACK)
		return google_ack_pass(in, type);
	if (google)
		return type == GOOGLE_PING || (type == GOOGLE_CLOSE && google_close_pass(in));
	if (type == FRAME_ACK || type == FRAME_ACK_ECN)
		return ack_pass(in, type);
	return type == FRAME_PING || (type == FRAME_CLOSE && close_pass(in));
}

static bool crypto_read(struct span *in, bool cut, uint64_t *offset, struct span *data)
{
	uint64_t length;

	*offset = quic_number(in);
	length = quic_number(in);
	if (!span_ok(in) || (length > in->left && !cut))
		return false;
	*data = span_take(in, length < in->left ? (uint32_t)length : in->left);
	return true;
}

static bool frames_walk(struct span in, bool google, bool cut, quic_crypto_fn *each, void *context)
{
	for (unsigned frames = 0; in.left > 0; frames += 1) {
		uint8_t type = span_u8(&in);
		struct span data;
		uint64_t offset;

		if (type == FRAME_PADDING) {
			padding_pass(&in);
		} else if (type == (google ? GOOGLE_CRYPTO : FRAME_CRYPTO)) {
			if (!crypto_read(&in, cut, &offset, &data))
				return cut && frames > 0;
			if (each != NULL)
				each(context, offset, data);
		} else if (frames >= FRAMES_MAX || !other_pass(&in, type, google)) {
			return cut && frames > 0 && !span_ok(&in);
		}
	}
	return true;
}

bool quic_frames_read(struct span in, bool google, bool cut, quic_crypto_fn *each, void *context)
{
	if (in.left < FRAMES_BYTES_MIN || !frames_walk(in, google, cut, NULL, NULL))
		return false;
	return frames_walk(in, google, cut, each, context);
}
