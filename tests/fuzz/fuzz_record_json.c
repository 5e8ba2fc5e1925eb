// Any bytes as a record: valid JSON each time, within RECORD_JSON_MAX. References to texts may lie or overlap; only what is
// promised of a record is made true first: a type, a length, bools that are bools, and JSON where JSON is said to be. Of the events of
// protocols only the members that their tables name are any bytes: what else is in a body is for the functions of its own file.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "proto/proto.h"
#include "record/record_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *app_name(unsigned app)
{
	return app % 2 != 0 ? "tls" : NULL;
}

static void bool_mend(bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, 1);
	*b = (byte & 1) != 0;
}

// A text that is JSON: all of the record's text space from the front, spaces and then an object.
static void stats_mend(struct record *r, uint32_t texts)
{
	struct record_stats *stats = record_body(r);
	char *at = (char *)stats + record_body_size(RECORD_STATS);

	if (texts >= 2) {
		memset(at, ' ', texts);
		memcpy(at + texts - 2, "{}", 2);
	}
	stats->json = (struct record_text){0, (uint16_t)(texts >= 2 ? texts : 0)};
}

// Zero but for what the table has; bools are bools.
static void body_mend(struct record *r, const struct record_kind *kind)
{
	static uint64_t words[L7_BODY_MAX / sizeof(uint64_t)];
	uint8_t *body = record_body(r), *kept = (uint8_t *)words;

	memset(words, 0, sizeof(words));
	for (const struct record_field *f = kind->fields; f->name != NULL; f++) {
		if (f->kind == FIELD_MADE_NUMBER || f->kind == FIELD_MADE_TEXT || f->kind == FIELD_RAW_JSON)
			continue;
		memcpy(kept + f->offset, body + f->offset, f->size);
		if (f->kind == FIELD_BOOL)
			kept[f->offset] &= 1;
		if (f->kind == FIELD_ROWS || f->kind == FIELD_LIST16)
			kept[f->row_count_offset] = body[f->row_count_offset];
	}
	memcpy(body, kept, kind->body_size);
}

static void promises_mend(struct record *r, uint32_t texts)
{
	union {
		struct record_dns *dns;
		struct record_http *http;
		struct record_flow *flow;
		struct record_icmp *icmp;
	} body = {.dns = record_body(r)};

	bool_mend(&r->to_server);
	if (r->type >= RECORD_TYPES)
		body_mend(r, proto_record_kind(r->type));
	if (r->type == RECORD_DNS || r->type == RECORD_MDNS || r->type == RECORD_LLMNR) {
		bool_mend(&body.dns->response);
		bool_mend(&body.dns->edns.said);
		bool_mend(&body.dns->edns.error_said);
	}
	if (r->type == RECORD_HTTP)
		bool_mend(&body.http->length_said);
	if (r->type == RECORD_FLOW) {
		bool_mend(&body.flow->tunnel.id_known);
		bool_mend(&body.flow->claimed_to_client);
		bool_mend(&body.flow->ether_known);
	}
	if (r->type == RECORD_ICMP) {
		bool_mend(&body.icmp->pointer_said);
		bool_mend(&body.icmp->query);
		bool_mend(&body.icmp->quoted_ports);
	}
	if (r->type == RECORD_STATS || r->type == RECORD_AGGREGATE)
		stats_mend(r, texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct record_context context = {.sensor = "fuzz\xff\"<", .app_name = app_name, .kind_of = proto_record_kind};
	static uint64_t words[RECORD_LENGTH_MAX / sizeof(uint64_t)];
	struct record *r = (struct record *)(void *)words, *exact;
	char *out = malloc(RECORD_JSON_MAX); // of exactly this size, so that a sanitizer sees what is beyond
	uint32_t fixed;
	size_t length;
	cJSON *read;

	if (size > sizeof(words))
		size = sizeof(words);
	memset(words, 0, sizeof(words));
	memcpy(words, data, size);
	r->type = (uint8_t)(r->type % (RECORD_TYPES + proto_count));
	if (proto_record_kind(r->type) == NULL)
		r->type = RECORD_FLOW;
	fixed = (uint32_t)sizeof(*r) + proto_record_kind(r->type)->body_size;
	r->length = size > fixed ? (uint32_t)size & ~7u : fixed;
	promises_mend(r, r->length - fixed);
	exact = aligned_alloc(8, r->length);
	memcpy(exact, r, r->length);
	length = record_json(exact, &context, out);
	if (length == 0 || length > RECORD_JSON_MAX || memchr(out, '\n', length) != NULL)
		abort();
	read = cJSON_ParseWithLength(out, length);
	if (read == NULL || cJSON_GetObjectItem(read, "event_type") == NULL)
		abort();
	cJSON_Delete(read);
	free(exact);
	free(out);
	return 0;
}
