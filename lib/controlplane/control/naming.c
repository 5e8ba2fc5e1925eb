#include "control/naming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/enrich_names.h"
#include "proto/proto.h"
#include "worker/worker.h"

// Protocols whose word for the server's name is known; that of any other is just said.
static const struct {
	const char *proto;
	enum flow_name_source source;
} sources[] = {
	{"tls", FLOW_NAME_SNI},   {"quic", FLOW_NAME_SNI},   {"dtls", FLOW_NAME_SNI},      {"gquic", FLOW_NAME_SNI},
	{"http", FLOW_NAME_HOST}, {"http2", FLOW_NAME_HOST}, {"websocket", FLOW_NAME_HOST},
	{"dns", FLOW_NAME_QUESTION}, {"mdns", FLOW_NAME_QUESTION}, {"llmnr", FLOW_NAME_QUESTION}, {"nbns", FLOW_NAME_QUESTION},
};

struct naming {
	struct enrich_applications *applications;
	struct enrich_names *names;
	uint8_t source[PROTO_MAX]; // enum flow_name_source, by protocol
	uint64_t flows_by_dns, flows_without, bytes_without;
};

static uint8_t source_of(const char *proto)
{
	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i].proto, proto) == 0)
			return (uint8_t)sources[i].source;
	return FLOW_NAME_SAID;
}

int naming_create(const struct config *config, struct naming **out, struct err *err)
{
	struct naming *n = calloc(1, sizeof(*n));
	int rc;

	if (n == NULL || enrich_names_create(config->limits.dns_names, &n->names) < 0) {
		free(n);
		return err_set(err, -ENOMEM, "no memory for names from DNS: lower limits.dns_names");
	}
	rc = enrich_applications_create(config->applications.file, &n->applications, err);
	if (rc < 0) {
		naming_destroy(n);
		return rc;
	}
	for (unsigned i = 0; i < PROTO_MAX; i++)
		n->source[i] = i == PROTO_UNKNOWN || i >= proto_count ? FLOW_NAME_SAID : source_of(proto_name(i));
	*out = n;
	return 0;
}

void naming_destroy(struct naming *n)
{
	if (n == NULL)
		return;
	enrich_applications_destroy(n->applications);
	enrich_names_destroy(n->names);
	free(n);
}

void naming_replace(struct naming *n, struct enrich_applications *applications)
{
	enrich_applications_go_on(applications, n->applications);
	enrich_applications_destroy(n->applications);
	n->applications = applications;
}

// ---- filling ----

static const char *texts_of(const struct record *flow)
{
	return (const char *)record_body_const(flow) + record_body_size(RECORD_FLOW);
}

// Behind the texts there are; the caller has given room for all that is added here.
static struct record_text text_add(struct record *flow, const char *text, uint32_t len)
{
	uint32_t at = flow->length - (uint32_t)sizeof(*flow) - record_body_size(RECORD_FLOW);

	memcpy((char *)flow + flow->length, text, len);
	flow->length = (flow->length + len + 7u) & ~7u;
	return (struct record_text){(uint16_t)at, (uint16_t)len};
}

static void hostname_fill(const struct naming *n, struct record *flow)
{
	struct record_flow *body = record_body(flow);
	const char *name;
	uint32_t len;

	if (body->hostname.len > 0) {
		body->name_source = n->source[body->hostname_app < PROTO_MAX ? body->hostname_app : PROTO_UNKNOWN];
		return;
	}
	len = enrich_names_find(n->names, &flow->ends, body->start_ns, &name);
	if (len == 0)
		return;
	body->hostname = text_add(flow, name, len);
	body->name_source = FLOW_NAME_DNS;
}

static struct enrich_application *application_of(const struct naming *n, const struct record *flow)
{
	const struct record_flow *body = record_body_const(flow);

	if (body->hostname.len == 0 || body->name_source == FLOW_NAME_QUESTION)
		return NULL;
	return enrich_application_find(n->applications, texts_of(flow) + body->hostname.at, body->hostname.len);
}

void naming_fill(const struct naming *n, struct record *flow)
{
	struct record_flow *body = record_body(flow);
	const struct enrich_application *application;

	hostname_fill(n, flow);
	application = application_of(n, flow);
	if (application == NULL)
		return;
	body->application = text_add(flow, application->name, (uint32_t)strlen(application->name));
	body->category = text_add(flow, application->category, (uint32_t)strlen(application->category));
	if (body->service == FLOW_SERVICE_HTTPS && strcmp(application->category, "doh") == 0)
		body->service = FLOW_SERVICE_DOH;
	if (body->confidence == FLOW_CONFIDENCE_NONE && body->name_source == FLOW_NAME_DNS)
		body->confidence = FLOW_CONFIDENCE_DNS;
}

// ---- learning ----

// Interim records bring their bytes, the last one of a flow counts it.
static void ended_count(struct naming *n, const struct record *flow)
{
	const struct record_flow *body = record_body_const(flow);
	uint64_t bytes = body->bytes[0] + body->bytes[1], ended = body->reason != FLOW_REASON_ACTIVE;
	uint64_t by_dns = body->name_source == FLOW_NAME_DNS ? ended : 0;
	struct enrich_application *application = application_of(n, flow);

	n->flows_by_dns += by_dns;
	if (application == NULL) {
		n->flows_without += ended;
		n->bytes_without += bytes;
		return;
	}
	application->flows += ended;
	application->flows_by_dns += by_dns;
	application->pkts += body->pkts[0] + body->pkts[1];
	application->bytes += bytes;
}

void naming_learn(struct naming *n, const struct record *r)
{
	if (r->type == RECORD_FLOW)
		ended_count(n, r);
	else if (r->type == RECORD_DNS)
		enrich_names_learn(n->names, r);
}

struct metrics_dns_names naming_stats(const struct naming *n)
{
	struct enrich_names_stats stats = {0};

	if (n != NULL)
		enrich_names_stats(n->names, &stats);
	return (struct metrics_dns_names){stats.capacity, stats.used, stats.told, stats.evicted, n != NULL ? n->flows_by_dns : 0};
}

// ---- for people ----

static int more_first(const void *a, const void *b)
{
	const struct enrich_application *x = *(const struct enrich_application *const *)a, *y = *(const struct enrich_application *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void application_json(const struct enrich_application *a, struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "name", a->name);
	json_string(j, "category", a->category);
	json_u64(j, "flows", a->flows);
	json_u64(j, "flows_by_dns", a->flows_by_dns);
	json_u64(j, "packets", a->pkts);
	json_u64(j, "bytes", a->bytes);
	json_object_end(j);
}

void naming_applications_json(const struct naming *n, unsigned limit, struct json *j)
{
	unsigned all = n != NULL ? enrich_application_count(n->applications) : 0, met = 0;
	const struct enrich_application **list = calloc(all + 1u, sizeof(*list));

	for (unsigned i = 0; i < all && list != NULL; i++) {
		list[met] = enrich_application_at(n->applications, i);
		met += list[met]->pkts > 0;
	}
	if (list != NULL)
		qsort(list, met, sizeof(*list), more_first);
	json_u64(j, "known", all);
	json_u64(j, "met", met);
	json_array_begin(j, "applications");
	for (unsigned i = 0; i < met && i < limit; i++)
		application_json(list[i], j);
	json_array_end(j);
	json_object_begin(j, "others");
	json_u64(j, "flows", n != NULL ? n->flows_without : 0);
	json_u64(j, "bytes", n != NULL ? n->bytes_without : 0);
	json_object_end(j);
	free(list);
}
