// SSDP: UPnP Device Architecture 2.0 section 1, over UDP. A start line and headers in the manner of HTTP/1.1, one message a datagram,
// each one event. M-SEARCH and NOTIFY with the target `*` are SSDP's alone; a response is only if it has a target or a service name.
#include "proto/proto_list.h"

enum { HEADERS_MAX = 64, VALUE_MAX = 512, STATUS_DIGITS = 3 };

struct ssdp {
	bool response;
	uint16_t status;
	struct record_text method, host, man, mx, st, nt, nts, usn, location, cache_control, server, user_agent, boot_id, config_id;
};

static const char *const types[] = {"request", "response"};

static const struct record_field fields[] = {
	{FIELD("type", NAME8, ssdp, response), IN("ssdp", "type"), NAMES(types)},
	{FIELD("method", TEXT, ssdp, method), IN("ssdp", "method")},
	{FIELD("status", U16, ssdp, status), IN("ssdp", "status"), .flags = FIELD_OMIT_ZERO},
	{FIELD("host", TEXT, ssdp, host), IN("ssdp", "host")},
	{FIELD("man", TEXT, ssdp, man), IN("ssdp", "man")},
	{FIELD("mx", TEXT, ssdp, mx), IN("ssdp", "mx")},
	{FIELD("st", TEXT, ssdp, st), IN("ssdp", "st")},
	{FIELD("nt", TEXT, ssdp, nt), IN("ssdp", "nt")},
	{FIELD("nts", TEXT, ssdp, nts), IN("ssdp", "nts")},
	{FIELD("usn", TEXT, ssdp, usn), IN("ssdp", "usn")},
	{FIELD("location", TEXT, ssdp, location), IN("ssdp", "location")},
	{FIELD("cache_control", TEXT, ssdp, cache_control), IN("ssdp", "cache_control")},
	{FIELD("server", TEXT, ssdp, server), IN("ssdp", "server")},
	{FIELD("user_agent", TEXT, ssdp, user_agent), IN("ssdp", "user_agent")},
	{FIELD("boot_id", TEXT, ssdp, boot_id), IN("ssdp", "boot_id")},
	{FIELD("config_id", TEXT, ssdp, config_id), IN("ssdp", "config_id")},
	{0},
};

static const struct record_kind kind = {.event_type = "ssdp", BODY(ssdp), .fields = fields};

struct header {
	const char *name; // in lower case
	uint16_t offset;  // of the member
};

#define HEADER(name, member) {name, offsetof(struct ssdp, member)}

static const struct header headers[] = {
	HEADER("host", host),
	HEADER("man", man),
	HEADER("mx", mx),
	HEADER("st", st),
	HEADER("nt", nt),
	HEADER("nts", nts),
	HEADER("usn", usn),
	HEADER("location", location),
	HEADER("cache-control", cache_control),
	HEADER("server", server),
	HEADER("user-agent", user_agent),
	HEADER("bootid.upnp.org", boot_id),
	HEADER("configid.upnp.org", config_id),
};

static bool name_is(struct span name, const char *lower)
{
	if (name.left != strlen(lower))
		return false;
	for (unsigned i = 0; i < name.left; i++) {
		uint8_t c = name.at[i];

		if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower[i])
			return false;
	}
	return true;
}

static bool start_read(struct span line, struct ssdp *ssdp, struct l7 *l7)
{
	struct span word;

	if (span_starts(line, "HTTP/1.") && span_until(&line, ' ', &word)) {
		ssdp->response = true;
		for (unsigned i = 0; i < STATUS_DIGITS; i++) {
			uint8_t c = span_u8(&line);

			if (c < '0' || c > '9')
				return false;
			ssdp->status = (uint16_t)(ssdp->status * 10 + (c - '0'));
		}
		return true;
	}
	if (!span_until(&line, ' ', &word) || !span_starts(line, "* HTTP/1.") || (!name_is(word, "m-search") && !name_is(word, "notify")))
		return false;
	ssdp->method = l7_text(l7, word, VALUE_MAX);
	return true;
}

static void header_take(struct span line, struct ssdp *ssdp, struct l7 *l7)
{
	struct span name;

	if (!span_until(&line, ':', &name))
		return;
	name = span_trim(name);
	for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct record_text *text = (struct record_text *)(void *)((uint8_t *)ssdp + headers[i].offset);

		if (text->len == 0 && name_is(name, headers[i].name))
			*text = l7_text(l7, span_trim(line), VALUE_MAX);
	}
}

// A message that was cut short ends with its last whole line, or with the part of one.
static bool message_read(struct span in, struct ssdp *ssdp, struct l7 *l7)
{
	struct span line;

	if (!span_until(&in, '\n', &line) || !start_read(line, ssdp, l7))
		return false;
	for (unsigned i = 0; i < HEADERS_MAX && in.left > 0; i++) {
		if (!span_until(&in, '\n', &line))
			line = span_take(&in, in.left);
		if (span_trim(line).left == 0)
			break;
		header_take(line, ssdp, l7);
	}
	return !ssdp->response || ssdp->usn.len > 0 || ssdp->st.len > 0;
}

static enum proto_verdict ssdp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	(void)hint;
	if (!message_read(in, L7_BODY(l7, struct ssdp), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_ssdp = {
	.name = "ssdp",
	.title = "SSDP",
	.spec = "UPnP Device Architecture 2.0",
	.l4 = PROTO_UDP,
	.ports = {1900},
	.max_payloads = 1,
	.first = {{'H', 'H'}, {'M', 'N'}, {'m', 'n'}},
	.firsts = 3,
	.dissect = ssdp_dissect,
	.kind = &kind,
};
