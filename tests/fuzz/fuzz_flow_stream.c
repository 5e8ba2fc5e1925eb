// The game of tests/stream_model.h with the choices taken from the input: how the stream is cut, what is lost, what the reader
// uses and skips. When the input is at its end every choice is the last one of the switch.
#include <stddef.h>
#include <stdint.h>

#include "../stream_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t choose(void *source, uint32_t n)
{
	struct span *in = source;

	if (in->left == 0)
		return n - 1;
	return (n > 256 ? span_be16(in) : span_u8(in)) % n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, (uint32_t)size);
	uint8_t first = span_u8(&in);
	bool lossless = (first & 1) != 0;
	uint32_t room = lossless ? 2 * MODEL_LENGTH_MAX : 56 + 64u * (first >> 2 & 31);
	uint32_t length = 1 + span_be16(&in) % MODEL_LENGTH_MAX;
	uint32_t first_seq = (first & 2) != 0 ? 0u - length / 2 : span_be32(&in);
	struct model m = {.choose = choose, .source = &in};

	model_init(&m, room, first_seq, length, lossless);
	if (lossless)
		model_play_lossless(&m);
	else
		model_play_lossy(&m);
	model_fini(&m);
	return 0;
}
