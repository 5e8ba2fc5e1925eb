// Standard output: whole lines through one buffer of fixed size. A line is written when its bytes are with the kernel.
#ifndef TAIL_OUT_H
#define TAIL_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { TAIL_OUT_BYTES = 1 << 20, TAIL_FLUSH_MS = 5000 };

struct tail_out {
	int fd;
	size_t used;
	uint64_t lines, stop_by_ms; // stop_by_ms: 0 until told to stop
	char bytes[TAIL_OUT_BYTES];
};

// Adds a line; '\n' is put behind it. Returns 0, -EMSGSIZE if no buffer would hold it, or what flushing returned.
int tail_out_line(struct tail_out *out, const char *line, size_t length, struct err *err);
// 0, or -EPIPE and the like with a sentence. Once told to stop, for at most TAIL_FLUSH_MS in all.
int tail_out_flush(struct tail_out *out, struct err *err);

#endif
