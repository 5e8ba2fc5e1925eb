// Any bytes as the files of a spool: one or two segments, a cursor, the page of counters. It is opened, read to the end, written to and
// closed; what it gives has increasing ids and whole payloads, and it comes to an end.
//
// The first byte says what is mended, or nothing would get past the checksums: 1 the headers of segments, 2 the checksums of entries,
// 4 the cursor, 8 the page. 16: a second segment. Then each file: two bytes of length, and its bytes.
#include <stdint.h>

#include "../spool_kit.h"
#include "base/span.h"
#include "spool/spool_inside.h"

enum { MEND_HEADER = 1, MEND_ENTRIES = 2, MEND_CURSOR = 4, MEND_STATE = 8, TWO_SEGMENTS = 16, FILE_ROOM = 65536, BATCHES_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[KIT_PATH_MAX];

static void file_put(const char *name, const void *bytes, size_t n)
{
	char path[KIT_PATH_MAX + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	close(fd);
}

static void entries_mend(uint8_t *bytes, size_t n)
{
	for (size_t at = sizeof(struct spool_file_header); at + sizeof(struct spool_file_entry) <= n;) {
		struct spool_file_entry e;

		memcpy(&e, bytes + at, sizeof(e));
		if (e.size < sizeof(e) || e.size > n - at)
			break;
		e.crc = spool_crc(0, bytes + at + offsetof(struct spool_file_entry, boot), e.size - offsetof(struct spool_file_entry, boot));
		memcpy(bytes + at, &e, sizeof(e));
		at += e.size;
	}
}

static void segment_put(uint8_t mend, uint64_t number, uint8_t *bytes, size_t n)
{
	struct spool_file_header h;
	char name[SPOOL_NAME_MAX];

	if ((mend & MEND_ENTRIES) != 0)
		entries_mend(bytes, n);
	if ((mend & MEND_HEADER) != 0 && n >= sizeof(h)) {
		memcpy(&h, bytes, sizeof(h));
		memcpy(h.magic, "SWSPOOL", sizeof(h.magic));
		h.version = SPOOL_VERSION;
		h.endian = SPOOL_ENDIAN;
		h.number = number;
		memset(h.instance, 0, sizeof(h.instance));
		h.crc = spool_header_crc(&h);
		memcpy(bytes, &h, sizeof(h));
	}
	spool_segment_name(number, "spool", name);
	file_put(name, bytes, n);
}

static void cursor_put(uint8_t mend, uint8_t *bytes, size_t n)
{
	struct spool_file_cursor c;

	if ((mend & MEND_CURSOR) != 0 && n >= sizeof(c)) {
		memcpy(&c, bytes, sizeof(c));
		memcpy(c.magic, "SWCURSR", sizeof(c.magic));
		c.version = SPOOL_VERSION;
		c.endian = SPOOL_ENDIAN;
		c.crc = spool_crc(0, &c, offsetof(struct spool_file_cursor, crc));
		memcpy(bytes, &c, sizeof(c));
	}
	file_put("cursor", bytes, n);
}

// Its instance is what mended segments have: zeroes.
static void state_put(uint8_t mend, const uint8_t *bytes, size_t n)
{
	static union {
		uint8_t bytes[SPOOL_STATE_BYTES];
		struct spool_file_state state;
	} page;

	if ((mend & MEND_STATE) == 0) {
		file_put("state", bytes, n);
		return;
	}
	memset(&page, 0, sizeof(page));
	memcpy(page.bytes, bytes, n < sizeof(page) ? n : sizeof(page));
	memcpy(page.state.magic, "SWSTATE", sizeof(page.state.magic));
	page.state.version = SPOOL_VERSION;
	page.state.endian = SPOOL_ENDIAN;
	memset(page.state.instance, 0, sizeof(page.state.instance));
	file_put("state", page.bytes, sizeof(page));
}

// One of the parts of the input, in a place of its own.
static size_t part(struct span *in, uint8_t *out)
{
	uint32_t n = span_be16(in);
	uint32_t got = n < in->left ? n : in->left;
	const uint8_t *bytes = span_bytes(in, got);

	if (got > 0)
		memcpy(out, bytes, got);
	return got;
}

static void entry_assert(const struct spool_entry *e, struct spool_id last[SPOOL_STREAMS])
{
	static volatile char sink;

	if (e->stream >= SPOOL_STREAMS || e->cause >= SPOOL_CAUSES || e->first == 0 || e->first > e->last || e->boot == 0)
		abort();
	if (e->boot < last[e->stream].boot || (e->boot == last[e->stream].boot && e->first <= last[e->stream].seq))
		abort();
	last[e->stream] = (struct spool_id){e->boot, e->last};
	for (uint32_t i = 0; i < e->length; i++)
		sink = e->payload[i];
	(void)sink;
}

static void read_all(struct spool *spool)
{
	static struct spool_batch batch;
	struct spool_id last[SPOOL_STREAMS];

	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		last[i] = spool_acked(spool, i);
	for (unsigned n = 0; spool_read(spool, 0, SPOOL_BATCH_MAX, SPOOL_BATCH_BYTES_MAX, &batch) > 0; n++) {
		if (n == BATCHES_MAX)
			abort();
		for (unsigned i = 0; i < batch.count; i++)
			entry_assert(&batch.entry[i], last);
		spool_ack(spool, &batch);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[FILE_ROOM];
	struct span in = span_of(data, (uint32_t)size);
	uint8_t mend = span_u8(&in);
	struct spool_config config;
	struct spool *spool;
	struct err err;

	if (folder[0] == '\0')
		kit_folder_quick(folder, "fuzz-spool");
	kit_folder_empty(folder);
	for (uint64_t number = 1; number <= ((mend & TWO_SEGMENTS) != 0 ? 2 : 1); number++)
		segment_put(mend, number, bytes, part(&in, bytes));
	cursor_put(mend, bytes, part(&in, bytes));
	state_put(mend, bytes, part(&in, bytes));
	config = kit_config(folder);
	for (unsigned run = 0; run < 2; run++) {
		if (spool_open(&config, &spool, &err) != 0)
			return 0;
		spool_give(spool, 0);
		spool_append(spool, 0, "x", 1);
		spool_commit(spool);
		read_all(spool);
		spool_close(spool, &err);
	}
	return 0;
}
