// SMB: MS-CIFS and MS-SMB (SMB1), MS-SMB2 (SMB2 and SMB3), over TCP as it is and in the NetBIOS session service, RFC 1002 section 4.3.
//
// The magic behind a length that is sound is the proof. One event for a request with its answer; data of files is passed over and only
// counted, what goes through named pipes is read as DCE/RPC. Of logons only names are told, nothing that a password can be found from.
#include "proto/proto_smb.h"

#include "proto/proto_list.h"

enum { NBSS_HEAD = 4, NBSS_MESSAGE = 0, NBSS_REQUEST = 0x81, NBSS_POSITIVE = 0x82, NBSS_RETARGET = 0x84, NBSS_KEEPALIVE = 0x85, NBSS_NAMES = 68 };
enum { MAGIC_BYTES = 4, MESSAGE_MIN = 32, SMB2_HEAD = 64, SMB2_NEXT = 20, TRANSFORM_SESSION = 44, NAME_LENGTH = 32, STATUS_ROOM = 16 };

static const char *const smb1_dialects[] = {"PC NETWORK PROGRAM 1.0", "LANMAN1.0", "Windows for Workgroups 3.1a", "LM1.2X002", "LANMAN2.1",
	"NT LANMAN 1.0", "NT LM 0.12", "SMB 2.002", "SMB 2.???"};

enum { SMB1_DIALECTS = sizeof(smb1_dialects) / sizeof(smb1_dialects[0]) };

static const char *dialect_name(uint32_t dialect)
{
	switch (dialect) {
	case 0x0202:
		return "2.02";
	case 0x0210:
		return "2.10";
	case 0x0222:
		return "2.22";
	case 0x0224:
		return "2.24";
	case 0x02ff:
		return "2.??";
	case 0x0300:
		return "3.00";
	case 0x0302:
		return "3.02";
	case 0x0310:
		return "3.10";
	case 0x0311:
		return "3.11";
	default:
		return dialect > 0 && dialect <= SMB1_DIALECTS ? smb1_dialects[dialect - 1] : NULL;
	}
}

uint16_t smb1_dialect_find(struct span name)
{
	for (unsigned i = 0; i < SMB1_DIALECTS; i++)
		if (name.left == strlen(smb1_dialects[i]) && span_starts(name, smb1_dialects[i]))
			return (uint16_t)(i + 1);
	return 0;
}

static const char *command_name(uint32_t command)
{
	static const char *const two[] = {
		"SMB2_COMMAND_NEGOTIATE_PROTOCOL", "SMB2_COMMAND_SESSION_SETUP", "SMB2_COMMAND_SESSION_LOGOFF", "SMB2_COMMAND_TREE_CONNECT",
		"SMB2_COMMAND_TREE_DISCONNECT", "SMB2_COMMAND_CREATE", "SMB2_COMMAND_CLOSE", "SMB2_COMMAND_FLUSH", "SMB2_COMMAND_READ",
		"SMB2_COMMAND_WRITE", "SMB2_COMMAND_LOCK", "SMB2_COMMAND_IOCTL", "SMB2_COMMAND_CANCEL", "SMB2_COMMAND_KEEPALIVE",
		"SMB2_COMMAND_FIND", "SMB2_COMMAND_CHANGE_NOTIFY", "SMB2_COMMAND_GET_INFO", "SMB2_COMMAND_SET_INFO", "SMB2_COMMAND_OPLOCK_BREAK",
	};
	static const char *const one[256] = {
		[0x00] = "SMB1_COMMAND_CREATE_DIRECTORY", [0x01] = "SMB1_COMMAND_DELETE_DIRECTORY", [0x04] = "SMB1_COMMAND_CLOSE",
		[0x06] = "SMB1_COMMAND_DELETE", [0x07] = "SMB1_COMMAND_RENAME", [0x08] = "SMB1_COMMAND_QUERY_INFORMATION",
		[0x10] = "SMB1_COMMAND_CHECK_DIRECTORY", [0x24] = "SMB1_COMMAND_LOCKING_ANDX", [0x25] = "SMB1_COMMAND_TRANS",
		[0x2b] = "SMB1_COMMAND_ECHO", [0x2d] = "SMB1_COMMAND_OPEN_ANDX", [0x2e] = "SMB1_COMMAND_READ_ANDX",
		[0x2f] = "SMB1_COMMAND_WRITE_ANDX", [0x32] = "SMB1_COMMAND_TRANS2", [0x34] = "SMB1_COMMAND_FIND_CLOSE2",
		[0x71] = "SMB1_COMMAND_TREE_DISCONNECT", [0x72] = "SMB1_COMMAND_NEGOTIATE_PROTOCOL", [0x73] = "SMB1_COMMAND_SESSION_SETUP_ANDX",
		[0x74] = "SMB1_COMMAND_LOGOFF_ANDX", [0x75] = "SMB1_COMMAND_TREE_CONNECT_ANDX", [0x80] = "SMB1_COMMAND_QUERY_INFO_DISK",
		[0xa0] = "SMB1_COMMAND_NT_TRANS", [0xa2] = "SMB1_COMMAND_NT_CREATE_ANDX", [0xa4] = "SMB1_COMMAND_NT_CANCEL",
	};

	if (command == UINT16_MAX)
		return "TRANSFORM"; // encrypted or compressed: what it is, is not seen
	if (command >= SMB1_COMMANDS)
		return command - SMB1_COMMANDS < 256 ? one[command - SMB1_COMMANDS] : NULL;
	return command < sizeof(two) / sizeof(two[0]) ? two[command] : NULL;
}

static const struct record_field fields[] = {
	{FIELD("id", U32, smb, id), IN("smb", "id")},
	{FIELD("dialect", TEXT_LIST, smb, dialect), IN("smb", "dialect"), .flags = FIELD_ONE},
	{FIELD("command", NAME16, smb, command), IN("smb", "command"), .name_of = command_name},
	{FIELD("status", TEXT, smb, status), IN("smb", "status")},
	{FIELD("status_code", TEXT, smb, status_code), IN("smb", "status_code")},
	{FIELD("session_id", U64, smb, session_id), IN("smb", "session_id")},
	{FIELD("tree_id", U32, smb, tree_id), IN("smb", "tree_id")},
	{FIELD("signed", BOOL, smb, signed_), IN("smb", "signed"), .flags = FIELD_OMIT_ZERO},
	{FIELD("encrypted", BOOL, smb, encrypted), IN("smb", "encrypted"), .flags = FIELD_OMIT_ZERO},
	{FIELD("compressed", BOOL, smb, compressed), IN("smb", "compressed"), .flags = FIELD_OMIT_ZERO},
	{FIELD("client_dialects", TEXT_LIST, smb, client_dialects), IN("smb", "client_dialects")},
	{FIELD("client_guid", TEXT, smb, client_guid), IN("smb", "client_guid")},
	{FIELD("server_guid", TEXT, smb, server_guid), IN("smb", "server_guid")},
	{FIELD("max_read_size", U32, smb, max_read), IN("smb", "max_read_size"), .flags = FIELD_OMIT_ZERO},
	{FIELD("max_write_size", U32, smb, max_write), IN("smb", "max_write_size"), .flags = FIELD_OMIT_ZERO},
	{FIELD("share", TEXT, smb, share), IN("smb", "share")},
	{FIELD("share_type", TEXT, smb, share_type), IN("smb", "share_type")},
	{FIELD("filename", TEXT, smb, filename), IN("smb", "filename")},
	{FIELD("disposition", TEXT, smb, disposition), IN("smb", "disposition")},
	{FIELD("access", TEXT, smb, access), IN("smb", "access")},
	{FIELD("reads", U32, smb, reads), IN("smb", "reads"), .flags = FIELD_OMIT_ZERO},
	{FIELD("bytes_read", U64, smb, bytes_read), IN("smb", "bytes_read"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("writes", U32, smb, writes), IN("smb", "writes"), .flags = FIELD_OMIT_ZERO},
	{FIELD("bytes_written", U64, smb, bytes_written), IN("smb", "bytes_written"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	NTLMSSP_FIELDS(smb, "smb.ntlmssp"),
	{FIELD("request_native_os", TEXT, smb, native_os[0]), IN("smb.request", "native_os")},
	{FIELD("request_native_lm", TEXT, smb, native_lm[0]), IN("smb.request", "native_lm")},
	{FIELD("response_native_os", TEXT, smb, native_os[1]), IN("smb.response", "native_os")},
	{FIELD("response_native_lm", TEXT, smb, native_lm[1]), IN("smb.response", "native_lm")},
	DCERPC_FIELDS(smb, "smb.dcerpc"),
	{FIELD("dcerpc_opnum", RAW_JSON, smb, dcerpc.opnum), IN("smb.dcerpc", "opnum")},
	{0},
};

static const struct record_kind kind = {.event_type = "smb", BODY(smb), .client_first = true, .fields = fields};

static const char *status_name(uint32_t status)
{
	static const struct {
		uint32_t code;
		const char *name;
	} names[] = {
		{0x00000000, "STATUS_SUCCESS"}, {0x00000103, "STATUS_PENDING"}, {0x80000005, "STATUS_BUFFER_OVERFLOW"},
		{0x80000006, "STATUS_NO_MORE_FILES"}, {0xc0000008, "STATUS_INVALID_HANDLE"}, {0xc000000d, "STATUS_INVALID_PARAMETER"},
		{0xc000000f, "STATUS_NO_SUCH_FILE"}, {0xc0000010, "STATUS_INVALID_DEVICE_REQUEST"}, {0xc0000011, "STATUS_END_OF_FILE"},
		{0xc0000016, "STATUS_MORE_PROCESSING_REQUIRED"}, {0xc0000022, "STATUS_ACCESS_DENIED"}, {0xc0000033, "STATUS_OBJECT_NAME_INVALID"},
		{0xc0000034, "STATUS_OBJECT_NAME_NOT_FOUND"}, {0xc0000035, "STATUS_OBJECT_NAME_COLLISION"},
		{0xc000003a, "STATUS_OBJECT_PATH_NOT_FOUND"}, {0xc0000043, "STATUS_SHARING_VIOLATION"}, {0xc000006d, "STATUS_LOGON_FAILURE"},
		{0xc0000072, "STATUS_ACCOUNT_DISABLED"}, {0xc00000ba, "STATUS_FILE_IS_A_DIRECTORY"}, {0xc00000bb, "STATUS_NOT_SUPPORTED"},
		{0xc00000c9, "STATUS_NETWORK_NAME_DELETED"}, {0xc00000cc, "STATUS_BAD_NETWORK_NAME"}, {0xc0000120, "STATUS_CANCELLED"},
		{0xc0000225, "STATUS_NOT_FOUND"}, {0xc0000234, "STATUS_ACCOUNT_LOCKED_OUT"}, {0xc000019c, "STATUS_FS_DRIVER_REQUIRED"},
		{0xc0000203, "STATUS_USER_SESSION_DELETED"},
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == status)
			return names[i].name;
	return NULL;
}

struct record_text smb_constant(struct l7 *l7, const char *text)
{
	return text != NULL ? l7_text_bytes(l7, text, (uint32_t)strlen(text), SMB_TEXT_MAX) : (struct record_text){0};
}

void smb_dialect_tell(struct smb_talk *t)
{
	t->smb->dialect = smb_constant(t->l7, dialect_name(t->memory->dialect));
}

void smb_status_set(struct smb_talk *t, uint32_t status)
{
	char room[STATUS_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));
	bool begun = false;

	text_put(&b, "0x");
	for (int shift = 28; shift >= 0; shift -= 4) {
		char digit = "0123456789abcdef"[status >> shift & 15];

		begun = begun || digit != '0' || shift == 0;
		if (begun)
			text_put_bytes(&b, &digit, 1);
	}
	t->smb->status = smb_constant(t->l7, status_name(status));
	t->smb->status_code = l7_text_bytes(t->l7, room, (uint32_t)b.used, STATUS_ROOM);
}

bool smb_begin(struct smb_talk *t, uint64_t id, bool *again)
{
	if (t->l7->pending) {
		t->memory->waiting = false;
		*again = true;
		return false;
	}
	t->memory->waiting = true;
	t->memory->awaited = id;
	t->smb->id = ++t->memory->transactions;
	smb_dialect_tell(t);
	t->l7->pending = true;
	return true;
}

bool smb_answer(struct smb_talk *t, uint64_t id)
{
	if (t->l7->pending && (!t->memory->waiting || t->memory->awaited != id))
		return false;
	if (!t->l7->pending) {
		t->smb->id = ++t->memory->transactions;
		smb_dialect_tell(t);
	}
	t->memory->waiting = false;
	return true;
}

bool smb_pipe_is(struct span data)
{
	dcerpc_head_read(&data);
	return span_ok(&data);
}

void smb_pipe_read(struct smb_talk *t, struct span data)
{
	dcerpc_read(data, &t->memory->dcerpc, &t->smb->dcerpc, &t->smb->ntlmssp, t->l7);
}

void smb_counts_report(struct smb_talk *t)
{
	struct smb_memory *m = t->memory;

	t->smb->reads = m->reads;
	t->smb->writes = m->writes;
	t->smb->bytes_read = m->bytes_read;
	t->smb->bytes_written = m->bytes_written;
	m->reads = m->writes = 0;
	m->bytes_read = m->bytes_written = 0;
}

// Encrypted or compressed: said once of a connection.
static enum proto_verdict wrapped_read(struct smb_talk *t, struct span message, bool encrypted)
{
	bool *said = encrypted ? &t->memory->encrypted : &t->memory->compressed;

	if (*said || t->l7->pending)
		return PROTO_MORE;
	*said = true;
	t->smb->id = ++t->memory->transactions;
	smb_dialect_tell(t);
	t->smb->encrypted = encrypted;
	t->smb->compressed = !encrypted;
	t->smb->command = UINT16_MAX;
	if (encrypted) {
		span_bytes(&message, TRANSFORM_SESSION);
		t->smb->session_id = span_le64(&message);
	}
	return PROTO_YES;
}

static bool magic_is(struct span in)
{
	return in.left >= MAGIC_BYTES && in.at[0] >= 0xfc && memcmp(in.at + 1, "SMB", 3) == 0;
}

// How long the next of the messages that are chained is; 0: it cannot be.
static uint32_t element_bytes(struct span in, uint32_t left)
{
	uint32_t next;

	if (in.at[0] != 0xfe)
		return left;
	span_bytes(&in, SMB2_NEXT);
	next = span_le32(&in);
	if (next == 0)
		return left;
	return next >= SMB2_HEAD && next % 8 == 0 && next < left ? next : 0;
}

// What is left of a message: in order, each of those that it holds.
static enum proto_verdict element_read(struct smb_talk *t, struct span in, uint32_t head, bool claimed)
{
	uint32_t *left = &t->memory->left[!t->to_server], total = *left, bytes;
	enum proto_verdict verdict;
	bool again = false;

	if (in.left < (total < SMB2_HEAD ? total : SMB2_HEAD) || in.left < MAGIC_BYTES) {
		t->l7->used = claimed ? head : 0;
		if (!claimed)
			*left = 0;
		return PROTO_MORE;
	}
	bytes = magic_is(in) ? element_bytes(in, total) : 0;
	if (bytes == 0) { // not SMB any more: passed over
		*left = 0;
		t->l7->used = head;
		t->l7->skip = total;
		return claimed ? PROTO_MORE : PROTO_NO;
	}
	if (in.left < (bytes < SMB_READ_MAX ? bytes : SMB_READ_MAX)) {
		t->l7->used = claimed ? head : 0;
		if (!claimed)
			*left = 0;
		return PROTO_MORE;
	}
	in.left = bytes < SMB_READ_MAX ? bytes : SMB_READ_MAX;
	if (in.at[0] == 0xfe)
		verdict = smb2_read(t, in, bytes, &again);
	else if (in.at[0] == 0xff)
		verdict = smb1_read(t, in, bytes, &again);
	else
		verdict = wrapped_read(t, in, in.at[0] == 0xfd);
	if (again) {
		t->l7->used = head;
		return PROTO_YES;
	}
	*left = total - bytes;
	t->l7->used = head + in.left;
	t->l7->skip = bytes - in.left;
	return verdict;
}

// Session request, its answer, keepalive. A request proves itself by the form of its names.
static enum proto_verdict session_read(struct span in, uint8_t type, uint32_t length, bool claimed, struct l7 *l7)
{
	struct span name = in;

	if (type < NBSS_REQUEST || type > NBSS_KEEPALIVE || length > NBSS_NAMES)
		return PROTO_NO;
	if (in.left < length)
		return PROTO_MORE;
	if (type == NBSS_REQUEST) {
		if (length != NBSS_NAMES || span_u8(&name) != NAME_LENGTH)
			return PROTO_NO;
		for (unsigned i = 0; i < NAME_LENGTH; i++) {
			uint8_t c = span_u8(&name);

			if (c < 'A' || c > 'P')
				return PROTO_NO;
		}
	} else if (!claimed) {
		return PROTO_NO;
	}
	l7->used = NBSS_HEAD + length;
	return PROTO_MORE;
}

static enum proto_verdict smb_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct smb_talk t = {.smb = L7_BODY(l7, struct smb), .memory = L7_MEMORY(l7, struct smb_memory), .l7 = l7, .to_server = hint->to_server};
	uint32_t *left = &t.memory->left[!hint->to_server], length;
	uint8_t type;

	if (*left > 0)
		return element_read(&t, in, 0, hint->claimed);
	type = span_u8(&in);
	length = (uint32_t)span_u8(&in) << 16;
	length |= span_be16(&in);
	if (!span_ok(&in))
		return PROTO_MORE;
	if (type != NBSS_MESSAGE)
		return session_read(in, type, length, hint->claimed, l7);
	if (length < MESSAGE_MIN || (in.left >= MAGIC_BYTES && !magic_is(in)))
		return PROTO_NO;
	*left = length;
	return element_read(&t, in, NBSS_HEAD, hint->claimed);
}

const struct proto_ops proto_smb = {
	.name = "smb",
	.title = "SMB",
	.spec = "MS-SMB, MS-SMB2",
	.l4 = PROTO_TCP,
	.ports = {445, 139},
	.max_payloads = 8,
	.first = {{0, 0}, {NBSS_REQUEST, NBSS_REQUEST}},
	.firsts = 2,
	.dissect = smb_dissect,
	.kind = &kind,
};
