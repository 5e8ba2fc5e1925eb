// Which server takes our keys: one of the addresses itself, or the one that Sentinels or a Cluster name. Whatever the last opening
// learned is only a hint where to ask first; each asks again, for a fault is often the sign that the primary has moved.
//
// An address comes from the configuration, or from the list of a server that was asked for its list. A MOVED, or the primary's address
// in a replica's ROLE, is never followed; an ASK only to a node that the Cluster lists, too.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink_redis_peer.h"

enum stage { STAGE_DIAL, STAGE_HELLO, STAGE_FOLLOW }; // how far an address led

struct find {
	const struct redis_settings *settings;
	struct redis_memory *memory;
	const char *key;
	long long slot;
	enum stage stage;
	bool refused; // the server that was followed to did not take us: it is not tried again
	struct redis_address refused_address;
	struct remote_fault refused_fault;
};

// ---- the primary itself ----

static int role_check(const struct redis_link *link, const struct redis_about *about, struct remote_fault *fault)
{
	if (about->role == REDIS_ROLE_REPLICA)
		return remote_fail(fault, "readonly", false, "%s is a replica; name the primary in redis.address, too, if it is not there",
				   link->peer);
	if (about->role == REDIS_ROLE_SENTINEL)
		return remote_fail(fault, "sentinel", true, "%s is a Sentinel; set redis.servers to auto or sentinel", link->peer);
	return 0;
}

static int primary_dial(const struct redis_settings *settings, const struct redis_address *address, bool select,
			struct redis_link **out, struct remote_fault *fault)
{
	struct redis_about about;
	struct redis_link *link;
	int rc = redis_link_dial(settings, address, &link, fault);

	if (rc < 0)
		return rc;
	rc = redis_hello(link, settings, select, false, &about, fault);
	if (rc == 0)
		rc = role_check(link, &about, fault);
	if (rc < 0)
		redis_link_close(link);
	else
		*out = link;
	return rc;
}

static int asked_follow(struct find *find, struct redis_link **link, struct remote_fault *fault);

// To an address that was listed.
static int follow(struct find *find, const struct redis_address *address, bool select, struct redis_link **out,
		  struct remote_fault *fault)
{
	int rc;

	find->stage = STAGE_FOLLOW;
	if (find->refused && redis_address_equal(address, &find->refused_address)) {
		*fault = find->refused_fault;
		return -EIO;
	}
	rc = primary_dial(find->settings, address, select, out, fault);
	if (rc == 0 && !select)
		rc = asked_follow(find, out, fault);
	if (rc < 0) {
		find->refused = true;
		find->refused_address = *address;
		find->refused_fault = *fault;
	}
	return rc;
}

// ---- Sentinel ----

static bool text_take(const redisReply *reply, char *out, size_t room)
{
	if (reply->type != REDIS_REPLY_STRING || reply->len >= room || memchr(reply->str, '\0', reply->len) != NULL)
		return false;
	memcpy(out, reply->str, reply->len);
	out[reply->len] = '\0';
	return true;
}

static int sentinel_judge(const struct find *find, const struct redis_link *link, const redisReply *reply,
			  struct redis_address *out, struct remote_fault *fault)
{
	char port[8] = "";
	long number;

	if (reply->type == REDIS_REPLY_NIL)
		return remote_fail(fault, "sentinel", true, "the Sentinel %s knows no \"%s\"; check redis.sentinel_master", link->peer,
				   find->settings->sentinel_master);
	if (redis_reply_begins(reply, "ERR unknown command"))
		return remote_fail(fault, "sentinel", true, "%s is no Sentinel; check redis.servers and redis.address", link->peer);
	if (reply->type == REDIS_REPLY_ERROR)
		return redis_reply_fault(reply, fault);
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !text_take(reply->element[0], out->host, sizeof(out->host)) ||
	    !text_take(reply->element[1], port, sizeof(port)))
		return redis_link_protocol(link, "its answer to SENTINEL", fault);
	number = strtol(port, NULL, 10);
	if (number <= 0 || number > UINT16_MAX || !redis_host_valid(out->host))
		return redis_link_protocol(link, "the primary's address", fault);
	out->port = (uint16_t)number;
	return 0;
}

static int sentinel_ask(const struct find *find, struct redis_link *link, redisReply **out, struct remote_fault *fault)
{
	int rc = redis_link_ask(link, fault, "SENTINEL", "get-master-addr-by-name", find->settings->sentinel_master, NULL);

	return rc == 0 ? redis_link_reply(link, out, fault) : rc;
}

static int sentinel_follow(struct find *find, struct redis_link *link, struct redis_link **out, struct remote_fault *fault)
{
	struct redis_address address;
	redisReply *reply;
	int rc = sentinel_ask(find, link, &reply, fault);

	if (rc < 0)
		return rc;
	if (redis_reply_begins(reply, "NOAUTH") && find->settings->password[0] != '\0') {
		freeReplyObject(reply);
		rc = redis_auth(link, find->settings, fault);
		if (rc == 0)
			rc = sentinel_ask(find, link, &reply, fault);
		if (rc < 0)
			return rc;
	}
	rc = sentinel_judge(find, link, reply, &address, fault);
	freeReplyObject(reply);
	return rc == 0 ? follow(find, &address, true, out, fault) : rc;
}

// ---- Cluster ----

// Where a Cluster names a node without a host.
static const char *same_host(const struct redis_link *link)
{
	return link->address.port != 0 ? link->address.host : "127.0.0.1";
}

// A node: [host, port, id, ...]. Without a host (null or empty) it is the one that was asked. False: it is of no use.
static bool node_read(const struct redis_link *link, const redisReply *node, struct redis_address *out)
{
	const redisReply *host, *port;

	if (node->type != REDIS_REPLY_ARRAY || node->elements < 2)
		return false;
	host = node->element[0];
	port = node->element[1];
	if (port->type != REDIS_REPLY_INTEGER || port->integer <= 0 || port->integer > UINT16_MAX)
		return false;
	out->port = (uint16_t)port->integer;
	if (host->type == REDIS_REPLY_NIL || (host->type == REDIS_REPLY_STRING && host->len == 0))
		snprintf(out->host, sizeof(out->host), "%s", same_host(link));
	else if (!text_take(host, out->host, sizeof(out->host)))
		return false;
	return redis_host_valid(out->host) && strcmp(out->host, "?") != 0;
}

static void node_remember(struct redis_memory *memory, const struct redis_address *node)
{
	for (unsigned i = 0; i < memory->node_count; i++)
		if (redis_address_equal(node, &memory->nodes[i]))
			return;
	if (memory->node_count < REDIS_NODES_MAX)
		memory->nodes[memory->node_count++] = *node;
}

// Entries: [first slot, last slot, primary, replicas ...].
static int slots_judge(const struct find *find, const struct redis_link *link, const redisReply *slots, struct redis_address *out,
		       struct remote_fault *fault)
{
	bool found = false;

	find->memory->node_count = 0;
	for (size_t i = 0; i < slots->elements; i++) {
		const redisReply *entry = slots->element[i];
		struct redis_address node;

		if (entry->type != REDIS_REPLY_ARRAY || entry->elements < 3 || entry->element[0]->type != REDIS_REPLY_INTEGER ||
		    entry->element[1]->type != REDIS_REPLY_INTEGER)
			return redis_link_protocol(link, "its answer to CLUSTER SLOTS", fault);
		if (!node_read(link, entry->element[2], &node))
			continue;
		node_remember(find->memory, &node);
		if (find->slot >= entry->element[0]->integer && find->slot <= entry->element[1]->integer) {
			*out = node;
			found = true;
		}
	}
	return found ? 0 : remote_fail(fault, "clusterdown", false, "the Cluster has no primary for slot %lld, says %s", find->slot, link->peer);
}

static int cluster_judge(struct find *find, const struct redis_link *link, const redisReply *slot, const redisReply *slots,
			 struct redis_address *out, struct remote_fault *fault)
{
	if (redis_reply_begins(slot, "ERR"))
		return remote_fail(fault, "error", true, "%s is in no Cluster; set redis.servers to auto or single", link->peer);
	if (redis_reply_fault(slot, fault) < 0 || redis_reply_fault(slots, fault) < 0)
		return -EIO;
	if (slot->type != REDIS_REPLY_INTEGER || slots->type != REDIS_REPLY_ARRAY)
		return redis_link_protocol(link, "its answer to CLUSTER", fault);
	find->slot = slot->integer;
	return slots_judge(find, link, slots, out, fault);
}

static int replies_read(struct redis_link *link, redisReply **first, redisReply **second, struct remote_fault *fault)
{
	int rc;

	redis_replies_raise(&link->replies, true);
	rc = redis_link_reply(link, first, fault);
	if (rc == 0)
		rc = redis_link_reply(link, second, fault);
	redis_replies_raise(&link->replies, false);
	return rc;
}

static int cluster_ask(struct find *find, struct redis_link *link, struct redis_address *out, struct remote_fault *fault)
{
	redisReply *slot = NULL, *slots = NULL;
	int rc = redis_link_ask(link, fault, "CLUSTER", "KEYSLOT", find->key, NULL);

	if (rc == 0)
		rc = redis_link_ask(link, fault, "CLUSTER", "SLOTS", NULL);
	if (rc == 0)
		rc = replies_read(link, &slot, &slots, fault);
	if (rc == 0)
		rc = cluster_judge(find, link, slot, slots, out, fault);
	freeReplyObject(slot);
	freeReplyObject(slots);
	return rc;
}

// Where "ASK 8943 10.0.0.7:7000" points to. CLUSTER SLOTS lists the nodes that have slots, CLUSTER NODES those, too, that have none yet.
// False: nobody but this reply knows of it.
static bool asked_read(const struct find *find, const struct redis_link *link, const redisReply *ask, const redisReply *nodes,
		       struct redis_address *out)
{
	const char *at = strrchr(ask->str, ' '), *colon = strrchr(ask->str, ':');
	long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
	char listed[REDIS_PEER_MAX];

	if (port <= 0 || port > UINT16_MAX || at == NULL || colon < at || colon - at > REDIS_HOST_MAX)
		return false;
	out->port = (uint16_t)port;
	snprintf(out->host, sizeof(out->host), "%.*s", (int)(colon - at - 1), at + 1);
	if (out->host[0] == '\0')
		snprintf(out->host, sizeof(out->host), "%s", same_host(link));
	for (unsigned i = 0; i < find->memory->node_count; i++)
		if (redis_address_equal(out, &find->memory->nodes[i]))
			return true;
	snprintf(listed, sizeof(listed), " %s:%u@", out->host, out->port);
	return redis_host_valid(out->host) && memmem(nodes->str, nodes->len, listed, strlen(listed)) != NULL;
}

// While the owner still has keys of the slot, some of ours may be among them, and no transaction can be made of two halves.
static int asked_judge(const struct find *find, const struct redis_link *link, const redisReply *ask, const redisReply *left,
		       const redisReply *nodes, struct redis_address *out, struct remote_fault *fault)
{
	if (redis_reply_fault(left, fault) < 0 || redis_reply_fault(nodes, fault) < 0)
		return -EIO;
	if (left->type != REDIS_REPLY_INTEGER || nodes->type != REDIS_REPLY_STRING)
		return redis_link_protocol(link, "its answer to CLUSTER", fault);
	if (left->integer > 0)
		return remote_fail(fault, "migrating", false, "the Cluster is moving slot %lld, and %lld keys of it are still at %s; records "
				   "wait until all are moved", find->slot, left->integer, link->peer);
	if (!asked_read(find, link, ask, nodes, out))
		return remote_fail(fault, "migrating", false, "%s is giving slot %lld to a node that it does not list; it is not followed",
				   link->peer, find->slot);
	return 0;
}

static int asked_where(const struct find *find, struct redis_link *link, const redisReply *ask, struct redis_address *out,
		       struct remote_fault *fault)
{
	redisReply *left = NULL, *nodes = NULL;
	char slot[24];
	int rc;

	snprintf(slot, sizeof(slot), "%lld", find->slot);
	rc = redis_link_ask(link, fault, "CLUSTER", "COUNTKEYSINSLOT", slot, NULL);
	if (rc == 0)
		rc = redis_link_ask(link, fault, "CLUSTER", "NODES", NULL);
	if (rc == 0)
		rc = replies_read(link, &left, &nodes, fault);
	if (rc == 0)
		rc = asked_judge(find, link, ask, left, nodes, out, fault);
	freeReplyObject(left);
	freeReplyObject(nodes);
	return rc;
}

// The owner may be giving the slot away. Once it has no key of it any more, all are at the other node, or will be made there. The link
// is the answer, goes to that node now, or is closed.
static int asked_follow(struct find *find, struct redis_link **link, struct remote_fault *fault)
{
	struct redis_link *owner = *link;
	struct redis_address address;
	redisReply *reply = NULL;
	int rc = redis_link_ask(owner, fault, "EXISTS", find->key, NULL);

	if (rc == 0)
		rc = redis_link_reply(owner, &reply, fault);
	if (rc == 0 && !redis_reply_begins(reply, "ASK")) {
		freeReplyObject(reply);
		return 0;
	}
	find->stage = STAGE_FOLLOW;
	*link = NULL;
	if (rc == 0)
		rc = asked_where(find, owner, reply, &address, fault);
	if (rc == 0)
		rc = primary_dial(find->settings, &address, false, link, fault);
	if (rc == 0)
		(*link)->asking = true;
	freeReplyObject(reply);
	redis_link_close(owner);
	return rc;
}

// The link that was asked is the answer, or is closed.
static int cluster_follow(struct find *find, struct redis_link *link, const struct redis_about *about, struct redis_link **out,
			  struct remote_fault *fault)
{
	struct redis_address address;
	int rc;

	if (find->settings->database > 0)
		rc = remote_fail(fault, "database", true, "%s is in a Cluster, which has only database 0; set redis.database to that",
				 link->peer);
	else
		rc = cluster_ask(find, link, &address, fault);
	if (rc == 0 && about->role == REDIS_ROLE_PRIMARY && address.port == link->address.port &&
	    (strcmp(address.host, link->address.host) == 0 || strcmp(address.host, link->number) == 0)) {
		*out = link;
		return asked_follow(find, out, fault);
	}
	redis_link_close(link);
	return rc == 0 ? follow(find, &address, false, out, fault) : rc;
}

// ---- each address in turn ----

static int address_try(struct find *find, const struct redis_address *address, struct redis_link **out, struct remote_fault *fault)
{
	const struct redis_settings *settings = find->settings;
	enum config_redis_servers servers = settings->servers;
	struct redis_about about = {.role = REDIS_ROLE_SENTINEL};
	struct redis_link *link;
	int rc;

	find->stage = STAGE_DIAL;
	rc = redis_link_dial(settings, address, &link, fault);
	if (rc < 0)
		return rc;
	find->stage = STAGE_HELLO;
	if (servers != CONFIG_REDIS_SENTINEL)
		rc = redis_hello(link, settings, servers != CONFIG_REDIS_CLUSTER, servers == CONFIG_REDIS_AUTO, &about, fault);
	if (rc == 0 && about.role == REDIS_ROLE_SENTINEL && (servers == CONFIG_REDIS_SENTINEL || servers == CONFIG_REDIS_AUTO)) {
		rc = sentinel_follow(find, link, out, fault);
		redis_link_close(link);
		return rc;
	}
	if (rc == 0 && (servers == CONFIG_REDIS_CLUSTER || about.cluster))
		return cluster_follow(find, link, &about, out, fault);
	if (rc == 0)
		rc = role_check(link, &about, fault);
	if (rc < 0)
		redis_link_close(link);
	else
		*out = link;
	return rc;
}

static const struct redis_address *candidate(const struct find *find, unsigned index)
{
	unsigned configured = find->settings->address_count;

	return index < configured ? &find->settings->addresses[index] : &find->memory->nodes[index - configured];
}

// The fault of the address that led furthest, the first of these.
static void fault_keep(const struct redis_settings *settings, const struct remote_fault *worst, struct remote_fault *fault)
{
	*fault = *worst;
	fault->keep = false;
	if (settings->address_count > 1)
		snprintf(fault->err.text, sizeof(fault->err.text), "none of the %u addresses leads to a primary; the nearest: %.400s",
			 settings->address_count, worst->err.text);
}

int redis_link_open(const struct redis_settings *settings, const char *key, struct redis_link **out, struct remote_fault *fault)
{
	struct redis_memory none = {0}, *memory = settings->memory != NULL ? settings->memory : &none;
	struct find find = {.settings = settings, .memory = memory, .key = key};
	struct remote_fault nearest = {0}, one = {0};
	unsigned first, count;
	int stage = -1;

	*out = NULL;
	count = settings->address_count + memory->node_count;
	first = memory->first < count ? memory->first : 0;
	for (unsigned i = 0; i < count; i++) {
		unsigned index = (first + i) % count;
		struct redis_address address = *candidate(&find, index); // the list may change meanwhile

		if (address_try(&find, &address, out, &one) == 0) {
			memory->first = index;
			return 0;
		}
		if ((int)find.stage > stage) {
			nearest = one;
			stage = (int)find.stage;
		}
	}
	fault_keep(settings, &nearest, fault);
	return -EIO;
}
