// libpcap compiles, but says of most mistakes no more than "syntax error". Where it lost the thread is found by asking again: with
// the first n words and a number that its scanner cannot read behind them. If it complains about the number, it could follow the n
// words; the first n with another complaint ends in the word that is wrong.
//
// Programmes that ask what only a socket of Linux knows (inbound, outbound) are refused: frames from a mirror have no direction.
#include "filter/filter_expression.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { SNAP_LENGTH = 262144, WORDS_MAX = FILTER_EXPRESSION_MAX, PROBE_ROOM = 16, SHOWN_MAX = 60 };

static const char PROBE[] = " 99999999999", PROBE_COMPLAINT[] = "number 99999999999 overflows";
static const char SINGLES[] = "()[]!<>=&|+-*/%^,:";

struct word {
	uint16_t at, length;
};

struct words {
	unsigned n;
	struct word word[WORDS_MAX];
};

// 0, or -EINVAL and libpcap's own complaint.
static int compile(const char *text, struct bpf_program *program, char complaint[PCAP_ERRBUF_SIZE])
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, SNAP_LENGTH);
	int rc = 0;

	if (pcap == NULL) {
		snprintf(complaint, PCAP_ERRBUF_SIZE, "no memory");
		return -ENOMEM;
	}
	if (pcap_compile(pcap, program, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		snprintf(complaint, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(pcap));
		rc = -EINVAL;
	}
	pcap_close(pcap);
	return rc;
}

// ---- where it is wrong ----

// Addresses and names in one piece, signs each for itself (a pair like >= or && as one). Coarser than libpcap's own words is fine.
static size_t word_length(const char *at)
{
	size_t n = 0;

	if (strchr(SINGLES, *at) != NULL)
		return at[1] != '\0' && strchr("<>=&|", *at) != NULL && (at[1] == *at || at[1] == '=') ? 2 : *at == '!' && at[1] == '=' ? 2 : 1;
	while (at[n] != '\0' && !isspace((unsigned char)at[n]) && (strchr(SINGLES, at[n]) == NULL || strchr(":-/.", at[n]) != NULL))
		n++;
	return n;
}

static void words_split(const char *text, struct words *out)
{
	out->n = 0;
	for (size_t i = 0; text[i] != '\0' && out->n < WORDS_MAX;) {
		if (isspace((unsigned char)text[i])) {
			i++;
			continue;
		}
		out->word[out->n] = (struct word){(uint16_t)i, (uint16_t)word_length(text + i)};
		i += out->word[out->n++].length;
	}
}

// Could libpcap follow the text up to the end of its nth word?
static bool follows(const char *text, const struct words *words, unsigned n)
{
	char prefix[FILTER_EXPRESSION_MAX + PROBE_ROOM], complaint[PCAP_ERRBUF_SIZE];
	int length = words->word[n].at + words->word[n].length;
	struct bpf_program program;

	snprintf(prefix, sizeof(prefix), "%.*s%s", length, text, PROBE);
	if (compile(prefix, &program, complaint) == 0) {
		pcap_freecode(&program);
		return true;
	}
	return strncmp(complaint, PROBE_COMPLAINT, sizeof(PROBE_COMPLAINT) - 1) == 0;
}

// The first word that libpcap could not follow, words->n if it only misses what should come behind the last.
static unsigned wrong_word(const char *text, const struct words *words)
{
	unsigned low = 0, high = words->n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (follows(text, words, middle))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// A complaint that repeats a word of the text ("unknown port 'foo'") is about that one: libpcap may have read on before it said so.
static unsigned named_word(const char *text, const struct words *words, unsigned wrong, const char *complaint)
{
	for (unsigned i = wrong + 1; i-- > 0;) {
		const struct word *w = &words->word[i];
		char name[SHOWN_MAX];

		if (i >= words->n || w->length < 2 || w->length >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", w->length, text + w->at);
		if (strstr(complaint, name) != NULL)
			return i;
	}
	return wrong;
}

static int explain(const char *text, const char *complaint, struct err *err)
{
	static const char general[] = "can't parse filter expression: ";
	bool syntax = strncmp(complaint, general, sizeof(general) - 1) == 0;
	char shown[SHOWN_MAX * 4 + 1];
	struct words words;
	unsigned wrong;
	size_t n;

	words_split(text, &words);
	wrong = words.n > 0 ? wrong_word(text, &words) : 0;
	if (!syntax && words.n > 0)
		wrong = named_word(text, &words, wrong, complaint);
	if (wrong == words.n && syntax)
		return err_set(err, -EINVAL, "the filter ends too early, at position %zu: something has to follow the last word", strlen(text) + 1);
	if (wrong == words.n) // said of the whole
		return err_set(err, -EINVAL, "the filter cannot be used: %s", complaint);
	n = text_escape(shown, SHOWN_MAX, (const uint8_t *)text + words.word[wrong].at, words.word[wrong].length, NULL);
	return err_set(err, -EINVAL, "the filter is wrong at position %u, \"%.*s\": %s", words.word[wrong].at + 1u, (int)n, shown,
		       syntax ? "this cannot stand here" : complaint);
}

// ---- what the programme is like ----

static bool is_load(const struct bpf_insn *i, int mode)
{
	return BPF_CLASS(i->code) == BPF_LD && BPF_MODE(i->code) == mode;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

// Jumps only lead forward, so that one walk from the end counts all ways.
static uint64_t paths_count(const struct bpf_program *program)
{
	static const unsigned end = FILTER_INSTRUCTIONS_MAX;
	uint64_t ways[FILTER_INSTRUCTIONS_MAX + 1] = {0};

	for (unsigned i = program->bf_len; i-- > 0;) {
		const struct bpf_insn *in = &program->bf_insns[i];
		unsigned next = i + 1 < program->bf_len ? i + 1 : end;

		if (BPF_CLASS(in->code) == BPF_RET)
			ways[i] = 1;
		else if (BPF_CLASS(in->code) != BPF_JMP)
			ways[i] = ways[next];
		else if (BPF_OP(in->code) == BPF_JA)
			ways[i] = ways[next + in->k < program->bf_len ? next + in->k : end];
		else
			ways[i] = add(ways[next + in->jt < program->bf_len ? next + in->jt : end],
				      ways[next + in->jf < program->bf_len ? next + in->jf : end]);
	}
	return program->bf_len > 0 ? ways[0] : 0;
}

static int examine(struct filter_expression *e, struct err *err)
{
	const struct bpf_program *program = &e->program;

	if (program->bf_len > FILTER_INSTRUCTIONS_MAX)
		return err_set(err, -E2BIG, "the filter becomes %u instructions; more than %u are not taken", program->bf_len,
			       FILTER_INSTRUCTIONS_MAX);
	for (unsigned i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *in = &program->bf_insns[i];

		e->far |= is_load(in, BPF_IND) && in->k > INT16_MAX;
		e->loops |= in->code == (BPF_JMP | BPF_JA) && in->k > INT32_MAX;
		e->asks_length |= is_load(in, BPF_LEN);
		if (is_load(in, BPF_ABS) && in->k >= (uint32_t)INT32_MAX)
			return err_set(err, -EINVAL, "the filter asks for the direction or the interface of a frame (inbound, outbound, ifindex), "
				       "which only a socket of the kernel knows");
	}
	e->paths = paths_count(program);
	return 0;
}

int filter_expression_compile(const char *text, struct filter_expression *out, struct err *err)
{
	char complaint[PCAP_ERRBUF_SIZE];
	int rc;

	*out = (struct filter_expression){.program = {0}};
	if (text[strspn(text, " \t")] == '\0')
		return err_set(err, -EINVAL, "the filter is empty");
	if (strlen(text) >= FILTER_EXPRESSION_MAX)
		return err_set(err, -E2BIG, "the filter is longer than %u bytes", FILTER_EXPRESSION_MAX - 1);
	if (compile(text, &out->program, complaint) != 0)
		return explain(text, complaint, err);
	rc = examine(out, err);
	if (rc < 0)
		filter_expression_free(out);
	return rc;
}

void filter_expression_free(struct filter_expression *e)
{
	pcap_freecode(&e->program);
}

bool filter_expression_holds(const struct filter_expression *e, const struct packet *p)
{
	return bpf_filter(e->program.bf_insns, p->frame, p->wire, p->captured) != 0;
}
