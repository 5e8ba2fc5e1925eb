// rte_bpf converts the classic programme to eBPF over a mbuf, verifies it, and translates it for x86-64 and arm64. Its verifier (DPDK
// 22.11) follows every way through the programme: the ways double with each alternative, and "a or b or c ..." with thirty of them
// would keep it busy for years. A programme with too many ways is therefore left to the interpreter.
#define ALLOW_EXPERIMENTAL_API // rte_bpf_convert
#include "filter/filter_native.h"

#include <rte_malloc.h>

enum { PATHS_MAX = 20000 };

void filter_native_make(const struct filter_expression *e, struct filter_native *out)
{
	struct rte_bpf_prm *prm;
	struct rte_bpf_jit jit = {.func = NULL};

	*out = (struct filter_native){.why = "it has too many alternatives"};
	if (e->paths > PATHS_MAX)
		return;
	out->why = "rte_bpf does not take it";
	prm = rte_bpf_convert(&e->program);
	if (prm == NULL)
		return;
	out->bpf = rte_bpf_load(prm);
	rte_free(prm);
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
