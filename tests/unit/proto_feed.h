// A small engine for one dissector, for tests and the fuzzer: keeps what was not used, skips what is not wanted, and writes each
// transaction that is reported as a line of a log: DNS, TLS and HTTP in short, all others as their event type and their object of
// JSON. Whatever breaks the contract of proto.h or record.h aborts.
#ifndef TESTS_UNIT_PROTO_FEED_H
#define TESTS_UNIT_PROTO_FEED_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/proto_list.h"
#include "record/record_json.h"

enum { FEED_BUFFER = 131072, FEED_LOG = 262144, FEED_ROUNDS_MAX = 100000 };

struct feed_side {
	uint8_t bytes[FEED_BUFFER];
	uint32_t have;
	uint64_t skip;
};

struct feed {
	const struct proto_ops *ops;
	struct proto_hint hint;
	struct l7 l7;
	uint8_t scratch[L7_SCRATCH];
	struct feed_side side[2];
	bool over, refused, next; // next: it ended with PROTO_NEXT
	uint32_t note;
	struct proto_times times;
	unsigned reported;
	char log[FEED_LOG];
	size_t used;
};

static inline void feed_must(bool holds)
{
	if (!holds)
		abort();
}

__attribute__((format(printf, 2, 3))) static inline void feed_log(struct feed *f, const char *format, ...)
{
	size_t room = sizeof(f->log) - f->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(f->log + f->used, room, format, args);
	va_end(args);
	f->used = (size_t)n < room ? f->used + (size_t)n : sizeof(f->log) - 1;
}

static inline void feed_text(struct feed *f, const char *before, struct record_text text)
{
	feed_must((uint32_t)text.at + text.len <= L7_TEXT_MAX && text.at + text.len <= f->l7.text_used);
	for (unsigned i = 0; i < text.len; i++)
		feed_must(f->l7.text[text.at + i] >= 0x20 && f->l7.text[text.at + i] < 0x7f);
	if (text.len > 0)
		feed_log(f, "%s%.*s", before, text.len, f->l7.text + text.at);
}

static inline void feed_dns_rows(struct feed *f, const char *before, const struct record_dns_answer *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		feed_text(f, before, rows[i].rrname);
		feed_log(f, " %u %u", rows[i].rrtype, rows[i].ttl);
		feed_text(f, " ", rows[i].rdata);
	}
}

static inline void feed_dns(struct feed *f, const struct record_dns *dns)
{
	feed_must(dns->queries <= RECORD_DNS_QUERIES_MAX && dns->answers <= RECORD_DNS_ANSWERS_MAX);
	feed_must(dns->authority_rows <= RECORD_DNS_OTHERS_MAX && dns->additional_rows <= RECORD_DNS_OTHERS_MAX);
	feed_log(f, "%s %u %u", dns->response ? "response" : "query", dns->opcode, dns->rcode);
	feed_text(f, " ", dns->rrname);
	feed_log(f, " %u/%u", dns->rrtype, dns->rrclass);
	for (unsigned i = 0; i < dns->queries; i++) {
		feed_text(f, " ?", dns->query[i].rrname);
		feed_log(f, "/%u", dns->query[i].rrtype);
	}
	feed_dns_rows(f, " | ", dns->answer, dns->answers);
	feed_dns_rows(f, " ^ ", dns->authority, dns->authority_rows);
	feed_dns_rows(f, " + ", dns->additional, dns->additional_rows);
	if (dns->edns.said)
		feed_log(f, " edns %u %u %04x", dns->edns.version, dns->edns.udp_size, dns->edns.flags);
	feed_text(f, " nsid=", dns->edns.nsid);
	feed_text(f, " subnet=", dns->edns.client_subnet);
	feed_text(f, " cookie=", dns->edns.cookie);
	if (dns->edns.error_said)
		feed_log(f, " error %u", dns->edns.error);
	feed_text(f, " ", dns->edns.error_text);
	if (dns->rtt_ns > 0)
		feed_log(f, " after %llu", (unsigned long long)dns->rtt_ns);
}

static inline void feed_tls(struct feed *f, const struct record_tls *tls)
{
	feed_log(f, "%s%s %04x %04x %04x %u %u %u", tls->client_hello ? "C" : "-", tls->server_hello ? "S" : "-", tls->version,
		 tls->client_version, tls->cipher, tls->ciphers_offered, tls->extensions_offered, tls->resumed_asked);
	feed_text(f, " sni=", tls->sni);
	feed_text(f, " alpn=", tls->alpn_client);
	feed_text(f, " chosen=", tls->alpn_server);
	feed_text(f, " ja3=", tls->ja3);
	feed_text(f, " ja3s=", tls->ja3s);
	feed_text(f, " ja4=", tls->ja4);
	feed_text(f, " alert=", tls->alert);
	feed_text(f, " subject=", tls->subject);
	feed_text(f, " issuer=", tls->issuer);
	feed_text(f, " serial=", tls->serial);
	feed_text(f, " from=", tls->not_before);
	feed_text(f, " to=", tls->not_after);
	feed_text(f, " names=", tls->alt_names);
	feed_text(f, " sha1=", tls->fingerprint);
	feed_log(f, "%s%s%s%s%s", tls->resumed ? " resumed" : "", tls->ticket ? " ticket" : "", tls->retry ? " retry" : "",
		 tls->ech ? " ech" : "", tls->ssl2 ? " ssl2" : "");
	if (tls->chain > 0)
		feed_log(f, " chain=%u", tls->chain);
}

static inline void feed_http(struct feed *f, const struct record_http *http)
{
	feed_log(f, "%u %s%s", http->tx_id, http->request ? "Q" : "-", http->response ? "R" : "-");
	feed_text(f, " ", http->method);
	feed_text(f, " host=", http->hostname);
	feed_text(f, " ", http->url);
	feed_text(f, " ", http->protocol);
	feed_text(f, " ua=", http->user_agent);
	feed_text(f, " from=", http->referer);
	feed_text(f, " sends=", http->request_type);
	if (http->response)
		feed_log(f, " %u", http->status);
	if (http->length_said)
		feed_log(f, " %llu", (unsigned long long)http->length);
	feed_text(f, " type=", http->content_type);
	feed_text(f, " server=", http->server);
	feed_text(f, " to=", http->redirect);
}

static inline unsigned feed_app(const struct feed *f)
{
	unsigned app = 1;

	while (app < proto_count && proto_list[app] != f->ops)
		app++;
	feed_must(app < proto_count);
	return app;
}

// The record as a worker makes it, through the encoder; of the line what the protocol's own fields are.
static inline void feed_json(struct feed *f, const struct record_kind *kind)
{
	static const struct record_context context = {.sensor = "t", .app_name = proto_name, .kind_of = proto_record_kind};
	static const char before[] = "\"spanwatch\":{\"sensor\":\"t\"}";
	static uint64_t words[RECORD_LENGTH_MAX / sizeof(uint64_t)];
	static char line[RECORD_JSON_MAX + 1];
	struct record *r = (struct record *)(void *)words;
	const char *own;

	memset(r, 0, sizeof(*r));
	r->type = f->l7.type;
	memcpy(record_body(r), f->l7.body, kind->body_size);
	memcpy((char *)record_body(r) + kind->body_size, f->l7.text, f->l7.text_used);
	r->length = ((uint32_t)sizeof(*r) + kind->body_size + f->l7.text_used + 7u) & ~7u;
	feed_must(r->length <= RECORD_LENGTH_MAX);
	line[record_json(r, &context, line)] = '\0';
	own = strstr(line, before);
	feed_must(own != NULL);
	own += sizeof(before) - 1;
	feed_log(f, "%s {%s", kind->event_type, own + (*own == ','));
}

static inline void feed_own(struct feed *f)
{
	const struct record_kind *kind;

	if (f->l7.type == 0)
		f->l7.type = (uint8_t)(RECORD_TYPES + feed_app(f));
	kind = proto_record_kind(f->l7.type);
	feed_must(kind != NULL);
	for (unsigned i = 0; i < f->l7.text_used; i++)
		feed_must(f->l7.text[i] >= 0x20 && f->l7.text[i] < 0x7f);
	feed_json(f, kind);
}

static inline void feed_report(struct feed *f)
{
	const struct l7 *l7 = &f->l7;

	f->reported++;
	if (l7->type == RECORD_DNS || l7->type == RECORD_MDNS || l7->type == RECORD_LLMNR)
		feed_dns(f, &l7->dns);
	else if (l7->type == RECORD_TLS)
		feed_tls(f, &l7->tls);
	else if (l7->type == RECORD_HTTP)
		feed_http(f, &l7->http);
	else
		feed_own(f);
	if (l7->type == RECORD_TLS || l7->type == RECORD_HTTP || l7->type >= RECORD_TYPES)
		feed_text(f, " name=", l7->hostname);
	else if (l7->hostname.at != l7->dns.rrname.at || l7->hostname.len != l7->dns.rrname.len)
		feed_text(f, " not the question: ", l7->hostname); // DNS: a flow is known by what was asked in it
	feed_log(f, "\n");
	l7_clear(&f->l7);
}

static inline void feed_start(struct feed *f, const struct proto_ops *ops, enum proto_l4 l4, uint16_t client_port, uint16_t server_port)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->hint = (struct proto_hint){.l4 = l4, .client_port = client_port, .server_port = server_port, .costly = true, .note = &f->note, .times = &f->times};
	f->l7.scratch = f->scratch;
}

static inline enum proto_verdict feed_ask(struct feed *f, const uint8_t *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1); // exact, so that a sanitizer sees a read past the end
	enum proto_verdict verdict;

	feed_must(copy != NULL);
	if (len > 0)
		memcpy(copy, bytes, len);
	if (!f->hint.claimed) { // as the engine does it
		memset(&f->l7, 0, offsetof(struct l7, text));
		f->l7.scratch = f->scratch;
	}
	f->l7.used = 0;
	f->l7.skip = 0;
	f->l7.again = f->l7.costly = f->l7.withheld = false;
	verdict = f->ops->dissect(span_of(copy, len), &f->hint, &f->l7);
	free(copy);
	feed_must(f->l7.used <= len);
	if (verdict == PROTO_YES || verdict == PROTO_DONE || verdict == PROTO_NEXT || (verdict == PROTO_MORE && (f->l7.used > 0 || f->l7.pending)))
		f->hint.claimed = true;
	return verdict;
}

static inline void feed_side_skip(struct feed_side *side)
{
	uint32_t n = side->skip < side->have ? (uint32_t)side->skip : side->have;

	side->have -= n;
	memmove(side->bytes, side->bytes + n, side->have);
	if (side->skip != UINT64_MAX)
		side->skip -= n;
}

// Asks until no more is used of what a side has.
static inline void feed_offer(struct feed *f, struct feed_side *side)
{
	for (unsigned round = 0; side->have > 0 && !f->over; round++) {
		bool known = f->hint.claimed;
		enum proto_verdict verdict = feed_ask(f, side->bytes, side->have);
		uint32_t used = f->l7.used;

		feed_must(round < FEED_ROUNDS_MAX);
		if (verdict == PROTO_YES || ((verdict == PROTO_DONE || verdict == PROTO_NEXT) && f->l7.pending))
			feed_report(f);
		f->next = verdict == PROTO_NEXT;
		f->over = verdict == PROTO_DONE || verdict == PROTO_NO || f->next;
		f->refused = verdict == PROTO_NO && !known;
		side->have -= used;
		memmove(side->bytes, side->bytes + used, side->have);
		side->skip = f->l7.skip;
		feed_side_skip(side);
		if (verdict == PROTO_MORE && used == 0)
			break;
	}
}

static inline void feed_datagram(struct feed *f, const uint8_t *bytes, uint32_t len)
{
	enum proto_verdict verdict;

	if (!f->ops->keeps) {
		memset(&f->l7, 0, offsetof(struct l7, text));
		f->l7.scratch = f->scratch;
	}
	for (f->hint.round = 0;; f->hint.round++) {
		feed_must(f->hint.round < 64);
		verdict = feed_ask(f, bytes, len);
		f->refused = verdict == PROTO_NO && !f->hint.claimed;
		if (verdict == PROTO_YES || ((verdict == PROTO_DONE || !f->ops->keeps) && f->l7.pending))
			feed_report(f);
		if (verdict != PROTO_YES || !f->l7.again)
			break;
	}
	f->over = verdict == PROTO_DONE || f->refused;
	f->hint.payload++;
}

// Bytes of a stream, or a datagram.
static inline void feed(struct feed *f, bool to_server, const void *bytes, uint32_t len)
{
	struct feed_side *side = &f->side[!to_server];

	f->hint.to_server = to_server;
	if (f->over || len == 0)
		return;
	if (f->hint.l4 == PROTO_UDP) {
		feed_datagram(f, bytes, len);
		return;
	}
	if (len > FEED_BUFFER - side->have) { // what the flow's stream does with bytes it has no room for
		side->have = 0;
		len = len < FEED_BUFFER ? len : FEED_BUFFER;
	}
	if (len > 0)
		memcpy(side->bytes + side->have, bytes, len);
	side->have += len;
	feed_side_skip(side);
	feed_offer(f, side);
	f->hint.payload++;
}

static inline void feed_pieces(struct feed *f, bool to_server, const void *bytes, uint32_t len, uint32_t piece)
{
	const uint8_t *at = bytes;

	for (uint32_t done = 0; done < len; done += piece)
		feed(f, to_server, at + done, piece < len - done ? piece : len - done);
}

// The flow ends.
static inline void feed_end(struct feed *f)
{
	if (!f->over && f->l7.pending)
		feed_report(f);
	f->over = true;
}

#endif
