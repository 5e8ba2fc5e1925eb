// Walks the packet headers of a capture file: pcap (both byte orders, microseconds and nanoseconds) and pcapng. It tells what a
// poll-mode driver that hands out only the bytes leaves out: the exact time, the length on the wire, where the file ends, and
// whether it ends well. It yields exactly the packets that libpcap's pcap_next() yields, in the same order.
//
// The file is mapped, and only its headers are touched. A file that is cut shorter while it is mapped raises SIGBUS: the program
// catches it and says so.
#ifndef BASE_CAPTURE_FILE_H
#define BASE_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CAPTURE_INTERFACES_MAX = 256, CAPTURE_LINKTYPE_ETHERNET = 1, CAPTURE_LENGTH_MAX = 262144 };

enum capture_end {
	CAPTURE_PACKET,  // there is a packet
	CAPTURE_EOF,     // the file ended where a packet may end
	CAPTURE_CUT_OFF, // the file ended inside a packet or block
	CAPTURE_DAMAGED  // what stands there cannot be
};

struct capture_packet {
	uint64_t time_ns;
	uint32_t captured, wire;
};

struct capture_interface {
	uint64_t units;     // time stamp units in a second
	int64_t offset_s;
	uint32_t snaplen;   // 0: none
};

struct capture_file {
	const uint8_t *bytes;
	size_t size, at;
	uint64_t packets;   // yielded so far
	uint32_t snaplen;
	uint16_t linktype;
	bool pcapng, swapped, nanoseconds;
	unsigned interfaces;
	struct capture_interface interface[CAPTURE_INTERFACES_MAX];
};

// Opens and reads up to the first packet. Errors name the file, what is wrong with it and what to do; only Ethernet is accepted.
int capture_file_open(struct capture_file *file, const char *path, struct err *err);
void capture_file_close(struct capture_file *file);

enum capture_end capture_file_next(struct capture_file *file, struct capture_packet *packet);

#endif
