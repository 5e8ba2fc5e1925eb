// A port is where packets come from: one ethdev, of one of the kinds in port_kinds[] (nic, af_packet, pcap). The worker polls a
// queue through `receive` and sees no difference between them; what a PMD leaves out (time stamps, the length a frame had on the
// wire, the end of a file, kernel drops) its kind's file adds.
#ifndef PORT_PORT_H
#define PORT_PORT_H

#include <rte_mbuf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum { PORT_MAX = 16, PORT_QUEUES_MAX = 16, PORT_NAME_MAX = 1024 };

// What is known of a received frame besides its bytes.
struct port_stamp {
	uint64_t time_ns;  // when it was on the wire, ns since the epoch
	uint64_t clock_ns; // never goes back: the highest time_ns so far on this port (replay), time_ns itself (live)
	uint32_t wire;     // length on the wire without FCS; 0: not known, take it from the headers
};

struct port_queue;

// At most n frames. Replay: returns 0 and sets queue->ended once nothing more will come.
typedef uint16_t port_receive_fn(struct port_queue *queue, struct rte_mbuf **frames, struct port_stamp *stamps, uint16_t n);

// Used by exactly one worker.
struct port_queue {
	port_receive_fn *receive;
	struct port *port;
	void *state; // the kind's own
	const struct clock *clock;
	uint16_t queue;
	atomic_bool ended;        // written by the worker's receive, read by control
	_Atomic uint64_t clock_ns; // replay: everything up to here has been handed on. Written by the worker.
};

struct port_config {
	uint16_t queues;      // wanted
	uint16_t rx_desc;
	bool promiscuous;
	bool checksum;        // have the device verify checksums where it can
	double speed;         // replay: 0 = as fast as possible, 1 = original timing, 2 = twice as fast ...
	struct rte_mempool *pool; // for all queues
	const struct clock *clock;
};

struct port_stats {
	uint64_t received_pkts, received_bytes; // as the PMD counts
	uint64_t missed, errors, nombuf;        // losses of the NIC or PMD
	uint64_t kernel_drops, kernel_seen;     // af_packet: PACKET_STATISTICS, accumulated
	uint64_t unread;                        // in the kernel's ring, not received yet; what is there at a stop stays unread
	bool link_up;
};

enum port_damage { PORT_WHOLE, PORT_CUT_OFF, PORT_DAMAGED };

struct port_kind {
	const char *name;          // nic, af_packet, pcap
	const char *const *drivers; // ethdev driver names that belong to it, NULL terminated; NULL: any other
	bool replay;
	bool idle_adaptive;        // default of the idle setting
	bool every_queue;          // frames reach all queues that the device has: none may be left unread
	bool counts_handed_out;    // its statistics count what receive() returned, not what the wire brought
	// Prepares queues[] (receive, state) after the ethdev was configured, before it is started.
	int (*open)(struct port *port, const struct port_config *config, struct err *err);
	void (*started)(struct port *port);
	void (*stats)(struct port *port, struct port_stats *stats); // adds what rte_eth_stats does not know; NULL: nothing
	void (*close)(struct port *port);
};

struct port {
	uint16_t id; // ethdev
	uint16_t queues;
	int socket;                 // NUMA node, -1: none
	const struct port_kind *kind;
	char name[PORT_NAME_MAX];   // what the user called it: interface, PCI address or file
	char driver[64];
	bool rss_symmetric;         // both directions of a flow reach the same queue, by the NIC's own hash
	char rss_why[160];          // how that was decided
	uint64_t replay_bytes;      // replay: size of the file
	_Atomic uint64_t replay_at; // replay: bytes read so far, for progress
	atomic_int damage;          // enum port_damage, set with damage_text at the end of a replay
	char damage_text[ERR_TEXT_MAX];
	void *state;
	struct port_queue queue[PORT_QUEUES_MAX];
};

// Configures and starts ethdev id. Returns 0, or a negative errno and a sentence that names the port.
int port_open(uint16_t id, const struct port_config *config, struct port **out, struct err *err);
void port_stats(struct port *port, struct port_stats *out);
void port_close(struct port *port);

static inline bool port_replays(const struct port *port)
{
	return port->kind->replay;
}

// What frames of an interface of the kernel need, from its MTU: bytes of a frame in the PMD's ring, and of a mbuf for it.
uint32_t port_af_packet_frame(const char *interface);
uint16_t port_data_room(const char *interface);

#endif
