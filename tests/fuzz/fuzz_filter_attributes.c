// Any bytes as attribute filters, in a buffer of exactly their size: taken within the bounds or refused with a sentence; what was
// taken is held against frames that are the same bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter_attributes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_MAX = 256 };

static void require(int holds)
{
	if (!holds)
		abort();
}

static void bounds_check(const struct filter_attributes *a)
{
	require(a->rules >= 1 && a->rules <= FILTER_RULES_MAX);
	require(a->comparisons <= FILTER_COMPARISONS_MAX && a->ranges <= FILTER_RANGES_MAX);
	for (unsigned i = 0; i < a->rules; i++)
		require(a->rule[i].count >= 1 && (unsigned)a->rule[i].first + a->rule[i].count <= a->comparisons);
	for (unsigned i = 0; i < a->comparisons; i++)
		require((unsigned)a->comparison[i].first + a->comparison[i].count <= a->ranges);
}

static void frame_judge(const struct filter_attributes *a, const uint8_t *data, size_t size)
{
	size_t n = size < FRAME_MAX ? size : FRAME_MAX;
	uint8_t *frame = malloc(n + 1);
	struct packet p = {.frame = frame, .captured = (uint32_t)n};

	require(frame != NULL);
	memcpy(frame, data, n);
	packet_decode(&p);
	filter_attributes_keep(a, &p, 0);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct filter_port ports[] = {{"lo", 0}, {"eth0", 1}};
	struct filter_attributes *a = NULL;
	struct err err = {""};
	char *text = malloc(size + 1);

	require(text != NULL);
	memmove(text + 1, data, size); // ends where the block ends
	if (filter_attributes_compile("fuzz", text + 1, size, ports, 2, &a, &err) == 0) {
		bounds_check(a);
		frame_judge(a, data, size);
		filter_attributes_free(a);
	} else {
		require(a == NULL && err.text[0] != '\0' && memchr(err.text, '\0', sizeof(err.text)) != NULL);
	}
	free(text);
	return 0;
}
