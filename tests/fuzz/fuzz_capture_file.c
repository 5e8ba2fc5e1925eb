// Any bytes as a capture: the walk sees the packets that libpcap sees, as long and in the same order, and stops where it stops.
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/capture_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(struct capture_file *file, pcap_t *pcap)
{
	struct capture_packet packet;
	struct pcap_pkthdr *head;
	const uint8_t *bytes;
	enum capture_end end;

	while ((end = capture_file_next(file, &packet)) == CAPTURE_PACKET)
		if (pcap_next_ex(pcap, &head, &bytes) != 1 || packet.captured != head->caplen || packet.wire != head->len)
			abort();
	if (pcap_next_ex(pcap, &head, &bytes) != (end == CAPTURE_EOF ? PCAP_ERROR_BREAK : PCAP_ERROR))
		abort();
	if ((end == CAPTURE_DAMAGED) != (file->damage != NULL) || file->at > file->size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[32], error[PCAP_ERRBUF_SIZE];
	struct capture_file file;
	struct err err;
	pcap_t *pcap;
	int rc;

	if (fd < 0)
		fd = memfd_create("capture", 0);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pcap = pcap_open_offline(path, error);
	rc = capture_file_open(&file, path, &err);
	if ((rc == 0) != (pcap != NULL && pcap_datalink(pcap) == DLT_EN10MB))
		abort();
	if (rc == 0) {
		compare(&file, pcap);
		capture_file_close(&file);
	}
	if (pcap != NULL)
		pcap_close(pcap);
	return 0;
}
