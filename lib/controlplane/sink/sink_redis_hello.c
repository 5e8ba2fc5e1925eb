// The first words with a server: who we are, who it is. All in one go, so that it costs one round trip; each answer is judged when
// all are there, for a Sentinel refuses some that do not matter then.
#include <stdio.h>
#include <string.h>

#include "sink/sink_redis_peer.h"

enum hello { HELLO_AUTH, HELLO_SELECT, HELLO_NAME, HELLO_ROLE, HELLO_CLUSTER, HELLOS };

static bool auth_wanted(const struct redis_settings *settings)
{
	return settings->password[0] != '\0' || settings->user[0] != '\0';
}

static int auth_ask(struct redis_link *link, const struct redis_settings *settings, struct remote_fault *fault)
{
	if (settings->user[0] != '\0')
		return redis_link_ask(link, fault, "AUTH", settings->user, settings->password, NULL);
	return redis_link_ask(link, fault, "AUTH", settings->password, NULL);
}

// Said to a connection as such, which is closed then.
static bool unwelcome(const redisReply *reply)
{
	return redis_reply_begins(reply, "DENIED") || redis_reply_begins(reply, "ERR max number of clients reached");
}

// What it says is not repeated: "unknown command" quotes the arguments, and before Redis 6 every refusal is "ERR".
static int auth_judge(const struct redis_link *link, const redisReply *reply, struct remote_fault *fault)
{
	if (redis_reply_is(reply, "OK"))
		return 0;
	if (reply->type != REDIS_REPLY_ERROR)
		return redis_link_protocol(link, "its answer to AUTH", fault);
	return remote_fail(fault, "auth", true,
			   "%s refuses the user or the password%s; check redis.user and redis.password_file, and leave both empty if it "
			   "asks for none", link->peer, redis_reply_begins(reply, "WRONGPASS") ? " (WRONGPASS)" : "");
}

int redis_auth(struct redis_link *link, const struct redis_settings *settings, struct remote_fault *fault)
{
	redisReply *reply;
	int rc = auth_ask(link, settings, fault);

	if (rc == 0)
		rc = redis_link_reply(link, &reply, fault);
	if (rc < 0)
		return rc;
	rc = auth_judge(link, reply, fault);
	freeReplyObject(reply);
	return rc;
}

static int select_judge(const struct redis_link *link, const struct redis_settings *settings, const redisReply *reply,
			bool cluster, struct remote_fault *fault)
{
	if (redis_reply_is(reply, "OK"))
		return 0;
	if (reply->type != REDIS_REPLY_ERROR)
		return redis_link_protocol(link, "its answer to SELECT", fault);
	if (!redis_reply_begins(reply, "ERR"))
		return redis_reply_fault(reply, fault);
	return remote_fail(fault, "database", true, "%s has no database %u; %s", link->peer, settings->database,
			   cluster ? "a Cluster has only 0: set redis.database to that" : "check redis.database");
}

static int role_judge(const struct redis_link *link, const redisReply *reply, enum redis_role *role, struct remote_fault *fault)
{
	*role = REDIS_ROLE_UNSAID;
	if (redis_reply_begins(reply, "NOPERM") || redis_reply_begins(reply, "ERR unknown command"))
		return 0;
	if (reply->type == REDIS_REPLY_ERROR)
		return redis_reply_fault(reply, fault);
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0) {
		const redisReply *first = reply->element[0];

		if (redis_reply_is(first, "master"))
			*role = REDIS_ROLE_PRIMARY;
		else if (redis_reply_is(first, "slave"))
			*role = REDIS_ROLE_REPLICA;
		else if (redis_reply_is(first, "sentinel"))
			*role = REDIS_ROLE_SENTINEL;
	}
	return *role == REDIS_ROLE_UNSAID ? redis_link_protocol(link, "its answer to ROLE", fault) : 0;
}

static bool cluster_said(const redisReply *reply)
{
	static const char said[] = "cluster_enabled:1";

	return reply->type == REDIS_REPLY_STRING && memmem(reply->str, reply->len, said, sizeof(said) - 1) != NULL;
}

static int hello_judge(const struct redis_link *link, const struct redis_settings *settings, redisReply *const *replies,
		       struct redis_about *about, struct remote_fault *fault)
{
	struct remote_fault role_fault;
	int role = role_judge(link, replies[HELLO_ROLE], &about->role, &role_fault), rc = 0;

	about->cluster = replies[HELLO_CLUSTER] != NULL && cluster_said(replies[HELLO_CLUSTER]);
	if (role == 0 && about->role == REDIS_ROLE_SENTINEL)
		return 0; // it may have a password of its own, and has no databases
	if (replies[HELLO_AUTH] != NULL)
		rc = auth_judge(link, replies[HELLO_AUTH], fault);
	if (rc == 0 && replies[HELLO_SELECT] != NULL)
		rc = select_judge(link, settings, replies[HELLO_SELECT], about->cluster, fault);
	if (rc == 0 && role < 0)
		*fault = role_fault;
	return rc < 0 ? rc : role;
}

static int hello_ask(struct redis_link *link, const struct redis_settings *settings, bool *asked, struct remote_fault *fault)
{
	char database[16];
	int rc = 0;

	snprintf(database, sizeof(database), "%u", settings->database);
	if (asked[HELLO_AUTH])
		rc = auth_ask(link, settings, fault);
	if (rc == 0 && asked[HELLO_SELECT])
		rc = redis_link_ask(link, fault, "SELECT", database, NULL);
	if (rc == 0)
		rc = redis_link_ask(link, fault, "CLIENT", "SETNAME", "spanwatch", NULL); // may be refused
	if (rc == 0)
		rc = redis_link_ask(link, fault, "ROLE", NULL);
	if (rc == 0 && asked[HELLO_CLUSTER])
		rc = redis_link_ask(link, fault, "INFO", "cluster", NULL);
	return rc;
}

int redis_hello(struct redis_link *link, const struct redis_settings *settings, bool select, bool ask_cluster,
		struct redis_about *about, struct remote_fault *fault)
{
	bool asked[HELLOS] = {[HELLO_AUTH] = auth_wanted(settings), [HELLO_SELECT] = select && settings->database > 0,
			      [HELLO_NAME] = true, [HELLO_ROLE] = true, [HELLO_CLUSTER] = ask_cluster};
	redisReply *replies[HELLOS] = {NULL};
	int rc = hello_ask(link, settings, asked, fault);

	for (unsigned i = 0; rc == 0 && i < HELLOS; i++) {
		if (asked[i])
			rc = redis_link_reply(link, &replies[i], fault);
		if (rc == 0 && asked[i] && unwelcome(replies[i]))
			rc = redis_reply_fault(replies[i], fault);
	}
	if (rc == 0)
		rc = hello_judge(link, settings, replies, about, fault);
	for (unsigned i = 0; i < HELLOS; i++)
		if (replies[i] != NULL)
			freeReplyObject(replies[i]);
	return rc;
}
