// Which packets are one flow: the 5-tuple and the VLAN ids, the lower end first, so that both directions have one key.
//
// IPv4 and IPv6 have tables and keys of their own: 16 bytes are one block of the hash and one compare, and most packets need no
// more. The hash is keyed with a secret drawn at start and is not linear: four AES rounds a block (at least 25 active S-boxes)
// where the CPU has them, else SipHash-1-3. A CRC, seeded or not, can be made to collide at will. Nothing that is output may
// depend on the hash.
#ifndef FLOW_FLOW_KEY_H
#define FLOW_FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/packet.h"
#include "record/record.h"

struct flow_key4 {
	uint32_t addr[2];  // network order
	uint16_t port[2];  // host order; port[i] belongs to addr[i]
	uint8_t proto;
	uint8_t vlan[3];   // two ids of 12 bits; in a virtual network they are mixed with its id
} __attribute__((aligned(16)));

struct flow_key6 {
	uint8_t addr[2][16];
	uint16_t port[2];
	uint8_t proto;
	uint8_t vlan[3];
	uint8_t zero[8]; // rte_hash compares 48 bytes faster than 40
} __attribute__((aligned(16)));

enum { FLOW_KEY6_USED = 40 }; // bytes of it before the padding

_Static_assert(sizeof(struct flow_key4) == 16 && sizeof(struct flow_key6) == 48, "rte_hash has fast compares for 16 and 48");

struct flow_secret {
	uint64_t word[10]; // 0..1: SipHash; all: AES round keys
};

// From getrandom(), or fixed when deterministic is set (replays; results do not depend on it, timings might).
void flow_secret_draw(struct flow_secret *secret, bool deterministic);

// What of a packet's surroundings is no part of its flow. In the same VLAN, and in the same virtual network of VXLAN, GENEVE or NVGRE,
// addresses mean the same hosts; where one side of a mirror port has other tags than the other they must not be asked.
enum flow_key_without { FLOW_KEY_WITHOUT_VLAN = 1, FLOW_KEY_WITHOUT_NETWORK = 2 };

// Builds the key. Returns 1 if the packet's source is end 1 of the key, else 0.
unsigned flow_key4_of(const struct packet *p, unsigned without, struct flow_key4 *key);
unsigned flow_key6_of(const struct packet *p, unsigned without, struct flow_key6 *key);

// One hash a key. The functions are chosen once by what the CPU can do; a burst at a time, so that the choice costs nothing.
struct flow_hash_ops {
	const char *name;
	void (*hash4)(const struct flow_secret *secret, const struct flow_key4 *keys, unsigned n, uint64_t *out);
	void (*hash6)(const struct flow_secret *secret, const struct flow_key6 *keys, unsigned n, uint64_t *out);
};

const struct flow_hash_ops *flow_hash_best(void);
extern const struct flow_hash_ops flow_hash_siphash;

// The ends as a record has them; client: which end of the key is the client.
void flow_key4_ends(const struct flow_key4 *key, unsigned client, struct record_ends *ends);
void flow_key6_ends(const struct flow_key6 *key, unsigned client, struct record_ends *ends);

#endif
