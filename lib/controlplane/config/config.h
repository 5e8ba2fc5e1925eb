// Everything that can be set. One row a key in config_rows.c: section, key, type, default, range, reloadable, help. Options on
// the command line set the same keys. Immutable once loaded.
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum { CONFIG_TEXT_MAX = 256, CONFIG_PATH_MAX = 1024, CONFIG_FILTER_MAX = 2048 };

enum config_idle { CONFIG_IDLE_AUTO, CONFIG_IDLE_POLL, CONFIG_IDLE_ADAPTIVE };
enum config_checksum { CONFIG_CHECKSUM_OFF, CONFIG_CHECKSUM_VERIFY, CONFIG_CHECKSUM_DROP };
enum config_steer { CONFIG_STEER_AUTO, CONFIG_STEER_SOFTWARE, CONFIG_STEER_NONE };
enum config_redis_servers { CONFIG_REDIS_AUTO, CONFIG_REDIS_SINGLE, CONFIG_REDIS_CLUSTER, CONFIG_REDIS_SENTINEL };
enum config_redis_mode { CONFIG_REDIS_STREAMS, CONFIG_REDIS_LISTS, CONFIG_REDIS_CHANNEL };
enum config_spool_policy { CONFIG_SPOOL_DROP_OLDEST, CONFIG_SPOOL_DROP_NEWEST }; // as enum spool_policy
enum config_own { CONFIG_OWN_LEAVE_OUT, CONFIG_OWN_KEEP };

struct config {
	struct {
		char interface[CONFIG_PATH_MAX]; // "eth0, eth1"
		char replay[CONFIG_PATH_MAX];
		bool stay;
		double speed; // 0: as fast as possible
		bool promiscuous;
		uint32_t queues;  // per live port; 0: one per worker
		uint32_t burst;   // 1..64
		uint32_t rx_descriptors;
		uint32_t workers; // 0: one per core but one, at least 1
		enum config_idle idle;
		enum config_steer steer;
		enum config_checksum checksum;
		uint32_t checksum_sample; // verify one packet of so many
		char filter[CONFIG_FILTER_MAX];      // pcap-filter: what is analysed
		char attributes[CONFIG_PATH_MAX];    // file of attribute filters
		enum config_own own_traffic;
	} capture;
	struct {
		uint32_t capacity;      // flows, over all workers
		uint32_t capacity_ipv6; // of which IPv6, in addition
		uint32_t tcp_new_s, tcp_established_s, tcp_closed_s; // idle timeouts by state
		uint32_t udp_new_s, udp_established_s, icmp_s, other_s;
		uint32_t interim_s, elephant_mbps;
		bool shunt;
		bool key_vlan, key_network;
		uint32_t first_packets; // sizes and gaps of so many in a flow's record
	} flow;
	struct {
		uint32_t l7;           // transactions in progress, over all workers
		uint32_t flow_transactions, transactions_per_s, costly_per_s; // of each worker
		uint32_t streams;      // reassembly buffers, over all workers
		uint32_t stream_bytes; // bytes of one of them
		uint32_t fragments, fragment_timeout_s; // datagrams in fragments that are joined at once
		uint32_t long_flows;   // flows of which interim records or rates are remembered
		uint32_t hostnames;    // flows whose server name is kept
		uint32_t dns_names;    // pairs of client and address whose names are remembered; 0: none
		uint32_t flow_details; // flows whose MAC addresses, tunnel and first packets are kept; 0: all
		uint32_t link_records_per_s; // ARP, LLDP, ... of each worker
		uint32_t record_ring_bytes, sink_queue_bytes, steer_ring, recent_flows, mbufs;
		uint32_t fault_every;  // tests: blocks of pools refused
	} limits;
	struct {
		char off[CONFIG_FILTER_MAX]; // protocols not looked for
	} protocols;
	struct {
		char file[CONFIG_PATH_MAX]; // the user's own
	} applications;
	struct {
		char directory[CONFIG_PATH_MAX]; // empty: no files; "-": EVE on stdout
		uint32_t stats_interval_s;       // stats events while live
	} output;
	struct {
		char address[CONFIG_PATH_MAX]; // "HOST:PORT", "unix:/path", several comma separated; empty: none
		bool enabled;
		enum config_redis_servers servers;
		char sentinel_master[CONFIG_TEXT_MAX];
		enum config_redis_mode mode;
		char user[CONFIG_TEXT_MAX], password_file[CONFIG_PATH_MAX];
		uint32_t database;
		bool tls;
		char tls_ca_file[CONFIG_PATH_MAX];
		uint32_t timeout_ms, batch;
		uint32_t stream_length;          // entries kept in a stream or list
		uint32_t ttl_s, minute_ttl_s;    // of keys; of those that are of one minute
	} redis;
	struct {
		char url[CONFIG_PATH_MAX]; // empty: none
		bool enabled;
		char token_file[CONFIG_PATH_MAX], ca_file[CONFIG_PATH_MAX];
		uint32_t timeout_ms, batch;
	} http;
	struct {
		char directory[CONFIG_PATH_MAX];
		uint32_t quota_mb, retain_mb, segment_mb, memory_mb, fsync_ms;
		enum config_spool_policy policy;
		uint32_t exit_wait_s; // for what waits, at the end
	} spool;
	struct {
		char listen[CONFIG_TEXT_MAX]; // "127.0.0.1:8480", "unix:/path", "none"
	} api;
	struct {
		char name[CONFIG_TEXT_MAX]; // sensor name in every record
		bool verbose;
	} sensor;
};

enum config_type { CONFIG_BOOL, CONFIG_U32, CONFIG_REAL, CONFIG_TEXT, CONFIG_ENUM };

struct config_row {
	const char *section, *key;
	enum config_type type;
	uint32_t offset, size;      // in struct config; size: of a text
	const char *fallback;       // default, as text
	double min, max;
	const char *const *choices; // CONFIG_ENUM, NULL terminated, in the order of the enum
	bool reloadable;
	const char *help;           // one line
};

extern const struct config_row config_rows[];
extern const unsigned config_row_count;

void config_defaults(struct config *config);

// Sets one key ("section.key") from text. The sentence names key, value and what is allowed.
int config_set(struct config *config, const char *name, const char *value, struct err *err);

// Reads a file on top of what is set. Every error is written to errors (a line each, with file:line); if there is any, config is
// left as it was and -EINVAL is returned.
int config_load(struct config *config, const char *path, FILE *errors, struct err *err);

// The same for a file that is in memory already; name stands in its sentences.
int config_load_text(struct config *config, const char *name, const char *text, size_t length, FILE *errors, struct err *err);

// A commented template with every key and its default. An existing file is not replaced (-EEXIST).
void config_print_template(FILE *out);
int config_write_template(const char *path, struct err *err);

// What no single row can see: combinations. Sentences name the keys.
int config_check(const struct config *config, struct err *err);

#endif
