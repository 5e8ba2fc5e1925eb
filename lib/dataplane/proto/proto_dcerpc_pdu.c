#include "proto/proto_dcerpc_pdu.h"

#include "base/text.h"

enum { VERSION = 5, TYPES = 20, UUID_BYTES = 16, UUID_TEXT = 36, TEXT_MAX = 64, NUMBER_ROOM = 16 };
enum { PDU_REQUEST = 0, PDU_RESPONSE = 2, PDU_FAULT = 3, PDU_BIND = 11, PDU_BIND_ACK = 12, PDU_BIND_NAK = 13, PDU_ALTER = 14, PDU_ALTER_ACK = 15,
       PDU_AUTH3 = 16, PDU_SHUTDOWN = 17, PDU_CANCEL = 18, PDU_ORPHANED = 19 };
enum { DREP_LITTLE = 0x10 };

static const char *const types[TYPES] = {
	"REQUEST", "PING", "RESPONSE", "FAULT", "WORKING", "NOCALL", "REJECT", "ACK", "CL_CANCEL", "FACK", "CANCEL_ACK", "BIND", "BINDACK", "BINDNACK",
	"ALTER_CONTEXT", "ALTER_CONTEXT_RESP", "AUTH3", "SHUTDOWN", "CO_CANCEL", "ORPHANED",
};

const struct record_field dcerpc_interface_fields[] = {
	{FIELD("uuid", TEXT, dcerpc_interface, uuid), TOP("uuid")},
	{FIELD("version", TEXT, dcerpc_interface, version), TOP("version")},
	{FIELD("name", TEXT, dcerpc_interface, name), TOP("name")},
	{0},
};

static uint16_t u16(struct span *in, bool big)
{
	return big ? span_be16(in) : span_le16(in);
}

static uint32_t u32(struct span *in, bool big)
{
	return big ? span_be32(in) : span_le32(in);
}

static bool type_of_stream(uint8_t type)
{
	return type == PDU_REQUEST || type == PDU_RESPONSE || type == PDU_FAULT || (type >= PDU_BIND && type < TYPES);
}

bool dcerpc_type_response(uint8_t type)
{
	return type == PDU_RESPONSE || type == PDU_FAULT || type == PDU_BIND_ACK || type == PDU_BIND_NAK || type == PDU_ALTER_ACK ||
	       type == PDU_SHUTDOWN;
}

bool dcerpc_type_requests(uint8_t type)
{
	return type == PDU_REQUEST || type == PDU_BIND || type == PDU_ALTER;
}

struct dcerpc_head dcerpc_head_read(struct span *in)
{
	struct dcerpc_head head = {0};
	uint8_t version = span_u8(in), minor = span_u8(in), drep;
	bool sound;

	head.type = span_u8(in);
	head.flags = span_u8(in);
	drep = span_u8(in);
	sound = span_u8(in) <= 3 && span_be16(in) == 0;
	head.big = (drep & DREP_LITTLE) == 0;
	head.bytes = u16(in, head.big);
	head.auth_bytes = u16(in, head.big);
	head.call_id = u32(in, head.big);
	if (version != VERSION || minor > 1 || !type_of_stream(head.type) || (drep & 0xee) != 0 || !sound || head.bytes < DCERPC_HEAD_BYTES ||
	    head.auth_bytes > head.bytes - DCERPC_HEAD_BYTES)
		*in = (struct span){.bad = true};
	return head;
}

static struct record_text number_text(struct l7 *l7, uint32_t number, int32_t minor)
{
	char room[NUMBER_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));

	text_put_number(&b, number);
	if (minor >= 0) {
		text_put(&b, ".");
		text_put_number(&b, (uint32_t)minor);
	}
	return l7_text_bytes(l7, room, (uint32_t)b.used, NUMBER_ROOM);
}

static struct record_text name_text(struct l7 *l7, const char *name)
{
	return name != NULL ? l7_text_bytes(l7, name, (uint32_t)strlen(name), TEXT_MAX) : (struct record_text){0};
}

// The first three numbers are in the order of the sender.
static void uuid_read(struct span *in, bool big, char text[UUID_TEXT + 1])
{
	uint8_t bytes[UUID_BYTES];
	struct text_builder b = text_builder(text, UUID_TEXT);
	uint64_t first = u32(in, big), second = u16(in, big), third = u16(in, big), rest = span_be64(in);

	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(first >> (24 - 8 * i));
	for (unsigned i = 0; i < 2; i++) {
		bytes[4 + i] = (uint8_t)(second >> (8 - 8 * i));
		bytes[6 + i] = (uint8_t)(third >> (8 - 8 * i));
	}
	for (unsigned i = 0; i < 8; i++)
		bytes[8 + i] = (uint8_t)(rest >> (56 - 8 * i));
	for (unsigned i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text_put(&b, "-");
		text_put_hex(&b, bytes + i, 1);
	}
	text[b.used] = '\0';
}

// A context's abstract syntax is its interface; of transfer syntaxes nothing is told.
static bool context_read(struct span *in, bool big, struct dcerpc_memory *memory, struct dcerpc_told *told, struct l7 *l7)
{
	uint16_t id = u16(in, big), major, minor;
	uint8_t transfers = span_u8(in);
	char uuid[UUID_TEXT + 1];
	unsigned known;

	span_bytes(in, 1);
	uuid_read(in, big, uuid);
	major = u16(in, big);
	minor = u16(in, big);
	if (!span_ok(in))
		return false;
	known = dcerpc_interface_find(uuid);
	if (id < DCERPC_CONTEXTS_MAX)
		memory->context[id] = (uint8_t)known;
	if (told->interfaces < DCERPC_INTERFACES_MAX)
		told->interface[told->interfaces++] = (struct dcerpc_interface){.uuid = l7_text_bytes(l7, uuid, UUID_TEXT, TEXT_MAX),
			.version = number_text(l7, major, minor), .name = name_text(l7, dcerpc_interface_name(known))};
	span_bytes(in, (uint32_t)transfers * (UUID_BYTES + 4));
	return span_ok(in);
}

static void bind_read(struct span in, bool big, struct dcerpc_memory *memory, struct dcerpc_told *told, struct l7 *l7)
{
	uint8_t contexts;

	span_bytes(&in, 8); // fragment sizes, association group
	contexts = span_u8(&in);
	span_bytes(&in, 3);
	told->interfaces = 0;
	for (unsigned i = 0; i < contexts; i++)
		if (!context_read(&in, big, memory, told, l7))
			break;
}

static void request_read(struct span in, bool big, const struct dcerpc_memory *memory, struct dcerpc_told *told, struct l7 *l7)
{
	uint16_t context, number;
	unsigned interface;

	span_bytes(&in, 4); // what the arguments need
	context = u16(&in, big);
	number = u16(&in, big);
	if (!span_ok(&in))
		return;
	interface = context < DCERPC_CONTEXTS_MAX ? memory->context[context] : 0;
	told->opnum = number_text(l7, number, -1);
	told->name = name_text(l7, dcerpc_interface_name(interface));
	told->operation = name_text(l7, dcerpc_operation_name(interface, number));
}

static void fault_read(struct span in, bool big, struct dcerpc_told *told, struct l7 *l7)
{
	char room[NUMBER_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));
	uint8_t bytes[4];
	uint32_t status;

	span_bytes(&in, 8);
	status = u32(&in, big);
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(status >> (24 - 8 * i));
	text_put(&b, "0x");
	text_put_hex(&b, bytes, sizeof(bytes));
	if (span_ok(&in))
		told->status = l7_text_bytes(l7, room, (uint32_t)b.used, NUMBER_ROOM);
}

bool dcerpc_read(struct span pdu, struct dcerpc_memory *memory, struct dcerpc_told *told, struct ntlmssp *ntlmssp, struct l7 *l7)
{
	struct span in = pdu;
	struct dcerpc_head head = dcerpc_head_read(&in);

	if (!span_ok(&in))
		return false;
	if (pdu.left > head.bytes)
		in.left -= pdu.left - head.bytes;
	told->call_id = head.call_id;
	if (told->version.len == 0)
		told->version = number_text(l7, VERSION, pdu.at[1]);
	if (dcerpc_type_response(head.type))
		told->response = name_text(l7, types[head.type]);
	else
		told->request = name_text(l7, types[head.type]);
	if (head.auth_bytes > 0 && head.type >= PDU_BIND)
		ntlmssp_read(in, ntlmssp, l7);
	if (head.type == PDU_BIND || head.type == PDU_ALTER)
		bind_read(in, head.big, memory, told, l7);
	else if (head.type == PDU_REQUEST)
		request_read(in, head.big, memory, told, l7);
	else if (head.type == PDU_FAULT)
		fault_read(in, head.big, told, l7);
	return true;
}
