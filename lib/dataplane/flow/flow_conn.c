// Zeek's conn_state and history: the states that its TCP endpoints go through, and letters for what happened.
//
// Letters: s SYN, h SYN-ACK, a pure ACK, d data, f FIN, r RST, t sent again, w zero window, g a gap, i FIN with RST, q SYN with FIN or
// RST, ^ the first packet came from the server; capitals for the client. s and h again if the sequence number is another one, f and r
// if it lies further on; all others once a direction (Zeek repeats t, w and g at the tenth, hundredth, ...). Zeek's c and x are not told.
#include "flow/flow_tcp.h"

#include <string.h>

enum { LETTER_BITS = 5, LETTER_MASK = 31, OF_SERVER = 16, LETTERS_A_WORD = FLOW_TCP_HISTORY_MAX / 2 };

static const char letters[] = "?SHADFRTWGIQ^"; // code: place in here, OF_SERVER added

static unsigned letter_code(unsigned dir, char letter)
{
	unsigned code = 0;

	while (letters[code] != letter)
		code++;
	return dir == 0 || letter == '^' ? code : code + OF_SERVER;
}

// 0 behind the last one.
static inline unsigned code_at(const struct flow_tcp_cold *c, unsigned i)
{
	return i < FLOW_TCP_HISTORY_MAX ? c->history[i / LETTERS_A_WORD] >> i % LETTERS_A_WORD * LETTER_BITS & LETTER_MASK : 0;
}

static void letter_add(struct flow_tcp_cold *c, unsigned dir, char letter)
{
	unsigned i = 0;

	while (code_at(c, i) != 0)
		i++;
	if (i < FLOW_TCP_HISTORY_MAX)
		c->history[i / LETTERS_A_WORD] |= letter_code(dir, letter) << i % LETTERS_A_WORD * LETTER_BITS;
}

bool flow_conn_has(const struct flow_tcp_cold *c, unsigned dir, char letter)
{
	unsigned wanted = letter_code(dir, letter), code;

	for (unsigned i = 0; (code = code_at(c, i)) != 0; i++)
		if (code == wanted)
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
	unsigned n = 0, code;

	for (; (code = code_at(c, n)) != 0; n++) {
		char letter = letters[code & (OF_SERVER - 1)];

		out[n] = letter != '^' && (code & OF_SERVER) != 0 ? (char)(letter | 0x20) : letter;
	}
	return n;
}

// A SYN-ACK after a SYN of the same end and number is no letter of its own: a simultaneous open is "Ss...".
static void history_syn(struct flow_tcp_cold *c, unsigned dir, const struct packet *p, const struct flow_tcp *t)
{
	bool seen = (c->flags & (uint32_t)FLOW_TCP_SYN_SEEN << dir) != 0;

	if (!seen || t->isn[dir] != (uint16_t)p->tcp_seq)
		letter_add(c, dir, (p->tcp_flags & TCP_ACK) != 0 ? 'H' : 'S');
}

void flow_conn_history(struct flow_tcp_cold *c, unsigned dir, const struct packet *p, const struct flow_tcp *t)
{
	bool known = (t->plain & FLOW_TCP_KNOWS_SEQ << dir) != 0, fin = (p->tcp_flags & TCP_FIN) != 0;
	int32_t advances = (int32_t)(p->tcp_seq + p->payload_wire + fin - t->end[dir].next_seq);

	if (p->payload_wire > 0 && (p->tcp_flags & TCP_RST) == 0 && flow_conn(c, dir) != CONN_RESET)
		c->flags |= FLOW_TCP_DATA;
	switch (p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) {
	case 0:
		if (p->payload_wire > 0)
			flow_conn_letter(c, dir, 'D');
		else if ((p->tcp_flags & TCP_ACK) != 0)
			flow_conn_letter(c, dir, 'A');
		break;
	case TCP_SYN:
		history_syn(c, dir, p, t);
		break;
	case TCP_FIN:
		if (!flow_conn_has(c, dir, 'F') || advances > 0)
			letter_add(c, dir, 'F');
		break;
	case TCP_RST:
		if (!flow_conn_has(c, dir, 'R') || advances > 0)
			letter_add(c, dir, 'R');
		break;
	case TCP_FIN | TCP_RST:
	case TCP_FIN | TCP_RST | TCP_SYN:
		flow_conn_letter(c, dir, 'I');
		break;
	default:
		flow_conn_letter(c, dir, 'Q');
	}
	if (p->tcp_window == 0 && (p->tcp_flags & TCP_RST) == 0 && flow_conn(c, !dir) != CONN_CLOSED && flow_conn(c, dir) != CONN_RESET)
		flow_conn_letter(c, dir, 'W');
	if (known && advances <= 0 && p->payload_wire > 0 && (p->tcp_flags & (TCP_RST | TCP_SYN)) == 0 && flow_conn(c, dir) != CONN_RESET)
		flow_conn_letter(c, dir, 'T');
}

// ---- states ----

static void conn_set(struct flow_tcp_cold *c, unsigned end, enum flow_conn conn)
{
	c->state[end] = (uint8_t)((c->state[end] & ~(unsigned)FLOW_TCP_CONN_MASK) | conn);
}

static void inactive_syn(struct flow_tcp_cold *c, unsigned dir, uint8_t flags)
{
	if (dir == 0) {
		conn_set(c, 0, (flags & TCP_ACK) != 0 ? CONN_SYN_ACK_SENT : CONN_SYN_SENT);
		return;
	}
	if (flow_conn(c, 0) == CONN_SYN_SENT)
		conn_set(c, 0, CONN_ESTABLISHED);
	conn_set(c, 1, CONN_ESTABLISHED);
}

static void inactive_move(struct flow_tcp_cold *c, unsigned dir, const struct packet *p)
{
	if ((p->tcp_flags & TCP_SYN) != 0)
		inactive_syn(c, dir, p->tcp_flags);
	if ((p->tcp_flags & TCP_FIN) != 0)
		conn_set(c, dir, CONN_CLOSED);
	if ((p->tcp_flags & TCP_RST) != 0)
		conn_set(c, dir, CONN_RESET);
	if (flow_conn(c, dir) != CONN_INACTIVE)
		return;
	if (dir == 1 && p->payload_wire == 0 && flow_conn(c, 0) == CONN_SYN_SENT) // some acknowledge a SYN before they answer it
		return;
	conn_set(c, dir, (p->tcp_flags & TCP_ACK) != 0 && flow_conn(c, !dir) == CONN_ESTABLISHED ? CONN_ESTABLISHED : CONN_PARTIAL);
}

static void open_move(struct flow_tcp_cold *c, unsigned dir, uint8_t flags)
{
	bool reset_closed = (c->flags & (uint32_t)FLOW_TCP_RESET_CLOSED << !dir) != 0;

	if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && flow_conn(c, dir) == CONN_PARTIAL && flow_conn(c, !dir) == CONN_INACTIVE)
		conn_set(c, dir, CONN_SYN_SENT);
	if ((flags & (TCP_FIN | TCP_RST)) == TCP_FIN) {
		c->flags |= flow_conn(c, dir) == CONN_ESTABLISHED ? (uint32_t)FLOW_TCP_CLOSED_CLEAN << dir : 0;
		conn_set(c, dir, CONN_CLOSED);
		if (flow_conn(c, !dir) == CONN_RESET && reset_closed)
			conn_set(c, !dir, CONN_CLOSED); // a FIN, then a RST: both have said that they are through
	}
	if ((flags & TCP_RST) != 0)
		conn_set(c, dir, CONN_RESET);
}

void flow_conn_move(struct flow_tcp_cold *c, unsigned dir, const struct packet *p)
{
	switch (flow_conn(c, dir)) {
	case CONN_INACTIVE:
		inactive_move(c, dir, p);
		break;
	case CONN_SYN_SENT:
	case CONN_SYN_ACK_SENT:
		if ((p->tcp_flags & TCP_FIN) != 0)
			conn_set(c, dir, CONN_CLOSED);
		if ((p->tcp_flags & TCP_RST) != 0)
			conn_set(c, dir, CONN_RESET);
		break;
	case CONN_PARTIAL:
	case CONN_ESTABLISHED:
		open_move(c, dir, p->tcp_flags);
		break;
	case CONN_CLOSED:
		if ((p->tcp_flags & TCP_RST) != 0 && flow_conn(c, !dir) != CONN_CLOSED) {
			conn_set(c, dir, CONN_RESET);
			c->flags |= (uint32_t)FLOW_TCP_RESET_CLOSED << dir;
			c->flags &= ~((uint32_t)FLOW_TCP_CLOSED_CLEAN << dir);
		}
		break;
	case CONN_RESET:
		break;
	}
}

static bool is_clean(const struct flow_tcp_cold *c, unsigned end)
{
	return flow_conn(c, end) == CONN_ESTABLISHED || (c->flags & (uint32_t)FLOW_TCP_CLOSED_CLEAN << end) != 0;
}

// Bytes that were acknowledged but not seen tell of a gap only if both ends have opened and neither was reset.
void flow_conn_gap(struct flow_tcp_cold *c, unsigned dir)
{
	if (is_clean(c, 0) && is_clean(c, 1))
		flow_conn_letter(c, dir, 'G');
}

// The client sent a SYN and then a RST, and nothing else of note between them.
static bool gave_up_after_syn(const struct flow_tcp_cold *c)
{
	char history[FLOW_TCP_HISTORY_MAX];
	unsigned n = flow_conn_history_put(c, history), i = n > 0 && history[0] == '^';

	if (i == n || history[i] != 'S')
		return false;
	for (; i < n && history[i] != 'R'; i++)
		if (memchr("HAFGIQ", history[i], 6) != NULL)
			return false;
	return i < n;
}

enum flow_conn_state flow_conn_state(const struct flow_tcp_cold *c)
{
	enum flow_conn client = flow_conn(c, 0), server = flow_conn(c, 1);
	bool no_client = client <= CONN_PARTIAL, no_server = server <= CONN_PARTIAL;
	bool data = (c->flags & FLOW_TCP_DATA) != 0;

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
