// Conversations as tables, for the tests of protocols that speak in lines: each is fed whole and in pieces, and then once more with
// each end cut, which must break nothing.
#ifndef TESTS_UNIT_PROTO_LINES_TALK_H
#define TESTS_UNIT_PROTO_LINES_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

enum { TALK_SAYS_MAX = 24 };

enum talk_end { TALK_OPEN, TALK_REFUSED, TALK_OVER, TALK_NEXT };

struct talk_say {
	char side; // 'c' or 's'; 0: the end
	const char *text;
};

struct talk {
	const char *name;
	struct talk_say say[TALK_SAYS_MAX];
	const char *log;
	enum talk_end end;
	bool whole_only; // what it shows depends on what came in one segment
};

static inline enum talk_end talk_end_of(const struct feed *f)
{
	if (f->refused)
		return TALK_REFUSED;
	return f->next ? TALK_NEXT : f->over ? TALK_OVER : TALK_OPEN;
}

static inline void talk_speak(struct feed *f, const struct proto_ops *ops, const struct talk *t, uint32_t piece, unsigned says)
{
	feed_start(f, ops, PROTO_TCP, 40000, ops->ports[0]);
	for (unsigned i = 0; i < says && t->say[i].side != 0 && !f->over; i++) {
		const char *text = t->say[i].text;

		feed_pieces(f, t->say[i].side == 'c', text, (uint32_t)strlen(text), piece);
	}
}

static inline void talk_cut(struct feed *f, const struct proto_ops *ops, const struct talk *t)
{
	for (unsigned i = 0; i < TALK_SAYS_MAX && t->say[i].side != 0; i++)
		for (uint32_t len = 0; len < strlen(t->say[i].text); len++) {
			talk_speak(f, ops, t, UINT32_MAX / 2, i);
			feed(f, t->say[i].side == 'c', t->say[i].text, len);
			feed_end(f);
		}
}

static inline void talks_hold(struct feed *f, const struct proto_ops *ops, const struct talk *talks, size_t count)
{
	static const uint32_t pieces[] = {65536, 1, 2, 3, 7, 40};

	for (size_t i = 0; i < count; i++) {
		for (unsigned p = 0; p < (talks[i].whole_only ? 1 : sizeof(pieces) / sizeof(pieces[0])); p++) {
			enum talk_end end;

			talk_speak(f, ops, &talks[i], pieces[p], TALK_SAYS_MAX);
			end = talk_end_of(f);
			feed_end(f);
			if (end != talks[i].end || strcmp(f->log, talks[i].log) != 0)
				fail_msg("%s, in pieces of %u: end %d\n%s", talks[i].name, pieces[p], end, f->log);
		}
		talk_cut(f, ops, &talks[i]);
	}
}

// One payload of one side, of a flow that is not claimed yet.
struct talk_like {
	char side;
	const char *text;
};

static inline void talks_refused(struct feed *f, const struct proto_ops *ops, const struct talk_like *likes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		feed_start(f, ops, PROTO_TCP, 40000, ops->ports[0]);
		feed(f, likes[i].side == 'c', likes[i].text, (uint32_t)strlen(likes[i].text));
		feed_end(f);
		if (f->hint.claimed || f->log[0] != '\0')
			fail_msg("claimed: %s\n%s", likes[i].text, f->log);
	}
}

#endif
