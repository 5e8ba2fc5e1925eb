// Any bytes as a pcap-filter expression: compiled, or refused with a sentence; what was compiled runs over frames that are the same
// bytes. Names are not looked up: libpcap would ask the network for each word that it does not know.
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter_expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Instead of libc's.
int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
		struct addrinfo **restrict out)
{
	(void)node, (void)service, (void)hints, (void)out;
	return EAI_NONAME;
}

static void require(int holds)
{
	if (!holds)
		abort();
}

static void frame_judge(const struct filter_expression *e, const uint8_t *data, size_t size)
{
	uint8_t *frame = malloc(size + 1);
	struct packet p = {.frame = frame, .captured = (uint32_t)size};

	require(frame != NULL);
	memcpy(frame, data, size);
	packet_decode(&p);
	filter_expression_holds(e, &p);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_expression e;
	struct err err = {""};
	char *text = malloc(size + 1);

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (filter_expression_compile(text, &e, &err) == 0) {
		require(e.program.bf_len >= 1 && e.program.bf_len <= FILTER_INSTRUCTIONS_MAX);
		frame_judge(&e, data, size);
		filter_expression_free(&e);
	} else {
		require(err.text[0] != '\0' && memchr(err.text, '\0', sizeof(err.text)) != NULL);
	}
	free(text);
	return 0;
}
