// LDAP version 2 and 3, RFC 4511, over TCP, and connectionless over UDP (RFC 1798) as Active Directory uses it.
//
// The content decides: the envelope, an operation that exists and its fixed part. A request with the response that ends it is one
// event; entries that are found are counted, not told. A request that makes way for the next while it waits is told alone. StartTLS ends
// the protocol by agreement. What a SASL layer encrypts cannot be read: then nothing more is asked.
#include "proto/proto_ldap_message.h"
#include "proto/proto_list.h"

enum { MESSAGE_MAX = 12288, LENGTH_MAX = 0x1000000, RESULTS = 81, DATAGRAM_MESSAGES_MAX = 4 };

struct memory {
	bool sasl; // a layer of it may be in use
};

static const char *const operations[LDAP_OPERATIONS] = {
	"bind_request",     "bind_response",    "unbind_request",          "search_request",  "search_result_entry", "search_result_done",
	"modify_request",   "modify_response",  "add_request",             "add_response",    "del_request",         "del_response",
	"mod_dn_request",   "mod_dn_response",  "compare_request",         "compare_response", "abandon_request",    "unknown",
	"unknown",          "search_result_reference", "unknown",          "unknown",         "unknown",             "extended_request",
	"extended_response", "intermediate_response"};

static const char *const results[RESULTS] = {
	[0] = "success", [1] = "operations_error", [2] = "protocol_error", [3] = "time_limit_exceeded", [4] = "size_limit_exceeded",
	[5] = "compare_false", [6] = "compare_true", [7] = "auth_method_not_supported", [8] = "stronger_auth_required", [10] = "referral",
	[11] = "admin_limit_exceeded", [12] = "unavailable_critical_extension", [13] = "confidentiality_required",
	[14] = "sasl_bind_in_progress", [16] = "no_such_attribute", [17] = "undefined_attribute_type", [18] = "inappropriate_matching",
	[19] = "constraint_violation", [20] = "attribute_or_value_exists", [21] = "invalid_attribute_syntax", [32] = "no_such_object",
	[33] = "alias_problem", [34] = "invalid_dn_syntax", [36] = "alias_dereferencing_problem", [48] = "inappropriate_authentication",
	[49] = "invalid_credentials", [50] = "insufficient_access_rights", [51] = "busy", [52] = "unavailable",
	[53] = "unwilling_to_perform", [54] = "loop_detect", [64] = "naming_violation", [65] = "object_class_violation",
	[66] = "not_allowed_on_non_leaf", [67] = "not_allowed_on_rdn", [68] = "entry_already_exists",
	[69] = "object_class_mods_prohibited", [71] = "affects_multiple_dsas", [80] = "other",
};

static const char *result_name(uint32_t result)
{
	return result < RESULTS ? results[result] : NULL;
}

static bool operation_make(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct ldap *ldap = record_body_const(r);

	(void)context;
	if (!ldap->request || ldap->operation >= sizeof(operations) / sizeof(operations[0]) || operations[ldap->operation] == NULL)
		return false;
	out->text = operations[ldap->operation];
	out->length = (uint32_t)strlen(out->text);
	return true;
}

static bool scope_make(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct ldap *ldap = record_body_const(r);

	(void)context;
	out->number = ldap->scope;
	return ldap->request && ldap->operation == LDAP_SEARCH_REQUEST;
}

static const struct record_field response_fields[] = {
	{FIELD("operation", NAME8, ldap_response, operation), TOP("operation"), NAMES(operations)},
	{FIELD("message_id", U32, ldap_response, message_id), TOP("message_id")},
	{FIELD("result_code", NAME16, ldap_response, result), TOP("result_code"), .name_of = result_name},
	{FIELD("matched_dn", TEXT, ldap_response, matched_dn), TOP("matched_dn")},
	{FIELD("message", TEXT, ldap_response, message), TOP("message")},
	{0},
};

static const struct record_field fields[] = {
	{.name = "operation", .csv = "operation", .sql = "operation", .kind = FIELD_MADE_TEXT, .make = operation_make, IN("ldap.request", "operation")},
	{FIELD("message_id", U32, ldap, message_id), IN("ldap.request", "message_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("bind_version", U8, ldap, version), IN("ldap.request.bind_request", "version"), .flags = FIELD_OMIT_ZERO},
	{FIELD("bind_name", TEXT, ldap, name), IN("ldap.request.bind_request", "name")},
	{FIELD("bind_simple", BOOL, ldap, simple), IN("ldap.request.bind_request", "simple"), .flags = FIELD_OMIT_ZERO},
	{FIELD("bind_mechanism", TEXT, ldap, mechanism), IN("ldap.request.bind_request.sasl", "mechanism")},
	{FIELD("search_base", TEXT, ldap, base), IN("ldap.request.search_request", "base_object")},
	{.name = "search_scope", .csv = "search_scope", .sql = "search_scope", .kind = FIELD_MADE_NUMBER, .make = scope_make,
	 IN("ldap.request.search_request", "scope")},
	{FIELD("search_attributes", TEXT_LIST, ldap, attributes), IN("ldap.request.search_request", "attributes")},
	{FIELD("modify_object", TEXT, ldap, object), IN("ldap.request.modify_request", "object")},
	{FIELD("add_entry", TEXT, ldap, entry), IN("ldap.request.add_request", "entry")},
	{FIELD("del_dn", TEXT, ldap, dn), IN("ldap.request.del_request", "dn")},
	{FIELD("mod_dn_entry", TEXT, ldap, from), IN("ldap.request.mod_dn_request", "entry")},
	{FIELD("mod_dn_new_rdn", TEXT, ldap, new_rdn), IN("ldap.request.mod_dn_request", "new_rdn")},
	{FIELD("compare_entry", TEXT, ldap, compared), IN("ldap.request.compare_request", "entry")},
	{FIELD("extended_name", TEXT, ldap, extended), IN("ldap.request.extended_request", "name")},
	{FIELD("entries", U32, ldap, entries), IN("ldap", "entries"), .flags = FIELD_OMIT_ZERO},
	{FIELD("responses", ROWS, ldap, response), IN("ldap", "responses"), ROWS(ldap, response, responses, 1), .row_fields = response_fields},
	{0},
};

static const struct record_kind kind = {.event_type = "ldap", BODY(ldap), .client_first = true, .fields = fields};

struct ldap_call {
	struct span in;
	const struct proto_hint *hint;
	struct l7 *l7;
	uint32_t message_id;
	struct ber operation; // whole
};

static enum proto_verdict refuse(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *memory = L7_MEMORY(l7, struct memory);

	if (!hint->claimed || hint->l4 == PROTO_UDP)
		return PROTO_NO;
	if (memory->sasl)
		return PROTO_DONE;
	l7->used = in.left; // something was lost: a later segment begins a message
	return PROTO_MORE;
}

// A pending request must not be spoilt by what does not parse.
static enum proto_verdict request(struct ldap_call *c, enum ldap_operation operation)
{
	struct ldap *ldap = L7_BODY(c->l7, struct ldap);

	if (c->l7->pending) { // the one before, unanswered; this one is offered again
		c->l7->used = 0;
		return PROTO_YES;
	}
	l7_clear(c->l7);
	if (!ldap_request_read(operation, c->operation.value, ldap, c->l7)) {
		l7_clear(c->l7);
		return refuse(c->in, c->hint, c->l7);
	}
	ldap->request = true;
	ldap->operation = (uint8_t)operation;
	ldap->message_id = c->message_id;
	c->l7->pending = true;
	if (c->hint->l4 == PROTO_UDP || operation == LDAP_UNBIND_REQUEST || operation == LDAP_ABANDON_REQUEST)
		return PROTO_YES;
	return PROTO_MORE;
}

static bool ends(enum ldap_operation operation)
{
	return operation != LDAP_SEARCH_ENTRY && operation != LDAP_SEARCH_REFERENCE && operation != LDAP_INTERMEDIATE_RESPONSE;
}

static enum proto_verdict response(struct ldap_call *c, enum ldap_operation operation)
{
	struct ldap *ldap = L7_BODY(c->l7, struct ldap);
	struct memory *memory = L7_MEMORY(c->l7, struct memory);
	bool other = c->l7->pending && ldap->message_id != c->message_id;
	struct ldap_response found = {.message_id = c->message_id};

	if (other && ends(operation)) { // whose request is not known: that of the one that waits is told first
		c->l7->used = 0;
		return PROTO_YES;
	}
	if (!ldap_response_read(operation, c->operation.value, &found, c->l7))
		return refuse(c->in, c->hint, c->l7);
	if (!ends(operation)) {
		ldap->entries += operation == LDAP_SEARCH_ENTRY && (c->l7->pending ? !other : c->hint->l4 == PROTO_UDP);
		return PROTO_MORE;
	}
	if (operation == LDAP_BIND_RESPONSE && !ldap->simple && found.result == 0)
		memory->sasl = true;
	ldap->response[0] = found;
	ldap->responses = 1;
	c->l7->pending = true;
	return operation == LDAP_EXTENDED_RESPONSE && ldap->start_tls && found.result == 0 ? PROTO_NEXT : PROTO_YES;
}

// An entry, or what is too long to be read: passed over without being waited for. from: behind the operation's length.
static enum proto_verdict pass(struct span in, struct span from, uint32_t behind, uint32_t message_id, bool entry, struct l7 *l7)
{
	struct ldap *ldap = L7_BODY(l7, struct ldap);

	l7->used = in.left - from.left;
	l7->skip = behind - l7->used;
	if (entry && l7->pending && ldap->message_id == message_id)
		ldap->entries++;
	return PROTO_MORE;
}

static enum proto_verdict message(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct ldap_call c = {.in = in, .hint = hint, .l7 = l7};
	struct span at = in, from;
	struct ber envelope, head;
	enum ldap_operation operation;
	enum ber_found found = ber_head_read(&at, &envelope);
	bool stream = hint->l4 == PROTO_TCP;
	uint32_t whole;

	if (found == BER_SHORT && stream && in.at[0] == BER_SEQUENCE)
		return PROTO_MORE;
	if (found != BER_YES || envelope.tag != BER_SEQUENCE || envelope.length > LENGTH_MAX)
		return refuse(in, hint, l7);
	from = at;
	whole = in.left - at.left + envelope.length;
	if (!ldap_head_read(&from, &c.message_id, &head))
		return stream && at.left < 16 && at.left < envelope.length ? PROTO_MORE : refuse(in, hint, l7);
	if (!ldap_operation_of(head.tag, &operation))
		return refuse(in, hint, l7);
	if (stream && hint->claimed && whole >= in.left - from.left && (operation == LDAP_SEARCH_ENTRY || whole > MESSAGE_MAX))
		return pass(in, from, whole, c.message_id, operation == LDAP_SEARCH_ENTRY, l7);
	if (whole > in.left)
		return stream && whole <= MESSAGE_MAX ? PROTO_MORE : refuse(in, hint, l7);
	at = span_take(&at, envelope.length);
	if (!ldap_head_read(&at, &c.message_id, &c.operation) || c.operation.length > at.left)
		return refuse(in, hint, l7);
	c.operation.value = span_take(&at, c.operation.length);
	l7->used = whole;
	return ldap_request_is(operation) ? request(&c, operation) : response(&c, operation);
}

// A datagram may hold what is found and the end of the search.
static enum proto_verdict datagram(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	enum proto_verdict verdict = PROTO_NO;

	for (unsigned i = 0; i < DATAGRAM_MESSAGES_MAX && in.left > 0; i++) {
		enum proto_verdict next = message(in, hint, l7);

		if (next == PROTO_NO)
			break;
		verdict = next;
		if (verdict != PROTO_MORE)
			break;
		span_bytes(&in, l7->used);
	}
	return verdict;
}

static enum proto_verdict ldap_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	enum proto_verdict verdict = hint->l4 == PROTO_UDP ? datagram(in, hint, l7) : message(in, hint, l7);

	if (hint->l4 == PROTO_UDP && verdict != PROTO_NO)
		l7->used = in.left;
	return verdict;
}

const struct proto_ops proto_ldap = {
	.name = "ldap",
	.title = "LDAP",
	.spec = "RFC 4511",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {389, 3268},
	.max_payloads = 8,
	.first = {{BER_SEQUENCE, BER_SEQUENCE}},
	.firsts = 1,
	.dissect = ldap_dissect,
	.kind = &kind,
};
