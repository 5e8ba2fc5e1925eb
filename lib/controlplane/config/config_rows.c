// One row a key. This is the only place where a key has a default, a range or a meaning; loader, template, options and
// documentation walk it. Rows of a section stand together, in the order of struct config.
#include <stddef.h>

#include "config/config.h"
#include "config/config_row.h"

#define ROW(part, member, kind, text, ...)                                                                                   \
	{.section = #part, .key = #member, .type = CONFIG_##kind, .offset = offsetof(struct config, part.member),            \
	 .size = sizeof(((struct config *)0)->part.member), .fallback = text, __VA_ARGS__}
#define RANGE(low, high) .min = low, .max = high

#define KIB 1024.0
#define MIB (1024.0 * 1024.0)
#define GIB (1024.0 * 1024.0 * 1024.0)
#define DAY_S 86400.0

static const char *const idle_names[] = {"auto", "poll", "adaptive", NULL};
static const char *const checksum_names[] = {"off", "verify", "drop", NULL};
static const char *const steer_names[] = {"auto", "software", "none", NULL};
static const char *const redis_servers_names[] = {"auto", "single", "cluster", "sentinel", NULL};
static const char *const redis_mode_names[] = {"streams", "lists", "channel", NULL};
static const char *const spool_policy_names[] = {"drop_oldest", "drop_newest", NULL};
static const char *const own_names[] = {"leave_out", "keep", NULL};

const struct config_row config_rows[] = {
	ROW(capture, interface, TEXT, "",
	    .help = "interfaces or PCI addresses to watch, comma separated (option -i)"),
	ROW(capture, replay, TEXT, "",
	    .help = "capture file to replay instead of watching an interface (option -r)"),
	ROW(capture, stay, BOOL, "false",
	    .help = "go on answering after the end of a replay (option --stay)"),
	ROW(capture, speed, REAL, "0", RANGE(0, 1000),
	    .help = "speed of a replay: 1 is the original timing, 2 twice as fast, 0 as fast as possible (option --speed)"),
	ROW(capture, promiscuous, BOOL, "true",
	    .help = "receive frames that are addressed to other machines, too"),
	ROW(capture, queues, U32, "0", RANGE(0, 16),
	    .help = "receive queues of each live port; 0 is one for each worker"),
	ROW(capture, burst, U32, "32", RANGE(1, 64),
	    .help = "packets a worker takes at once"),
	ROW(capture, rx_descriptors, U32, "4096", RANGE(64, 32768),
	    .help = "packets that a receive queue can hold"),
	ROW(capture, workers, U32, "0", RANGE(0, 64),
	    .help = "worker threads, each pinned to a core; 0 is one for each core but one (option -w)"),
	ROW(capture, idle, ENUM, "auto", .choices = idle_names,
	    .help = "a worker without packets polls on, or sleeps up to 1 ms (adaptive); auto decides by the kind of port"),
	ROW(capture, steer, ENUM, "auto", .choices = steer_names,
	    .help = "who brings a packet to the worker that owns its flow: software, or none because the NIC does it"),
	ROW(capture, checksum, ENUM, "verify", .choices = checksum_names,
	    .help = "checksums are left alone, verified and counted, or packets with a bad one dropped as malformed"),
	ROW(capture, checksum_sample, U32, "1", RANGE(1, 1 * MIB),
	    .help = "verify one packet of so many where software has to; the others count as unverified"),
	ROW(capture, filter, TEXT, "", .reloadable = true,
	    .help = "only what this pcap-filter expression describes is analysed (option -f)"),
	ROW(capture, attributes, TEXT, "", .reloadable = true,
	    .help = "file of attribute filters in JSON (option --attributes; --filter-help explains them)"),
	ROW(capture, own_traffic, ENUM, "leave_out", .choices = own_names,
	    .help = "whether live capture leaves out the connections of the appliance itself (its API, and to Redis and http.url)"),

	ROW(flow, capacity, U32, "524288", RANGE(1 * KIB, 64 * MIB),
	    .help = "flows that are followed at once, over all workers"),
	ROW(flow, capacity_ipv6, U32, "131072", RANGE(1 * KIB, 64 * MIB),
	    .help = "IPv6 flows that are followed in addition"),
	ROW(flow, tcp_new_s, U32, "60", RANGE(1, DAY_S),
	    .help = "idle seconds that end a TCP flow whose handshake is not complete"),
	ROW(flow, tcp_established_s, U32, "600", RANGE(1, DAY_S),
	    .help = "idle seconds that end an established TCP flow"),
	ROW(flow, tcp_closed_s, U32, "5", RANGE(1, DAY_S),
	    .help = "idle seconds that end a TCP flow after FIN or RST"),
	ROW(flow, udp_new_s, U32, "30", RANGE(1, DAY_S),
	    .help = "idle seconds that end a UDP flow with packets of one direction only"),
	ROW(flow, udp_established_s, U32, "120", RANGE(1, DAY_S),
	    .help = "idle seconds that end a UDP flow with packets both ways"),
	ROW(flow, icmp_s, U32, "30", RANGE(1, DAY_S),
	    .help = "idle seconds that end an ICMP flow"),
	ROW(flow, other_s, U32, "60", RANGE(1, DAY_S),
	    .help = "idle seconds that end a flow of any other protocol"),
	ROW(flow, first_packets, U32, "0", RANGE(0, 32),
	    .help = "packets of a flow, from its first on, whose sizes and gaps stand in its record"),

	ROW(flow, key_vlan, BOOL, "true",
	    .help = "packets with other VLAN ids are other flows; false where the two sides of a mirror port differ in tags"),
	ROW(flow, key_network, BOOL, "true",
	    .help = "packets of other virtual networks (VXLAN, GENEVE, NVGRE) are other flows"),
	ROW(flow, interim_s, U32, "0", RANGE(0, 3600),
	    .help = "seconds after which a flow that goes on is reported so far; records of one flow add up; 0: only when it ends"),
	ROW(flow, elephant_mbps, U32, "0", RANGE(0, 400000),
	    .help = "Mbit/s from which on a flow is marked as an elephant; 0: none is"),
	ROW(flow, shunt, BOOL, "false",
	    .help = "an elephant's content is not looked at any more; its counters stay exact"),

	ROW(limits, l7, U32, "16384", RANGE(64, 4 * MIB),
	    .help = "application transactions in progress, over all workers"),
	ROW(limits, flow_transactions, U32, "20000", RANGE(1, 65535),
	    .help = "transactions (requests, questions, ...) of one flow that are reported; those beyond are only counted"),
	ROW(limits, transactions_per_s, U32, "200000", RANGE(0, 16 * MIB),
	    .help = "transactions reported in a second of packet time, of each worker; 0: no bound"),
	ROW(limits, costly_per_s, U32, "20000", RANGE(0, 16 * MIB),
	    .help = "QUIC decryptions and digests of certificates in a second of packet time, of each worker; 0: no bound"),
	ROW(limits, streams, U32, "4096", RANGE(64, 1 * MIB),
	    .help = "TCP streams being put in order at once, over all workers"),
	ROW(limits, stream_bytes, U32, "16384", RANGE(2 * KIB, 1 * MIB),
	    .help = "bytes kept of one such stream"),
	ROW(limits, hostnames, U32, "65536", RANGE(64, 16 * MIB),
	    .help = "flows whose server name is kept, over all workers"),
	ROW(limits, dns_names, U32, "65536", RANGE(0, 4 * MIB),
	    .help = "pairs of client and address whose name from DNS is remembered for flows that say none; 0: none is"),
	ROW(limits, long_flows, U32, "65536", RANGE(64, 16 * MIB),
	    .help = "flows whose rate or interim records are remembered, over all workers"),
	ROW(limits, flow_details, U32, "0", RANGE(0, 128 * MIB),
	    .help = "flows whose MAC addresses, tunnel and first packets are kept, over all workers; 0 is all of them"),
	ROW(limits, fragments, U32, "256", RANGE(1, 64 * KIB),
	    .help = "datagrams that are put together from fragments at once, over all workers; 64 kB each"),
	ROW(limits, fragment_timeout_s, U32, "30", RANGE(1, 600),
	    .help = "seconds in which all fragments of a datagram have to come"),
	ROW(limits, link_records_per_s, U32, "1000", RANGE(0, 16 * MIB),
	    .help = "records of ARP, spanning trees, CDP, LLDP, ICMP, MLD and IGMP that one worker makes in a second"),
	ROW(limits, record_ring_bytes, U32, "4194304", RANGE(64 * KIB, 1024 * MIB),
	    .help = "bytes of records that wait between one worker and control"),
	ROW(limits, sink_queue_bytes, U32, "16777216", RANGE(64 * KIB, 1024 * MIB),
	    .help = "bytes of records that wait for one output"),
	ROW(limits, steer_ring, U32, "4096", RANGE(64, 1 * MIB),
	    .help = "packets on their way from one worker to another"),
	ROW(limits, recent_flows, U32, "4096", RANGE(1, 1 * MIB),
	    .help = "ended flows that the API can still show"),
	ROW(limits, fault_every, U32, "0", RANGE(0, 1 * MIB),
	    .help = "for tests: every so many-th block asked of a pool (transactions, streams, names, details) is refused; 0: none"),
	ROW(limits, mbufs, U32, "0", RANGE(0, 16 * MIB),
	    .help = "packet buffers of each port; 0 is derived from queues and descriptors"),

	ROW(protocols, off, TEXT, "",
	    .help = "application protocols that are not looked for, as names of --protocols; \"all\": flows are only counted"),

	ROW(applications, file, TEXT, "", .reloadable = true,
	    .help = "file of your own applications: lines of domain suffix, application, category; they come before ours"),

	ROW(output, directory, TEXT, "",
	    .help = "folder for the files of a run; - writes EVE JSON lines to standard output (option -o)"),
	ROW(output, stats_interval_s, U32, "8", RANGE(1, DAY_S), .reloadable = true,
	    .help = "seconds between two stats events while live"),

	ROW(redis, address, TEXT, "", .reloadable = true,
	    .help = "Redis or Valkey: HOST:PORT or unix:PATH, several with commas (replicas, Cluster nodes, Sentinels); empty: none"),
	ROW(redis, enabled, BOOL, "true", .reloadable = true,
	    .help = "false: what is made from now on does not go to Redis; what waits in the spool still does"),
	ROW(redis, servers, ENUM, "auto", .choices = redis_servers_names, .reloadable = true,
	    .help = "what the addresses are: one server or replicas of each other, a Cluster, Sentinels; auto asks them"),
	ROW(redis, sentinel_master, TEXT, "mymaster", .reloadable = true,
	    .help = "name under which the Sentinels know the primary"),
	ROW(redis, mode, ENUM, "streams", .choices = redis_mode_names, .reloadable = true,
	    .help = "records go into streams (XADD), lists (RPUSH) or to a channel (PUBLISH), as their readers expect it"),
	ROW(redis, user, TEXT, "", .reloadable = true,
	    .help = "ACL user; empty: the default one"),
	ROW(redis, password_file, TEXT, "", .reloadable = true,
	    .help = "file whose first line is the password; without one SPANWATCH_REDIS_PASSWORD of the environment is used, if set"),
	ROW(redis, database, U32, "0", RANGE(0, 65535), .reloadable = true,
	    .help = "number of the database; a Cluster has only 0"),
	ROW(redis, tls, BOOL, "false", .reloadable = true,
	    .help = "speak TLS; needs a build with hiredis 1.0 or later"),
	ROW(redis, tls_ca_file, TEXT, "", .reloadable = true,
	    .help = "certificates of the authorities that the server's is checked against; empty: the system's"),
	ROW(redis, timeout_ms, U32, "1000", RANGE(50, 60000), .reloadable = true,
	    .help = "milliseconds to wait for an answer before the server counts as gone"),
	ROW(redis, batch, U32, "1024", RANGE(1, 1024), .reloadable = true,
	    .help = "records in one MULTI/EXEC, at most"),
	ROW(redis, stream_length, U32, "1000000", RANGE(1, 1 * GIB), .reloadable = true,
	    .help = "newest entries that a stream or list keeps (streams: about so many)"),
	ROW(redis, ttl_s, U32, "2592000", RANGE(60, 3650 * DAY_S), .reloadable = true,
	    .help = "seconds after which the keys of a sensor that is gone expire"),
	ROW(redis, minute_ttl_s, U32, "86400", RANGE(60, 31 * DAY_S), .reloadable = true,
	    .help = "seconds that the sums of one minute (top:..., hosts:...) are kept"),

	ROW(http, url, TEXT, "", .reloadable = true,
	    .help = "server that records are sent to by POST, as lines of JSON: http(s)://HOST/PATH; empty: none"),
	ROW(http, enabled, BOOL, "true", .reloadable = true,
	    .help = "false: what is made from now on is not sent; what waits in the spool still is"),
	ROW(http, token_file, TEXT, "", .reloadable = true,
	    .help = "file whose first line is sent as bearer token; without one SPANWATCH_HTTP_TOKEN of the environment is used, if set"),
	ROW(http, ca_file, TEXT, "", .reloadable = true,
	    .help = "certificates of the authorities that the server's is checked against; empty: the system's"),
	ROW(http, timeout_ms, U32, "5000", RANGE(50, 60000), .reloadable = true,
	    .help = "milliseconds to wait for an answer before the server counts as gone"),
	ROW(http, batch, U32, "500", RANGE(1, 1024), .reloadable = true,
	    .help = "records in one POST, at most"),

	ROW(spool, directory, TEXT, "/var/lib/spanwatch/spool",
	    .help = "folder where records wait for servers (Redis, HTTP), one folder below it for each; it survives a restart"),
	ROW(spool, quota_mb, U32, "4096", RANGE(16, 16 * MIB),
	    .help = "megabytes of records that may wait for one server; beyond, some are dropped and a tombstone says which"),
	ROW(spool, retain_mb, U32, "64", RANGE(0, 1 * MIB),
	    .help = "megabytes kept after they were delivered, for a server that turns out to have lost them"),
	ROW(spool, segment_mb, U32, "8", RANGE(1, 1024),
	    .help = "megabytes of one file of the spool"),
	ROW(spool, memory_mb, U32, "64", RANGE(1, 64 * KIB),
	    .help = "megabytes that may wait in memory while the disk refuses"),
	ROW(spool, fsync_ms, U32, "200", RANGE(0, 60000),
	    .help = "milliseconds of records that may be lost if the machine (not just spanwatch) goes down; 0: none, but slower"),
	ROW(spool, policy, ENUM, "drop_oldest", .choices = spool_policy_names,
	    .help = "what is dropped where the quota is reached; drop_oldest keeps alerts longest"),
	ROW(spool, exit_wait_s, U32, "5", RANGE(0, 3600), .reloadable = true,
	    .help = "seconds to go on delivering at the end while a server takes records; the rest waits for the next run"),

	ROW(api, listen, TEXT, "127.0.0.1:8480",
	    .help = "where the API answers: ADDRESS:PORT, unix:PATH or none (option --api)"),

	ROW(sensor, name, TEXT, "",
	    .help = "name of this sensor in every record; the name of the machine if empty"),
	ROW(sensor, verbose, BOOL, "false", .reloadable = true,
	    .help = "say more about what is done and why (option -v)"),
};

const unsigned config_row_count = sizeof(config_rows) / sizeof(config_rows[0]);

_Static_assert(sizeof(config_rows) / sizeof(config_rows[0]) <= CONFIG_ROWS_MAX, "raise CONFIG_ROWS_MAX");
