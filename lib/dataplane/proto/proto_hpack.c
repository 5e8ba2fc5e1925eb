#include "proto/proto_hpack.h"

enum { STATIC_ENTRIES = 61, TABLE_BYTES = 4096, ENTRY_OVERHEAD = 32, HUFFMAN_BITS_MAX = 30, INTEGER_SHIFT_MAX = 21, NAME_ROOM = 32 };
enum { FORM_INDEXED = 0x80, FORM_INSERTED = 0x40, FORM_RESIZE = 0x20, STRING_HUFFMAN = 0x80 };
enum { BITS_INDEXED = 7, BITS_INSERTED = 6, BITS_RESIZE = 5, BITS_PLAIN = 4, BITS_STRING = 7 };

// ---- strings ----

// The code of appendix B is canonical: it is enough to know which symbols have codes of which length. How many have so many bits:
static const uint8_t huffman_count[HUFFMAN_BITS_MAX + 1] = {
	0, 0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 3,
};

// The symbols in the order of their codes. The one that is not a byte (the end of the string) is the last and never written.
static const uint8_t huffman_symbol[256] = {
	48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98,
	100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79,
	80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118, 119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40,
	41, 63, 39, 43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162,
	184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136,
	146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1,
	135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182,
	183, 188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235,
	192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222,
	223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18,
	19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
};

struct output {
	uint8_t *room;
	uint32_t max, used; // used may be more than max: how long it would be
};

static void output_put(struct output *out, uint8_t byte)
{
	if (out->used < out->max)
		out->room[out->used] = byte;
	out->used++;
}

static void huffman_read(struct span in, struct output *out)
{
	uint32_t code = 0, first = 0, bits = 0, at = 0;

	while (in.left > 0) {
		uint8_t byte = span_u8(&in);

		for (unsigned bit = 8; bit-- > 0;) {
			code = code << 1 | (byte >> bit & 1);
			first <<= 1;
			if (++bits > HUFFMAN_BITS_MAX)
				return;
			if (code - first < huffman_count[bits]) {
				output_put(out, huffman_symbol[at + (code - first)]);
				code = first = bits = at = 0;
				continue;
			}
			first += huffman_count[bits];
			at += huffman_count[bits];
		}
	}
}

// An integer, section 5.1, of which the first byte holds so many bits. One beyond any use poisons the span.
static uint32_t integer_read(struct span *in, unsigned bits)
{
	uint32_t most = (1u << bits) - 1, value = span_u8(in) & most;

	if (value < most)
		return value;
	for (unsigned shift = 0; shift <= INTEGER_SHIFT_MAX; shift += 7) {
		uint8_t byte = span_u8(in);

		value += (uint32_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	*in = (struct span){.bad = true};
	return 0;
}

static void string_read(struct span *in, struct output *out)
{
	bool huffman = in->left > 0 && (in->at[0] & STRING_HUFFMAN) != 0;
	struct span bytes = span_take(in, integer_read(in, BITS_STRING));

	out->used = 0;
	if (huffman)
		huffman_read(bytes, out);
	else
		while (bytes.left > 0)
			output_put(out, span_u8(&bytes));
}

// ---- the static table, appendix A ----

static enum hpack_kind static_kind(uint32_t index)
{
	static const uint8_t kinds[STATIC_ENTRIES + 1] = {
		[1] = HPACK_AUTHORITY, [2] = HPACK_METHOD, [3] = HPACK_METHOD, [4] = HPACK_PATH, [5] = HPACK_PATH, [8] = HPACK_STATUS,
		[9] = HPACK_STATUS, [10] = HPACK_STATUS, [11] = HPACK_STATUS, [12] = HPACK_STATUS, [13] = HPACK_STATUS,
		[14] = HPACK_STATUS, [28] = HPACK_CONTENT_LENGTH, [31] = HPACK_CONTENT_TYPE, [38] = HPACK_HOST, [46] = HPACK_LOCATION,
		[51] = HPACK_REFERER, [54] = HPACK_SERVER, [58] = HPACK_USER_AGENT,
	};

	return index <= STATIC_ENTRIES ? (enum hpack_kind)kinds[index] : HPACK_OTHER;
}

static const char *static_value(uint32_t index)
{
	static const char *const values[] = {
		[2] = "GET", [3] = "POST", [4] = "/", [5] = "/index.html", [8] = "200", [9] = "204", [10] = "206", [11] = "304",
		[12] = "400", [13] = "404", [14] = "500",
	};

	return index < sizeof(values) / sizeof(values[0]) && values[index] != NULL ? values[index] : "";
}

static enum hpack_kind name_kind(const uint8_t *name, uint32_t len)
{
	static const char *const names[] = {
		[HPACK_METHOD] = ":method", [HPACK_PATH] = ":path", [HPACK_AUTHORITY] = ":authority", [HPACK_STATUS] = ":status",
		[HPACK_HOST] = "host", [HPACK_USER_AGENT] = "user-agent", [HPACK_REFERER] = "referer",
		[HPACK_CONTENT_TYPE] = "content-type", [HPACK_CONTENT_LENGTH] = "content-length", [HPACK_SERVER] = "server",
		[HPACK_LOCATION] = "location",
	};

	for (unsigned i = HPACK_OTHER + 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (enum hpack_kind)i;
	return HPACK_OTHER;
}

// ---- the dynamic table ----

void hpack_begin(struct hpack_table *table)
{
	*table = (struct hpack_table){.size_max = TABLE_BYTES};
}

void hpack_forget(struct hpack_table *table)
{
	table->known = 0;
}

static const struct hpack_entry *entry_at(const struct hpack_table *table, uint32_t index)
{
	uint32_t back = index - STATIC_ENTRIES - 1;

	if (index <= STATIC_ENTRIES || back >= table->known)
		return NULL;
	return &table->entry[(table->inserted - 1 - back) % HPACK_ENTRIES];
}

// Copies the value of an entry, as long as it is held, to the room.
static void entry_value(const struct hpack_table *table, const struct hpack_entry *entry, uint8_t *room, struct hpack_field *out)
{
	if (table->written - entry->at > HPACK_BYTES) {
		out->kind = HPACK_OTHER;
		return;
	}
	for (uint32_t i = 0; i < entry->len; i++)
		room[i] = table->bytes[(entry->at + i) % HPACK_BYTES];
	out->value = span_of(room, entry->len);
	out->cut = entry->cut;
}

static void entry_insert(struct hpack_table *table, enum hpack_kind kind, struct span value, uint32_t size)
{
	struct hpack_entry *entry = &table->entry[table->inserted % HPACK_ENTRIES];

	if (size > table->size_max) {
		hpack_forget(table);
		return;
	}
	*entry = (struct hpack_entry){.at = table->written, .kind = (uint8_t)kind, .cut = value.left > HPACK_VALUE_MAX};
	if (kind != HPACK_OTHER)
		entry->len = (uint16_t)(entry->cut ? HPACK_VALUE_MAX : value.left);
	for (uint32_t i = 0; i < entry->len; i++)
		table->bytes[table->written++ % HPACK_BYTES] = span_u8(&value);
	table->inserted++;
	if (table->known < HPACK_ENTRIES)
		table->known++;
}

// ---- a block ----

static void indexed_read(const struct hpack_table *table, uint32_t index, uint8_t *room, struct hpack_field *out)
{
	const struct hpack_entry *entry = entry_at(table, index);
	const char *value = static_value(index);

	out->kind = static_kind(index);
	out->value = span_of(value, (uint32_t)strlen(value));
	if (entry != NULL) {
		out->kind = (enum hpack_kind)entry->kind;
		entry_value(table, entry, room, out);
	}
}

// A field with its value, and with its name unless an index stands for that.
static void literal_read(struct hpack_table *table, struct span *block, unsigned bits, uint8_t *room, struct hpack_field *out)
{
	uint32_t index = integer_read(block, bits);
	const struct hpack_entry *entry = entry_at(table, index);
	uint8_t name_room[NAME_ROOM];
	struct output name = {.room = name_room, .max = NAME_ROOM}, value = {.room = room, .max = HPACK_ROOM};

	if (index == 0)
		string_read(block, &name);
	string_read(block, &value);
	out->kind = static_kind(index);
	if (index == 0 && name.used <= NAME_ROOM)
		out->kind = name_kind(name_room, name.used);
	else if (entry != NULL)
		out->kind = (enum hpack_kind)entry->kind;
	out->cut = value.used > HPACK_ROOM;
	out->value = span_of(room, out->cut ? HPACK_ROOM : value.used);
	if (bits == BITS_INSERTED && span_ok(block))
		entry_insert(table, out->kind, out->value, name.used + value.used + ENTRY_OVERHEAD);
}

bool hpack_next(struct hpack_table *table, struct span *block, uint8_t *room, struct hpack_field *out)
{
	uint8_t form = block->left > 0 ? block->at[0] : 0;

	*out = (struct hpack_field){.kind = HPACK_OTHER};
	if (block->left == 0)
		return false;
	if ((form & FORM_INDEXED) != 0) {
		indexed_read(table, integer_read(block, BITS_INDEXED), room, out);
	} else if ((form & FORM_INSERTED) != 0) {
		literal_read(table, block, BITS_INSERTED, room, out);
	} else if ((form & FORM_RESIZE) != 0) {
		table->size_max = integer_read(block, BITS_RESIZE);
		if (table->size_max == 0)
			hpack_forget(table);
	} else {
		literal_read(table, block, BITS_PLAIN, room, out);
	}
	if (!span_ok(block))
		hpack_forget(table);
	return span_ok(block);
}
