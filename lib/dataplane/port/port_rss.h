// Receive-side scaling: the NIC's hash that brings both directions of a flow to one queue, and the proof that it does.
#ifndef PORT_PORT_RSS_H
#define PORT_PORT_RSS_H

#include <rte_ethdev.h>

#include "port/port.h"

// Configures the ethdev with port->queues queues, frames as long as it and the pool's buffers allow and, where it can hash, the
// symmetric key; checksums verified by the device if asked for.
int port_rss_configure(struct port *port, const struct rte_eth_dev_info *info, const struct port_config *config, struct err *err);

// After the start: reads key and redirection table back and computes for some hundred tuples whether both directions land on the
// same queue. Fills rss_symmetric and rss_why unless the kind has said already.
void port_rss_check(struct port *port, const struct rte_eth_dev_info *info);

// The value of key=... in the device's arguments. False if it is not there.
bool port_argument(const struct rte_eth_dev_info *info, const char *key, char *out, size_t room);

#endif
