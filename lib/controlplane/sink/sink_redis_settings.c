// The section [redis] as addresses, secrets and times. Nothing here asks the network.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "sink/sink_redis_peer.h"
#include "sink/sink_secret.h"

enum { PORT_USUAL = 6379, PORT_SENTINEL = 26379, PATH_UNIX_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };

// ---- addresses ----

static bool port_read(const char *text, uint16_t *port)
{
	unsigned long number = 0;

	for (const char *at = text; *at != '\0'; at++) {
		if (*at < '0' || *at > '9' || at - text >= 5)
			return false;
		number = number * 10 + (unsigned long)(*at - '0');
	}
	*port = (uint16_t)number;
	return number > 0 && number <= UINT16_MAX;
}

// "host", "host:port", "[2001:db8::1]:port"; an IPv6 address without brackets has no port.
static bool host_read(char *text, uint16_t usual, struct redis_address *out)
{
	char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
	const char *host = text[0] == '[' ? text + 1 : text;

	out->port = usual;
	if (text[0] == '[') {
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		*end++ = '\0';
	} else if (end != NULL && strchr(end + 1, ':') != NULL) {
		end = NULL;
	}
	if (end != NULL && *end == ':') {
		*end = '\0';
		if (!port_read(end + 1, &out->port))
			return false;
	}
	if (host[0] == '\0' || strlen(host) >= sizeof(out->host))
		return false;
	snprintf(out->host, sizeof(out->host), "%s", host);
	return redis_host_valid(out->host);
}

bool redis_host_valid(const char *host)
{
	for (const char *at = host; *at != '\0'; at++)
		if (*at <= ' ' || *at > '~' || strchr("/\\\"'", *at) != NULL)
			return false;
	return host[0] != '\0';
}

static int address_read(char *text, uint16_t usual, struct redis_address *out, struct err *err)
{
	char shown[REDIS_HOST_MAX];
	size_t used = text_escape(shown, sizeof(shown) - 1, (const uint8_t *)text, strlen(text), NULL);

	shown[used] = '\0';
	if (strncmp(text, "unix:", 5) != 0 && (strstr(text, "://") != NULL || strchr(text, '@') != NULL)) // may hold a password
		return err_set(err, -EINVAL, "redis.address takes HOST:PORT, no URL; a user goes into redis.user, a password into the "
					     "file that redis.password_file names");
	if (strncmp(text, "unix:", 5) == 0) {
		if (text[5] != '/' || strlen(text + 5) > PATH_UNIX_MAX)
			return err_set(err, -EINVAL, "redis.address: \"%s\" is no path of a unix socket: unix:/PATH, at most %d bytes",
				       shown, (int)PATH_UNIX_MAX);
		out->port = 0;
		snprintf(out->host, sizeof(out->host), "%s", text + 5);
		return 0;
	}
	if (!host_read(text, usual, out))
		return err_set(err, -EINVAL, "redis.address: \"%s\" is not HOST:PORT, [IPV6]:PORT or unix:/PATH", shown);
	return 0;
}

static int addresses_read(const char *list, struct redis_settings *out, struct err *err)
{
	uint16_t usual = out->servers == CONFIG_REDIS_SENTINEL ? PORT_SENTINEL : PORT_USUAL;
	char text[CONFIG_PATH_MAX], *rest = text, *part;

	snprintf(text, sizeof(text), "%s", list);
	while ((part = strsep(&rest, ",")) != NULL) {
		int rc;

		part += strspn(part, " \t");
		for (char *end = part + strlen(part); end > part && (end[-1] == ' ' || end[-1] == '\t');)
			*--end = '\0';
		if (part[0] == '\0')
			continue;
		if (out->address_count == REDIS_ADDRESSES_MAX)
			return err_set(err, -EINVAL, "redis.address has more than %d addresses; name fewer, the others are found",
				       REDIS_ADDRESSES_MAX);
		rc = address_read(part, usual, &out->addresses[out->address_count], err);
		if (rc < 0)
			return rc;
		out->address_count++;
	}
	return out->address_count > 0 ? 0 : err_set(err, -EINVAL, "redis.address is empty; set it to HOST:PORT or unix:/PATH");
}

void redis_address_text(const struct redis_address *address, char *out, size_t room)
{
	if (address->port == 0)
		snprintf(out, room, "unix:%s", address->host);
	else
		snprintf(out, room, strchr(address->host, ':') != NULL ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

bool redis_address_equal(const struct redis_address *a, const struct redis_address *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

// As many addresses as there is room for.
static void target_write(const struct redis_settings *settings, char *target)
{
	struct text_builder b = text_builder(target, SINK_TARGET_MAX - 1);

	for (unsigned i = 0; i < settings->address_count; i++) {
		char one[REDIS_PEER_MAX];

		redis_address_text(&settings->addresses[i], one, sizeof(one));
		if (b.used + strlen(one) + 48 > b.room && i > 0) { // what may follow
			text_put(&b, " and ");
			text_put_number(&b, settings->address_count - i);
			text_put(&b, " more");
			break;
		}
		text_put(&b, i > 0 ? ", " : "");
		text_put(&b, one);
	}
	if (settings->database > 0) {
		text_put(&b, " database ");
		text_put_number(&b, settings->database);
	}
	text_put(&b, settings->tls ? " by TLS" : "");
	target[b.used] = '\0';
}

// ---- all ----

static int tls_check(const struct redis_settings *settings, struct err *err)
{
	if (!settings->tls)
		return 0;
	if (!redis_tls_built())
		return err_set(err, -EINVAL,
			       "redis.tls: this build's hiredis %d.%d.%d cannot speak TLS; rebuild with hiredis 1.0 or later, or put a TLS "
			       "proxy such as stunnel on loopback and name that in redis.address",
			       HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
	if (settings->tls_ca_file[0] != '\0' && access(settings->tls_ca_file, R_OK) != 0)
		return err_set(err, -EINVAL, "cannot read redis.tls_ca_file %s: %s", settings->tls_ca_file, strerror(errno));
	return 0;
}

static int settings_fill(const struct config *config, struct redis_settings *out, struct err *err)
{
	int rc;

	out->servers = config->redis.servers;
	out->database = config->redis.database;
	out->timeout_ms = config->redis.timeout_ms;
	out->tls = config->redis.tls;
	memcpy(out->tls_ca_file, config->redis.tls_ca_file, sizeof(out->tls_ca_file));
	memcpy(out->sentinel_master, config->redis.sentinel_master, sizeof(out->sentinel_master));
	memcpy(out->user, config->redis.user, sizeof(out->user));
	rc = addresses_read(config->redis.address, out, err);
	if (rc < 0)
		return rc;
	if (out->servers == CONFIG_REDIS_CLUSTER && out->database > 0)
		return err_set(err, -EINVAL, "redis.database is %u, but a Cluster (redis.servers) has only database 0", out->database);
	if (out->servers == CONFIG_REDIS_SENTINEL && out->sentinel_master[0] == '\0')
		return err_set(err, -EINVAL, "redis.sentinel_master is empty; set the name under which the Sentinels know the primary");
	rc = tls_check(out, err);
	if (rc == 0 && sink_secret_read("redis.password_file", config->redis.password_file, "SPANWATCH_REDIS_PASSWORD", out->password,
					sizeof(out->password), err) < 0)
		rc = -EINVAL;
	return rc;
}

int redis_settings_read(const struct config *config, struct redis_settings *out, char *target, struct err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = settings_fill(config, out, err);
	if (rc == 0) {
		out->memory = calloc(1, sizeof(*out->memory));
		rc = out->memory == NULL ? err_set(err, -ENOMEM, "no memory for the settings of Redis") : 0;
	}
	if (rc < 0) {
		redis_settings_wipe(out);
		return rc;
	}
	target_write(out, target);
	return 0;
}

void redis_settings_wipe(struct redis_settings *settings)
{
	explicit_bzero(settings->password, sizeof(settings->password));
	free(settings->memory);
	settings->memory = NULL;
}
