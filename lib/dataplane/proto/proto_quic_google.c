#include "proto/proto_quic_google.h"

enum { FLAG_VERSION = 0x01, FLAG_RESET = 0x02, FLAG_NONCE = 0x04, FLAG_CID = 0x08, FLAGS_UNUSED = 0xc0, FLAGS_NUMBER_SHIFT = 4 };
enum { LONG_MASK = 0xf0, LONG_INITIAL = 0xc0, LONG_NUMBER_BYTES = 4, LONG_CIDS = 0x50 }; // Q046: eight bytes to, none from
enum { CID_BYTES = 8, HASH_BYTES = 12, PRIVATE_BEFORE = 34, BIG_ENDIAN_SINCE = 39, LONG_SINCE = 44, NUMBER_FIRST = 25, NUMBER_LAST = 46 };
enum { FRAME_STREAM = 0x80, STREAM_LENGTH = 0x20, STREAM_HANDSHAKE = 1 };
enum { TAGS_MAX = 64, TAG_BYTES = 8 };

// Of "Q043": 43; 0 if it is nothing like that.
static unsigned number_of(uint32_t version)
{
	unsigned tens = (version >> 8 & 0xff) - '0', ones = (version & 0xff) - '0';

	return version >> 16 == ('Q' << 8 | '0') && tens <= 9 && ones <= 9 ? tens * 10 + ones : 0;
}

static uint32_t little(struct span *in, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint32_t)span_u8(in) << 8 * i;
	return value;
}

// Up to the version and the packet number. Returns the number of the version; 0: not such a packet.
static unsigned public_header_pass(struct span *in, uint8_t flags, struct quic_google_hello *hello)
{
	static const uint8_t width[] = {1, 2, 4, 6};
	unsigned number;

	if ((flags & (FLAG_VERSION | FLAG_RESET | FLAG_CID | FLAGS_UNUSED)) != (FLAG_VERSION | FLAG_CID))
		return 0;
	span_bytes(in, CID_BYTES);
	hello->version = span_be32(in);
	number = number_of(hello->version);
	if ((flags & FLAG_NONCE) != 0 && number >= PRIVATE_BEFORE) // then it is the server's; before, part of the id's length
		return 0;
	span_bytes(in, width[flags >> FLAGS_NUMBER_SHIFT & 3]);
	return number < LONG_SINCE ? number : 0;
}

static unsigned long_header_pass(struct span *in, struct quic_google_hello *hello)
{
	unsigned number;

	hello->version = span_be32(in);
	number = number_of(hello->version);
	if (span_u8(in) != LONG_CIDS)
		return 0;
	span_bytes(in, CID_BYTES);
	span_bytes(in, LONG_NUMBER_BYTES);
	return number >= LONG_SINCE ? number : 0;
}

// The frame of the stream on which hellos are; it stands first.
static struct span stream_read(struct span *in, unsigned number)
{
	uint8_t type = span_u8(in), id = span_u8(in);
	unsigned offset = type >> 2 & 7;
	uint32_t length = in->left;

	if ((type & FRAME_STREAM) == 0 || (type & 3) != 0 || id != STREAM_HANDSHAKE)
		return (struct span){.bad = true};
	span_bytes(in, offset > 0 ? offset + 1 : 0);
	if ((type & STREAM_LENGTH) != 0)
		length = number >= BIG_ENDIAN_SINCE ? span_be16(in) : little(in, 2);
	return span_take(in, length < in->left ? length : in->left); // may have been captured in part
}

bool quic_google_read(struct span in, struct quic_google_hello *hello)
{
	uint8_t first = span_u8(&in);
	bool is_long = (first & LONG_MASK) == LONG_INITIAL;
	unsigned number;

	*hello = (struct quic_google_hello){0};
	number = is_long ? long_header_pass(&in, hello) : public_header_pass(&in, first, hello);
	if (number < NUMBER_FIRST || number > NUMBER_LAST)
		return false;
	span_bytes(&in, HASH_BYTES);
	span_bytes(&in, number < PRIVATE_BEFORE);
	while (in.left > 0 && in.at[0] == 0)
		span_bytes(&in, 1);
	return quic_google_hello_read(stream_read(&in, number), hello);
}

bool quic_google_hello_read(struct span in, struct quic_google_hello *hello)
{
	struct span tags, values;
	uint32_t count, before = 0;

	if (!span_starts(in, "CHLO"))
		return false;
	span_bytes(&in, 4);
	count = little(&in, 2);
	span_bytes(&in, 2);
	if (!span_ok(&in) || count == 0 || count > TAGS_MAX)
		return false;
	tags = span_take(&in, count * TAG_BYTES);
	values = in;
	while (tags.left > 0 && span_ok(&values)) {
		struct span tag = span_take(&tags, 4), value;
		uint32_t end = little(&tags, 4);

		if (end < before)
			return false;
		value = span_take(&values, end - before);
		before = end;
		if (memcmp(tag.at, "SNI", 4) == 0)
			hello->sni = value;
		else if (memcmp(tag.at, "UAID", 4) == 0)
			hello->agent = value;
		else if (memcmp(tag.at, "ALPN", 4) == 0)
			hello->alpn = value;
	}
	return span_ok(&tags);
}
