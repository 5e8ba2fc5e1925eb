// Conversations for the tests of dissectors: what is said, as hexadecimal digits or as text, and the log that it gives. Each is held as it is, in
// pieces if it is a stream, cut at every byte, and with every byte damaged: then nothing may break (proto_feed.h).
#ifndef TESTS_UNIT_PROTO_TALK_H
#define TESTS_UNIT_PROTO_TALK_H

#include "proto_feed.h"

enum { TALK_SAID_MAX = 12, TALK_BYTES_MAX = 4096 };

struct talk {
	const char *name;
	const struct proto_ops *ops;
	enum proto_l4 l4;
	uint16_t server_port;
	const char *said[TALK_SAID_MAX]; // '>' to the server or '<' from it, then digits, blanks are passed over; '}' or '{', then text
	const char *log;
};

static inline uint32_t talk_bytes(const char *said, uint8_t *out)
{
	uint32_t n = 0;

	if (said[0] == '}' || said[0] == '{') {
		n = (uint32_t)strlen(said + 1);
		feed_must(n <= TALK_BYTES_MAX);
		memcpy(out, said + 1, n);
		return n;
	}
	for (const char *at = said + 1; *at != '\0'; at++) {
		const char *digits = "0123456789abcdef", *high = strchr(digits, at[0]), *low;

		if (at[0] == ' ')
			continue;
		low = strchr(digits, *++at);
		feed_must(high != NULL && low != NULL && *low != '\0' && n < TALK_BYTES_MAX);
		out[n++] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return n;
}

static inline bool talk_to_server(const char *said)
{
	return said[0] == '>' || said[0] == '}';
}

static inline void talk_hold(struct feed *f, const struct talk *t, uint32_t piece)
{
	static uint8_t bytes[TALK_BYTES_MAX];

	feed_start(f, t->ops, t->l4, 40000, t->server_port);
	for (unsigned i = 0; i < TALK_SAID_MAX && t->said[i] != NULL; i++) {
		f->hint.now_ns += 20000000;
		feed_pieces(f, talk_to_server(t->said[i]), bytes, talk_bytes(t->said[i], bytes), piece);
	}
	feed_end(f);
}

static inline void talk_check(struct feed *f, const struct talk *t)
{
	static const uint32_t pieces[] = {TALK_BYTES_MAX, 1, 2, 3, 7, 16, 33};

	for (unsigned p = 0; p < (t->l4 == PROTO_TCP ? sizeof(pieces) / sizeof(pieces[0]) : 1); p++) {
		talk_hold(f, t, pieces[p]);
		if (strcmp(f->log, t->log) != 0) {
			fprintf(stderr, "%s, in pieces of %u:\n%s\n", t->name, pieces[p], f->log);
			fail();
		}
	}
}

// What is said first, cut at every byte; then whole, with one byte at a time set to others. What comes out of it is of no concern.
static inline void talk_damage(struct feed *f, const struct talk *t)
{
	static const uint8_t others[] = {0, 1, 0x7f, 0x80, 0x84, 0xff};
	static uint8_t bytes[TALK_BYTES_MAX];

	for (unsigned i = 0; i < TALK_SAID_MAX && t->said[i] != NULL; i++) {
		uint32_t len = talk_bytes(t->said[i], bytes);

		for (uint32_t at = 0; at < len; at++) {
			uint8_t was = bytes[at];

			feed_start(f, t->ops, t->l4, 40000, t->server_port);
			feed(f, talk_to_server(t->said[i]), bytes, at);
			feed_end(f);
			for (unsigned o = 0; o < sizeof(others); o++) {
				bytes[at] = others[o];
				feed_start(f, t->ops, t->l4, 40000, t->server_port);
				feed(f, talk_to_server(t->said[i]), bytes, len);
				feed_end(f);
			}
			bytes[at] = was;
		}
	}
}

// Datagrams or streams that are something else.
static inline void talk_refused(struct feed *f, const struct proto_ops *ops, enum proto_l4 l4, const char *const *others, unsigned count)
{
	static uint8_t bytes[TALK_BYTES_MAX];

	for (unsigned i = 0; i < count; i++) {
		feed_start(f, ops, l4, 40000, ops->ports[0]);
		feed(f, talk_to_server(others[i]), bytes, talk_bytes(others[i], bytes));
		if (!f->refused || f->reported > 0)
			fail_msg("taken for %s: %s", ops->name, others[i]);
	}
}

#endif
