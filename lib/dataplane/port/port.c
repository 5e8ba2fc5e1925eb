// Opening an ethdev, whatever its kind: name, queues, start. What differs is in the kind's own file.
#include "port/port.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port/port_kinds.h"
#include "port/port_rss.h"

enum { RX_DESC_MIN = 64 };

static const struct port_kind *const kinds[] = {&port_kind_pcap, &port_kind_af_packet, &port_kind_nic};

static const struct port_kind *kind_of(const char *driver)
{
	for (unsigned i = 0; i < RTE_DIM(kinds); i++)
		for (const char *const *d = kinds[i]->drivers; d != NULL && *d != NULL; d++)
			if (strcmp(*d, driver) == 0)
				return kinds[i];
	return &port_kind_nic;
}

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

static int queues_setup(struct port *port, const struct rte_eth_dev_info *info, const struct port_config *config, struct err *err)
{
	uint16_t rx = config->rx_desc, tx = RX_DESC_MIN;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

	for (uint16_t q = 0; q < port->queues && rc == 0; q++)
		rc = rte_eth_rx_queue_setup(port->id, q, rx, (unsigned)rte_eth_dev_socket_id(port->id), &info->default_rxconf, config->pool);
	if (rc < 0)
		return err_set(err, rc, "%s: its receive queues cannot be set up: %s", port->name, strerror(-rc));
	return 0;
}

static int start(struct port *port, const struct port_config *config, struct err *err)
{
	int rc = rte_eth_dev_start(port->id);

	if (rc < 0)
		return err_set(err, rc, "%s: cannot be started: %s: check its driver, or that this user has CAP_NET_ADMIN", port->name,
			       strerror(-rc));
	if (config->promiscuous && !port->kind->replay)
		(void)rte_eth_promiscuous_enable(port->id); // where it cannot be, only frames for this host are seen
	return 0;
}

static void queues_name(struct port *port, const struct port_config *config)
{
	for (uint16_t q = 0; q < port->queues; q++) {
		port->queue[q].port = port;
		port->queue[q].queue = q;
		port->queue[q].clock = config->clock;
	}
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
	port->kind = kind_of(info.driver_name);
	port->socket = rte_eth_dev_socket_id(id);
	snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	if (!port_argument(&info, "iface", port->name, sizeof(port->name)) && !port_argument(&info, "rx_pcap", port->name, sizeof(port->name)))
		snprintf(port->name, sizeof(port->name), "%s", rte_dev_name(info.device));
	port->queues = config->queues < info.max_rx_queues ? config->queues : info.max_rx_queues;
	if (port->queues > PORT_QUEUES_MAX)
		port->queues = PORT_QUEUES_MAX;
	queues_name(port, config);
	if ((rc = port_rss_configure(port, &info, err)) < 0 || (rc = queues_setup(port, &info, config, err)) < 0 ||
	    (rc = port->kind->open(port, config, err)) < 0)
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
