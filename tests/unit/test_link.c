// The link layer's dissectors against frames built here: what they say, every place at which a frame can end, every byte changed,
// lengths that lie. Each input lies in a block of exactly its size, so that an instrumented build sees a read past its end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "link/link_list.h"
#include "link/link_unknown.h"

enum { BYTES_MAX = 2048 };

struct bytes {
	uint32_t n;
	uint8_t b[BYTES_MAX];
};

static struct l7 l7; // of the last call

static void put(struct bytes *f, const void *from, size_t n)
{
	assert_true(f->n + n <= BYTES_MAX);
	memcpy(f->b + f->n, from, n);
	f->n += (uint32_t)n;
}

static void put8(struct bytes *f, unsigned v)
{
	put(f, &(uint8_t){(uint8_t)v}, 1);
}

static void put16(struct bytes *f, unsigned v)
{
	put8(f, v >> 8);
	put8(f, v);
}

static void put32(struct bytes *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static void put_text(struct bytes *f, const char *text)
{
	put(f, text, strlen(text));
}

static void text_check(struct record_text text)
{
	assert_true(text.at + text.len <= l7.text_used && l7.text_used <= L7_TEXT_MAX);
	for (uint16_t i = 0; i < text.len; i++)
		assert_in_range(l7.text[text.at + i], 0x20, 0x7e);
}

static void is_text(struct record_text text, const char *expected)
{
	text_check(text);
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(l7.text + text.at, expected, text.len);
}

// Every text that a record has lies in the text space and is printable.
static void texts_check(const struct link_ops *ops)
{
	const struct record_cdp *c = &l7.cdp;
	const struct record_lldp *l = &l7.lldp;
	const struct record_text cdp[] = {c->device_id, c->port_id, c->platform, c->software, c->vtp_domain, c->system_name, c->location,
					  c->capabilities, c->addresses, c->management_addresses};
	const struct record_text lldp[] = {l->chassis_id, l->port_id, l->port_description, l->system_name, l->system_description,
					   l->capabilities, l->capabilities_enabled, l->management_addresses, l->protocol_vlans,
					   l->med_capabilities, l->hardware, l->firmware, l->software, l->serial, l->manufacturer, l->model,
					   l->asset};

	for (unsigned i = 0; ops == &link_cdp && i < sizeof(cdp) / sizeof(cdp[0]); i++)
		text_check(cdp[i]);
	for (unsigned i = 0; ops == &link_lldp && i < sizeof(lldp) / sizeof(lldp[0]); i++)
		text_check(lldp[i]);
	if (ops == &link_lldp) {
		assert_in_range(l->vlans, 0, RECORD_LLDP_VLANS_MAX);
		assert_in_range(l->med_policies, 0, RECORD_LLDP_POLICIES_MAX);
		for (unsigned i = 0; i < l->vlans; i++)
			text_check(l->vlan[i].name);
	}
	if (ops == &link_stp) {
		text_check(l7.stp.mst_name);
		text_check(l7.stp.mst_digest);
	}
}

static enum link_verdict ask(const struct link_ops *ops, unsigned number, const uint8_t *bytes, uint32_t n)
{
	uint8_t *exact = malloc(n > 0 ? n : 1);
	enum link_verdict verdict;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	l7_clear(&l7);
	memset(l7.text, 0xff, sizeof(l7.text));
	verdict = ops->dissect(span_of(n > 0 ? exact : exact + 1, n), (uint16_t)number, &l7);
	free(exact);
	if (verdict == LINK_RECORD)
		texts_check(ops);
	return verdict;
}

// ---- arp ----

static void arp(struct bytes *f, unsigned opcode, uint32_t src, uint32_t dest, unsigned dest_mac)
{
	f->n = 0;
	put32(f, 0x00010800);
	put16(f, 0x0604);
	put16(f, opcode);
	put(f, "\x02\0\0\0\0\x01", 6);
	put32(f, src);
	for (unsigned i = 0; i < 6; i++)
		put8(f, dest_mac);
	put32(f, dest);
}

static void arp_kinds_are_told_apart(void **state)
{
	enum { A = 0xc0000201u, B = 0xc0000202u };
	static const struct {
		unsigned opcode;
		uint32_t src, dest;
		unsigned dest_mac;
		enum arp_kind kind;
	} rows[] = {
		{1, A, B, 0, ARP_REQUEST},       {2, A, B, 2, ARP_REPLY},         {1, 0, B, 0, ARP_PROBE},
		{1, A, A, 0, ARP_ANNOUNCEMENT},  {1, A, A, 0xff, ARP_GRATUITOUS}, {2, A, A, 0xff, ARP_GRATUITOUS},
		{2, A, A, 0, ARP_GRATUITOUS},    {3, 0, 0, 2, ARP_OTHER},         {4, A, B, 2, ARP_OTHER},
		{8, A, 0, 2, ARP_OTHER},         {0, A, B, 0, ARP_OTHER},         {1, 0, 0, 0, ARP_PROBE},
	};
	static struct bytes f;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		arp(&f, rows[i].opcode, rows[i].src, rows[i].dest, rows[i].dest_mac);
		assert_int_equal(ask(&link_arp, 0x0806, f.b, f.n), LINK_RECORD);
		assert_int_equal(l7.arp.kind, rows[i].kind);
		assert_int_equal(l7.arp.opcode, rows[i].opcode);
		assert_memory_equal(l7.arp.src_mac, "\x02\0\0\0\0\x01", 6);
		assert_memory_equal(l7.arp.src_ip, f.b + 14, 4);
		assert_memory_equal(l7.arp.dest_ip, f.b + 24, 4);
	}
}

static void arp_of_other_kinds_and_lengths(void **state)
{
	static struct bytes f;

	(void)state;
	for (uint32_t n = 0; n < 28; n++) {
		arp(&f, 1, 1, 2, 0);
		assert_int_equal(ask(&link_arp, 0x0806, f.b, n), LINK_BAD);
	}
	f.b[4] = 5; // hardware address length
	assert_int_equal(ask(&link_arp, 0x0806, f.b, f.n), LINK_BAD);
	f.b[4] = 6;
	f.b[5] = 16;
	assert_int_equal(ask(&link_arp, 0x0806, f.b, f.n), LINK_BAD);
	f.b[1] = 32; // InfiniBand
	assert_int_equal(ask(&link_arp, 0x0806, f.b, f.n), LINK_NONE);
}

// ---- stp ----

static void bpdu(struct bytes *f, unsigned version, unsigned type, unsigned flags)
{
	f->n = 0;
	put16(f, 0);
	put8(f, version);
	put8(f, type);
	if (type == 0x80)
		return;
	put8(f, flags);
	put16(f, 0x8001);
	put(f, "\x02\0\0\0\0\x0a", 6);
	put32(f, 20004);
	put16(f, 0x9001);
	put(f, "\x02\0\0\0\0\x0b", 6);
	put16(f, 0x8004);
	put16(f, 0x0100); // one second
	put16(f, 0x1400);
	put16(f, 0x0200);
	put16(f, 0x0f80); // fifteen and a half
	if (version >= 2)
		put8(f, 0);
}

static void mst(struct bytes *f, unsigned instances)
{
	bpdu(f, 3, 2, 0x7c);
	put16(f, 64 + 16 * instances);
	put8(f, 0);
	put(f, "region one\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
	put16(f, 5);
	for (unsigned i = 0; i < 16; i++)
		put8(f, 0xa0 + i);
	put32(f, 200);
	put16(f, 0x7000);
	put(f, "\x02\0\0\0\0\x0c", 6);
	put8(f, 19);
	for (unsigned i = 0; i < 16 * instances; i++)
		put8(f, i);
}

static void stp_config(void **state)
{
	static struct bytes f;

	(void)state;
	bpdu(&f, 0, 0, 0xff);
	assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.stp.type, STP_CONFIG);
	assert_int_equal(l7.stp.flags, 0x81);
	assert_int_equal(l7.stp.role, 0);
	assert_false(l7.stp.pvst);
	assert_int_equal(l7.stp.root_priority, 0x8001);
	assert_memory_equal(l7.stp.root_mac, "\x02\0\0\0\0\x0a", 6);
	assert_int_equal(l7.stp.root_cost, 20004);
	assert_int_equal(l7.stp.bridge_priority, 0x9001);
	assert_memory_equal(l7.stp.bridge_mac, "\x02\0\0\0\0\x0b", 6);
	assert_int_equal(l7.stp.port_id, 0x8004);
	assert_int_equal(l7.stp.message_age_ms, 1000);
	assert_int_equal(l7.stp.max_age_ms, 20000);
	assert_int_equal(l7.stp.hello_time_ms, 2000);
	assert_int_equal(l7.stp.forward_delay_ms, 15500);
	bpdu(&f, 0, 0x80, 0);
	assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.stp.type, STP_TOPOLOGY_CHANGE);
}

static void stp_rapid_and_pvst(void **state)
{
	static struct bytes f;

	(void)state;
	bpdu(&f, 2, 2, 0x3c);
	assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.stp.role, 3);
	assert_int_equal(l7.stp.flags, 0x3c);
	put32(&f, 0x00000002);
	put16(&f, 105);
	assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.stp.pvst_vlan, 0); // only where Cisco's number says so
	assert_int_equal(ask(&link_stp, 0x010b, f.b, f.n), LINK_RECORD);
	assert_true(l7.stp.pvst);
	assert_int_equal(l7.stp.pvst_vlan, 105);
	f.b[39] = 3; // its length lies
	assert_int_equal(ask(&link_stp, 0x010b, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.stp.pvst_vlan, 0);
}

static void stp_mst(void **state)
{
	static struct bytes f;

	(void)state;
	for (unsigned instances = 0; instances <= 64; instances += 4) {
		mst(&f, instances);
		assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_RECORD);
		assert_true(l7.stp.mst);
		is_text(l7.stp.mst_name, "region one");
		is_text(l7.stp.mst_digest, "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
		assert_int_equal(l7.stp.mst_revision, 5);
		assert_int_equal(l7.stp.mst_cost, 200);
		assert_int_equal(l7.stp.mst_bridge_priority, 0x7000);
		assert_int_equal(l7.stp.mst_hops, 19);
		assert_int_equal(l7.stp.mst_instances, instances);
	}
	for (unsigned length = 0; length < 64; length++) {
		f.b[36] = 0;
		f.b[37] = (uint8_t)length;
		assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_BAD);
	}
	f.b[36] = 0xff;
	assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_BAD);
}

static void stp_of_other_kinds(void **state)
{
	static struct bytes f;

	(void)state;
	bpdu(&f, 0, 0x33, 0);
	assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_NONE);
	bpdu(&f, 0, 0, 0);
	f.b[1] = 1; // GARP
	assert_int_equal(ask(&link_stp, 0x4242, f.b, f.n), LINK_NONE);
}

// ---- cdp ----

static void cdp_tlv(struct bytes *f, unsigned type, const void *value, size_t n)
{
	put16(f, type);
	put16(f, (unsigned)n + 4);
	put(f, value, n);
}

static void cdp_text(struct bytes *f, unsigned type, const char *text)
{
	cdp_tlv(f, type, text, strlen(text));
}

static void cdp(struct bytes *f)
{
	static const char addresses[] = "\0\0\0\2\1\1\xcc\0\4\xc0\0\2\1\2\x8\xaa\xaa\3\0\0\0\x86\xdd\0\x10 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1";

	f->n = 0;
	put32(f, 0x02b40000);
	cdp_text(f, 1, "core-1.example.org");
	cdp_tlv(f, 2, addresses, sizeof(addresses) - 1);
	cdp_text(f, 3, "GigabitEthernet0/1");
	cdp_tlv(f, 4, "\0\0\0\x29", 4);
	cdp_text(f, 5, "Software, Version 1\nsecond line");
	cdp_text(f, 6, "example X-24");
	cdp_text(f, 9, "vtp one");
	cdp_tlv(f, 10, "\0\x63", 2);
	cdp_tlv(f, 11, "\1", 1);
	cdp_tlv(f, 14, "\1\0\xc8", 3);
	cdp_tlv(f, 16, "\x18\x9c", 2);
	cdp_tlv(f, 17, "\0\0\5\xdc", 4);
	cdp_tlv(f, 20, "core-1\0\0", 8);
	cdp_tlv(f, 22, "\0\0\0\1\1\1\xcc\0\4\xc0\0\2\1", 13);
	cdp_tlv(f, 23, "\0room 7", 7);
	cdp_tlv(f, 0x7777, "?", 1);
}

static void cdp_whole(void **state)
{
	static struct bytes f;

	(void)state;
	cdp(&f);
	assert_int_equal(ask(&link_cdp, 0x2000, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.cdp.version, 2);
	assert_int_equal(l7.cdp.ttl_s, 180);
	is_text(l7.cdp.device_id, "core-1.example.org");
	is_text(l7.cdp.addresses, "192.0.2.1,2001:db8::1");
	is_text(l7.cdp.port_id, "GigabitEthernet0/1");
	is_text(l7.cdp.capabilities, "router,switch,igmp");
	is_text(l7.cdp.software, "Software, Version 1\\x0asecond line");
	is_text(l7.cdp.platform, "example X-24");
	is_text(l7.cdp.vtp_domain, "vtp one");
	is_text(l7.cdp.system_name, "core-1");
	is_text(l7.cdp.location, "room 7");
	is_text(l7.cdp.management_addresses, "192.0.2.1");
	assert_int_equal(l7.cdp.native_vlan, 99);
	assert_int_equal(l7.cdp.duplex, 2);
	assert_int_equal(l7.cdp.voice_vlan, 200);
	assert_int_equal(l7.cdp.power_mw, 6300);
	assert_int_equal(l7.cdp.mtu, 1500);
}

static void cdp_lengths_that_lie(void **state)
{
	static struct bytes f;

	(void)state;
	for (unsigned length = 0; length < 300; length++) {
		f.n = 0;
		put32(&f, 0x02b40000);
		put16(&f, 1);
		put16(&f, length);
		put_text(&f, "name");
		assert_int_equal(ask(&link_cdp, 0x2000, f.b, f.n), length == 8 ? LINK_RECORD : LINK_BAD);
	}
	for (uint32_t count = 0; count < 300; count++) { // addresses that are not there
		f.n = 0;
		put32(&f, 0x02b40000);
		put16(&f, 2);
		put16(&f, 17);
		put32(&f, count == 299 ? UINT32_MAX : count);
		put(&f, "\1\1\xcc\0\4\xc0\0\2\1", 9);
		assert_int_equal(ask(&link_cdp, 0x2000, f.b, f.n), count <= 1 ? LINK_RECORD : LINK_BAD);
	}
}

// ---- lldp ----

static void lldp_tlv(struct bytes *f, unsigned type, const void *value, size_t n)
{
	put16(f, type << 9 | (unsigned)n);
	put(f, value, n);
}

static void lldp_text(struct bytes *f, unsigned type, const char *text)
{
	lldp_tlv(f, type, text, strlen(text));
}

static void lldp_start(struct bytes *f)
{
	f->n = 0;
	lldp_tlv(f, 1, "\4\2\0\0\0\0\1", 7);
	lldp_tlv(f, 2, "\5Gi0/1", 6);
	lldp_tlv(f, 3, "\0\x78", 2);
}

static void lldp(struct bytes *f)
{
	lldp_start(f);
	lldp_text(f, 4, "uplink, to the core");
	lldp_text(f, 5, "switch-1.example.org");
	lldp_text(f, 6, "Example Switch 1.0");
	lldp_tlv(f, 7, "\0\x14\0\4", 4);
	lldp_tlv(f, 8, "\5\1\xc0\0\2\1\2\0\0\0\7\0", 12);
	lldp_tlv(f, 8, "\x11\2 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1\2\0\0\0\7\0", 24);
	lldp_tlv(f, 127, "\0\x80\xc2\1\0\x63", 6);
	lldp_tlv(f, 127, "\0\x80\xc2\2\1\0\x0a", 7);
	lldp_tlv(f, 127, "\0\x80\xc2\2\1\0\x14", 7);
	lldp_tlv(f, 127, "\0\x80\xc2\3\0\x0a\4data", 11);
	lldp_tlv(f, 127, "\0\x80\xc2\3\0\x14\5voice", 12);
	lldp_tlv(f, 127, "\0\x12\x0f\1\3\x6c\x01\0\x1e", 9);
	lldp_tlv(f, 127, "\0\x12\x0f\2\7\1\4", 7);
	lldp_tlv(f, 127, "\0\x12\x0f\3\3\0\0\0\5", 9);
	lldp_tlv(f, 127, "\0\x12\x0f\4\5\xf2", 6);
	lldp_tlv(f, 127, "\0\x12\xbb\1\0\x33\4", 7);
	lldp_tlv(f, 127, "\0\x12\xbb\2\1\x40\x29\x6e", 8);
	lldp_tlv(f, 127, "\0\x12\xbb\4\x53\0\x41", 7);
	lldp_tlv(f, 127, "\0\x12\xbb\5hw 1", 8);
	lldp_tlv(f, 127, "\0\x12\xbb\6fw 2", 8);
	lldp_tlv(f, 127, "\0\x12\xbb\7sw 3", 8);
	lldp_tlv(f, 127, "\0\x12\xbb\10SN123", 9);
	lldp_tlv(f, 127, "\0\x12\xbb\x09Maker", 9);
	lldp_tlv(f, 127, "\0\x12\xbb\x0aModel", 9);
	lldp_tlv(f, 127, "\0\x12\xbb\x0b" "A-7", 7);
	lldp_tlv(f, 127, "\xaa\xbb\xcc\1?", 5);
	put16(f, 0);
}

static void lldp_basic(void **state)
{
	static struct bytes f;

	(void)state;
	lldp(&f);
	put_text(&f, "padding");
	assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n), LINK_RECORD);
	is_text(l7.lldp.chassis_id, "02:00:00:00:00:01");
	assert_int_equal(l7.lldp.chassis_type, 4);
	is_text(l7.lldp.port_id, "Gi0/1");
	assert_int_equal(l7.lldp.port_type, 5);
	assert_int_equal(l7.lldp.ttl_s, 120);
	is_text(l7.lldp.port_description, "uplink, to the core");
	is_text(l7.lldp.system_name, "switch-1.example.org");
	is_text(l7.lldp.system_description, "Example Switch 1.0");
	is_text(l7.lldp.capabilities, "bridge,router");
	is_text(l7.lldp.capabilities_enabled, "bridge");
	is_text(l7.lldp.management_addresses, "192.0.2.1,2001:db8::1");
}

static void lldp_organisations(void **state)
{
	static struct bytes f;

	(void)state;
	lldp(&f);
	assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.lldp.pvid, 99);
	is_text(l7.lldp.protocol_vlans, "10,20");
	assert_int_equal(l7.lldp.vlans, 2);
	assert_int_equal(l7.lldp.vlan[1].id, 20);
	is_text(l7.lldp.vlan[0].name, "data");
	is_text(l7.lldp.vlan[1].name, "voice");
	assert_true(l7.lldp.autonegotiation && l7.lldp.autonegotiation_enabled);
	assert_int_equal(l7.lldp.mau_type, 30);
	assert_true(l7.lldp.power_source);
	assert_int_equal(l7.lldp.power_class, 4);
	assert_true(l7.lldp.aggregated);
	assert_int_equal(l7.lldp.aggregation_port, 5);
	assert_int_equal(l7.lldp.frame_max, 1522);
	is_text(l7.lldp.med_capabilities, "capabilities,network_policy,extended_power_pd,inventory");
	assert_int_equal(l7.lldp.med_class, 4);
	assert_int_equal(l7.lldp.med_policies, 1);
	assert_int_equal(l7.lldp.policy[0].application, 1);
	assert_true(l7.lldp.policy[0].tagged && !l7.lldp.policy[0].unknown);
	assert_int_equal(l7.lldp.policy[0].vlan, 20);
	assert_int_equal(l7.lldp.policy[0].priority, 5);
	assert_int_equal(l7.lldp.policy[0].dscp, 46);
	assert_int_equal(l7.lldp.med_power_mw, 6500);
	is_text(l7.lldp.hardware, "hw 1");
	is_text(l7.lldp.firmware, "fw 2");
	is_text(l7.lldp.software, "sw 3");
	is_text(l7.lldp.serial, "SN123");
	is_text(l7.lldp.manufacturer, "Maker");
	is_text(l7.lldp.model, "Model");
	is_text(l7.lldp.asset, "A-7");
}

static void lldp_ids(void **state)
{
	static const struct {
		const char *value;
		size_t n;
		const char *text;
	} rows[] = {
		{"\5\1\xc0\0\2\1", 6, "192.0.2.1"}, {"\5\2 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 18, "2001:db8::1"},
		{"\5\x10?", 3, ""}, {"\5\1\xc0", 3, ""}, {"\7any thing", 10, "any thing"}, {"\4abc", 4, "abc"}, {"\xffx", 2, "x"},
	};
	static struct bytes f;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f.n = 0;
		lldp_tlv(&f, 1, rows[i].value, rows[i].n);
		lldp_tlv(&f, 2, "\3\2\0\0\0\0\2", 7);
		lldp_tlv(&f, 3, "\0\0", 2);
		assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n), LINK_RECORD);
		is_text(l7.lldp.chassis_id, rows[i].text);
		is_text(l7.lldp.port_id, "02:00:00:00:00:02");
	}
}

static void lldp_order_and_bounds(void **state)
{
	static struct bytes f;

	(void)state;
	f.n = 0;
	lldp_tlv(&f, 2, "\5Gi0/1", 6);
	lldp_tlv(&f, 1, "\4\2\0\0\0\0\1", 7);
	lldp_tlv(&f, 3, "\0\x78", 2);
	assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n), LINK_BAD);
	lldp_start(&f);
	lldp_tlv(&f, 3, "\0\x78", 2);
	assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n), LINK_BAD);
	lldp_start(&f);
	for (unsigned i = 0; i < RECORD_LLDP_VLANS_MAX + 5; i++)
		lldp_tlv(&f, 127, "\0\x80\xc2\3\0\x0a\4data", 11);
	for (unsigned i = 0; i < RECORD_LLDP_POLICIES_MAX + 5; i++)
		lldp_tlv(&f, 127, "\0\x12\xbb\2\1\x40\x29\x6e", 8);
	for (unsigned i = 0; i < 30; i++)
		lldp_tlv(&f, 8, "\5\1\xc0\0\2\1\2\0\0\0\7\0", 12);
	assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n), LINK_RECORD);
	assert_int_equal(l7.lldp.vlans, RECORD_LLDP_VLANS_MAX);
	assert_int_equal(l7.lldp.med_policies, RECORD_LLDP_POLICIES_MAX);
	assert_int_equal(l7.lldp.management_addresses.len % 10, 9); // whole ones
}

static void lldp_lengths_that_lie(void **state)
{
	static struct bytes f;

	(void)state;
	for (unsigned length = 0; length < 512; length++) {
		lldp_start(&f);
		put16(&f, 5u << 9 | length);
		put_text(&f, "name");
		put16(&f, 0);
		assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n) == LINK_RECORD, length == 4 || length == 6);
		lldp_start(&f);
		put16(&f, 8u << 9 | 6);
		put8(&f, length);
		put(&f, "\1\xc0\0\2\1", 5);
		assert_int_equal(ask(&link_lldp, 0x88cc, f.b, f.n), (length & 255) >= 1 && (length & 255) <= 5 ? LINK_RECORD : LINK_BAD);
	}
}

// ---- all ----

static const struct {
	const struct link_ops *ops;
	unsigned number;
	uint32_t whole_from; // a cut before is not sound
} wholes[] = {{&link_arp, 0x0806, 28}, {&link_stp, 0x4242, 0}, {&link_stp, 0x010b, 0}, {&link_cdp, 0x2000, 0}, {&link_lldp, 0x88cc, 0}};

static void make(unsigned i, struct bytes *f)
{
	switch (i) {
	case 0:
		arp(f, 1, 1, 2, 0);
		break;
	case 1:
		mst(f, 2);
		break;
	case 2:
		bpdu(f, 2, 2, 0x3c);
		put32(f, 2);
		put16(f, 105);
		break;
	case 3:
		cdp(f);
		break;
	default:
		lldp(f);
	}
}

static void cut_and_changed_everywhere(void **state)
{
	static const unsigned values[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
	static struct bytes f;
	unsigned sound = 0, bad = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++) {
		make(i, &f);
		for (uint32_t n = 0; n <= f.n; n++) {
			enum link_verdict verdict = ask(wholes[i].ops, wholes[i].number, f.b, n);

			assert_true(verdict == LINK_RECORD || verdict == LINK_BAD);
			if (n < wholes[i].whole_from || n < 4)
				assert_int_equal(verdict, LINK_BAD);
			sound += verdict == LINK_RECORD;
			bad += verdict == LINK_BAD;
		}
		for (uint32_t at = 0; at < f.n; at++)
			for (unsigned v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
				uint8_t was = f.b[at];

				f.b[at] = (uint8_t)values[v];
				ask(wholes[i].ops, wholes[i].number, f.b, f.n);
				f.b[at] = was;
			}
	}
	assert_true(sound > 0 && bad > 0);
}

// ---- frames ----

static struct packet frame_of(struct bytes *f, unsigned type, const void *payload, size_t n, uint32_t wire)
{
	struct packet p = {.frame = f->b};

	f->n = 0;
	put(f, "\x01\x80\xc2\0\0\x0e\x02\0\0\0\0\x05", 12);
	put16(f, type);
	put(f, payload, n);
	p.captured = f->n;
	p.wire = wire;
	packet_decode(&p);
	return p;
}

static void a_frame_has_addresses_and_one_verdict(void **state)
{
	static struct bytes f, payload;
	struct packet p;

	(void)state;
	lldp(&payload);
	p = frame_of(&f, 0x88cc, payload.b, payload.n, 0);
	assert_int_equal(link_dissect(&p, &l7), LINK_RECORD);
	assert_int_equal(l7.type, RECORD_LLDP);
	assert_memory_equal(l7.lldp.ether.src_mac, "\x02\0\0\0\0\x05", 6);
	assert_memory_equal(l7.lldp.ether.dest_mac, "\x01\x80\xc2\0\0\x0e", 6);
	p = frame_of(&f, 0x88cc, payload.b, 30, 0);
	assert_int_equal(link_dissect(&p, &l7), LINK_BAD);
	assert_int_equal(p.verdict, PACKET_BAD_LLDP);
	p = frame_of(&f, 0x88cc, payload.b, 30, 400); // the capture's fault
	assert_int_equal(link_dissect(&p, &l7), LINK_NONE);
	assert_int_equal(p.verdict, PACKET_LLDP);
	p = frame_of(&f, 0x88b5, payload.b, 30, 0);
	assert_int_equal(link_dissect(&p, &l7), LINK_NONE);
	assert_int_equal(p.verdict, PACKET_OTHER_ETHERTYPE);
}

static void unknown_numbers_are_counted(void **state)
{
	static struct link_unknown u, sum;
	static struct bytes f;
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < 3 * LINK_UNKNOWN_MAX; i++) {
		p = frame_of(&f, 0xa000 + i, "first bytes of it, then more", 28, 0);
		link_unknown_count(&u, &p);
		link_unknown_count(&u, &p);
	}
	p = frame_of(&f, 0x88cc, "known", 5, 0);
	link_unknown_count(&u, &p);
	assert_int_equal(u.rows, LINK_UNKNOWN_MAX);
	assert_int_equal(u.row[3].number, 0xa003);
	assert_int_equal(u.row[3].pkts, 2);
	assert_int_equal(u.row[3].frame_bytes, 2 * 42);
	assert_int_equal(u.row[3].length, LINK_UNKNOWN_BYTES);
	assert_memory_equal(u.row[3].bytes, "first bytes of it, then more", LINK_UNKNOWN_BYTES);
	assert_int_equal(u.other_pkts, 4 * LINK_UNKNOWN_MAX);
	link_unknown_add(&sum, &u);
	link_unknown_add(&sum, &u);
	assert_int_equal(sum.rows, LINK_UNKNOWN_MAX);
	assert_int_equal(sum.row[LINK_UNKNOWN_MAX - 1].pkts, 4);
	assert_int_equal(sum.other_bytes, 2 * u.other_bytes);
	p = (struct packet){.frame = f.b, .wire = 60, .verdict = PACKET_OK, .ip_version = 4, .proto = 17, .payload_at = 14, .payload = 4};
	link_unknown_count(&sum, &p);
	assert_int_equal(sum.other_pkts, 2 * u.other_pkts);
	memset(&u, 0, sizeof(u));
	p.proto = 200;
	link_unknown_count(&u, &p);
	link_unknown_count(&u, &p);
	assert_int_equal(u.rows, 1);
	assert_int_equal(u.row[0].kind, LINK_UNKNOWN_IP_PROTOCOL);
	assert_int_equal(u.row[0].number, 200);
	assert_int_equal(u.row[0].pkts, 2);
	assert_int_equal(u.row[0].length, 4);
	u.other_pkts = 4 * LINK_UNKNOWN_MAX;
	p = frame_of(&f, 3, "\xe0\xe0\3" "0123456789012345678901234567890123456789012", 46, 0);
	link_unknown_count(&sum, &p); // nothing behind the header, no room: counted
	assert_int_equal(sum.other_pkts, 2 * u.other_pkts + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_kinds_are_told_apart),
		cmocka_unit_test(arp_of_other_kinds_and_lengths),
		cmocka_unit_test(stp_config),
		cmocka_unit_test(stp_rapid_and_pvst),
		cmocka_unit_test(stp_mst),
		cmocka_unit_test(stp_of_other_kinds),
		cmocka_unit_test(cdp_whole),
		cmocka_unit_test(cdp_lengths_that_lie),
		cmocka_unit_test(lldp_basic),
		cmocka_unit_test(lldp_organisations),
		cmocka_unit_test(lldp_ids),
		cmocka_unit_test(lldp_order_and_bounds),
		cmocka_unit_test(lldp_lengths_that_lie),
		cmocka_unit_test(cut_and_changed_everywhere),
		cmocka_unit_test(a_frame_has_addresses_and_one_verdict),
		cmocka_unit_test(unknown_numbers_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
