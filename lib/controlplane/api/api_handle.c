// A request, from its first line to its answer. MHD calls the handler once when the head is complete, again to have it answered, and
// again after each time it was suspended.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_server.h"
#include "base/clock.h"
#include "base/nearest.h"

enum { TOLD_MAX = 64 };

static const char root[] = "/api/v1", json_type[] = "application/json", metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

// ---- the beginning and the end ----

void *api_target_seen(void *arg, const char *raw, struct MHD_Connection *connection)
{
	struct api_request *r = calloc(1, sizeof(*r));
	struct api *api = arg;

	(void)connection;
	api->counts.requests++;
	if (r == NULL)
		return NULL;
	r->api = api;
	r->refused = api_target_parse(raw, &r->target);
	return r;
}

void api_request_ended(void *arg, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode how)
{
	struct api_request *r = *request;

	(void)arg;
	(void)how;
	api_connection_deadline(connection, API_KEEP_S);
	if (r == NULL)
		return;
	op_call_end(r->call);
	r->api->bodies -= r->body_room;
	free(r->body);
	free(r);
	*request = NULL;
}

// ---- what a head must be ----

static enum MHD_Result head_read(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct api_head *h = arg;

	(void)kind;
	if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0) {
		h->hosts++;
		h->host = value;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		h->lengths++;
		h->length = value;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		h->encodings++;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_TYPE) == 0) {
		h->types++;
		h->type = value;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_ORIGIN) == 0) {
		h->origins++;
		h->origin = value;
	} else if (strcasecmp(key, "Sec-Fetch-Site") == 0) {
		h->site = value != NULL ? value : "";
	}
	return MHD_YES;
}

// Room for the body that a head announces. 0, or the status with its sentence.
static unsigned body_expect(struct api_request *r, size_t length, const char **sentence)
{
	if (length == 0)
		return 0;
	*sentence = "too many bodies are on their way; try again";
	if (r->api->bodies + length > API_BODIES_MAX)
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	r->body = malloc(length);
	if (r->body == NULL)
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	r->body_room = length;
	r->api->bodies += length;
	return 0;
}

// 0, or the status with its sentence.
static unsigned head_check(struct api_request *r, struct MHD_Connection *connection, const char *method, const char **sentence)
{
	const struct api_listener *listener = &r->api->listener;
	struct api_head h = {.method = method};
	struct api_place place = {.write_method = NULL};
	unsigned status;
	size_t length;

	if (r->op != NULL)
		place = (struct api_place){r->op->write_method, r->op->write_only, r->op->body_max};
	MHD_get_connection_values(connection, MHD_HEADER_KIND, head_read, &h);
	status = api_head_check(&h, &place, listener->local ? NULL : listener->host, &length, sentence);
	if (status != 0)
		return status;
	r->writes = api_head_writes(&h, &place);
	return body_expect(r, length, sentence);
}

static const char *target_sentence(int status)
{
	switch (status) {
	case MHD_HTTP_URI_TOO_LONG:
		return "the address is too long";
	case MHD_HTTP_NOT_FOUND:
		return "there is no such place";
	default:
		return "the address is not well-formed";
	}
}

// ---- operations ----

static unsigned status_of(int code)
{
	switch (code) {
	case -EINVAL:
		return MHD_HTTP_BAD_REQUEST;
	case -EMSGSIZE:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	default:
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	}
}

static enum MHD_Result call_run(struct api_request *r, struct MHD_Connection *connection)
{
	struct op_call *call = r->call;
	struct err err = {""};
	char *out;
	int rc = r->api->closing ? err_set(&err, -EBUSY, "the program is stopping") : op_call_run(call, &err);

	if (rc == -EAGAIN) {
		r->suspended = connection;
		r->next = r->api->waiting;
		r->api->waiting = r;
		MHD_suspend_connection(connection);
		return MHD_YES;
	}
	if (rc < 0)
		return api_answer_error(r->api, connection, status_of(rc), "%s", err.text);
	if (r->api->bytes_waiting + call->length > API_BYTES_MAX)
		return api_answer_error(r->api, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many answers wait for their readers");
	out = call->out;
	call->out = NULL;
	return api_answer_taken(r->api, connection, MHD_HTTP_OK, call->op->text != NULL ? metrics_type : json_type, out, call->length);
}

static enum MHD_Result call_begin(struct api_request *r, struct MHD_Connection *connection)
{
	struct err err;

	if (op_call_begin(r->api->ops, r->op, &r->call) < 0)
		return MHD_NO;
	if (r->writes)
		op_call_write(r->call, r->body, r->body_length);
	for (unsigned i = 0; i < r->target.arguments; i++)
		if (op_call_argument(r->call, r->target.argument[i].name, r->target.argument[i].value, &err) < 0)
			return api_answer_error(r->api, connection, MHD_HTTP_BAD_REQUEST, "%s", err.text);
	return call_run(r, connection);
}

void api_requests_turn(struct api *api)
{
	struct api_request **at = &api->waiting;

	while (*at != NULL) {
		struct api_request *r = *at;

		if (!api->closing && !r->call->op->answered(r->call) && clock_monotonic_ns() < r->call->deadline_ns) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		MHD_resume_connection(r->suspended);
		r->suspended = NULL;
	}
}

// ---- the list at /api/v1 ----

static void argument_json(const struct op_argument *a, struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "name", a->name);
	json_string(j, "help", a->help);
	json_u64(j, "min", a->min);
	json_u64(j, "max", a->max);
	json_u64(j, "default", a->fallback);
	json_object_end(j);
}

static void operation_json(const struct op *op, struct json *j)
{
	char path[TOLD_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, op->path);
	json_object_begin(j, NULL);
	json_string(j, "path", path);
	json_string(j, "help", op->help);
	json_array_begin(j, "methods");
	if (!op->write_only)
		json_string(j, NULL, MHD_HTTP_METHOD_GET);
	if (op->write_method != NULL)
		json_string(j, NULL, op->write_method);
	json_array_end(j);
	json_array_begin(j, "arguments");
	for (unsigned i = 0; i < OP_ARGUMENTS_MAX && op->argument[i].name != NULL; i++)
		argument_json(&op->argument[i], j);
	json_array_end(j);
	json_object_end(j);
}

static void counts_json(const struct api_counts *c, struct json *j)
{
	json_object_begin(j, "served");
	json_u64(j, "connections", c->connections);
	json_u64(j, "requests", c->requests);
	json_u64(j, "answers_2xx", c->answers_2xx);
	json_u64(j, "answers_4xx", c->answers_4xx);
	json_u64(j, "answers_5xx", c->answers_5xx);
	json_u64(j, "ended_at_deadline", c->swept);
	json_u64(j, "server_messages", c->messages);
	json_object_end(j);
}

static enum MHD_Result list_answer(struct api *api, struct MHD_Connection *connection)
{
	char *out = malloc(OP_ANSWER_FIRST);
	struct json j;

	if (out == NULL)
		return MHD_NO;
	json_init(&j, out, OP_ANSWER_FIRST);
	json_object_begin(&j, NULL);
	json_array_begin(&j, "operations");
	for (unsigned i = 0; i < ops_count; i++)
		operation_json(&ops_list[i], &j);
	json_array_end(&j);
	counts_json(&api->counts, &j);
	json_object_end(&j);
	return api_answer_taken(api, connection, MHD_HTTP_OK, json_type, out, json_length(&j));
}

// ---- where a path leads ----

static enum MHD_Result nowhere(struct api *api, struct MHD_Connection *connection, const char *path)
{
	struct nearest nearest = {.name = path};
	char known[TOLD_MAX], best[TOLD_MAX] = "";

	for (unsigned i = 0; i < ops_count; i++) {
		snprintf(known, sizeof(known), "%s/%s", root, ops_list[i].path);
		nearest_offer(&nearest, known, ops_list[i].path);
		nearest_offer(&nearest, known + sizeof(root) - 1, ops_list[i].path);
	}
	if (nearest.best != NULL)
		snprintf(best, sizeof(best), "; did you mean %s/%s?", root, nearest.best);
	return api_answer_error(api, connection, MHD_HTTP_NOT_FOUND, "there is no %s%s; %s lists what there is", path, best, root);
}

static const struct op *operation(const char *path)
{
	size_t n = sizeof(root) - 1;

	if (strcmp(path, "/metrics") == 0)
		return op_find("metrics");
	return strncmp(path, root, n) == 0 && path[n] == '/' ? op_find(path + n + 1) : NULL;
}

static enum MHD_Result route(struct api_request *r, struct MHD_Connection *connection)
{
	const char *path = r->target.path;

	if (r->op != NULL)
		return call_begin(r, connection);
	if (strncmp(path, root, sizeof(root) - 1) == 0 && (path[sizeof(root) - 1] == '\0' || strcmp(path + sizeof(root) - 1, "/") == 0))
		return list_answer(r->api, connection);
	for (unsigned i = 0; i < api_asset_count; i++)
		if (strcmp(api_assets[i].path, path) == 0)
			return api_answer_constant(r->api, connection, api_assets[i].type, api_assets[i].bytes, api_assets[i].length);
	return nowhere(r->api, connection, path);
}

// Everything that can be refused before a body comes is.
static enum MHD_Result begin(struct api_request *r, struct MHD_Connection *connection, const char *method)
{
	const char *sentence;
	unsigned status;

	r->checked = true;
	if (r->refused == 0)
		r->op = operation(r->target.path);
	api_connection_deadline(connection, API_ANSWER_S);
	status = head_check(r, connection, method, &sentence);
	if (status == 0 && r->refused != 0) {
		status = (unsigned)r->refused;
		sentence = target_sentence(r->refused);
	}
	return status != 0 ? api_answer_refused(r->api, connection, status, r->op, sentence) : MHD_YES;
}

// MHD gives out no more than the length that was announced; were it otherwise, the connection ends.
static enum MHD_Result body_take(struct api_request *r, const char *bytes, size_t *length)
{
	if (*length > r->body_room - r->body_length)
		return MHD_NO;
	memcpy(r->body + r->body_length, bytes, *length);
	r->body_length += *length;
	*length = 0;
	return MHD_YES;
}

enum MHD_Result api_request_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
				   const char *body, size_t *body_length, void **request)
{
	struct api_request *r = *request;
	const char *sentence;
	unsigned status;

	(void)arg;
	(void)url;
	(void)version;
	if (r == NULL) // there was no memory for it
		return MHD_NO;
	if (r->call != NULL)
		return call_run(r, connection);
	if (!r->checked)
		return begin(r, connection, method);
	if (*body_length > 0)
		return body_take(r, body, body_length);
	status = api_body_check(r->body, r->body_length, &sentence);
	return status != 0 ? api_answer_error(r->api, connection, status, "%s", sentence) : route(r, connection);
}
