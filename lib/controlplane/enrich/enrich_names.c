#include "enrich/enrich_names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>


enum { TYPE_A = 1, TYPE_AAAA = 28, NONE = 0 }; // places plus one
enum { HOLDS_S_MIN = 3600, HOLDS_S_MAX = 86400 };

static const uint64_t second_ns = 1000000000;

struct name {
	uint32_t refs, len;
	char text[];
};

struct told {
	struct name *name;
	uint64_t from_ns, until_ns;
};

struct pair_key {
	uint8_t client[16], server[16];
	uint8_t ip_version;
};

struct pair {
	struct pair_key key;
	uint32_t next;         // of the same bucket
	uint32_t newer, older; // by their last answer
	struct told told[ENRICH_NAMES_TOLD]; // the latest first; name NULL: there are no more
};

struct enrich_names {
	uint64_t secret; // whom an address shares its bucket with is not for an attacker to choose
	uint32_t *bucket, buckets; // a power of two
	struct pair *pair;
	uint32_t newest, oldest;
	struct enrich_names_stats stats;
};

int enrich_names_create(uint32_t capacity, struct enrich_names **out)
{
	struct enrich_names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return -ENOMEM;
	for (n->buckets = 1; n->buckets < capacity;)
		n->buckets *= 2;
	n->stats.capacity = capacity;
	n->bucket = calloc(n->buckets, sizeof(*n->bucket));
	n->pair = calloc(capacity + 1u, sizeof(*n->pair));
	if (n->bucket == NULL || n->pair == NULL || getrandom(&n->secret, sizeof(n->secret), 0) < 0) {
		enrich_names_destroy(n);
		return -ENOMEM;
	}
	*out = n;
	return 0;
}

static void name_drop(struct name *name)
{
	if (name != NULL && --name->refs == 0)
		free(name);
}

static void told_drop(struct pair *p)
{
	for (unsigned i = 0; i < ENRICH_NAMES_TOLD; i++)
		name_drop(p->told[i].name);
	memset(p->told, 0, sizeof(p->told));
}

void enrich_names_destroy(struct enrich_names *n)
{
	if (n == NULL)
		return;
	for (uint64_t i = 0; i < n->stats.used; i++)
		told_drop(&n->pair[i]);
	free(n->pair);
	free(n->bucket);
	free(n);
}

void enrich_names_stats(const struct enrich_names *n, struct enrich_names_stats *out)
{
	*out = n->stats;
}

// ---- pairs ----

static uint32_t address_bytes(uint8_t ip_version)
{
	return ip_version == 4 ? 4 : 16;
}

static struct pair_key key_of(const uint8_t *client, const uint8_t *server, uint8_t ip_version)
{
	struct pair_key key = {.ip_version = ip_version};

	memcpy(key.client, client, address_bytes(ip_version));
	memcpy(key.server, server, address_bytes(ip_version));
	return key;
}

static uint32_t *bucket_of(const struct enrich_names *n, const struct pair_key *key)
{
	uint64_t word[4], h = n->secret;

	memcpy(word, key->client, sizeof(key->client));
	memcpy(word + 2, key->server, sizeof(key->server));
	for (unsigned i = 0; i < 4; i++) {
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return &n->bucket[h & (n->buckets - 1)];
}

static struct pair *pair_find(const struct enrich_names *n, const struct pair_key *key)
{
	for (uint32_t at = *bucket_of(n, key); at != NONE; at = n->pair[at - 1].next)
		if (memcmp(&n->pair[at - 1].key, key, sizeof(*key)) == 0)
			return &n->pair[at - 1];
	return NULL;
}

static void unlink_age(struct enrich_names *n, struct pair *p)
{
	*(p->newer != NONE ? &n->pair[p->newer - 1].older : &n->newest) = p->older;
	*(p->older != NONE ? &n->pair[p->older - 1].newer : &n->oldest) = p->newer;
}

static void link_newest(struct enrich_names *n, struct pair *p)
{
	uint32_t place = (uint32_t)(p - n->pair) + 1;

	p->newer = NONE;
	p->older = n->newest;
	*(n->newest != NONE ? &n->pair[n->newest - 1].newer : &n->oldest) = place;
	n->newest = place;
}

static struct pair *pair_evict(struct enrich_names *n)
{
	struct pair *p = &n->pair[n->oldest - 1];
	uint32_t *at = bucket_of(n, &p->key);

	while (&n->pair[*at - 1] != p)
		at = &n->pair[*at - 1].next;
	*at = p->next;
	unlink_age(n, p);
	told_drop(p);
	n->stats.evicted++;
	return p;
}

// That of the key, now the newest; a new one if there is none yet.
static struct pair *pair_take(struct enrich_names *n, const struct pair_key *key)
{
	struct pair *p = pair_find(n, key);
	uint32_t *bucket = bucket_of(n, key);

	if (p != NULL) {
		unlink_age(n, p);
	} else {
		p = n->stats.used < n->stats.capacity ? &n->pair[n->stats.used++] : pair_evict(n);
		p->key = *key;
		p->next = *bucket;
		*bucket = (uint32_t)(p - n->pair) + 1;
	}
	link_newest(n, p);
	return p;
}

// ---- answers ----

// In lower case: some resolvers' clients mix cases at random (draft-vixie-dnsext-dns0x20).
static struct name *name_make(const char *text, uint32_t len)
{
	struct name *name = malloc(sizeof(*name) + len);

	if (name == NULL)
		return NULL;
	name->refs = 1;
	name->len = len;
	for (uint32_t i = 0; i < len; i++)
		name->text[i] = (char)tolower((unsigned char)text[i]);
	return name;
}

// A name that was told last and still holds goes on to hold; another one comes before it.
static void told_add(struct pair *p, struct name *name, uint64_t time_ns, uint64_t until_ns)
{
	struct told *last = &p->told[0];

	if (last->name != NULL && time_ns <= last->until_ns && last->name->len == name->len &&
	    memcmp(last->name->text, name->text, name->len) == 0) {
		if (until_ns > last->until_ns)
			last->until_ns = until_ns;
		return;
	}
	name_drop(p->told[ENRICH_NAMES_TOLD - 1].name);
	memmove(&p->told[1], &p->told[0], sizeof(p->told) - sizeof(p->told[0]));
	name->refs++;
	p->told[0] = (struct told){name, time_ns, until_ns};
}

static bool address_read(const struct record_dns_answer *answer, const char *texts, uint8_t ip_version, uint8_t out[16])
{
	char text[INET6_ADDRSTRLEN];

	if (answer->rrtype != (ip_version == 4 ? TYPE_A : TYPE_AAAA) || answer->rdata.len >= sizeof(text))
		return false;
	memcpy(text, texts + answer->rdata.at, answer->rdata.len);
	text[answer->rdata.len] = '\0';
	return inet_pton(ip_version == 4 ? AF_INET : AF_INET6, text, out) == 1;
}

static uint64_t holds_ns(uint32_t ttl_s)
{
	return second_ns * (ttl_s < HOLDS_S_MIN ? HOLDS_S_MIN : ttl_s > HOLDS_S_MAX ? HOLDS_S_MAX : ttl_s);
}

// Whether the name asked for can be a server's.
static bool name_sound(const struct record_dns *dns, const char *texts)
{
	return dns->rrname.len > 0 && dns->rrname.len <= RECORD_HOSTNAME_MAX && (dns->rrname.len > 1 || texts[dns->rrname.at] != '.');
}

void enrich_names_learn(struct enrich_names *n, const struct record *r)
{
	const struct record_dns *dns = record_body_const(r);
	const char *texts = (const char *)dns + record_body_size(RECORD_DNS);
	const uint8_t *client = r->to_server ? r->ends.server : r->ends.client; // who is answered
	struct name *name;

	if (!dns->response || dns->rcode != 0 || dns->answers == 0 || r->ends.ip_version == 0 || n->stats.capacity == 0 ||
	    !name_sound(dns, texts) || (name = name_make(texts + dns->rrname.at, dns->rrname.len)) == NULL)
		return;
	for (unsigned i = 0; i < dns->answers && i < RECORD_DNS_ANSWERS_MAX; i++) {
		uint8_t address[16];
		struct pair_key key;

		if (!address_read(&dns->answer[i], texts, r->ends.ip_version, address))
			continue;
		key = key_of(client, address, r->ends.ip_version);
		told_add(pair_take(n, &key), name, r->time_ns, r->time_ns + holds_ns(dns->answer[i].ttl));
		n->stats.told++;
	}
	name_drop(name);
}

uint32_t enrich_names_find(const struct enrich_names *n, const struct record_ends *ends, uint64_t start_ns, const char **name)
{
	const struct pair *p;
	struct pair_key key;

	if (ends->ip_version == 0 || n->stats.used == 0)
		return 0;
	key = key_of(ends->client, ends->server, ends->ip_version);
	p = pair_find(n, &key);
	for (unsigned i = 0; p != NULL && i < ENRICH_NAMES_TOLD && p->told[i].name != NULL; i++) {
		const struct told *told = &p->told[i];

		if (told->from_ns > start_ns)
			continue;
		*name = told->name->text;
		return start_ns <= told->until_ns ? told->name->len : 0;
	}
	return 0;
}
