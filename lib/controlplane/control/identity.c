#include "control/identity.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "packet/packet.h"

enum { INPUT_MAX = 2 + 16 + 16 + 2 + 4, FLOW_ID_BITS = 51 }; // an id that JSON numbers keep exactly

// Whether an ICMP type has one that answers it: then the flow has two directions and its ends are put in order.
static bool icmp_two_way(uint8_t proto, uint16_t type)
{
	if (proto == IP_ICMP)
		return type == 0 || type == 8 || (type >= 13 && type <= 18) || type == 9 || type == 10;
	return (type >= 128 && type <= 136 && type != 132) || type == 139 || type == 140 || type == 144 || type == 145;
}

static bool has_ports(uint8_t proto)
{
	return proto == IP_TCP || proto == IP_UDP || proto == IP_SCTP || proto == IP_ICMP || proto == IP_ICMPV6;
}

static bool ends_in_order(const struct record_ends *e, int address_bytes)
{
	bool icmp = e->proto == IP_ICMP || e->proto == IP_ICMPV6;
	int order = memcmp(e->client, e->server, (size_t)address_bytes);

	if (icmp && !icmp_two_way(e->proto, e->client_port))
		return true;
	return order < 0 || (order == 0 && e->client_port <= e->server_port);
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static size_t input_make(const struct record_ends *e, uint8_t *out)
{
	int n = e->ip_version == 4 ? 4 : 16;
	bool in_order = ends_in_order(e, n);
	uint16_t low = in_order ? e->client_port : e->server_port, high = in_order ? e->server_port : e->client_port;
	uint8_t *at = out;

	*at++ = 0; // seed
	*at++ = 0;
	at = put(at, in_order ? e->client : e->server, (size_t)n);
	at = put(at, in_order ? e->server : e->client, (size_t)n);
	*at++ = e->proto;
	*at++ = 0;
	if (has_ports(e->proto)) {
		*at++ = (uint8_t)(low >> 8);
		*at++ = (uint8_t)low;
		*at++ = (uint8_t)(high >> 8);
		*at++ = (uint8_t)high;
	}
	return (size_t)(at - out);
}

// One digest context for the one thread of control: looking the algorithm up anew costs more than the hash.
static bool sha1(const uint8_t *bytes, size_t n, uint8_t out[20])
{
	static EVP_MD_CTX *context;
	static EVP_MD *algorithm;

	if (context == NULL) {
		context = EVP_MD_CTX_new();
		algorithm = EVP_MD_fetch(NULL, "SHA1", NULL);
	}
	return EVP_DigestInit_ex2(context, algorithm, NULL) == 1 && EVP_DigestUpdate(context, bytes, n) == 1 &&
	       EVP_DigestFinal_ex(context, out, NULL) == 1;
}

// Of the packet that an ICMP error is about, so that the error is found beside its flow.
static void quoted_fill(struct record_icmp *icmp)
{
	uint8_t input[INPUT_MAX];

	if (icmp->quoted.ip_version != 0 && (icmp->quoted_ports || !has_ports(icmp->quoted.proto)))
		sha1(input, input_make(&icmp->quoted, input), icmp->quoted_community_id);
}

void identity_fill(struct record *r)
{
	uint8_t input[INPUT_MAX];
	uint64_t id;

	if (r->type == RECORD_ICMP)
		quoted_fill(record_body(r));
	if (r->ends.ip_version == 0 || !sha1(input, input_make(&r->ends, input), r->community_id))
		return;
	memcpy(&id, r->community_id, sizeof(id));
	id ^= (r->start_ns ^ (uint64_t)r->ends.vlan[0] << 48 ^ (uint64_t)r->ends.vlan[1] << 32) * 0x9e3779b97f4a7c15ull;
	id = (id ^ id >> 29) * 0xbf58476d1ce4e5b9ull;
	r->flow_id = (id ^ id >> 32) & ((1ull << FLOW_ID_BITS) - 1);
}
