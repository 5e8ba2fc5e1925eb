// What the protocols of SQL databases share. A statement is told as far as it can hold no password: CREATE USER x IDENTIFIED BY.
#include "proto/proto_sql.h"

#include "proto/proto_lines.h"

#include <string.h>
#include <strings.h>

static bool here(struct span in, const char *word)
{
	return in.left >= strlen(word) && strncasecmp((const char *)in.at, word, strlen(word)) == 0;
}

struct span sql_front(struct span statement)
{
	static const char *const secrets[] = {"password", "identified", "passwd", "decrypt(", "encrypt("};
	struct span front = span_take(&statement, statement.left < SQL_BYTES_MAX ? statement.left : SQL_BYTES_MAX), at = front;

	while (at.left > 0) {
		for (unsigned i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
			if (here(at, secrets[i])) {
				front.left -= at.left - (uint32_t)strlen(secrets[i]);
				return front;
			}
		span_u8(&at);
	}
	return front;
}

bool sql_is(struct span statement)
{
	static const char *const words[] = {"select",  "insert",  "update", "delete", "replace", "set",	 "show",    "use",	"create",
					    "alter",   "drop",	  "begin",  "start",  "commit",	 "rollback", "call",	"with",	 "grant",
					    "explain", "describe", "truncate", "lock",  "unlock", "execute", "declare", "fetch", "close", "copy", "analyze"};
	struct span front = span_trim(sql_front(statement)), word;

	if (!text_sound(front)) {
		for (uint32_t i = 0; i < front.left; i++)
			if (front.at[i] < ' ' && strchr("\t\r\n", front.at[i]) == NULL)
				return false;
	}
	return word_next(&front, &word) && front.left > 0 && word_index(word, words, sizeof(words) / sizeof(words[0])) >= 0;
}
