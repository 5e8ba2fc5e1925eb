#include "proto/proto_ldap_message.h"

enum { DN_MAX = 512, NAME_MAX = 128, MESSAGE_TEXT_MAX = 256, ATTRIBUTES_ROOM = 512, ATTRIBUTES_MAX = 64, OID_MAX = 64 };
enum { VERSION_LAST = 3, SCOPE_LAST = 3, DEREF_LAST = 3, RESULT_LAST = 4096 };
enum { AUTH_SIMPLE = BER_CONTEXT_PLAIN, AUTH_SASL = BER_CONTEXT + 3, EXTENDED_NAME = BER_CONTEXT_PLAIN };
enum { AUTH_NTLM_FIRST = BER_CONTEXT_PLAIN + 9, AUTH_NTLM_LAST = BER_CONTEXT_PLAIN + 11 }; // Microsoft's, [MS-ADTS] 5.1.1.1

static const char start_tls[] = "1.3.6.1.4.1.1466.20037";

// The tag of each operation; 0: there is none of that number.
static const uint8_t tags[LDAP_OPERATIONS] = {
	[LDAP_BIND_REQUEST] = 0x60,    [LDAP_BIND_RESPONSE] = 0x61,    [LDAP_UNBIND_REQUEST] = 0x42,  [LDAP_SEARCH_REQUEST] = 0x63,
	[LDAP_SEARCH_ENTRY] = 0x64,    [LDAP_SEARCH_DONE] = 0x65,      [LDAP_MODIFY_REQUEST] = 0x66,  [LDAP_MODIFY_RESPONSE] = 0x67,
	[LDAP_ADD_REQUEST] = 0x68,     [LDAP_ADD_RESPONSE] = 0x69,     [LDAP_DEL_REQUEST] = 0x4a,     [LDAP_DEL_RESPONSE] = 0x6b,
	[LDAP_MOD_DN_REQUEST] = 0x6c,  [LDAP_MOD_DN_RESPONSE] = 0x6d,  [LDAP_COMPARE_REQUEST] = 0x6e, [LDAP_COMPARE_RESPONSE] = 0x6f,
	[LDAP_ABANDON_REQUEST] = 0x50, [LDAP_SEARCH_REFERENCE] = 0x73, [LDAP_EXTENDED_REQUEST] = 0x77, [LDAP_EXTENDED_RESPONSE] = 0x78,
	[LDAP_INTERMEDIATE_RESPONSE] = 0x79,
};

bool ldap_operation_of(uint8_t tag, enum ldap_operation *out)
{
	*out = tag & 0x1f;
	return *out < LDAP_OPERATIONS && tags[*out] == tag;
}

bool ldap_request_is(enum ldap_operation operation)
{
	return operation == LDAP_BIND_REQUEST || operation == LDAP_UNBIND_REQUEST || operation == LDAP_SEARCH_REQUEST ||
	       operation == LDAP_MODIFY_REQUEST || operation == LDAP_ADD_REQUEST || operation == LDAP_DEL_REQUEST ||
	       operation == LDAP_MOD_DN_REQUEST || operation == LDAP_COMPARE_REQUEST || operation == LDAP_ABANDON_REQUEST ||
	       operation == LDAP_EXTENDED_REQUEST;
}

bool ldap_head_read(struct span *in, uint32_t *message_id, struct ber *operation)
{
	int64_t id = ber_integer(in, BER_INTEGER);

	if (!span_ok(in) || id < 0 || id > INT32_MAX || ber_head_read(in, operation) != BER_YES)
		return false;
	*message_id = (uint32_t)id;
	return true;
}

// ---- requests ----

static bool bind_read(struct span in, struct ldap *out, struct l7 *l7)
{
	int64_t version = ber_integer(&in, BER_INTEGER);
	struct span name = ber_take(&in, BER_OCTETS);
	struct ber method;

	if (!ber_read(&in, &method) || version < 1 || version > VERSION_LAST)
		return false;
	out->version = (uint8_t)version;
	out->name = l7_text(l7, name, DN_MAX);
	if (method.tag == AUTH_SASL)
		out->mechanism = l7_text(l7, ber_take(&method.value, BER_OCTETS), NAME_MAX);
	else if (method.tag == AUTH_SIMPLE)
		out->simple = true;
	else
		return method.tag >= AUTH_NTLM_FIRST && method.tag <= AUTH_NTLM_LAST;
	return span_ok(&method.value);
}

// Names that an answer shall have, comma separated; one that has a comma in it is left out.
static void attributes_read(struct span in, struct ldap *out, struct l7 *l7)
{
	char room[ATTRIBUTES_ROOM];
	struct text_builder names = text_builder(room, sizeof(room));

	for (unsigned i = 0; i < ATTRIBUTES_MAX && in.left > 0; i++) {
		struct span name = ber_take(&in, BER_OCTETS);

		if (name.left == 0 || name.left + 1u > names.room - names.used || memchr(name.at, ',', name.left) != NULL)
			continue;
		if (names.used > 0)
			text_put(&names, ",");
		text_put_bytes(&names, name.at, name.left);
	}
	out->attributes = l7_text_bytes(l7, room, (uint32_t)names.used, ATTRIBUTES_ROOM);
}

static bool search_read(struct span in, struct ldap *out, struct l7 *l7)
{
	struct span base = ber_take(&in, BER_OCTETS), list;
	int64_t scope = ber_integer(&in, BER_ENUMERATED), deref = ber_integer(&in, BER_ENUMERATED);
	struct ber filter;

	ber_integer(&in, BER_INTEGER); // most entries
	ber_integer(&in, BER_INTEGER); // most seconds
	ber_take(&in, BER_BOOLEAN);
	if (!ber_read(&in, &filter) || filter.tag < BER_CONTEXT_PLAIN || scope < 0 || scope > SCOPE_LAST || deref < 0 || deref > DEREF_LAST)
		return false;
	list = ber_take(&in, BER_SEQUENCE);
	if (!span_ok(&in))
		return false;
	out->base = l7_text(l7, base, DN_MAX);
	out->scope = (uint8_t)scope;
	attributes_read(list, out, l7);
	return true;
}

// An operation that begins with a name, and has another element behind it.
static bool named_read(struct span in, uint8_t second, struct record_text *name, struct l7 *l7)
{
	struct span dn = ber_take(&in, BER_OCTETS);

	ber_take(&in, second);
	*name = l7_text(l7, dn, DN_MAX);
	return span_ok(&in);
}

static bool mod_dn_read(struct span in, struct ldap *out, struct l7 *l7)
{
	struct span dn = ber_take(&in, BER_OCTETS), rdn = ber_take(&in, BER_OCTETS);

	ber_take(&in, BER_BOOLEAN);
	out->from = l7_text(l7, dn, DN_MAX);
	out->new_rdn = l7_text(l7, rdn, DN_MAX);
	return span_ok(&in);
}

static bool oid_is(struct span in)
{
	if (in.left < 3 || in.left > OID_MAX)
		return false;
	while (in.left > 0) {
		uint8_t c = span_u8(&in);

		if (c != '.' && (c < '0' || c > '9'))
			return false;
	}
	return true;
}

static bool extended_read(struct span in, struct ldap *out, struct l7 *l7)
{
	struct span name = ber_take(&in, EXTENDED_NAME);

	if (!oid_is(name))
		return false;
	out->extended = l7_text(l7, name, OID_MAX);
	out->start_tls = name.left == sizeof(start_tls) - 1 && span_starts(name, start_tls);
	return true;
}

bool ldap_request_read(enum ldap_operation operation, struct span in, struct ldap *out, struct l7 *l7)
{
	switch (operation) {
	case LDAP_BIND_REQUEST:
		return bind_read(in, out, l7);
	case LDAP_UNBIND_REQUEST:
		return in.left == 0;
	case LDAP_SEARCH_REQUEST:
		return search_read(in, out, l7);
	case LDAP_MODIFY_REQUEST:
		return named_read(in, BER_SEQUENCE, &out->object, l7);
	case LDAP_ADD_REQUEST:
		return named_read(in, BER_SEQUENCE, &out->entry, l7);
	case LDAP_DEL_REQUEST:
		out->dn = l7_text(l7, in, DN_MAX);
		return in.left > 0;
	case LDAP_MOD_DN_REQUEST:
		return mod_dn_read(in, out, l7);
	case LDAP_COMPARE_REQUEST:
		return named_read(in, BER_SEQUENCE, &out->compared, l7);
	case LDAP_ABANDON_REQUEST:
		return in.left > 0 && in.left <= 4;
	case LDAP_EXTENDED_REQUEST:
		return extended_read(in, out, l7);
	default:
		return false;
	}
}

// ---- responses ----

bool ldap_response_read(enum ldap_operation operation, struct span in, struct ldap_response *out, struct l7 *l7)
{
	struct span matched, message;
	int64_t result;

	out->operation = (uint8_t)operation;
	if (operation == LDAP_SEARCH_ENTRY) {
		ber_take(&in, BER_OCTETS);
		ber_take(&in, BER_SEQUENCE);
		return span_ok(&in);
	}
	if (operation == LDAP_SEARCH_REFERENCE) {
		ber_take(&in, BER_OCTETS);
		return span_ok(&in);
	}
	if (operation == LDAP_INTERMEDIATE_RESPONSE)
		return true;
	result = ber_integer(&in, BER_ENUMERATED);
	matched = ber_take(&in, BER_OCTETS);
	message = ber_take(&in, BER_OCTETS);
	if (!span_ok(&in) || result < 0 || result > RESULT_LAST)
		return false;
	out->result = (uint16_t)result;
	out->matched_dn = l7_text(l7, matched, DN_MAX);
	out->message = l7_text(l7, message, MESSAGE_TEXT_MAX);
	return true;
}
