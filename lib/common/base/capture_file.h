// Walks the packet headers of a capture file: pcap (both byte orders, microseconds and nanoseconds) and pcapng. It tells what a
// poll-mode driver that hands out only the bytes leaves out: the exact time, the length on the wire, where the file ends, and
// whether it ends well.
//
// It yields exactly the packets that libpcap's pcap_next() yields, in the same order, because it runs in lock-step with it; what
// libpcap stops at is damage here, too. The file is read through a small window, not mapped: one that is cut shorter meanwhile
// ends early, it does not kill. Bodies are passed over, so it is no judge of what is in them.
#ifndef BASE_CAPTURE_FILE_H
#define BASE_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CAPTURE_INTERFACES_MAX = 65536, CAPTURE_LINKTYPE_ETHERNET = 1, CAPTURE_LENGTH_MAX = 262144 };

enum capture_end {
	CAPTURE_PACKET,  // there is a packet
	CAPTURE_EOF,     // the file ended where a packet may end
	CAPTURE_CUT_OFF, // the file ended inside a packet or block
	CAPTURE_DAMAGED  // what stands there cannot be; capture_file.damage says why
};

enum capture_format { CAPTURE_PCAP, CAPTURE_PCAP_NS, CAPTURE_PCAP_PATCHED, CAPTURE_PCAPNG };

// Which of the two lengths of a pcap packet comes first changed with version 2.3, and some writers missed it.
enum capture_lengths { CAPTURE_LENGTHS_CAPTURED_FIRST, CAPTURE_LENGTHS_EITHER, CAPTURE_LENGTHS_WIRE_FIRST };

struct capture_packet {
	uint64_t time_ns;
	uint32_t captured; // bytes that libpcap hands out
	uint32_t wire;     // as the file says, even if that is less
};

struct capture_interface {
	uint64_t units;   // time stamp units in a second
	int64_t offset_s;
};

struct capture_file {
	int fd;
	enum capture_format format;
	enum capture_lengths lengths;
	bool swapped;       // written in the other byte order
	uint64_t size;      // when it was opened; what is added later is not read
	uint64_t at;        // behind the last packet; at the place of the damage once there is any
	uint64_t packets;   // yielded so far
	uint32_t linktype, snaplen;
	const char *damage; // why CAPTURE_DAMAGED

	uint8_t *window;
	uint64_t window_at;
	size_t window_length;

	struct capture_interface *interface; // pcapng, of this section
	unsigned interfaces, interfaces_room;
};

// Opens and reads up to the first packet. Errors name the file, what is wrong with it and what to do; only Ethernet is accepted.
int capture_file_open(struct capture_file *file, const char *path, struct err *err);
void capture_file_close(struct capture_file *file);

// Once it is not CAPTURE_PACKET it stays what it is.
enum capture_end capture_file_next(struct capture_file *file, struct capture_packet *packet);

#endif
