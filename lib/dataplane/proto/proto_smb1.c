// Messages of SMB1: MS-CIFS section 2.2, MS-SMB section 2.2. Of chained commands (AndX) the session's and the tree's are read together.
#include "proto/proto_smb.h"
#include "proto/proto_utf16.h"

enum { RESPONSE = 0x80, WIDE = 0x8000, ANDX_NONE = 0xff, CHAIN_MAX = 3, DIALECTS_ROOM = 240, DIALECT_MARK = 2 };
enum { CLOSE = 0x04, TRANS = 0x25, OPEN = 0x2d, READ = 0x2e, WRITE = 0x2f, NEGOTIATE = 0x72, SESSION = 0x73, TREE = 0x75, NT_CREATE = 0xa2 };

struct head {
	uint32_t status;
	uint16_t flags2, tree, user;
	uint64_t id;
	uint8_t command;
	bool response, wide;
};

// A command's words and bytes.
struct part {
	struct span words, bytes;
	uint32_t bytes_at; // from the header, for texts that stand at even places
};

static bool part_read(struct span message, uint32_t offset, struct part *out)
{
	struct span in = message;
	uint32_t count;

	span_bytes(&in, offset);
	count = span_u8(&in);
	out->words = span_take(&in, count * 2);
	count = span_le16(&in);
	out->bytes_at = message.left - in.left;
	out->bytes = in;
	if (out->bytes.left > count)
		out->bytes.left = count;
	return span_ok(&in);
}

// A text; those of UTF-16 stand at an even place behind the header.
static struct record_text text_take(struct smb_talk *t, struct part *p, bool wide)
{
	uint32_t had = p->bytes.left;
	struct span text;

	if (wide && p->bytes_at % 2 != 0) {
		span_bytes(&p->bytes, 1);
		p->bytes_at++;
		had--;
	}
	if (!utf16_until(&p->bytes, wide, &text)) {
		text = p->bytes;
		p->bytes = (struct span){0};
	}
	p->bytes_at += had - p->bytes.left;
	return utf16_text_or(t->l7, text, wide, SMB_TEXT_MAX);
}

static void dialects_read(struct smb_talk *t, struct span in)
{
	char room[DIALECTS_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));
	struct span name;

	for (unsigned i = 0; span_u8(&in) == DIALECT_MARK && span_until(&in, '\0', &name); i++) {
		if (i < sizeof(t->memory->offered))
			t->memory->offered[i] = (uint8_t)smb1_dialect_find(name);
		text_put(&b, i > 0 ? "," : "");
		text_put_bytes(&b, name.at, name.left);
	}
	t->smb->client_dialects = l7_text_bytes(t->l7, room, (uint32_t)b.used, DIALECTS_ROOM);
}

static void session_read(struct smb_talk *t, const struct head *head, struct part *p)
{
	uint32_t words = p->words.left / 2;
	uint16_t first, second;
	bool wide = head->wide;

	span_bytes(&p->words, head->response ? 6 : 14);
	first = words == (head->response ? 4 : 12) || words == 13 ? span_le16(&p->words) : 0;
	second = words == 13 ? span_le16(&p->words) : 0;
	if (words == 12 || words == 4)
		ntlmssp_read(span_take(&p->bytes, first), &t->smb->ntlmssp, t->l7);
	else
		span_bytes(&p->bytes, (uint32_t)first + second); // made of the password
	p->bytes_at += (uint32_t)first + second;
	if (words == 13) {
		t->smb->ntlmssp.user = text_take(t, p, wide);
		t->smb->ntlmssp.domain = text_take(t, p, wide);
	}
	t->smb->native_os[head->response] = text_take(t, p, wide);
	t->smb->native_lm[head->response] = text_take(t, p, wide);
}

static void tree_read(struct smb_talk *t, const struct head *head, struct part *p)
{
	uint16_t password;

	if (head->response) {
		t->smb->share_type = text_take(t, p, false);
		return;
	}
	span_bytes(&p->words, 6);
	password = span_le16(&p->words);
	span_bytes(&p->bytes, password);
	p->bytes_at += password;
	t->smb->share = text_take(t, p, head->wide);
}

static struct span data_of(struct span message, const struct head *head, struct span words, uint32_t *bytes)
{
	uint16_t offset;

	if (head->command == TRANS) {
		span_bytes(&words, head->response ? 12 : 22);
		*bytes = span_le16(&words);
	} else {
		span_bytes(&words, head->response ? 10 : 20);
		*bytes = span_le16(&words);
	}
	offset = span_le16(&words);
	if (!span_ok(&words))
		return words;
	span_bytes(&message, offset);
	return span_ok(&message) ? span_take(&message, *bytes < message.left ? *bytes : message.left) : message;
}

static void negotiate_response(struct smb_talk *t, struct span words)
{
	uint16_t index = span_le16(&words);

	if (index < sizeof(t->memory->offered))
		t->memory->dialect = t->memory->offered[index];
	smb_dialect_tell(t);
}

static void command_read(struct smb_talk *t, const struct head *head, struct part *p)
{
	if (head->command == NEGOTIATE && !head->response)
		dialects_read(t, p->bytes);
	else if (head->command == NEGOTIATE)
		negotiate_response(t, p->words);
	else if (head->command == SESSION)
		session_read(t, head, p);
	else if (head->command == TREE)
		tree_read(t, head, p);
	else if ((head->command == NT_CREATE || head->command == OPEN) && !head->response)
		t->smb->filename = text_take(t, p, head->wide);
	else if (head->command == CLOSE && head->response)
		smb_counts_report(t);
}

// This command and those chained to it, which always stand further behind.
static void chain_read(struct smb_talk *t, struct head head, struct span message)
{
	uint32_t offset = 32, next;
	struct part p;

	for (unsigned i = 0; i < CHAIN_MAX && part_read(message, offset, &p); i++) {
		struct span words = p.words;
		uint8_t andx = span_u8(&words);

		span_bytes(&words, 1);
		next = span_le16(&words);
		command_read(t, &head, &p);
		if ((head.command != SESSION && head.command != TREE) || !span_ok(&words) || andx == ANDX_NONE || next <= offset)
			break;
		head.command = andx;
		offset = next;
	}
}

static bool told_of(uint8_t command)
{
	return command == NEGOTIATE || command == SESSION || command == TREE || command == NT_CREATE || command == OPEN;
}

static enum proto_verdict both_read(struct smb_talk *t, const struct head *head, struct span message, bool *again)
{
	struct span data = {.bad = true};
	uint32_t bytes = 0;
	struct part p;
	bool pipe, moves = head->command == (head->response ? READ : WRITE);

	if (!part_read(message, 32, &p))
		return PROTO_MORE;
	if (moves || head->command == TRANS)
		data = data_of(message, head, p.words, &bytes);
	pipe = span_ok(&data) && smb_pipe_is(data);
	if (moves && !pipe) {
		*(head->response ? &t->memory->reads : &t->memory->writes) += 1;
		*(head->response ? &t->memory->bytes_read : &t->memory->bytes_written) += bytes;
	}
	if (!head->response && ((!told_of(head->command) && !pipe) || !smb_begin(t, head->id, again)))
		return PROTO_MORE;
	if (head->response && !pipe && (head->command == READ || (head->command == WRITE && !(t->l7->pending && t->memory->awaited == head->id))))
		return PROTO_MORE;
	if (head->response && !smb_answer(t, head->id))
		return PROTO_MORE;
	t->smb->command = (uint16_t)(SMB1_COMMANDS + head->command);
	t->smb->session_id = head->user;
	t->smb->tree_id = head->tree;
	if (pipe)
		smb_pipe_read(t, data);
	else
		chain_read(t, *head, message);
	if (head->response)
		smb_status_set(t, head->status);
	return head->response ? PROTO_YES : PROTO_MORE;
}

enum proto_verdict smb1_read(struct smb_talk *t, struct span message, uint32_t bytes, bool *again)
{
	struct span in = message;
	struct head head = {0};
	uint8_t flags;

	span_bytes(&in, 4);
	head.command = span_u8(&in);
	head.status = span_le32(&in);
	flags = span_u8(&in);
	head.flags2 = span_le16(&in);
	span_bytes(&in, 12);
	head.tree = span_le16(&in);
	head.id = (uint64_t)span_le16(&in) << 32;
	head.user = span_le16(&in);
	head.id |= span_le16(&in);
	head.response = (flags & RESPONSE) != 0;
	head.wide = (head.flags2 & WIDE) != 0;
	if (!span_ok(&in) || bytes < 35 || head.response == t->to_server)
		return PROTO_NO;
	return both_read(t, &head, message, again);
}
