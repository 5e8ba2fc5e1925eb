// Answers. Each one carries the headers that keep a browser from doing anything with it but what it is for.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_server.h"

enum { SENTENCE_MAX = 1024, ERROR_MAX = 6 * SENTENCE_MAX + 64, METHODS_MAX = 32 };

static const char *const headers[][2] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
				    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	{"Cache-Control", "no-store"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
};

struct kept {
	struct api *api;
	size_t length;
	char *bytes;
};

static void kept_free(void *arg)
{
	struct kept *kept = arg;

	kept->api->bytes_waiting -= kept->length;
	free(kept->bytes);
	free(kept);
}

static void count(struct api *api, unsigned status)
{
	api->answered++;
	if (status < 400)
		api->counts.answers_2xx++;
	else if (status < 500)
		api->counts.answers_4xx++;
	else
		api->counts.answers_5xx++;
}

// Takes the response over.
static enum MHD_Result queue(struct api *api, struct MHD_Connection *connection, unsigned status, const char *type,
			     struct MHD_Response *response)
{
	enum MHD_Result done = MHD_YES;

	if (response == NULL)
		return MHD_NO;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		done &= MHD_add_response_header(response, headers[i][0], headers[i][1]);
	done &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status >= 400)
		done &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (done == MHD_YES)
		done = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	if (done == MHD_YES)
		count(api, status);
	return done;
}

enum MHD_Result api_answer_constant(struct api *api, struct MHD_Connection *connection, const char *type, const void *bytes, size_t length)
{
	void *data = (void *)(uintptr_t)bytes; // MHD_RESPMEM_PERSISTENT: only read

	return queue(api, connection, MHD_HTTP_OK, type, MHD_create_response_from_buffer(length, data, MHD_RESPMEM_PERSISTENT));
}

// Takes the bytes over.
static struct MHD_Response *response_make(struct api *api, char *bytes, size_t length)
{
	struct kept *kept = malloc(sizeof(*kept));
	struct MHD_Response *response;

	if (kept == NULL) {
		free(bytes);
		return NULL;
	}
	*kept = (struct kept){api, length, bytes};
	api->bytes_waiting += length;
	response = MHD_create_response_from_buffer_with_free_callback_cls(length, bytes, kept_free, kept);
	if (response == NULL)
		kept_free(kept);
	return response;
}

enum MHD_Result api_answer_taken(struct api *api, struct MHD_Connection *connection, unsigned status, const char *type, char *bytes, size_t length)
{
	return queue(api, connection, status, type, response_make(api, bytes, length));
}

// "GET, HEAD, PUT"
static void allow_add(struct MHD_Response *response, const struct op *op)
{
	bool writes = op != NULL && op->write_method != NULL, reads = op == NULL || !op->write_only;
	char methods[METHODS_MAX];

	snprintf(methods, sizeof(methods), "%s%s%s", reads ? "GET, HEAD" : "", reads && writes ? ", " : "", writes ? op->write_method : "");
	MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, methods);
}

enum MHD_Result api_answer_refused(struct api *api, struct MHD_Connection *connection, unsigned status, const struct op *op, const char *sentence)
{
	char *out = malloc(ERROR_MAX);
	struct MHD_Response *response;
	struct json j;

	if (out == NULL)
		return MHD_NO;
	json_init(&j, out, ERROR_MAX);
	json_object_begin(&j, NULL);
	json_string(&j, "error", sentence);
	json_object_end(&j);
	response = response_make(api, out, json_length(&j));
	if (response != NULL && status == MHD_HTTP_METHOD_NOT_ALLOWED)
		allow_add(response, op);
	return queue(api, connection, status, "application/json", response);
}

enum MHD_Result api_answer_error(struct api *api, struct MHD_Connection *connection, unsigned status, const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return api_answer_refused(api, connection, status, NULL, sentence);
}
