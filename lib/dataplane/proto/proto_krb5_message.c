#include "proto/proto_krb5_message.h"

enum { VERSION = 5, TICKET = BER_APPLICATION + 1, NAME_MAX = 256, NAME_ROOM = 256, NAME_PARTS_MAX = 8, TEXT_MAX = 128 };
enum { ETYPES_MAX = 16, ETYPES_ROOM = 256, ETYPE_NAMES = 27, ERROR_NAMES = 70, ETYPE_RC4 = 23, ETYPE_RC4_EXPORT = 24, ETYPE_DES_LAST = 3 };
enum { PREAUTH_TIMESTAMP = 2, PREAUTH_PK = 16, PREAUTH_CHALLENGE = 138, PADATA_MAX = 32 };

static const struct krb5_form {
	uint8_t tag, number, version_at; // of pvno; msg-type follows it
} forms[KRB5_TYPES] = {
	[KRB5_AS_REQ] = {BER_APPLICATION + 10, 10, 1},  [KRB5_AS_REP] = {BER_APPLICATION + 11, 11, 0},
	[KRB5_TGS_REQ] = {BER_APPLICATION + 12, 12, 1}, [KRB5_TGS_REP] = {BER_APPLICATION + 13, 13, 0},
	[KRB5_ERROR] = {BER_APPLICATION + 30, 30, 0},
};

static const char *const etype_names[ETYPE_NAMES] = {
	[1] = "DES_CBC_CRC", [2] = "DES_CBC_MD4", [3] = "DES_CBC_MD5", [5] = "DES3_CBC_MD5", [7] = "DES3_CBC_SHA1",
	[16] = "DES3_CBC_SHA1_KD", [17] = "AES128_CTS_HMAC_SHA1_96", [18] = "AES256_CTS_HMAC_SHA1_96",
	[19] = "AES128_CTS_HMAC_SHA256_128", [20] = "AES256_CTS_HMAC_SHA384_192", [23] = "RC4_HMAC", [24] = "RC4_HMAC_EXP",
	[25] = "CAMELLIA128_CTS_CMAC", [26] = "CAMELLIA256_CTS_CMAC",
};

static const char *const error_names[ERROR_NAMES] = {
	[0] = "KDC_ERR_NONE", [1] = "KDC_ERR_NAME_EXP", [2] = "KDC_ERR_SERVICE_EXP", [3] = "KDC_ERR_BAD_PVNO",
	[4] = "KDC_ERR_C_OLD_MAST_KVNO", [5] = "KDC_ERR_S_OLD_MAST_KVNO", [6] = "KDC_ERR_C_PRINCIPAL_UNKNOWN",
	[7] = "KDC_ERR_S_PRINCIPAL_UNKNOWN", [8] = "KDC_ERR_PRINCIPAL_NOT_UNIQUE", [9] = "KDC_ERR_NULL_KEY",
	[10] = "KDC_ERR_CANNOT_POSTDATE", [11] = "KDC_ERR_NEVER_VALID", [12] = "KDC_ERR_POLICY", [13] = "KDC_ERR_BADOPTION",
	[14] = "KDC_ERR_ETYPE_NOSUPP", [15] = "KDC_ERR_SUMTYPE_NOSUPP", [16] = "KDC_ERR_PADATA_TYPE_NOSUPP",
	[17] = "KDC_ERR_TRTYPE_NOSUPP", [18] = "KDC_ERR_CLIENT_REVOKED", [19] = "KDC_ERR_SERVICE_REVOKED", [20] = "KDC_ERR_TGT_REVOKED",
	[21] = "KDC_ERR_CLIENT_NOTYET", [22] = "KDC_ERR_SERVICE_NOTYET", [23] = "KDC_ERR_KEY_EXPIRED", [24] = "KDC_ERR_PREAUTH_FAILED",
	[25] = "KDC_ERR_PREAUTH_REQUIRED", [26] = "KDC_ERR_SERVER_NOMATCH", [27] = "KDC_ERR_MUST_USE_USER2USER",
	[28] = "KDC_ERR_PATH_NOT_ACCEPTED", [29] = "KDC_ERR_SVC_UNAVAILABLE", [31] = "KRB_AP_ERR_BAD_INTEGRITY",
	[32] = "KRB_AP_ERR_TKT_EXPIRED", [33] = "KRB_AP_ERR_TKT_NYV", [34] = "KRB_AP_ERR_REPEAT", [35] = "KRB_AP_ERR_NOT_US",
	[36] = "KRB_AP_ERR_BADMATCH", [37] = "KRB_AP_ERR_SKEW", [38] = "KRB_AP_ERR_BADADDR", [39] = "KRB_AP_ERR_BADVERSION",
	[40] = "KRB_AP_ERR_MSG_TYPE", [41] = "KRB_AP_ERR_MODIFIED", [42] = "KRB_AP_ERR_BADORDER", [44] = "KRB_AP_ERR_BADKEYVER",
	[45] = "KRB_AP_ERR_NOKEY", [46] = "KRB_AP_ERR_MUT_FAIL", [47] = "KRB_AP_ERR_BADDIRECTION", [48] = "KRB_AP_ERR_METHOD",
	[49] = "KRB_AP_ERR_BADSEQ", [50] = "KRB_AP_ERR_INAPP_CKSUM", [51] = "KRB_AP_PATH_NOT_ACCEPTED",
	[52] = "KRB_ERR_RESPONSE_TOO_BIG", [60] = "KRB_ERR_GENERIC", [61] = "KRB_ERR_FIELD_TOOLONG",
	[62] = "KDC_ERROR_CLIENT_NOT_TRUSTED", [63] = "KDC_ERROR_KDC_NOT_TRUSTED", [64] = "KDC_ERROR_INVALID_SIG",
	[65] = "KDC_ERR_KEY_TOO_WEAK", [66] = "KDC_ERR_CERTIFICATE_MISMATCH", [67] = "KRB_AP_ERR_NO_TGT", [68] = "KDC_ERR_WRONG_REALM",
	[69] = "KRB_AP_ERR_USER_TO_USER_REQUIRED",
};

const char *krb5_etype_name(uint32_t etype)
{
	return etype < ETYPE_NAMES ? etype_names[etype] : NULL;
}

const char *krb5_error_name(uint32_t error)
{
	return error < ERROR_NAMES ? error_names[error] : NULL;
}

static bool weak(uint16_t etype)
{
	return (etype >= 1 && etype <= ETYPE_DES_LAST) || etype == ETYPE_RC4 || etype == ETYPE_RC4_EXPORT || etype > INT16_MAX;
}

// ---- the beginning ----

// "[n] INTEGER", which must have that value.
static bool number_is(struct span *in, unsigned n, int64_t value)
{
	struct span field = ber_take(in, (uint8_t)(BER_CONTEXT + n));

	return ber_integer(&field, BER_INTEGER) == value && span_ok(&field);
}

enum ber_found krb5_begin(struct span in, enum krb5_type *type, uint32_t *length)
{
	uint32_t all = in.left;
	struct ber outer, inner;
	enum ber_found found = ber_head_read(&in, &outer);
	const struct krb5_form *form;

	if (found != BER_YES)
		return found;
	for (*type = KRB5_AS_REQ; *type < KRB5_TYPES && forms[*type].tag != outer.tag; *type += 1)
		;
	if (*type == KRB5_TYPES)
		return BER_NOT;
	form = &forms[*type];
	*length = all - in.left + outer.length;
	all = in.left;
	found = ber_head_read(&in, &inner);
	if (found != BER_YES)
		return found;
	if (inner.tag != BER_SEQUENCE || all - in.left + inner.length != outer.length)
		return BER_NOT;
	if (in.left < 10) // two fields of five bytes
		return in.left < inner.length ? BER_SHORT : BER_NOT;
	return number_is(&in, form->version_at, VERSION) && number_is(&in, form->version_at + 1u, form->number) ? BER_YES : BER_NOT;
}

// ---- parts ----

// A PrincipalName: its parts with slashes between.
static struct record_text name_read(struct span in, struct l7 *l7)
{
	char room[NAME_ROOM];
	struct text_builder name = text_builder(room, sizeof(room));
	struct span principal = ber_take(&in, BER_SEQUENCE), parts;

	ber_take(&principal, BER_CONTEXT);
	parts = ber_take(&principal, BER_CONTEXT + 1);
	parts = ber_take(&parts, BER_SEQUENCE);
	for (unsigned i = 0; i < NAME_PARTS_MAX && parts.left > 0; i++) {
		struct ber part;

		if (!ber_read(&parts, &part))
			break;
		if (i > 0)
			text_put(&name, "/");
		text_put_bytes(&name, part.value.at, part.value.left);
	}
	return l7_text_bytes(l7, room, (uint32_t)name.used, NAME_MAX);
}

static struct record_text string_read(struct span in, struct l7 *l7)
{
	struct ber string;

	return ber_read(&in, &string) ? l7_text(l7, string.value, NAME_MAX) : (struct record_text){0};
}

// The cipher of EncryptedData.
static uint16_t encrypted_read(struct span in)
{
	struct span data = ber_take(&in, BER_SEQUENCE), etype = ber_take(&data, BER_CONTEXT);

	return (uint16_t)ber_integer(&etype, BER_INTEGER);
}

static void etypes_read(struct span in, struct krb5 *out, struct l7 *l7)
{
	char room[ETYPES_ROOM];
	struct text_builder list = text_builder(room, sizeof(room));
	struct span etypes = ber_take(&in, BER_SEQUENCE);

	for (unsigned i = 0; i < ETYPES_MAX && etypes.left > 0; i++) {
		int64_t etype = ber_integer(&etypes, BER_INTEGER);
		const char *name = etype >= 0 && etype < UINT16_MAX ? krb5_etype_name((uint32_t)etype) : NULL;

		if (name == NULL || strlen(name) + 1 > list.room - list.used)
			continue;
		if (list.used > 0)
			text_put(&list, ",");
		text_put(&list, name);
	}
	out->etypes = l7_text_bytes(l7, room, (uint32_t)list.used, ETYPES_ROOM);
}

// Whether one who asks has shown that he knows the key.
static bool preauthenticated(struct span in)
{
	struct span list = ber_take(&in, BER_SEQUENCE);

	for (unsigned i = 0; i < PADATA_MAX && list.left > 0; i++) {
		struct span item = ber_take(&list, BER_SEQUENCE), type = ber_take(&item, BER_CONTEXT + 1);
		int64_t number = ber_integer(&type, BER_INTEGER);

		if (number == PREAUTH_TIMESTAMP || number == PREAUTH_PK || number == PREAUTH_CHALLENGE)
			return true;
	}
	return false;
}

// ---- messages ----

static bool body_read(struct span in, struct krb5 *out, struct l7 *l7)
{
	struct span body = ber_take(&in, BER_SEQUENCE);
	struct ber field;

	while (ber_read(&body, &field)) {
		if (field.tag == BER_CONTEXT + 1)
			out->cname = name_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 2)
			out->realm = string_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 3)
			out->sname = name_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 8)
			etypes_read(field.value, out, l7);
	}
	return span_ok(&body) && out->realm.len > 0;
}

static bool request_read(struct span in, struct krb5 *out, struct l7 *l7)
{
	struct ber field;
	bool whole = false;

	while (ber_read(&in, &field)) {
		if (field.tag == BER_CONTEXT + 3)
			out->preauthenticated = preauthenticated(field.value);
		else if (field.tag == BER_CONTEXT + 4)
			whole = body_read(field.value, out, l7);
	}
	return span_ok(&in) && whole;
}

static void ticket_read(struct span in, struct krb5 *out, struct l7 *l7)
{
	struct span ticket = ber_take(&in, TICKET), body = ber_take(&ticket, BER_SEQUENCE);
	struct ber field;

	while (ber_read(&body, &field)) {
		if (field.tag == BER_CONTEXT + 2)
			out->sname = name_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 3)
			out->ticket_etype = encrypted_read(field.value);
	}
	out->ticket_weak = weak(out->ticket_etype);
}

static bool reply_read(struct span in, struct krb5 *out, struct l7 *l7)
{
	struct ber field;

	while (ber_read(&in, &field)) {
		if (field.tag == BER_CONTEXT + 3)
			out->realm = string_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 4)
			out->cname = name_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 5)
			ticket_read(field.value, out, l7);
		else if (field.tag == BER_CONTEXT + 6)
			out->etype = encrypted_read(field.value);
	}
	out->weak = weak(out->etype);
	return span_ok(&in) && out->etype != 0;
}

static bool error_read(struct span in, struct krb5 *out, struct l7 *l7)
{
	struct record_text client_realm = {0};
	struct ber field;

	while (ber_read(&in, &field)) {
		if (field.tag == BER_CONTEXT + 6)
			out->error = (uint16_t)ber_integer(&field.value, BER_INTEGER);
		else if (field.tag == BER_CONTEXT + 7)
			client_realm = string_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 8)
			out->cname = name_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 9)
			out->realm = string_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 10)
			out->sname = name_read(field.value, l7);
		else if (field.tag == BER_CONTEXT + 11)
			out->error_text = string_read(field.value, l7);
	}
	if (client_realm.len > 0)
		out->realm = client_realm;
	return span_ok(&in) && out->realm.len > 0;
}

bool krb5_read(struct span in, enum krb5_type type, struct krb5 *out, struct l7 *l7)
{
	struct span outer = ber_take(&in, forms[type].tag), fields = ber_take(&outer, BER_SEQUENCE);

	out->type = (uint8_t)type;
	if (type == KRB5_AS_REQ || type == KRB5_TGS_REQ)
		return request_read(fields, out, l7);
	return type == KRB5_ERROR ? error_read(fields, out, l7) : reply_read(fields, out, l7);
}
