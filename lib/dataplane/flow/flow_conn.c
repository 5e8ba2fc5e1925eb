// Zeek's conn_state and history: the states that its TCP endpoints go through, and letters for what happened.
//
// Letters: s SYN, h SYN-ACK, a pure ACK, d data, f FIN, r RST, t sent again, w zero window, g a gap, i FIN with RST, q SYN with FIN or
// RST, ^ the first packet came from the server; capitals for the client. s, h and r again if the sequence number is another one, f if
// it lies further on; all others once a direction (Zeek repeats t, w and g at the tenth, hundredth, ...). Zeek's c and x are not told.
#include "flow/flow_tcp.h"

enum { LETTER_BITS = 5, LETTER_MASK = 31, OF_SERVER = 16 };

static const char letters[] = "?SHADFRTWGIQ^"; // code: place in here, OF_SERVER added

static unsigned letter_code(unsigned dir, char letter)
{
	unsigned code = 0;

	while (letters[code] != letter)
		code++;
	return dir == 0 || letter == '^' ? code : code + OF_SERVER;
}

static void letter_add(struct flow_tcp_cold *c, unsigned dir, char letter)
{
	for (unsigned i = 0; i < FLOW_TCP_HISTORY_MAX; i++) {
		if ((c->history >> i * LETTER_BITS & LETTER_MASK) == 0) {
			c->history |= (uint64_t)letter_code(dir, letter) << i * LETTER_BITS;
			return;
		}
	}
}

bool flow_conn_has(const struct flow_tcp_cold *c, unsigned dir, char letter)
{
	unsigned code = letter_code(dir, letter);

	for (uint64_t left = c->history; left != 0; left >>= LETTER_BITS)
		if ((left & LETTER_MASK) == code)
			return true;
	return false;
}

void flow_conn_letter(struct flow_tcp_cold *c, unsigned dir, char letter)
{
	if (!flow_conn_has(c, dir, letter))
		letter_add(c, dir, letter);
}

unsigned flow_conn_history_put(const struct flow_tcp_cold *c, char *out)
{
	unsigned n = 0;

	for (uint64_t left = c->history; left != 0; left >>= LETTER_BITS) {
		char letter = letters[left & (OF_SERVER - 1)];

		out[n++] = (left & OF_SERVER) != 0 ? (char)(letter | 0x20) : letter;
	}
	return n;
}

// A SYN-ACK after a SYN of the same end and number is no letter of its own: a simultaneous open is "Ss...".
static void history_syn(struct flow_tcp_cold *c, unsigned dir, const struct packet *p)
{
	bool seen = (c->flags & (uint32_t)FLOW_TCP_SYN_SEEN << dir) != 0;

	if (!seen || c->isn[dir] != p->tcp_seq)
		letter_add(c, dir, (p->tcp_flags & TCP_ACK) != 0 ? 'H' : 'S');
}

static void history_rst(struct flow_tcp_cold *c, unsigned dir, const struct packet *p)
{
	if (!flow_conn_has(c, dir, 'R') || c->rst_seq[dir] != (uint16_t)p->tcp_seq)
		letter_add(c, dir, 'R');
	c->rst_seq[dir] = (uint16_t)p->tcp_seq;
}

void flow_conn_history(struct flow_tcp_cold *c, unsigned dir, const struct packet *p, bool known, int32_t advances)
{
	switch (p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) {
	case 0:
		if (p->payload_wire > 0)
			flow_conn_letter(c, dir, 'D');
		else if ((p->tcp_flags & TCP_ACK) != 0)
			flow_conn_letter(c, dir, 'A');
		break;
	case TCP_SYN:
		history_syn(c, dir, p);
		break;
	case TCP_FIN:
		if (!flow_conn_has(c, dir, 'F') || advances > 0)
			letter_add(c, dir, 'F');
		break;
	case TCP_RST:
		history_rst(c, dir, p);
		break;
	case TCP_FIN | TCP_RST:
	case TCP_FIN | TCP_RST | TCP_SYN:
		flow_conn_letter(c, dir, 'I');
		break;
	default:
		flow_conn_letter(c, dir, 'Q');
	}
	if (p->tcp_window == 0 && (p->tcp_flags & TCP_RST) == 0 && c->conn[!dir] != CONN_CLOSED && c->conn[dir] != CONN_RESET)
		flow_conn_letter(c, dir, 'W');
	if (known && advances <= 0 && p->payload_wire > 0 && (p->tcp_flags & TCP_RST) == 0)
		flow_conn_letter(c, dir, 'T');
}

// ---- states ----

static void inactive_syn(struct flow_tcp_cold *c, unsigned dir, uint8_t flags)
{
	if (dir == 0) {
		c->conn[0] = (flags & TCP_ACK) != 0 ? CONN_SYN_ACK_SENT : CONN_SYN_SENT;
		return;
	}
	if (c->conn[0] == CONN_SYN_SENT)
		c->conn[0] = CONN_ESTABLISHED;
	c->conn[1] = CONN_ESTABLISHED;
}

static void inactive_move(struct flow_tcp_cold *c, unsigned dir, const struct packet *p)
{
	if ((p->tcp_flags & TCP_SYN) != 0)
		inactive_syn(c, dir, p->tcp_flags);
	if ((p->tcp_flags & TCP_FIN) != 0)
		c->conn[dir] = CONN_CLOSED;
	if ((p->tcp_flags & TCP_RST) != 0)
		c->conn[dir] = CONN_RESET;
	if (c->conn[dir] != CONN_INACTIVE)
		return;
	if (dir == 1 && p->payload_wire == 0 && c->conn[0] == CONN_SYN_SENT) // some acknowledge a SYN before they answer it
		return;
	c->conn[dir] = (p->tcp_flags & TCP_ACK) != 0 && c->conn[!dir] == CONN_ESTABLISHED ? CONN_ESTABLISHED : CONN_PARTIAL;
}

static void open_move(struct flow_tcp_cold *c, unsigned dir, uint8_t flags)
{
	uint32_t after_fin = (uint32_t)FLOW_TCP_RESET_CLOSED;

	if ((flags & TCP_SYN) != 0 && c->conn[dir] == CONN_PARTIAL && c->conn[!dir] == CONN_INACTIVE && (flags & TCP_ACK) == 0)
		c->conn[dir] = CONN_SYN_SENT;
	if ((flags & (TCP_FIN | TCP_RST)) == TCP_FIN) {
		c->conn[dir] = CONN_CLOSED;
		if (c->conn[!dir] == CONN_RESET && (c->flags & after_fin << !dir) != 0)
			c->conn[!dir] = CONN_CLOSED; // a FIN, then a RST: both have said that they are through
	}
	if ((flags & TCP_RST) != 0)
		c->conn[dir] = CONN_RESET;
}

void flow_conn_move(struct flow_tcp_cold *c, unsigned dir, const struct packet *p)
{
	switch ((enum flow_conn)c->conn[dir]) {
	case CONN_INACTIVE:
		inactive_move(c, dir, p);
		break;
	case CONN_SYN_SENT:
	case CONN_SYN_ACK_SENT:
		if ((p->tcp_flags & TCP_FIN) != 0)
			c->conn[dir] = CONN_CLOSED;
		if ((p->tcp_flags & TCP_RST) != 0)
			c->conn[dir] = CONN_RESET;
		break;
	case CONN_PARTIAL:
	case CONN_ESTABLISHED:
		open_move(c, dir, p->tcp_flags);
		break;
	case CONN_CLOSED:
		if ((p->tcp_flags & TCP_RST) != 0 && c->conn[!dir] != CONN_CLOSED) {
			c->conn[dir] = CONN_RESET;
			c->flags |= (uint32_t)FLOW_TCP_RESET_CLOSED << dir;
		}
		break;
	case CONN_RESET:
		break;
	}
}

// The client sent a SYN and then a RST, and nothing else of note between them.
static bool gave_up_after_syn(const struct flow_tcp_cold *c)
{
	uint64_t left = c->history;
	bool syn = false;

	if ((left & LETTER_MASK) == letter_code(0, '^'))
		left >>= LETTER_BITS;
	for (; left != 0; left >>= LETTER_BITS) {
		char letter = (left & OF_SERVER) != 0 ? '?' : letters[left & LETTER_MASK];

		if (!syn && letter != 'S')
			return false;
		syn = true;
		if (letter == 'R')
			return true;
		if (letter == 'H' || letter == 'A' || letter == 'F' || letter == 'G' || letter == 'I' || letter == 'Q')
			return false;
	}
	return false;
}

enum flow_conn_state flow_conn_state(const struct flow_tcp_cold *c)
{
	enum flow_conn client = c->conn[0], server = c->conn[1];
	bool no_client = client <= CONN_PARTIAL, no_server = server <= CONN_PARTIAL;
	bool data = flow_conn_has(c, 0, 'D') || flow_conn_has(c, 1, 'D');

	if (server == CONN_RESET) {
		if (client == CONN_SYN_SENT || client == CONN_SYN_ACK_SENT || (client == CONN_RESET && !data))
			return CONN_STATE_REJ;
		return no_client ? CONN_STATE_RSTRH : CONN_STATE_RSTR;
	}
	if (client == CONN_RESET)
		return !no_server ? CONN_STATE_RSTO : gave_up_after_syn(c) ? CONN_STATE_RSTOS0 : CONN_STATE_OTH;
	if (client == CONN_CLOSED && server == CONN_CLOSED)
		return CONN_STATE_SF;
	if (client == CONN_CLOSED)
		return no_server ? CONN_STATE_SH : CONN_STATE_S2;
	if (server == CONN_CLOSED)
		return no_client ? CONN_STATE_SHR : CONN_STATE_S3;
	if (client == CONN_SYN_SENT && server == CONN_INACTIVE)
		return CONN_STATE_S0;
	return client == CONN_ESTABLISHED && server == CONN_ESTABLISHED ? CONN_STATE_S1 : CONN_STATE_OTH;
}
