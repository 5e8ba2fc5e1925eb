// NetBIOS name service, RFC 1002 section 4.2, over UDP.
//
// Its message is that of DNS. What tells them apart, on any port, is the name it is about: one label of 32 letters A to P, of a type
// that only NetBIOS has. A DNS question of type 32 or 33 for such a name would be taken for one of NetBIOS. Each message is one event.
#include "proto/proto_list.h"
#include "proto/proto_netbios_name.h"
#include "record/record_names.h"

enum { FLAG_RESPONSE = 0x8000, FLAGS_RESERVED = 0x0060, CLASS_IN = 1, SCOPE_MAX = 256, SERVICE_MAX = 32 };
enum { TYPE_NULL = 10, TYPE_NB = 32, TYPE_NBSTAT = 33 };
enum { OPCODE_QUERY = 0, OPCODE_WACK = 7, RCODE_LAST = 7, RCODE_NONE = 255 };
enum { ADDRESSES_MAX = 32, HOSTS_MAX = 24, HOST_FLAGS = 0xfe00 };

struct nbns_host {
	uint16_t flags;
	struct record_text name, suffix;
};

struct nbns {
	bool response;
	uint8_t opcode, rcode; // rcode: RCODE_NONE in requests
	uint16_t id, flags, rrtype;
	uint16_t name_flags;   // of the first address
	uint32_t ttl;
	struct record_text name, suffix, service, scope, addresses;
	uint8_t node;          // index of nodes[] plus one, 0: no address told
	uint8_t mac[RECORD_MAC];
	uint8_t hosts;         // rows in host[], of a node status; more names are passed over
	struct nbns_host host[HOSTS_MAX];
};

static const char *const types[] = {"query", "response"};
static const char *const opcodes[] = {"query", "1", "2", "3", "4", "registration", "release", "wack", "refresh", "refresh", "10", "11",
				      "12", "13", "14", "multihomed_registration"};
static const char *const rcodes[] = {"NOERROR", "FMT_ERR", "SRV_ERR", "NAM_ERR", "IMP_ERR", "RFS_ERR", "ACT_ERR", "CFT_ERR"};
static const char *const nodes[] = {"", "B", "P", "M", "H"};

static const char *type_name(uint32_t rrtype)
{
	return rrtype == TYPE_NB ? "NB" : rrtype == TYPE_NBSTAT ? "NBSTAT" : "NULL";
}

static const struct record_field host_fields[] = {
	{FIELD("name", TEXT, nbns_host, name), TOP("name")},
	{FIELD("suffix", TEXT, nbns_host, suffix), TOP("suffix")},
	{FIELD("group", BIT16, nbns_host, flags), TOP("group"), .bit = 0x8000},
	{FIELD("deregistering", BIT16, nbns_host, flags), TOP("deregistering"), .bit = 0x1000},
	{FIELD("conflict", BIT16, nbns_host, flags), TOP("conflict"), .bit = 0x0800},
	{FIELD("active", BIT16, nbns_host, flags), TOP("active"), .bit = 0x0400},
	{FIELD("permanent", BIT16, nbns_host, flags), TOP("permanent"), .bit = 0x0200},
	{0},
};

static const struct record_field fields[] = {
	{FIELD("type", NAME8, nbns, response), IN("nbns", "type"), NAMES(types)},
	{FIELD("id", U16, nbns, id), IN("nbns", "id")},
	{FIELD("opcode", NAME8, nbns, opcode), IN("nbns", "opcode"), NAMES(opcodes)},
	{FIELD("rcode", NAME8, nbns, rcode), IN("nbns", "rcode"), NAMES(rcodes)},
	{FIELD("aa", BIT16, nbns, flags), IN("nbns", "aa"), .bit = 0x0400},
	{FIELD("tc", BIT16, nbns, flags), IN("nbns", "tc"), .bit = 0x0200},
	{FIELD("rd", BIT16, nbns, flags), IN("nbns", "rd"), .bit = 0x0100},
	{FIELD("ra", BIT16, nbns, flags), IN("nbns", "ra"), .bit = 0x0080},
	{FIELD("broadcast", BIT16, nbns, flags), IN("nbns", "broadcast"), .bit = 0x0010},
	{FIELD("rrtype", NAME16, nbns, rrtype), IN("nbns", "rrtype"), .name_of = type_name},
	{FIELD("name", TEXT, nbns, name), IN("nbns", "name")},
	{FIELD("suffix", TEXT, nbns, suffix), IN("nbns", "suffix")},
	{FIELD("service", TEXT, nbns, service), IN("nbns", "service")},
	{FIELD("scope", TEXT, nbns, scope), IN("nbns", "scope")},
	{FIELD("ttl", U32, nbns, ttl), IN("nbns", "ttl"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("group", BIT16, nbns, name_flags), IN("nbns", "group"), .bit = 0x8000},
	{FIELD("node_type", NAME8, nbns, node), IN("nbns", "node_type"), .flags = FIELD_OMIT_ZERO, NAMES(nodes)},
	{FIELD("addresses", TEXT_LIST, nbns, addresses), IN("nbns", "addresses")},
	{FIELD("mac", MAC, nbns, mac), IN("nbns", "mac"), .flags = FIELD_OMIT_ZERO},
	{FIELD("names", ROWS, nbns, host), IN("nbns", "names"), .row_fields = host_fields, ROWS(nbns, host, hosts, HOSTS_MAX)},
	{0},
};

static const struct record_kind kind = {.event_type = "nbns", BODY(nbns), .fields = fields};

struct nbns_message {
	struct span whole, at; // at: what is not read yet
	uint16_t questions, answers, authorities, additionals;
};

static bool opcode_known(unsigned opcode)
{
	return opcode == OPCODE_QUERY || (opcode >= 5 && opcode <= 9) || opcode == 15;
}

static bool header_read(struct nbns_message *m, struct nbns *nbns)
{
	nbns->id = span_be16(&m->at);
	nbns->flags = span_be16(&m->at);
	m->questions = span_be16(&m->at);
	m->answers = span_be16(&m->at);
	m->authorities = span_be16(&m->at);
	m->additionals = span_be16(&m->at);
	nbns->response = (nbns->flags & FLAG_RESPONSE) != 0;
	nbns->opcode = nbns->flags >> 11 & 15;
	nbns->rcode = nbns->response ? nbns->flags & 15 : RCODE_NONE;
	if (!span_ok(&m->at) || (nbns->flags & FLAGS_RESERVED) != 0 || !opcode_known(nbns->opcode))
		return false;
	if (m->questions > 1 || m->answers > 1 || m->authorities > 1 || m->additionals > 1)
		return false;
	return nbns->response ? m->questions + m->answers > 0 && nbns->rcode <= RCODE_LAST : m->questions == 1 && (nbns->flags & 15) == 0;
}

static void name_take(struct nbns *nbns, const struct netbios_name *name, struct l7 *l7)
{
	const char *service = netbios_service(name->suffix);

	nbns->name = netbios_text(l7, name->bytes);
	nbns->suffix = netbios_suffix_text(l7, name->suffix);
	nbns->scope = l7_text_bytes(l7, name->scope.bytes, name->scope.len, SCOPE_MAX);
	if (service != NULL)
		nbns->service = l7_text_bytes(l7, service, (uint32_t)strlen(service), SERVICE_MAX);
}

static bool question_read(struct nbns_message *m, struct nbns *nbns, struct l7 *l7)
{
	struct netbios_name name;

	if (!netbios_name_read(m->whole, &m->at, &name))
		return false;
	nbns->rrtype = span_be16(&m->at);
	if (span_be16(&m->at) != CLASS_IN || (nbns->rrtype != TYPE_NB && nbns->rrtype != TYPE_NBSTAT))
		return false;
	name_take(nbns, &name, l7);
	return true;
}

static void addresses_read(struct span data, struct nbns *nbns, struct l7 *l7)
{
	char room[ADDRESSES_MAX * (RECORD_ADDRESS_MAX + 1)];
	struct text_builder out = text_builder(room, sizeof(room));

	for (unsigned i = 0; i < ADDRESSES_MAX && data.left >= 6; i++) {
		char text[RECORD_ADDRESS_MAX];
		uint16_t flags = span_be16(&data);

		if (i == 0) {
			nbns->name_flags = flags;
			nbns->node = (uint8_t)(1 + (flags >> 13 & 3));
		} else {
			text_put(&out, ",");
		}
		text_put_bytes(&out, text, (size_t)(record_address_put(text, 4, span_bytes(&data, 4)) - text));
	}
	nbns->addresses = l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

static void status_read(struct span data, struct nbns *nbns, struct l7 *l7)
{
	unsigned names = span_u8(&data);
	const uint8_t *mac;

	for (unsigned i = 0; i < names; i++) {
		const uint8_t *name = span_bytes(&data, NETBIOS_NAME_BYTES);
		uint8_t suffix = span_u8(&data);
		uint16_t flags = span_be16(&data);
		struct nbns_host *host = &nbns->host[nbns->hosts];

		if (!span_ok(&data))
			return;
		if (nbns->hosts == HOSTS_MAX)
			continue;
		host->name = netbios_text(l7, name);
		host->suffix = netbios_suffix_text(l7, suffix);
		host->flags = flags & HOST_FLAGS;
		nbns->hosts++;
	}
	mac = span_bytes(&data, RECORD_MAC);
	if (mac != NULL)
		memcpy(nbns->mac, mac, RECORD_MAC);
}

static bool record_read(struct nbns_message *m, struct nbns *nbns, struct l7 *l7)
{
	struct netbios_name name;
	struct span data;
	uint16_t rrtype;

	if (!netbios_name_read(m->whole, &m->at, &name))
		return false;
	rrtype = span_be16(&m->at);
	if ((rrtype != TYPE_NB && rrtype != TYPE_NBSTAT && rrtype != TYPE_NULL) || span_be16(&m->at) != CLASS_IN)
		return false;
	nbns->ttl = span_be32(&m->at);
	data = span_take(&m->at, span_be16(&m->at));
	if (!span_ok(&data))
		return false;
	if (nbns->name.len == 0) {
		nbns->rrtype = rrtype;
		name_take(nbns, &name, l7);
	}
	if (rrtype == TYPE_NB && nbns->opcode != OPCODE_WACK)
		addresses_read(data, nbns, l7);
	if (rrtype == TYPE_NBSTAT)
		status_read(data, nbns, l7);
	return true;
}

static bool message_read(struct nbns_message *m, struct nbns *nbns, struct l7 *l7)
{
	if (!header_read(m, nbns) || (m->questions > 0 && !question_read(m, nbns, l7)))
		return false;
	if (m->answers > 0)
		return record_read(m, nbns, l7);
	if (m->additionals > 0 && m->authorities == 0) // a registration brings its address
		return record_read(m, nbns, l7);
	return true;
}

static enum proto_verdict nbns_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct nbns_message m = {.whole = in, .at = in};

	(void)hint;
	if (!message_read(&m, L7_BODY(l7, struct nbns), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_nbns = {
	.name = "nbns",
	.title = "NetBIOS name service",
	.spec = "RFC 1001, RFC 1002",
	.l4 = PROTO_UDP,
	.ports = {137},
	.max_payloads = 1,
	.dissect = nbns_dissect,
	.kind = &kind,
};
