// pcap-filter expressions over a dozen frames: what each selects, by native code and by the interpreter; the sentence about each
// mistake; frames of several segments and frames that were cut; own connections.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>

#include "eal.h"
#include "filter/filter.h"
#include "filter_frames.h"

static struct rte_mempool *pool;

static int setup(void **state)
{
	if (eal_start(state) != 0)
		return -1;
	pool = rte_pktmbuf_pool_create("frames", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return pool != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	rte_mempool_free(pool);
	return eal_stop(state);
}

// The frame in a chain of mbufs with at most so many bytes each.
static struct rte_mbuf *chain(const struct frame *f, uint32_t each)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t at = 0; at < f->length; at += each) {
		uint32_t n = f->length - at < each ? f->length - at : each;
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), f->bytes + at, n);
		if (head == NULL)
			head = m;
		else
			assert_int_equal(rte_pktmbuf_chain(head, m), 0);
	}
	head->port = f->port;
	return head;
}

static void select_frames(const struct filter *filter, uint32_t each, char kept[FRAMES + 1])
{
	struct frame frames[FRAMES];
	unsigned n = 0;

	frames_make(frames);
	for (unsigned i = 0; i < FRAMES; i++) {
		struct packet p = frame_decode(&frames[i]);
		struct rte_mbuf *m = chain(&frames[i], each);

		if (filter_judge(filter, &p, m) == FILTER_KEEP)
			kept[n++] = frames[i].letter;
		rte_pktmbuf_free(m);
	}
	kept[n] = '\0';
}

static const struct {
	const char *text, *kept;
} expressions[] = {
	{"ip", "ABCGJ"},
	{"ip6", "EF"},
	{"arp", "D"},
	{"tcp", "ABE"},
	{"udp", "CJ"},
	{"icmp", "G"},
	{"icmp6", ""}, // libpcap does not pass over extension headers
	{"ip6 protochain 58", "F"},
	{"tcp port 80", "ABE"},
	{"tcp dst port 80", "AE"},
	{"tcp src port 80", "B"},
	{"port 53", "CJ"},
	{"portrange 90-99", "ABE"},
	{"host 10.0.0.1", "A"},
	{"src net 10.0.0.0/29", "ABCDG"},
	{"dst host 10.0.2.1", "A"},
	{"net 10.0.4.0/24", "C"},
	{"ip6 host 2001:db8::1", "EF"},
	{"ether src 02:00:00:00:00:03", "C"},
	{"ether dst 02:00:00:00:00:0c", "K"},
	{"ether proto 0x88cc", "L"},
	{"llc", "K"},
	{"vlan", "HI"},
	{"vlan 7 and udp", "H"},
	{"vlan 7 and vlan 9 and tcp", "I"},
	{"not ip", "DEFHIKL"},
	{"tcp[tcpflags] & tcp-syn != 0", "AB"},
	{"tcp[tcpflags] == tcp-syn", "A"},
	{"ip[8] < 64", "BC"},
	{"ip[6:2] & 0x3fff != 0", "J"},
	{"(ip[2:2] - ((ip[0] & 0xf) << 2)) == 12", "C"},
	{"len <= 32", "KL"},
	{"greater 55", "EFI"},
	{"less 43", "DGJKL"},
	{"icmp[icmptype] == icmp-echo", "G"},
	{"tcp and not port 99 or arp", "D"},
	{"ip[10000] == 0", ""},
	{"ip[0] / ip[1] == 0", "ABCGJ"},
	{"ip[8] % 7 == 1", "ACGJ"},
	{"tcp[13] == 18", "B"},
	{"tcp[4:4] == 256", "AB"},
	{"udp[4:2] > 12", "J"},
	{"tcp[(tcp[12] >> 2) - 20:2] == 80", "B"},
	{"ip[ip[0] - 70] == 1", ""},
};

static struct filter *create(const char *expression)
{
	struct filter_source source = {.expression = expression};
	struct filter *f = NULL;
	struct err err = {""};

	if (filter_create(&source, &f, &err) != 0)
		fail_msg("%s: %s", expression, err.text);
	assert_non_null(f);
	return f;
}

static void test_selects(void **state)
{
	static const uint32_t sizes[] = {FRAME_ROOM, 1, 20, 33};

	(void)state;
	for (unsigned i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		struct filter *f = create(expressions[i].text);
		char kept[FRAMES + 1];

		for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			select_frames(f, sizes[k], kept);
			if (strcmp(kept, expressions[i].kept) != 0)
				fail_msg("%s keeps \"%s\" instead of \"%s\" (segments of %u)", expressions[i].text, kept, expressions[i].kept, sizes[k]);
		}
		filter_destroy(f);
	}
}

// Native code and interpreter have to agree on every beginning of every frame.
static void test_native_agrees(void **state)
{
	struct frame frames[FRAMES];
	unsigned native = 0;

	(void)state;
	frames_make(frames);
	for (unsigned i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		struct filter *f = create(expressions[i].text);

		native += f->native.run != NULL || f->native.why[0] == 'i'; // "it ...": kept from rte_bpf
		for (unsigned k = 0; k < FRAMES && f->native.run != NULL; k++)
			for (uint32_t n = 1; n <= frames[k].length; n++) {
				struct frame cut = frames[k];
				struct packet p = {.frame = cut.bytes, .captured = n, .wire = n};
				struct rte_mbuf *m;

				cut.length = n;
				m = chain(&cut, FRAME_ROOM);
				packet_decode(&p);
				p.wire = n;
				if ((f->native.run(m) != 0) != filter_expression_holds(&f->expression, &p))
					fail_msg("%s: native code and interpreter differ on %u bytes of %c", expressions[i].text, n, cut.letter);
				rte_pktmbuf_free(m);
			}
		filter_destroy(f);
	}
#if defined(__x86_64__) || defined(__aarch64__)
	assert_int_equal(native, sizeof(expressions) / sizeof(expressions[0]));
#endif
}

// The length asked for is the one on the wire, also where less was captured.
static void test_cut_length(void **state)
{
	struct filter *f = create("greater 1000");
	struct frame frames[FRAMES];
	struct rte_mbuf *m;
	struct packet p;

	(void)state;
	frames_make(frames);
	p = frame_decode(&frames[0]);
	m = chain(&frames[0], FRAME_ROOM);
	assert_int_equal(filter_judge(f, &p, m), FILTER_DROP);
	p.wire = 1500;
	assert_int_equal(filter_judge(f, &p, m), FILTER_KEEP);
	rte_pktmbuf_free(m);
	filter_destroy(f);
}

// An expression that rte_bpf's verifier would chew on for hours still works, and at once.
static void test_many_alternatives(void **state)
{
	char text[FILTER_EXPRESSION_MAX] = "host 10.0.0.1", kept[FRAMES + 1];
	struct filter *f;

	(void)state;
	for (unsigned i = 2; i < 30; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " or (host 10.9.0.%u and port %u)", i, 1000 + i);
	f = create(text);
	assert_null(f->native.run);
	assert_non_null(f->native.why);
	select_frames(f, FRAME_ROOM, kept);
	assert_string_equal(kept, "A");
	filter_destroy(f);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"tcp prot 80", "position 5, \"prot\""},
		{"tcp port 80 and udp blah 9 and x", "position 21, \"blah\""},
		{"tcp)", "position 4, \")\""},
		{"(tcp", "ends too early, at position 5"},
		{"tcp and", "ends too early, at position 8"},
		{"ip[", "ends too early, at position 4"},
		{"host 10.0.0.300", "position 6, \"10.0.0.300\": invalid IPv4 address"},
		{"tcp and vlan 99999", "position 14, \"99999\""},
		{"tcp or port nosuchport or udp", "position 13, \"nosuchport\": unknown port"},
		{"net 10.0.0.1/8", "position 5, \"10.0.0.1/8\": non-network bits"},
		{"tcp \x01\x02 udp", "\"\\x01\\x02\""},
		{"less 5 %", "position 8, \"%\""},
		{"inbound", "direction"},
		{" \t", "is empty"},
	};
	char longer[FILTER_EXPRESSION_MAX + 1];
	struct filter_expression e;
	struct err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(filter_expression_compile(cases[i].text, &e, &err), -EINVAL);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].text, cases[i].says, err.text);
	}
	memset(longer, ' ', sizeof(longer));
	memcpy(longer, "tcp", 3);
	longer[FILTER_EXPRESSION_MAX] = '\0';
	assert_int_equal(filter_expression_compile(longer, &e, &err), -E2BIG);
	longer[FILTER_EXPRESSION_MAX - 1] = '\0';
	assert_int_equal(filter_expression_compile(longer, &e, &err), 0);
	filter_expression_free(&e);
}

static void test_parts_together(void **state)
{
	static const char attributes[] = "{\"TCP\":{\"Destination_Port\":80}}";
	static const struct filter_own own[] = {
		{{4, {10, 0, 0, 2}}, {0}, 80},
		{{6, {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 2}}, {0}, 80},
	};
	struct filter_source source = {.expression = "tcp", .attributes_name = "a", .attributes = attributes,
				       .attributes_length = sizeof(attributes) - 1, .own = own, .own_count = 2};
	struct frame frames[FRAMES];
	struct filter *f = NULL;
	char answers[FRAMES + 1] = "";
	struct err err;

	(void)state;
	frames_make(frames);
	assert_int_equal(filter_create(&source, &f, &err), 0);
	for (unsigned i = 0; i < FRAMES; i++) {
		struct packet p = frame_decode(&frames[i]);
		struct rte_mbuf *m = chain(&frames[i], FRAME_ROOM);

		answers[i] = "kdo"[filter_judge(f, &p, m)]; // in the order of enum filter_answer
		rte_pktmbuf_free(m);
	}
	assert_string_equal(answers, "doddoddddddd");
	filter_destroy(f);

	source = (struct filter_source){.expression = ""};
	assert_int_equal(filter_create(&source, &f, &err), 0);
	assert_null(f);
	source = (struct filter_source){.expression = "tcp", .attributes_name = "a", .attributes = "{", .attributes_length = 1};
	assert_int_equal(filter_create(&source, &f, &err), -EINVAL);
	assert_null(f);
}

static struct filter_own own_of(const char *address, const char *with)
{
	struct filter_own own = {.address.version = 4, .with.version = with != NULL ? 4 : 0, .port = 80};

	assert_int_equal(inet_pton(AF_INET, address, own.address.byte), 1);
	assert_true(with == NULL || inet_pton(AF_INET, with, own.with.byte) == 1);
	return own;
}

static bool is_own(const struct filter *f, const struct frame *frame)
{
	struct packet p = frame_decode(frame);
	struct rte_mbuf *m = chain(frame, FRAME_ROOM);
	enum filter_answer answer = filter_judge(f, &p, m);

	rte_pktmbuf_free(m);
	return answer == FILTER_DROP_OWN;
}

// A: 10.0.0.1 to 10.0.2.1, port 80; B: 10.0.0.2, port 80, to 10.0.1.1. The same bytes behind IP and GRE are as much ours.
static void test_own_by_both_ends(void **state)
{
	static const struct {
		const char *address, *with, *own;
	} cases[] = {
		{"10.0.2.1", NULL, "A"},       {"10.0.0.2", NULL, "B"},       {"10.0.2.1", "10.0.0.1", "A"}, {"10.0.2.1", "10.0.0.9", ""},
		{"10.0.0.1", "10.0.2.1", ""}, {"10.0.0.2", "10.0.1.1", "B"}, {"10.0.0.2", "10.0.2.1", ""},  {"10.0.1.1", NULL, ""},
	};
	static const uint8_t around[] = {0x45, 0, 0, 64, 0, 0, 0, 0, 64, 47, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 0, 8, 0};
	struct frame frames[FRAMES], inside;
	struct err err;

	(void)state;
	frames_make(frames);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter_own own = own_of(cases[i].address, cases[i].with);
		struct filter_source source = {.own = &own, .own_count = 1};
		struct filter *f = NULL;

		assert_int_equal(filter_create(&source, &f, &err), 0);
		for (unsigned k = 0; k < FRAMES; k++)
			assert_int_equal(is_own(f, &frames[k]), cases[i].own[0] == frames[k].letter);
		for (unsigned k = 0; k < 2; k++) {
			inside = (struct frame){.letter = frames[k].letter};
			frame_put(&inside, frames[k].bytes, 14);
			frame_put(&inside, around, sizeof(around));
			frame_put(&inside, frames[k].bytes + 14, frames[k].length - 14);
			assert_int_equal(frame_decode(&inside).tunnels, 1);
			assert_int_equal(is_own(f, &inside), cases[i].own[0] == inside.letter);
		}
		filter_destroy(f);
	}
}

// All else is what it was, the native code too, and both may be asked until the old one is destroyed.
static void test_renewed(void **state)
{
	struct filter_own own[FILTER_OWN_MAX + 1];
	struct filter *old = create("tcp"), *new = NULL, *newest = NULL, *alone = NULL;
	struct frame frames[FRAMES];
	char kept[FRAMES + 1];
	struct err err;

	(void)state;
	frames_make(frames);
	for (unsigned i = 0; i <= FILTER_OWN_MAX; i++)
		own[i] = own_of("192.0.2.1", NULL);
	own[FILTER_OWN_MAX - 1] = own_of("10.0.2.1", NULL);
	own[FILTER_OWN_MAX] = own_of("10.0.0.2", NULL); // one more than there is room for
	assert_int_equal(filter_renew(old, own, FILTER_OWN_MAX + 1, &new, &err), 0);
	select_frames(new, FRAME_ROOM, kept);
	assert_string_equal(kept, "BE");
	assert_true(is_own(new, &frames[0]));
	select_frames(old, FRAME_ROOM, kept);
	assert_string_equal(kept, "ABE");
	assert_ptr_equal(new->native.bpf, old->native.bpf);
	assert_int_equal(filter_renew(new, NULL, 0, &newest, &err), 0);
	filter_destroy(old);
	filter_destroy(new);
	select_frames(newest, FRAME_ROOM, kept);
	assert_string_equal(kept, "ABE");
	filter_destroy(newest);

	assert_int_equal(filter_renew(NULL, &own[FILTER_OWN_MAX], 1, &alone, &err), 0);
	select_frames(alone, FRAME_ROOM, kept);
	assert_string_equal(kept, "ACDEFGHIJKL");
	filter_destroy(alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selects),		  cmocka_unit_test(test_native_agrees), cmocka_unit_test(test_cut_length),
		cmocka_unit_test(test_many_alternatives), cmocka_unit_test(test_mistakes),	cmocka_unit_test(test_parts_together),
		cmocka_unit_test(test_own_by_both_ends),  cmocka_unit_test(test_renewed),
	};

	return cmocka_run_group_tests_name("filter", tests, setup, teardown);
}
