// Toeplitz with a key of period 16 bits is symmetric (Woo and Park, 2012): swapping addresses and ports, which are multiples of 16
// bits, changes nothing. Whether the NIC really uses it is not believed but computed: key and table are read back.
#include "port/port_rss.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <rte_thash.h>
#include <stdio.h>
#include <string.h>

#include "port/port_kinds.h"

enum { KEY_MAX = 128, RETA_MAX = 2048, TUPLES = 512 };
enum { MTU_WANTED = 9600, FRAME_HEAD = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN };
static const uint64_t HASHES = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

static void key_fill(uint8_t *key, uint8_t length)
{
	for (uint8_t i = 0; i < length; i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
}

// Long frames, where a NIC takes them: in several buffers if it can, else as far as one buffer reaches.
static void frames_configure(const struct rte_eth_dev_info *info, struct rte_mempool *pool, struct rte_eth_conf *conf)
{
	uint32_t head = info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu ? info->max_rx_pktlen - info->max_mtu : FRAME_HEAD;
	uint32_t room = (uint32_t)rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM - head - 2 * RTE_VLAN_HLEN;
	uint32_t most = RTE_MIN(info->max_rx_pktlen - head, (uint32_t)info->max_mtu), mtu = RTE_MIN(most, (uint32_t)MTU_WANTED);

	if ((info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0)
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	else
		mtu = RTE_MIN(mtu, room);
	conf->rxmode.mtu = mtu;
}

// Nothing is ever sent, but some drivers want one transmit queue, some as many as receive queues, some none.
static int configure(const struct port *port, const struct rte_eth_dev_info *info, const struct rte_eth_conf *conf)
{
	uint16_t counts[] = {1, port->queues, 0};
	int rc = -EINVAL;

	for (unsigned i = 0; i < RTE_DIM(counts) && rc < 0; i++)
		if (counts[i] <= info->max_tx_queues)
			rc = rte_eth_dev_configure(port->id, port->queues, counts[i], conf);
	return rc;
}

int port_rss_configure(struct port *port, const struct rte_eth_dev_info *info, const struct port_config *config, struct err *err)
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
	if (port->kind == &port_kind_nic)
		frames_configure(info, config->pool, &conf);
	if (port->kind == &port_kind_nic && config->checksum)
		conf.rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM;
	rc = configure(port, info, &conf);
	if (rc < 0 && conf.rxmode.mtu != 0) {
		conf.rxmode.mtu = 0; // its own
		conf.rxmode.offloads = 0;
		rc = configure(port, info, &conf);
	}
	if (rc < 0)
		return err_set(err, rc, "%.300s: the driver %s refuses %u receive queues: %s: set capture.queues", port->name, port->driver,
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
		why(port, true, "symmetric RSS, verified on 512 tuples with the NIC's own key and table");
}
