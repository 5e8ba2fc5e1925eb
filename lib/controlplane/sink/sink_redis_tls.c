// TLS of a link to Redis, where hiredis has it (1.0 and later, in a library of its own). The handle is ours rather than hiredis's,
// which checks who signed a certificate but not for which host.
#include "sink/sink_redis_peer.h"

#ifdef SPANWATCH_REDIS_TLS

#include <arpa/inet.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static SSL_CTX *tls_context(const struct redis_settings *settings)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	bool own = settings->tls_ca_file[0] != '\0';

	if (context == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if ((own ? SSL_CTX_load_verify_locations(context, settings->tls_ca_file, NULL) : SSL_CTX_set_default_verify_paths(context)) != 1) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

// A number is looked for among the addresses of the certificate, a name among its names and told to the server.
static bool host_expect(SSL *tls, const char *host)
{
	unsigned char number[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
	return SSL_set1_host(tls, host) == 1 && SSL_set_tlsext_host_name(tls, host) == 1;
}

bool redis_tls_built(void)
{
	return true;
}

const char *redis_tls_error(const struct redis_link *link)
{
	long result = link->tls != NULL ? SSL_get_verify_result(link->tls) : X509_V_OK;

	return result != X509_V_OK ? X509_verify_cert_error_string(result) : NULL;
}

// A server on the same machine may have answered already.
static int start_fail(struct redis_link *link, SSL *tls, struct remote_fault *fault)
{
	const char *why;
	int rc;

	link->tls = tls;
	why = redis_tls_error(link);
	if (why != NULL)
		rc = redis_link_distrust(link, why, fault);
	else
		rc = remote_fail(fault, "tls", true, "%s does not speak TLS; check redis.tls", link->peer);
	link->tls = NULL;
	SSL_free(tls);
	return rc;
}

int redis_tls_start(struct redis_link *link, const struct redis_settings *settings, struct remote_fault *fault)
{
	SSL_CTX *context = tls_context(settings);
	SSL *tls = context != NULL ? SSL_new(context) : NULL;

	SSL_CTX_free(context); // the handle holds it
	if (tls == NULL || !host_expect(tls, link->address.host)) {
		SSL_free(tls);
		return remote_fail(fault, "tls", true, "cannot prepare TLS for %s; check redis.tls_ca_file", link->peer);
	}
	if (redisInitiateSSL(link->context, tls) != REDIS_OK) // the handle stays ours
		return start_fail(link, tls, fault);
	link->tls = tls;
	return 0;
}

#else

bool redis_tls_built(void)
{
	return false;
}

// redis_settings_read() has refused it; settings made by other means are refused here.
int redis_tls_start(struct redis_link *link, const struct redis_settings *settings, struct remote_fault *fault)
{
	(void)settings;
	return remote_fail(fault, "tls", true, "cannot speak TLS with %s: this build's hiredis has none", link->peer);
}

const char *redis_tls_error(const struct redis_link *link)
{
	(void)link;
	return NULL;
}

#endif
