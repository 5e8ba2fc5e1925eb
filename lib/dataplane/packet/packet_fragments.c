// A table of datagrams being joined: chains of a small hash find one by its key, a list in the order of their begin says which time
// is over first. Data goes to its place in the datagram's buffer as it comes; the headers of the first fragment are put right in
// front of it, so that in the end there is one frame. An IPv6 fragment header stays in it and says that this is all (RFC 6946).
#include "packet/packet_fragments.h"

#include <string.h>

#include "base/span.h"

enum { NONE = UINT32_MAX, EXPIRE_VISITS = 4, DATA_MAX = 65536, BUFFER = PACKET_FRAGMENTS_HEADROOM + DATA_MAX, LINE = 64 };
enum { IPV6_HEADER = 40, FRAGMENT_HEADER = 8 };

const char *const packet_fragments_fates[FRAGMENTS_FATES] = {
	[FRAGMENTS_TIMEOUT] = "timeout",     [FRAGMENTS_EVICTED] = "evicted",     [FRAGMENTS_OVERLAP] = "overlap",
	[FRAGMENTS_SCATTERED] = "scattered", [FRAGMENTS_DUPLICATE] = "duplicate", [FRAGMENTS_CUT] = "cut",
	[FRAGMENTS_UNSOUND] = "unsound",     [FRAGMENTS_LOST] = "lost",
};

struct key {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint16_t vlan[PACKET_VLANS];
	uint8_t ip_version, proto, tunnels, tunnel_kind;
	uint32_t tunnel_id;
};

enum state { FREE, JOINING, REFUSED, HANDED };

struct range {
	uint32_t from, to;
};

struct datagram {
	struct key key;
	uint8_t state;           // enum state
	_Atomic bool given_back; // of a handed one
	uint32_t bucket, chain;  // next in the bucket
	uint32_t older, newer;
	uint64_t first_ns;       // clock of the first fragment
	uint32_t pkts, bytes;    // frames held, as on the wire
	uint32_t total;          // bytes of data, 0: the last fragment has not come
	uint32_t certain;        // the capture had all bytes before this one
	uint32_t ranges;
	struct range range[PACKET_FRAGMENTS_RANGES]; // sorted, with gaps between them
	bool headed;             // the fragment with the headers has come:
	struct packet head;
};

struct packet_fragments {
	struct packet_fragments_config config;
	struct packet_fragments_counters counters;
	uint32_t buckets;        // a power of two
	uint32_t free, oldest, newest, handed; // lists; handed ones are chained by newer
	uint32_t joining, away;  // in the table; handed ones
	struct datagram *datagram;
	uint32_t *bucket;
	uint8_t *buffer;
};

// ---- memory ----

static uint64_t lines(uint64_t bytes)
{
	return (bytes + LINE - 1) / LINE * LINE;
}

static uint32_t buckets_for(uint32_t datagrams)
{
	uint32_t n = 1;

	while (n < datagrams && n < 1u << 31)
		n *= 2;
	return n;
}

static uint64_t places(const struct packet_fragments_config *config)
{
	return (uint64_t)config->datagrams + config->away;
}

uint64_t packet_fragments_bytes(const struct packet_fragments_config *config)
{
	return lines(sizeof(struct packet_fragments)) + lines(sizeof(struct datagram) * places(config)) +
	       lines(sizeof(uint32_t) * (uint64_t)buckets_for(config->datagrams)) + places(config) * BUFFER;
}

struct packet_fragments *packet_fragments_init(void *memory, const struct packet_fragments_config *config)
{
	struct packet_fragments *f = memory;
	uint8_t *at = (uint8_t *)memory + lines(sizeof(*f));

	*f = (struct packet_fragments){.config = *config, .buckets = buckets_for(config->datagrams), .oldest = NONE, .newest = NONE,
				       .handed = NONE, .free = NONE};
	f->datagram = (struct datagram *)at;
	at += lines(sizeof(struct datagram) * places(config));
	f->bucket = (uint32_t *)at;
	f->buffer = at + lines(sizeof(uint32_t) * (uint64_t)f->buckets);
	for (uint32_t i = 0; i < f->buckets; i++)
		f->bucket[i] = NONE;
	for (uint32_t i = (uint32_t)places(config); i-- > 0;) {
		f->datagram[i] = (struct datagram){.state = FREE, .newer = f->free};
		f->free = i;
	}
	return f;
}

struct packet_fragments_counters *packet_fragments_counters(struct packet_fragments *f)
{
	return &f->counters;
}

static uint8_t *data_of(const struct packet_fragments *f, uint32_t place)
{
	return f->buffer + (uint64_t)place * BUFFER + PACKET_FRAGMENTS_HEADROOM;
}

// ---- lists ----

static uint32_t bucket_of(const struct packet_fragments *f, const struct key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint64_t hash = f->config.secret;

	for (size_t i = 0; i + 4 <= sizeof(*key); i += 4) {
		uint32_t word;

		memcpy(&word, bytes + i, sizeof(word));
		hash = (hash ^ word) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash & (f->buckets - 1);
}

static uint32_t find(const struct packet_fragments *f, const struct key *key, uint32_t bucket)
{
	uint32_t place = f->bucket[bucket];

	while (place != NONE && memcmp(&f->datagram[place].key, key, sizeof(*key)) != 0)
		place = f->datagram[place].chain;
	return place;
}

static void list_put(struct packet_fragments *f, uint32_t place)
{
	struct datagram *d = &f->datagram[place];

	d->chain = f->bucket[d->bucket];
	f->bucket[d->bucket] = place;
	f->joining++;
	d->older = f->newest;
	d->newer = NONE;
	*(f->newest != NONE ? &f->datagram[f->newest].newer : &f->oldest) = place;
	f->newest = place;
}

static void list_take(struct packet_fragments *f, uint32_t place)
{
	struct datagram *d = &f->datagram[place];
	uint32_t *link = &f->bucket[d->bucket];

	while (*link != place)
		link = &f->datagram[*link].chain;
	*link = d->chain;
	f->joining--;
	*(d->older != NONE ? &f->datagram[d->older].newer : &f->oldest) = d->newer;
	*(d->newer != NONE ? &f->datagram[d->newer].older : &f->newest) = d->older;
}

static void free_put(struct packet_fragments *f, uint32_t place)
{
	f->datagram[place].state = FREE;
	f->datagram[place].newer = f->free;
	f->free = place;
}

// ---- what becomes of frames ----

static void fate(struct packet_fragments_counters *c, enum packet_fragments_fate what, uint64_t pkts, uint64_t bytes)
{
	c->fate_pkts[what] += pkts;
	c->fate_bytes[what] += bytes;
}

void packet_fragments_count(struct packet_fragments_counters *c, const struct packet *p, enum packet_fragments_fate what)
{
	fate(c, what, p->joined_pkts, p->joined_bytes);
}

// The frame itself and those that it stands for.
static void frame_fate(struct packet_fragments *f, struct packet *p, enum packet_fragments_fate what)
{
	fate(&f->counters, what, 1 + (uint64_t)p->joined_pkts, (uint64_t)p->wire + p->joined_bytes);
}

static void held_forget(struct packet_fragments *f, struct datagram *d)
{
	f->counters.waiting_pkts -= d->pkts;
	f->counters.waiting_bytes -= d->bytes;
	d->pkts = d->bytes = 0;
}

static void give_up(struct packet_fragments *f, uint32_t place, enum packet_fragments_fate what)
{
	struct datagram *d = &f->datagram[place];

	fate(&f->counters, what, d->pkts, d->bytes);
	held_forget(f, d);
	list_take(f, place);
	free_put(f, place);
}

// The key stays until its time is over: what is still to come of it is refused as well.
static void refuse(struct packet_fragments *f, struct datagram *d, struct packet *p, enum packet_fragments_fate what)
{
	fate(&f->counters, what, d->pkts, d->bytes);
	held_forget(f, d);
	d->state = REFUSED;
	frame_fate(f, p, what);
}

static bool over(const struct packet_fragments *f, const struct datagram *d, uint64_t clock_ns)
{
	return d->first_ns + f->config.timeout_ns < clock_ns;
}

void packet_fragments_expire(struct packet_fragments *f, uint64_t clock_ns)
{
	for (unsigned i = 0; i < EXPIRE_VISITS && f->oldest != NONE && over(f, &f->datagram[f->oldest], clock_ns); i++)
		give_up(f, f->oldest, FRAGMENTS_TIMEOUT);
}

// ---- places ----

void packet_fragments_give_back(struct packet_fragments *f, uint32_t place)
{
	atomic_store_explicit(&f->datagram[place].given_back, true, memory_order_release);
}

static void reclaim(struct packet_fragments *f)
{
	uint32_t *link = &f->handed;

	while (*link != NONE) {
		uint32_t place = *link;
		struct datagram *d = &f->datagram[place];

		if (atomic_load_explicit(&d->given_back, memory_order_acquire)) {
			*link = d->newer;
			free_put(f, place);
			f->away--;
		} else {
			link = &d->newer;
		}
	}
}

uint32_t packet_fragments_away(struct packet_fragments *f)
{
	if (f->away > 0)
		reclaim(f);
	return f->away;
}

// NONE: all are on their way to somebody.
static uint32_t place_new(struct packet_fragments *f)
{
	uint32_t place;

	if (f->joining == f->config.datagrams)
		give_up(f, f->oldest, FRAGMENTS_EVICTED);
	if (f->free == NONE)
		reclaim(f);
	if (f->free == NONE && f->oldest != NONE)
		give_up(f, f->oldest, FRAGMENTS_EVICTED);
	place = f->free;
	if (place != NONE)
		f->free = f->datagram[place].newer;
	return place;
}

static void key_fill(const struct packet *p, struct key *key)
{
	struct span s = span_of(p->frame, p->captured);
	uint32_t length = p->ip_version == 4 ? 4 : 16;

	memset(key, 0, sizeof(*key));
	span_bytes(&s, p->src_at);
	memcpy(key->src, span_bytes(&s, length), length); // decoded: both addresses are there
	memcpy(key->dst, span_bytes(&s, length), length);
	key->id = p->fragment_id;
	key->ip_version = p->ip_version;
	key->proto = p->ip_version == 4 ? p->proto : 0; // of IPv6 only the first fragment's counts
	for (unsigned i = 0; i < p->vlans; i++)
		key->vlan[i] = p->vlan[i];
	key->tunnels = p->tunnels;
	key->tunnel_kind = p->tunnels > 0 ? p->outer.kind : 0;
	key->tunnel_id = p->tunnels > 0 && p->outer.id_known ? p->outer.id : 0;
}

static uint32_t place_of(struct packet_fragments *f, const struct packet *p)
{
	struct key key;
	uint32_t bucket, place;

	key_fill(p, &key);
	bucket = bucket_of(f, &key);
	place = find(f, &key, bucket);
	if (place != NONE && over(f, &f->datagram[place], p->clock_ns)) {
		give_up(f, place, FRAGMENTS_TIMEOUT);
		place = NONE;
	}
	if (place != NONE)
		return place;
	place = place_new(f);
	if (place == NONE)
		return NONE;
	f->datagram[place] = (struct datagram){.key = key, .state = JOINING, .bucket = bucket, .first_ns = p->clock_ns, .certain = UINT32_MAX};
	list_put(f, place);
	return place;
}

// ---- joining ----

enum fit { FITS, REPEATS, OVERLAPS, SCATTERS };

// Where [from, to) goes among what is there. *at: before which range.
static enum fit fit_of(const struct datagram *d, uint32_t from, uint32_t to, bool last, uint32_t *at)
{
	uint32_t i = 0, end = d->ranges > 0 ? d->range[d->ranges - 1].to : 0;

	if ((last && (end > to || (d->total != 0 && d->total != to))) || (d->total != 0 && to > d->total))
		return OVERLAPS;
	while (i < d->ranges && d->range[i].to <= from)
		i++;
	*at = i;
	if (i == d->ranges || to <= d->range[i].from)
		return d->ranges < PACKET_FRAGMENTS_RANGES || (i > 0 && d->range[i - 1].to == from) || (i < d->ranges && d->range[i].from == to)
			       ? FITS : SCATTERS;
	return from >= d->range[i].from && to <= d->range[i].to ? REPEATS : OVERLAPS;
}

static void range_put(struct datagram *d, uint32_t at, uint32_t from, uint32_t to)
{
	bool before = at > 0 && d->range[at - 1].to == from, behind = at < d->ranges && d->range[at].from == to;

	if (before && behind) {
		d->range[at - 1].to = d->range[at].to;
		d->ranges--;
		memmove(&d->range[at], &d->range[at + 1], (d->ranges - at) * sizeof(d->range[0]));
	} else if (before) {
		d->range[at - 1].to = to;
	} else if (behind) {
		d->range[at].from = from;
	} else {
		memmove(&d->range[at + 1], &d->range[at], (d->ranges - at) * sizeof(d->range[0]));
		d->range[at] = (struct range){from, to};
		d->ranges++;
	}
}

static bool says_the_same(const struct packet_fragments *f, uint32_t place, const struct packet *p)
{
	uint32_t from = p->fragment_from, certain = f->datagram[place].certain, n = p->payload;

	if (from + n > certain) // what was there first was cut by the capture
		n = certain > from ? certain - from : 0;
	return memcmp(data_of(f, place) + from, p->frame + p->payload_at, n) == 0;
}

static void data_keep(struct packet_fragments *f, uint32_t place, const struct packet *p)
{
	struct datagram *d = &f->datagram[place];

	memcpy(data_of(f, place) + p->fragment_from, p->frame + p->payload_at, p->payload);
	if (p->payload < p->payload_wire && p->fragment_from + p->payload < d->certain)
		d->certain = p->fragment_from + p->payload;
	if (p->fragment_last)
		d->total = p->fragment_from + p->payload_wire;
	if (p->fragment_from == 0) {
		d->headed = true;
		d->head = *p;
		memcpy(data_of(f, place) - p->payload_at, p->frame, p->payload_at);
	}
	d->pkts += 1 + p->joined_pkts;
	d->bytes += p->wire + p->joined_bytes;
	f->counters.waiting_pkts += 1 + (uint64_t)p->joined_pkts;
	f->counters.waiting_bytes += (uint64_t)p->wire + p->joined_bytes;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// The headers as if the datagram had come whole. A length that no field can hold is 0: then the frame decides.
static void headers_mend(uint8_t *frame, const struct packet *head, uint32_t total)
{
	uint8_t *ip = frame + head->l3_at;
	uint32_t length = head->payload_at - head->l3_at + total;

	if (head->ip_version == 4) {
		put16(ip + 2, length <= UINT16_MAX ? length : 0);
		put16(ip + 6, 0);
	} else {
		length -= IPV6_HEADER;
		put16(ip + 4, length <= UINT16_MAX ? length : 0);
		put16(frame + head->payload_at - FRAGMENT_HEADER + 2, 0);
	}
}

static void whole_make(struct packet_fragments *f, uint32_t place, struct packet *p)
{
	struct datagram *d = &f->datagram[place];
	uint32_t total = d->total, certain = d->certain < total ? d->certain : total;
	struct packet last = *p;

	*p = d->head;
	p->frame = data_of(f, place) - p->payload_at;
	headers_mend((uint8_t *)data_of(f, place) - p->payload_at, &d->head, total);
	p->captured = p->payload_at + certain;
	if (p->captured > PACKET_FRAGMENTS_FRAME_MAX)
		p->captured = PACKET_FRAGMENTS_FRAME_MAX;
	p->wire = p->payload_at + total;
	packet_decode_joined(p);
	p->wire = last.wire;
	p->wire_known = last.wire_known;
	p->time_ns = last.time_ns;
	p->clock_ns = last.clock_ns;
	p->joined_pkts = d->pkts - 1;
	p->joined_bytes = d->bytes - last.wire;
}

static void hand_out(struct packet_fragments *f, uint32_t place)
{
	struct datagram *d = &f->datagram[place];

	held_forget(f, d);
	list_take(f, place);
	d->state = HANDED;
	atomic_store_explicit(&d->given_back, false, memory_order_relaxed);
	d->newer = f->handed;
	f->handed = place;
	f->away++;
	f->counters.datagrams++;
}

// What speaks against taking this fragment; FRAGMENTS_FATES: nothing.
static enum packet_fragments_fate objection(const struct packet_fragments *f, uint32_t place, const struct packet *p, uint32_t *at)
{
	const struct datagram *d = &f->datagram[place];

	if (d->state == REFUSED)
		return FRAGMENTS_OVERLAP;
	if ((p->fragment_from == 0 && p->payload_at > PACKET_FRAGMENTS_HEADROOM) ||
	    (uint64_t)d->bytes + p->wire + p->joined_bytes > UINT32_MAX)
		return FRAGMENTS_SCATTERED;
	switch (fit_of(d, p->fragment_from, p->fragment_from + p->payload_wire, p->fragment_last, at)) {
	case FITS:
		return FRAGMENTS_FATES;
	case REPEATS:
		return says_the_same(f, place, p) ? FRAGMENTS_DUPLICATE : FRAGMENTS_OVERLAP;
	case SCATTERS:
		return FRAGMENTS_SCATTERED;
	default:
		return FRAGMENTS_OVERLAP;
	}
}

bool packet_fragments_take(struct packet_fragments *f, struct packet *p, uint32_t *out)
{
	enum packet_fragments_fate against;
	struct datagram *d;
	uint32_t place, at;

	p->verdict = PACKET_FRAGMENT;
	if (p->payload_at == 0) {
		frame_fate(f, p, FRAGMENTS_CUT);
		return false;
	}
	place = place_of(f, p);
	if (place == NONE) {
		frame_fate(f, p, FRAGMENTS_EVICTED);
		return false;
	}
	d = &f->datagram[place];
	against = objection(f, place, p, &at);
	if (against != FRAGMENTS_FATES) {
		if (d->state == REFUSED || against == FRAGMENTS_DUPLICATE)
			frame_fate(f, p, against);
		else
			refuse(f, d, p, against);
		return false;
	}
	range_put(d, at, p->fragment_from, p->fragment_from + p->payload_wire);
	data_keep(f, place, p);
	if (!d->headed || d->total == 0 || d->range[0].from != 0 || d->range[0].to != d->total)
		return false;
	whole_make(f, place, p);
	hand_out(f, place);
	*out = place;
	return true;
}
