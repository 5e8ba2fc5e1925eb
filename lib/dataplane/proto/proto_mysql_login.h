// How a connection to MySQL begins: the greeting, the wish for TLS, the client's answer. For proto_mysql.c.
#ifndef PROTO_PROTO_MYSQL_LOGIN_H
#define PROTO_PROTO_MYSQL_LOGIN_H

#include "proto/proto.h"

enum { MYSQL_VERSION = 10, MYSQL_GREETING_MAX = 512, MYSQL_NAME_MAX = 256 };

enum mysql_capability {
	MYSQL_WITH_DATABASE = 1u << 3,
	MYSQL_COMPRESS = 1u << 5,
	MYSQL_PROTOCOL_41 = 1u << 9,
	MYSQL_TLS = 1u << 11,
	MYSQL_SECURE = 1u << 15,
	MYSQL_PLUGIN = 1u << 19,
	MYSQL_ATTRIBUTES = 1u << 20,
	MYSQL_PLUGIN_DATA = 1u << 21,
	MYSQL_DEPRECATE_EOF = 1u << 24,
	MYSQL_ZSTD = 1u << 26,
	MYSQL_QUERY_ATTRIBUTES = 1u << 27,
};

// The body of the event.
struct mysql {
	struct record_text version, user, database, plugin, client, command, query, sqlstate, error;
	uint64_t affected;
	uint32_t connection, rows;
	uint16_t error_code;
	bool tls, success;
};

uint64_t mysql_number(struct span *in); // of one, three, four or nine bytes
void mysql_text(struct l7 *l7, struct span *in, struct record_text *text); // up to a zero or the end

// False: it is none. *server: what it is capable of.
bool mysql_greeting_read(struct span in, uint32_t *server, struct l7 *l7);

bool mysql_tls_asked(struct span in, uint32_t length, uint32_t *client);
bool mysql_response_proves(struct span in);

// greeted: it answers a greeting that was seen. Does not read what is derived from the password.
bool mysql_response_read(struct span in, bool greeted, uint32_t *client, struct l7 *l7);

#endif
