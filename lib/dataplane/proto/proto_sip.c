// SIP, RFC 3261, over UDP and TCP: each request and each response is one event, with the media that it announces (SDP).
//
// Its start line ends or begins with "SIP/2.0"; that and the shape of the rest decide. Fields have their compact names too. What
// Authorization fields say is left out. A message longer than MESSAGE_MAX is read that far and passed over from there.
#include <strings.h>

#include "proto/proto_http_head.h"
#include "proto/proto_list.h"
#include "proto/proto_sip_sdp.h"

enum { MESSAGE_MAX = 8192, LINE_MAX = 2048, KEEP_ALIVE_MAX = 32, METHOD_MAX = 24, FIELDS_MAX = 128, LENGTH_DIGITS_MAX = 7, STATUS_DIGITS = 3 };
enum { SHORT_MAX = 64, ID_MAX = 128, ADDRESS_MAX = 256, START_LINE_MAX = 512 };

static const char protocol[] = "SIP/2.0", status_begin[] = "SIP/2.0 ";

struct sip {
	struct record_text method, uri, version, request_line, code, reason, response_line;
	struct record_text from, to, call_id, cseq, contact, user_agent, server, via, content_type;
	uint8_t medias;
	struct sdp_media media[SDP_MEDIA_MAX];
};

static const struct record_field media_fields[] = {
	{FIELD("type", TEXT, sdp_media, type), TOP("type")},
	{FIELD("address", TEXT, sdp_media, address), TOP("address")},
	{FIELD("port", U16, sdp_media, port), TOP("port")},
	{FIELD("protocol", TEXT, sdp_media, protocol), TOP("protocol")},
	{FIELD("codecs", TEXT_LIST, sdp_media, codecs), TOP("codecs")},
	{0},
};

static const struct record_field fields[] = {
	{FIELD("method", TEXT, sip, method), IN("sip", "method")},
	{FIELD("uri", TEXT, sip, uri), IN("sip", "uri")},
	{FIELD("version", TEXT, sip, version), IN("sip", "version")},
	{FIELD("request_line", TEXT, sip, request_line), IN("sip", "request_line")},
	{FIELD("code", TEXT, sip, code), IN("sip", "code")},
	{FIELD("reason", TEXT, sip, reason), IN("sip", "reason")},
	{FIELD("response_line", TEXT, sip, response_line), IN("sip", "response_line")},
	{FIELD("from", TEXT, sip, from), IN("sip", "from")},
	{FIELD("to", TEXT, sip, to), IN("sip", "to")},
	{FIELD("call_id", TEXT, sip, call_id), IN("sip", "call_id")},
	{FIELD("cseq", TEXT, sip, cseq), IN("sip", "cseq")},
	{FIELD("contact", TEXT, sip, contact), IN("sip", "contact")},
	{FIELD("user_agent", TEXT, sip, user_agent), IN("sip", "user_agent")},
	{FIELD("server", TEXT, sip, server), IN("sip", "server")},
	{FIELD("via", TEXT, sip, via), IN("sip", "via")},
	{FIELD("content_type", TEXT, sip, content_type), IN("sip", "content_type")},
	{FIELD("media", ROWS, sip, media), IN("sip", "media"), ROWS(sip, media, medias, SDP_MEDIA_MAX), .row_fields = media_fields},
	{0},
};

static const struct record_kind kind = {.event_type = "sip", BODY(sip), .fields = fields};

// Which member of the event a field of the head goes to, how long it may be there.
static const struct sip_header {
	const char *name, *compact;
	uint16_t offset, max;
} headers[] = {
	{"From", "f", offsetof(struct sip, from), ADDRESS_MAX},
	{"To", "t", offsetof(struct sip, to), ADDRESS_MAX},
	{"Call-ID", "i", offsetof(struct sip, call_id), ID_MAX},
	{"CSeq", "CSeq", offsetof(struct sip, cseq), SHORT_MAX},
	{"Contact", "m", offsetof(struct sip, contact), ADDRESS_MAX},
	{"User-Agent", "User-Agent", offsetof(struct sip, user_agent), ADDRESS_MAX},
	{"Server", "Server", offsetof(struct sip, server), ADDRESS_MAX},
	{"Via", "v", offsetof(struct sip, via), ADDRESS_MAX},
	{"Content-Type", "c", offsetof(struct sip, content_type), SHORT_MAX},
};

// ---- the start line ----

static bool method_is(struct span word)
{
	if (word.left == 0 || word.left > METHOD_MAX)
		return false;
	while (word.left > 0) {
		uint8_t c = span_u8(&word);

		if ((c < 'A' || c > 'Z') && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool printable(struct span in)
{
	while (in.left > 0)
		if (span_u8(&in) < ' ')
			return false;
	return true;
}

static bool status_read(struct span line, struct sip *sip, struct l7 *l7)
{
	struct span rest = line, code;

	sip->version = l7_text(l7, span_take(&rest, sizeof(protocol) - 1), SHORT_MAX);
	span_bytes(&rest, 1);
	code = span_take(&rest, STATUS_DIGITS);
	if (!span_ok(&rest) || code.at[0] < '1' || code.at[0] > '6' || code.at[1] < '0' || code.at[1] > '9' || code.at[2] < '0' ||
	    code.at[2] > '9' || (rest.left > 0 && rest.at[0] != ' '))
		return false;
	sip->code = l7_text(l7, code, SHORT_MAX);
	sip->reason = l7_text(l7, span_trim(rest), ADDRESS_MAX);
	sip->response_line = l7_text(l7, line, START_LINE_MAX);
	return true;
}

static bool request_read(struct span line, struct sip *sip, struct l7 *l7)
{
	struct span rest = line, method, uri, version;

	if (!span_until(&rest, ' ', &method) || !span_until(&rest, ' ', &uri))
		return false;
	version = rest;
	if (!method_is(method) || uri.left == 0 || version.left != sizeof(protocol) - 1 || !span_starts(version, protocol))
		return false;
	sip->method = l7_text(l7, method, SHORT_MAX);
	sip->uri = l7_text(l7, uri, ADDRESS_MAX);
	sip->version = l7_text(l7, version, SHORT_MAX);
	sip->request_line = l7_text(l7, line, START_LINE_MAX);
	return true;
}

// Whether bytes without an end of line can begin a message.
static bool start_fits(struct span in)
{
	struct span method;

	if (in.left > 0 && in.at[in.left - 1] == '\r')
		in.left--;
	if (in.left > LINE_MAX || !printable(in))
		return false;
	if (in.left < sizeof(status_begin) - 1 && memcmp(in.at, status_begin, in.left) == 0)
		return true;
	return span_starts(in, status_begin) || method_is(span_until(&in, ' ', &method) ? method : in);
}

// ---- the head ----

static bool name_is(struct span name, const char *text)
{
	return name.left == strlen(text) && strncasecmp((const char *)name.at, text, name.left) == 0;
}

static uint32_t length_of(struct span value)
{
	uint32_t length = 0;

	for (unsigned digits = 0; value.left > 0 && digits < LENGTH_DIGITS_MAX && value.at[0] >= '0' && value.at[0] <= '9'; digits++)
		length = length * 10 + span_u8(&value) - '0';
	return length;
}

static void field_keep(struct span name, struct span value, struct sip *sip, struct l7 *l7)
{
	for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const struct sip_header *h = &headers[i];
		struct record_text *text = (struct record_text *)(void *)((char *)sip + h->offset);

		if (text->len == 0 && (name_is(name, h->name) || name_is(name, h->compact)))
			*text = l7_text(l7, value, h->max);
	}
}

// The lines up to the empty one; *length is what they say of the body. False: the empty line is not there.
static bool fields_read(struct span *in, struct sip *sip, uint32_t *length, struct l7 *l7)
{
	struct span line, name;

	*length = 0;
	for (unsigned lines = 0; lines < FIELDS_MAX && http_line_read(in, &line); lines++) {
		if (line.left == 0)
			return true;
		if (!span_until(&line, ':', &name))
			continue;
		name = span_trim(name);
		line = span_trim(line);
		field_keep(name, line, sip, l7);
		if (name_is(name, "Content-Length") || name_is(name, "l"))
			*length = length_of(line);
	}
	return false;
}

// ---- messages ----

static enum proto_verdict refuse(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	l7_clear(l7);
	if (!hint->claimed || hint->l4 == PROTO_UDP)
		return PROTO_NO;
	l7->used = in.left; // something was lost: a later segment begins a message
	return PROTO_MORE;
}

static enum proto_verdict wait(struct l7 *l7)
{
	l7_clear(l7);
	return PROTO_MORE;
}

// from: behind the start line.
static enum proto_verdict message(struct span in, struct span from, const struct proto_hint *hint, struct l7 *l7)
{
	struct sip *sip = L7_BODY(l7, struct sip);
	bool stream = hint->l4 == PROTO_TCP, whole;
	struct span body;
	uint32_t length;

	whole = fields_read(&from, sip, &length, l7);
	if (stream && in.left < MESSAGE_MAX && (!whole || (length > from.left && length < MESSAGE_MAX)))
		return wait(l7);
	if (!whole || !stream)
		length = from.left;
	body = span_take(&from, length < from.left ? length : from.left);
	if (span_starts(body, "v=0"))
		sip->medias = (uint8_t)sdp_read(body, sip->media, l7);
	l7->used = in.left - from.left;
	l7->skip = length - (whole ? body.left : length);
	return PROTO_YES;
}

static enum proto_verdict sip_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct sip *sip = L7_BODY(l7, struct sip);
	struct span from = in, line;

	while (from.left > 0 && (from.at[0] == '\r' || from.at[0] == '\n')) // what keeps a path open, RFC 5626; some put bytes behind it
		span_bytes(&from, 1);
	if (from.left == 0) {
		l7->used = hint->claimed ? in.left : 0;
		return PROTO_MORE;
	}
	if (hint->l4 == PROTO_UDP && from.left < in.left && in.left <= KEEP_ALIVE_MAX)
		return PROTO_MORE;
	if (!http_line_read(&from, &line))
		return hint->l4 == PROTO_TCP && start_fits(from) ? PROTO_MORE : refuse(in, hint, l7);
	if (!printable(line) || !(span_starts(line, status_begin) ? status_read(line, sip, l7) : request_read(line, sip, l7)))
		return refuse(in, hint, l7);
	return message(in, from, hint, l7);
}

const struct proto_ops proto_sip = {
	.name = "sip",
	.title = "SIP",
	.spec = "RFC 3261, RFC 8866",
	.l4 = PROTO_UDP | PROTO_TCP,
	.ports = {5060, 5080},
	.max_payloads = 16,
	.first = {{'A', 'Z'}, {'\r', '\r'}},
	.firsts = 2,
	.dissect = sip_dissect,
	.kind = &kind,
};
