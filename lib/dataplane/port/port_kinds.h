// The kinds of port, one file each. The list is in port.c.
#ifndef PORT_PORT_KINDS_H
#define PORT_PORT_KINDS_H

#include "port/port.h"

extern const struct port_kind port_kind_pcap, port_kind_af_packet, port_kind_nic;

// Receives from the ethdev and stamps with the clock: for everything live.
port_receive_fn port_receive_live;

#endif
