// BitTorrent: BEP 3 (peers over TCP), BEP 29 (the same over uTP, that is UDP), BEP 20 (peer ids). A connection begins with a
// handshake from each side: what is asked for, and who asks. Nothing behind it is looked at.
#include "proto/proto_list.h"

#include "base/text.h"

struct bittorrent {
	struct record_text info_hash, peer_id, client;
	uint16_t extensions; // enum extension
};

struct memory {
	bool seen[2]; // the handshake of a side: to server, to client
};

enum extension { DHT = 1, FAST = 4, EXTENDED = 16 };
enum { NAME_BYTES = 20, RESERVED_BYTES = 8, HASH_BYTES = 20, PEER_BYTES = 20, HANDSHAKE_BYTES = 68, CLIENT_ROOM = 48 };
enum { UTP_HEAD = 20, UTP_VERSION = 1, UTP_STATE = 2, UTP_SYN = 4, UTP_EXTENSIONS_MAX = 4 };

static const struct record_field fields[] = {
	{FIELD("info_hash", TEXT, bittorrent, info_hash), IN("bittorrent", "info_hash")},
	{FIELD("peer_id", TEXT, bittorrent, peer_id), IN("bittorrent", "peer_id")},
	{FIELD("client", TEXT, bittorrent, client), IN("bittorrent", "client")},
	{FIELD("dht", BIT16, bittorrent, extensions), IN("bittorrent", "dht"), .bit = DHT},
	{FIELD("fast", BIT16, bittorrent, extensions), IN("bittorrent", "fast"), .bit = FAST},
	{FIELD("extended", BIT16, bittorrent, extensions), IN("bittorrent", "extended"), .bit = EXTENDED},
	{0},
};

static const struct record_kind kind = {.event_type = "bittorrent", BODY(bittorrent), .fields = fields};

// The commonest of BEP 20 and what its authors say.
static const struct {
	char letters[3];
	const char *name;
} clients[] = {
	{"AZ", "Vuze"}, {"BC", "BitComet"}, {"BI", "BiglyBT"}, {"BT", "BitTorrent"}, {"DE", "Deluge"}, {"FD", "Free Download Manager"},
	{"KT", "KTorrent"}, {"LT", "libtorrent (Rasterbar)"}, {"lt", "libTorrent (Rakshasa)"}, {"qB", "qBittorrent"}, {"TL", "Tribler"},
	{"TR", "Transmission"}, {"TX", "Tixati"}, {"UM", "uTorrent for Mac"}, {"UT", "uTorrent"}, {"WW", "WebTorrent"}, {"XL", "Xunlei"},
};

static bool version_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// "-TR2940-" and twelve bytes: name and version. aria2 writes "A2-1-36-0-".
static void client_put(struct text_builder *b, struct span peer)
{
	const uint8_t *id = peer.at;

	if (span_starts(peer, "A2-")) {
		text_put(b, "aria2");
		return;
	}
	if (id[0] != '-' || id[7] != '-')
		return;
	for (unsigned i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (id[1] == (uint8_t)clients[i].letters[0] && id[2] == (uint8_t)clients[i].letters[1])
			text_put(b, clients[i].name);
	if (b->used == 0)
		return;
	for (unsigned i = 3; i < 7 && version_digit(id[i]); i++) {
		text_put(b, i == 3 ? " " : ".");
		text_put_bytes(b, &id[i], 1);
	}
}

// Whether `in` begins with a handshake; all of it has to be there.
static bool handshake_is(struct span in)
{
	static const char protocol[] = "\x13" "BitTorrent protocol";

	return in.left >= HANDSHAKE_BYTES && span_starts(in, protocol);
}

static void handshake_read(struct l7 *l7, struct span in)
{
	struct bittorrent *bittorrent = L7_BODY(l7, struct bittorrent);
	char hex[2 * HASH_BYTES], name[CLIENT_ROOM];
	struct text_builder b = text_builder(hex, sizeof(hex)), client = text_builder(name, sizeof(name));
	const uint8_t *reserved;
	struct span peer;

	span_bytes(&in, NAME_BYTES);
	reserved = span_bytes(&in, RESERVED_BYTES);
	bittorrent->extensions = (uint16_t)((reserved[7] & (DHT | FAST)) | (reserved[5] & EXTENDED));
	text_put_hex(&b, span_bytes(&in, HASH_BYTES), HASH_BYTES);
	bittorrent->info_hash = l7_text_bytes(l7, hex, (uint32_t)b.used, sizeof(hex));
	peer = span_take(&in, PEER_BYTES);
	client_put(&client, peer);
	bittorrent->peer_id = l7_text(l7, peer, 4 * PEER_BYTES);
	bittorrent->client = l7_text_bytes(l7, name, (uint32_t)client.used, CLIENT_ROOM);
}

static enum proto_verdict over_tcp(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *memory = L7_MEMORY(l7, struct memory);
	bool *seen = memory->seen;

	if (seen[!hint->to_server]) { // messages; the other side has not spoken yet
		l7->used = in.left;
		return PROTO_MORE;
	}
	if (in.left < HANDSHAKE_BYTES && in.at[0] == 0x13 && (in.left < 2 || in.at[1] == 'B'))
		return PROTO_MORE;
	if (!handshake_is(in))
		return PROTO_NO;
	handshake_read(l7, in);
	seen[!hint->to_server] = true;
	l7->used = HANDSHAKE_BYTES;
	l7->pending = true;
	return seen[0] && seen[1] ? PROTO_DONE : PROTO_YES;
}

// The bytes behind a header of uTP and its extensions; false if it is none. *connection: its id.
static bool utp_read(struct span *in, uint8_t *type, uint16_t *connection)
{
	uint8_t first = span_u8(in), extension = span_u8(in);

	*type = first >> 4;
	*connection = span_be16(in);
	span_bytes(in, UTP_HEAD - 4);
	for (unsigned i = 0; extension != 0; i++) {
		if (i == UTP_EXTENSIONS_MAX || extension > UTP_EXTENSIONS_MAX)
			return false;
		extension = span_u8(in);
		span_bytes(in, span_u8(in));
	}
	return span_ok(in) && (first & 15) == UTP_VERSION && *type <= UTP_SYN;
}

// The answer to a SYN bears the same connection id, with nothing behind it.
static enum proto_verdict over_utp(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	uint16_t connection;
	uint8_t type;

	if (!utp_read(&in, &type, &connection))
		return PROTO_NO;
	if (handshake_is(in)) {
		handshake_read(l7, in);
		return PROTO_YES;
	}
	if (hint->claimed)
		return PROTO_MORE;
	if (type == UTP_SYN && in.left == 0) {
		*hint->note = 1u << 16 | connection;
		return PROTO_MORE;
	}
	if (type == UTP_STATE && in.left == 0 && *hint->note == (1u << 16 | connection))
		l7->used = 1; // claims: what is said comes with the next datagrams
	return PROTO_MORE;
}

static enum proto_verdict bittorrent_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	return hint->l4 == PROTO_TCP ? over_tcp(in, hint, l7) : over_utp(in, hint, l7);
}

const struct proto_ops proto_bittorrent = {
	.name = "bittorrent",
	.title = "BitTorrent",
	.spec = "BEP 3, BEP 20, BEP 29",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {6881, 51413},
	.max_payloads = 16,
	.first = {{0x13, 0x13}, {0x01, 0x01}, {0x11, 0x11}, {0x21, 0x21}, {0x31, 0x31}, {0x41, 0x41}},
	.firsts = 6,
	.dissect = bittorrent_dissect,
	.kind = &kind,
};
