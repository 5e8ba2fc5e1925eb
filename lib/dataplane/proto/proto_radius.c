// RADIUS, RFC 2865, accounting, RFC 2866, and changes of authorization, RFC 5176, over UDP: who logs in where, and what he is granted.
//
// A datagram that is as long as its header says and whose attributes fill it, each of a length that its type allows, is what it is
// known by; one without attributes counts only in a flow that is known. Each message is one event. User-Password, CHAP, EAP and all
// that a secret protects is not looked at.
#include "base/text.h"
#include "proto/proto_list.h"
#include "record/record_names.h"

enum { HEADER_BYTES = 20, AUTHENTICATOR_BYTES = 16, LENGTH_MAX = 4096, ATTRIBUTES_MAX = 256, TEXT_MAX = 253, NUMBER_BYTES = 4 };
enum { CODE_LAST = 45, METHOD_PAP = 1, METHOD_CHAP, METHOD_MSCHAP, METHOD_EAP, VENDOR_MICROSOFT = 311 };

enum radius_attribute {
	USER_NAME = 1,
	USER_PASSWORD = 2,
	CHAP_PASSWORD = 3,
	NAS_IP_ADDRESS = 4,
	NAS_PORT = 5,
	SERVICE_TYPE = 6,
	FRAMED_IP_ADDRESS = 8,
	REPLY_MESSAGE = 18,
	VENDOR_SPECIFIC = 26,
	CALLED_STATION_ID = 30,
	CALLING_STATION_ID = 31,
	NAS_IDENTIFIER = 32,
	ACCT_STATUS_TYPE = 40,
	ACCT_INPUT_OCTETS = 42,
	ACCT_OUTPUT_OCTETS = 43,
	ACCT_SESSION_ID = 44,
	ACCT_SESSION_TIME = 46,
	ACCT_TERMINATE_CAUSE = 49,
	NAS_PORT_TYPE = 61,
	CONNECT_INFO = 77,
	EAP_MESSAGE = 79,
	NAS_IPV6_ADDRESS = 95,
	FRAMED_IPV6_ADDRESS = 168
};

struct radius {
	uint16_t code, status_type, port_type;
	uint8_t id, method;
	uint32_t nas_port, service_type, session_time, input_octets, output_octets, terminate_cause;
	struct record_text user_name, nas_ip, nas_id, called, calling, framed_ip, session_id, reply, connect_info;
};

static const char *const codes[CODE_LAST + 1] = {
	[1] = "access_request", [2] = "access_accept", [3] = "access_reject", [4] = "accounting_request", [5] = "accounting_response",
	[11] = "access_challenge", [12] = "status_server", [13] = "status_client", [40] = "disconnect_request", [41] = "disconnect_ack",
	[42] = "disconnect_nak", [43] = "coa_request", [44] = "coa_ack", [45] = "coa_nak",
};
static const char *const methods[] = {"none", "pap", "chap", "ms_chap", "eap"};

static const char *code_name(uint32_t code)
{
	return code <= CODE_LAST ? codes[code] : NULL;
}

static const char *status_name(uint32_t status)
{
	static const char *const names[] = {NULL, "start", "stop", "interim_update", NULL, NULL, NULL, "accounting_on", "accounting_off"};

	return status < sizeof(names) / sizeof(names[0]) ? names[status] : NULL;
}

static const char *port_type_name(uint32_t type)
{
	static const char *const names[] = {"async", "sync", "isdn_sync", [5] = "virtual", [15] = "ethernet", [17] = "cable",
					    [18] = "wireless_other", [19] = "wireless_802_11"};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

static const struct record_field fields[] = {
	{FIELD("code", NAME16, radius, code), IN("radius", "code"), .name_of = code_name},
	{FIELD("id", U8, radius, id), IN("radius", "id")},
	{FIELD("user_name", TEXT, radius, user_name), IN("radius", "user_name")},
	{FIELD("auth_method", NAME8, radius, method), IN("radius", "auth_method"), .flags = FIELD_OMIT_ZERO, NAMES(methods)},
	{FIELD("nas_ip", TEXT, radius, nas_ip), IN("radius", "nas_ip")},
	{FIELD("nas_id", TEXT, radius, nas_id), IN("radius", "nas_id")},
	{FIELD("nas_port", U32, radius, nas_port), IN("radius", "nas_port"), .flags = FIELD_OMIT_ZERO},
	{FIELD("nas_port_type", NAME16, radius, port_type), IN("radius", "nas_port_type"), .flags = FIELD_OMIT_ZERO, .name_of = port_type_name},
	{FIELD("service_type", U32, radius, service_type), IN("radius", "service_type"), .flags = FIELD_OMIT_ZERO},
	{FIELD("called_station_id", TEXT, radius, called), IN("radius", "called_station_id")},
	{FIELD("calling_station_id", TEXT, radius, calling), IN("radius", "calling_station_id")},
	{FIELD("framed_ip", TEXT, radius, framed_ip), IN("radius", "framed_ip")},
	{FIELD("connect_info", TEXT, radius, connect_info), IN("radius", "connect_info")},
	{FIELD("reply_message", TEXT, radius, reply), IN("radius", "reply_message")},
	{FIELD("acct_status_type", NAME16, radius, status_type), IN("radius", "acct_status_type"), .flags = FIELD_OMIT_ZERO,
	 .name_of = status_name},
	{FIELD("acct_session_id", TEXT, radius, session_id), IN("radius", "acct_session_id")},
	{FIELD("acct_session_time", U32, radius, session_time), IN("radius", "acct_session_time"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("acct_input_octets", U32, radius, input_octets), IN("radius", "acct_input_octets"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("acct_output_octets", U32, radius, output_octets), IN("radius", "acct_output_octets"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("acct_terminate_cause", U32, radius, terminate_cause), IN("radius", "acct_terminate_cause"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_kind kind = {.event_type = "radius", BODY(radius), .fields = fields};

// Types whose value is four bytes, always: numbers, addresses of IPv4, times.
static bool number_type(uint8_t type)
{
	static const uint8_t others[] = {23, 27, 28, 29, 37, 38, 40, 41, 42, 43, 45, 46, 47, 48, 49, 51, 52, 53, 55, 61, 62};

	return (type >= NAS_IP_ADDRESS && type <= 10) || (type >= 12 && type <= 16) || memchr(others, type, sizeof(others)) != NULL;
}

static bool attribute_read(struct span *in, uint8_t *type, struct span *value)
{
	uint8_t length;

	*type = span_u8(in);
	length = span_u8(in);
	if (length < 2 || *type == 0)
		return false;
	*value = span_take(in, length - 2u);
	return span_ok(in) && (!number_type(*type) || value->left == NUMBER_BYTES);
}

// Whether the attributes fill their place, every one as its type wants it.
static bool attributes_fit(struct span in)
{
	struct span value;
	uint8_t type;

	for (unsigned i = 0; i < ATTRIBUTES_MAX && in.left > 0; i++)
		if (!attribute_read(&in, &type, &value))
			return false;
	return in.left == 0;
}

static struct record_text address_text(struct span value, struct l7 *l7)
{
	char room[RECORD_ADDRESS_MAX];

	if (value.left != 4 && value.left != 16)
		return (struct record_text){0};
	return l7_text_bytes(l7, room, (uint32_t)(record_address_put(room, value.left == 4 ? 4 : 6, value.at) - room), sizeof(room));
}

static void text_keep(uint8_t type, struct span value, struct radius *radius, struct l7 *l7)
{
	struct record_text *text = type == USER_NAME            ? &radius->user_name
				   : type == NAS_IDENTIFIER     ? &radius->nas_id
				   : type == CALLED_STATION_ID  ? &radius->called
				   : type == CALLING_STATION_ID ? &radius->calling
				   : type == REPLY_MESSAGE      ? &radius->reply
				   : type == ACCT_SESSION_ID    ? &radius->session_id
				   : type == CONNECT_INFO       ? &radius->connect_info
								: NULL;

	if (text != NULL && text->len == 0)
		*text = l7_text(l7, value, TEXT_MAX);
}

static void number_keep(uint8_t type, struct span value, struct radius *radius)
{
	uint32_t number = span_be32(&value);

	if (type == NAS_PORT)
		radius->nas_port = number;
	else if (type == SERVICE_TYPE)
		radius->service_type = number;
	else if (type == ACCT_STATUS_TYPE)
		radius->status_type = (uint16_t)number;
	else if (type == NAS_PORT_TYPE)
		radius->port_type = (uint16_t)number;
	else if (type == ACCT_SESSION_TIME)
		radius->session_time = number;
	else if (type == ACCT_INPUT_OCTETS)
		radius->input_octets = number;
	else if (type == ACCT_OUTPUT_OCTETS)
		radius->output_octets = number;
	else if (type == ACCT_TERMINATE_CAUSE)
		radius->terminate_cause = number;
}

static void attribute_keep(uint8_t type, struct span value, struct radius *radius, struct l7 *l7)
{
	if (type == NAS_IP_ADDRESS || type == NAS_IPV6_ADDRESS)
		radius->nas_ip = address_text(value, l7);
	else if (type == FRAMED_IP_ADDRESS || type == FRAMED_IPV6_ADDRESS)
		radius->framed_ip = address_text(value, l7);
	else if (type == USER_PASSWORD)
		radius->method = METHOD_PAP;
	else if (type == CHAP_PASSWORD)
		radius->method = METHOD_CHAP;
	else if (type == EAP_MESSAGE)
		radius->method = METHOD_EAP;
	else if (type == VENDOR_SPECIFIC && radius->method == 0 && radius->code == 1 && span_be32(&value) == VENDOR_MICROSOFT)
		radius->method = METHOD_MSCHAP;
	else if (number_type(type))
		number_keep(type, value, radius);
	else
		text_keep(type, value, radius, l7);
}

static enum proto_verdict radius_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct radius *radius = L7_BODY(l7, struct radius);
	uint32_t whole = in.left;
	uint8_t code = span_u8(&in), id = span_u8(&in), type;
	uint16_t length = span_be16(&in);
	struct span value;

	span_bytes(&in, AUTHENTICATOR_BYTES);
	if (!span_ok(&in) || code_name(code) == NULL || length != whole || length > LENGTH_MAX || !attributes_fit(in))
		return PROTO_NO;
	if (in.left == 0 && !hint->claimed)
		return PROTO_MORE;
	radius->code = code;
	radius->id = id;
	while (in.left > 0 && attribute_read(&in, &type, &value))
		attribute_keep(type, value, radius, l7);
	l7->used = whole;
	return PROTO_YES;
}

const struct proto_ops proto_radius = {
	.name = "radius",
	.title = "RADIUS",
	.spec = "RFC 2865, RFC 2866, RFC 5176",
	.l4 = PROTO_UDP,
	.ports = {1812, 1813, 1645, 1646, 3799},
	.max_payloads = 4,
	.first = {{1, 5}, {11, 13}, {40, 45}},
	.firsts = 3,
	.dissect = radius_dissect,
	.kind = &kind,
};
