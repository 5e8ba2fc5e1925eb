// Combinations, and the few texts that have a form of their own. Numbers and choices were judged by their rows.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config/config.h"
#include "config/config_row.h"

enum { PORT_DIGITS_MAX = 5, PORT_NUMBER_MAX = 65535 };

static int source_check(const struct config *config, struct err *err)
{
	bool live = config->capture.interface[0] != '\0', replay = config->capture.replay[0] != '\0';

	if (live && replay)
		return err_set(err, -EINVAL, "capture.interface (-i) and capture.replay (-r) are both set; only one of them "
			       "can be the source of packets");
	if (live && config->capture.stay)
		return err_set(err, -EINVAL, "capture.stay (--stay) is about the end of a replay, but capture.interface (-i) "
			       "is set; live capture runs until it is stopped, so leave it out");
	if (live && config->capture.speed > 0)
		return err_set(err, -EINVAL, "capture.speed (--speed) is about a replay, but capture.interface (-i) is set; "
			       "leave it out or replay a file with -r");
	return 0;
}

// "eth0, eth1": no name may be missing between the commas.
static int interface_check(const struct config *config, struct err *err)
{
	const char *at = config->capture.interface;
	char shown[CONFIG_SHOWN_MAX + 4];

	while (*at != '\0') {
		size_t length;

		at += strspn(at, " \t");
		length = strcspn(at, ",");
		if (length == 0 || strcmp(at + length, ",") == 0)
			return err_set(err, -EINVAL, "capture.interface (-i) is \"%s\": a name is missing beside a comma",
				       config_show(config->capture.interface, shown));
		at += length + (at[length] == ',');
	}
	return 0;
}

static bool listen_is_tcp(const char *listen)
{
	const char *colon = strrchr(listen, ':'), *port = colon != NULL ? colon + 1 : "";
	size_t digits = strspn(port, "0123456789");
	bool bracketed = listen[0] == '[';

	if (colon == NULL || colon == listen || digits == 0 || digits > PORT_DIGITS_MAX || port[digits] != '\0')
		return false;
	if (bracketed && (colon[-1] != ']' || colon - listen < 4))
		return false;
	if (!bracketed && memchr(listen, ':', (size_t)(colon - listen)) != NULL)
		return false; // an IPv6 address needs its brackets
	return strtoul(port, NULL, 10) <= PORT_NUMBER_MAX;
}

static int listen_check(const struct config *config, struct err *err)
{
	const char *listen = config->api.listen, *path = listen + strlen("unix:");
	char shown[CONFIG_SHOWN_MAX + 4];

	if (strcmp(listen, "none") == 0)
		return 0;
	if (strncmp(listen, "unix:", strlen("unix:")) == 0) {
		if (path[0] != '\0' && strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path))
			return 0;
		return err_set(err, -EINVAL, "api.listen (--api) is \"%s\"; the path of a unix socket has 1 to %zu bytes",
			       config_show(listen, shown), sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	}
	if (listen_is_tcp(listen))
		return 0;
	return err_set(err, -EINVAL, "api.listen (--api) is \"%s\"; it must be ADDRESS:PORT (127.0.0.1:8480, [::1]:8480), "
		       "unix:PATH or none", config_show(listen, shown));
}

static int sensor_check(const struct config *config, struct err *err)
{
	for (const char *c = config->sensor.name; *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e)
			return err_set(err, -EINVAL, "sensor.name stands in every record and must be printable ASCII");
	return 0;
}

static int limits_check(const struct config *config, struct err *err)
{
	uint64_t queues = config->capture.queues > 0 ? config->capture.queues : 1;
	uint64_t held = queues * config->capture.rx_descriptors;

	if (config->flow.tcp_established_s < config->flow.tcp_new_s)
		return err_set(err, -EINVAL, "flow.tcp_established_s (%u) is less than flow.tcp_new_s (%u): an established "
			       "flow would end before a half-open one", config->flow.tcp_established_s, config->flow.tcp_new_s);
	if (config->flow.udp_established_s < config->flow.udp_new_s)
		return err_set(err, -EINVAL, "flow.udp_established_s (%u) is less than flow.udp_new_s (%u)",
			       config->flow.udp_established_s, config->flow.udp_new_s);
	if (config->limits.mbufs > 0 && config->limits.mbufs <= held)
		return err_set(err, -EINVAL, "limits.mbufs (%u) does not fill the receive queues, which hold %lu packets; raise "
			       "it, or set it to 0 to have it derived", config->limits.mbufs, (unsigned long)held);
	return 0;
}

// A user or password in an address would be shown wherever the address is.
static int secrets_check(const struct config *config, struct err *err)
{
	const char *url = config->http.url, *host = strstr(url, "://"), *redis = config->redis.address;

	host = host != NULL ? host + strlen("://") : url;
	if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
		return err_set(err, -EINVAL, "http.url holds a user or a password, which would be shown; http.token_file is the place for a secret");
	if (strncmp(redis, "unix:", strlen("unix:")) != 0 && strchr(redis, '@') != NULL)
		return err_set(err, -EINVAL, "redis.address holds an @, which no HOST:PORT does; redis.user and redis.password_file say who asks");
	return 0;
}

int config_check(const struct config *config, struct err *err)
{
	int rc = source_check(config, err);

	if (rc == 0)
		rc = interface_check(config, err);
	if (rc == 0)
		rc = listen_check(config, err);
	if (rc == 0)
		rc = sensor_check(config, err);
	if (rc == 0)
		rc = limits_check(config, err);
	if (rc == 0)
		rc = secrets_check(config, err);
	return rc;
}
