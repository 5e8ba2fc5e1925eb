// What an answer means, or the lack of one. Only a whole answer of 2xx, or a 409 that repeats our key, is delivery. Whatever the
// server says is bounded and made printable before it stands in a sentence.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sink/sink_http.h"

static void printable(char *out, size_t room, const char *bytes, size_t length)
{
	out[text_escape(out, room - 1, (const uint8_t *)bytes, length, NULL)] = '\0';
}

// ---- answers ----

struct meaning {
	long first, last; // status
	const char *cause;
	bool patient;
	const char *remedy;
};

// The first that fits. What is said of the answer's text is up to the last row.
static const struct meaning meanings[] = {
	{300, 399, "redirect", true, "redirects are not followed; put the new URL into http.url"},
	{401, 401, "auth", true, "the token is missing or wrong; see http.token_file"},
	{403, 403, "auth", true, "the token may not do this; see http.token_file"},
	{404, 404, "refused", true, "there is nothing at this path; see http.url"},
	{405, 405, "refused", true, "it takes no POST there; see http.url"},
	{408, 408, "timeout", false, "it waited too long for the batch"},
	{410, 410, "refused", true, "what was at this path is gone; see http.url"},
	{413, 413, "too_large", true, "it does not take even one record of this size; raise its limit"},
	{425, 425, "busy", false, "it wants the batch later"},
	{429, 429, "busy", false, "it wants less at a time"},
	{503, 503, "busy", false, "it is overloaded or being maintained"},
	{500, 599, "server_error", false, "see its own log"},
	{0, 999, "refused", true, NULL},
};

static const struct meaning *meaning_of(long status)
{
	const struct meaning *m = meanings;

	while (status > m->last || status < m->first)
		m++;
	return m;
}

static void refuse(const struct http_answer *answer, const char *target, struct remote_fault *fault)
{
	const struct meaning *m = meaning_of(answer->status);
	char said[HTTP_SAID_MAX + 1];

	printable(said, sizeof(said), answer->said, answer->said_length);
	if (m->remedy == NULL)
		remote_fail(fault, m->cause, m->patient, "%s answers %ld%s%s", target, answer->status, said[0] != '\0' ? ": " : "", said);
	else if (answer->wait_s > 0)
		remote_fail(fault, m->cause, m->patient, "%s answers %ld: %s; it asks for a pause of %u s", target, answer->status,
			    m->remedy, answer->wait_s);
	else
		remote_fail(fault, m->cause, m->patient, "%s answers %ld: %s", target, answer->status, m->remedy);
	fault->keep = strcmp(m->cause, "auth") != 0; // a new connection reads the token anew
}

enum http_verdict http_judge(const struct http_answer *answer, const char *target, struct remote_fault *fault)
{
	if (answer->status >= 200 && answer->status <= 299)
		return HTTP_DELIVERED;
	// Elsewhere 409 means other things, and taking those for delivery would be a loss that nobody sees.
	if (answer->status == 409 && answer->our_key)
		return HTTP_KNOWN;
	refuse(answer, target, fault);
	return answer->status == 413 ? HTTP_TOO_LARGE : HTTP_REFUSED;
}

// ---- no answer ----

static const struct {
	CURLcode code;
	const char *cause;
	bool patient;
	const char *what;
} breaks[] = {
	{CURLE_COULDNT_RESOLVE_HOST, "resolve", true, "its name cannot be resolved"},
	{CURLE_COULDNT_CONNECT, "unreachable", false, "cannot connect"},
	{CURLE_OPERATION_TIMEDOUT, "timeout", false, "no answer within http.timeout_ms"},
	{CURLE_ABORTED_BY_CALLBACK, "timeout", false, "no answer before the program ended"},
	{CURLE_GOT_NOTHING, "closed", false, "it closed the connection without an answer"},
	{CURLE_SEND_ERROR, "closed", false, "the connection broke while sending"},
	{CURLE_RECV_ERROR, "closed", false, "the connection broke before the whole answer was there"},
	{CURLE_PARTIAL_FILE, "closed", false, "it closed the connection within the answer"},
	{CURLE_SSL_CONNECT_ERROR, "tls", true, "no TLS with it"},
	{CURLE_PEER_FAILED_VERIFICATION, "tls", true, "its certificate is not one to trust, see http.ca_file"},
	{CURLE_SSL_CACERT_BADFILE, "tls", true, "the certificates of http.ca_file cannot be read"},
	{CURLE_SSL_CIPHER, "tls", true, "no TLS with it"},
	{CURLE_SSL_CERTPROBLEM, "tls", true, "no TLS with it"},
	{CURLE_OUT_OF_MEMORY, "protocol", true, "no memory, or a line of its answer does not end"},
};

int http_broken(CURLcode code, const char *said, const char *target, struct remote_fault *fault)
{
	char shown[HTTP_SAID_MAX + 1];

	printable(shown, sizeof(shown), said, strlen(said));
	for (unsigned i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++)
		if (breaks[i].code == code)
			return remote_fail(fault, breaks[i].cause, breaks[i].patient, "%s: %s (%s)", target, breaks[i].what, shown);
	return remote_fail(fault, "protocol", true, "%s: what it answers is not HTTP that can be used (%s)", target, shown);
}
