#include "base/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PCAP_HEADER = 24, PCAP_PACKET = 16, BLOCK_HEADER = 8, BLOCK_MIN = 12, BLOCK_MAX = 16 * 1024 * 1024 };
enum { BLOCK_INTERFACE = 1, BLOCK_OLD_PACKET = 2, BLOCK_SIMPLE_PACKET = 3, BLOCK_PACKET = 6 };
enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

static const uint32_t BLOCK_SECTION = 0x0a0d0d0au, BYTE_ORDER_MAGIC = 0x1a2b3c4du;
static const uint32_t PCAP_MICROSECONDS = 0xa1b2c3d4u, PCAP_NANOSECONDS = 0xa1b23c4du;
static const uint64_t SECOND_NS = 1000000000u;

static uint16_t u16(const struct capture_file *f, size_t at)
{
	uint16_t v;

	memcpy(&v, f->bytes + at, sizeof(v));
	return f->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t u32(const struct capture_file *f, size_t at)
{
	uint32_t v;

	memcpy(&v, f->bytes + at, sizeof(v));
	return f->swapped ? __builtin_bswap32(v) : v;
}

static bool has(const struct capture_file *f, size_t n)
{
	return f->size - f->at >= n;
}

// ---- pcap ----

static enum capture_end pcap_packet(struct capture_file *f, struct capture_packet *p)
{
	uint32_t captured;

	if (f->at == f->size)
		return CAPTURE_EOF;
	if (!has(f, PCAP_PACKET))
		return CAPTURE_CUT_OFF;
	captured = u32(f, f->at + 8);
	if (captured > CAPTURE_LENGTH_MAX)
		return CAPTURE_DAMAGED;
	if (!has(f, PCAP_PACKET + (size_t)captured))
		return CAPTURE_CUT_OFF;
	p->time_ns = u32(f, f->at) * SECOND_NS + (uint64_t)u32(f, f->at + 4) * (f->nanoseconds ? 1 : 1000);
	p->captured = captured < f->snaplen ? captured : f->snaplen;
	p->wire = u32(f, f->at + 12);
	f->at += PCAP_PACKET + (size_t)captured;
	return CAPTURE_PACKET;
}

// ---- pcapng ----

static uint64_t units_of(uint8_t resolution)
{
	uint64_t units = 1;

	if (resolution & 0x80)
		return (resolution & 0x7f) < 64 ? 1ull << (resolution & 0x7f) : 0;
	for (uint8_t i = 0; i < resolution && units != 0; i++)
		units = units > UINT64_MAX / 10 ? 0 : units * 10;
	return units;
}

static enum capture_end interface_options(struct capture_file *f, size_t at, size_t end, struct capture_interface *i)
{
	while (end - at >= 4) {
		uint16_t code = u16(f, at), length = u16(f, at + 2);
		size_t padded = ((size_t)length + 3) & ~(size_t)3;

		at += 4;
		if (code == OPTION_END)
			break;
		if (padded > end - at)
			return CAPTURE_DAMAGED;
		if (code == OPTION_TSRESOL && length == 1)
			i->units = units_of(f->bytes[at]);
		else if (code == OPTION_TSOFFSET && length == 8)
			i->offset_s = (int64_t)((uint64_t)u32(f, at + (f->swapped ? 4 : 0)) | (uint64_t)u32(f, at + (f->swapped ? 0 : 4)) << 32);
		at += padded;
	}
	return i->units != 0 ? CAPTURE_PACKET : CAPTURE_DAMAGED;
}

static enum capture_end interface_add(struct capture_file *f, size_t body, size_t end)
{
	struct capture_interface *i = &f->interface[f->interfaces];

	if (end - body < 8 || f->interfaces == CAPTURE_INTERFACES_MAX)
		return CAPTURE_DAMAGED;
	*i = (struct capture_interface){.units = 1000000, .snaplen = u32(f, body + 4)};
	if (f->linktype == 0)
		f->linktype = u16(f, body);
	else if (f->linktype != u16(f, body))
		return CAPTURE_DAMAGED; // libpcap gives out nothing behind it
	f->interfaces++;
	return interface_options(f, body + 8, end, i);
}

static uint64_t time_of(const struct capture_interface *i, uint64_t stamp)
{
	uint64_t seconds = stamp / i->units, part = stamp % i->units;
	uint64_t ns = (uint64_t)((__uint128_t)part * SECOND_NS / i->units);

	return (seconds + (uint64_t)i->offset_s) * SECOND_NS + ns;
}

// Enhanced packet block, the old packet block, the simple one. *is: whether this block is a packet at all.
static enum capture_end block_packet(struct capture_file *f, uint32_t type, size_t body, size_t end, struct capture_packet *p)
{
	uint32_t id = 0;
	size_t head = type == BLOCK_SIMPLE_PACKET ? 4 : 20;

	if (end - body < head)
		return CAPTURE_DAMAGED;
	if (type == BLOCK_PACKET)
		id = u32(f, body);
	else if (type == BLOCK_OLD_PACKET)
		id = u16(f, body);
	if (id >= f->interfaces)
		return CAPTURE_DAMAGED;
	if (type == BLOCK_SIMPLE_PACKET) {
		p->time_ns = 0;
		p->wire = u32(f, body);
		p->captured = p->wire;
		if (f->interface[0].snaplen != 0 && p->captured > f->interface[0].snaplen)
			p->captured = f->interface[0].snaplen;
	} else {
		p->time_ns = time_of(&f->interface[id], (uint64_t)u32(f, body + 4) << 32 | u32(f, body + 8));
		p->captured = u32(f, body + 12);
		p->wire = u32(f, body + 16);
	}
	if (p->captured > end - body - head || p->captured > CAPTURE_LENGTH_MAX)
		return CAPTURE_DAMAGED;
	if (p->captured > f->snaplen)
		p->captured = f->snaplen;
	return CAPTURE_PACKET;
}

// The block at `at`: its byte order (a section header may change it), type and end. at is moved behind it.
static enum capture_end block_open(struct capture_file *f, uint32_t *type, size_t *body, size_t *end)
{
	uint32_t length;

	if (f->at == f->size)
		return CAPTURE_EOF;
	if (!has(f, BLOCK_MIN))
		return CAPTURE_CUT_OFF;
	*type = u32(f, f->at);
	if (*type == BLOCK_SECTION) {
		uint32_t magic;

		memcpy(&magic, f->bytes + f->at + 8, sizeof(magic));
		if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
			return CAPTURE_DAMAGED;
		f->swapped = magic != BYTE_ORDER_MAGIC;
		f->interfaces = 0;
	}
	length = u32(f, f->at + 4);
	if (length < BLOCK_MIN || length > BLOCK_MAX || length % 4 != 0)
		return CAPTURE_DAMAGED;
	if (!has(f, length))
		return CAPTURE_CUT_OFF;
	if (u32(f, f->at + length - 4) != length)
		return CAPTURE_DAMAGED;
	*body = f->at + BLOCK_HEADER;
	*end = f->at + length - 4;
	f->at += length;
	return CAPTURE_PACKET;
}

// Goes on to the next packet; with until_interface only to the first interface description.
static enum capture_end pcapng_packet(struct capture_file *f, struct capture_packet *p, bool until_interface)
{
	for (;;) {
		size_t body, end, start = f->at;
		uint32_t type;
		enum capture_end state = block_open(f, &type, &body, &end);

		if (state == CAPTURE_PACKET && type == BLOCK_INTERFACE) {
			state = interface_add(f, body, end);
			if (state == CAPTURE_PACKET && until_interface)
				return CAPTURE_PACKET;
		} else if (state == CAPTURE_PACKET && (type == BLOCK_PACKET || type == BLOCK_OLD_PACKET || type == BLOCK_SIMPLE_PACKET)) {
			state = until_interface ? CAPTURE_DAMAGED : block_packet(f, type, body, end, p);
			if (state == CAPTURE_PACKET)
				return state;
		}
		if (state != CAPTURE_PACKET) {
			f->at = start;
			return state;
		}
	}
}

enum capture_end capture_file_next(struct capture_file *f, struct capture_packet *p)
{
	enum capture_end state = f->pcapng ? pcapng_packet(f, p, false) : pcap_packet(f, p);

	f->packets += state == CAPTURE_PACKET;
	return state;
}

// ---- open ----

static int map(struct capture_file *f, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s: name a capture file that can be read", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, -EINVAL, "%s: not a regular file: replay needs a pcap or pcapng file on disk", path);
	}
	f->size = (size_t)st.st_size;
	if (f->size == 0) {
		close(fd);
		return err_set(err, -EINVAL, "%s: empty, not a capture: a pcap file has at least its header", path);
	}
	bytes = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return err_set(err, -errno, "%s: cannot be mapped: %s", path, strerror(errno));
	f->bytes = bytes;
	return 0;
}

static bool begin(struct capture_file *f)
{
	uint32_t magic;

	if (f->size < PCAP_HEADER)
		return false;
	memcpy(&magic, f->bytes, sizeof(magic));
	if (magic == BLOCK_SECTION) {
		f->pcapng = true;
		f->snaplen = CAPTURE_LENGTH_MAX;
		return pcapng_packet(f, NULL, true) == CAPTURE_PACKET;
	}
	f->swapped = magic == __builtin_bswap32(PCAP_MICROSECONDS) || magic == __builtin_bswap32(PCAP_NANOSECONDS);
	if (f->swapped)
		magic = __builtin_bswap32(magic);
	if (magic != PCAP_MICROSECONDS && magic != PCAP_NANOSECONDS)
		return false;
	f->nanoseconds = magic == PCAP_NANOSECONDS;
	f->snaplen = u32(f, 16);
	if (f->snaplen == 0 || f->snaplen > INT32_MAX)
		f->snaplen = CAPTURE_LENGTH_MAX;
	f->linktype = u16(f, f->swapped ? 22 : 20);
	f->at = PCAP_HEADER;
	return true;
}

int capture_file_open(struct capture_file *f, const char *path, struct err *err)
{
	int rc;

	memset(f, 0, sizeof(*f));
	rc = map(f, path, err);
	if (rc < 0)
		return rc;
	if (!begin(f))
		rc = err_set(err, -EINVAL, "%s: not a capture: only pcap and pcapng files can be replayed (decompress a .gz or .zst first)", path);
	else if (f->linktype != CAPTURE_LINKTYPE_ETHERNET)
		rc = err_set(err, -EINVAL, "%s: link type %u, not Ethernet (1): only Ethernet captures can be replayed", path, f->linktype);
	if (rc < 0)
		capture_file_close(f);
	return rc;
}

void capture_file_close(struct capture_file *f)
{
	if (f->bytes != NULL)
		munmap((void *)(uintptr_t)f->bytes, f->size);
	f->bytes = NULL;
}
