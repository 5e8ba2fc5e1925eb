// One walk over the field table, straight into the caller's room. It has to be cheap: a busy wire makes hundreds of thousands of
// records a second, and this is most of what an output costs.
//
// Every value ends with a comma; closing an object writes its brace over the last one. An object is opened by the first field
// that is written in it, so none is ever empty. Room is not asked for field by field: all that is not text is bounded by the
// tables (RECORD_JSON_FIXED_MAX, which the unit test adds up), and text stops short of that much room.
#include "record/record_json.h"

#include <string.h>

#include "base/json.h"
#include "record/record_names.h"

enum { NS_PER_S = 1000000000, NS_PER_US = 1000, US_PER_MS = 1000, S_PER_DAY = 86400 };

struct walk {
	const struct record *r;
	const struct record_context *context;
	const struct record_kind *kind;
	const char *texts; // of the record
	uint32_t texts_bytes;
	const char *object; // dotted path of the object that is open
	char *at, *texts_end; // texts are not written beyond
};

static void put(struct walk *w, const char *bytes, size_t len)
{
	memcpy(w->at, bytes, len);
	w->at += len;
}

// ---- objects ----

// Bytes of the path that both have, as whole components.
static size_t path_shared(const char *a, const char *b)
{
	size_t shared = 0;

	for (size_t i = 0;; i++) {
		bool end_a = a[i] == '\0' || a[i] == '.', end_b = b[i] == '\0' || b[i] == '.';

		if (end_a && end_b)
			shared = i;
		if (a[i] != b[i] || a[i] == '\0')
			return shared;
	}
}

static void object_open(struct walk *w, const char *name, size_t len)
{
	if (len == 1 && *name == '@') {
		name = w->kind->event_type;
		len = strlen(name);
	}
	*w->at++ = '"';
	put(w, name, len);
	put(w, "\":{", 3);
}

static void object_enter(struct walk *w, const char *object)
{
	size_t shared = path_shared(w->object, object);

	for (const char *left = w->object + shared; *left != '\0'; left++) {
		if (*left == '.' || (left[1] != '\0' && left[1] != '.'))
			continue; // not the last character of a component
		w->at[-1] = '}';
		*w->at++ = ',';
	}
	for (const char *entered = object + shared; *entered != '\0';) {
		size_t len;

		entered += *entered == '.';
		len = strcspn(entered, ".");
		object_open(w, entered, len);
		entered += len;
	}
	w->object = object;
}

static inline void key_put(struct walk *w, const struct record_field *f)
{
	if (f->eve_object != w->object)
		object_enter(w, f->eve_object);
	memcpy(w->at, f->eve_key, FIELD_KEY_MAX); // a fixed length costs no call; what is too much is written over
	w->at += f->eve_key_length;
}

// ---- values ----

static inline char *digits_put(char *at, unsigned value, unsigned digits)
{
	for (unsigned i = digits; i > 0; value /= 10)
		at[--i] = (char)('0' + value % 10);
	return at + digits;
}

// The civil date of a day since the epoch: H. Hinnant's days algorithm, years beginning in March.
static char *date_put(char *at, uint32_t days)
{
	uint32_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
	uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t shifted_month = (5 * of_year + 2) / 153, day = of_year - (153 * shifted_month + 2) / 5 + 1;
	uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;

	at = digits_put(at, year_of_era + era * 400 + (month <= 2), 4);
	*at++ = '-';
	at = digits_put(at, month, 2);
	*at++ = '-';
	return digits_put(at, day, 2);
}

static void time_put(struct walk *w, uint64_t ns)
{
	uint64_t seconds = ns / NS_PER_S;
	unsigned us = (unsigned)(ns % NS_PER_S / NS_PER_US), of_day = (unsigned)(seconds % S_PER_DAY);
	char *at = w->at;

	*at++ = '"';
	at = date_put(at, (uint32_t)(seconds / S_PER_DAY));
	*at++ = 'T';
	at = digits_put(at, of_day / 3600, 2);
	*at++ = ':';
	at = digits_put(at, of_day / 60 % 60, 2);
	*at++ = ':';
	at = digits_put(at, of_day % 60, 2);
	*at++ = '.';
	w->at = digits_put(at, us, 6);
	put(w, "+0000\"", 6);
}

// 27520123 ns are 27.520.
static void ms_put(struct walk *w, uint64_t ns)
{
	uint64_t us = ns / NS_PER_US;

	w->at = json_put_u64(w->at, us / US_PER_MS);
	*w->at++ = '.';
	*w->at++ = (char)('0' + us / 100 % 10);
	*w->at++ = (char)('0' + us / 10 % 10);
	*w->at++ = (char)('0' + us % 10);
}

static void hex16_put(struct walk *w, uint64_t value)
{
	*w->at++ = '"';
	for (unsigned shift = 16; shift > 0;)
		*w->at++ = "0123456789abcdef"[value >> (shift -= 4) & 15];
	*w->at++ = '"';
}

static void string_put(struct walk *w, const char *bytes, size_t len)
{
	*w->at++ = '"';
	w->at = json_put_text(w->at, w->texts_end, bytes, len, NULL);
	*w->at++ = '"';
}

static void name16_put(struct walk *w, const struct record_field *f, uint32_t value)
{
	const char *name = f->name_of(value);

	*w->at++ = '"';
	if (name != NULL)
		put(w, name, strlen(name));
	else
		w->at = json_put_u64(w->at, value);
	*w->at++ = '"';
}

// ---- fields ----

static inline uint64_t number_of(const struct record_field *f, const char *at)
{
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (f->size) {
	case sizeof(u64):
		memcpy(&u64, at, sizeof(u64));
		return u64;
	case sizeof(u32):
		memcpy(&u32, at, sizeof(u32));
		return u32;
	case sizeof(u16):
		memcpy(&u16, at, sizeof(u16));
		return u16;
	default:
		return (uint8_t)*at;
	}
}

static void number_field(struct walk *w, const struct record_field *f, const char *at)
{
	uint64_t value = number_of(f, at);

	if ((value == 0 && (f->flags & FIELD_OMIT_ZERO) != 0) || (f->kind == FIELD_BIT16 && (value & f->bit) == 0) ||
	    (f->kind == FIELD_NAME8 && value >= f->names_count))
		return;
	key_put(w, f);
	switch (f->kind) {
	case FIELD_BOOL:
		put(w, value != 0 ? "true" : "false", value != 0 ? 4 : 5);
		break;
	case FIELD_BIT16:
		put(w, "true", 4);
		break;
	case FIELD_TIME:
		time_put(w, value);
		break;
	case FIELD_MS:
		ms_put(w, value);
		break;
	case FIELD_HEX16:
		hex16_put(w, value);
		break;
	case FIELD_NAME8:
		string_put(w, f->names[value], strlen(f->names[value]));
		break;
	case FIELD_NAME16:
		name16_put(w, f, (uint32_t)value);
		break;
	default:
		w->at = json_put_u64(w->at, value);
		break;
	}
	*w->at++ = ',';
}

// The text's bytes, NULL if it is absent. What does not lie within the record is not there.
static const char *text_of(const struct walk *w, const char *at, uint32_t *len)
{
	struct record_text text;

	memcpy(&text, at, sizeof(text));
	*len = text.len;
	return text.len > 0 && (uint32_t)text.at + text.len <= w->texts_bytes ? w->texts + text.at : NULL;
}

static void text_field(struct walk *w, const struct record_field *f, const char *at)
{
	uint32_t len;
	const char *bytes = text_of(w, at, &len);

	if (bytes == NULL)
		return;
	key_put(w, f);
	string_put(w, bytes, len);
	*w->at++ = ',';
}

// Where the text of a list that begins here ends, and how long what stands behind it is.
static uint32_t list_text_end(const struct record_field *f, const char *bytes, uint32_t from, uint32_t len, uint32_t *separator)
{
	bool lines = (f->flags & FIELD_LINES) != 0;
	const char *end = bytes + from;

	*separator = lines ? 2 : 1;
	while ((end = memchr(end, lines ? '\\' : ',', len - (uint32_t)(end - bytes))) != NULL) {
		uint32_t at = (uint32_t)(end - bytes);

		if (!lines || (at + 1 < len && end[1] == 'n'))
			return at;
		end++;
	}
	return len;
}

static void text_list_field(struct walk *w, const struct record_field *f, const char *at)
{
	uint32_t len, separator;
	const char *bytes = text_of(w, at, &len);

	if (bytes == NULL)
		return;
	key_put(w, f);
	if ((f->flags & FIELD_ONE) != 0 && list_text_end(f, bytes, 0, len, &separator) == len) {
		string_put(w, bytes, len);
		*w->at++ = ',';
		return;
	}
	*w->at++ = '[';
	for (uint32_t from = 0; from < len && w->at < w->texts_end;) {
		uint32_t to = list_text_end(f, bytes, from, len, &separator);

		string_put(w, bytes + from, to - from);
		*w->at++ = ',';
		from = to + separator;
	}
	w->at -= w->at[-1] == ',';
	put(w, "],", 2);
}

static unsigned rows_of(const struct record_field *f, const char *base)
{
	uint8_t count = (uint8_t)base[f->row_count_offset];

	return count < f->rows_max ? count : f->rows_max;
}

static void list16_field(struct walk *w, const struct record_field *f, const char *base)
{
	unsigned count = rows_of(f, base);

	if (count == 0)
		return;
	key_put(w, f);
	*w->at++ = '[';
	for (unsigned i = 0; i < count; i++) {
		uint16_t value;

		memcpy(&value, base + f->offset + i * sizeof(value), sizeof(value));
		w->at = json_put_u64(w->at, value);
		*w->at++ = ',';
	}
	w->at[-1] = ']';
	*w->at++ = ',';
}

static void list32_field(struct walk *w, const struct record_field *f, const char *at)
{
	uint32_t len;
	const char *bytes = text_of(w, at, &len);

	if (bytes == NULL)
		return;
	key_put(w, f);
	*w->at++ = '[';
	for (uint32_t i = 0; i + sizeof(int32_t) <= len && w->at < w->texts_end; i += (uint32_t)sizeof(int32_t)) {
		int32_t value;

		memcpy(&value, bytes + i, sizeof(value));
		if (value < 0)
			*w->at++ = '-';
		w->at = json_put_u64(w->at, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
		*w->at++ = ',';
	}
	w->at -= w->at[-1] == ',';
	put(w, "],", 2);
}

static void rows_field(struct walk *w, const struct record_field *f, const char *base)
{
	unsigned count = rows_of(f, base);

	if (count == 0)
		return;
	key_put(w, f);
	*w->at++ = '[';
	w->object = ""; // each row is a whole of its own
	for (unsigned i = 0; i < count; i++) {
		const char *row = base + f->offset + i * f->row_size;

		*w->at++ = '{';
		for (const struct record_field *g = f->row_fields; g->name != NULL; g++)
			if (g->kind == FIELD_TEXT)
				text_field(w, g, row + g->offset);
			else if (g->kind == FIELD_TEXT_LIST)
				text_list_field(w, g, row + g->offset);
			else
				number_field(w, g, row + g->offset);
		w->at -= w->at[-1] == ',';
		put(w, "},", 2);
	}
	w->at[-1] = ']';
	*w->at++ = ',';
	w->object = f->eve_object;
}

static void address_field(struct walk *w, const struct record_field *f, const char *at)
{
	static const uint8_t zero[RECORD_MAC];
	uint8_t bytes[RECORD_MAC];

	memcpy(bytes, at, f->size);
	if ((f->flags & FIELD_OMIT_ZERO) != 0 && memcmp(bytes, zero, f->size) == 0)
		return;
	key_put(w, f);
	*w->at++ = '"';
	w->at = f->kind == FIELD_MAC ? record_mac_put(w->at, bytes) : record_address_put(w->at, 4, bytes);
	put(w, "\",", 2);
}

static void raw_field(struct walk *w, const struct record_field *f, const char *at)
{
	uint32_t len;
	const char *bytes = text_of(w, at, &len);

	if (bytes == NULL || w->at + len > w->texts_end)
		return;
	key_put(w, f);
	put(w, bytes, len);
	*w->at++ = ',';
}

static void made_field(struct walk *w, const struct record_field *f)
{
	struct field_value value;

	if (!f->make(w->r, w->context, &value))
		return;
	key_put(w, f);
	if (f->kind == FIELD_MADE_TEXT)
		string_put(w, value.text, value.length);
	else
		w->at = json_put_u64(w->at, value.number);
	*w->at++ = ',';
}

static void fields_put(struct walk *w, const struct record_field *f, const char *base)
{
	for (; f->name != NULL; f++) {
		if (f->eve == NULL)
			continue;
		switch (f->kind) {
		case FIELD_TEXT:
			text_field(w, f, base + f->offset);
			break;
		case FIELD_TEXT_LIST:
			text_list_field(w, f, base + f->offset);
			break;
		case FIELD_LIST16:
			list16_field(w, f, base);
			break;
		case FIELD_LIST32:
			list32_field(w, f, base + f->offset);
			break;
		case FIELD_ROWS:
			rows_field(w, f, base);
			break;
		case FIELD_MAC:
		case FIELD_IPV4:
			address_field(w, f, base + f->offset);
			break;
		case FIELD_RAW_JSON:
			raw_field(w, f, base + f->offset);
			break;
		case FIELD_MADE_NUMBER:
		case FIELD_MADE_TEXT:
			made_field(w, f);
			break;
		default:
			number_field(w, f, base + f->offset);
			break;
		}
	}
}

size_t record_json(const struct record *r, const struct record_context *context, char *out)
{
	struct walk w = {.r = r, .context = context, .object = "", .at = out,
			 .texts_end = out + RECORD_JSON_MAX - RECORD_JSON_FIXED_MAX};
	uint32_t fixed;

	w.kind = context->kind_of(r->type);
	if (w.kind == NULL)
		return 0;
	fixed = (uint32_t)sizeof(*r) + w.kind->body_size;
	if (r->length < fixed)
		return 0;
	w.texts = (const char *)r + fixed;
	w.texts_bytes = r->length - fixed;
	*w.at++ = '{';
	fields_put(&w, record_common_fields, (const char *)r);
	fields_put(&w, w.kind->fields, record_body_const(r));
	object_enter(&w, "");
	w.at[-1] = '}';
	return (size_t)(w.at - out);
}
