#include "base/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_BYTES = 65536, INTERFACES_FIRST = 16 };
enum { PCAP_HEADER = 24, PCAP_PACKET = 16, PCAP_PACKET_PATCHED = 24, PCAP_LINKTYPE_MASK = 0x03ffffff };
enum { BLOCK_HEADER = 8, BLOCK_MIN = 12, BLOCK_MAX = 16 * 1024 * 1024 };
enum { SECTION_BODY = 16, SECTION_MIN = 28, SECTION_MAX = 1024 * 1024, INTERFACE_BODY = 8 };
enum { BLOCK_INTERFACE = 1, BLOCK_OLD_PACKET = 2, BLOCK_SIMPLE_PACKET = 3, BLOCK_PACKET = 6 };
enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14, DECIMALS_MAX = 19, BITS_MAX = 63 };
enum { PATH_SHOWN = 300, COOKED_HEADER = 14 };

static const uint32_t BLOCK_SECTION = 0x0a0d0d0au, BYTE_ORDER_MAGIC = 0x1a2b3c4du;
static const uint32_t PCAP_MAGIC = 0xa1b2c3d4u, PCAP_NS_MAGIC = 0xa1b23c4du, PCAP_PATCHED_MAGIC = 0xa1b2cd34u;
static const uint64_t SECOND_NS = 1000000000u;

// ---- bytes ----

static void window_fill(struct capture_file *f, uint64_t at)
{
	f->window_at = at;
	f->window_length = 0;
	while (f->window_length < WINDOW_BYTES) {
		ssize_t n = pread(f->fd, f->window + f->window_length, WINDOW_BYTES - f->window_length, (off_t)(at + f->window_length));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		f->window_length += (size_t)n;
	}
}

// Whether the n bytes at `at` are there; up to WINDOW_BYTES of them are in the window then. A file that became shorter says no.
static bool bring(struct capture_file *f, uint64_t at, size_t n)
{
	if (at > f->size || n > f->size - at)
		return false;
	if (n > WINDOW_BYTES)
		n = WINDOW_BYTES;
	if (at < f->window_at || at + n > f->window_at + f->window_length)
		window_fill(f, at);
	return f->window_length >= n;
}

static const uint8_t *in_window(const struct capture_file *f, uint64_t at)
{
	return f->window + (at - f->window_at);
}

// Only for what bring() has brought.
static uint16_t u16(const struct capture_file *f, uint64_t at)
{
	uint16_t v;

	memcpy(&v, in_window(f, at), sizeof(v));
	return f->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t u32(const struct capture_file *f, uint64_t at)
{
	uint32_t v;

	memcpy(&v, in_window(f, at), sizeof(v));
	return f->swapped ? __builtin_bswap32(v) : v;
}

static enum capture_end damaged(struct capture_file *f, const char *why)
{
	f->damage = why;
	return CAPTURE_DAMAGED;
}

static uint32_t snaplen_adjust(uint32_t snaplen)
{
	return snaplen == 0 || snaplen > INT32_MAX ? CAPTURE_LENGTH_MAX : snaplen;
}

// ---- pcap ----

static enum capture_end pcap_packet(struct capture_file *f, struct capture_packet *p)
{
	size_t head = f->format == CAPTURE_PCAP_PATCHED ? PCAP_PACKET_PATCHED : PCAP_PACKET;
	uint32_t captured, wire;

	if (f->at == f->size)
		return CAPTURE_EOF;
	if (!bring(f, f->at, head))
		return CAPTURE_CUT_OFF;
	captured = u32(f, f->at + 8);
	wire = u32(f, f->at + 12);
	if (f->lengths == CAPTURE_LENGTHS_WIRE_FIRST || (f->lengths == CAPTURE_LENGTHS_EITHER && captured > wire)) {
		captured = wire;
		wire = u32(f, f->at + 8);
	}
	if (captured > CAPTURE_LENGTH_MAX)
		return damaged(f, "a captured length that cannot be");
	if (captured > f->size - f->at - head)
		return CAPTURE_CUT_OFF;
	p->time_ns = u32(f, f->at) * SECOND_NS + (uint64_t)u32(f, f->at + 4) * (f->format == CAPTURE_PCAP_NS ? 1 : 1000);
	p->captured = captured < f->snaplen ? captured : f->snaplen;
	p->wire = wire;
	f->at += head + captured;
	return CAPTURE_PACKET;
}

// Versions 2.0 to 2.4, and 543.0 of one vendor.
static enum capture_end pcap_begin(struct capture_file *f)
{
	uint16_t major, minor;

	if (!bring(f, 0, PCAP_HEADER))
		return CAPTURE_CUT_OFF;
	major = u16(f, 4);
	minor = u16(f, 6);
	if (!(major == 2 && minor <= 4) && !(major == 543 && minor == 0))
		return damaged(f, "a version of the format that libpcap does not read");
	if (major == 543 || minor < 3)
		f->lengths = CAPTURE_LENGTHS_WIRE_FIRST;
	else if (minor == 3)
		f->lengths = CAPTURE_LENGTHS_EITHER;
	f->snaplen = snaplen_adjust(u32(f, 16));
	if (f->format == CAPTURE_PCAP_PATCHED)
		f->snaplen = f->snaplen <= INT32_MAX - COOKED_HEADER ? f->snaplen + COOKED_HEADER : INT32_MAX;
	f->linktype = u32(f, 20) & PCAP_LINKTYPE_MASK;
	f->at = PCAP_HEADER;
	return CAPTURE_PACKET;
}

// ---- pcapng ----

struct block {
	uint32_t type;
	uint64_t body, end; // without header and trailer
};

static bool resolution_set(struct capture_interface *i, uint8_t resolution)
{
	uint8_t exponent = resolution & 0x7f;

	if (exponent > (resolution & 0x80 ? BITS_MAX : DECIMALS_MAX))
		return false;
	for (i->units = 1; exponent > 0; exponent--)
		i->units *= resolution & 0x80 ? 2 : 10;
	return true;
}

static int64_t offset_read(const struct capture_file *f, uint64_t at)
{
	uint64_t first = u32(f, at), second = u32(f, at + 4);
	bool big_endian = f->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	return (int64_t)(big_endian ? first << 32 | second : second << 32 | first);
}

static enum capture_end option_take(struct capture_file *f, uint64_t at, uint16_t code, uint16_t length, struct capture_interface *i,
				    unsigned *seen)
{
	if (code != OPTION_TSRESOL && code != OPTION_TSOFFSET)
		return CAPTURE_PACKET;
	if (*seen & 1u << code || length != (code == OPTION_TSRESOL ? 1 : 8))
		return damaged(f, "an interface with a wrong option");
	*seen |= 1u << code;
	if (!bring(f, at, length))
		return CAPTURE_CUT_OFF;
	if (code == OPTION_TSOFFSET)
		i->offset_s = offset_read(f, at);
	else if (!resolution_set(i, *in_window(f, at)))
		return damaged(f, "an interface with an impossible resolution of time");
	return CAPTURE_PACKET;
}

static enum capture_end options_read(struct capture_file *f, uint64_t at, uint64_t end, struct capture_interface *i)
{
	enum capture_end state = CAPTURE_PACKET;
	unsigned seen = 0;

	while (at < end && state == CAPTURE_PACKET) {
		uint16_t code, length;
		uint32_t padded;

		if (end - at < 4)
			return damaged(f, "an option that is cut short");
		if (!bring(f, at, 4))
			return CAPTURE_CUT_OFF;
		code = u16(f, at);
		length = u16(f, at + 2);
		padded = (length + 3u) & ~3u;
		at += 4;
		if (padded > end - at)
			return damaged(f, "an option that is cut short");
		if (code == OPTION_END)
			return length == 0 ? CAPTURE_PACKET : damaged(f, "an end of options that goes on");
		state = option_take(f, at, code, length, i, &seen);
		at += padded;
	}
	return state;
}

static bool interfaces_grow(struct capture_file *f)
{
	unsigned room = f->interfaces_room == 0 ? INTERFACES_FIRST : f->interfaces_room * 2;
	struct capture_interface *more;

	if (f->interfaces < f->interfaces_room)
		return true;
	more = room <= CAPTURE_INTERFACES_MAX ? realloc(f->interface, room * sizeof(*more)) : NULL;
	if (more == NULL)
		return false;
	f->interface = more;
	f->interfaces_room = room;
	return true;
}

// All interfaces have the link type and the snaplen of the first: libpcap gives out nothing behind one that has not.
static enum capture_end interface_add(struct capture_file *f, const struct block *b, bool first)
{
	uint32_t linktype, snaplen;

	if (b->end - b->body < INTERFACE_BODY)
		return damaged(f, "an interface that is cut short");
	linktype = u16(f, b->body);
	snaplen = snaplen_adjust(u32(f, b->body + 4));
	if (first) {
		f->linktype = linktype;
		f->snaplen = snaplen;
	}
	if (f->linktype != linktype)
		return damaged(f, "an interface of another link type than the first");
	if (f->snaplen != snaplen)
		return damaged(f, "an interface with another snapshot length than the first");
	if (!interfaces_grow(f))
		return damaged(f, "too many interfaces");
	f->interface[f->interfaces] = (struct capture_interface){.units = 1000000};
	return options_read(f, b->body + INTERFACE_BODY, b->end, &f->interface[f->interfaces++]);
}

static enum capture_end section_start(struct capture_file *f, const struct block *b)
{
	if (b->end - b->body < SECTION_BODY)
		return damaged(f, "a section header that is cut short");
	if (u32(f, b->body) != BYTE_ORDER_MAGIC)
		return damaged(f, "a section in another byte order");
	if (u16(f, b->body + 4) != 1)
		return damaged(f, "a section of an unknown version");
	f->interfaces = 0;
	return CAPTURE_PACKET;
}

static uint64_t time_of(const struct capture_interface *i, uint64_t stamp)
{
	uint64_t seconds = stamp / i->units, part = stamp % i->units;

	return (seconds + (uint64_t)i->offset_s) * SECOND_NS + (uint64_t)((__uint128_t)part * SECOND_NS / i->units);
}

static bool is_packet(uint32_t type)
{
	return type == BLOCK_PACKET || type == BLOCK_OLD_PACKET || type == BLOCK_SIMPLE_PACKET;
}

static enum capture_end packet_read(struct capture_file *f, const struct block *b, struct capture_packet *p)
{
	bool simple = b->type == BLOCK_SIMPLE_PACKET;
	uint32_t head = simple ? 4 : 20, id = 0;
	uint64_t stamp = 0;

	if (b->end - b->body < head)
		return damaged(f, "a packet that is cut short");
	if (b->type == BLOCK_PACKET)
		id = u32(f, b->body);
	else if (b->type == BLOCK_OLD_PACKET)
		id = u16(f, b->body);
	if (id >= f->interfaces)
		return damaged(f, "a packet of an interface that was not described");
	if (!simple)
		stamp = (uint64_t)u32(f, b->body + 4) << 32 | u32(f, b->body + 8);
	p->wire = u32(f, b->body + head - 4);
	p->captured = simple ? p->wire : u32(f, b->body + head - 8);
	if (simple && p->captured > f->snaplen)
		p->captured = f->snaplen;
	if (p->captured > f->snaplen || p->captured > b->end - b->body - head)
		return damaged(f, "a captured length that cannot be");
	p->time_ns = time_of(&f->interface[id], stamp);
	return CAPTURE_PACKET;
}

// The block at `at`, whole; its first WINDOW_BYTES are in the window.
static enum capture_end block_open(struct capture_file *f, struct block *b)
{
	uint32_t length;

	if (f->at == f->size)
		return CAPTURE_EOF;
	if (!bring(f, f->at, BLOCK_HEADER))
		return CAPTURE_CUT_OFF;
	b->type = u32(f, f->at);
	length = u32(f, f->at + 4);
	if (length < BLOCK_MIN || length > BLOCK_MAX || length % 4 != 0)
		return damaged(f, "a block of an impossible length");
	b->body = f->at + BLOCK_HEADER;
	b->end = f->at + length - 4;
	if (!bring(f, f->at, length) || !bring(f, b->end, 4))
		return CAPTURE_CUT_OFF;
	if (u32(f, b->end) != length)
		return damaged(f, "a block whose two lengths differ");
	return bring(f, f->at, length) ? CAPTURE_PACKET : CAPTURE_CUT_OFF;
}

// Goes on to the next packet, or, at the start of the file (p is NULL), behind the first interface.
static enum capture_end pcapng_packet(struct capture_file *f, struct capture_packet *p)
{
	for (;;) {
		struct block b;
		enum capture_end state = block_open(f, &b);
		bool done = false;

		if (state != CAPTURE_PACKET)
			return state;
		if (b.type == BLOCK_INTERFACE) {
			state = interface_add(f, &b, p == NULL);
			done = p == NULL;
		} else if (is_packet(b.type)) {
			state = p != NULL ? packet_read(f, &b, p) : damaged(f, "a packet before any interface");
			done = true;
		} else if (b.type == BLOCK_SECTION && p != NULL) {
			state = section_start(f, &b);
		}
		if (state != CAPTURE_PACKET)
			return state;
		f->at = b.end + 4;
		if (done)
			return state;
	}
}

static enum capture_end pcapng_begin(struct capture_file *f)
{
	uint32_t length;
	enum capture_end state;

	if (!bring(f, 0, SECTION_MIN))
		return CAPTURE_CUT_OFF;
	f->swapped = u32(f, 8) != BYTE_ORDER_MAGIC;
	if (u32(f, 8) != BYTE_ORDER_MAGIC)
		return damaged(f, "a section header without its byte order");
	length = u32(f, 4);
	if (length < SECTION_MIN || length > SECTION_MAX)
		return damaged(f, "a section header of an impossible length");
	if (u16(f, 12) != 1 || (u16(f, 14) != 0 && u16(f, 14) != 2))
		return damaged(f, "a version of the format that libpcap does not read");
	if (!bring(f, 0, length))
		return CAPTURE_CUT_OFF;
	f->at = length;
	state = pcapng_packet(f, NULL);
	return state == CAPTURE_EOF ? damaged(f, "no description of an interface") : state;
}

enum capture_end capture_file_next(struct capture_file *f, struct capture_packet *p)
{
	enum capture_end state = f->format == CAPTURE_PCAPNG ? pcapng_packet(f, p) : pcap_packet(f, p);

	f->packets += state == CAPTURE_PACKET;
	return state;
}

// ---- open ----

static int file_open(struct capture_file *f, const char *path, struct err *err)
{
	struct stat st;

	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); // a FIFO without a writer must not hold us up
	if (f->fd < 0)
		return err_set(err, -errno, "%.*s: %s: name a capture file that can be read", PATH_SHOWN, path, strerror(errno));
	if (fstat(f->fd, &st) < 0)
		return err_set(err, -errno, "%.*s: %s", PATH_SHOWN, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%.*s: %s: replay needs a pcap or pcapng file on disk", PATH_SHOWN, path,
			       S_ISDIR(st.st_mode) ? "a directory" : "a pipe or device");
	f->size = (uint64_t)st.st_size;
	if (f->size == 0)
		return err_set(err, -EINVAL, "%.*s: empty, not a capture: a pcap file has at least its header", PATH_SHOWN, path);
	f->window = malloc(WINDOW_BYTES);
	return f->window != NULL ? 0 : err_set(err, -ENOMEM, "%.*s: no memory", PATH_SHOWN, path);
}

static bool format_find(struct capture_file *f)
{
	static const struct {
		const uint32_t *magic;
		enum capture_format format;
	} formats[] = {{&PCAP_MAGIC, CAPTURE_PCAP}, {&PCAP_NS_MAGIC, CAPTURE_PCAP_NS}, {&PCAP_PATCHED_MAGIC, CAPTURE_PCAP_PATCHED},
		       {&BLOCK_SECTION, CAPTURE_PCAPNG}};
	uint32_t magic;

	if (!bring(f, 0, sizeof(magic)))
		return false;
	magic = u32(f, 0);
	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (magic == *formats[i].magic || magic == __builtin_bswap32(*formats[i].magic)) {
			f->format = formats[i].format;
			f->swapped = magic != *formats[i].magic;
			return true;
		}
	return false;
}

// What people replay by mistake most: a capture that was compressed.
static const char *decompressor(const struct capture_file *f)
{
	static const struct {
		const char *bytes, *name;
	} formats[] = {{"\x1f\x8b", "gunzip"}, {"\x28\xb5\x2f\xfd", "unzstd"}, {"\xfd" "7zXZ", "unxz"}, {"BZh", "bunzip2"},
		       {"PK\x03\x04", "unzip"}, {"\x04\x22\x4d\x18", "unlz4"}};

	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (f->window_length >= strlen(formats[i].bytes) && memcmp(f->window, formats[i].bytes, strlen(formats[i].bytes)) == 0)
			return formats[i].name;
	return NULL;
}

static const char *linktype_name(uint32_t linktype)
{
	static const struct {
		uint32_t linktype;
		const char *name;
	} names[] = {{0, "BSD loopback"}, {6, "Token Ring"}, {9, "PPP"}, {50, "PPP"}, {101, "raw IP"}, {105, "802.11"}, {113, "Linux cooked"},
		     {119, "802.11 with Prism header"}, {127, "802.11 with radiotap header"}, {187, "Bluetooth"}, {189, "USB"},
		     {220, "USB"}, {195, "802.15.4"}, {228, "raw IPv4"}, {229, "raw IPv6"}, {239, "nflog"}, {276, "Linux cooked v2"}};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].linktype == linktype)
			return names[i].name;
	return "unknown here";
}

static int begin(struct capture_file *f, const char *path, struct err *err)
{
	enum capture_end state;

	if (!format_find(f)) {
		const char *program = decompressor(f);

		return program != NULL ? err_set(err, -EINVAL, "%.*s: compressed: decompress it first (%s)", PATH_SHOWN, path, program)
				       : err_set(err, -EINVAL, "%.*s: not a capture: only pcap and pcapng files can be replayed", PATH_SHOWN, path);
	}
	state = f->format == CAPTURE_PCAPNG ? pcapng_begin(f) : pcap_begin(f);
	if (state == CAPTURE_CUT_OFF)
		return err_set(err, -EINVAL, "%.*s: cut off in its header: there is no packet to analyse", PATH_SHOWN, path);
	if (state != CAPTURE_PACKET)
		return err_set(err, -EINVAL, "%.*s: not a whole capture (%s): there is no packet to analyse", PATH_SHOWN, path, f->damage);
	if (f->linktype != CAPTURE_LINKTYPE_ETHERNET)
		return err_set(err, -EINVAL, "%.*s: link type %u (%s), not Ethernet: only Ethernet captures can be replayed", PATH_SHOWN, path,
			       f->linktype, linktype_name(f->linktype));
	return 0;
}

int capture_file_open(struct capture_file *f, const char *path, struct err *err)
{
	int rc;

	memset(f, 0, sizeof(*f));
	rc = file_open(f, path, err);
	if (rc == 0)
		rc = begin(f, path, err);
	if (rc < 0)
		capture_file_close(f);
	return rc;
}

void capture_file_close(struct capture_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->window);
	free(f->interface);
	*f = (struct capture_file){.fd = -1};
}
