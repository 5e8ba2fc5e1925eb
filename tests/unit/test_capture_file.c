// Captures made here, byte by byte, of every format and fault; each is also read by libpcap, which has to see the same packets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/capture_file.h"

enum { ROOM = 1024 * 1024, SNAPLEN = 65535 };
enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, OLD_PACKET = 2, SIMPLE_PACKET = 3, NAMES = 4, PACKET = 6 };

struct maker {
	uint8_t bytes[ROOM];
	size_t used, block; // block: where the open one starts
	bool swapped;
};

static struct maker m;

static void start(bool swapped)
{
	m.used = 0;
	m.swapped = swapped;
}

static void put(const void *bytes, size_t n)
{
	assert_true(m.used + n <= ROOM);
	memcpy(m.bytes + m.used, bytes, n);
	m.used += n;
}

static void put16(uint16_t v)
{
	v = m.swapped ? __builtin_bswap16(v) : v;
	put(&v, sizeof(v));
}

static void put32(uint32_t v)
{
	v = m.swapped ? __builtin_bswap32(v) : v;
	put(&v, sizeof(v));
}

static void put_body(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put(&(uint8_t){(uint8_t)i}, 1);
}

static void pcap_header(uint32_t magic, uint16_t minor, uint32_t snaplen, uint32_t linktype)
{
	put32(magic);
	put16(2);
	put16(minor);
	put32(0);
	put32(0);
	put32(snaplen);
	put32(linktype);
}

static void pcap_packet(uint32_t s, uint32_t part, uint32_t first, uint32_t second, uint32_t body)
{
	put32(s);
	put32(part);
	put32(first);
	put32(second);
	put_body(body);
}

static void block_open(uint32_t type)
{
	m.block = m.used;
	put32(type);
	put32(0);
}

static void block_close(void)
{
	uint32_t length, at = (uint32_t)m.block;

	while (m.used % 4 != 0)
		put("", 1);
	length = (uint32_t)m.used - at + 4;
	put32(length);
	memcpy(m.bytes + at + 4, m.bytes + m.used - 4, 4);
}

static void section(uint16_t version)
{
	block_open(SECTION);
	put32(0x1a2b3c4d);
	put16(version);
	put16(0);
	put32(UINT32_MAX);
	put32(UINT32_MAX);
	block_close();
}

static void interface_open(uint16_t linktype, uint32_t snaplen)
{
	block_open(INTERFACE);
	put16(linktype);
	put16(0);
	put32(snaplen);
}

static void option(uint16_t code, const void *value, uint16_t length)
{
	put16(code);
	put16(length);
	put(value, length);
	while (m.used % 4 != 0)
		put("", 1);
}

static void interface(void)
{
	interface_open(1, SNAPLEN);
	block_close();
}

static void packet(uint32_t type, uint32_t id, uint64_t stamp, uint32_t captured, uint32_t wire, uint32_t body)
{
	block_open(type);
	if (type == PACKET)
		put32(id);
	if (type == OLD_PACKET) {
		put16((uint16_t)id);
		put16(0);
	}
	if (type != SIMPLE_PACKET) {
		put32((uint32_t)(stamp >> 32));
		put32((uint32_t)stamp);
		put32(captured);
	}
	put32(wire);
	put_body(body);
	block_close();
}

static const char *written(void)
{
	static char path[32];
	FILE *out;
	int fd;

	strcpy(path, "/tmp/test_capture.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	out = fdopen(fd, "wb");
	assert_int_equal(fwrite(m.bytes, 1, m.used, out), m.used);
	fclose(out);
	return path;
}

// ---- reading ----

struct seen {
	struct capture_packet packet[64];
	unsigned n;
	enum capture_end end;
	int opened;
	struct err err;
};

static struct seen seen;

// Reads what was made with both, and wants them to agree: on every packet, and on whether the end is a good one.
static void read_it(void)
{
	char error[PCAP_ERRBUF_SIZE];
	const char *path = written();
	struct capture_file file;
	struct pcap_pkthdr *head;
	const uint8_t *bytes;
	pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);

	memset(&seen, 0, sizeof(seen));
	seen.opened = capture_file_open(&file, path, &seen.err);
	assert_int_equal(seen.opened == 0, pcap != NULL && pcap_datalink(pcap) == DLT_EN10MB);
	unlink(path);
	while (seen.opened == 0 && (seen.end = capture_file_next(&file, &seen.packet[seen.n])) == CAPTURE_PACKET) {
		const struct capture_packet *p = &seen.packet[seen.n++];

		assert_true(seen.n < 64);
		assert_int_equal(pcap_next_ex(pcap, &head, &bytes), 1);
		assert_int_equal(p->captured, head->caplen);
		assert_int_equal(p->wire, head->len);
		assert_int_equal(p->time_ns, (uint64_t)head->ts.tv_sec * 1000000000u + (uint64_t)head->ts.tv_usec);
	}
	if (seen.opened == 0) {
		assert_int_equal(file.packets, seen.n);
		assert_int_equal(pcap_next_ex(pcap, &head, &bytes), seen.end == CAPTURE_EOF ? PCAP_ERROR_BREAK : PCAP_ERROR);
		assert_int_equal(seen.end == CAPTURE_DAMAGED, file.damage != NULL);
		assert_int_equal(capture_file_next(&file, &seen.packet[63]), seen.end);
		capture_file_close(&file);
	}
	if (pcap != NULL)
		pcap_close(pcap);
}

static void good(unsigned packets, enum capture_end end)
{
	read_it();
	assert_int_equal(seen.opened, 0);
	assert_int_equal(seen.n, packets);
	assert_int_equal(seen.end, end);
}

static void refused(const char *say)
{
	read_it();
	assert_true(seen.opened < 0);
	if (strstr(seen.err.text, say) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", seen.err.text, say);
}

// ---- tests ----

static void test_pcap(void **state)
{
	static const struct {
		uint32_t magic;
		uint64_t time_ns;
	} formats[] = {{0xa1b2c3d4, 1700000001000123000u}, {0xa1b23c4d, 1700000001000000123u}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		start(i / 2 == 1);
		pcap_header(formats[i % 2].magic, 4, SNAPLEN, 1);
		pcap_packet(1700000001, 123, 60, 1500, 60);
		pcap_packet(1700000000, 7, 0, 0, 0);
		good(2, CAPTURE_EOF);
		assert_int_equal(seen.packet[0].time_ns, formats[i % 2].time_ns);
		assert_int_equal(seen.packet[0].captured, 60);
		assert_int_equal(seen.packet[0].wire, 1500);
	}
}

static void test_pcap_old(void **state)
{
	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 2, SNAPLEN, 1);
	pcap_packet(1, 0, 1500, 60, 60); // before 2.3 the length on the wire came first
	good(1, CAPTURE_EOF);
	assert_int_equal(seen.packet[0].captured, 60);

	start(false);
	pcap_header(0xa1b2c3d4, 3, SNAPLEN, 1);
	pcap_packet(1, 0, 1500, 60, 60);
	pcap_packet(1, 0, 60, 1500, 60);
	good(2, CAPTURE_EOF);
	assert_int_equal(seen.packet[0].wire, 1500);

	start(true);
	pcap_header(0xa1b2cd34, 4, 100, 1); // a longer packet header, and 14 bytes more than the snaplen says
	pcap_packet(1, 0, 114, 1500, 8 + 114);
	good(1, CAPTURE_EOF);
	assert_int_equal(seen.packet[0].captured, 114);
}

static void test_pcap_snaplen(void **state)
{
	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 4, 100, 0xf4000001); // four bytes of FCS, link type 1
	pcap_packet(1, 0, 300, 1500, 300);
	pcap_packet(2, 0, 60, 60, 60);
	good(2, CAPTURE_EOF);
	assert_int_equal(seen.packet[0].captured, 100);
	assert_int_equal(seen.packet[1].time_ns, 2000000000u);
}

static void test_pcap_faults(void **state)
{
	size_t whole;

	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 4, 0, 1);
	good(0, CAPTURE_EOF);
	pcap_packet(1, 0, 60, 60, 60);
	whole = m.used;
	pcap_packet(2, 0, 60, 60, 60);
	for (m.used--; m.used > whole; m.used--)
		good(1, CAPTURE_CUT_OFF);
	good(1, CAPTURE_EOF);
	pcap_packet(2, 0, CAPTURE_LENGTH_MAX + 1, 60, 60);
	good(1, CAPTURE_DAMAGED);
	m.used = whole;
	pcap_packet(2, 0, CAPTURE_LENGTH_MAX, CAPTURE_LENGTH_MAX, CAPTURE_LENGTH_MAX);
	good(2, CAPTURE_EOF);
}

static void test_refused(void **state)
{
	(void)state;
	start(false);
	refused("empty");
	put("\x1f\x8b\x08", 3);
	put_body(100);
	refused("gunzip");
	start(false);
	put("hello, this is text, not packets", 32);
	refused("not a capture");
	start(false);
	pcap_header(0xa1b2c3d4, 4, SNAPLEN, 101);
	refused("link type 101 (raw IP), not Ethernet");
	m.used = 20;
	refused("cut off in its header");
	start(false);
	pcap_header(0xa1b2c3d4, 5, SNAPLEN, 1);
	refused("version");
	start(false);
	section(1);
	refused("no description of an interface");
	packet(PACKET, 0, 0, 60, 60, 60);
	refused("a packet before any interface");
	start(false);
	section(2);
	interface();
	refused("version");
	start(true);
	section(1);
	interface_open(113, SNAPLEN);
	block_close();
	refused("Linux cooked");
}

static void refused_path(const char *path, const char *say)
{
	struct capture_file file;
	struct err err;

	assert_true(capture_file_open(&file, path, &err) < 0);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, say));
}

static void test_not_a_file(void **state)
{
	char path[] = "/tmp/test_capture.XXXXXX";

	(void)state;
	refused_path("/nonexistent/x.pcap", "No such file");
	refused_path("/tmp", "a directory");
	assert_non_null(mkdtemp(path));
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused_path(path, "a pipe"); // and does not wait for somebody to write to it
	unlink(path);
}

static void test_pcapng(void **state)
{
	(void)state;
	for (unsigned swapped = 0; swapped < 2; swapped++) {
		start(swapped);
		section(1);
		interface();
		packet(PACKET, 0, 1700000000000001u, 60, 1500, 60);
		packet(NAMES, 0, 0, 0, 0, 20);
		packet(OLD_PACKET, 0, 1700000000000002u, 61, 61, 61);
		packet(SIMPLE_PACKET, 0, 0, 0, 62, 62);
		packet(PACKET, 0, 3, SNAPLEN, 70000, 200000); // a block larger than any window
		packet(PACKET, 0, 4, 60, 60, 60);
		good(5, CAPTURE_EOF);
		assert_int_equal(seen.packet[0].time_ns, 1700000000000001000u);
		assert_int_equal(seen.packet[1].captured, 61);
		assert_int_equal(seen.packet[2].time_ns, 0);
		assert_int_equal(seen.packet[3].wire, 70000);
	}
}

static void test_pcapng_sections(void **state)
{
	(void)state;
	start(false);
	section(1);
	interface();
	interface();
	packet(PACKET, 1, 1, 60, 60, 60);
	section(1);
	interface();
	packet(PACKET, 0, 2, 60, 60, 60);
	good(2, CAPTURE_EOF);
	packet(PACKET, 1, 3, 60, 60, 60); // of the first section
	good(2, CAPTURE_DAMAGED);
	start(false);
	section(1);
	interface();
	packet(PACKET, 0, 1, 60, 60, 60);
	m.swapped = true;
	section(1);
	interface();
	packet(PACKET, 0, 2, 60, 60, 60);
	good(1, CAPTURE_DAMAGED);
}

static void test_pcapng_time(void **state)
{
	static const struct {
		uint8_t resolution;
		uint64_t stamp, time_ns;
	} cases[] = {{9, 1700000000123456789u, 1700000000123456789u}, {3, 1700000000123u, 1700000000123000000u}, {0, 17, 17000000000u},
		     {12, 1700000000123456u, 1700000000123u}, {0x80 | 20, (5ull << 20) + (1 << 19), 5500000000u},
		     {0x80 | 32, (5ull << 32) + (1ull << 30), 5250000000u}};
	uint64_t ahead = 1000000000u;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(i % 2 == 1);
		section(1);
		interface_open(1, SNAPLEN);
		option(9, &cases[i].resolution, 1);
		option(0, "", 0);
		block_close();
		packet(PACKET, 0, cases[i].stamp, 60, 60, 60);
		good(1, CAPTURE_EOF);
		assert_int_equal(seen.packet[0].time_ns, cases[i].time_ns);
	}
	for (unsigned swapped = 0; swapped < 2; swapped++) {
		start(swapped);
		section(1);
		interface_open(1, SNAPLEN);
		option(14, &(uint64_t){swapped ? __builtin_bswap64(ahead) : ahead}, 8);
		block_close();
		packet(PACKET, 0, 1000001, 60, 60, 60);
		good(1, CAPTURE_EOF);
		assert_int_equal(seen.packet[0].time_ns, 1000000001000001000u);
	}
}

static void second_interface(uint16_t linktype, uint32_t snaplen, uint16_t code, const char *value, uint16_t length, enum capture_end end)
{
	start(false);
	section(1);
	interface();
	packet(PACKET, 0, 1, 60, 60, 60);
	interface_open(linktype, snaplen);
	if (code != 1)
		option(code, value, length);
	block_close();
	packet(PACKET, 0, 2, 60, 60, 60);
	good(end == CAPTURE_EOF ? 2 : 1, end);
}

static void test_pcapng_interfaces(void **state)
{
	(void)state;
	second_interface(1, SNAPLEN, 1, "", 0, CAPTURE_EOF);
	second_interface(2, SNAPLEN, 1, "", 0, CAPTURE_DAMAGED);
	second_interface(1, 96, 1, "", 0, CAPTURE_DAMAGED);
	second_interface(1, SNAPLEN, 9, "\x14", 1, CAPTURE_DAMAGED);
	second_interface(1, SNAPLEN, 9, "\xc0", 1, CAPTURE_DAMAGED);
	second_interface(1, SNAPLEN, 9, "\x06\x06", 2, CAPTURE_DAMAGED);
	second_interface(1, SNAPLEN, 0, "abcd", 4, CAPTURE_DAMAGED);
	second_interface(1, SNAPLEN, 2, "eth0", 4, CAPTURE_EOF);
}

static void test_pcapng_faults(void **state)
{
	size_t whole;

	(void)state;
	start(false);
	section(1);
	interface();
	packet(PACKET, 0, 1, 60, 60, 60);
	whole = m.used;
	packet(PACKET, 0, 1, 60, 60, 60);
	for (m.used--; m.used > whole; m.used--)
		good(1, CAPTURE_CUT_OFF);
	packet(PACKET, 0, 1, 61, 61, 60); // more than its block holds
	good(1, CAPTURE_DAMAGED);
	m.used = whole;
	packet(PACKET, 0, 1, SNAPLEN + 1, SNAPLEN + 1, SNAPLEN + 1);
	good(1, CAPTURE_DAMAGED);
	m.used = whole;
	packet(PACKET, 0, 1, 60, 60, 60);
	m.bytes[m.used - 1] ^= 1; // the two lengths of a block
	good(1, CAPTURE_DAMAGED);
	m.used = whole;
	block_open(NAMES);
	put32(8);
	m.bytes[whole + 4] = 8; // shorter than its own header and trailer
	good(1, CAPTURE_DAMAGED);
}

// Somebody cuts the file while it is read: it ends early, and says so.
static void test_shrinks(void **state)
{
	struct capture_packet p;
	struct capture_file file;
	enum capture_end end;
	struct err err;
	const char *path;

	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 4, SNAPLEN, 1);
	for (unsigned i = 0; i < 400; i++)
		pcap_packet(i, 0, 1000, 1000, 1000);
	path = written();
	assert_int_equal(capture_file_open(&file, path, &err), 0);
	assert_int_equal(capture_file_next(&file, &p), CAPTURE_PACKET);
	assert_int_equal(truncate(path, 100000), 0);
	while ((end = capture_file_next(&file, &p)) == CAPTURE_PACKET)
		assert_true(file.packets <= 400);
	assert_int_equal(end, CAPTURE_CUT_OFF);
	assert_true(file.packets >= 98 && file.packets < 200);
	capture_file_close(&file);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap),		cmocka_unit_test(test_pcap_old),
		cmocka_unit_test(test_pcap_snaplen),	cmocka_unit_test(test_pcap_faults),
		cmocka_unit_test(test_refused),		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_pcapng),		cmocka_unit_test(test_pcapng_sections),
		cmocka_unit_test(test_pcapng_time),	cmocka_unit_test(test_pcapng_interfaces),
		cmocka_unit_test(test_pcapng_faults),	cmocka_unit_test(test_shrinks),
	};

	return cmocka_run_group_tests_name("capture_file", tests, NULL, NULL);
}
