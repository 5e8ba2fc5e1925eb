// SNMP v1, v2c and v3: RFC 1157, RFC 1901, RFC 3412 with the user-based security of RFC 3414, over UDP and TCP (RFC 3430).
//
// The content decides: one SEQUENCE around all, a version that exists, a community or the header of version 3, and a PDU whose
// fixed part parses. Each message is one event. Of the variables the names are told, values only of sysDescr and sysName; what a
// privacy protocol encrypts stays unread.
#include "proto/proto_ber.h"
#include "proto/proto_list.h"

enum { VERSION_1 = 0, VERSION_2C = 1, VERSION_3 = 3, MODEL_USM = 3 };
enum { PDU_FIRST = 0xa0, PDU_LAST = 0xa8, PDU_RESPONSE = 2, PDU_TRAP_1 = 4, PDU_BULK = 5, PDU_ENCRYPTED = PDU_LAST - PDU_FIRST + 1 };
enum { FLAG_ENCRYPTED = 2, ERRORS = 19, ERROR_LAST = 255, TRAPS = 8, TAG_TIME_TICKS = 0x43, TAG_ADDRESS = 0x40, TAG_END_OF_VIEW = 0x82 };
enum { MESSAGE_MAX = 65535, COMMUNITY_MAX = 255, USER_MAX = 128, ENGINE_MAX = 64, VALUE_MAX = 256 };
enum { VARS_MAX = 16, VARS_ROOM = 1024, OID_ROOM = 256 };

struct snmp {
	uint8_t version;    // 1, 2, 3
	uint8_t pdu;        // index of pdu_types
	uint8_t trap;       // index of traps; 0: no trap of version 1
	uint8_t trap_address[RECORD_IPV4];
	uint16_t error;     // agents have some of their own
	uint32_t request_id, variables, error_index;
	struct record_text community, usm, engine_id, context, trap_oid, vars, sys_descr, sys_name;
};

static const char *const pdu_types[] = {"get_request", "get_next_request", "response", "set_request", "trap_v1", "get_bulk_request",
					"inform_request", "trap_v2", "report", "encrypted"};
static const char *const errors[ERRORS] = {
	"NoError", "TooBig", "NoSuchName", "BadValue", "ReadOnly", "GenErr", "NoAccess", "WrongType", "WrongLength", "WrongEncoding",
	"WrongValue", "NoCreation", "InconsistentValue", "ResourceUnavailable", "CommitFailed", "UndoFailed", "AuthorizationError",
	"NotWritable", "InconsistentName"};
static const char *const traps[TRAPS] = {"none", "ColdStart", "WarmStart", "LinkDown", "LinkUp", "AuthenticationFailure",
					 "EgpNeighborLoss", "EnterpriseSpecific"};

static const uint8_t oid_sys_descr[] = {0x2b, 6, 1, 2, 1, 1, 1, 0}, oid_sys_name[] = {0x2b, 6, 1, 2, 1, 1, 5, 0};

static const char *error_name(uint32_t error)
{
	return error < ERRORS ? errors[error] : NULL;
}

static const struct record_field fields[] = {
	{FIELD("version", U8, snmp, version), IN("snmp", "version")},
	{FIELD("pdu_type", NAME8, snmp, pdu), IN("snmp", "pdu_type"), NAMES(pdu_types)},
	{FIELD("error", NAME16, snmp, error), IN("snmp", "error"), .flags = FIELD_OMIT_ZERO, .name_of = error_name},
	{FIELD("error_index", U32, snmp, error_index), IN("snmp", "error_index"), .flags = FIELD_OMIT_ZERO},
	{FIELD("trap_type", NAME8, snmp, trap), IN("snmp", "trap_type"), .flags = FIELD_OMIT_ZERO, NAMES(traps)},
	{FIELD("trap_oid", TEXT, snmp, trap_oid), IN("snmp", "trap_oid")},
	{FIELD("trap_address", IPV4, snmp, trap_address), IN("snmp", "trap_address"), .flags = FIELD_OMIT_ZERO},
	{FIELD("vars", TEXT_LIST, snmp, vars), IN("snmp", "vars")},
	{FIELD("community", TEXT, snmp, community), IN("snmp", "community")},
	{FIELD("usm", TEXT, snmp, usm), IN("snmp", "usm")},
	{FIELD("engine_id", TEXT, snmp, engine_id), IN("snmp", "engine_id")},
	{FIELD("context", TEXT, snmp, context), IN("snmp", "context")},
	{FIELD("request_id", U32, snmp, request_id), IN("snmp", "request_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("variables", U32, snmp, variables), IN("snmp", "variables"), .flags = FIELD_OMIT_ZERO},
	{FIELD("sys_descr", TEXT, snmp, sys_descr), IN("snmp", "sys_descr")},
	{FIELD("sys_name", TEXT, snmp, sys_name), IN("snmp", "sys_name")},
	{0},
};

static const struct record_kind kind = {.event_type = "snmp", BODY(snmp), .fields = fields};

static bool value_is(struct span value, const uint8_t *bytes, uint32_t len)
{
	return value.left == len && memcmp(value.at, bytes, len) == 0;
}

static void value_keep(struct span oid, const struct ber *value, struct snmp *snmp, struct l7 *l7)
{
	if (value->tag != BER_OCTETS)
		return;
	if (value_is(oid, oid_sys_descr, sizeof(oid_sys_descr)))
		snmp->sys_descr = l7_text(l7, value->value, VALUE_MAX);
	if (value_is(oid, oid_sys_name, sizeof(oid_sys_name)))
		snmp->sys_name = l7_text(l7, value->value, VALUE_MAX);
	if (snmp->pdu == PDU_RESPONSE && snmp->sys_name.len > 0)
		l7->hostname = snmp->sys_name;
}

// One more name of the list, if all of it fits.
static void name_put(struct text_builder *names, struct span oid)
{
	char room[OID_ROOM];
	struct text_builder name = text_builder(room, sizeof(room));

	if (!ber_oid_put(&name, oid) || name.used == name.room || name.used + 1 > names->room - names->used)
		return;
	if (names->used > 0)
		text_put(names, ",");
	text_put_bytes(names, room, name.used);
}

static bool variables_read(struct span pdu, struct snmp *snmp, struct l7 *l7)
{
	char room[VARS_ROOM];
	struct text_builder names = text_builder(room, sizeof(room));
	struct span list = ber_take(&pdu, BER_SEQUENCE);

	while (list.left > 0) {
		struct span pair = ber_take(&list, BER_SEQUENCE), oid = ber_take(&pair, BER_OID);
		struct ber value;

		if (!ber_read(&pair, &value))
			return false;
		if (snmp->variables < VARS_MAX)
			name_put(&names, oid);
		value_keep(oid, &value, snmp, l7);
		snmp->variables++;
	}
	snmp->vars = l7_text_bytes(l7, room, (uint32_t)names.used, VARS_ROOM);
	return span_ok(&list);
}

static bool trap_read(struct span pdu, struct snmp *snmp, struct l7 *l7)
{
	char room[OID_ROOM];
	struct text_builder oid = text_builder(room, sizeof(room));
	struct span enterprise = ber_take(&pdu, BER_OID), address = ber_take(&pdu, TAG_ADDRESS);
	int64_t type = ber_integer(&pdu, BER_INTEGER);

	ber_integer(&pdu, BER_INTEGER); // the specific trap
	ber_take(&pdu, TAG_TIME_TICKS);
	if (!span_ok(&pdu) || type < 0 || type >= TRAPS - 1 || address.left != RECORD_IPV4 || !ber_oid_put(&oid, enterprise))
		return false;
	snmp->trap = (uint8_t)(type + 1);
	memcpy(snmp->trap_address, address.at, RECORD_IPV4);
	snmp->trap_oid = l7_text_bytes(l7, room, (uint32_t)oid.used, OID_ROOM);
	return variables_read(pdu, snmp, l7);
}

static bool pdu_read(struct span *in, struct snmp *snmp, struct l7 *l7)
{
	struct ber pdu;
	int64_t id, error, index;

	if (!ber_read(in, &pdu) || pdu.tag < PDU_FIRST || pdu.tag > PDU_LAST)
		return false;
	snmp->pdu = (uint8_t)(pdu.tag - PDU_FIRST);
	if (snmp->pdu == PDU_TRAP_1)
		return trap_read(pdu.value, snmp, l7);
	id = ber_integer(&pdu.value, BER_INTEGER);
	error = ber_integer(&pdu.value, BER_INTEGER); // of a bulk request: how many names do not repeat
	index = ber_integer(&pdu.value, BER_INTEGER);
	if (!span_ok(&pdu.value) || error < 0 || index < 0 || (snmp->pdu != PDU_BULK && error > ERROR_LAST))
		return false;
	snmp->request_id = (uint32_t)id;
	if (snmp->pdu != PDU_BULK) {
		snmp->error = (uint16_t)error;
		snmp->error_index = (uint32_t)index;
	}
	return variables_read(pdu.value, snmp, l7);
}

static struct record_text hex_text(struct l7 *l7, struct span bytes)
{
	char room[2 * ENGINE_MAX];
	struct text_builder hex = text_builder(room, sizeof(room));

	text_put_hex(&hex, bytes.at, bytes.left < ENGINE_MAX ? bytes.left : ENGINE_MAX);
	return l7_text_bytes(l7, room, (uint32_t)hex.used, sizeof(room));
}

// The parameters of the user-based security model: an encoded sequence in an OCTET STRING.
static bool usm_read(struct span in, struct snmp *snmp, struct l7 *l7)
{
	struct span usm = ber_take(&in, BER_SEQUENCE), engine = ber_take(&usm, BER_OCTETS), user;

	ber_integer(&usm, BER_INTEGER); // boots
	ber_integer(&usm, BER_INTEGER); // time
	user = ber_take(&usm, BER_OCTETS);
	if (!span_ok(&usm))
		return false;
	snmp->usm = l7_text(l7, user, USER_MAX);
	snmp->engine_id = hex_text(l7, engine);
	return true;
}

static bool version_3_read(struct span *in, struct snmp *snmp, struct l7 *l7)
{
	struct span header = ber_take(in, BER_SEQUENCE), flags, security, scoped, context;
	int64_t model;

	ber_integer(&header, BER_INTEGER); // message id
	ber_integer(&header, BER_INTEGER); // longest answer
	flags = ber_take(&header, BER_OCTETS);
	model = ber_integer(&header, BER_INTEGER);
	security = ber_take(in, BER_OCTETS);
	if (!span_ok(&header) || !span_ok(in) || flags.left != 1 || (model == MODEL_USM && !usm_read(security, snmp, l7)))
		return false;
	if ((flags.at[0] & FLAG_ENCRYPTED) != 0) {
		snmp->pdu = PDU_ENCRYPTED;
		ber_take(in, BER_OCTETS);
		return span_ok(in);
	}
	scoped = ber_take(in, BER_SEQUENCE);
	ber_take(&scoped, BER_OCTETS); // the context's engine
	context = ber_take(&scoped, BER_OCTETS);
	snmp->context = l7_text(l7, context, USER_MAX);
	return pdu_read(&scoped, snmp, l7);
}

static bool message_read(struct span message, struct l7 *l7)
{
	struct snmp *snmp = L7_BODY(l7, struct snmp);
	int64_t version = ber_integer(&message, BER_INTEGER);
	struct span community;

	if (!span_ok(&message) || (version != VERSION_1 && version != VERSION_2C && version != VERSION_3))
		return false;
	snmp->version = version == VERSION_3 ? 3 : (uint8_t)(version + 1);
	if (version == VERSION_3)
		return version_3_read(&message, snmp, l7);
	community = ber_take(&message, BER_OCTETS);
	snmp->community = l7_text(l7, community, COMMUNITY_MAX);
	return span_ok(&message) && pdu_read(&message, snmp, l7);
}

static enum proto_verdict refuse(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	l7_clear(l7);
	if (!hint->claimed || hint->l4 == PROTO_UDP)
		return PROTO_NO;
	l7->used = in.left; // something was lost: the next segment may begin a message
	return PROTO_MORE;
}

static enum proto_verdict snmp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct span at = in;
	struct ber head;
	enum ber_found found = ber_head_read(&at, &head);

	if (hint->l4 == PROTO_TCP && found == BER_SHORT && span_starts(in, "0"))
		return PROTO_MORE;
	if (found != BER_YES || head.tag != BER_SEQUENCE || head.length > MESSAGE_MAX)
		return refuse(in, hint, l7);
	if (hint->l4 == PROTO_TCP && head.length > at.left)
		return at.left > 0 && at.at[0] != BER_INTEGER ? refuse(in, hint, l7) : PROTO_MORE;
	if (!hint->claimed && hint->l4 == PROTO_UDP && head.length != at.left)
		return PROTO_NO;
	if (!message_read(span_take(&at, head.length), l7))
		return refuse(in, hint, l7);
	l7->used = in.left - at.left;
	return PROTO_YES;
}

const struct proto_ops proto_snmp = {
	.name = "snmp",
	.title = "SNMP",
	.spec = "RFC 1157, RFC 3416, RFC 3412, RFC 3414",
	.l4 = PROTO_UDP | PROTO_TCP,
	.ports = {161, 162},
	.max_payloads = 4,
	.first = {{BER_SEQUENCE, BER_SEQUENCE}},
	.firsts = 1,
	.dissect = snmp_dissect,
	.kind = &kind,
};
