// Modbus over TCP: MODBUS Messaging on TCP/IP Implementation Guide 1.0b, MODBUS Application Protocol 1.1b3. A message has a header of
// seven bytes whose protocol is zero and whose length fits what its function needs. One event for a request and its answer; a request
// that comes before the answer to another is an event of its own.
#include "proto/proto_list.h"

struct modbus {
	uint16_t transaction, function, exception, address, quantity, value;
	uint8_t unit;
	bool request, response;
};

enum { HEADER_BYTES = 6, LENGTH_MIN = 2, LENGTH_MAX = 254, FAILED = 0x80 };
enum { READ_COILS = 1, READ_DISCRETE, READ_HOLDING, READ_INPUT, WRITE_COIL, WRITE_REGISTER, WRITE_COILS = 15, WRITE_REGISTERS = 16 };
enum { FUNCTION_MAX = 43, COILS_MAX = 2000, REGISTERS_MAX = 125, EXCEPTION_MAX = 11 };

static const char *function_name(uint32_t function)
{
	static const char *const names[] = {
		[READ_COILS] = "read_coils", [READ_DISCRETE] = "read_discrete_inputs", [READ_HOLDING] = "read_holding_registers",
		[READ_INPUT] = "read_input_registers", [WRITE_COIL] = "write_single_coil", [WRITE_REGISTER] = "write_single_register",
		[7] = "read_exception_status", [8] = "diagnostics", [11] = "get_comm_event_counter", [12] = "get_comm_event_log",
		[WRITE_COILS] = "write_multiple_coils", [WRITE_REGISTERS] = "write_multiple_registers", [17] = "report_server_id",
		[20] = "read_file_record", [21] = "write_file_record", [22] = "mask_write_register", [23] = "read_write_multiple_registers",
		[24] = "read_fifo_queue", [FUNCTION_MAX] = "encapsulated_interface_transport",
	};

	return function < sizeof(names) / sizeof(names[0]) ? names[function] : NULL;
}

static const char *exception_name(uint32_t exception)
{
	static const char *const names[] = {NULL, "illegal_function", "illegal_data_address", "illegal_data_value", "server_device_failure",
					    "acknowledge", "server_device_busy", NULL, "memory_parity_error", NULL, "gateway_path_unavailable",
					    "gateway_target_failed_to_respond"};

	return exception < sizeof(names) / sizeof(names[0]) ? names[exception] : NULL;
}

static const struct record_field fields[] = {
	{FIELD("transaction_id", U16, modbus, transaction), IN("modbus", "transaction_id")},
	{FIELD("unit_id", U8, modbus, unit), IN("modbus", "unit_id")},
	{FIELD("function_code", U16, modbus, function), IN("modbus", "function_code")},
	{FIELD("function", NAME16, modbus, function), IN("modbus", "function"), .name_of = function_name},
	{FIELD("address", U16, modbus, address), IN("modbus", "address"), .flags = FIELD_OMIT_ZERO},
	{FIELD("quantity", U16, modbus, quantity), IN("modbus", "quantity"), .flags = FIELD_OMIT_ZERO},
	{FIELD("value", U16, modbus, value), IN("modbus", "value"), .flags = FIELD_OMIT_ZERO},
	{FIELD("exception", NAME16, modbus, exception), IN("modbus", "exception"), .flags = FIELD_OMIT_ZERO, .name_of = exception_name},
	{FIELD("request_seen", BOOL, modbus, request), IN("modbus", "request")},
	{FIELD("response_seen", BOOL, modbus, response), IN("modbus", "response")},
	{0},
};

static const struct record_kind kind = {.event_type = "modbus", BODY(modbus), .client_first = true, .fields = fields};

struct message {
	uint16_t transaction, address, number; // number: how many, or the value of a single one
	uint8_t unit, function, exception;
};

// What a request of a function has behind it; false if that is not its form. Functions seldom used pass as they are.
static bool request_fits(struct span in, struct message *m)
{
	uint16_t most = m->function <= READ_DISCRETE || m->function == WRITE_COILS ? COILS_MAX : REGISTERS_MAX;
	uint8_t bytes;

	if (m->function > WRITE_REGISTER && m->function != WRITE_COILS && m->function != WRITE_REGISTERS)
		return true;
	m->address = span_be16(&in);
	m->number = span_be16(&in);
	if (m->function == WRITE_COIL)
		return span_ok(&in) && in.left == 0 && (m->number == 0 || m->number == 0xff00);
	if (m->function == WRITE_REGISTER)
		return span_ok(&in) && in.left == 0;
	if (m->number == 0 || m->number > most)
		return false;
	if (m->function <= READ_INPUT)
		return span_ok(&in) && in.left == 0;
	bytes = span_u8(&in);
	return span_ok(&in) && in.left == bytes && bytes == (m->function == WRITE_COILS ? (m->number + 7) / 8 : m->number * 2);
}

static bool response_fits(struct span in, struct message *m)
{
	if ((m->function & FAILED) != 0) {
		m->function &= (uint8_t)~FAILED;
		m->exception = span_u8(&in);
		return span_ok(&in) && in.left == 0 && m->exception > 0 && m->exception <= EXCEPTION_MAX;
	}
	if (m->function <= READ_INPUT) {
		uint8_t bytes = span_u8(&in);

		return span_ok(&in) && bytes > 0 && in.left == bytes;
	}
	if (m->function <= WRITE_REGISTER || m->function == WRITE_COILS || m->function == WRITE_REGISTERS)
		return in.left == 4;
	return true;
}

static bool message_read(struct span *in, bool to_server, struct message *m, bool *more)
{
	struct span body;
	uint16_t protocol, length;

	*more = false;
	m->transaction = span_be16(in);
	protocol = span_be16(in);
	length = span_be16(in);
	if (!span_ok(in)) {
		*more = true;
		return false;
	}
	if (protocol != 0 || length < LENGTH_MIN || length > LENGTH_MAX)
		return false;
	*more = in->left < length;
	body = span_take(in, length);
	m->unit = span_u8(&body);
	m->function = span_u8(&body);
	if (!span_ok(&body) || function_name(m->function & ~(unsigned)FAILED) == NULL)
		return false;
	return to_server ? (m->function & FAILED) == 0 && request_fits(body, m) : response_fits(body, m);
}

static void request_put(struct modbus *modbus, const struct message *m)
{
	*modbus = (struct modbus){.transaction = m->transaction, .unit = m->unit, .function = m->function, .address = m->address,
				  .request = true};
	if (m->function == WRITE_COIL || m->function == WRITE_REGISTER)
		modbus->value = m->number;
	else
		modbus->quantity = m->number;
}

static enum proto_verdict modbus_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct modbus *modbus = L7_BODY(l7, struct modbus);
	uint32_t whole = in.left;
	struct message m = {0};
	bool more;

	if (!message_read(&in, hint->to_server, &m, &more))
		return more ? PROTO_MORE : PROTO_NO;
	if (hint->to_server && modbus->request) {
		l7->used = 0; // the one before was not answered: it goes first, then this again
		l7->pending = false;
		return PROTO_YES;
	}
	l7->used = whole - in.left;
	if (hint->to_server) {
		request_put(modbus, &m);
		l7->pending = true;
		return PROTO_MORE;
	}
	if (!modbus->request || modbus->transaction != m.transaction || modbus->function != m.function)
		*modbus = (struct modbus){.transaction = m.transaction, .unit = m.unit, .function = m.function};
	modbus->response = true;
	modbus->exception = m.exception;
	return PROTO_YES;
}

const struct proto_ops proto_modbus = {
	.name = "modbus",
	.title = "Modbus/TCP",
	.spec = "MODBUS Application Protocol 1.1b3",
	.l4 = PROTO_TCP,
	.ports = {502},
	.max_payloads = 3,
	.dissect = modbus_dissect,
	.kind = &kind,
};
