// Inside the connection to Redis: one link to one address, what its server says of itself, and what is remembered from one opening
// to the next. Who uses a link includes sink_redis_link.h only.
#ifndef SINK_SINK_REDIS_PEER_H
#define SINK_SINK_REDIS_PEER_H

#include "sink/sink_redis_link.h"
#include "sink/sink_redis_reply.h"

enum { REDIS_PEER_MAX = REDIS_HOST_MAX + 16, REDIS_NODES_MAX = 64, REDIS_TLS_TICK_MS = 10 };

struct redis_memory {
	unsigned first; // of settings.addresses, then nodes: where to begin
	struct redis_address nodes[REDIS_NODES_MAX]; // primaries that a Cluster listed
	unsigned node_count;
};

struct redis_link {
	redisContext *context;
	struct redis_replies replies;
	struct redis_address address; // as it was asked for
	char number[REDIS_HOST_MAX];  // the same as a number; empty: a path
	char peer[REDIS_PEER_MAX];
	char password[REDIS_PASSWORD_MAX + 1]; // to keep it out of what is said
	uint32_t timeout_ms;
	const struct remote_patience *patience;
	struct sink_own *own;
	unsigned awaited;  // replies
	bool spoke;        // Redis; at least one reply came
	bool deaf;         // it reads no more, but may have said why
	bool asking;       // it is being given the slot
	const char *guess; // what it is, if not Redis
	void *tls;         // SSL of the context; NULL: none
};

// ---- addresses ----

bool redis_host_valid(const char *host);
void redis_address_text(const struct redis_address *address, char *out, size_t room);
bool redis_address_equal(const struct redis_address *a, const struct redis_address *b);

// ---- one link ----

// Connects to this address, by TLS if it is set, and says nothing yet. 0, or -EIO and a fault.
int redis_link_dial(const struct redis_settings *settings, const struct redis_address *address, struct redis_link **out,
		    struct remote_fault *fault);
int redis_link_protocol(const struct redis_link *link, const char *why, struct remote_fault *fault); // -EIO, "protocol"
int redis_link_distrust(const struct redis_link *link, const char *why, struct remote_fault *fault); // -EIO, "tls"
// A command whose arguments are texts, ended by NULL. 0, or -EIO and a fault.
int redis_link_ask(struct redis_link *link, struct remote_fault *fault, ...) __attribute__((sentinel));

bool redis_tls_built(void);
// Begins the handshake, which goes on with the first bytes written and read. 0, or -EIO and a fault.
int redis_tls_start(struct redis_link *link, const struct redis_settings *settings, struct remote_fault *fault);
const char *redis_tls_error(const struct redis_link *link); // what is wrong with its certificate, or NULL

// ---- what it is ----

enum redis_role { REDIS_ROLE_PRIMARY, REDIS_ROLE_REPLICA, REDIS_ROLE_SENTINEL, REDIS_ROLE_UNSAID };

struct redis_about {
	enum redis_role role; // UNSAID: it has no ROLE, or we may not ask; if it is a replica, the first write says so
	bool cluster;         // only if it was asked
};

// AUTH, SELECT, a name for CLIENT LIST, ROLE, all at once. ask_cluster: whether it is part of one. 0, or -EIO and a fault.
int redis_hello(struct redis_link *link, const struct redis_settings *settings, bool select, bool ask_cluster,
		struct redis_about *about, struct remote_fault *fault);
int redis_auth(struct redis_link *link, const struct redis_settings *settings, struct remote_fault *fault); // AUTH alone

#endif
