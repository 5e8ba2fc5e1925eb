// A spool and what is done with it, taken from the input: entries given, lost on the way, committed, read, acknowledged, meant, sent
// again; a receiver that loses some; runs that end well or are cut off; a quota; damage. The model is small: it knows how many ids each
// run gave of each stream, and a receiver that is told every one of them, once, in order, as a record or as lost.
#include <stdint.h>

#include "../spool_kit.h"
#include "base/span.h"
#include "spool/spool_inside.h"

enum { RUNS_MAX = 64, OPS_MAX = 400, IDS_MAX = 20000, SHORT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct model {
	struct span in;
	struct spool_config config;
	struct source src;
	struct receiver receiver;
	bool damaged, quota, alone, took;  // alone: nothing that was read is unanswered; took: it has some that it has not answered for
	bool asked;                        // it can say what it has; such a one is asked by each run
	uint64_t given[RUNS_MAX][SPOOL_STREAMS];
	unsigned runs;
	uint64_t ids;
};

static char folder[KIT_PATH_MAX];
static struct spool_batch batch[2];

static void model_assert(const struct model *m, bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", what, m->receiver.wrong);
	abort();
}

static void run_begin(struct model *m)
{
	struct err err = {""};

	model_assert(m, spool_open(&m->config, &m->src.spool, &err) == 0, err.text);
	model_assert(m, spool_boot(m->src.spool) == ++m->runs, "another boot than the next");
	memset(m->src.seq, 0, sizeof(m->src.seq));
	m->alone = true;
}

static void run_end(struct model *m)
{
	struct err err = {""};

	memcpy(m->given[m->runs], m->src.seq, sizeof(m->src.seq));
	model_assert(m, spool_close(m->src.spool, &err) == 0, err.text);
}

// One bit of one file.
static void damage(struct model *m)
{
	char path[KIT_PATH_MAX + 40], name[SPOOL_NAME_MAX];
	uint8_t byte;
	int fd;

	spool_segment_name(1 + span_u8(&m->in) % 8, "spool", name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_NOFOLLOW);
	if (fd < 0)
		return;
	off_t at = span_be16(&m->in) + 8 * (off_t)span_u8(&m->in);
	if (pread(fd, &byte, 1, at) == 1) {
		byte ^= (uint8_t)(1u << span_u8(&m->in) % 8);
		m->damaged = pwrite(fd, &byte, 1, at) == 1;
	}
	close(fd);
}

static void give(struct model *m, unsigned what)
{
	unsigned stream = what % SPOOL_STREAMS, n = 1 + span_u8(&m->in) % 16;
	uint32_t length = 1 + span_be16(&m->in) % SHORT_MAX;

	if ((what & 28) == 28) // a few long ones
		length = SPOOL_PAYLOAD_MAX - length;

	if (m->ids + n > IDS_MAX)
		return;
	m->ids += n;
	if (what % 32 == 0)
		source_gap(&m->src, stream, n, SPOOL_QUEUE);
	else
		for (unsigned i = 0; i < n; i++)
			source_put(&m->src, stream, i == 0 ? length : 1 + length % 512);
}

static void rewind_to(struct model *m)
{
	const bool known[SPOOL_STREAMS] = {true, true, true, true};

	spool_rewind(m->src.spool, known, m->receiver.last);
	m->alone = true;
	m->asked = true;
}

static void consume(struct model *m, unsigned what)
{
	struct spool_batch *b = &batch[what & 1];

	if (!m->alone && (what & 2) != 0) {
		if (m->took) // then whoever sends asks what is there
			rewind_to(m);
		spool_unread(m->src.spool);
		m->alone = true;
	}
	if (spool_read(m->src.spool, what & 1, 1 + span_u8(&m->in), 1 + 16u * span_be16(&m->in), b) == 0)
		return;
	if ((what & 4) != 0 && m->alone)
		spool_intend(m->src.spool, b);
	if ((what & 24) == 24) { // the answer never came, though it has them
		if (m->alone)
			receiver_batch(&m->receiver, b);
		m->took = m->took || m->alone;
		m->alone = false;
		return;
	}
	if (m->alone) {
		receiver_batch(&m->receiver, b);
		spool_ack(m->src.spool, b);
		m->took = false;
	}
}

static void step(struct model *m)
{
	unsigned what = span_u8(&m->in);

	switch (what >> 5) {
	case 0:
	case 1:
	case 2:
		give(m, what);
		break;
	case 3:
		spool_commit(m->src.spool);
		break;
	case 4:
	case 5:
		consume(m, what);
		break;
	case 6:
		if ((what & 1) != 0)
			spool_turn(m->src.spool);
		else
			rewind_to(m);
		break;
	default:
		if (m->runs + 2 >= RUNS_MAX)
			break;
		run_end(m);
		if ((what & 7) == 7)
			damage(m);
		run_begin(m);
		if (m->took || m->asked)
			rewind_to(m);
	}
	model_assert(m, m->receiver.wrong[0] == '\0', "the receiver");
}

// All is told to the end, and adds up.
static void settle(struct model *m)
{
	struct spool_stats stats;
	uint64_t given = 0;

	run_end(m);
	run_begin(m);
	rewind_to(m);
	model_assert(m, receiver_drain(&m->receiver, m->src.spool, SPOOL_BATCH_MAX) >= 0, "at the end");
	spool_commit(m->src.spool); // what there was no room to tell before
	model_assert(m, receiver_drain(&m->receiver, m->src.spool, SPOOL_BATCH_MAX) >= 0, "at the very end");
	spool_stats(m->src.spool, &stats);
	for (unsigned run = 1; run < m->runs; run++)
		for (unsigned i = 0; i < SPOOL_STREAMS; i++)
			given += m->given[run][i];
	model_assert(m, m->receiver.records + m->receiver.lost == given, "it does not add up");
	model_assert(m, stats.waiting == 0, "something waits");
	model_assert(m, m->damaged || m->quota || m->receiver.lost == m->receiver.lost_by[SPOOL_QUEUE], "lost without a cause");
	model_assert(m, m->receiver.lost_by[SPOOL_CRASH] == 0 || m->damaged, "lost in a crash that was none");
	run_end(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model m;
	uint8_t how;

	if (folder[0] == '\0')
		kit_folder_quick(folder, "fuzz-spool-model");
	kit_folder_empty(folder);
	memset(&m, 0, sizeof(m));
	m.in = span_of(data, (uint32_t)size);
	how = span_u8(&m.in);
	m.config = kit_config(folder);
	m.quota = (how & 1) != 0;
	m.config.quota_bytes = m.quota ? 3 * KIT_SEGMENT : 1u << 30;
	m.config.policy = (how & 2) != 0 ? SPOOL_DROP_NEWEST : SPOOL_DROP_OLDEST;
	m.config.keep_last = (how & 4) != 0 ? 2 : 0;
	m.config.retain_bytes = (how & 8) != 0 ? 2 * KIT_SEGMENT : 0;
	m.config.fsync_ms = (how & 16) != 0 ? 0 : 60000;
	run_begin(&m);
	for (unsigned i = 0; i < OPS_MAX && m.in.left > 0; i++)
		step(&m);
	settle(&m);
	return 0;
}
