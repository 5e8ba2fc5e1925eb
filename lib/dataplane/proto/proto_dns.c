// DNS, RFC 1035 with EDNS (RFC 6891), over UDP and TCP; multicast DNS (RFC 6762) and LLMNR (RFC 4795), which share its message.
//
// The content decides: opcode, the reserved bit, counts that fit the length, questions and records that parse and have a class
// that exists. On a port of the protocol a message that was cut short still counts once its questions are whole. Each message is
// one transaction, of mDNS each question (the first has what else the message says). A TCP message longer than MESSAGE_MAX is read
// that far and passed over from there.
#include "proto/proto_dns_edns.h"
#include "proto/proto_dns_rr.h"
#include "proto/proto_list.h"
#include "proto/proto_netbios_name.h"

enum { MESSAGE_MAX = 8192, QUESTION_BYTES_MIN = 5, RR_BYTES_MIN = 11, TEXT_MAX = 1024, RDATA_ROOM = 1024 };
enum { QUESTIONS_MAX = 256, RECORDS_MAX = 1024 }; // more questions are refused, more records are not looked at
enum { EVENTS_MAX = 32 };                         // of one multicast message
enum { PORT_DNS = 53, PORT_MDNS = 5353, PORT_LLMNR = 5355 };
enum { FLAG_RESPONSE = 0x8000, FLAG_RESERVED = 0x0040 };
enum { OPCODE_UNASSIGNED = 3, OPCODE_UPDATE = 5, RCODE_LAST = 11 };
enum { CLASS_IN = 1, CLASS_CHAOS = 3, CLASS_HESIOD = 4, CLASS_NONE = 254, CLASS_ANY = 255, CLASS_MDNS_BIT = 0x8000 };
enum { TYPE_NULL = 10, TYPE_NB = 32, TYPE_NBSTAT = 33, TYPE_OPT = 41, NETBIOS_LABEL = 32 };

struct dns_header {
	uint16_t id, flags, questions, answers, authorities, additionals;
};

struct dns_message {
	struct span whole, at; // at: what is not read yet
	struct dns_header header;
	uint8_t type;          // enum record_type
	uint8_t round;         // multicast: the question that this event is for
	bool trusted;          // on a port of the protocol, or the flow is claimed: may be cut or odd
	uint32_t records;      // read so far
	struct dns_name first; // name of the first question
	struct record_text first_text;
};

static uint8_t opcode_of(const struct dns_header *h)
{
	return h->flags >> 11 & 15;
}

static bool response_is(const struct dns_header *h)
{
	return (h->flags & FLAG_RESPONSE) != 0;
}

static struct dns_header header_read(struct span *in)
{
	struct dns_header h;

	h.id = span_be16(in);
	h.flags = span_be16(in);
	h.questions = span_be16(in);
	h.answers = span_be16(in);
	h.authorities = span_be16(in);
	h.additionals = span_be16(in);
	return h;
}

static uint32_t records_of(const struct dns_header *h)
{
	return (uint32_t)h->answers + h->authorities + h->additionals;
}

// body: bytes behind the header, as the message has them on the wire (UDP: as captured).
static bool header_fits(const struct dns_message *m, uint32_t body)
{
	const struct dns_header *h = &m->header;
	uint8_t opcode = opcode_of(h), rcode = h->flags & 15;

	if (opcode > OPCODE_UPDATE || opcode == OPCODE_UNASSIGNED || h->questions > QUESTIONS_MAX)
		return false;
	if ((h->flags & FLAG_RESERVED) != 0 && !m->trusted)
		return false;
	if (!response_is(h) && m->type != RECORD_MDNS && (h->questions == 0 || rcode != 0))
		return false;
	if (rcode > RCODE_LAST && !m->trusted)
		return false;
	if (h->questions == 0 && records_of(h) == 0)
		return m->trusted && response_is(h) && rcode != 0 && body == 0;
	if ((uint64_t)h->questions * QUESTION_BYTES_MIN > body)
		return false;
	return m->trusted || (uint64_t)h->questions * QUESTION_BYTES_MIN + (uint64_t)records_of(h) * RR_BYTES_MIN <= body;
}

static uint16_t class_of(const struct dns_message *m, uint16_t rrclass)
{
	return m->type == RECORD_MDNS ? rrclass & (uint16_t)~CLASS_MDNS_BIT : rrclass;
}

static bool class_is(const struct dns_message *m, uint16_t rrclass)
{
	rrclass = class_of(m, rrclass);
	return rrclass == CLASS_IN || rrclass == CLASS_CHAOS || rrclass == CLASS_HESIOD || rrclass == CLASS_NONE ||
	       rrclass == CLASS_ANY;
}

// The text of a name; that of the first question, which most records repeat, is kept once.
static struct record_text name_text(struct dns_message *m, const struct dns_name *name, struct l7 *l7)
{
	if (m->first_text.len > 0 && name->len == m->first.len && memcmp(name->bytes, m->first.bytes, name->len) == 0)
		return m->first_text;
	return name->len > 0 ? l7_text_bytes(l7, name->bytes, name->len, TEXT_MAX) : l7_text_bytes(l7, ".", 1, TEXT_MAX);
}

static bool questions_read(struct dns_message *m, struct l7 *l7)
{
	struct record_dns *dns = &l7->dns;

	for (unsigned i = 0; i < m->header.questions; i++) {
		struct dns_name name;
		struct record_dns_query query;

		if (!dns_name_read(m->whole, &m->at, &name))
			return false;
		query.rrtype = span_be16(&m->at);
		query.rrclass = span_be16(&m->at);
		if (!span_ok(&m->at) || query.rrtype == 0 || !class_is(m, query.rrclass))
			return false;
		query.rrclass = class_of(m, query.rrclass);
		if (i == m->round) {
			m->first = name;
			m->first_text = (struct record_text){0};
			m->first_text = dns->rrname = l7->hostname = query.rrname = name_text(m, &name, l7);
			dns->rrtype = query.rrtype;
			dns->rrclass = query.rrclass;
		}
		if (m->type == RECORD_MDNS || m->header.questions == 1 || i >= RECORD_DNS_QUERIES_MAX)
			continue;
		query.rrname = name_text(m, &name, l7);
		dns->query[dns->queries++] = query;
	}
	return true;
}

// One resource record; answer NULL: only checked, but for EDNS.
static bool rr_read(struct dns_message *m, struct record_dns_answer *answer, struct l7 *l7)
{
	char room[RDATA_ROOM];
	struct text_builder rdata = text_builder(room, sizeof(room));
	struct dns_name name;
	uint16_t rrtype, rrclass, len;
	uint32_t ttl;

	if (!dns_name_read(m->whole, &m->at, &name))
		return false;
	rrtype = span_be16(&m->at);
	rrclass = span_be16(&m->at);
	ttl = span_be32(&m->at);
	len = span_be16(&m->at);
	if (!span_ok(&m->at) || (rrtype != TYPE_OPT && !class_is(m, rrclass)))
		return false;
	if (rrtype == TYPE_OPT)
		return dns_edns_read(span_take(&m->at, len), rrclass, ttl, l7);
	if (answer == NULL)
		return span_bytes(&m->at, len) != NULL;
	if (!dns_rdata_read(m->whole, &m->at, rrtype, len, &rdata))
		return false;
	answer->rrtype = rrtype;
	answer->rrclass = class_of(m, rrclass);
	answer->ttl = ttl;
	answer->rrname = name_text(m, &name, l7);
	answer->rdata = l7_text_bytes(l7, room, (uint32_t)rdata.used, TEXT_MAX);
	return true;
}

// The rows of one section: as many as there is room for, the others only checked. False if one is cut short.
static bool section_read(struct dns_message *m, uint16_t said, struct record_dns_answer *rows, uint8_t *count, unsigned max, struct l7 *l7)
{
	for (unsigned i = 0; i < said && m->records < RECORDS_MAX; i++, m->records++) {
		struct record_dns_answer *row = *count < max ? &rows[*count] : NULL;

		if (!rr_read(m, row, l7))
			return false;
		if (row != NULL && row->rrtype != 0) // EDNS fills none
			++*count;
	}
	return true;
}

static bool records_read(struct dns_message *m, struct l7 *l7)
{
	struct record_dns *dns = &l7->dns;
	const struct dns_header *h = &m->header;

	m->records = 0;
	if (section_read(m, h->answers, dns->answer, &dns->answers, RECORD_DNS_ANSWERS_MAX, l7) &&
	    section_read(m, h->authorities, dns->authority, &dns->authority_rows, RECORD_DNS_OTHERS_MAX, l7) &&
	    section_read(m, h->additionals, dns->additional, &dns->additional_rows, RECORD_DNS_OTHERS_MAX, l7))
		return true;
	return m->trusted && h->questions + m->records > 0; // cut short
}

// Fills the transaction from a message that may have been cut behind `whole`; body is how much there was behind its header.
static bool message_read(struct dns_message *m, uint32_t body, struct l7 *l7)
{
	struct record_dns *dns = &l7->dns;

	m->at = m->whole;
	m->header = header_read(&m->at);
	if (!span_ok(&m->at) || !header_fits(m, body))
		return false;
	l7_clear(l7);
	if (!questions_read(m, l7) || (m->round == 0 && !records_read(m, l7))) {
		l7_clear(l7);
		return false;
	}
	l7->type = m->type;
	dns->id = m->header.id;
	dns->flags = m->header.flags;
	dns->response = response_is(&m->header);
	dns->opcode = opcode_of(&m->header);
	dns->rcode |= m->header.flags & 15;
	dns->questions = m->header.questions;
	dns->answers_said = m->header.answers;
	dns->authorities = m->header.authorities;
	dns->additionals = m->header.additionals;
	return true;
}

// The name service of NetBIOS has the same header. What it asks for has a form that no name of DNS has with that type.
static bool netbios_is(struct span whole)
{
	struct span at = whole;
	struct dns_header header = header_read(&at);
	struct netbios_name name;
	uint16_t rrtype;

	if (at.left == 0 || at.at[0] != NETBIOS_LABEL || !netbios_name_read(whole, &at, &name))
		return false;
	rrtype = span_be16(&at);
	return rrtype == TYPE_NB || rrtype == TYPE_NBSTAT || (rrtype == TYPE_NULL && header.questions == 0);
}

static enum proto_verdict udp_dissect(struct dns_message *m, struct span in, struct l7 *l7)
{
	m->whole = in;
	if (in.left < DNS_HEADER_BYTES || (m->type == RECORD_DNS && netbios_is(in)) || !message_read(m, in.left - DNS_HEADER_BYTES, l7))
		return PROTO_NO;
	l7->used = in.left;
	l7->again = m->type == RECORD_MDNS && m->round + 1u < m->header.questions && m->round + 1 < EVENTS_MAX;
	return PROTO_YES;
}

// A stream that does not go on as it should (bytes were lost): passed over to the next segment.
static enum proto_verdict tcp_refuse(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	if (!hint->claimed)
		return PROTO_NO;
	l7->used = in.left;
	return PROTO_MORE;
}

// Whether the header, as far as it is there, can be that of a message of len bytes.
static bool tcp_begins(struct dns_message *m, struct span in, uint32_t len)
{
	if (len < DNS_HEADER_BYTES)
		return false;
	if (in.left < DNS_HEADER_BYTES)
		return true;
	m->header = header_read(&in);
	return header_fits(m, len - DNS_HEADER_BYTES);
}

static enum proto_verdict tcp_dissect(struct dns_message *m, struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct span from = in;
	uint32_t len = span_be16(&from), take = len < MESSAGE_MAX ? len : MESSAGE_MAX;

	if (!span_ok(&from))
		return PROTO_MORE;
	if (!tcp_begins(m, from, len))
		return tcp_refuse(in, hint, l7);
	if (from.left < take)
		return PROTO_MORE;
	m->whole = span_take(&from, take);
	m->trusted = m->trusted || take < len;
	if (!message_read(m, len - DNS_HEADER_BYTES, l7))
		return tcp_refuse(in, hint, l7);
	l7->used = in.left - from.left;
	l7->skip = len - take;
	return PROTO_YES;
}

// From query to answer, if both are seen.
static void rtt_take(const struct proto_hint *hint, struct l7 *l7)
{
	struct proto_times *times = hint->l4 == PROTO_UDP ? hint->times : L7_MEMORY(l7, struct proto_times);
	struct record_dns *dns = &l7->dns;

	if (dns->response)
		dns->rtt_ns = proto_times_take(times, dns->id, hint->time_ns);
	else
		proto_times_put(times, dns->id, hint->time_ns);
}

static bool port_is(const struct proto_hint *hint, uint16_t port)
{
	return hint->client_port == port || hint->server_port == port;
}

static enum proto_verdict dissect(struct span in, const struct proto_hint *hint, struct l7 *l7, enum record_type type, uint16_t port)
{
	struct dns_message m = {.type = (uint8_t)type, .round = hint->round, .trusted = hint->claimed || port_is(hint, port)};
	enum proto_verdict verdict = hint->l4 == PROTO_UDP ? udp_dissect(&m, in, l7) : tcp_dissect(&m, in, hint, l7);

	if (verdict == PROTO_YES && type != RECORD_MDNS)
		rtt_take(hint, l7);
	return verdict;
}

static enum proto_verdict dns_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	bool another = port_is(hint, PORT_MDNS) || port_is(hint, PORT_LLMNR);

	if (another && !port_is(hint, PORT_DNS)) // a resolver's query may come from any port
		return PROTO_NO;
	return dissect(in, hint, l7, RECORD_DNS, PORT_DNS);
}

static enum proto_verdict mdns_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	return port_is(hint, PORT_MDNS) ? dissect(in, hint, l7, RECORD_MDNS, PORT_MDNS) : PROTO_NO;
}

static enum proto_verdict llmnr_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	return port_is(hint, PORT_LLMNR) ? dissect(in, hint, l7, RECORD_LLMNR, PORT_LLMNR) : PROTO_NO;
}

const struct proto_ops proto_dns = {
	.name = "dns",
	.title = "DNS",
	.spec = "RFC 1035",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {PORT_DNS},
	.max_payloads = 4,
	.dissect = dns_dissect,
};

const struct proto_ops proto_mdns = {
	.name = "mdns",
	.title = "Multicast DNS",
	.spec = "RFC 6762",
	.l4 = PROTO_UDP,
	.ports = {PORT_MDNS},
	.max_payloads = 1,
	.dissect = mdns_dissect,
};

const struct proto_ops proto_llmnr = {
	.name = "llmnr",
	.title = "LLMNR",
	.spec = "RFC 4795",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {PORT_LLMNR},
	.max_payloads = 4,
	.dissect = llmnr_dissect,
};
