// Kerberos 5, RFC 4120, over UDP and TCP: what is asked of a key distribution centre, and how it answers.
//
// Known by the tag of a message, two lengths that fit each other (and the datagram), the version and the type of the message once more
// inside. A request with its answer is one event, named after the answer as Suricata does; names that an answer leaves out are the
// request's. Tickets stay unread but for the cipher they are under. A message longer than MESSAGE_MAX is passed over.
#include "proto/proto_krb5_message.h"
#include "proto/proto_list.h"

enum { MESSAGE_MAX = 12288, LENGTH_MAX = 1 << 20, LENGTH_BYTES = 4 };

static const char *const types[KRB5_TYPES] = {"none", "KRB_AS_REQ", "KRB_AS_REP", "KRB_TGS_REQ", "KRB_TGS_REP", "KRB_ERROR"};

static const struct record_field fields[] = {
	{FIELD("msg_type", NAME8, krb5, type), IN("krb5", "msg_type"), NAMES(types)},
	{FIELD("failed_request", NAME8, krb5, failed), IN("krb5", "failed_request"), .flags = FIELD_OMIT_ZERO, NAMES(types)},
	{FIELD("error_code", NAME16, krb5, error), IN("krb5", "error_code"), .flags = FIELD_OMIT_ZERO, .name_of = krb5_error_name},
	{FIELD("error_text", TEXT, krb5, error_text), IN("krb5", "error_text")},
	{FIELD("cname", TEXT, krb5, cname), IN("krb5", "cname")},
	{FIELD("realm", TEXT, krb5, realm), IN("krb5", "realm")},
	{FIELD("sname", TEXT, krb5, sname), IN("krb5", "sname")},
	{FIELD("encryption", NAME16, krb5, etype), IN("krb5", "encryption"), .flags = FIELD_OMIT_ZERO, .name_of = krb5_etype_name},
	{FIELD("weak_encryption", BOOL, krb5, weak), IN("krb5", "weak_encryption")},
	{FIELD("ticket_encryption", NAME16, krb5, ticket_etype), IN("krb5", "ticket_encryption"), .flags = FIELD_OMIT_ZERO,
	 .name_of = krb5_etype_name},
	{FIELD("ticket_weak_encryption", BOOL, krb5, ticket_weak), IN("krb5", "ticket_weak_encryption"), .flags = FIELD_OMIT_ZERO},
	{FIELD("preauthenticated", BOOL, krb5, preauthenticated), IN("krb5", "preauthenticated"), .flags = FIELD_OMIT_ZERO},
	{FIELD("requested_encryptions", TEXT_LIST, krb5, etypes), IN("krb5", "requested_encryptions")},
	{0},
};

static const struct record_kind kind = {.event_type = "krb5", BODY(krb5), .client_first = true, .fields = fields};

// What the request said and the answer does not.
static void request_join(const struct krb5 *request, struct krb5 *answer)
{
	if (answer->type == KRB5_ERROR)
		answer->failed = request->type;
	if (answer->cname.len == 0)
		answer->cname = request->cname;
	if (answer->sname.len == 0)
		answer->sname = request->sname;
	answer->etypes = request->etypes;
	answer->preauthenticated = request->preauthenticated;
}

static bool request_is(enum krb5_type type)
{
	return type == KRB5_AS_REQ || type == KRB5_TGS_REQ;
}

// in: one message. False: it has not the form, and nothing that waits is touched.
static bool message_read(struct span in, enum krb5_type type, struct l7 *l7)
{
	struct krb5 *krb5 = L7_BODY(l7, struct krb5);
	struct krb5 found = {0};

	if (request_is(type))
		l7_clear(l7); // one that waits is asked once more, or was not answered
	if (!krb5_read(in, type, &found, l7))
		return false;
	if (l7->pending)
		request_join(krb5, &found);
	*krb5 = found;
	l7->pending = true;
	return true;
}

static enum proto_verdict udp_dissect(struct span in, struct l7 *l7)
{
	enum krb5_type type;
	uint32_t length;

	if (krb5_begin(in, &type, &length) != BER_YES || length != in.left || !message_read(in, type, l7))
		return PROTO_NO;
	l7->used = in.left;
	return request_is(type) ? PROTO_MORE : PROTO_YES;
}

static enum proto_verdict refuse(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	if (!hint->claimed)
		return PROTO_NO;
	l7->used = in.left; // something was lost: a later segment begins a message
	return PROTO_MORE;
}

static enum proto_verdict tcp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct span from = in;
	uint32_t said = span_be32(&from), length;
	enum krb5_type type;
	enum ber_found found;

	if (!span_ok(&from))
		return in.at[0] == 0 ? PROTO_MORE : refuse(in, hint, l7);
	found = said > LENGTH_MAX ? BER_NOT : krb5_begin(from, &type, &length);
	if (found == BER_SHORT && from.left < said)
		return PROTO_MORE;
	if (found != BER_YES || length != said)
		return refuse(in, hint, l7);
	if (said > MESSAGE_MAX) {
		l7->used = in.left - from.left;
		l7->skip = said;
		return PROTO_MORE;
	}
	if (from.left < said)
		return PROTO_MORE;
	if (!message_read(span_take(&from, said), type, l7))
		return refuse(in, hint, l7);
	l7->used = in.left - from.left;
	return request_is(type) ? PROTO_MORE : PROTO_YES;
}

static enum proto_verdict krb5_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	return hint->l4 == PROTO_UDP ? udp_dissect(in, l7) : tcp_dissect(in, hint, l7);
}

const struct proto_ops proto_krb5 = {
	.name = "krb5",
	.title = "Kerberos",
	.spec = "RFC 4120",
	.l4 = PROTO_UDP | PROTO_TCP,
	.ports = {88},
	.max_payloads = 12,
	.first = {{0x6a, 0x6d}, {0x7e, 0x7e}, {0, 0}},
	.firsts = 3,
	.keeps = true,
	.dissect = krb5_dissect,
	.kind = &kind,
};
