// TFTP, RFC 1350, with options (RFC 2347): a transaction is a request to read or write a file. The blocks of the file go between
// other ports and prove nothing, so nothing of them is claimed.
#include "base/text.h"
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { OPCODE_READ = 1, OPCODE_WRITE = 2, OPTIONS_MAX = 8 };
enum { FILE_MAX = 512, MODE_MAX = 16, OPTIONS_ROOM = 512, OPTION_BYTES_MAX = 128 };

struct tftp {
	struct record_text file, mode, options;
	uint8_t opcode;
};

static const char *const packets[] = {"", "read", "write"};

static const struct record_field fields[] = {
	{FIELD("packet", NAME8, tftp, opcode), IN("tftp", "packet"), NAMES(packets)},
	{FIELD("file", TEXT, tftp, file), IN("tftp", "file")},
	{FIELD("mode", TEXT, tftp, mode), IN("tftp", "mode")},
	{FIELD("options", TEXT_LIST, tftp, options), IN("tftp", "options"), .flags = FIELD_LINES},
	{0},
};

static const struct record_kind kind = {.event_type = "tftp", BODY(tftp), .client_first = true, .fields = fields};

static bool string_read(struct span *in, struct span *string)
{
	return span_until(in, '\0', string) && string->left > 0 && text_sound(*string);
}

static void option_add(struct l7 *l7, struct record_text *list, struct span name, struct span value)
{
	char room[OPTION_BYTES_MAX];
	struct text_builder b = text_builder(room, sizeof(room));

	text_put_bytes(&b, name.at, name.left);
	text_put(&b, "=");
	text_put_bytes(&b, value.at, value.left);
	text_list_add(l7, list, OPTIONS_ROOM, span_of(room, (uint32_t)b.used));
}

// "name=value" each. False if what is left is no whole pairs; zeroes behind them are padding.
static bool options_read(struct span in, struct record_text *list, struct l7 *l7)
{
	struct span name, value;

	for (unsigned n = 0; in.left > 0 && in.at[0] != 0; n++) {
		if (n == OPTIONS_MAX || !string_read(&in, &name) || !span_until(&in, '\0', &value) || !text_sound(value))
			return false;
		option_add(l7, list, name, value);
	}
	return true;
}

static enum proto_verdict tftp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	static const char *const modes[] = {"octet", "netascii", "mail"};
	struct tftp *tftp = L7_BODY(l7, struct tftp);
	uint16_t opcode = span_be16(&in);
	struct span file, mode;

	(void)hint;
	if ((opcode != OPCODE_READ && opcode != OPCODE_WRITE) || !string_read(&in, &file) || !string_read(&in, &mode) ||
	    word_index(mode, modes, 3) < 0)
		return PROTO_NO;
	tftp->options = text_reserve(l7, OPTIONS_ROOM);
	if (!options_read(in, &tftp->options, l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	text_trim(l7, tftp->options);
	tftp->opcode = (uint8_t)opcode;
	tftp->file = l7_text(l7, file, FILE_MAX);
	tftp->mode = l7_text(l7, mode, MODE_MAX);
	return PROTO_YES;
}

const struct proto_ops proto_tftp = {
	.name = "tftp",
	.title = "TFTP",
	.spec = "RFC 1350, RFC 2347",
	.l4 = PROTO_UDP,
	.ports = {69},
	.max_payloads = 1,
	.first = {{0, 0}},
	.firsts = 1,
	.dissect = tftp_dissect,
	.kind = &kind,
};
