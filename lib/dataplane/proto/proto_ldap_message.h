// One LDAP message, RFC 4511 section 4: what is asked, and how it ended. Passwords are not looked at.
#ifndef PROTO_PROTO_LDAP_MESSAGE_H
#define PROTO_PROTO_LDAP_MESSAGE_H

#include "proto/proto_ber.h"
#include "record/l7.h"

enum ldap_operation {
	LDAP_BIND_REQUEST,
	LDAP_BIND_RESPONSE,
	LDAP_UNBIND_REQUEST,
	LDAP_SEARCH_REQUEST,
	LDAP_SEARCH_ENTRY,
	LDAP_SEARCH_DONE,
	LDAP_MODIFY_REQUEST,
	LDAP_MODIFY_RESPONSE,
	LDAP_ADD_REQUEST,
	LDAP_ADD_RESPONSE,
	LDAP_DEL_REQUEST,
	LDAP_DEL_RESPONSE,
	LDAP_MOD_DN_REQUEST,
	LDAP_MOD_DN_RESPONSE,
	LDAP_COMPARE_REQUEST,
	LDAP_COMPARE_RESPONSE,
	LDAP_ABANDON_REQUEST,
	LDAP_SEARCH_REFERENCE = 19,
	LDAP_EXTENDED_REQUEST = 23,
	LDAP_EXTENDED_RESPONSE,
	LDAP_INTERMEDIATE_RESPONSE,
	LDAP_OPERATIONS
};

enum { LDAP_SASL_IN_PROGRESS = 14 };

struct ldap_response {
	uint8_t operation;
	uint16_t result;
	uint32_t message_id;
	struct record_text matched_dn, message;
};

struct ldap {
	bool request;  // there is one
	uint8_t operation, version, scope;
	bool simple, start_tls;
	uint8_t responses;
	uint32_t message_id, entries;
	struct record_text name, mechanism, base, attributes, object, entry, dn, from, new_rdn, compared, extended;
	struct ldap_response response[1]; // the one that ends it
};

// The envelope's content up to the operation, which may not be all there (of a search entry no more is needed).
bool ldap_head_read(struct span *in, uint32_t *message_id, struct ber *operation);

// Whether the tag of an operation is that of one that exists; index of enum ldap_operation.
bool ldap_operation_of(uint8_t tag, enum ldap_operation *out);
bool ldap_request_is(enum ldap_operation operation);

// Reads an operation, whole. False: it has not the form of one.
bool ldap_request_read(enum ldap_operation operation, struct span in, struct ldap *out, struct l7 *l7);
bool ldap_response_read(enum ldap_operation operation, struct span in, struct ldap_response *out, struct l7 *l7);

#endif
