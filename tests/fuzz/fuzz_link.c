// Any bytes as a frame through decoder and dissectors of the link layer: one verdict, a record that is whole, and its JSON.
// The first byte says which protocol the rest is for (so that few mutations are wasted on headers), or that it is a whole frame.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "link/link.h"
#include "link/link_unknown.h"
#include "proto/proto.h"
#include "record/record_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_MAX = 22, FRAME_MAX = 2048 };

static const char *app_name(unsigned app)
{
	(void)app;
	return NULL;
}

static void require(int holds)
{
	if (!holds)
		abort();
}

static size_t header_make(uint8_t choice, size_t payload, uint8_t *out)
{
	static const uint8_t types[][2] = {{0x08, 0x06}, {0x88, 0xcc}}, numbers[][2] = {{0x20, 0x00}, {0x01, 0x0b}};

	memset(out, 2, 12);
	if (choice < 2) {
		memcpy(out + 12, types[choice], 2);
		return 14;
	}
	out[13] = (uint8_t)payload;
	out[12] = (uint8_t)(payload >> 8);
	if (choice == 4) {
		memcpy(out + 14, "\x42\x42\x03", 3);
		out[12] = (uint8_t)((payload + 3) >> 8);
		out[13] = (uint8_t)(payload + 3);
		return 17;
	}
	out[12] = (uint8_t)((payload + 8) >> 8);
	out[13] = (uint8_t)(payload + 8);
	memcpy(out + 14, "\xaa\xaa\x03\x00\x00\x0c", 6);
	memcpy(out + 20, numbers[choice - 2], 2);
	return 22;
}

// The record as a worker makes it, through the encoder that walks its table.
static void encode(const struct l7 *l7)
{
	static const struct record_context context = {.sensor = "fuzz", .app_name = app_name, .kind_of = proto_record_kind};
	static uint64_t words[RECORD_LENGTH_MAX / sizeof(uint64_t)];
	static char out[RECORD_JSON_MAX];
	struct record *r = (struct record *)(void *)words;
	uint32_t body = record_body_size(l7->type);
	size_t length;

	memset(r, 0, sizeof(*r));
	r->type = l7->type;
	memcpy(record_body(r), &l7->arp, body);
	memcpy((char *)record_body(r) + body, l7->text, l7->text_used);
	r->length = (uint32_t)((sizeof(*r) + body + l7->text_used + 7u) & ~7u);
	require(r->length <= RECORD_LENGTH_MAX);
	length = record_json(r, &context, out);
	require(length > 2 && length < RECORD_JSON_MAX && memchr(out, '\n', length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct l7 l7;
	static struct link_unknown unknown;
	uint8_t header[HEADER_MAX], *frame;
	struct packet p = {0};
	size_t before = 0;
	enum link_verdict verdict;

	if (size < 1 || size > FRAME_MAX)
		return 0;
	if (data[0] < 5)
		before = header_make(data[0], size - 1, header);
	frame = malloc(before + size); // one byte in front: ends where the block ends
	if (frame == NULL)
		return 0;
	memcpy(frame + 1, header, before);
	memcpy(frame + 1 + before, data + 1, size - 1);
	p.frame = frame + 1;
	p.captured = (uint32_t)(before + size - 1);
	packet_decode(&p);
	verdict = link_dissect(&p, &l7);
	require(p.verdict < PACKET_VERDICTS);
	require((verdict == LINK_BAD) <= packet_malformed((enum packet_verdict)p.verdict));
	if (verdict == LINK_RECORD) {
		require(!packet_malformed((enum packet_verdict)p.verdict) && l7.text_used <= L7_TEXT_MAX);
		encode(&l7);
	}
	link_unknown_count(&unknown, &p);
	require(unknown.rows <= LINK_UNKNOWN_MAX);
	free(frame);
	return 0;
}
