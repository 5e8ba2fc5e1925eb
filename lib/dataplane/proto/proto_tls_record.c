#include "proto/proto_tls_record.h"

#include "base/text.h"
#include "record/record_names.h"

enum { ALERT_MAX = 48, BY_CLIENT = 1, BY_SERVER = 2 };

struct tls_record tls_record_read(struct span *in)
{
	struct tls_record r;

	r.content = span_u8(in);
	r.version = span_be16(in);
	r.length = span_be16(in);
	return r;
}

bool tls_record_fits(const struct tls_record *r)
{
	return r->content >= TLS_CCS && r->content <= TLS_DATA && r->version >= 0x0300 && r->version <= 0x0304 && r->length > 0 &&
	       r->length <= TLS_RECORD_BYTES_MAX;
}

bool tls_record_begins(struct span in)
{
	uint8_t content = span_u8(&in);

	return content >= TLS_CCS && content <= TLS_DATA && (in.left == 0 || span_u8(&in) == 3);
}

struct span tls_handshake_join(struct span in, uint32_t left, uint8_t *scratch, bool *ended)
{
	uint32_t have = 0;

	*ended = false;
	while (in.left > 0 && have < TLS_JOIN_MAX) {
		uint32_t take;

		if (left == 0) {
			struct tls_record r = tls_record_read(&in);

			if (!span_ok(&in))
				break;
			*ended = !tls_record_fits(&r) || r.content != TLS_HANDSHAKE;
			if (*ended)
				break;
			left = r.length;
		}
		take = left < in.left ? left : in.left;
		if (take > TLS_JOIN_MAX - have)
			take = TLS_JOIN_MAX - have;
		if (take > 0)
			memcpy(scratch + have, span_bytes(&in, take), take);
		have += take;
		left -= take;
	}
	return span_of(scratch, have);
}

void tls_handshake_pass(struct span *in, uint32_t *left, uint32_t n)
{
	while (n > 0 && span_ok(in)) {
		uint32_t take;

		if (*left == 0)
			*left = tls_record_read(in).length;
		take = n < *left ? n : *left;
		span_bytes(in, take);
		*left -= take;
		n -= take;
	}
}

uint32_t tls_message_read(struct span *in, uint8_t *type)
{
	uint32_t high;

	*type = span_u8(in);
	high = span_u8(in);
	return high << 16 | span_be16(in);
}

void tls_alert_fill(uint8_t level, uint8_t description, bool by_client, struct l7 *l7)
{
	const char *name = record_tls_alert_name(description);
	char room[ALERT_MAX];
	struct text_builder b = text_builder(room, sizeof(room));

	text_put(&b, level == TLS_ALERT_FATAL ? "fatal " : "warning ");
	if (name != NULL)
		text_put(&b, name);
	else
		text_put_number(&b, description);
	l7->tls.alert = l7_text_bytes(l7, room, (uint32_t)b.used, ALERT_MAX);
	l7->tls.alert_by = by_client ? BY_CLIENT : BY_SERVER;
	l7->type = RECORD_TLS;
	l7->pending = true;
}
