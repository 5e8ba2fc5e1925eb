// Opening an ethdev, whatever its kind: name, queues, start. What differs is in the kind's own file.
#include "port/port.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port/port_kinds.h"
#include "port/port_rss.h"

enum { TX_DESC = 64 };

static const struct port_kind *const kinds[] = {&port_kind_pcap, &port_kind_af_packet, &port_kind_nic};

bool port_argument(const struct rte_eth_dev_info *info, const char *key, char *out, size_t room)
{
	const struct rte_devargs *args = rte_dev_devargs(info->device);
	const char *at = args != NULL ? args->args : NULL;
	size_t n = strlen(key), length;

	for (; at != NULL && *at != '\0'; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
		if (strncmp(at, key, n) != 0 || at[n] != '=')
			continue;
		at += n + 1;
		length = strcspn(at, ",");
		if (length >= room)
			return false;
		memcpy(out, at, length);
		out[length] = '\0';
		return true;
	}
	return false;
}

static const struct port_kind *kind_of(const struct rte_eth_dev_info *info)
{
	char file[PORT_NAME_MAX];

	for (unsigned i = 0; i < RTE_DIM(kinds); i++)
		for (const char *const *d = kinds[i]->drivers; d != NULL && *d != NULL; d++)
			if (strcmp(*d, info->driver_name) == 0 && (!kinds[i]->replay || port_argument(info, "rx_pcap", file, sizeof(file))))
				return kinds[i];
	return &port_kind_nic; // also net_pcap on an interface
}

static int queues_setup(struct port *port, const struct rte_eth_dev_info *info, const struct port_config *config, struct err *err)
{
	uint16_t rx = config->rx_desc, tx = TX_DESC;
	unsigned node = (unsigned)rte_eth_dev_socket_id(port->id);
	struct rte_eth_dev_info now; // with the queues that were configured
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

	if (rc == 0)
		rc = rte_eth_dev_info_get(port->id, &now);

	for (uint16_t q = 0; q < port->queues && rc == 0; q++)
		rc = rte_eth_rx_queue_setup(port->id, q, rx, node, &info->default_rxconf, config->pool);
	for (uint16_t q = 0; rc == 0 && q < now.nb_tx_queues; q++)
		rc = rte_eth_tx_queue_setup(port->id, q, tx, node, &info->default_txconf);
	if (rc < 0)
		return err_set(err, rc, "%.300s: its queues cannot be set up: %s", port->name, strerror(-rc));
	return 0;
}

static int start(struct port *port, const struct port_config *config, struct err *err)
{
	int rc = rte_eth_dev_start(port->id);

	if (rc < 0)
		return err_set(err, rc, "%.300s: cannot be started: %s: check its driver, or that this user has CAP_NET_ADMIN", port->name,
			       strerror(-rc));
	if (config->promiscuous && !port->kind->replay)
		(void)rte_eth_promiscuous_enable(port->id); // where it cannot be, only frames for this host are seen
	return 0;
}

// What the user called it. A file whose name EAL would misread comes as a descriptor.
static void name_find(struct port *port, const struct rte_eth_dev_info *info)
{
	static const char *const keys[] = {"iface", "rx_iface", "rx_pcap"};
	char target[PORT_NAME_MAX];
	ssize_t n;

	snprintf(port->name, sizeof(port->name), "%s", rte_dev_name(info->device));
	for (unsigned i = 0; i < RTE_DIM(keys); i++)
		if (port_argument(info, keys[i], port->name, sizeof(port->name)))
			break;
	if (strncmp(port->name, "/proc/self/fd/", strlen("/proc/self/fd/")) != 0)
		return;
	n = readlink(port->name, target, sizeof(target));
	if (n > 0 && (size_t)n < sizeof(target))
		snprintf(port->name, sizeof(port->name), "%.*s", (int)n, target);
}

static int queues_choose(struct port *port, const struct rte_eth_dev_info *info, const struct port_config *config, struct err *err)
{
	uint16_t most = port->kind->every_queue || config->queues > info->max_rx_queues ? info->max_rx_queues : config->queues;

	if (port->kind->every_queue && most > PORT_QUEUES_MAX)
		return err_set(err, -E2BIG, "%.300s: %u queues, %u are the most: give it fewer", port->name, most, PORT_QUEUES_MAX);
	port->queues = most > PORT_QUEUES_MAX ? PORT_QUEUES_MAX : most == 0 ? 1 : most;
	for (uint16_t q = 0; q < port->queues; q++) {
		port->queue[q].port = port;
		port->queue[q].queue = q;
		port->queue[q].clock = config->clock;
	}
	return 0;
}

int port_open(uint16_t id, const struct port_config *config, struct port **out, struct err *err)
{
	struct rte_eth_dev_info info;
	struct port *port = calloc(1, sizeof(*port));
	int rc = port != NULL ? rte_eth_dev_info_get(id, &info) : -ENOMEM;

	if (rc < 0) {
		free(port);
		return err_set(err, rc, "port %u: cannot be read: %s", id, strerror(-rc));
	}
	port->id = id;
	port->kind = kind_of(&info);
	port->socket = rte_eth_dev_socket_id(id);
	snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	name_find(port, &info);
	if ((rc = queues_choose(port, &info, config, err)) < 0 || (rc = port_rss_configure(port, &info, config, err)) < 0 ||
	    (rc = queues_setup(port, &info, config, err)) < 0 || (rc = port->kind->open(port, config, err)) < 0)
		goto fail;
	if ((rc = start(port, config, err)) < 0) {
		port->kind->close(port);
		goto fail;
	}
	port_rss_check(port, &info);
	if (port->kind->started != NULL)
		port->kind->started(port);
	*out = port;
	return 0;

fail:
	free(port);
	return rc;
}

void port_stats(struct port *port, struct port_stats *out)
{
	struct rte_eth_link link = {.link_status = 0};
	struct rte_eth_stats eth;

	memset(out, 0, sizeof(*out));
	if (rte_eth_stats_get(port->id, &eth) == 0) {
		out->received_pkts = eth.ipackets;
		out->received_bytes = eth.ibytes;
		out->missed = eth.imissed;
		out->errors = eth.ierrors;
		out->nombuf = eth.rx_nombuf;
	}
	out->link_up = rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
	if (port->kind->stats != NULL)
		port->kind->stats(port, out);
}

void port_close(struct port *port)
{
	if (port == NULL)
		return;
	port->kind->close(port);
	(void)rte_eth_dev_stop(port->id);
	(void)rte_eth_dev_close(port->id);
	free(port);
}
