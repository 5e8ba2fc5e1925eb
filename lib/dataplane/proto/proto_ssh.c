// SSH, RFC 4253: one transaction a connection, of both version lines (section 4.2) and both KEXINIT messages (7.1): what each
// side offers as HASSH, and what they agree on. Behind KEXINIT nothing is read. Version 1 has its version lines only.
//
// The side whose KEXINIT comes first has its lists kept as texts until the other's is there.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"
#include "proto/proto_ssh_kex.h"

enum { VERSION_LINE_MAX = 512, LINES_BEFORE_MAX = 64, VERSION_MAX = 16, SOFTWARE_MAX = 255, LIST_MAX = 768, NAME_MAX_BYTES = 64 };
enum { PACKET_HEADER = 4, PACKET_MAX = 8192 };

struct ssh_side {
	struct record_text version, software, hassh, hassh_string;
};

struct ssh {
	struct ssh_side client, server;
	struct record_text chosen[SSH_KEX_CHOSEN];
	struct record_text offered[SSH_KEX_CHOSEN]; // by the side that was first; in no field
	bool offered_cut;
};

struct ssh_memory {
	bool rest[2], version[2], kex[2]; // by direction: an overlong line, the version line is there, KEXINIT is there
	bool first_version[2];            // of version 1
	uint8_t lines[2];                 // before the version line
};

struct ssh_call {
	struct span in;
	struct lines lines;
	struct l7 *l7;
	struct ssh *ssh;
	struct ssh_side *side;
	struct ssh_memory *memory;
	unsigned direction;
};

static const struct record_field fields[] = {
	{FIELD("client_proto_version", TEXT, ssh, client.version), IN("ssh.client", "proto_version")},
	{FIELD("client_software_version", TEXT, ssh, client.software), IN("ssh.client", "software_version")},
	{FIELD("client_hassh", TEXT, ssh, client.hassh), IN("ssh.client.hassh", "hash")},
	{FIELD("client_hassh_string", TEXT, ssh, client.hassh_string), IN("ssh.client.hassh", "string")},
	{FIELD("server_proto_version", TEXT, ssh, server.version), IN("ssh.server", "proto_version")},
	{FIELD("server_software_version", TEXT, ssh, server.software), IN("ssh.server", "software_version")},
	{FIELD("server_hassh", TEXT, ssh, server.hassh), IN("ssh.server.hassh", "hash")},
	{FIELD("server_hassh_string", TEXT, ssh, server.hassh_string), IN("ssh.server.hassh", "string")},
	{FIELD("kex_alg", TEXT, ssh, chosen[SSH_KEX]), IN("ssh", "kex_alg")},
	{FIELD("host_key_alg", TEXT, ssh, chosen[SSH_HOST_KEY]), IN("ssh", "host_key_alg")},
	{FIELD("cipher_alg", TEXT, ssh, chosen[SSH_CIPHER]), IN("ssh", "cipher_alg")},
	{FIELD("mac_alg", TEXT, ssh, chosen[SSH_MAC]), IN("ssh", "mac_alg")},
	{FIELD("compression_alg", TEXT, ssh, chosen[SSH_COMPRESSION]), IN("ssh", "compression_alg")},
	{0},
};

static const struct record_kind kind = {.event_type = "ssh", BODY(ssh), .client_first = true, .fields = fields};

static enum proto_verdict use(struct ssh_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->lines.from.left;
	return verdict;
}

// Nothing more of this direction matters.
static enum proto_verdict side_over(struct ssh_call *c)
{
	c->memory->version[c->direction] = c->memory->kex[c->direction] = true;
	if (c->memory->kex[!c->direction])
		return use(c, PROTO_DONE);
	c->l7->skip = UINT64_MAX;
	return use(c, PROTO_MORE);
}

// ---- version lines ----

// "SSH-2.0-software comments"; both parts may be NULL.
static bool version_read(struct span line, struct span *version, struct span *software)
{
	struct span number;

	if (!span_starts(line, "SSH-") || !text_sound(line))
		return false;
	span_bytes(&line, 4);
	if (!span_until(&line, '-', &number) || number.left < 3 || number.left > VERSION_MAX || number.at[1] != '.')
		return false;
	*version = number;
	*software = line;
	return number.at[0] >= '0' && number.at[0] <= '9' && number.at[2] >= '0' && number.at[2] <= '9';
}

static enum proto_verdict version_line(struct ssh_call *c, struct span line)
{
	struct ssh_memory *memory = c->memory;
	struct span version, software;

	if (!version_read(line, &version, &software)) {
		if (++memory->lines[c->direction] > LINES_BEFORE_MAX)
			return side_over(c);
		return use(c, PROTO_MORE);
	}
	c->l7->pending = true;
	c->side->version = l7_text(c->l7, version, VERSION_MAX);
	c->side->software = l7_text(c->l7, software, SOFTWARE_MAX);
	memory->version[c->direction] = true;
	if (span_starts(version, "1.") && !word_is(version, "1.99"))
		return side_over(c);
	return use(c, PROTO_MORE);
}

// ---- KEXINIT ----

static struct span offered_span(const struct ssh_call *c, unsigned i)
{
	return span_of(c->l7->text + c->ssh->offered[i].at, c->ssh->offered[i].len);
}

static void offered_keep(struct ssh_call *c, const struct ssh_kex *kex)
{
	for (unsigned i = 0; i < SSH_KEX_CHOSEN; i++) {
		c->ssh->offered[i] = l7_text(c->l7, kex->list[ssh_kex_list[i]], LIST_MAX);
		c->ssh->offered_cut = c->ssh->offered_cut || c->ssh->offered[i].len != kex->list[ssh_kex_list[i]].left;
	}
}

// With authenticated encryption there is no other MAC (RFC 5647; OpenSSH's PROTOCOL.chacha20poly1305).
static bool authenticates(struct span cipher)
{
	return text_has(cipher, "-gcm@openssh.com") || text_has(cipher, "chacha20-poly1305");
}

static void algorithms_choose(struct ssh_call *c, const struct ssh_kex *kex)
{
	struct span cipher = {0};

	if (c->ssh->offered_cut)
		return;
	for (unsigned i = 0; i < SSH_KEX_CHOSEN; i++) {
		struct span kept = offered_span(c, i), now = kex->list[ssh_kex_list[i]], name;

		name = c->direction == 0 ? ssh_kex_choose(now, kept) : ssh_kex_choose(kept, now);
		if (i == SSH_CIPHER)
			cipher = name;
		if (i != SSH_MAC || !authenticates(cipher))
			c->ssh->chosen[i] = l7_text(c->l7, name, NAME_MAX_BYTES);
	}
}

static void kexinit_tell(struct ssh_call *c, const struct ssh_kex *kex)
{
	char hash[SSH_HASSH_LENGTH], string[SSH_HASSH_STRING_MAX];
	uint32_t length = ssh_hassh(kex, c->direction == 0, hash, string);

	c->side->hassh = l7_text_bytes(c->l7, hash, sizeof(hash), sizeof(hash));
	c->side->hassh_string = l7_text_bytes(c->l7, string, length, SSH_HASSH_STRING_MAX);
}

static enum proto_verdict packet(struct ssh_call *c)
{
	struct span from = c->lines.from, payload;
	struct ssh_kex kex;
	uint32_t length;

	if (from.left < PACKET_HEADER)
		return use(c, PROTO_MORE);
	length = span_be32(&from);
	if (length > PACKET_MAX)
		return side_over(c);
	if (from.left < length)
		return use(c, PROTO_MORE);
	payload = span_take(&from, length);
	c->lines.from = from;
	if (!ssh_kex_read(payload, &kex))
		return side_over(c);
	c->l7->pending = true;
	if (c->memory->kex[!c->direction])
		algorithms_choose(c, &kex);
	else
		offered_keep(c, &kex);
	kexinit_tell(c, &kex);
	return side_over(c);
}

// ---- the stream ----

static enum proto_verdict begins(struct span in)
{
	struct span whole = in, line, version, software;

	if (span_until(&in, '\n', &line))
		return line.left < VERSION_LINE_MAX && version_read(line, &version, &software) ? PROTO_YES : PROTO_NO;
	if (whole.left < 4)
		return memcmp(whole.at, "SSH-", whole.left) == 0 ? PROTO_MORE : PROTO_NO;
	return whole.left < VERSION_LINE_MAX && span_starts(whole, "SSH-") ? PROTO_MORE : PROTO_NO;
}

static enum proto_verdict ssh_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct ssh_memory *memory = L7_MEMORY(l7, struct ssh_memory);
	struct ssh *ssh = L7_BODY(l7, struct ssh);
	unsigned direction = !hint->to_server;
	struct ssh_call c = {.in = in, .l7 = l7, .ssh = ssh, .memory = memory, .direction = direction};
	enum proto_verdict verdict;
	struct span line;

	c.side = hint->to_server ? &ssh->client : &ssh->server;
	c.lines = (struct lines){.from = in, .rest = &memory->rest[direction]};
	if (!hint->claimed && (verdict = begins(in)) != PROTO_YES)
		return verdict;
	if (memory->kex[direction])
		return side_over(&c);
	if (memory->version[direction])
		return packet(&c);
	return line_next(&c.lines, &line) ? version_line(&c, line) : use(&c, PROTO_MORE);
}

const struct proto_ops proto_ssh = {
	.name = "ssh",
	.title = "SSH",
	.spec = "RFC 4253",
	.l4 = PROTO_TCP,
	.ports = {22, 2222},
	.max_payloads = 3,
	.first = {{'S', 'S'}},
	.firsts = 1,
	.dissect = ssh_dissect,
	.kind = &kind,
};
