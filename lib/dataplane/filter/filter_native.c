// rte_bpf converts the classic programme to eBPF over a mbuf, verifies it, and translates it for x86-64 and arm64. What DPDK 22.11 (and
// newer ones, as far as looked at) does wrong on the way is mended between its steps, or kept from it; the tests hold the result
// against the interpreter.
//
// - The converter gives loads of a byte or a word by index the wrong index register.
// - A load by a huge index wraps, passes the check and reads anywhere: nothing lies beyond INDEX_MAX anyway.
// - The translator writes a test of few bits (jset with an immediate of one byte) as garbage: the bits go through a register.
// - It takes a jump back by 128 bytes, which is one or two more than a short one can, for a short one. It only jumps back to the first
//   exit: there is one exit, and it is the last instruction.
// - The verifier follows every way through the programme and forgets what it has seen when there is much of it: nineteen times "or (host
//   A and port B)" keep it busy for ten seconds, thirty for hours. Long programmes with many ways (measured: either alone takes
//   milliseconds) are left to the interpreter, and so are loops.
#define ALLOW_EXPERIMENTAL_API // rte_bpf_convert
#include "filter/filter_native.h"

#include <rte_malloc.h>
#include <stdlib.h>

enum { PATHS_MANY = 20000, INSTRUCTIONS_LONG = 140 };

// The registers of rte_bpf_convert: A, X, and one for the moment.
enum { REGISTER_A = EBPF_REG_0, REGISTER_X = EBPF_REG_7, REGISTER_TMP = EBPF_REG_8, INDEX_MAX = 0xffff, EXTRA_MAX = 3 };

static bool is_indexed(const struct ebpf_insn *in)
{
	return BPF_CLASS(in->code) == BPF_LD && BPF_MODE(in->code) == BPF_IND;
}

static bool is_small_test(const struct ebpf_insn *in)
{
	return in->code == (BPF_JMP | BPF_JSET | BPF_K) && in->imm >= INT8_MIN && in->imm <= INT8_MAX;
}

static bool is_exit(const struct ebpf_insn *in)
{
	return in->code == (BPF_JMP | EBPF_EXIT);
}

static bool is_jump(const struct ebpf_insn *in)
{
	return BPF_CLASS(in->code) == BPF_JMP && !is_exit(in) && BPF_OP(in->code) != EBPF_CALL;
}

// Writes what has to stand instead of an instruction; returns how many.
static unsigned instruction_mend(const struct ebpf_insn *in, struct ebpf_insn *out)
{
	unsigned n = 0;

	if (is_small_test(in)) {
		out[n++] = (struct ebpf_insn){.code = BPF_ALU | EBPF_MOV | BPF_K, .dst_reg = REGISTER_TMP, .imm = in->imm};
		out[n] = *in;
		out[n].code = BPF_JMP | BPF_JSET | BPF_X;
		out[n].imm = 0;
		out[n++].src_reg = REGISTER_TMP;
		return n;
	}
	if (is_indexed(in)) { // if X > INDEX_MAX return 0
		out[n++] = (struct ebpf_insn){.code = BPF_JMP | EBPF_JLE | BPF_K, .dst_reg = REGISTER_X, .off = 2, .imm = INDEX_MAX};
		out[n++] = (struct ebpf_insn){.code = BPF_ALU | EBPF_MOV | BPF_K, .dst_reg = REGISTER_A};
		out[n++] = (struct ebpf_insn){.code = BPF_JMP | BPF_JA}; // to the end
	}
	out[n] = *in;
	if (is_exit(in))
		out[n].code = BPF_JMP | BPF_JA; // to the end
	if (is_indexed(in))
		out[n].src_reg = REGISTER_X;
	return n + 1;
}

// The mended programme, to be freed; jumps lead where they led. NULL: no memory.
static struct ebpf_insn *programme_mend(const struct rte_bpf_prm *prm, uint32_t *count)
{
	struct ebpf_insn *out = calloc((size_t)prm->nb_ins * (EXTRA_MAX + 1) + 1, sizeof(*out));
	uint32_t *at = calloc(prm->nb_ins + 1u, sizeof(*at)), n = 0;

	if (out == NULL || at == NULL)
		goto fail;
	for (uint32_t i = 0; i < prm->nb_ins; i++) {
		at[i] = n;
		n += instruction_mend(&prm->ins[i], out + n);
	}
	at[prm->nb_ins] = n;
	out[n] = (struct ebpf_insn){.code = BPF_JMP | EBPF_EXIT};
	for (uint32_t i = 0; i < prm->nb_ins; i++) {
		int64_t target = (int64_t)i + 1 + prm->ins[i].off;
		struct ebpf_insn *last = &out[at[i + 1] - 1]; // of those it became

		if (is_jump(&prm->ins[i]) && target >= 0 && target <= prm->nb_ins)
			last->off = (int16_t)(at[target] - at[i + 1]);
		else if (is_exit(&prm->ins[i]))
			last->off = (int16_t)(n - at[i + 1]);
		else if (is_indexed(&prm->ins[i]))
			last[-1].off = (int16_t)(n - at[i + 1] + 1);
	}
	free(at);
	*count = n + 1;
	return out;

fail:
	free(out);
	free(at);
	return NULL;
}

static struct rte_bpf *load(const struct filter_expression *e)
{
	struct rte_bpf_prm *prm = rte_bpf_convert(&e->program), mended;
	struct ebpf_insn *programme;
	struct rte_bpf *bpf;

	if (prm == NULL)
		return NULL;
	mended = *prm;
	programme = programme_mend(prm, &mended.nb_ins);
	mended.ins = programme;
	bpf = programme != NULL ? rte_bpf_load(&mended) : NULL;
	free(programme);
	rte_free(prm);
	return bpf;
}

static const char *unfit(const struct filter_expression *e)
{
	if (e->paths > PATHS_MANY && e->program.bf_len > INSTRUCTIONS_LONG)
		return "it has too many alternatives";
	if (e->far)
		return "it looks too far behind an index";
	return e->loops ? "it has a loop" : NULL;
}

void filter_native_make(const struct filter_expression *e, struct filter_native *out)
{
	struct rte_bpf_jit jit = {.func = NULL};

	*out = (struct filter_native){.why = unfit(e)};
	if (out->why != NULL)
		return;
	out->why = "rte_bpf does not take it";
	out->bpf = load(e);
	if (out->bpf == NULL)
		return;
	if (rte_bpf_get_jit(out->bpf, &jit) == 0)
		out->run = jit.func;
	out->why = out->run != NULL ? NULL : "there is no translator for this processor";
}

void filter_native_free(struct filter_native *n)
{
	rte_bpf_destroy(n->bpf);
}
