// The ladder up: ports, who polls which queue, who owns which flow, workers, sinks; then off. Each step names what failed.
#include <errno.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/protocols.h"
#include "control/filters.h"
#include "control/sinks.h"
#include "metrics/telemetry.h"

enum {
	POOL_CACHE = 256,
	POOL_SPARE = 4096,       // jumbo frames in flight, caches of a few lcores
	RECEIVE_RING_FRAMES = 4096, // what a NIC queue keeps posted
	MEMORY_SPARE_MB = 64,
	MEGA = 1000000,
	SECOND_NS = 1000000000
};

static uint32_t share(uint32_t whole, unsigned workers)
{
	uint32_t part = whole / workers;

	return workers == 1 ? whole : part + part / 16 + 64;
}

static void timeouts_fill(const struct config *config, uint64_t out[FLOW_CLASSES])
{
	out[FLOW_TCP_NEW] = config->flow.tcp_new_s;
	out[FLOW_TCP_ESTABLISHED] = config->flow.tcp_established_s;
	out[FLOW_TCP_CLOSED] = config->flow.tcp_closed_s;
	out[FLOW_UDP_NEW] = config->flow.udp_new_s;
	out[FLOW_UDP_ESTABLISHED] = config->flow.udp_established_s;
	out[FLOW_ICMP] = config->flow.icmp_s;
	out[FLOW_OTHER] = config->flow.other_s;
	for (unsigned i = 0; i < FLOW_CLASSES; i++)
		out[i] *= SECOND_NS;
}

// One for each flow of a worker, if not said otherwise.
static uint32_t details(const struct config *config, unsigned workers)
{
	return config->limits.flow_details != 0 ? share(config->limits.flow_details, workers)
						: share(config->flow.capacity, workers) + share(config->flow.capacity_ipv6, workers);
}

static void worker_config_fill(const struct config *config, unsigned id, unsigned workers, struct worker_config *out)
{
	*out = (struct worker_config){
		.id = id,
		.workers = workers,
		.burst = config->capture.burst,
		.checksum = (enum worker_checksum)config->capture.checksum,
		.checksum_sample = config->capture.checksum_sample,
		.record_ring_bytes = config->limits.record_ring_bytes,
		.l7 = share(config->limits.l7, workers),
		.fault_every = config->limits.fault_every,
		.classify = {
			.flow_transactions = config->limits.flow_transactions,
			.second_transactions = config->limits.transactions_per_s,
			.second_costly = config->limits.costly_per_s,
		},
		.fragments = {
			.datagrams = share(config->limits.fragments, workers),
			.away = 2 * config->capture.burst, // a burst with their owners while the next one is walked
			.timeout_ns = (uint64_t)config->limits.fragment_timeout_s * SECOND_NS,
		},
		.shunt = config->flow.shunt,
		.key_without = (config->flow.key_vlan ? 0 : FLOW_KEY_WITHOUT_VLAN) | (config->flow.key_network ? 0 : FLOW_KEY_WITHOUT_NETWORK),
		.link_records_per_s = config->limits.link_records_per_s,
		.flow = {
			.capacity4 = share(config->flow.capacity, workers),
			.capacity6 = share(config->flow.capacity_ipv6, workers),
			.streams = share(config->limits.streams, workers),
			.stream_bytes = config->limits.stream_bytes,
			.hostnames = share(config->limits.hostnames, workers),
			.watches = share(config->limits.long_flows, workers),
			.interim_ns = (uint64_t)config->flow.interim_s * SECOND_NS,
			.elephant_bps = (uint64_t)config->flow.elephant_mbps * MEGA,
			.details = details(config, workers),
			.first_packets = config->flow.first_packets,
			.id = id,
		},
	};
	timeouts_fill(config, out->flow.timeout_ns);
}

static uint32_t pool_mbufs(const struct config *config, unsigned workers)
{
	uint32_t handed = workers > 1 ? (workers - 1) * config->limits.steer_ring : 0;
	uint32_t posted = config->capture.replay[0] != '\0' ? 0 : workers * RECEIVE_RING_FRAMES;

	return config->limits.mbufs != 0 ? config->limits.mbufs
					 : handed + posted + workers * (2 * POOL_CACHE + WORKER_BURST_MAX) + POOL_SPARE;
}

static uint16_t data_room(const struct config *config)
{
	char names[CONFIG_PATH_MAX], *at, *next = names;
	uint16_t room = RTE_MBUF_DEFAULT_BUF_SIZE;

	snprintf(names, sizeof(names), "%s", config->capture.interface);
	while ((at = strsep(&next, ", ")) != NULL)
		if (*at != '\0' && port_data_room(at) > room)
			room = port_data_room(at);
	return room;
}

static uint64_t pool_memory_bytes(const struct config *config, unsigned workers)
{
	uint64_t one = sizeof(struct rte_mbuf) + WORKER_MBUF_PRIVATE + data_room(config) + 2 * RTE_CACHE_LINE_SIZE;

	return one * pool_mbufs(config, workers);
}

void control_memory(const struct config *config, unsigned workers, struct memory *m)
{
	uint64_t rings = (uint64_t)workers * (workers - 1);
	struct worker_config w;

	*m = (struct memory){0};
	worker_config_fill(config, 0, workers, &w);
	for (unsigned k = 0; k < workers; k++)
		worker_memory(&w, m);
	memory_put(m, "packet buffers", pool_mbufs(config, workers), pool_memory_bytes(config, workers));
	memory_put(m, "rings between workers", rings, rings * rte_align32pow2(config->limits.steer_ring) * sizeof(void *));
}

unsigned control_memory_mb(const struct config *config, unsigned workers)
{
	struct memory m;

	control_memory(config, workers, &m);
	return (unsigned)(memory_bytes(&m) >> 20) + MEMORY_SPARE_MB + workers * 2;
}

// ---- steps ----

static int pool_create(struct control *c, struct err *err)
{
	uint32_t n = pool_mbufs(c->config, c->worker_count);

	c->pool = rte_pktmbuf_pool_create("packets", n, POOL_CACHE, WORKER_MBUF_PRIVATE, data_room(c->config), (int)rte_socket_id());
	if (c->pool == NULL)
		return err_set(err, -ENOMEM, "no memory for %u packet buffers (%lu MB): reserve more hugepages or lower limits.mbufs", n,
			       (unsigned long)(pool_memory_bytes(c->config, c->worker_count) >> 20));
	return 0;
}

static int ports_open(struct control *c, struct err *err)
{
	struct port_config config = {
		.queues = (uint16_t)(c->config->capture.queues != 0 ? c->config->capture.queues : c->worker_count),
		.rx_desc = (uint16_t)c->config->capture.rx_descriptors,
		.promiscuous = c->config->capture.promiscuous,
		.speed = c->config->capture.speed,
		.checksum = c->config->capture.checksum != CONFIG_CHECKSUM_OFF,
		.pool = c->pool,
		.clock = &c->clock,
	};
	uint16_t id;

	c->replay = true;
	for (id = (uint16_t)rte_eth_find_next(0); id < RTE_MAX_ETHPORTS; id = (uint16_t)rte_eth_find_next(id + 1u))
	{
		struct port *port;
		int rc;

		if (c->port_count == PORT_MAX)
			return err_set(err, -E2BIG, "more than %u ports: leave some out", PORT_MAX);
		rc = port_open(id, &config, &port, err);
		if (rc < 0)
			return rc;
		c->port[c->port_count++] = port;
		c->replay = c->replay && port->kind->replay;
	}
	if (c->port_count == 0)
		return err_set(err, -ENODEV, "no port to capture from: name an interface with -i, a file with -r, or EAL devices before `--`");
	for (unsigned i = 0; i < c->port_count; i++)
		if (port_replays(c->port[i]) != c->replay)
			return err_set(err, -EINVAL, "replay (%s) and live capture cannot run at once: their clocks differ", c->port[i]->name);
	return 0;
}

// Does the hash of the port already bring every packet to the worker that owns its flow? Only if there is one worker, or if the
// hash is symmetric and each queue has a worker of its own.
static void steering_decide(struct control *c)
{
	enum config_steer wanted = c->config->capture.steer;

	c->steering = WORKER_STEER_ALL;
	if (c->worker_count == 1) {
		c->steering = WORKER_STEER_NONE;
		snprintf(c->steering_why, sizeof(c->steering_why), "none: one worker");
		return;
	}
	if (wanted == CONFIG_STEER_NONE) {
		c->steering = WORKER_STEER_NONE;
		snprintf(c->steering_why, sizeof(c->steering_why), "none: capture.steer says so; flows may be split between workers");
		return;
	}
	for (unsigned i = 0; i < c->port_count && wanted == CONFIG_STEER_AUTO; i++)
		if (!c->port[i]->rss_symmetric || c->port[i]->queues != c->worker_count) {
			snprintf(c->steering_why, sizeof(c->steering_why), "software: %.100s: %.100s", c->port[i]->name,
				 c->port[i]->rss_symmetric ? "fewer queues than workers" : c->port[i]->rss_why);
			return;
		}
	if (wanted == CONFIG_STEER_AUTO && c->port_count == 1) {
		c->steering = WORKER_STEER_TUNNELS;
		snprintf(c->steering_why, sizeof(c->steering_why), "hardware: %.160s; flows in tunnels: software", c->port[0]->rss_why);
		return;
	}
	snprintf(c->steering_why, sizeof(c->steering_why), "software: %s",
		 wanted == CONFIG_STEER_SOFTWARE ? "capture.steer says so" : "directions of a flow may come in on different ports");
}

static bool cpus_overlap(unsigned one, unsigned other)
{
	rte_cpuset_t a = rte_lcore_cpuset(one), b = rte_lcore_cpuset(other), both;

	CPU_AND(&both, &a, &b);
	return CPU_COUNT(&both) > 0;
}

// Whether two of our threads have to take turns on one CPU.
static bool cpus_shared(void)
{
	for (unsigned one = 0; one < RTE_MAX_LCORE; one++)
		for (unsigned other = 0; other < one && rte_lcore_is_enabled(one); other++)
			if (rte_lcore_is_enabled(other) && cpus_overlap(one, other))
				return true;
	return false;
}

static enum worker_idle worker_idle(const struct control *c)
{
	if (c->config->capture.idle == CONFIG_IDLE_ADAPTIVE)
		return WORKER_IDLE_ADAPTIVE;
	if (cpus_shared())
		return WORKER_IDLE_YIELD;
	if (c->config->capture.idle == CONFIG_IDLE_POLL)
		return WORKER_IDLE_POLL;
	if (c->replay)
		return WORKER_IDLE_YIELD;
	for (unsigned i = 0; i < c->port_count; i++)
		if (c->port[i]->kind->idle_adaptive)
			return WORKER_IDLE_ADAPTIVE;
	return WORKER_IDLE_POLL;
}

static int workers_create(struct control *c, struct err *err)
{
	unsigned lcore = rte_get_next_lcore((unsigned)-1, 1, 0);

	for (unsigned k = 0; k < c->worker_count; k++, lcore = rte_get_next_lcore(lcore, 1, 0)) {
		struct worker_config config;
		int rc;

		worker_config_fill(c->config, k, c->worker_count, &config);
		config.lcore = lcore;
		config.socket = config.flow.socket = (int)rte_lcore_to_socket_id(lcore);
		config.steer = c->steering;
		config.replay = c->replay;
		config.idle = worker_idle(c);
		config.clock = &c->clock;
		config.flow.secret = &c->secret;
		config.fragments.secret = c->secret.word[0];
		rc = protocols_off(c->config->protocols.off, config.classify.off, err);
		if (rc == 0)
			rc = worker_create(&config, &c->worker[k], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Queue q of each port goes to worker q, round and round. A worker on another NUMA node than its port is worth a word.
static int queues_assign(struct control *c, struct err *err)
{
	for (unsigned i = 0; i < c->port_count; i++) {
		struct port *port = c->port[i];

		for (unsigned q = 0; q < port->queues; q++) {
			struct worker *w = c->worker[q % c->worker_count];

			if (w->queues == WORKER_QUEUES_MAX)
				return err_set(err, -E2BIG, "more than %u queues for worker %u: use more workers or fewer queues",
					       WORKER_QUEUES_MAX, w->config.id);
			w->queue[w->queues++] = &port->queue[q];
			if (port->socket >= 0 && w->config.socket != port->socket)
				control_note(c, "worker %u runs on NUMA node %d but polls %s on node %d: choose lcores of node %d with -l", w->config.id,
					     w->config.socket, port->name, port->socket, port->socket);
		}
	}
	for (unsigned k = 0; k < c->worker_count; k++)
		if (c->worker[k]->queues == 0)
			atomic_store(&c->worker[k]->receiving, false);
	return worker_connect(c->worker, c->worker_count, c->config->limits.steer_ring, err);
}

static int memory_take(struct control *c, struct err *err)
{
	if (merge_create(c->worker_count, &c->merge) < 0 || recent_create(c->config->limits.recent_flows, &c->recent) < 0 ||
	    talkers_create(false, &c->talkers) < 0)
		return err_set(err, -ENOMEM, "no memory for the control plane: lower limits.recent_flows");
	c->expected = expected_create();
	if (c->expected == NULL)
		return err_set(err, -ENOMEM, "no memory for the control plane");
	return naming_create(c->config, &c->naming, err);
}

static int launch(struct control *c, struct err *err)
{
	c->start_cycles = clock_cycles();
	c->started_ns = clock_now_ns(&c->clock);
	for (unsigned k = 0; k < c->worker_count; k++) {
		int rc = rte_eal_remote_launch(worker_run, c->worker[k], c->worker[k]->config.lcore);

		if (rc < 0)
			return err_set(err, rc, "worker %u could not be started on lcore %u", k, c->worker[k]->config.lcore);
		c->launched = true;
	}
	return 0;
}

int control_start(const struct config *config, struct control **out, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(err, -ENOMEM, "no memory");
	c->config = config;
	c->worker_count = rte_lcore_count() - 1;
	if (c->worker_count == 0 || c->worker_count > WORKER_MAX) {
		rc = err_set(err, -EINVAL, "%u worker lcores: give EAL one lcore for control and 1 to %u for workers (-l 0,1)", c->worker_count,
			     WORKER_MAX);
		goto fail;
	}
	clock_init(&c->clock, rte_get_tsc_hz());
	flow_secret_draw(&c->secret, false);
	if ((rc = memory_take(c, err)) < 0 || (rc = pool_create(c, err)) < 0 || (rc = ports_open(c, err)) < 0)
		goto fail;
	steering_decide(c);
	if ((rc = workers_create(c, err)) < 0 || (rc = queues_assign(c, err)) < 0 || (rc = filters_start(c, err)) < 0 ||
	    (rc = control_sinks_apply(c, config, err)) < 0 || (rc = launch(c, err)) < 0)
		goto fail;
	rc = telemetry_start(c->worker, c->worker_count);
	if (rc < 0)
		control_note(c, "DPDK's telemetry does not know /spanwatch: %s", strerror(-rc));
	*out = c;
	return 0;

fail:
	control_destroy(c);
	return rc;
}
