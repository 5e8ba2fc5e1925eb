// Where the HTTP sink sends to: the URL, taken apart once, and the token.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "sink/sink_http.h"
#include "sink/sink_secret.h"

static void target_put(char *target, const char *scheme, const char *host, const char *port, const char *path)
{
	char text[CONFIG_PATH_MAX + 16];
	int n = snprintf(text, sizeof(text), "%s://%s%s%s%s", scheme, host, port != NULL ? ":" : "", port != NULL ? port : "", path);

	target[text_escape(target, SINK_TARGET_MAX - 1, (const uint8_t *)text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1,
			   NULL)] = '\0';
}

// The sentences do not repeat the URL: a password may be in it.
static int url_parse(struct http_settings *is, CURLU *u, struct err *err)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *user = NULL, *password = NULL, *query = NULL;
	CURLUcode code = curl_url_set(u, CURLUPART_URL, is->url, 0);
	int rc = 0;

	if (code != CURLUE_OK)
		return err_set(err, -EINVAL, "http.url is not a URL (%s); write it as http://HOST/PATH or https://HOST/PATH",
			       curl_url_strerror(code));
	curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
	curl_url_get(u, CURLUPART_HOST, &host, 0);
	curl_url_get(u, CURLUPART_PORT, &port, 0);
	curl_url_get(u, CURLUPART_PATH, &path, 0);
	curl_url_get(u, CURLUPART_USER, &user, 0);
	curl_url_get(u, CURLUPART_PASSWORD, &password, 0);
	curl_url_get(u, CURLUPART_QUERY, &query, 0);
	if (user != NULL || password != NULL)
		rc = err_set(err, -EINVAL, "http.url has a user or password in it, which would be seen wherever settings are shown; "
			     "take it out and put a token into a file that http.token_file names");
	else if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		rc = err_set(err, -EINVAL, "http.url has to begin with http:// or https://");
	else if (host == NULL || path == NULL)
		rc = err_set(err, -EINVAL, "http.url has no host; write it as http://HOST/PATH or https://HOST/PATH");
	else
		target_put(is->target, scheme, host, port, path);
	if (rc == 0 && query != NULL)
		snprintf(is->query, sizeof(is->query), "%s", query);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(user);
	curl_free(password);
	curl_free(query);
	return rc;
}

int http_settings_read(struct http_settings *is, const struct config *config, struct err *err)
{
	CURLU *u;
	int rc;

	strcpy(is->url, config->http.url);
	strcpy(is->ca_file, config->http.ca_file);
	strcpy(is->token_file, config->http.token_file);
	is->timeout_ms = config->http.timeout_ms;
	is->batch = config->http.batch;
	u = curl_url();
	if (u == NULL)
		return err_set(err, -ENOMEM, "no memory for the output http");
	rc = url_parse(is, u, err);
	curl_url_cleanup(u);
	if (rc < 0)
		return rc;
	if (is->ca_file[0] != '\0' && access(is->ca_file, R_OK) != 0)
		return err_set(err, -errno, "cannot read %s, which http.ca_file names: %s", is->ca_file, strerror(errno));
	return sink_secret_read("http.token_file", is->token_file, "SPANWATCH_HTTP_TOKEN", is->token, sizeof(is->token), err);
}

void http_token_refresh(struct http_settings *is)
{
	char fresh[HTTP_TOKEN_ROOM];
	struct err err;

	if (is->token_file[0] == '\0')
		return;
	if (sink_secret_read("http.token_file", is->token_file, "", fresh, sizeof(fresh), &err) == 0)
		strcpy(is->token, fresh);
	explicit_bzero(fresh, sizeof(fresh));
}
