// Every live driver without needs of its own: a bound NIC, net_tap, net_ring, ...
#include <rte_ethdev.h>

#include "port/port_kinds.h"

// The length on the wire is left to the headers: the frame may have been cut.
uint16_t port_receive_live(struct port_queue *queue, struct rte_mbuf **frames, struct port_stamp *stamps, uint16_t n)
{
	uint16_t got = rte_eth_rx_burst(queue->port->id, queue->queue, frames, n);
	uint64_t now_ns;

	if (got == 0)
		return 0;
	now_ns = clock_now_ns(queue->clock);
	for (uint16_t i = 0; i < got; i++)
		stamps[i] = (struct port_stamp){now_ns, now_ns, 0};
	return got;
}

// A NIC hands out frames whole, so their length is the one on the wire.
static uint16_t nic_receive(struct port_queue *queue, struct rte_mbuf **frames, struct port_stamp *stamps, uint16_t n)
{
	uint16_t got = port_receive_live(queue, frames, stamps, n);

	for (uint16_t i = 0; i < got; i++)
		stamps[i].wire = frames[i]->pkt_len;
	return got;
}

static int nic_open(struct port *port, const struct port_config *config, struct err *err)
{
	(void)config;
	(void)err;
	for (uint16_t q = 0; q < port->queues; q++)
		port->queue[q].receive = nic_receive;
	return 0;
}

static void nic_close(struct port *port)
{
	(void)port; // nothing of its own
}

const struct port_kind port_kind_nic = {
	.name = "nic",
	.open = nic_open,
	.close = nic_close,
};
