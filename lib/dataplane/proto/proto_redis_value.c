// Values of RESP: "+line", "-error", ":number", "$length" and that many bytes, "*count" and that many values; version 3 has more kinds.
#include "proto/proto_redis_value.h"

#include "proto/proto_lines.h"

enum { LINE_MAX = 1024, DIGITS_MAX = 10, END_BYTES = 2, COUNT_MAX = 1 << 28, NAME_MAX = 24 };
static const int64_t length_max = 512 << 20;

// A line ends with a carriage return and a line feed.
static enum redis_read line_read(struct span *in, struct span *line)
{
	struct span from = *in;

	if (!span_until(&from, '\n', line))
		return in->left < LINE_MAX ? REDIS_MORE : REDIS_BAD;
	if (line->left == 0 || line->at[line->left - 1] != '\r')
		return REDIS_BAD;
	line->left--;
	*in = from;
	return REDIS_READ;
}

static bool number_is(struct span in, int64_t *number)
{
	bool minus = in.left > 0 && in.at[0] == '-';

	if (minus)
		span_u8(&in);
	if (in.left == 0 || in.left > DIGITS_MAX)
		return false;
	for (*number = 0; in.left > 0;) {
		uint8_t digit = span_u8(&in);

		if (digit < '0' || digit > '9')
			return false;
		*number = *number * 10 + (digit - '0');
	}
	if (minus)
		*number = -*number;
	return *number >= -1;
}

// "*3", "$5": the type and the number.
static enum redis_read count_read(struct span *in, uint8_t type, int64_t *number)
{
	struct span line;
	enum redis_read read;

	if (in->left > 0 && in->at[0] != type)
		return REDIS_BAD;
	if (in->left > DIGITS_MAX + END_BYTES + 2 && memchr(in->at, '\n', DIGITS_MAX + END_BYTES + 2) == NULL)
		return REDIS_BAD;
	read = line_read(in, &line);
	if (read != REDIS_READ)
		return read;
	span_u8(&line);
	return number_is(line, number) ? REDIS_READ : REDIS_BAD;
}

// Its end is passed over too, or else is in *skip with what is not there of it.
static void string_pass(struct span *in, uint64_t length, uint64_t *skip)
{
	uint64_t all = length + END_BYTES, there = all < in->left ? all : in->left;

	span_bytes(in, (uint32_t)there);
	*skip = all - there;
}

bool redis_name_is(struct span name)
{
	if (name.left < 2 || name.left > NAME_MAX)
		return false;
	for (uint32_t i = 0; i < name.left; i++) {
		uint8_t c = name.at[i] | 0x20;

		if ((c < 'a' || c > 'z') && name.at[i] != '.' && name.at[i] != '_' && (i == 0 || name.at[i] < '0' || name.at[i] > '9'))
			return false;
	}
	return true;
}

// ---- requests ----

// A line feed alone ends it too.
static enum redis_read words_read(struct span in, struct redis_request *q, struct l7 *l7)
{
	struct span from = in, line;

	if (!span_until(&from, '\n', &line)) {
		if (in.left < LINE_MAX)
			return REDIS_MORE;
		from = in;
		line = span_take(&from, LINE_MAX);
		q->open = true;
	}
	if (!text_sound(line))
		return REDIS_BAD;
	q->line = true;
	q->bare = !q->open && (line.left == 0 || line.at[line.left - 1] != '\r');
	line = span_trim(line);
	while (q->count < REDIS_ARGUMENTS && word_next(&line, &q->argument[q->count]))
		q->count++;
	l7->used = in.left - from.left;
	return REDIS_READ;
}

static enum redis_read argument_read(struct span *from, struct span *argument, uint64_t *skip)
{
	int64_t length = 0;
	enum redis_read read = count_read(from, '$', &length);
	uint32_t front;
	struct span end;

	if (read != REDIS_READ)
		return read;
	if (length < 0 || length > length_max)
		return REDIS_BAD;
	front = (uint32_t)(length < REDIS_FRONT ? length : REDIS_FRONT);
	if (from->left < front + (length <= REDIS_FRONT ? (uint32_t)END_BYTES : 0))
		return REDIS_MORE;
	*argument = span_take(from, front);
	if (length > REDIS_FRONT) {
		string_pass(from, (uint64_t)length - front, skip);
		return REDIS_READ;
	}
	end = span_take(from, END_BYTES);
	return span_starts(end, "\r\n") ? REDIS_READ : REDIS_BAD;
}

enum redis_read redis_request_read(struct span in, struct redis_request *q, struct l7 *l7)
{
	struct span from = in;
	uint64_t skip = 0;
	int64_t count = 0;
	enum redis_read read;

	if (in.at[0] != '*')
		return words_read(in, q, l7);
	read = count_read(&from, '*', &count);
	if (read != REDIS_READ)
		return read;
	if (count < 1 || count > COUNT_MAX)
		return REDIS_BAD;
	while (q->count < count && q->count < REDIS_ARGUMENTS && skip == 0) {
		read = argument_read(&from, &q->argument[q->count], &skip);
		if (read != REDIS_READ)
			return read;
		if (q->count++ == 0 && !redis_name_is(q->argument[0]))
			return REDIS_BAD;
	}
	q->rest = (uint32_t)count - q->count;
	l7->used = in.left - from.left;
	l7->skip = skip;
	return REDIS_READ;
}

enum redis_read redis_arguments_pass(struct span in, uint32_t *arguments, struct l7 *l7)
{
	struct span from = in;

	while (*arguments > 0 && from.left > 0 && l7->skip == 0) {
		int64_t length = 0;
		enum redis_read read = count_read(&from, '$', &length);

		if (read == REDIS_BAD || (read == REDIS_READ && (length < 0 || length > length_max)))
			return REDIS_BAD;
		if (read == REDIS_MORE)
			break;
		string_pass(&from, (uint64_t)length, &l7->skip);
		--*arguments;
		l7->used = in.left - from.left;
	}
	return REDIS_READ;
}

// ---- replies ----

static enum redis_read counted_read(struct span *in, struct redis_value *value)
{
	int64_t number = 0;
	enum redis_read read = count_read(in, value->type, &number);

	if (read != REDIS_READ)
		return read;
	if (value->type == '$' || value->type == '=' || value->type == '!') {
		if (number > length_max)
			return REDIS_BAD;
		if (number >= 0)
			string_pass(in, (uint64_t)number, &value->skip);
		return REDIS_READ;
	}
	if (number > COUNT_MAX)
		return REDIS_BAD;
	value->elements = number < 0 ? 0 : (uint64_t)number;
	if (value->type == '%' || value->type == '|')
		value->elements *= 2;
	value->elements += value->type == '|'; // what is told about a value comes before it
	return REDIS_READ;
}

enum redis_read redis_value_read(struct span *in, struct redis_value *value)
{
	enum redis_read read;

	if (in->left == 0)
		return REDIS_MORE;
	value->type = in->at[0];
	if (strchr("$=!*~>%|", value->type) != NULL && value->type != '\0')
		return counted_read(in, value);
	if (strchr("+-:_#,(", value->type) == NULL || value->type == '\0')
		return REDIS_BAD;
	read = line_read(in, &value->text);
	if (read == REDIS_READ)
		span_u8(&value->text);
	return read;
}

static bool error_is(struct span in)
{
	static const char *const errors[] = {"-NOAUTH ", "-WRONGPASS ", "-WRONGTYPE ", "-MOVED ", "-DENIED ", "-ERR unknown command", "-ERR wrong number",
					     "-NOSCRIPT ", "-READONLY ", "-LOADING ", "-NOPERM "};

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (span_starts(in, errors[i]))
			return true;
	return false;
}

enum redis_read redis_reply_proves(struct span in, bool asked)
{
	struct redis_value value = {0}, inside = {0};
	struct span from = in;
	enum redis_read read = redis_value_read(&from, &value);

	if (read != REDIS_READ)
		return read;
	switch (value.type) {
	case '+':
		return asked || span_starts(in, "+PONG\r\n") ? REDIS_READ : REDIS_BAD;
	case '-':
		return error_is(in) ? REDIS_READ : REDIS_BAD;
	case '$':
		if (value.skip > 0)
			return asked ? REDIS_READ : REDIS_MORE;
		return asked || (in.left >= 7 && from.left == 0 && in.at[in.left - END_BYTES] == '\r' && in.at[in.left - 1] == '\n') ? REDIS_READ : REDIS_BAD;
	case '*':
	case '%':
	case '>':
		if (value.elements == 0)
			return asked ? REDIS_READ : REDIS_BAD;
		return redis_value_read(&from, &inside);
	default:
		return asked ? REDIS_READ : REDIS_BAD;
	}
}
