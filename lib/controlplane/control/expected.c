#include "control/expected.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "proto/proto.h"

enum { NS_PER_S = 1000000000, HOLDS_S = 120, ADDRESS_TEXT_MAX = 45, ADDRESS_BYTES = 16 };

struct announcement {
	uint64_t from_ns, flow_id; // of the record that announced it
	uint8_t address[ADDRESS_BYTES];
	uint16_t port; // 0: none
	uint8_t ip_version, proto, app;
};

// Where in the body of a protocol's event a field is.
struct place {
	uint16_t at;
	bool there;
};

struct expected {
	uint8_t ftp, ftp_data, tftp; // indices of the list of protocols
	struct place port, address, mode;
	unsigned next;
	struct announcement list[EXPECTED_MAX];
};

static uint8_t app_of(const char *name)
{
	for (unsigned i = 1; i < proto_count; i++)
		if (strcmp(proto_name(i), name) == 0)
			return (uint8_t)i;
	return PROTO_UNKNOWN;
}

static struct place place_of(uint8_t app, const char *field)
{
	const struct record_kind *kind = proto_record_kind((uint8_t)(RECORD_TYPES + app));

	for (const struct record_field *f = kind != NULL ? kind->fields : NULL; f != NULL && f->name != NULL; f++)
		if (strcmp(f->name, field) == 0)
			return (struct place){f->offset, true};
	return (struct place){0, false};
}

struct expected *expected_create(void)
{
	struct expected *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->ftp = app_of("ftp");
	e->ftp_data = app_of("ftp-data");
	e->tftp = app_of("tftp");
	e->port = place_of(e->ftp, "dynamic_port");
	e->address = place_of(e->ftp, "dynamic_address");
	e->mode = place_of(e->ftp, "mode");
	return e;
}

void expected_destroy(struct expected *e)
{
	free(e);
}

static void announce(struct expected *e, const struct record *r, const uint8_t address[ADDRESS_BYTES], uint16_t port, uint8_t proto, uint8_t app)
{
	struct announcement *a = &e->list[e->next++ % EXPECTED_MAX];

	*a = (struct announcement){.from_ns = r->order_ns, .flow_id = r->flow_id, .port = port, .ip_version = r->ends.ip_version, .proto = proto,
				   .app = app};
	memcpy(a->address, address, ADDRESS_BYTES);
}

// The address that stands in the event, of the flow's own family; else the flow's own end.
static void address_read(const struct expected *e, const struct record *r, const uint8_t own[ADDRESS_BYTES], uint8_t out[ADDRESS_BYTES])
{
	const char *body = record_body_const(r);
	const struct record_kind *kind = proto_record_kind(r->type);
	char text[ADDRESS_TEXT_MAX + 1] = "";
	struct record_text said;

	memcpy(out, own, ADDRESS_BYTES);
	memcpy(&said, body + e->address.at, sizeof(said));
	if (said.len == 0 || said.len > ADDRESS_TEXT_MAX)
		return;
	memcpy(text, body + kind->body_size + said.at, said.len);
	if (r->ends.ip_version == 4) {
		memset(out, 0, ADDRESS_BYTES);
		if (inet_pton(AF_INET, text, out) != 1)
			memcpy(out, own, ADDRESS_BYTES);
	} else if (inet_pton(AF_INET6, text, out) != 1) {
		memcpy(out, own, ADDRESS_BYTES);
	}
}

static void ftp_learn(struct expected *e, const struct record *r)
{
	const char *body = record_body_const(r);
	uint8_t address[ADDRESS_BYTES];
	bool active = body[e->mode.at] == 1;
	uint16_t port;

	memcpy(&port, body + e->port.at, sizeof(port));
	if (port == 0)
		return;
	address_read(e, r, active ? r->ends.client : r->ends.server, address);
	announce(e, r, address, port, IPPROTO_TCP, e->ftp_data);
}

void expected_learn(struct expected *e, const struct record *r)
{
	unsigned app = r->type > RECORD_TYPES ? r->type - RECORD_TYPES : PROTO_UNKNOWN;

	if (app == PROTO_UNKNOWN)
		return;
	if (app == e->ftp && e->port.there && e->address.there && e->mode.there)
		ftp_learn(e, r);
	else if (app == e->tftp) // the server answers from a port of its own to the one that asked
		announce(e, r, r->ends.client, r->ends.client_port, IPPROTO_UDP, e->tftp);
}

static bool end_is(const struct announcement *a, const uint8_t address[ADDRESS_BYTES], uint16_t port)
{
	return a->port == port && memcmp(a->address, address, a->ip_version == 4 ? RECORD_IPV4 : ADDRESS_BYTES) == 0;
}

void expected_fill(const struct expected *e, struct record *flow)
{
	struct record_flow *body = record_body(flow);
	const struct record_ends *ends = &flow->ends;

	if (flow->app != PROTO_UNKNOWN)
		return;
	for (unsigned i = 0; i < EXPECTED_MAX; i++) {
		const struct announcement *a = &e->list[(e->next - 1 - i) % EXPECTED_MAX]; // the latest counts

		if (a->port == 0)
			return;
		if (a->proto != ends->proto || a->ip_version != ends->ip_version || a->app == PROTO_UNKNOWN ||
		    body->start_ns + NS_PER_S < a->from_ns || body->start_ns > a->from_ns + (uint64_t)HOLDS_S * NS_PER_S ||
		    !(end_is(a, ends->server, ends->server_port) || end_is(a, ends->client, ends->client_port)))
			continue;
		flow->app = a->app;
		body->confidence = FLOW_CONFIDENCE_BEHAVIOUR;
		body->app_guess = PROTO_UNKNOWN;
		body->parent_id = a->flow_id;
		return;
	}
}
