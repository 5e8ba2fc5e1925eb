// NetBIOS datagrams, RFC 1002 section 4.4, and what Windows networks send in them: mailslots ([MS-MAIL]) and the announcements of the
// browser service ([MS-BRWS]).
//
// Proof is the type, the flags no one uses, and both names in their form. A datagram in fragments is reported by each; only the
// first is looked into. What is written in mailslots other than the browser's is not looked at.
#include "proto/proto_list.h"
#include "proto/proto_netbios_name.h"

enum { TYPE_DIRECT_UNIQUE = 0x10, TYPE_BROADCAST = 0x12, TYPE_ERROR = 0x13, TYPE_LAST = 0x16 };
enum { FLAGS_RESERVED = 0xf0 };
enum { SMB_HEADER_BYTES = 32, SMB_WORDS = 17, MAILSLOT_MAX = 64, HOST_MAX = 64, COMMENT_MAX = 172 };
enum { BROWSER_HOST = 1, BROWSER_REQUEST = 2, BROWSER_ELECTION = 8, BROWSER_DOMAIN = 12, BROWSER_MASTER = 13, BROWSER_LOCAL_MASTER = 15 };

struct nbdgm {
	uint8_t type;
	uint16_t id, source_port;
	uint8_t source_ip[RECORD_IPV4];
	struct record_text source_name, source_suffix, destination_name, destination_suffix;
	struct record_text mailslot;
	uint8_t command; // of the browser service, 0: none
	uint32_t period_ms;
	struct record_text host_name, os_version, comment;
};

static const char *const types[] = {"direct_unique", "direct_group", "broadcast", "error", "query_request", "positive_query_response",
				    "negative_query_response"};

static const char *const commands[] = {"",  "host_announcement", "announcement_request", "3", "4", "5", "6", "7", "election_request",
				       "backup_list_request", "backup_list_response", "become_backup", "domain_announcement",
				       "master_announcement", "reset_state", "local_master_announcement"};

static const struct record_field fields[] = {
	{FIELD("type", NAME8, nbdgm, type), IN("nbdgm", "type"), NAMES(types)},
	{FIELD("id", U16, nbdgm, id), IN("nbdgm", "id")},
	{FIELD("source_ip", IPV4, nbdgm, source_ip), IN("nbdgm", "source_ip")},
	{FIELD("source_port", U16, nbdgm, source_port), IN("nbdgm", "source_port")},
	{FIELD("source_name", TEXT, nbdgm, source_name), IN("nbdgm", "source_name")},
	{FIELD("source_suffix", TEXT, nbdgm, source_suffix), IN("nbdgm", "source_suffix")},
	{FIELD("destination_name", TEXT, nbdgm, destination_name), IN("nbdgm", "destination_name")},
	{FIELD("destination_suffix", TEXT, nbdgm, destination_suffix), IN("nbdgm", "destination_suffix")},
	{FIELD("mailslot", TEXT, nbdgm, mailslot), IN("nbdgm", "mailslot")},
	{FIELD("browser_command", NAME8, nbdgm, command), IN("nbdgm.browser", "command"), .flags = FIELD_OMIT_ZERO, NAMES(commands)},
	{FIELD("browser_period_ms", U32, nbdgm, period_ms), IN("nbdgm.browser", "period_ms"), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{FIELD("browser_host_name", TEXT, nbdgm, host_name), IN("nbdgm.browser", "host_name")},
	{FIELD("browser_os_version", TEXT, nbdgm, os_version), IN("nbdgm.browser", "os_version")},
	{FIELD("browser_comment", TEXT, nbdgm, comment), IN("nbdgm.browser", "comment")},
	{0},
};

static const struct record_kind kind = {.event_type = "nbdgm", BODY(nbdgm), .fields = fields};

static uint16_t le16(struct span *in)
{
	uint8_t low = span_u8(in);

	return (uint16_t)(low | span_u8(in) << 8);
}

static uint32_t le32(struct span *in)
{
	uint16_t low = le16(in);

	return low | (uint32_t)le16(in) << 16;
}

// A text that ends with a zero, or with what there is.
static struct span zero_ended(struct span *in)
{
	struct span text;

	return span_until(in, '\0', &text) ? text : span_take(in, in->left);
}

static void announcement_read(struct span in, struct nbdgm *nbdgm, struct l7 *l7)
{
	char room[8];
	struct text_builder version = text_builder(room, sizeof(room));
	struct span name;

	span_u8(&in); // update count
	nbdgm->period_ms = le32(&in);
	name = span_take(&in, NETBIOS_NAME_BYTES + 1);
	text_put_number(&version, span_u8(&in));
	text_put(&version, ".");
	text_put_number(&version, span_u8(&in));
	span_bytes(&in, 8); // server type, versions of the browser, signature
	if (!span_ok(&in))
		return;
	nbdgm->host_name = l7_text(l7, zero_ended(&name), HOST_MAX);
	nbdgm->os_version = l7_text_bytes(l7, room, (uint32_t)version.used, sizeof(room));
	nbdgm->comment = l7_text(l7, zero_ended(&in), COMMENT_MAX);
}

static void browser_read(struct span in, struct nbdgm *nbdgm, struct l7 *l7)
{
	nbdgm->command = span_u8(&in);
	switch (nbdgm->command) {
	case BROWSER_HOST:
	case BROWSER_DOMAIN:
	case BROWSER_LOCAL_MASTER:
		announcement_read(in, nbdgm, l7);
		return;
	case BROWSER_REQUEST:
		span_bytes(&in, 1);
		break;
	case BROWSER_ELECTION:
		span_bytes(&in, 13);
		break;
	case BROWSER_MASTER:
		break;
	default:
		return;
	}
	nbdgm->host_name = l7_text(l7, zero_ended(&in), HOST_MAX);
}

// An SMB transaction to a mailslot; anything else is left alone.
static void smb_read(struct span in, struct nbdgm *nbdgm, struct l7 *l7)
{
	struct span from = in, name;
	uint16_t length, offset;

	if (!span_starts(in, "\xffSMB\x25"))
		return;
	span_bytes(&in, SMB_HEADER_BYTES);
	if (span_u8(&in) != SMB_WORDS)
		return;
	span_bytes(&in, 22);
	length = le16(&in);
	offset = le16(&in);
	span_bytes(&in, 10); // setup: what to do with the mailslot
	if (!span_starts(in, "\\MAILSLOT\\"))
		return;
	span_bytes(&in, sizeof("\\MAILSLOT\\") - 1);
	name = zero_ended(&in);
	nbdgm->mailslot = l7_text(l7, name, MAILSLOT_MAX);
	span_bytes(&from, offset);
	from = span_take(&from, length);
	if (span_ok(&from) && (span_starts(name, "BROWSE") || span_starts(name, "LANMAN")))
		browser_read(from, nbdgm, l7);
}

static bool names_read(struct span whole, struct span *in, bool both, struct nbdgm *nbdgm, struct l7 *l7)
{
	struct netbios_name name;

	if (both) {
		if (!netbios_name_read(whole, in, &name))
			return false;
		nbdgm->source_name = netbios_text(l7, name.bytes);
		nbdgm->source_suffix = netbios_suffix_text(l7, name.suffix);
	}
	if (!netbios_name_read(whole, in, &name))
		return false;
	nbdgm->destination_name = netbios_text(l7, name.bytes);
	nbdgm->destination_suffix = netbios_suffix_text(l7, name.suffix);
	return true;
}

static bool datagram_read(struct span in, struct nbdgm *nbdgm, struct l7 *l7)
{
	struct span whole = in;
	uint8_t type = span_u8(&in), flags = span_u8(&in);
	const uint8_t *source;
	bool data = type <= TYPE_BROADCAST;
	uint16_t length = 0, offset = 0;

	nbdgm->id = span_be16(&in);
	source = span_bytes(&in, RECORD_IPV4);
	nbdgm->source_port = span_be16(&in);
	if (source == NULL || type < TYPE_DIRECT_UNIQUE || type > TYPE_LAST || type == TYPE_ERROR || (flags & FLAGS_RESERVED) != 0)
		return false;
	memcpy(nbdgm->source_ip, source, RECORD_IPV4);
	nbdgm->type = (uint8_t)(type - TYPE_DIRECT_UNIQUE);
	if (data) {
		length = span_be16(&in);
		offset = span_be16(&in);
	}
	if (!span_ok(&in) || length > in.left || !names_read(whole, &in, data, nbdgm, l7))
		return false;
	if (data && offset == 0)
		smb_read(in, nbdgm, l7);
	return data || in.left == 0;
}

static enum proto_verdict nbdgm_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	(void)hint;
	if (!datagram_read(in, L7_BODY(l7, struct nbdgm), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_nbdgm = {
	.name = "nbdgm",
	.title = "NetBIOS datagram service",
	.spec = "RFC 1001, RFC 1002, [MS-BRWS]",
	.l4 = PROTO_UDP,
	.ports = {138},
	.max_payloads = 1,
	.first = {{TYPE_DIRECT_UNIQUE, TYPE_LAST}},
	.firsts = 1,
	.dissect = nbdgm_dissect,
	.kind = &kind,
};
