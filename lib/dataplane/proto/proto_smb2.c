// Messages of SMB2 and SMB3: MS-SMB2 section 2.2. Offsets in them count from their header.
#include "proto/proto_smb.h"
#include "proto/proto_utf16.h"

enum { HEAD_BYTES = 64, FLAG_RESPONSE = 1, FLAG_ASYNC = 2, FLAG_SIGNED = 8, STATUS_PENDING = 0x103, COMMANDS = 19, DIALECTS_MAX = 16 };
enum { NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CREATE, CLOSE, FLUSH, READ, WRITE, LOCK, IOCTL, CANCEL, ECHO, FIND,
       CHANGE_NOTIFY, GET_INFO, SET_INFO, OPLOCK_BREAK };

struct head {
	uint32_t status, flags, tree_id;
	uint16_t command;
	uint64_t message_id, session_id;
};

static struct span part(struct span message, uint32_t offset, uint32_t length)
{
	span_bytes(&message, offset);
	return span_ok(&message) ? span_take(&message, length < message.left ? length : message.left) : message;
}

static struct record_text guid_text(struct span *in, struct l7 *l7)
{
	char room[SMB_GUID_TEXT];
	struct text_builder b = text_builder(room, sizeof(room));
	const uint8_t *at = span_bytes(in, 16);
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

	if (at == NULL)
		return (struct record_text){0};
	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text_put(&b, "-");
		text_put_hex(&b, at + order[i], 1);
	}
	return l7_text_bytes(l7, room, (uint32_t)b.used, SMB_GUID_TEXT);
}

static void dialects_read(struct smb_talk *t, struct span in, unsigned count)
{
	char room[DIALECTS_MAX * 5];
	struct text_builder b = text_builder(room, sizeof(room));

	for (unsigned i = 0; i < count && i < DIALECTS_MAX && in.left >= 2; i++) {
		uint8_t low = span_u8(&in), high = span_u8(&in);

		text_put(&b, i > 0 ? "," : "");
		text_put_number(&b, high);
		text_put(&b, ".");
		text_put_hex(&b, &low, 1);
	}
	t->smb->client_dialects = t->smb->dialect = l7_text_bytes(t->l7, room, (uint32_t)b.used, sizeof(room));
}

static void negotiate_request(struct smb_talk *t, struct span in)
{
	uint16_t count;

	span_bytes(&in, 2);
	count = span_le16(&in);
	span_bytes(&in, 8);
	t->smb->client_guid = guid_text(&in, t->l7);
	span_bytes(&in, 8);
	if (span_ok(&in))
		dialects_read(t, in, count);
}

static void create_request(struct smb_talk *t, struct span message, struct span in)
{
	static const char *const dispositions[] = {"FILE_SUPERSEDE", "FILE_OPEN", "FILE_CREATE", "FILE_OPEN_IF", "FILE_OVERWRITE", "FILE_OVERWRITE_IF"};
	uint32_t disposition, options;
	uint16_t offset, length;

	span_bytes(&in, 36);
	disposition = span_le32(&in);
	options = span_le32(&in);
	offset = span_le16(&in);
	length = span_le16(&in);
	if (!span_ok(&in))
		return;
	t->smb->filename = utf16_text(t->l7, part(message, offset, length), SMB_TEXT_MAX * 2);
	t->smb->disposition = smb_constant(t->l7, disposition < 6 ? dispositions[disposition] : NULL);
	t->smb->access = smb_constant(t->l7, (options & 0x1000) != 0 ? "delete on close" : "normal");
}

// Where the security blob, the path or the data is, said by its offset and its length of two bytes.
static struct span short_part(struct span message, struct span in, uint32_t before)
{
	uint16_t offset, length;

	span_bytes(&in, before);
	offset = span_le16(&in);
	length = span_le16(&in);
	return span_ok(&in) ? part(message, offset, length) : in;
}

static struct span data_of(struct span message, struct span in, uint16_t command, bool response, uint32_t *bytes)
{
	uint32_t offset;

	if (command == IOCTL) {
		span_bytes(&in, response ? 32 : 24);
		offset = span_le32(&in);
		*bytes = span_le32(&in);
	} else {
		span_bytes(&in, 2);
		offset = response ? span_u8(&in) : span_le16(&in);
		if (response)
			span_bytes(&in, 1);
		*bytes = span_le32(&in);
	}
	return span_ok(&in) ? part(message, offset, *bytes) : in;
}

static bool told_of(uint16_t command)
{
	return command == NEGOTIATE || command == SESSION_SETUP || command == TREE_CONNECT || command == CREATE;
}

static enum proto_verdict request_read(struct smb_talk *t, const struct head *head, struct span message, struct span in, bool *again)
{
	struct span data = {.bad = true};
	uint32_t bytes = 0;

	if (head->command == WRITE || head->command == IOCTL)
		data = data_of(message, in, head->command, false, &bytes);
	if (!told_of(head->command) && !(span_ok(&data) && smb_pipe_is(data))) {
		if (head->command == WRITE) {
			t->memory->writes++;
			t->memory->bytes_written += bytes;
		}
		return PROTO_MORE;
	}
	if (!smb_begin(t, head->message_id, again))
		return PROTO_MORE;
	t->smb->command = head->command;
	t->smb->session_id = head->session_id;
	t->smb->tree_id = head->tree_id;
	if (head->command == NEGOTIATE)
		negotiate_request(t, in);
	else if (head->command == SESSION_SETUP)
		ntlmssp_read(short_part(message, in, 12), &t->smb->ntlmssp, t->l7);
	else if (head->command == TREE_CONNECT)
		t->smb->share = utf16_text(t->l7, short_part(message, in, 4), SMB_TEXT_MAX * 2);
	else if (head->command == CREATE)
		create_request(t, message, in);
	else
		smb_pipe_read(t, data);
	return head->command == NEGOTIATE ? PROTO_YES : PROTO_MORE; // what is offered is an event of its own
}

static void negotiate_response(struct smb_talk *t, struct span in)
{
	span_bytes(&in, 4);
	t->memory->dialect = span_le16(&in);
	smb_dialect_tell(t);
	span_bytes(&in, 2);
	t->smb->server_guid = guid_text(&in, t->l7);
	span_bytes(&in, 8);
	t->smb->max_read = span_le32(&in);
	t->smb->max_write = span_le32(&in);
}

static void response_told(struct smb_talk *t, const struct head *head, struct span message, struct span in)
{
	static const char *const kinds[] = {NULL, "FILE", "PIPE", "PRINT"};
	uint8_t shared;

	if (head->command == NEGOTIATE && head->status == 0) {
		negotiate_response(t, in);
	} else if (head->command == SESSION_SETUP) {
		ntlmssp_read(short_part(message, in, 4), &t->smb->ntlmssp, t->l7);
	} else if (head->command == TREE_CONNECT && head->status == 0) {
		span_bytes(&in, 2);
		shared = span_u8(&in);
		t->smb->share_type = smb_constant(t->l7, shared < 4 ? kinds[shared] : NULL);
	} else if (head->command == CLOSE) {
		smb_counts_report(t);
	}
}

static enum proto_verdict response_read(struct smb_talk *t, const struct head *head, struct span message, struct span in)
{
	struct span data = {.bad = true};
	uint32_t bytes = 0;
	bool pipe;

	if (head->status == STATUS_PENDING)
		return PROTO_MORE;
	if (head->command == READ || head->command == IOCTL)
		data = data_of(message, in, head->command, true, &bytes);
	pipe = span_ok(&data) && smb_pipe_is(data);
	if (head->command == READ && !pipe) {
		t->memory->reads++;
		t->memory->bytes_read += bytes;
	}
	if (!pipe && (head->command == READ || head->command >= CANCEL || head->command == LOCK) && !(head->command >= FIND && head->command <= SET_INFO))
		return PROTO_MORE;
	if (head->command == WRITE && !(t->l7->pending && t->memory->awaited == head->message_id))
		return PROTO_MORE;
	if (head->command == NEGOTIATE) // it may answer one in the form of SMB1, whose number is another
		t->memory->awaited = head->message_id;
	if (!smb_answer(t, head->message_id))
		return PROTO_MORE;
	t->smb->command = head->command;
	t->smb->session_id = head->session_id;
	if ((head->flags & FLAG_ASYNC) == 0)
		t->smb->tree_id = head->tree_id;
	t->smb->signed_ = (head->flags & FLAG_SIGNED) != 0;
	smb_status_set(t, head->status);
	if (pipe)
		smb_pipe_read(t, data);
	else
		response_told(t, head, message, in);
	return PROTO_YES;
}

enum proto_verdict smb2_read(struct smb_talk *t, struct span message, uint32_t bytes, bool *again)
{
	struct span in = message;
	struct head head = {0};
	uint16_t size;

	span_bytes(&in, 4);
	size = span_le16(&in);
	span_bytes(&in, 2);
	head.status = span_le32(&in);
	head.command = span_le16(&in);
	span_bytes(&in, 2);
	head.flags = span_le32(&in);
	span_bytes(&in, 4);
	head.message_id = span_le64(&in);
	span_bytes(&in, 4);
	head.tree_id = span_le32(&in);
	head.session_id = span_le64(&in);
	span_bytes(&in, 16);
	if (!span_ok(&in) || size != HEAD_BYTES || head.command >= COMMANDS || bytes < HEAD_BYTES)
		return PROTO_NO;
	if ((head.flags & FLAG_RESPONSE) != 0)
		return response_read(t, &head, message, in);
	return request_read(t, &head, message, in, again);
}
