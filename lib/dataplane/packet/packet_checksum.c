// Sums are made of words as the machine reads them: a one's complement sum is the same in either byte order (RFC 1071 section 2).
// Short messages are summed by 64-bit additions with the carry brought round, long ones in vectors: two lanes are in the baseline
// of x86-64 and arm64 and in plain C elsewhere, four need AVX2, which is chosen at run time.
#include "packet/packet_checksum.h"

#include <endian.h>
#include <string.h>

#include "base/span.h"

enum { EXT_HOP_BY_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_AUTH = 51, EXT_DESTINATION = 60, EXT_MOBILITY = 135 };
enum { ROUTE_SOURCE = 0, ROUTE_HOME = 2, ROUTE_SEGMENTS = 4, OPTION_PAD1 = 0, OPTION_HOME = 0xc9, OPTIONS_MAX = 64 };
enum { VECTORS_FROM = 128 }; // bytes; below, vectors do not pay

const char *const packet_checksum_names[CHECKSUMS] = {
	[CHECKSUM_IPV4] = "ipv4", [CHECKSUM_TCP] = "tcp",       [CHECKSUM_UDP] = "udp",
	[CHECKSUM_ICMP] = "icmp", [CHECKSUM_ICMPV6] = "icmpv6", [CHECKSUM_IGMP] = "igmp",
};

const char *const packet_checksum_verdict_names[CHECKSUM_VERDICTS] = {
	[CHECKSUM_ABSENT] = "absent",
	[CHECKSUM_UNVERIFIED] = "unverified",
	[CHECKSUM_GOOD] = "good",
	[CHECKSUM_BAD] = "bad",
};

// ---- sums ----

static inline uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum + (sum < b);
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint64_t load32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint64_t load16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint64_t sum_words(const uint8_t *at, uint32_t n)
{
	uint64_t sum = 0, other = 0;

	for (; n >= 16; at += 16, n -= 16) { // two chains of carries
		sum = add(sum, load64(at));
		other = add(other, load64(at + 8));
	}
	sum = add(sum, other);
	if (n >= 8) {
		sum = add(sum, load64(at));
		at += 8;
		n -= 8;
	}
	if (n >= 4) {
		sum = add(sum, load32(at));
		at += 4;
		n -= 4;
	}
	if (n >= 2) {
		sum = add(sum, load16(at));
		at += 2;
		n -= 2;
	}
	return n > 0 ? add(sum, htobe16((uint16_t)(*at << 8))) : sum;
}

typedef uint64_t pair __attribute__((vector_size(16)));
typedef uint64_t quad __attribute__((vector_size(32)));

// Both halves of each 64-bit lane go to accumulators of 64 bits, which cannot overflow.
static uint64_t sum_baseline(const uint8_t *at, uint32_t n)
{
	pair low = {0}, high = {0}, low2 = {0}, high2 = {0}, v, v2;

	for (; n >= 32; at += 32, n -= 32) {
		memcpy(&v, at, sizeof(v));
		memcpy(&v2, at + 16, sizeof(v2));
		low += v & 0xffffffff;
		high += v >> 32;
		low2 += v2 & 0xffffffff;
		high2 += v2 >> 32;
	}
	low += high + low2 + high2;
	return add(low[0] + low[1], sum_words(at, n));
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *at, uint32_t n)
{
	quad low = {0}, high = {0}, v;

	for (; n >= 32; at += 32, n -= 32) {
		memcpy(&v, at, sizeof(v));
		low += v & 0xffffffff;
		high += v >> 32;
	}
	low += high;
	return add(low[0] + low[1] + low[2] + low[3], sum_words(at, n));
}
#endif

static inline uint64_t sum_of(const uint8_t *at, uint32_t n)
{
	if (n < VECTORS_FROM)
		return sum_words(at, n);
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return sum_avx2(at, n);
#endif
	return sum_baseline(at, n);
}

static inline uint16_t fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

uint16_t packet_checksum_sum(const uint8_t *bytes, uint32_t n)
{
	return be16toh(fold(sum_of(bytes, n)));
}

static uint64_t sum_short(const uint8_t *at, uint32_t n)
{
	return sum_words(at, n);
}

const struct packet_checksum_way *packet_checksum_way(unsigned i)
{
	static const struct packet_checksum_way ways[] = {
		{"words", sum_short},
		{"vectors", sum_baseline},
#if defined(__x86_64__)
		{"avx2", sum_avx2},
#endif
	};
	unsigned n = sizeof(ways) / sizeof(ways[0]);

#if defined(__x86_64__)
	if (!__builtin_cpu_supports("avx2"))
		n--;
#endif
	return i < n ? &ways[i] : NULL;
}

// ---- what is summed ----

static inline uint16_t be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint64_t sum_address6(const uint8_t *b)
{
	return add(load64(b), load64(b + 8));
}

// A layer 4 message, and what its checksum covers besides.
struct message {
	struct span s;     // from its first byte on
	uint32_t length;   // on the wire
	uint64_t ends;     // sum of source and destination
	bool whole;        // not a fragment: of those only the datagram that they are joined to has a message
	uint8_t ip_version, proto;
};

static inline enum packet_checksum_verdict verdict_of(uint64_t sum)
{
	return fold(sum) == 0xffff ? CHECKSUM_GOOD : CHECKSUM_BAD;
}

// n bytes of the message are covered, and `more` besides them.
static inline enum packet_checksum_verdict verify(struct message *m, uint32_t n, uint64_t more, unsigned known)
{
	const uint8_t *at = span_bytes(&m->s, n);

	if (at == NULL)
		return CHECKSUM_UNVERIFIED;
	if (known != 0)
		return (known & CHECKSUM_KNOWN_L4) != 0 ? CHECKSUM_GOOD : CHECKSUM_UNVERIFIED;
	return verdict_of(add(sum_of(at, n), more));
}

static inline uint64_t pseudo_header(const struct message *m, uint32_t n)
{
	return add(m->ends, (uint64_t)htobe32(n) + htobe16(m->proto));
}

static inline enum packet_checksum_verdict check_tcp(struct message *m, unsigned known)
{
	struct span s = m->s;
	const uint8_t *h = span_bytes(&s, 20);

	if (h == NULL || h[12] >> 4 < 5)
		return CHECKSUM_ABSENT;
	return verify(m, m->length, pseudo_header(m, m->length), known);
}

static inline enum packet_checksum_verdict check_udp(struct message *m, unsigned known)
{
	struct span s = m->s;
	const uint8_t *h = span_bytes(&s, 8);
	uint32_t length;

	if (h == NULL)
		return CHECKSUM_ABSENT;
	length = be16(h + 4);
	if (length == 0) // jumbogram or offload
		length = m->length;
	if (length < 8)
		return CHECKSUM_ABSENT;
	if (load16(h + 6) == 0)
		return m->ip_version == 4 ? CHECKSUM_ABSENT : (known & CHECKSUM_NOT_ASKED) != 0 ? CHECKSUM_UNVERIFIED : CHECKSUM_BAD;
	return verify(m, length, pseudo_header(m, length), known);
}

static inline enum packet_checksum_verdict check_icmp(struct message *m, uint64_t more, unsigned known)
{
	struct span s = m->s;

	return span_bytes(&s, 4) != NULL ? verify(m, m->length, more, known) : CHECKSUM_ABSENT;
}

static inline void check_message(struct message *m, unsigned known, struct packet_checksums *out)
{
	if (!m->whole)
		return;
	if (m->s.left > m->length) // padding
		m->s.left = m->length;
	if (m->proto == IP_TCP) {
		out->l4_proto = CHECKSUM_TCP;
		out->l4 = (uint8_t)check_tcp(m, known);
	} else if (m->proto == IP_UDP) {
		out->l4_proto = CHECKSUM_UDP;
		out->l4 = (uint8_t)check_udp(m, known);
	} else if (m->proto == IP_ICMPV6 && m->ip_version == 6) {
		out->l4_proto = CHECKSUM_ICMPV6;
		out->l4 = (uint8_t)check_icmp(m, pseudo_header(m, m->length), known);
	} else if ((m->proto == IP_ICMP || m->proto == IP_IGMP) && m->ip_version == 4) {
		out->l4_proto = m->proto == IP_ICMP ? CHECKSUM_ICMP : CHECKSUM_IGMP;
		out->l4 = (uint8_t)check_icmp(m, 0, known);
	}
}

// ---- IPv4 ----

static inline enum packet_checksum_verdict check_header4(const uint8_t *h, struct span *s, uint32_t header, unsigned known)
{
	uint64_t sum = add(load64(h), add(load64(h + 8), load32(h + 16)));

	if (header > 20) {
		const uint8_t *options = span_bytes(s, header - 20);

		if (options == NULL)
			return CHECKSUM_UNVERIFIED;
		sum = add(sum, sum_words(options, header - 20));
	}
	if (known != 0)
		return (known & CHECKSUM_KNOWN_IPV4) != 0 ? CHECKSUM_GOOD : CHECKSUM_UNVERIFIED;
	return verdict_of(sum);
}

static inline void check_ipv4(const struct packet *p, struct span s, unsigned known, struct packet_checksums *out)
{
	uint32_t at = p->src_at - 12u, header, total, fragment;
	struct message m;
	const uint8_t *h;

	span_bytes(&s, at);
	h = span_bytes(&s, 20);
	if (h == NULL)
		return;
	header = (uint32_t)(h[0] & 15) * 4;
	total = be16(h + 2);
	if (total == 0)
		total = p->wire - at;
	if (header < 20 || total < header)
		return;
	out->ipv4 = (uint8_t)check_header4(h, &s, header, known & (CHECKSUM_KNOWN_IPV4 | CHECKSUM_NOT_ASKED));
	fragment = be16(h + 6) & 0x3fff;
	m = (struct message){
		.s = s,
		.length = total - header,
		.ends = load32(h + 12) + load32(h + 16),
		.whole = fragment == 0,
		.ip_version = 4,
		.proto = h[9],
	};
	check_message(&m, known & (CHECKSUM_KNOWN_L4 | CHECKSUM_NOT_ASKED), out);
}

// ---- IPv6 ----

// Segments left: the last of the addresses is where the packet goes (with segment routing, RFC 8754, the first one listed).
static void routing_follow(const uint8_t *h, struct span *rest, const uint8_t **to)
{
	const uint8_t *addresses = span_bytes(rest, rest->left);
	uint32_t n = h[1] / 2u;

	if (addresses == NULL || h[3] == 0 || n == 0)
		return;
	if (h[2] == ROUTE_SOURCE || h[2] == ROUTE_HOME)
		*to = addresses + (n - 1) * 16u;
	else if (h[2] == ROUTE_SEGMENTS)
		*to = addresses;
}

// options: of a destination header, the first two bytes of which are gone.
static void home_address_find(struct span options, const uint8_t **from)
{
	for (unsigned i = 0; i < OPTIONS_MAX && options.left > 0; i++) {
		uint8_t type = span_u8(&options), length = type != OPTION_PAD1 ? span_u8(&options) : 0;
		const uint8_t *value = span_bytes(&options, length);

		if (type == OPTION_HOME && length == 16 && value != NULL)
			*from = value;
	}
}

// One extension header. False: behind it there is nothing to verify.
static bool extension_pass(struct message *m, const uint8_t **from, const uint8_t **to)
{
	struct span whole = m->s, rest;
	const uint8_t *h = span_bytes(&m->s, 8);
	uint32_t length;

	if (h == NULL)
		return false;
	length = m->proto == EXT_FRAGMENT ? 8 : m->proto == EXT_AUTH ? ((uint32_t)h[1] + 2) * 4 : ((uint32_t)h[1] + 1) * 8;
	if (length < 8 || length > m->length)
		return false;
	rest = span_take(&m->s, length - 8);
	if (!span_ok(&rest))
		return false;
	if (m->proto == EXT_ROUTING) {
		routing_follow(h, &rest, to);
	} else if (m->proto == EXT_DESTINATION) {
		whole = span_take(&whole, length);
		span_bytes(&whole, 2);
		home_address_find(whole, from);
	} else if (m->proto == EXT_FRAGMENT) {
		m->whole = (be16(h + 2) & 0xfff9) == 0;
	}
	m->proto = h[0];
	m->length -= length;
	return m->whole;
}

static bool extension(uint8_t proto)
{
	return proto == EXT_HOP_BY_HOP || proto == EXT_ROUTING || proto == EXT_FRAGMENT || proto == EXT_AUTH || proto == EXT_DESTINATION ||
	       proto == EXT_MOBILITY;
}

static inline void check_ipv6(const struct packet *p, struct span s, unsigned known, struct packet_checksums *out)
{
	uint32_t at = p->src_at - 8u;
	const uint8_t *h, *from, *to;
	struct message m;

	span_bytes(&s, at);
	h = span_bytes(&s, 40);
	if (h == NULL)
		return;
	from = h + 8;
	to = h + 24;
	m = (struct message){.s = s, .length = be16(h + 4), .whole = true, .ip_version = 6, .proto = h[6]};
	if (m.length == 0 && p->tunnels == 0 && p->wire > at + 40)
		m.length = p->wire - at - 40;
	for (unsigned i = 0; extension(m.proto); i++)
		if (i == PACKET_EXTENSIONS_MAX || !extension_pass(&m, &from, &to))
			return;
	m.ends = add(sum_address6(from), sum_address6(to));
	check_message(&m, known & (CHECKSUM_KNOWN_L4 | CHECKSUM_NOT_ASKED), out);
}

void packet_checksum(const struct packet *p, unsigned known, struct packet_checksums *out)
{
	struct span s = span_of(p->frame, p->captured);

	*out = (struct packet_checksums){.l4_proto = CHECKSUMS};
	if (p->ip_version == 4)
		check_ipv4(p, s, known, out);
	else if (p->ip_version == 6)
		check_ipv6(p, s, known, out);
}
