#include "proto/proto_sip_sdp.h"

#include "base/text.h"
#include "proto/proto_http_head.h"

enum { LINES_MAX = 128, WORD_MAX = 32, ADDRESS_MAX = 64, CODECS_ROOM = 96, PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

static const char rtpmap[] = "a=rtpmap:";

// The word before the next blank, or all that is left.
static struct span word_take(struct span *in)
{
	struct span word = *in;

	if (!span_until(in, ' ', &word))
		span_bytes(in, in->left);
	return word;
}

// "49170" or "49170/2"
static uint16_t port_of(struct span word)
{
	uint32_t port = 0;

	for (unsigned digits = 0; word.left > 0 && digits < PORT_DIGITS_MAX && word.at[0] >= '0' && word.at[0] <= '9'; digits++)
		port = port * 10 + span_u8(&word) - '0';
	return port <= PORT_MAX ? (uint16_t)port : 0;
}

// "IN IP4 192.0.2.1", a multicast address with its TTL behind a slash.
static struct record_text address_read(struct span line, struct l7 *l7)
{
	struct span address, before;

	word_take(&line);
	word_take(&line);
	address = word_take(&line);
	before = address;
	return l7_text(l7, span_until(&address, '/', &before) ? before : address, ADDRESS_MAX);
}

static void media_read(struct span line, struct sdp_media *media, struct l7 *l7)
{
	media->type = l7_text(l7, word_take(&line), WORD_MAX);
	media->port = port_of(word_take(&line));
	media->protocol = l7_text(l7, word_take(&line), WORD_MAX);
}

// "a=rtpmap:0 PCMU/8000": one more encoding, if it fits.
static void codec_put(struct text_builder *codecs, struct span line)
{
	struct span name, rest;

	word_take(&line);
	rest = line;
	if (!span_until(&rest, '/', &name))
		name = line;
	if (name.left == 0 || name.left + 1u > codecs->room - codecs->used)
		return;
	if (codecs->used > 0)
		text_put(codecs, ",");
	text_put_bytes(codecs, name.at, name.left);
}

static void codecs_end(struct text_builder *codecs, struct sdp_media *media, struct l7 *l7)
{
	media->codecs = l7_text_bytes(l7, codecs->at, (uint32_t)codecs->used, CODECS_ROOM);
	codecs->used = 0;
}

unsigned sdp_read(struct span in, struct sdp_media media[SDP_MEDIA_MAX], struct l7 *l7)
{
	char room[CODECS_ROOM];
	struct text_builder codecs = text_builder(room, sizeof(room));
	struct record_text session = {0};
	unsigned count = 0;
	struct span line;

	for (unsigned lines = 0; lines < LINES_MAX && http_line_read(&in, &line); lines++) {
		struct span value = line;

		span_bytes(&value, line.left < 2 ? line.left : 2);
		if (span_starts(line, "m=")) {
			if (count > 0)
				codecs_end(&codecs, &media[count - 1], l7);
			if (count == SDP_MEDIA_MAX)
				return count;
			media_read(value, &media[count], l7);
			media[count++].address = session;
		} else if (span_starts(line, "c=") && count == 0) {
			session = address_read(value, l7);
		} else if (span_starts(line, "c=")) {
			media[count - 1].address = address_read(value, l7);
		} else if (span_starts(line, rtpmap) && count > 0) {
			codec_put(&codecs, line);
		}
	}
	if (count > 0)
		codecs_end(&codecs, &media[count - 1], l7);
	return count;
}
