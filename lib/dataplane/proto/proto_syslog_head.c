#include "proto/proto_syslog_head.h"

enum { PRI_MAX = 191, PRI_DIGITS = 3, COUNT_DIGITS = 5, VERSION_DIGITS = 2, COUNTER_DIGITS = 9, SEVERITIES = 8 };
enum { NAME_MAX = 255, TAG_MAX = 48, TIME_MAX = 40, STRUCTURED_MAX = 512, TEXT_MAX = 1024, MONTH_BYTES = 3, CLOCK_BYTES = 8,
       FRACTION_BYTES_MAX = 10 };

static bool digit_is(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool syslog_number(struct span *in, unsigned digits, uint32_t *number)
{
	unsigned n = 0;

	*number = 0;
	while (in->left > 0 && digit_is(in->at[0]) && n < digits) {
		*number = *number * 10 + (span_u8(in) - '0');
		n++;
	}
	return n > 0;
}

// Whether the text begins in this form: 9 stands for a digit, _ for a digit or a space, all else for itself.
static bool form_is(struct span in, const char *form)
{
	for (; *form != '\0'; form++) {
		uint8_t c = span_u8(&in);

		if (*form == '9' ? !digit_is(c) : *form == '_' ? !digit_is(c) && c != ' ' : c != (uint8_t)*form)
			return false;
	}
	return span_ok(&in);
}

static bool month_is(struct span in)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < sizeof(months) - 1; i += 3)
		if (in.left >= 3 && memcmp(in.at, months + i, 3) == 0)
			return true;
	return false;
}

static struct span word_next(struct span *in)
{
	struct span word;

	return span_until(in, ' ', &word) ? word : span_take(in, in->left);
}

// "Oct 11 22:14:15", with a year before the clock or a fraction behind it, as routers write it. False if there is none.
static bool date_time_read(struct span *in, struct span *time)
{
	struct span from = *in;

	if (!month_is(from))
		return false;
	span_bytes(&from, MONTH_BYTES);
	if (!form_is(from, " _9 "))
		return false;
	span_bytes(&from, 4);
	if (form_is(from, "9999 "))
		span_bytes(&from, 5);
	if (!form_is(from, "99:99:99"))
		return false;
	span_bytes(&from, CLOCK_BYTES);
	for (unsigned i = 0; i < FRACTION_BYTES_MAX && from.left > 0 && (digit_is(from.at[0]) || from.at[0] == '.'); i++)
		span_bytes(&from, 1);
	*time = span_take(in, in->left - from.left);
	if (in->left > 0 && (in->at[0] == ' ' || in->at[0] == ':'))
		span_bytes(in, 1);
	*in = span_trim(*in);
	return true;
}

// RFC 3339.
static bool iso_time_read(struct span *in, struct span *time)
{
	if (!form_is(*in, "9999-99-99T99:99:99"))
		return false;
	*time = word_next(in);
	return time->left <= TIME_MAX;
}

// tag: or tag[pid]: which is what a message without a time must have.
static bool tag_read(struct span *in, struct syslog *syslog, struct l7 *l7)
{
	struct span from = *in, name = {.at = from.at}, pid = {0};

	while (from.left > 0 && from.at[0] > ' ' && from.at[0] < 0x7f && from.at[0] != ':' && from.at[0] != '[' && name.left < TAG_MAX) {
		span_bytes(&from, 1);
		name.left++;
	}
	if (name.left == 0 || from.left == 0)
		return false;
	if (from.at[0] == '[') {
		span_bytes(&from, 1);
		if (!span_until(&from, ']', &pid) || pid.left > TAG_MAX)
			return false;
	}
	if (span_u8(&from) != ':' || (from.left > 0 && from.at[0] != ' '))
		return false;
	syslog->app = l7_text(l7, name, TAG_MAX);
	syslog->pid = l7_text(l7, pid, TAG_MAX);
	*in = span_trim(from);
	return true;
}

static struct record_text word_text(struct span *in, struct l7 *l7)
{
	struct span word = word_next(in);

	return word.left == 1 && word.at[0] == '-' ? (struct record_text){0} : l7_text(l7, word, NAME_MAX);
}

// [id name="value"...]..., in which a quoted bracket ends nothing.
static struct span structured_next(struct span *in)
{
	struct span from = *in;
	bool quoted = false, inside = false;

	while (from.left > 0 && (inside || from.at[0] == '[')) {
		uint8_t c = span_u8(&from);

		if (c == '\\' && quoted)
			span_u8(&from);
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted)
			inside = c == '[' || (inside && c != ']');
	}
	return span_take(in, in->left - from.left);
}

// Behind the version.
static bool new_read(struct span in, struct syslog *syslog, struct l7 *l7)
{
	struct span time;

	if (form_is(in, "- "))
		span_bytes(&in, 2);
	else if (iso_time_read(&in, &time))
		syslog->time = l7_text(l7, time, TIME_MAX);
	else
		return false;
	syslog->hostname = word_text(&in, l7);
	syslog->app = word_text(&in, l7);
	syslog->pid = word_text(&in, l7);
	syslog->msg_id = word_text(&in, l7);
	if (in.left > 0 && in.at[0] == '[')
		syslog->structured = l7_text(l7, structured_next(&in), STRUCTURED_MAX);
	else if (in.left > 0 && in.at[0] == '-')
		span_bytes(&in, 1);
	in = span_trim(in);
	if (span_starts(in, "\xef\xbb\xbf"))
		span_bytes(&in, 3);
	syslog->message = l7_text(l7, in, TEXT_MAX);
	return true;
}

// A number before the time, and a mark for a clock that is not set, as routers write them.
static void counter_pass(struct span *in)
{
	struct span from = *in;
	uint32_t number;
	uint8_t mark;

	if (syslog_number(&from, COUNTER_DIGITS, &number) && span_starts(from, ": ")) {
		span_bytes(&from, 2);
		*in = from;
	}
	from = *in;
	mark = span_u8(&from);
	if ((mark == '*' || mark == '.') && month_is(from))
		*in = from;
}

// Behind the priority: [time] [host] tag: text
static bool old_read(struct span in, struct syslog *syslog, struct l7 *l7)
{
	struct span time = {0}, host;

	counter_pass(&in);
	if (!date_time_read(&in, &time) && !iso_time_read(&in, &time)) {
		if (!tag_read(&in, syslog, l7))
			return false;
	} else {
		syslog->time = l7_text(l7, time, TIME_MAX);
		if (!tag_read(&in, syslog, l7)) {
			host = word_next(&in);
			syslog->hostname = l7_text(l7, host, NAME_MAX);
			tag_read(&in, syslog, l7);
		}
	}
	syslog->message = l7_text(l7, in, TEXT_MAX);
	return true;
}

static bool priority_read(struct span *in, uint32_t *priority)
{
	return span_u8(in) == '<' && syslog_number(in, PRI_DIGITS, priority) && *priority <= PRI_MAX && span_u8(in) == '>';
}

bool syslog_read(struct span in, struct syslog *syslog, struct l7 *l7)
{
	uint32_t priority, version;
	struct span from;

	if (!priority_read(&in, &priority))
		return false;
	syslog->facility = (uint8_t)(priority / SEVERITIES);
	syslog->severity = (uint8_t)(priority % SEVERITIES);
	while (in.left > 0 && (in.at[in.left - 1] == '\n' || in.at[in.left - 1] == '\r' || in.at[in.left - 1] == '\0'))
		in.left--;
	from = in;
	if (syslog_number(&from, VERSION_DIGITS, &version) && version > 0 && span_u8(&from) == ' ' && new_read(from, syslog, l7)) {
		syslog->version = (uint8_t)version;
		return true;
	}
	return old_read(in, syslog, l7);
}

bool syslog_begins(struct span in)
{
	uint32_t number;

	if (in.left > 0 && in.at[0] != '<' && (!syslog_number(&in, COUNT_DIGITS, &number) || (in.left > 0 && span_u8(&in) != ' ')))
		return false;
	if (in.left == 0)
		return true;
	if (span_u8(&in) != '<')
		return false;
	if (in.left == 0)
		return true;
	if (!syslog_number(&in, PRI_DIGITS, &number) || number > PRI_MAX)
		return false;
	return in.left == 0 || in.at[0] == '>';
}
