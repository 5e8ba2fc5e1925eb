// Syslog, RFC 5424 and RFC 3164, over UDP and TCP (RFC 6587: counted, or a line each).
//
// Proof is "<PRI>" in its range and, behind it, what a message begins with: the version and a time; a time in either form; or a tag
// that ends with a colon, as those write it who leave the time to the relay. Each message is one event. Of a message longer than
// MESSAGE_MAX the rest is passed over.
#include "proto/proto_syslog_head.h"

enum { MESSAGE_MAX = 4096, COUNT_DIGITS = 5, FACILITIES = 24, SEVERITIES = 8 };

static const char *const facilities[FACILITIES] = {"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
						   "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
						   "local5", "local6", "local7"};
static const char *const severities[SEVERITIES] = {"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

static const struct record_field fields[] = {
	{FIELD("facility", NAME8, syslog, facility), IN("syslog", "facility"), NAMES(facilities)},
	{FIELD("severity", NAME8, syslog, severity), IN("syslog", "severity"), NAMES(severities)},
	{FIELD("version", U8, syslog, version), IN("syslog", "version"), .flags = FIELD_OMIT_ZERO},
	{FIELD("time", TEXT, syslog, time), IN("syslog", "timestamp")},
	{FIELD("hostname", TEXT, syslog, hostname), IN("syslog", "hostname")},
	{FIELD("app_name", TEXT, syslog, app), IN("syslog", "app_name")},
	{FIELD("pid", TEXT, syslog, pid), IN("syslog", "pid")},
	{FIELD("msg_id", TEXT, syslog, msg_id), IN("syslog", "msg_id")},
	{FIELD("structured_data", TEXT, syslog, structured), IN("syslog", "structured_data")},
	{FIELD("message", TEXT, syslog, message), IN("syslog", "message")},
	{0},
};

static const struct record_kind kind = {.event_type = "syslog", BODY(syslog), .fields = fields};

struct memory {
	bool in_line[2]; // by direction: the rest of a line that was too long comes now
};

// The next message of a stream: *used bytes with what frames it, *skip of it behind what is there. 1: here it is, 0: more bytes are
// needed, -1: none can begin here.
static int frame_next(struct span in, struct span *message, struct l7 *l7, bool *cut)
{
	struct span from = in, line;
	uint32_t count;

	if (in.at[0] != '<') {
		if (!syslog_number(&from, COUNT_DIGITS, &count))
			return -1;
		if (from.left == 0)
			return 0;
		if (span_u8(&from) != ' ' || count == 0)
			return -1;
		if (from.left < count && from.left < MESSAGE_MAX)
			return from.left == 0 || from.at[0] == '<' ? 0 : -1;
		*message = span_take(&from, count < MESSAGE_MAX ? count : MESSAGE_MAX);
		l7->skip = count - message->left;
		l7->used = in.left - from.left;
		return 1;
	}
	if (span_until(&from, '\n', &line)) {
		*message = line;
		l7->used = in.left - from.left;
		return 1;
	}
	if (in.left < MESSAGE_MAX)
		return 0;
	*message = in;
	l7->used = in.left;
	*cut = true;
	return 1;
}

// Passes over the rest of a line.
static enum proto_verdict line_end(struct span in, bool *in_line, struct l7 *l7)
{
	struct span from = in, line;

	*in_line = !span_until(&from, '\n', &line);
	l7->used = *in_line ? in.left : in.left - from.left;
	return PROTO_MORE;
}

// More is needed. Of a line there is something to tell if nothing more comes: some close without ending it.
static enum proto_verdict more_wait(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	l7->pending = in.at[0] == '<' && syslog_read(in, L7_BODY(l7, struct syslog), l7);
	if (!l7->pending)
		l7_clear(l7);
	return l7->pending || hint->claimed || syslog_begins(in) ? PROTO_MORE : PROTO_NO;
}

static enum proto_verdict tcp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	bool *in_line = &L7_MEMORY(l7, struct memory)->in_line[!hint->to_server], cut = false;
	struct span message;
	int found;

	if (*in_line)
		return line_end(in, in_line, l7);
	found = frame_next(in, &message, l7, &cut);
	l7_clear(l7);
	if (found == 0)
		return more_wait(in, hint, l7);
	if (found > 0 && syslog_read(message, L7_BODY(l7, struct syslog), l7)) {
		*in_line = cut;
		return PROTO_YES;
	}
	l7_clear(l7);
	l7->used = 0;
	l7->skip = 0;
	return hint->claimed ? line_end(in, in_line, l7) : PROTO_NO;
}

static enum proto_verdict syslog_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	if (hint->l4 == PROTO_TCP)
		return tcp_dissect(in, hint, l7);
	if (!syslog_read(in, L7_BODY(l7, struct syslog), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_syslog = {
	.name = "syslog",
	.title = "Syslog",
	.spec = "RFC 5424, RFC 3164, RFC 6587",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {514, 601},
	.max_payloads = 3,
	.first = {{'<', '<'}, {'1', '9'}},
	.firsts = 2,
	.dissect = syslog_dissect,
	.kind = &kind,
};
