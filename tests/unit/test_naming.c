// What control adds to a flow's record: in the room there is, whatever the lengths, and counted once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/naming.h"
#include "proto/proto.h"
#include "record/record_json.h"
#include "worker/worker.h"

struct world {
	struct config config;
	struct naming *naming;
	struct record *flow; // in a block that ends where it may
};

static uint8_t app_of(const char *name)
{
	for (unsigned i = 1; i < proto_count; i++)
		if (strcmp(proto_name(i), name) == 0)
			return (uint8_t)i;
	return 0;
}

// A file of one application whose name and category are as long as they may be.
static void own_file(struct config *config)
{
	char path[] = "/tmp/spanwatch-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(dprintf(fd, "long.example %0*d %0*d\n", RECORD_APPLICATION_MAX, 1, RECORD_CATEGORY_MAX, 2) > 0);
	close(fd);
	snprintf(config->applications.file, sizeof(config->applications.file), "%s", path);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err;

	assert_non_null(w);
	config_defaults(&w->config);
	own_file(&w->config);
	assert_int_equal(naming_create(&w->config, &w->naming, &err), 0);
	unlink(w->config.applications.file);
	w->flow = malloc(WORKER_FLOW_RECORD_MAX);
	assert_non_null(w->flow);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	naming_destroy(w->naming);
	free(w->flow);
	free(w);
	return 0;
}

// A record as long as a worker makes it; hostname NULL: none was said.
static void flow_make(struct world *w, const char *hostname, const char *proto)
{
	struct record_flow *body = record_body(w->flow);
	char *texts = (char *)body + record_body_size(RECORD_FLOW);
	uint32_t used = hostname != NULL ? (uint32_t)strlen(hostname) : 0;
	uint32_t rest = RECORD_HISTORY_MAX + RECORD_FIRSTS_MAX * sizeof(struct flow_first);

	memset(w->flow, 0, WORKER_FLOW_RECORD_MAX);
	w->flow->type = RECORD_FLOW;
	w->flow->to_server = true;
	w->flow->ends = (struct record_ends){.client = {10, 0, 0, 1}, .server = {192, 0, 2, 1}, .ip_version = 4, .proto = 6};
	body->start_ns = 2000000000;
	body->bytes[0] = 100;
	body->pkts[0] = 1;
	body->hostname = (struct record_text){0, (uint16_t)used};
	body->hostname_app = app_of(proto);
	if (hostname != NULL)
		memcpy(texts, hostname, used);
	w->flow->length = ((uint32_t)sizeof(*w->flow) + record_body_size(RECORD_FLOW) + used + rest + 7u) & ~7u;
}

static void told(struct world *w, const char *name)
{
	struct {
		struct record head;
		struct record_dns dns;
		_Alignas(8) char texts[512];
	} a = {.head = {.type = RECORD_DNS, .time_ns = 1000000000, .ends = {.client = {10, 0, 0, 1}, .ip_version = 4}}};
	uint16_t len = (uint16_t)strlen(name);

	a.dns.response = true;
	a.dns.answers = 1;
	a.dns.rrname = (struct record_text){0, len};
	a.dns.answer[0] = (struct record_dns_answer){.rrtype = 1, .rdata = {len, 9}};
	memcpy(a.texts, name, len);
	memcpy(a.texts + len, "192.0.2.1", 9);
	a.head.length = sizeof(a);
	naming_learn(w->naming, &a.head);
}

// A member of the event's object spanwatch, or "".
static const char *said(struct world *w, const char *key)
{
	static char out[512];
	const struct record_context context = {.sensor = "s", .app_name = proto_name, .kind_of = proto_record_kind};
	char *text = malloc(RECORD_JSON_MAX);
	cJSON *tree, *member;

	assert_non_null(text);
	tree = cJSON_ParseWithLength(text, record_json(w->flow, &context, text));
	assert_non_null(tree);
	member = cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "spanwatch"), key);
	snprintf(out, sizeof(out), "%s", member != NULL ? member->valuestring : "");
	cJSON_Delete(tree);
	free(text);
	return out;
}

static void test_said(void **state)
{
	struct world *w = *state;

	flow_make(w, "www.youtube.com", "tls");
	naming_fill(w->naming, w->flow);
	assert_string_equal(said(w, "hostname"), "www.youtube.com");
	assert_string_equal(said(w, "sni_source"), "sni");
	assert_string_equal(said(w, "application"), "YouTube");
	assert_string_equal(said(w, "category"), "video");
	flow_make(w, "www.youtube.com", "http");
	naming_fill(w->naming, w->flow);
	assert_string_equal(said(w, "sni_source"), "host");
	flow_make(w, "www.youtube.com", "dns"); // the resolver is not YouTube
	naming_fill(w->naming, w->flow);
	assert_string_equal(said(w, "sni_source"), "question");
	assert_string_equal(said(w, "application"), "");
	flow_make(w, NULL, "tls");
	naming_fill(w->naming, w->flow);
	assert_string_equal(said(w, "sni_source"), "");
}

static void test_told(void **state)
{
	struct world *w = *state;

	told(w, "www.youtube.com");
	flow_make(w, NULL, "");
	naming_fill(w->naming, w->flow);
	assert_string_equal(said(w, "hostname"), "www.youtube.com");
	assert_string_equal(said(w, "sni_source"), "dns");
	assert_string_equal(said(w, "application"), "YouTube");
	assert_string_equal(said(w, "app_confidence"), "dns");
	assert_string_equal(said(w, "app_reason"), "dns answer");
	flow_make(w, "said.example", "tls"); // what a flow says itself stands
	naming_fill(w->naming, w->flow);
	assert_string_equal(said(w, "hostname"), "said.example");
}

static void test_longest_fits(void **state)
{
	char name[RECORD_HOSTNAME_MAX + 1];
	struct world *w = *state;

	memset(name, 'x', sizeof(name));
	memcpy(name + RECORD_HOSTNAME_MAX - 13, ".long.example", 14);
	told(w, name);
	for (unsigned by_dns = 0; by_dns < 2; by_dns++) {
		flow_make(w, by_dns ? NULL : name, "tls");
		naming_fill(w->naming, w->flow);
		assert_true(w->flow->length <= WORKER_FLOW_RECORD_MAX);
		assert_string_equal(said(w, "hostname"), name);
		assert_int_equal(strlen(said(w, "application")), RECORD_APPLICATION_MAX);
		assert_int_equal(strlen(said(w, "category")), RECORD_CATEGORY_MAX);
	}
}

static void test_counted(void **state)
{
	struct world *w = *state;
	char out[4096];
	struct json j;
	cJSON *tree, *first;

	told(w, "www.youtube.com");
	for (unsigned i = 0; i < 3; i++) {
		flow_make(w, i == 0 ? NULL : i == 1 ? "www.netflix.com" : "other.example", "tls");
		((struct record_flow *)record_body(w->flow))->reason = i == 1 ? FLOW_REASON_ACTIVE : FLOW_REASON_TIMEOUT;
		((struct record_flow *)record_body(w->flow))->bytes[1] = 1000 * i;
		naming_fill(w->naming, w->flow);
		naming_learn(w->naming, w->flow);
	}
	json_init(&j, out, sizeof(out));
	json_object_begin(&j, NULL);
	naming_applications_json(w->naming, 1, &j);
	json_object_end(&j);
	tree = cJSON_ParseWithLength(out, json_length(&j));
	assert_int_equal(cJSON_GetObjectItem(tree, "met")->valueint, 2);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "applications")), 1);
	first = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "applications"), 0);
	assert_string_equal(cJSON_GetObjectItem(first, "name")->valuestring, "Netflix");
	assert_int_equal(cJSON_GetObjectItem(first, "flows")->valueint, 0); // it goes on
	assert_int_equal(cJSON_GetObjectItem(first, "bytes")->valueint, 1100);
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "others"), "flows")->valueint, 1);
	assert_int_equal(naming_stats(w->naming).flows, 1);
	cJSON_Delete(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_said, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
