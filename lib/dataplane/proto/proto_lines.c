#include "proto/proto_lines.h"

#include <strings.h>

#include "base/text.h"

enum { CODE_DIGITS = 3, CODE_MIN = 100, CODE_MAX = 699, NUMBER_DIGITS_MAX = 9, SEPARATOR_BYTES = 2, ESCAPED_BYTES = 4 };

// ---- lines ----

static void rest_pass(struct lines *lines)
{
	struct span passed;

	if (!*lines->rest)
		return;
	if (span_until(&lines->from, '\n', &passed))
		*lines->rest = false;
	else
		span_bytes(&lines->from, lines->from.left);
}

bool line_next(struct lines *lines, struct span *line)
{
	rest_pass(lines);
	lines->before = lines->from;
	if (!span_until(&lines->from, '\n', line)) {
		if (lines->from.left < LINES_BYTES_MAX)
			return false;
		*line = span_take(&lines->from, LINES_BYTES_MAX);
		*lines->rest = true;
	}
	if (line->left > LINES_BYTES_MAX)
		line->left = LINES_BYTES_MAX;
	while (line->left > 0 && span_blank(line->at[line->left - 1]))
		line->left--;
	return true;
}

void line_unread(struct lines *lines)
{
	lines->from = lines->before;
	*lines->rest = false;
}

// ---- words ----

static void blanks_pass(struct span *s)
{
	while (s->left > 0 && span_blank(s->at[0]))
		span_bytes(s, 1);
}

bool word_next(struct span *line, struct span *word)
{
	uint32_t n = 0;

	blanks_pass(line);
	while (n < line->left && !span_blank(line->at[n]))
		n++;
	*word = span_take(line, n);
	blanks_pass(line);
	return n > 0;
}

bool word_is(struct span word, const char *text)
{
	return word.left == strlen(text) && strncasecmp((const char *)word.at, text, word.left) == 0;
}

bool word_letters(struct span word)
{
	bool letters = word.left > 0;

	while (word.left > 0) {
		uint8_t c = span_u8(&word) | 0x20;

		letters = letters && c >= 'a' && c <= 'z';
	}
	return letters;
}

int word_index(struct span word, const char *const *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (word_is(word, list[i]))
			return (int)i;
	return -1;
}

bool text_has(struct span text, const char *part)
{
	size_t n = strlen(part);

	for (; text.left >= n; span_bytes(&text, 1))
		if (strncasecmp((const char *)text.at, part, n) == 0)
			return true;
	return false;
}

bool text_sound(struct span text)
{
	while (text.left > 0) {
		uint8_t c = span_u8(&text);

		if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\r'))
			return false;
	}
	return true;
}

bool number_next(struct span *from, uint32_t max, uint32_t *value)
{
	struct span rest = *from;
	uint32_t digits = 0;

	for (*value = 0; rest.left > 0 && rest.at[0] >= '0' && rest.at[0] <= '9'; digits++) {
		if (digits == NUMBER_DIGITS_MAX)
			return false;
		*value = *value * 10 + span_u8(&rest) - '0';
	}
	if (digits == 0 || *value > max)
		return false;
	*from = rest;
	return true;
}

struct span item_next(struct span *list)
{
	struct span item = *list;
	bool quoted = false;

	while (list->left > 0) {
		uint8_t c = span_u8(list);

		if (c == '"')
			quoted = !quoted;
		if (c == ',' && !quoted) {
			item.left -= list->left + 1;
			return span_trim(item);
		}
	}
	return span_trim(item);
}

bool reply_read(struct span line, struct reply *reply)
{
	uint32_t code, before = line.left;

	if (!number_next(&line, CODE_MAX, &code) || before - line.left != CODE_DIGITS || code < CODE_MIN)
		return false;
	reply->code = (uint16_t)code;
	reply->last = line.left == 0 || line.at[0] == ' ';
	if (!reply->last && line.at[0] != '-')
		return false;
	span_bytes(&line, line.left > 0);
	reply->text = line;
	return true;
}

// ---- texts that grow ----

struct record_text text_reserve(struct l7 *l7, uint32_t room)
{
	struct record_text text = {.at = l7->text_used};

	if (room > (uint32_t)(L7_TEXT_MAX - l7->text_used))
		room = L7_TEXT_MAX - l7->text_used;
	memset(l7->text + l7->text_used, ' ', room);
	l7->text_used = (uint16_t)(l7->text_used + room);
	return text;
}

static uint32_t room_of(const struct l7 *l7, const struct record_text *text, uint32_t room)
{
	uint32_t left = (uint32_t)(l7->text_used - text->at);

	return room < left ? room : left;
}

static void append(struct l7 *l7, struct record_text *text, uint32_t room, struct span in)
{
	char *end = l7->text + text->at + text->len;
	size_t taken;

	text->len = (uint16_t)(text->len + text_escape(end, room - text->len, in.at, in.left, &taken));
	if (taken < in.left)
		l7->text_cut = true;
}

void text_put_again(struct l7 *l7, struct record_text *text, uint32_t room, struct span in)
{
	text->len = 0;
	append(l7, text, room_of(l7, text, room), in);
}

void text_list_add(struct l7 *l7, struct record_text *list, uint32_t room, struct span in)
{
	room = room_of(l7, list, room);
	if (in.left == 0)
		return;
	if ((uint32_t)list->len + SEPARATOR_BYTES + ESCAPED_BYTES > room) {
		l7->text_cut = true;
		return;
	}
	if (list->len > 0) {
		memcpy(l7->text + list->at + list->len, "\\n", SEPARATOR_BYTES);
		list->len = (uint16_t)(list->len + SEPARATOR_BYTES);
	}
	append(l7, list, room, in);
}

void text_trim(struct l7 *l7, struct record_text text)
{
	l7->text_used = (uint16_t)(text.at + text.len);
}
