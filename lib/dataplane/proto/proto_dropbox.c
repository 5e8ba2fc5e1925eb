// Dropbox's discovery of its clients on the same network, a UDP broadcast: there is no specification but what they send, one JSON
// object. Proof: it begins with the host's number and has a port and a list of namespaces.
#include "proto/proto_list.h"

enum { MESSAGE_MAX = 4096, TEXT_MAX = 128, SPACES_MAX = 512, DIGITS_MAX = 39 };

struct dropbox {
	uint16_t port;
	struct record_text host, version, name, namespaces;
};

static const struct record_field fields[] = {
	{FIELD("host_int", TEXT, dropbox, host), IN("dropbox", "host_int")},
	{FIELD("version", TEXT, dropbox, version), IN("dropbox", "version")},
	{FIELD("displayname", TEXT, dropbox, name), IN("dropbox", "displayname")},
	{FIELD("sync_port", U16, dropbox, port), IN("dropbox", "port")},
	{FIELD("namespaces", TEXT, dropbox, namespaces), IN("dropbox", "namespaces")},
	{0},
};

static const struct record_kind kind = {.event_type = "dropbox", BODY(dropbox), .fields = fields};

// What stands behind `key`, a quoted name with its colon; of a list what is in its brackets, of a string what is in its quotes.
static bool value_find(struct span in, const char *key, struct span *value)
{
	char end = ',';

	while (in.left > 0 && !span_starts(in, key))
		span_bytes(&in, 1);
	if (in.left == 0)
		return false;
	span_bytes(&in, (uint32_t)strlen(key));
	in = span_trim(in);
	if (span_starts(in, "[") || span_starts(in, "\""))
		end = span_u8(&in) == '[' ? ']' : '"';
	return span_until(&in, end, value);
}

static bool number_read(struct span in, uint32_t *number)
{
	*number = 0;
	for (; in.left > 0; *number = *number * 10 + (span_u8(&in) - '0'))
		if (in.at[0] < '0' || in.at[0] > '9' || *number > UINT16_MAX)
			return false;
	return true;
}

static bool digits_are(struct span in)
{
	uint32_t n = in.left;

	while (in.left > 0) {
		uint8_t c = span_u8(&in);

		if (c < '0' || c > '9')
			return false;
	}
	return n > 0 && n <= DIGITS_MAX;
}

static bool message_read(struct span in, struct dropbox *dropbox, struct l7 *l7)
{
	struct span host, version, name, port, namespaces;
	uint32_t number;

	in = span_take(&in, in.left < MESSAGE_MAX ? in.left : MESSAGE_MAX);
	if (!span_starts(in, "{\"host_int\":") || !value_find(in, "\"host_int\":", &host) || !digits_are(host))
		return false;
	if (!value_find(in, "\"port\":", &port) || !number_read(port, &number) || number == 0 || number > UINT16_MAX)
		return false;
	if (!value_find(in, "\"namespaces\":", &namespaces))
		return false;
	dropbox->port = (uint16_t)number;
	dropbox->host = l7_text(l7, host, TEXT_MAX);
	dropbox->namespaces = l7_text(l7, namespaces, SPACES_MAX);
	if (value_find(in, "\"version\":", &version))
		dropbox->version = l7_text(l7, version, TEXT_MAX);
	if (value_find(in, "\"displayname\":", &name))
		dropbox->name = l7_text(l7, name, TEXT_MAX);
	return true;
}

static enum proto_verdict dropbox_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	(void)hint;
	if (!message_read(in, L7_BODY(l7, struct dropbox), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_dropbox = {
	.name = "dropbox",
	.title = "Dropbox LAN sync discovery",
	.spec = "none published",
	.l4 = PROTO_UDP,
	.ports = {17500},
	.max_payloads = 1,
	.first = {{'{', '{'}},
	.firsts = 1,
	.dissect = dropbox_dissect,
	.kind = &kind,
};
