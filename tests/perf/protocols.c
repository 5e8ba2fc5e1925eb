// protocols: what a dissector costs. The seeds of the fuzzer, conversations of real servers and clients, are shown to the dissector they
// are for, payload by payload, again and again; of each payload the best pass counts. And the first payloads of all of them are shown to
// every dissector that may begin so: what a refusal costs.
//
//	protocols FOLDER [PASSES]
//
// Prints a line for each protocol of the list: its name, payloads, cycles for one of its payloads, payloads refused, cycles for one.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "proto/proto_list.h"

enum { SEEDS_MAX = 4096, PIECES_MAX = 64, SEED_BYTES = 65536, PASSES = 20, PIECE_LONG = 127, PIECE_OTHER = 0x80, CALLS_MAX = 256 };

struct seed {
	unsigned app;
	enum proto_l4 l4;
	uint16_t client_port, server_port;
	unsigned pieces;
	struct {
		bool to_server;
		struct span bytes;
	} piece[PIECES_MAX];
	uint8_t bytes[];
};

struct cost {
	uint64_t payloads, cycles, refusals, refusal_cycles;
};

static struct seed *seeds[SEEDS_MAX];
static unsigned seed_count;
static struct l7 l7;
static uint8_t scratch[L7_SCRATCH];

static uint16_t digest(const char *name) // as tests/fuzz/fuzz_proto.c has it
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return (uint16_t)(hash ^ hash >> 16);
}

static unsigned app_of(uint16_t said)
{
	for (unsigned i = 1; i < proto_count; i++)
		if (digest(proto_list[i]->name) == said)
			return i;
	return 0;
}

static void seed_read(const uint8_t *bytes, uint32_t length)
{
	struct seed *s = calloc(1, sizeof(*s) + length);
	struct span in;
	bool to_server;
	uint8_t kind;

	if (s == NULL)
		exit(1);
	memcpy(s->bytes, bytes, length);
	in = span_of(s->bytes, length);
	s->app = app_of(span_be16(&in));
	kind = span_u8(&in);
	s->client_port = span_be16(&in);
	s->server_port = span_be16(&in);
	s->l4 = (kind & 1) != 0 ? PROTO_UDP : PROTO_TCP;
	to_server = (kind & 2) == 0;
	while (in.left > 1 && s->pieces < PIECES_MAX) {
		uint8_t said = span_u8(&in);
		uint32_t size = (said & PIECE_LONG) == PIECE_LONG ? span_be16(&in) : said & PIECE_LONG;

		to_server ^= (said & PIECE_OTHER) != 0;
		s->piece[s->pieces].to_server = to_server;
		s->piece[s->pieces].bytes = span_take(&in, size < in.left ? size : in.left);
		s->pieces += s->piece[s->pieces].bytes.left > 0;
	}
	if (s->app != 0 && s->pieces > 0 && (proto_list[s->app]->l4 & s->l4) != 0 && seed_count < SEEDS_MAX)
		seeds[seed_count++] = s;
	else
		free(s);
}

static void folder_read(const char *path)
{
	static uint8_t bytes[SEED_BYTES];
	struct dirent *entry;
	DIR *folder = opendir(path);
	char name[4096];

	if (folder == NULL) {
		fprintf(stderr, "protocols: %s is no folder that can be read\n", path);
		exit(1);
	}
	while ((entry = readdir(folder)) != NULL) {
		FILE *file;

		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		file = entry->d_name[0] != '.' ? fopen(name, "rb") : NULL;
		if (file == NULL)
			continue;
		seed_read(bytes, (uint32_t)fread(bytes, 1, sizeof(bytes), file));
		fclose(file);
	}
	closedir(folder);
}

static struct proto_hint hint_of(const struct seed *s, uint32_t *note, struct proto_times *times)
{
	return (struct proto_hint){.l4 = s->l4, .client_port = s->client_port, .server_port = s->server_port, .costly = true, .note = note, .times = times};
}

static void l7_begin(void)
{
	memset(&l7, 0, offsetof(struct l7, text));
	l7.scratch = scratch;
}

// A payload as the engine offers it: until no more is used of it. Returns cycles.
static uint64_t payload(const struct proto_ops *ops, struct span in, struct proto_hint *hint, bool *over)
{
	uint64_t before = __rdtsc();

	for (unsigned calls = 0; in.left > 0 && !*over && calls < CALLS_MAX; calls++) {
		enum proto_verdict verdict;

		l7.used = 0;
		l7.skip = 0;
		l7.again = l7.costly = l7.withheld = false;
		verdict = ops->dissect(in, hint, &l7);
		hint->claimed |= verdict == PROTO_YES || (verdict == PROTO_MORE && (l7.used > 0 || l7.pending));
		*over = verdict == PROTO_DONE || verdict == PROTO_NEXT || (verdict == PROTO_NO && hint->l4 == PROTO_TCP);
		if (verdict == PROTO_YES)
			l7_clear(&l7);
		span_bytes(&in, l7.used + (l7.skip < in.left - l7.used ? (uint32_t)l7.skip : in.left - l7.used));
		if ((verdict == PROTO_MORE && l7.used == 0) || hint->l4 == PROTO_UDP)
			break;
	}
	return __rdtsc() - before;
}

static void conversation(const struct seed *s, uint64_t best[PIECES_MAX])
{
	const struct proto_ops *ops = proto_list[s->app];
	struct proto_times times = {0};
	uint32_t note = 0;
	struct proto_hint hint = hint_of(s, &note, &times);
	bool over = false;

	l7_begin();
	for (unsigned i = 0; i < s->pieces && !over; i++) {
		uint64_t cycles;

		if (s->l4 == PROTO_UDP && !ops->keeps)
			l7_begin();
		hint.to_server = s->piece[i].to_server;
		hint.now_ns += 1000000;
		cycles = payload(ops, s->piece[i].bytes, &hint, &over);
		if (best[i] == 0 || cycles < best[i])
			best[i] = cycles;
		hint.payload++;
	}
}

static bool may_begin(const struct proto_ops *ops, const struct seed *s)
{
	uint8_t byte = s->piece[0].bytes.at[0];

	for (unsigned i = 0; i < ops->firsts; i++)
		if (byte >= ops->first[i][0] && byte <= ops->first[i][1])
			return (ops->l4 & s->l4) != 0;
	return ops->firsts == 0 && (ops->l4 & s->l4) != 0;
}

static uint64_t refusal(const struct seed *s, unsigned app, unsigned passes)
{
	uint64_t best = UINT64_MAX;

	for (unsigned pass = 0; pass < passes; pass++) {
		struct proto_times times = {0};
		uint32_t note = 0;
		struct proto_hint hint = hint_of(s, &note, &times);
		uint64_t before, cycles;

		l7_begin();
		hint.to_server = s->piece[0].to_server;
		before = __rdtsc();
		proto_list[app]->dissect(s->piece[0].bytes, &hint, &l7);
		cycles = __rdtsc() - before;
		best = cycles < best ? cycles : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	unsigned passes = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : PASSES;
	static struct cost cost[PROTO_MAX];

	if (argc < 2 || passes == 0) {
		fprintf(stderr, "protocols FOLDER [PASSES]\n");
		return 1;
	}
	folder_read(argv[1]);
	for (unsigned k = 0; k < seed_count; k++) {
		const struct seed *s = seeds[k];
		uint64_t best[PIECES_MAX] = {0};

		for (unsigned pass = 0; pass < passes; pass++)
			conversation(s, best);
		for (unsigned i = 0; i < s->pieces && best[i] != 0; i++) {
			cost[s->app].payloads++;
			cost[s->app].cycles += best[i];
		}
		for (unsigned app = 1; app < proto_count; app++)
			if (app != s->app && may_begin(proto_list[app], s)) {
				cost[app].refusals++;
				cost[app].refusal_cycles += refusal(s, app, passes);
			}
	}
	for (unsigned app = 1; app < proto_count; app++) {
		const struct cost *c = &cost[app];

		printf("%-16s %6lu payloads %8lu cycles each   %6lu refusals %6lu cycles each\n", proto_name(app), (unsigned long)c->payloads,
		       (unsigned long)(c->payloads > 0 ? c->cycles / c->payloads : 0), (unsigned long)c->refusals,
		       (unsigned long)(c->refusals > 0 ? c->refusal_cycles / c->refusals : 0));
	}
	for (unsigned k = 0; k < seed_count; k++)
		free(seeds[k]);
	return 0;
}
