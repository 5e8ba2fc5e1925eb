// Toeplitz with a key of period 16 bits is symmetric (Woo and Park, 2012): swapping addresses and ports, which are multiples of 16
// bits, changes nothing. Whether the NIC really uses it is not believed but computed: key and table are read back.
#include "port/port_rss.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <rte_thash.h>
#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 128, RETA_MAX = 2048, TUPLES = 256 };
static const uint64_t HASHES = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

static void key_fill(uint8_t *key, uint8_t length)
{
	for (uint8_t i = 0; i < length; i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
}

int port_rss_configure(struct port *port, const struct rte_eth_dev_info *info, struct err *err)
{
	uint8_t key[KEY_MAX], length = info->hash_key_size != 0 && info->hash_key_size <= KEY_MAX ? info->hash_key_size : 40;
	uint64_t hashes = HASHES & info->flow_type_rss_offloads;
	struct rte_eth_conf conf = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};
	int rc;

	key_fill(key, length);
	if (port->queues > 1 && hashes != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){key, length, hashes};
	}
	if (info->max_mtu > RTE_ETHER_MTU && (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	rc = rte_eth_dev_configure(port->id, port->queues, info->max_tx_queues > 0 ? (uint16_t)1 : (uint16_t)0, &conf);
	if (rc < 0) // some vdevs want no transmit queue at all
		rc = rte_eth_dev_configure(port->id, port->queues, 0, &conf);
	if (rc < 0)
		return err_set(err, rc, "%s: the driver %s refuses %u receive queues: %s: set capture.queues", port->name, port->driver,
			       port->queues, strerror(-rc));
	return 0;
}

static void why(struct port *port, bool symmetric, const char *text)
{
	port->rss_symmetric = symmetric;
	snprintf(port->rss_why, sizeof(port->rss_why), "%s", text);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

static uint16_t queue_of(const struct rte_eth_rss_reta_entry64 *reta, uint16_t size, uint32_t hash)
{
	uint32_t at = hash % size;

	return reta[at / RTE_ETH_RETA_GROUP_SIZE].reta[at % RTE_ETH_RETA_GROUP_SIZE];
}

// IPv4 and IPv6 tuples: 3 and 9 words of addresses and ports.
static bool symmetric(const uint8_t *key, const struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	uint32_t state = 0x9e3779b9;

	for (unsigned i = 0; i < TUPLES; i++) {
		unsigned address = i % 2 == 0 ? 1 : 4, words = 2 * address + 1;
		uint32_t there[9], back[9];

		for (unsigned k = 0; k < words; k++)
			there[k] = next_random(&state);
		memcpy(back, there + address, address * sizeof(uint32_t));
		memcpy(back + address, there, address * sizeof(uint32_t));
		back[words - 1] = there[words - 1] << 16 | there[words - 1] >> 16;
		if (queue_of(reta, size, rte_softrss(there, words, key)) != queue_of(reta, size, rte_softrss(back, words, key)))
			return false;
	}
	return true;
}

void port_rss_check(struct port *port, const struct rte_eth_dev_info *info)
{
	struct rte_eth_rss_reta_entry64 reta[RETA_MAX / RTE_ETH_RETA_GROUP_SIZE];
	uint8_t key[KEY_MAX];
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = sizeof(key)};

	if (port->rss_why[0] != '\0')
		return;
	if (port->queues == 1) {
		why(port, false, "one queue");
		return;
	}
	memset(reta, 0, sizeof(reta));
	for (unsigned g = 0; g < RTE_DIM(reta); g++)
		reta[g].mask = UINT64_MAX;
	if ((info->flow_type_rss_offloads & HASHES) == 0 || info->reta_size == 0 || info->reta_size > RETA_MAX)
		why(port, false, "the driver cannot hash flows to queues");
	else if (rte_eth_dev_rss_hash_conf_get(port->id, &conf) != 0 || rte_eth_dev_rss_reta_query(port->id, reta, info->reta_size) != 0)
		why(port, false, "the driver does not say how it hashes flows to queues");
	else if (!symmetric(key, reta, info->reta_size))
		why(port, false, "the NIC's hash sends the two directions of a flow to different queues");
	else
		why(port, true, "symmetric RSS, computed for 256 tuples from the NIC's own key and table");
}
