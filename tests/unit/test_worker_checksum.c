// The stage around the sums: what a NIC says, sampling, dropping, and the table of senders of bad ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "packet/packet_checksum.h"
#include "worker/worker.h"

enum { FRAME = 60, SRC_MAC = 6, TTL = 22, UDP_SUM = 40, LAST = 45 };

// UDP from 192.0.2.1:53 to 198.51.100.2:53, four bytes, both checksums right; then padding.
static const uint8_t model[FRAME] = {
	2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 0x08, 0, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0x8e, 0x95, 192, 0, 2, 1, 198, 51, 100, 2,
	0, 53, 0, 53, 0, 12, 0x29, 0x61, 'w', 'o', 'r', 'd',
};

struct fixture {
	struct worker *w;
	struct rte_mbuf mbuf;
	uint8_t frame[FRAME];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || posix_memalign((void **)&f->w, RTE_CACHE_LINE_SIZE, sizeof(*f->w)) != 0)
		return -1;
	memset((void *)f->w, 0, sizeof(*f->w));
	f->w->config.checksum = WORKER_CHECKSUM_VERIFY;
	f->w->config.checksum_sample = 1;
	memcpy(f->frame, model, FRAME);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->w);
	free(f);
	return 0;
}

static const struct packet *pass(struct fixture *f)
{
	struct worker_burst *b = &f->w->burst;

	b->n = 1;
	b->mbuf[0] = &f->mbuf;
	b->packet[0] = (struct packet){.frame = f->frame, .captured = FRAME};
	packet_decode(&b->packet[0]);
	assert_int_equal(b->packet[0].verdict, PACKET_OK);
	worker_checksum(f->w, b);
	return &b->packet[0];
}

static void require(const struct fixture *f, enum packet_checksum of, uint64_t good, uint64_t bad, uint64_t unverified)
{
	const uint64_t *n = f->w->counters.checksum[of];

	assert_int_equal(n[CHECKSUM_GOOD], good);
	assert_int_equal(n[CHECKSUM_BAD], bad);
	assert_int_equal(n[CHECKSUM_UNVERIFIED], unverified);
}

static void test_software(void **state)
{
	struct fixture *f = *state;

	pass(f);
	require(f, CHECKSUM_IPV4, 1, 0, 0);
	require(f, CHECKSUM_UDP, 1, 0, 0);
	f->frame[LAST]++;
	assert_int_equal(pass(f)->verdict, PACKET_OK);
	require(f, CHECKSUM_IPV4, 2, 0, 0);
	require(f, CHECKSUM_UDP, 1, 1, 0);
}

// Good and none are taken; bad and unknown are looked at.
static void test_nic(void **state)
{
	struct fixture *f = *state;

	f->frame[LAST]++;
	f->mbuf.ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	pass(f);
	require(f, CHECKSUM_UDP, 1, 0, 0);
	f->mbuf.ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_NONE;
	pass(f);
	require(f, CHECKSUM_UDP, 2, 0, 0);
	f->mbuf.packet_type = RTE_PTYPE_TUNNEL_VXLAN; // said of the inner header
	pass(f);
	require(f, CHECKSUM_UDP, 2, 1, 0);
	f->mbuf.packet_type = 0;
	f->mbuf.ol_flags = RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD;
	pass(f);
	require(f, CHECKSUM_UDP, 2, 2, 0);
	f->frame[LAST]--;
	pass(f);
	require(f, CHECKSUM_UDP, 3, 2, 0);
	f->frame[UDP_SUM] = f->frame[UDP_SUM + 1] = 0; // made none: no verdict
	pass(f);
	require(f, CHECKSUM_UDP, 3, 2, 0);
	require(f, CHECKSUM_IPV4, 6, 0, 0);
}

static void test_sample(void **state)
{
	struct fixture *f = *state;

	f->w->config.checksum_sample = 4;
	for (unsigned i = 0; i < 20; i++)
		pass(f);
	require(f, CHECKSUM_IPV4, 5, 0, 15);
	require(f, CHECKSUM_UDP, 5, 0, 15);
	f->mbuf.ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD; // what costs nothing is not sampled
	for (unsigned i = 0; i < 20; i++)
		pass(f);
	require(f, CHECKSUM_IPV4, 10, 0, 30);
	require(f, CHECKSUM_UDP, 25, 0, 15);
}

static void test_drop(void **state)
{
	struct fixture *f = *state;

	f->w->config.checksum = WORKER_CHECKSUM_DROP;
	assert_int_equal(pass(f)->verdict, PACKET_OK);
	f->frame[TTL]--;
	assert_int_equal(pass(f)->verdict, PACKET_BAD_CHECKSUM);
	f->frame[TTL]++;
	f->frame[LAST]--;
	assert_int_equal(pass(f)->verdict, PACKET_BAD_CHECKSUM);
	assert_true(packet_malformed(PACKET_BAD_CHECKSUM));
	require(f, CHECKSUM_IPV4, 2, 1, 0);
	require(f, CHECKSUM_UDP, 2, 1, 0);
}

static const uint64_t KEY = (uint64_t)IP_UDP << 48 | 0x020000000001;

static void test_senders(void **state)
{
	struct fixture *f = *state;
	const struct worker_sender *sender;
	uint8_t mac[6];

	pass(f);
	assert_null(worker_senders_find(&f->w->senders, KEY)); // nothing bad yet
	f->frame[LAST]++;
	for (unsigned i = 0; i < 3; i++)
		pass(f);
	sender = worker_senders_find(&f->w->senders, KEY);
	assert_non_null(sender);
	assert_int_equal(sender->bad, 3);
	assert_false(sender->good);
	assert_int_equal(sender->ip_version, 4);
	assert_memory_equal(sender->address, model + 26, 4);
	worker_sender_mac(KEY, mac);
	assert_memory_equal(mac, model + SRC_MAC, 6);
	assert_int_equal(worker_sender_proto(KEY), IP_UDP);
	f->frame[LAST]--;
	f->frame[SRC_MAC + 5] = 2; // somebody else
	pass(f);
	assert_false(sender->good);
	f->frame[SRC_MAC + 5] = 1;
	pass(f);
	assert_true(sender->good);
	assert_int_equal(sender->bad, 3);
}

// More senders than there is room for: each is in the table or counted, and those that are in stay.
static void test_senders_full(void **state)
{
	struct fixture *f = *state;
	unsigned found = 0, all = WORKER_SENDERS * 4;

	f->frame[LAST]++;
	for (unsigned i = 0; i < all; i++) {
		f->frame[SRC_MAC + 4] = (uint8_t)(i >> 8);
		f->frame[SRC_MAC + 5] = (uint8_t)i;
		pass(f);
	}
	for (unsigned i = 0; i < all; i++)
		found += worker_senders_find(&f->w->senders, (uint64_t)IP_UDP << 48 | 0x020000000000 | i) != NULL;
	assert_int_equal(found, f->w->senders.used);
	assert_in_range(found, WORKER_SENDERS / 2, WORKER_SENDERS);
	assert_int_equal(f->w->counters.senders_refused, all - found);
	require(f, CHECKSUM_UDP, 0, all, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_software, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nic, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sample, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_drop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_senders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_senders_full, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
