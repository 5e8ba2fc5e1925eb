// What the tests of the connection to Redis share: settings that lead to a fake server, faults and what they have to say.
#ifndef REDIS_REFUSAL_H
#define REDIS_REFUSAL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis_fake.h"
#include "sink/sink_redis_peer.h"

enum { PATIENCE_MS = 60000 }; // where nothing should time out, however busy the machine is

static uint32_t patience_ms = PATIENCE_MS;

#define PASSWORD "geheim17"
#define OK       "+OK\r\n"
#define PRIMARY  "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
#define ALONE    "$19\r\ncluster_enabled:0\r\n\r\n"
#define MEMBER   "$19\r\ncluster_enabled:1\r\n\r\n"
#define SENTINEL "*2\r\n$8\r\nsentinel\r\n*1\r\n$8\r\nmymaster\r\n"

static inline void settings_of(struct redis_settings *s, enum config_redis_servers servers, const struct fake *const *fakes, unsigned count)
{
	memset(s, 0, sizeof(*s));
	s->servers = servers;
	s->timeout_ms = patience_ms;
	snprintf(s->sentinel_master, sizeof(s->sentinel_master), "mymaster");
	for (unsigned i = 0; i < count; i++) {
		snprintf(s->addresses[i].host, sizeof(s->addresses[i].host), "127.0.0.1");
		s->addresses[i].port = fakes[i]->port;
	}
	s->address_count = count;
	s->memory = calloc(1, sizeof(*s->memory));
	assert_non_null(s->memory);
}

static inline void fault_check(const struct remote_fault *fault, const char *cause, const char *part)
{
	assert_string_equal(fault->cause, cause);
	if (strstr(fault->err.text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", fault->err.text, part);
	assert_null(strstr(fault->err.text, PASSWORD));
}

// One server, one connection that fails.
static inline void refusal_check(struct fake_call call, const char *password, const char *cause, const char *part)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct redis_settings s;
	struct redis_link *link = (struct redis_link *)f;
	struct remote_fault fault = {0};

	assert_non_null(f);
	f->calls[0] = call;
	fake_start(f, 1);
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
	snprintf(s.password, sizeof(s.password), "%s", password);
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	assert_null(link);
	fault_check(&fault, cause, part);
	redis_settings_wipe(&s);
	fake_stop(f);
	free(f);
}

#endif
