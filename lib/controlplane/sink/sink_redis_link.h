// A connection to Redis or Valkey that fails in bounded time, with bounded memory and with a cause: hiredis formats commands and
// parses replies, the waiting is ours. It speaks RESP2, which every server since Redis 2 does.
//
// The server is not trusted. A reply is refused (cause "protocol") that is larger, wider or deeper than any that we ask for; an
// address is connected to only if it was configured, or listed by a Sentinel or a Cluster that was asked for its list. The password
// stands in no sentence: of what a server says to AUTH only its first word is repeated, and where a reply echoes it it is blotted out.
//
// One thread at a time. Who uses it ignores SIGPIPE.
//
// Causes that a fault can have, beside those of redis_reply_fault():
//	refused, unreachable, resolve, socket	no connection: no one listens, no route, no such name, no such or no permitted path
//	timeout, closed				no answer in time; the server went away
//	protocol				not Redis, or a reply that no Redis gives
//	tls					the certificate, or a server without TLS
//	database				the number in redis.database does not exist there
//	sentinel				no Sentinel, or one that does not know redis.sentinel_master
//	memory					ours is out
#ifndef SINK_SINK_REDIS_LINK_H
#define SINK_SINK_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "sink/sink_remote.h"

enum { REDIS_ADDRESSES_MAX = 32, REDIS_HOST_MAX = 256, REDIS_PASSWORD_MAX = 512 };

struct redis_address {
	char host[REDIS_HOST_MAX]; // name or number; with port 0 the path of a unix socket
	uint16_t port;
};

struct redis_memory; // what one redis_link_open() leaves to the next: the address that worked, the nodes that a Cluster listed

struct redis_settings { // nothing in it points into the configuration
	struct redis_address addresses[REDIS_ADDRESSES_MAX];
	unsigned address_count;
	enum config_redis_servers servers;
	char sentinel_master[CONFIG_TEXT_MAX];
	char user[CONFIG_TEXT_MAX], password[REDIS_PASSWORD_MAX + 1]; // empty: none
	uint32_t database;
	bool tls;
	char tls_ca_file[CONFIG_PATH_MAX]; // empty: the system's
	uint32_t timeout_ms;
	struct sink_own *own; // is told of each connection; NULL: nobody is
	struct redis_memory *memory; // owned; NULL: each opening starts anew
	const struct remote_patience *patience; // NULL: without end
};

// Takes config.redis apart; asks nothing of the network. The password is the first line of password_file or, without one, that of
// the environment (SPANWATCH_REDIS_PASSWORD). Returns 0, or -EINVAL (-ENOMEM) and a sentence, with nothing left to wipe. target:
// SINK_TARGET_MAX bytes, where it goes, without secrets. Not to be copied: redis_settings_wipe() frees what it owns.
int redis_settings_read(const struct config *config, struct redis_settings *out, char *target, struct err *err);
void redis_settings_wipe(struct redis_settings *settings); // overwrites the password; harmless if done twice

struct redis_link;

// Connects to the primary that has the slot of `key`: authenticated, the database selected, its role checked. Blocks for at most
// about timeout_ms for each address that it tries (for a second one where Sentinels or Cluster nodes are asked first), names that are
// looked up aside, and never beyond the patience. Returns 0, or -EIO and the fault of the address that came furthest. The settings are
// not needed after it.
int redis_link_open(const struct redis_settings *settings, const char *key, struct redis_link **out, struct remote_fault *fault);
void redis_link_close(struct redis_link *link); // NULL allowed; what was not written is dropped
// Whether it goes to the node that a Cluster is just giving the slot: there each command needs an ASKING before it, or a MULTI that had
// one; and a transaction over several keys is refused (TRYAGAIN) while one of them is not there.
bool redis_link_asking(const struct redis_link *link);
const char *redis_link_peer(const struct redis_link *link); // "127.0.0.1:6379", lives as long as the link

// A command into the output buffer; nothing is sent. lengths NULL: the arguments are texts. -ENOMEM: the link is of no use any more.
int redis_link_append(struct redis_link *link, int argc, const char **argv, const size_t *lengths);

// Writes as much as the socket takes now. Returns 0, also if some is left: redis_link_reply() goes on with it. -EIO: the link is of no
// use any more, close it.
int redis_link_flush(struct redis_link *link, struct remote_fault *fault);

// The next reply, in the order of the commands; error replies are replies. Goes on writing what is not yet written. Waits for
// timeout_ms since the last byte went or came, and for at most ten times that since the last one went. Returns 0 and a reply that
// the caller frees (freeReplyObject), or -EIO: the link is of no use any more, close it.
int redis_link_reply(struct redis_link *link, redisReply **out, struct remote_fault *fault);

// Returns 0 if it is not an error reply. Otherwise -EIO and, from its first word (p: fault->patient, k: fault->keep):
//	auth p		NOAUTH, WRONGPASS, NOPERM, DENIED	readonly	READONLY (reconnect: it may be elsewhere)
//	oom k		OOM					misconf k	MISCONF (its disk)
//	loading		LOADING					masterdown	MASTERDOWN
//	clusterdown	CLUSTERDOWN				moved		MOVED (reconnect; never followed)
//	migrating	ASK, TRYAGAIN (reconnect: all keys may be at the other node now)
//	wrongtype p k	WRONGTYPE
//	aborted		EXECABORT (an earlier reply says why)	busy		BUSY (a script)
//	noreplicas k	NOREPLICAS (min-replicas-to-write)	clients		its maxclients
//	error		anything else
// What an EXEC answers inside its array is for the caller to go through.
int redis_reply_fault(const redisReply *reply, struct remote_fault *fault);

#endif
