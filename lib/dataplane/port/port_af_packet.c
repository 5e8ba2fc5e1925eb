// An interface of the kernel through AF_PACKET. The PMD counts no losses (DPDK 22.11), so the kernel is asked: each queue is a packet
// socket of ours, found among our descriptors, and PACKET_STATISTICS tells what it dropped.
#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/port_kinds.h"

enum {
	DISCARD_BURST = 32, DISCARD_MAX = 1 << 17, QUIET_TRIES = 200,
	FRAME_DEFAULT = 2048, FRAME_MAX = 32768,
	FRAME_OVERHEAD = 148 // ring header, MAC header, two VLAN tags, alignment
};

struct af_packet {
	int fd[PORT_QUEUES_MAX];
	unsigned fds;
	uint64_t seen, drops; // the kernel's counters start anew at each reading
};

// The packet socket behind a descriptor, if it is bound to this interface.
static bool socket_of(int fd, unsigned index)
{
	struct sockaddr_ll address;
	socklen_t length = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &length) == 0 && address.sll_family == AF_PACKET &&
	       (unsigned)address.sll_ifindex == index;
}

static void sockets_find(struct af_packet *a, const char *interface)
{
	unsigned index = if_nametoindex(interface);
	DIR *all = opendir("/proc/self/fd");
	struct dirent *entry;

	while (all != NULL && (entry = readdir(all)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(all) && socket_of(fd, index) && a->fds < PORT_QUEUES_MAX)
			a->fd[a->fds++] = fd;
	}
	if (all != NULL)
		closedir(all);
}

static int af_packet_open(struct port *port, const struct port_config *config, struct err *err)
{
	struct af_packet *a = calloc(1, sizeof(*a));

	(void)config;
	if (a == NULL)
		return err_set(err, -ENOMEM, "%s: no memory", port->name);
	sockets_find(a, port->name);
	if (a->fds == 0) {
		free(a);
		return err_set(err, -ENODEV, "%s: its packet sockets are not there: was the interface removed?", port->name);
	}
	port->state = a;
	snprintf(port->rss_why, sizeof(port->rss_why), "%s",
		 port->queues == 1 ? "one queue" : "the kernel's fanout may move a flow to another queue when one is full");
	for (uint16_t q = 0; q < port->queues; q++)
		port->queue[q].receive = port_receive_live;
	return 0;
}

// Adds what the kernel has counted since the last time.
static void sockets_read(struct af_packet *a)
{
	for (unsigned i = 0; i < a->fds; i++) {
		struct tpacket_stats now;
		socklen_t length = sizeof(now);

		if (getsockopt(a->fd[i], SOL_PACKET, PACKET_STATISTICS, &now, &length) != 0)
			continue;
		a->seen += now.tp_packets;
		a->drops += now.tp_drops;
	}
}

static uint32_t discard(struct port *port)
{
	struct rte_mbuf *frames[DISCARD_BURST];
	uint32_t all = 0;

	for (uint16_t q = 0; q < port->queues; q++) {
		uint16_t got = DISCARD_BURST;

		for (uint32_t n = 0; n < DISCARD_MAX && got > 0; n += got) {
			got = rte_eth_rx_burst(port->id, q, frames, DISCARD_BURST);
			rte_pktmbuf_free_bulk(frames, got);
		}
		all += got;
	}
	return all;
}

// Between making a packet socket and binding it the PMD lets it hear every interface of the machine: what its ring holds by now
// may be somebody else's, and is thrown away before anything is counted. Counting starts in a moment without packets, so that the
// kernel's numbers and ours mean the same ones; where there is no such moment they may differ by what was on its way.
static void af_packet_started(struct port *port)
{
	struct af_packet *a = port->state;

	for (unsigned i = 0; i < QUIET_TRIES; i++) {
		uint32_t left = discard(port);

		a->seen = a->drops = 0;
		sockets_read(a);
		if (i > 0 && left == 0 && a->seen == 0)
			break;
	}
	a->seen = a->drops = 0;
	(void)rte_eth_stats_reset(port->id);
}

static void af_packet_stats(struct port *port, struct port_stats *stats)
{
	struct af_packet *a = port->state;

	sockets_read(a);
	stats->kernel_seen = a->seen;
	stats->kernel_drops = a->drops;
	if (a->seen > a->drops + stats->received_pkts)
		stats->unread = a->seen - a->drops - stats->received_pkts;
}

static void af_packet_close(struct port *port)
{
	free(port->state);
	port->state = NULL;
}

static const char *const drivers[] = {"net_af_packet", NULL};

const struct port_kind port_kind_af_packet = {
	.name = "af_packet",
	.drivers = drivers,
	.counts_handed_out = true,
	.idle_adaptive = true,
	.every_queue = true,
	.open = af_packet_open,
	.started = af_packet_started,
	.stats = af_packet_stats,
	.close = af_packet_close,
};

uint32_t port_af_packet_frame(const char *interface)
{
	struct ifreq request = {.ifr_mtu = 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t frame = FRAME_DEFAULT;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0)
		while (frame < FRAME_MAX && frame < (uint32_t)request.ifr_mtu + FRAME_OVERHEAD)
			frame *= 2;
	if (fd >= 0)
		close(fd);
	return frame;
}

uint16_t port_data_room(const char *interface)
{
	return (uint16_t)(port_af_packet_frame(interface) + RTE_PKTMBUF_HEADROOM);
}
