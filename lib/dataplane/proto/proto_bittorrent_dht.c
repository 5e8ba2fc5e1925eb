// The distributed hash table of BitTorrent, BEP 5: bencoded dictionaries over UDP. A message has keys in order, of which "t" (its
// transaction) and "y" (query, response or error) are always there and "a" or "r" holds a node id of twenty bytes; that is the proof.
#include "proto/proto_list.h"

#include "base/text.h"

struct bittorrent_dht {
	struct record_text transaction_id, client_version, request_type, id, target, info_hash, error_text;
	struct record_text response_id;
	uint32_t port, error_number, nodes, values;
};

enum { MESSAGE_MIN = 20, ID_BYTES = 20, NODE_BYTES = 26, NODE6_BYTES = 38, ITEMS_MAX = 128, DEPTH_MAX = 4, DIGITS_MAX = 10, TEXT_MAX = 64 };

#define DHT_ID(key, member) {FIELD(key, TEXT, bittorrent_dht, member), IN("bittorrent_dht.request", key)}

static const struct record_field fields[] = {
	{FIELD("transaction_id", TEXT, bittorrent_dht, transaction_id), IN("bittorrent_dht", "transaction_id")},
	{FIELD("client_version", TEXT, bittorrent_dht, client_version), IN("bittorrent_dht", "client_version")},
	{FIELD("request_type", TEXT, bittorrent_dht, request_type), IN("bittorrent_dht", "request_type")},
	DHT_ID("id", id),
	DHT_ID("target", target),
	DHT_ID("info_hash", info_hash),
	{FIELD("request_port", U32, bittorrent_dht, port), IN("bittorrent_dht.request", "port"), .flags = FIELD_OMIT_ZERO},
	{FIELD("response_id", TEXT, bittorrent_dht, response_id), IN("bittorrent_dht.response", "id")},
	{FIELD("nodes", U32, bittorrent_dht, nodes), IN("bittorrent_dht.response", "nodes"), .flags = FIELD_OMIT_ZERO},
	{FIELD("values", U32, bittorrent_dht, values), IN("bittorrent_dht.response", "values"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error_num", U32, bittorrent_dht, error_number), IN("bittorrent_dht.error", "num"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error_msg", TEXT, bittorrent_dht, error_text), IN("bittorrent_dht.error", "msg")},
	{0},
};

static const struct record_kind kind = {.event_type = "bittorrent_dht", BODY(bittorrent_dht), .fields = fields};

// ---- bencode ----

// "4:spam". False, and the span poisoned or not moved to any use, if it is none.
static bool string_read(struct span *in, struct span *string)
{
	uint32_t length = 0;
	uint8_t c = span_u8(in);
	unsigned digits = 0;

	for (; c >= '0' && c <= '9' && digits < DIGITS_MAX; digits++, c = span_u8(in))
		length = length * 10 + (c - '0');
	if (digits == 0 || digits == DIGITS_MAX || c != ':')
		return false;
	*string = span_take(in, length);
	return span_ok(in);
}

// "i42e"; a negative one counts as zero.
static bool number_read(struct span *in, uint32_t *number)
{
	uint8_t c = span_u8(in);
	bool negative = false;

	*number = 0;
	for (unsigned digits = 0; (c = span_u8(in)) != 'e'; digits++) {
		negative |= c == '-' && digits == 0;
		if ((c < '0' || c > '9') && !(c == '-' && digits == 0))
			return false;
		if (digits == DIGITS_MAX + 10)
			return false;
		*number = *number * 10 + (uint32_t)(c == '-' ? 0 : c - '0');
	}
	if (negative)
		*number = 0;
	return true;
}

// Passes over a value of any kind. *count: of a list, how many are in it.
static bool value_skip(struct span *in, uint32_t *count)
{
	unsigned depth = 0;
	struct span string;
	uint32_t number;

	*count = 0;
	for (unsigned items = 0; items < ITEMS_MAX; items++) {
		uint8_t c = in->left > 0 ? in->at[0] : 0;

		if (c == 'd' || c == 'l') {
			span_bytes(in, 1);
			if (++depth > DEPTH_MAX)
				return false;
			continue;
		}
		if (c == 'e' && depth > 0) {
			span_bytes(in, 1);
			depth--;
		} else if (c == 'i' ? !number_read(in, &number) : !string_read(in, &string)) {
			return false;
		} else {
			*count += depth == 1;
		}
		if (depth == 0)
			return true;
	}
	return false;
}

// ---- the message ----

static struct record_text hex_text(struct l7 *l7, struct span id)
{
	char hex[2 * ID_BYTES];
	struct text_builder b = text_builder(hex, sizeof(hex));

	text_put_hex(&b, id.at, id.left < ID_BYTES ? id.left : ID_BYTES);
	return l7_text_bytes(l7, hex, (uint32_t)b.used, sizeof(hex));
}

static bool key_is(struct span key, const char *name)
{
	return key.left == strlen(name) && span_starts(key, name);
}

// One key of the dictionary of arguments or results. *proved: an id of the right length is in it.
static bool argument_read(struct l7 *l7, struct bittorrent_dht *dht, struct span key, struct span *in, bool response, bool *proved)
{
	struct span string;
	uint32_t count;

	if (key_is(key, "port"))
		return number_read(in, &dht->port);
	if (key_is(key, "values"))
		return value_skip(in, &dht->values);
	if (!(key_is(key, "id") || key_is(key, "target") || key_is(key, "info_hash") || key_is(key, "nodes") || key_is(key, "nodes6")))
		return value_skip(in, &count);
	if (!string_read(in, &string))
		return false;
	if (key_is(key, "nodes"))
		dht->nodes += string.left / NODE_BYTES;
	else if (key_is(key, "nodes6"))
		dht->nodes += string.left / NODE6_BYTES;
	else if (string.left != ID_BYTES)
		return false;
	else if (key_is(key, "id"))
		*(response ? &dht->response_id : &dht->id) = hex_text(l7, string);
	else
		*(key_is(key, "target") ? &dht->target : &dht->info_hash) = hex_text(l7, string);
	*proved |= key_is(key, "id");
	return true;
}

static bool arguments_read(struct l7 *l7, struct bittorrent_dht *dht, struct span *in, bool response, bool *proved)
{
	struct span key;

	if (span_u8(in) != 'd')
		return false;
	for (unsigned i = 0; i < ITEMS_MAX && in->left > 0; i++) {
		if (in->at[0] == 'e') {
			span_bytes(in, 1);
			return true;
		}
		if (!string_read(in, &key) || !argument_read(l7, dht, key, in, response, proved))
			return false;
	}
	return false;
}

// "li201e5:Oopse"
static bool error_read(struct l7 *l7, struct bittorrent_dht *dht, struct span *in)
{
	struct span text;

	if (span_u8(in) != 'l' || !number_read(in, &dht->error_number) || !string_read(in, &text) || span_u8(in) != 'e')
		return false;
	dht->error_text = l7_text(l7, text, TEXT_MAX);
	return true;
}

struct proof {
	bool id, transaction;
	uint8_t kind; // 'q', 'r' or 'e'
};

static bool entry_read(struct l7 *l7, struct bittorrent_dht *dht, struct span key, struct span *in, struct proof *proof)
{
	struct span string;
	uint32_t count;

	if (key_is(key, "a") || key_is(key, "r"))
		return arguments_read(l7, dht, in, key_is(key, "r"), &proof->id);
	if (key_is(key, "e"))
		return error_read(l7, dht, in);
	if (!(key_is(key, "q") || key_is(key, "t") || key_is(key, "v") || key_is(key, "y")))
		return value_skip(in, &count);
	if (!string_read(in, &string))
		return false;
	if (key_is(key, "q"))
		dht->request_type = l7_text(l7, string, TEXT_MAX);
	else if (key_is(key, "v"))
		dht->client_version = l7_text(l7, string, TEXT_MAX);
	else if (key_is(key, "y"))
		proof->kind = string.left == 1 ? string.at[0] : 0;
	else
		dht->transaction_id = hex_text(l7, string);
	proof->transaction |= key_is(key, "t");
	return true;
}

static enum proto_verdict bittorrent_dht_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct bittorrent_dht *dht = L7_BODY(l7, struct bittorrent_dht);
	struct proof proof = {.kind = 0};
	struct span key;

	(void)hint;
	if (in.left < MESSAGE_MIN || span_u8(&in) != 'd')
		return PROTO_NO;
	for (unsigned i = 0; i < ITEMS_MAX && in.left > 0 && in.at[0] != 'e'; i++)
		if (!string_read(&in, &key) || !entry_read(l7, dht, key, &in, &proof))
			return PROTO_NO;
	if (in.left == 0 || !proof.transaction)
		return PROTO_NO;
	if (proof.kind == 'e' ? dht->error_number != 0 : (proof.kind == 'q' || proof.kind == 'r') && proof.id)
		return PROTO_YES;
	return PROTO_NO;
}

const struct proto_ops proto_bittorrent_dht = {
	.name = "bittorrent-dht",
	.title = "BitTorrent DHT",
	.spec = "BEP 5",
	.l4 = PROTO_UDP,
	.ports = {6881, 51413},
	.max_payloads = 1,
	.first = {{'d', 'd'}},
	.firsts = 1,
	.dissect = bittorrent_dht_dissect,
	.kind = &kind,
};
