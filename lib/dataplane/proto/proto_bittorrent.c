// BitTorrent: BEP 3 (peers over TCP), BEP 29 (the same over uTP, that is UDP), BEP 15 (trackers over UDP), BEP 14 (peers of the same
// link), BEP 20 (peer ids). A connection of peers begins with a handshake from each side: what is asked for, and who asks. Nothing
// behind it is looked at. uTP without a handshake is told by two packets, one each way, that belong together.
#include "proto/proto_list.h"

#include <strings.h>

#include "base/text.h"

struct bittorrent {
	uint8_t message; // enum message
	struct record_text info_hash, peer_id, client;
	uint16_t extensions; // enum extension
};

struct memory {
	bool seen[2]; // the handshake of a side: to server, to client
};

enum message { HANDSHAKE, ANNOUNCE, SCRAPE, LOCAL_SEARCH };
enum extension { DHT = 1, FAST = 4, EXTENDED = 16 };
enum { NAME_BYTES = 20, RESERVED_BYTES = 8, HASH_BYTES = 20, PEER_BYTES = 20, HANDSHAKE_BYTES = 68, CLIENT_ROOM = 48 };
enum { UTP_VERSION = 1, UTP_STATE = 2, UTP_SYN = 4, UTP_EXTENSIONS_MAX = 4, UTP_NEAR = 32 };
enum { CONNECT_BYTES = 16, ANNOUNCE_BYTES = 98, SCRAPE_BYTES = 36, ACTION_ANNOUNCE = 1, ACTION_SCRAPE = 2 };

static const uint32_t connect_magic[] = {0x417, 0x27101980}; // of a tracker
static const char *const messages[] = {"handshake", "announce", "scrape", "local_search"};

static const struct record_field fields[] = {
	{FIELD("message", NAME8, bittorrent, message), IN("bittorrent", "message"), NAMES(messages)},
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

static void hash_read(struct l7 *l7, struct span *in)
{
	char hex[2 * HASH_BYTES];
	struct text_builder b = text_builder(hex, sizeof(hex));

	text_put_hex(&b, span_bytes(in, HASH_BYTES), HASH_BYTES);
	L7_BODY(l7, struct bittorrent)->info_hash = l7_text_bytes(l7, hex, (uint32_t)b.used, sizeof(hex));
}

static void peer_read(struct l7 *l7, struct span *in)
{
	struct bittorrent *bittorrent = L7_BODY(l7, struct bittorrent);
	struct span peer = span_take(in, PEER_BYTES);
	char name[CLIENT_ROOM];
	struct text_builder client = text_builder(name, sizeof(name));

	client_put(&client, peer);
	bittorrent->peer_id = l7_text(l7, peer, 4 * PEER_BYTES);
	bittorrent->client = l7_text_bytes(l7, name, (uint32_t)client.used, CLIENT_ROOM);
}

static void handshake_read(struct l7 *l7, struct span in)
{
	const uint8_t *reserved;

	span_bytes(&in, NAME_BYTES);
	reserved = span_bytes(&in, RESERVED_BYTES);
	L7_BODY(l7, struct bittorrent)->extensions = (uint16_t)((reserved[7] & (DHT | FAST)) | (reserved[5] & EXTENDED));
	hash_read(l7, &in);
	peer_read(l7, &in);
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

// ---- over UDP ----

struct utp {
	uint8_t type;
	uint16_t connection, number, acknowledged;
	uint32_t window;
};

// The bytes behind a header of uTP and its extensions; false if it is none.
static bool utp_read(struct span *in, struct utp *utp)
{
	uint8_t first = span_u8(in), extension = span_u8(in);

	utp->type = first >> 4;
	utp->connection = span_be16(in);
	span_be32(in); // two clocks
	span_be32(in);
	utp->window = span_be32(in);
	utp->number = span_be16(in);
	utp->acknowledged = span_be16(in);
	for (unsigned i = 0; extension != 0; i++) {
		if (i == UTP_EXTENSIONS_MAX || extension > UTP_EXTENSIONS_MAX)
			return false;
		extension = span_u8(in);
		span_bytes(in, span_u8(in));
	}
	return span_ok(in) && (first & 15) == UTP_VERSION && utp->type <= UTP_SYN && utp->connection != 0;
}

// Whether this packet goes the other way of one that had this connection and number. The answer to a SYN bears its connection; from
// then on those of the two ways differ by one.
static bool utp_belongs(const struct utp *utp, uint16_t connection, uint16_t number)
{
	uint16_t apart = (uint16_t)(utp->connection - connection), behind = (uint16_t)(number - utp->acknowledged + UTP_NEAR);

	if (connection == 0)
		return false;
	if (apart == 0)
		return utp->type == UTP_STATE && utp->acknowledged == number;
	return (apart == 1 || apart == UINT16_MAX) && behind <= 2 * UTP_NEAR && utp->window != 0;
}

static enum proto_verdict over_utp(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct utp utp;

	if (!utp_read(&in, &utp))
		return PROTO_NO;
	if (handshake_is(in)) {
		handshake_read(l7, in);
		return PROTO_YES;
	}
	if (hint->claimed)
		return PROTO_MORE;
	if (utp_belongs(&utp, (uint16_t)(*hint->note >> 16), (uint16_t)*hint->note))
		l7->used = 1; // claims: what is said comes with the next datagrams
	*hint->note = (uint32_t)utp.connection << 16 | utp.number;
	return PROTO_MORE;
}

// A tracker is first asked for a connection; what proves it is the number that each such question begins with.
static enum proto_verdict to_tracker(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct bittorrent *bittorrent = L7_BODY(l7, struct bittorrent);
	uint32_t bytes = in.left, high = span_be32(&in), low = span_be32(&in), action = span_be32(&in);

	span_be32(&in); // transaction
	if (!hint->claimed) {
		l7->used = bytes;
		return bytes == CONNECT_BYTES && high == connect_magic[0] && low == connect_magic[1] && action == 0 ? PROTO_MORE : PROTO_NO;
	}
	if (!hint->to_server || !((action == ACTION_ANNOUNCE && bytes >= ANNOUNCE_BYTES) || (action == ACTION_SCRAPE && bytes >= SCRAPE_BYTES)))
		return PROTO_NO;
	bittorrent->message = action == ACTION_ANNOUNCE ? ANNOUNCE : SCRAPE;
	hash_read(l7, &in);
	if (action == ACTION_ANNOUNCE)
		peer_read(l7, &in);
	return PROTO_YES;
}

// "BT-SEARCH * HTTP/1.1" and lines, one of which has what is looked for.
static enum proto_verdict local_search(struct span in, struct l7 *l7)
{
	struct bittorrent *bittorrent = L7_BODY(l7, struct bittorrent);
	static const char name[] = "Infohash:";
	struct span line;

	while (span_until(&in, '\n', &line)) {
		if (line.left < sizeof(name) - 1 || strncasecmp((const char *)line.at, name, sizeof(name) - 1) != 0)
			continue;
		span_bytes(&line, sizeof(name) - 1);
		bittorrent->message = LOCAL_SEARCH;
		bittorrent->info_hash = l7_text(l7, span_trim(line), 2 * HASH_BYTES);
		return PROTO_YES;
	}
	return PROTO_NO;
}

static enum proto_verdict bittorrent_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	if (hint->l4 == PROTO_TCP)
		return over_tcp(in, hint, l7);
	if (span_starts(in, "BT-SEARCH * HTTP/1.1\r\n"))
		return local_search(in, l7);
	return in.left > 0 && (in.at[0] & 15) == UTP_VERSION && (in.at[0] >> 4) <= UTP_SYN ? over_utp(in, hint, l7) : to_tracker(in, hint, l7);
}

const struct proto_ops proto_bittorrent = {
	.name = "bittorrent",
	.title = "BitTorrent",
	.spec = "BEP 3, BEP 14, BEP 15, BEP 20, BEP 29",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {6881, 51413},
	.max_payloads = 16,
	.first = {{0x13, 0x13}, {0, 0}, {'B', 'B'}, {0x01, 0x01}, {0x11, 0x11}, {0x21, 0x21}, {0x31, 0x31}, {0x41, 0x41}},
	.firsts = 8,
	.dissect = bittorrent_dissect,
	.kind = &kind,
};
