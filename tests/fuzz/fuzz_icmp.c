// Any bytes as a message of ICMP, neighbour discovery, MLD or IGMP: a record that is whole, and its JSON. The first byte says what
// carries the message (so that few mutations are wasted on headers) and whether the capture cut it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "link/link_message.h"
#include "proto/proto.h"
#include "record/record_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ETHERNET = 14, HEADERS_MAX = ETHERNET + 40, MESSAGE_MAX = 4096, CUT = 4, CUT_BYTES = 100 };

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

// length: of the message, as the IP header has it.
static size_t headers_make(uint8_t choice, size_t length, uint8_t out[HEADERS_MAX])
{
	memset(out, 0, HEADERS_MAX);
	if ((choice & 3) == 2) {
		memcpy(out + 12, "\x86\xdd\x60", 3);
		out[ETHERNET + 4] = (uint8_t)(length >> 8);
		out[ETHERNET + 5] = (uint8_t)length;
		out[ETHERNET + 6] = IP_ICMPV6;
		out[ETHERNET + 8] = (choice & 8) != 0 ? 0xfe : 0; // or the unspecified address
		return ETHERNET + 40;
	}
	memcpy(out + 12, "\x08\x00\x45", 3);
	out[ETHERNET + 2] = (uint8_t)((length + 20) >> 8);
	out[ETHERNET + 3] = (uint8_t)(length + 20);
	out[ETHERNET + 9] = (choice & 3) == 1 ? IP_IGMP : IP_ICMP;
	return ETHERNET + 20;
}

// The record as a worker makes it, through the encoder that walks its table.
static void encode(const struct l7 *l7, uint8_t ip_version)
{
	static const struct record_context context = {.sensor = "fuzz", .app_name = app_name, .kind_of = proto_record_kind};
	static uint64_t words[RECORD_LENGTH_MAX / sizeof(uint64_t)];
	static char out[RECORD_JSON_MAX];
	struct record *r = (struct record *)(void *)words;
	uint32_t body = record_body_size(l7->type);
	size_t length;

	memset(r, 0, sizeof(*r));
	r->type = l7->type;
	r->ends.ip_version = ip_version;
	memcpy(record_body(r), &l7->icmp, body);
	memcpy((char *)record_body(r) + body, l7->text, l7->text_used);
	r->length = (uint32_t)((sizeof(*r) + body + l7->text_used + 7u) & ~7u);
	require(r->length <= RECORD_LENGTH_MAX);
	length = record_json(r, &context, out);
	require(length > 2 && length < RECORD_JSON_MAX && memchr(out, '\n', length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct l7 l7;
	uint8_t headers[HEADERS_MAX], *frame;
	struct packet p = {0};
	enum link_verdict verdict;
	size_t before;

	if (size < 1 || size > MESSAGE_MAX)
		return 0;
	before = headers_make(data[0], size - 1 + ((data[0] & CUT) != 0 ? CUT_BYTES : 0), headers);
	frame = malloc(before + size - 1); // ends where the block ends
	if (frame == NULL)
		return 0;
	memcpy(frame, headers, before);
	memcpy(frame + before, data + 1, size - 1);
	p.frame = frame;
	p.captured = (uint32_t)(before + size - 1);
	packet_decode(&p);
	verdict = p.verdict == PACKET_OK ? link_message_dissect(&p, &l7) : LINK_NONE;
	require(verdict != LINK_BAD || !p.truncated);
	if (verdict == LINK_RECORD) {
		require(l7.text_used <= L7_TEXT_MAX);
		encode(&l7, p.ip_version);
	}
	free(frame);
	return 0;
}
