// Records as lines of JSON to a server, by POST, on libcurl's easy interface. docs/http-sink.md says what is sent and what answers
// mean.
//
// An answer to the request that carried a batch is delivery. What the server finds too large (413) goes in halves, and halves of
// halves; where it is cut is a function of the batch and the server's limit alone, so that after a restart the same parts are sent
// again under the same keys.
//
// Nothing is followed, decoded or remembered for the server: no redirects, cookies, compression, other protocols; nor does the
// environment choose a proxy: what a sensor saw goes where http.url says and nowhere else. An answer is read up to a bound.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sink/sink_http.h"
#include "sink/sink_list.h"
#include "sink/sink_version.h"

enum { ANSWER_MAX = 64 * 1024, SAID_ROOM = HTTP_TOKEN_ROOM + HTTP_SAID_MAX, HEADER_ROOM = HTTP_TOKEN_ROOM + 64 };
enum { HEADERS = 6, MS_PER_S = 1000, NS_PER_MS = 1000000 };

struct http {
	struct http_settings is;
	CURL *curl; // NULL: not connected
	char curl_error[CURL_ERROR_SIZE];
	char instance[HTTP_INSTANCE_ROOM];
	struct sink_own *own;
	uint64_t quiet_until_ms; // the server asked for it
	const struct remote_patience *patience;

	// the batch
	const struct spool_batch *batch;
	char batch_key[HTTP_KEY_ROOM];
	unsigned done, duplicates; // its first entries that the server has; of these, that it already had
	size_t too_large;          // the smallest body that the server refused for its size; 0: none

	// the request
	char key[HTTP_KEY_ROOM];
	char *body;
	size_t body_room;
	char header_text[HEADERS][HEADER_ROOM];
	struct curl_slist header[HEADERS];

	// the answer
	size_t received; // bytes of head and body
	bool endless, our_key;
	char said[SAID_ROOM];
	size_t said_length;
};

static uint64_t now_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

// ---- create and destroy ----

// curl_global_init() wants no other thread to be in libcurl; only sinks of this kind are, and each begins here. Beside threads that
// do other things it may run: libcurl is that careful since 7.84, OpenSSL since 1.1. It is never undone: another sink may be there.
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void curl_start(void)
{
	curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void http_disconnect(void *state)
{
	struct http *h = state;

	curl_easy_cleanup(h->curl);
	h->curl = NULL;
}

static void http_destroy(void *state)
{
	struct http *h = state;

	http_disconnect(h);
	free(h->body);
	explicit_bzero(h, sizeof(*h));
	free(h);
}

// A batch that was begun under another http.batch stays as it is: the server may have it.
static unsigned http_most(const void *state)
{
	return ((const struct http *)state)->is.batch;
}

static int http_create(const struct config *config, void **state, char *target, struct err *err)
{
	struct http *h;
	int rc;

	pthread_once(&curl_once, curl_start);
	if (curl_ready != CURLE_OK)
		return err_set(err, -ENOMEM, "cannot start libcurl for the output http: %s", curl_easy_strerror(curl_ready));
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return err_set(err, -ENOMEM, "no memory for the output http");
	rc = http_settings_read(&h->is, config, err);
	if (rc < 0) {
		http_destroy(h);
		return rc;
	}
	snprintf(target, SINK_TARGET_MAX, "%s", h->is.target);
	*state = h;
	return 0;
}

// ---- what comes back ----

static bool enough(struct http *h, size_t more)
{
	h->received += more;
	h->endless = h->received > ANSWER_MAX;
	return h->endless;
}

static bool is_our_key(const struct http *h, const char *line, size_t length)
{
	static const char name[] = "Idempotency-Key:";
	size_t at = sizeof(name) - 1;

	if (length < at || strncasecmp(line, name, at) != 0)
		return false;
	while (at < length && line[at] == ' ')
		at++;
	while (length > at && strchr(" \r\n", line[length - 1]) != NULL)
		length--;
	return length - at == strlen(h->key) && memcmp(line + at, h->key, length - at) == 0;
}

// A line of the head, those of 100 Continue and trailers included. Less than what was given ends the transfer.
static size_t head_take(char *line, size_t one, size_t length, void *state)
{
	struct http *h = state;

	(void)one;
	if (enough(h, length))
		return 0;
	h->our_key = h->our_key || is_our_key(h, line, length);
	return length;
}

static size_t body_take(char *bytes, size_t one, size_t length, void *state)
{
	struct http *h = state;
	size_t kept = length < SAID_ROOM - h->said_length ? length : SAID_ROOM - h->said_length;

	(void)one;
	if (enough(h, length))
		return 0;
	memcpy(h->said + h->said_length, bytes, kept);
	h->said_length += kept;
	return length;
}

// libcurl asks this about once a second, whatever it waits for.
static int give_up(void *state, curl_off_t down, curl_off_t down_now, curl_off_t up, curl_off_t up_now)
{
	(void)down;
	(void)down_now;
	(void)up;
	(void)up_now;
	return remote_patience_over(((const struct http *)state)->patience);
}

// A server may show in its answer what it was sent.
static void said_cover(struct http *h, const char *secret)
{
	size_t length = strlen(secret);
	char *at = h->said;

	while (length > 0 && (at = memmem(at, (size_t)(h->said + h->said_length - at), secret, length)) != NULL)
		memset(at, '*', length);
}

// ---- connect ----

// libcurl would make it as well, but tells nobody. It makes a new one whenever the server has closed the last.
static curl_socket_t socket_make(void *state, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http *h = state;

	(void)purpose;
	sink_own_tell(h->own, &address->addr);
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Returns whether all of it could be set: libcurl may be older than the one we were built with.
static bool options_set(struct http *h, CURL *curl)
{
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad |= curl_easy_setopt(curl, CURLOPT_##option, value)
	SET(URL, h->is.url);
	SET(PROTOCOLS_STR, "http,https");
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(FOLLOWLOCATION, 0L);
	SET(PROXY, "");
	SET(NETRC, (long)CURL_NETRC_IGNORED);
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (h->is.ca_file[0] != '\0') {
		SET(CAINFO, h->is.ca_file);
		SET(CAPATH, NULL); // else those of the system would do as well
	}
	SET(NOSIGNAL, 1L);
	SET(QUICK_EXIT, 1L); // a name server that does not answer holds nobody up
	SET(TCP_KEEPALIVE, 1L);
	SET(OPENSOCKETFUNCTION, socket_make);
	SET(OPENSOCKETDATA, h);
	SET(USERAGENT, "spanwatch/" SINK_VERSION);
	SET(ERRORBUFFER, h->curl_error);
	SET(HEADERFUNCTION, head_take);
	SET(HEADERDATA, h);
	SET(WRITEFUNCTION, body_take);
	SET(WRITEDATA, h);
	SET(XFERINFOFUNCTION, give_up);
	SET(XFERINFODATA, h);
	SET(NOPROGRESS, 0L);
	SET(POST, 1L);
#undef SET
	return bad == CURLE_OK;
}

static CURL *curl_create(struct http *h)
{
	CURL *curl = curl_easy_init();

	if (curl != NULL && options_set(h, curl))
		return curl;
	curl_easy_cleanup(curl);
	return NULL;
}

static void time_limit(CURL *curl, uint64_t ms)
{
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)ms);
}

static int broken(struct http *h, CURLcode code, struct remote_fault *fault)
{
	return http_broken(code, h->curl_error[0] != '\0' ? h->curl_error : curl_easy_strerror(code), h->is.target, fault);
}

// There is nothing to ask the server, but whether it is there shows: a connection, with TLS, and no request.
static CURLcode reach(struct http *h)
{
	CURL *curl = curl_create(h);
	CURLcode code;

	if (curl == NULL)
		return CURLE_OUT_OF_MEMORY;
	h->curl_error[0] = '\0';
	time_limit(curl, h->is.timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	return code;
}

static int http_connect(void *state, const struct remote_identity *identity, struct remote_where *where, struct remote_fault *fault)
{
	struct http *h = state;
	CURLcode code;

	*where = (struct remote_where){.known = {false}};
	http_disconnect(h);
	http_token_refresh(&h->is);
	http_instance(identity->instance, h->instance);
	h->patience = identity->patience;
	h->own = identity->own;
	h->too_large = 0;
	code = reach(h);
	if (code != CURLE_OK)
		return broken(h, code, fault);
	h->curl = curl_create(h);
	if (h->curl == NULL)
		return remote_fail(fault, "memory", true, "%s: libcurl %s has no memory, or cannot do what is needed", h->is.target,
				   curl_version_info(CURLVERSION_NOW)->version);
	return 0;
}

// ---- send and receive ----

static int http_send(void *state, const struct spool_batch *batch, struct remote_fault *fault)
{
	struct http *h = state;
	char key[HTTP_KEY_ROOM];
	uint64_t now = now_ms();

	if (now < h->quiet_until_ms) {
		remote_fail(fault, "busy", true, "%s asked for a pause, %u s of it are left", h->is.target,
			    (unsigned)((h->quiet_until_ms - now + MS_PER_S - 1) / MS_PER_S));
		fault->keep = true;
		return -EIO;
	}
	http_key(h->instance, batch->entry, batch->count, key);
	if (strcmp(key, h->batch_key) != 0)
		h->done = h->duplicates = 0;
	strcpy(h->batch_key, key);
	h->batch = batch;
	return 0;
}

// Writes the body of the largest part that begins with the first entry not yet delivered and is not known to be too large. Parts
// are the batch, its halves, the halves of these. Returns the entry behind it.
static unsigned part_write(struct http *h, size_t *length)
{
	const struct spool_entry *entries = h->batch->entry;
	unsigned first = 0, end = h->batch->count;

	for (;;) {
		unsigned middle = first + (end - first + 1) / 2;

		if (first == h->done) {
			*length = http_body(entries + first, end - first, h->body);
			if (end - first == 1 || h->too_large == 0 || *length < h->too_large)
				return end;
		}
		if (h->done >= middle)
			first = middle;
		else
			end = middle;
	}
}

static void header_put(struct http *h, unsigned i, const char *name, const char *value)
{
	snprintf(h->header_text[i], HEADER_ROOM, "%s%s", name, value);
	h->header[i] = (struct curl_slist){.data = h->header_text[i]};
	if (i > 0)
		h->header[i - 1].next = &h->header[i];
}

static void headers_put(struct http *h)
{
	unsigned n = 0;

	header_put(h, n++, "Content-Type: application/x-ndjson", "");
	header_put(h, n++, "Idempotency-Key: ", h->key);
	header_put(h, n++, "Spanwatch-Instance: ", h->instance);
	header_put(h, n++, "Expect:", ""); // none
	if (h->is.token[0] != '\0')
		header_put(h, n++, "Authorization: Bearer ", h->is.token);
}

static CURLcode request(struct http *h, size_t length, uint64_t ms)
{
	headers_put(h);
	h->received = h->said_length = 0;
	h->endless = h->our_key = false;
	h->curl_error[0] = '\0';
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->header);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, h->body);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	time_limit(h->curl, ms);
	return curl_easy_perform(h->curl);
}

static enum http_verdict answer_judge(struct http *h, struct remote_fault *fault)
{
	struct http_answer answer = {.our_key = h->our_key, .said = h->said};
	curl_off_t wait_s = 0;
	enum http_verdict verdict;

	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &answer.status);
	curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &wait_s);
	if (wait_s > 0)
		answer.wait_s = wait_s < HTTP_WAIT_MAX_S ? (unsigned)wait_s : HTTP_WAIT_MAX_S;
	said_cover(h, h->is.token);
	said_cover(h, h->is.query);
	answer.said_length = h->said_length;
	verdict = http_judge(&answer, h->is.target, fault);
	if (verdict == HTTP_REFUSED)
		h->quiet_until_ms = now_ms() + (uint64_t)answer.wait_s * MS_PER_S;
	return verdict;
}

// Sends one part, for at most ms. 0: there is one part less to send, or parts are smaller from now on.
static int part_send(struct http *h, uint64_t ms, struct remote_fault *fault)
{
	size_t length = 0;
	unsigned end = part_write(h, &length), n = end - h->done;
	enum http_verdict verdict;
	CURLcode code;

	http_key(h->instance, h->batch->entry + h->done, n, h->key);
	code = request(h, length, ms);
	if (h->endless)
		return remote_fail(fault, "protocol", true, "%s: its answer is larger than %d bytes; is http.url the right one?",
				   h->is.target, ANSWER_MAX);
	if (code != CURLE_OK)
		return broken(h, code, fault);
	verdict = answer_judge(h, fault);
	if (verdict == HTTP_TOO_LARGE && (h->too_large == 0 || length < h->too_large))
		h->too_large = length;
	if (verdict == HTTP_REFUSED || (verdict == HTTP_TOO_LARGE && n == 1))
		return -EIO;
	if (verdict == HTTP_TOO_LARGE)
		return 0;
	h->done = end;
	h->duplicates += verdict == HTTP_KNOWN ? n : 0;
	return 0;
}

static int body_make_room(struct http *h, struct remote_fault *fault)
{
	size_t room = http_body_room(h->batch->entry, h->batch->count);
	char *body = room > h->body_room ? realloc(h->body, room) : h->body;

	if (body == NULL)
		return remote_fail(fault, "memory", true, "no memory for a batch of %zu bytes to %s", room, h->is.target);
	h->body_room = room > h->body_room ? room : h->body_room;
	h->body = body;
	return 0;
}

static int http_receive(void *state, unsigned *duplicates, struct remote_fault *fault)
{
	struct http *h = state;
	uint64_t begun = now_ms(), gone = 0;
	int rc = body_make_room(h, fault);

	while (rc == 0 && h->done < h->batch->count && gone < h->is.timeout_ms) {
		rc = part_send(h, h->is.timeout_ms - gone, fault);
		gone = now_ms() - begun;
	}
	if (rc < 0)
		return rc;
	if (h->done < h->batch->count) {
		remote_fail(fault, "timeout", false, "%s took %u of %u records of a batch, in parts, within http.timeout_ms",
			    h->is.target, h->done, h->batch->count);
		fault->keep = true; // what was done is not done again
		return -EIO;
	}
	*duplicates = h->duplicates;
	h->batch_key[0] = '\0';
	return 0;
}

// ---- the sink ----

const struct remote_ops http_remote = {
	.name = "http",
	.intends = true,
	.create = http_create,
	.most = http_most,
	.connect = http_connect,
	.send = http_send,
	.receive = http_receive,
	.disconnect = http_disconnect,
	.destroy = http_destroy,
};

static bool http_enabled(const struct config *config)
{
	return config->http.url[0] != '\0';
}

static int http_open(const struct config *config, void **state, struct err *err)
{
	return remote_open(&http_remote, config, state, err);
}

const struct sink_ops sink_http = {
	.name = "http",
	.enabled = http_enabled,
	.open = http_open,
	SINK_REMOTE,
};
