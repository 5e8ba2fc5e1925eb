// One Kerberos message, RFC 4120 section 5: what a key distribution centre is asked and answers.
#ifndef PROTO_PROTO_KRB5_MESSAGE_H
#define PROTO_PROTO_KRB5_MESSAGE_H

#include "proto/proto_ber.h"
#include "record/l7.h"

enum krb5_type { KRB5_NONE, KRB5_AS_REQ, KRB5_AS_REP, KRB5_TGS_REQ, KRB5_TGS_REP, KRB5_ERROR, KRB5_TYPES };

struct krb5 {
	uint8_t type, failed; // enum krb5_type; failed: the request that an error answers
	bool weak, ticket_weak, preauthenticated;
	uint16_t error, etype, ticket_etype; // as they stand there, in 16 bits
	struct record_text cname, realm, sname, error_text, etypes;
};

// From the message's first byte on: which type it is, as far as tag, lengths, version and type agree. *length: of the whole
// message. BER_SHORT: more bytes are needed to tell.
enum ber_found krb5_begin(struct span in, enum krb5_type *type, uint32_t *length);

// Reads a message for which krb5_begin() said yes. False: it has not the form.
bool krb5_read(struct span in, enum krb5_type type, struct krb5 *out, struct l7 *l7);

const char *krb5_etype_name(uint32_t etype);
const char *krb5_error_name(uint32_t error);

#endif
