// What the files of the Redis sink share: its state, a transaction that is being written, and who wrote the ids that are there.
//
// Ids in Redis. An entry of the log has the id BOOT-SEQ, in Redis it is (BOOT + base)-SEQ. base is 0 until ids of someone else (an
// earlier spool folder, a stranger with XADD *) stand in a stream of ours: then it is what makes ours sort behind them. base and
// what belongs to it are kept in the hash sw:{SENSOR}:writer.
#ifndef SINK_SINK_REDIS_H
#define SINK_SINK_REDIS_H

#include "sink/sink_redis_link.h"
#include "sink/sink_remote.h"

enum {
	REDIS_KEPT = SINK_AGGREGATES, // streams that are kept as such; aggregates become other keys
	REDIS_SENSOR_MAX = CONFIG_TEXT_MAX,
	REDIS_KEY_MAX = REDIS_SENSOR_MAX + 96,
	REDIS_ID_MAX = 48,
	REDIS_ALIVE_MS = 5000,  // a writer that has not been heard of for so long may be replaced by another
	REDIS_RENEW_MS = 1000,
	REDIS_EXPIRE_MS = 10000 // so often each key's time to live is renewed; redis.ttl_s may be as low as a minute
};

#define REDIS_BOOT_MAX (UINT64_MAX / 4) // ids beyond are a stranger's, and leave no room for ours

// The hash sw:{SENSOR}:writer.
struct redis_book {
	uint64_t base;  // boot in Redis - boot of the log
	uint64_t since; // the smallest boot of the log that has been written with this base
	uint64_t boot;  // the largest
	struct spool_id from[SPOOL_STREAMS]; // where that began: what had been acknowledged before
};

enum redis_writer { REDIS_WRITER_NONE, REDIS_WRITER_WE, REDIS_WRITER_OTHER };

struct redis_found { // at a connection
	enum redis_writer writer;
	bool other_alive;                 // another one has been writing in the last seconds
	struct redis_book book;           // of REDIS_WRITER_WE
	struct spool_id last[REDIS_KEPT]; // as in Redis; boot 0: nothing
};

// Where to go on and with which base. memory: the book of this process, NULL if it has none. -ERANGE: ids leave no room for ours.
int redis_where(const struct redis_found *found, const struct redis_book *memory, const struct remote_identity *identity,
		struct redis_book *book, struct remote_where *where);

// ---- a transaction ----

enum redis_command_kind {
	REDIS_ENTRY,   // XADD: its id may be there already, its stream may be gone
	REDIS_PUSH,    // RPUSH, PUBLISH
	REDIS_KEEP,    // times to live, lists cut, marks
	REDIS_EXISTS,  // how many of the streams are there
	REDIS_SUM,     // a part of an aggregate
	REDIS_SERIES   // RedisTimeSeries: what it refuses is counted
};

struct redis_command {
	uint8_t kind, stream;
};

enum redis_key {
	REDIS_KEY_FLOWS, // as enum sink_stream
	REDIS_KEY_ALERTS,
	REDIS_KEY_EVENTS,
	REDIS_KEY_WRITER,
	REDIS_KEY_ALIVE,
	REDIS_KEY_DELIVERED,
	REDIS_KEY_STATS,
	REDIS_KEY_LIVE,
	REDIS_KEYS
};

enum { REDIS_MINUTE_MAX = 13, REDIS_TOPS_MAX = 8, REDIS_FIELD_MAX = 96 };

struct redis_minutes { // a ring, in the order in which they were begun
	char (*text)[REDIS_MINUTE_MAX]; // 202611211130, or 2026112111 of an hour
	unsigned room, first, count;
};

int redis_minutes_init(struct redis_minutes *minutes, unsigned room); // -ENOMEM
void redis_minutes_fini(struct redis_minutes *minutes);
// True: there was no room for it but that of `gone`, whose keys are to be deleted.
bool redis_minutes_add(struct redis_minutes *minutes, const char *text, char gone[REDIS_MINUTE_MAX]);

struct redis_sink {
	struct redis_settings settings;
	enum config_redis_mode mode;
	unsigned most; // entries in a batch
	char sensor[REDIS_SENSOR_MAX];
	char key[REDIS_KEYS][REDIS_KEY_MAX];
	char instance[2 * SPOOL_INSTANCE_BYTES + 1];
	char ttl_s[16], minute_ttl_s[16], hour_ttl_s[16], minute_ttl_ms[24], length[16], lists_from[16]; // as arguments

	bool has_book;
	struct redis_book book;

	// of this connection
	struct redis_link *link;
	bool asking;                       // it goes to a node that is being given our slot: sink_redis_apart.c
	bool apart;                        // what is put is no part of a transaction
	bool series;                       // the server has RedisTimeSeries
	bool series_refused;               // but not for us
	bool there[REDIS_KEPT];            // streams that exist: XADD must not make them
	struct spool_id told[REDIS_KEPT];  // lists, channel: the marks of what was delivered, as in Redis
	bool sound;                        // signed, and nothing broke since
	bool changed;                      // someone else wrote the marks: the next batch would be refused
	struct remote_fault change;
	uint64_t renewed_ms, expired_ms;   // 0: not yet

	// of the batch in flight
	bool sent;                         // its replies are outstanding
	const struct spool_batch *batch;   // NULL: a transaction of our own
	struct spool_id top[REDIS_KEPT];   // its last ids, as in Redis; boot 0: none
	uint64_t boot;                     // its largest
	struct redis_command *command;     // between MULTI and EXEC
	unsigned commands, room;

	uint64_t left_out; // parts of aggregates that were broken or refused
	struct redis_minutes minutes, hours;                // that have keys
	char top_name[REDIS_TOPS_MAX][REDIS_FIELD_MAX];     // of the sorted sets that were written
	unsigned top_names;
};

// Appends one command of the transaction and remembers its kind. lengths NULL: texts. -ENOMEM.
int redis_put(struct redis_sink *sink, enum redis_command_kind kind, unsigned stream, int argc, const char **argv,
	      const size_t *lengths);
int redis_put_expire(struct redis_sink *sink, const char *key, const char *ttl_s);

// The commands of a batch, MULTI and what follows EXEC not included. -ENOMEM.
int redis_batch_put(struct redis_sink *sink, const struct spool_batch *batch);
int redis_aggregates_put(struct redis_sink *sink, const struct spool_batch *batch); // which are left to this while sink->asking
// The commands of an aggregate. What is broken in it is left out and counted. -ENOMEM.
int redis_aggregate_put(struct redis_sink *sink, const char *json, size_t length);

// "BOOT-SEQ", and back. false: it is none.
char *redis_id_write(char at[REDIS_ID_MAX], struct spool_id id);
bool redis_id_read(const char *text, size_t length, struct spool_id *out);

// The fields of the hash writer: instance, base, since, boot, from.
enum { REDIS_BOOK_FIELDS = 5, REDIS_BOOK_TEXT_MAX = 256 };
extern const char *const redis_book_fields[REDIS_BOOK_FIELDS];
void redis_book_write(const struct redis_book *book, char text[REDIS_BOOK_FIELDS - 1][REDIS_BOOK_TEXT_MAX]);
bool redis_book_read(const char *const text[REDIS_BOOK_FIELDS - 1], const size_t lengths[REDIS_BOOK_FIELDS - 1],
		     struct redis_book *out);

// ---- the functions of struct remote_ops, but create and destroy ----

int redis_connect(void *state, const struct remote_identity *identity, struct remote_where *where, struct remote_fault *fault);
int redis_send(void *state, const struct spool_batch *batch, struct remote_fault *fault);
int redis_receive(void *state, unsigned *duplicates, struct remote_fault *fault);
int redis_idle(void *state, struct remote_fault *fault);
void redis_disconnect(void *state);

// A state without a server: names and numbers. -EINVAL and a sentence: a name that cannot stand in a key.
int redis_sink_init(struct redis_sink *sink, const struct config *config, struct err *err);
void redis_sink_fini(struct redis_sink *sink);

#endif
