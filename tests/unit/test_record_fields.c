// The field table holds together: what an encoder takes for granted is true of every row.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/ip.h"
#include "base/json.h"
#include "proto/proto.h"
#include "record/record_json.h"
#include "record/record_names.h"

enum { PATHS_MAX = 128, TYPES = RECORD_TYPES + PROTO_MAX };

static uint16_t size_of(enum field_kind kind)
{
	switch (kind) {
	case FIELD_U8:
	case FIELD_BOOL:
	case FIELD_NAME8:
		return 1;
	case FIELD_U16:
	case FIELD_HEX16:
	case FIELD_BIT16:
	case FIELD_NAME16:
		return 2;
	case FIELD_U32:
		return 4;
	case FIELD_U64:
	case FIELD_TIME:
	case FIELD_MS:
		return 8;
	case FIELD_MAC:
		return RECORD_MAC;
	case FIELD_IPV4:
		return RECORD_IPV4;
	case FIELD_TEXT:
	case FIELD_TEXT_LIST:
	case FIELD_LIST32:
	case FIELD_RAW_JSON:
		return sizeof(struct record_text);
	default:
		return 0; // lists and rows: any; made: none
	}
}

static void path_check(const struct record_field *f)
{
	char path[128];

	assert_true(f->eve_key_length > 3 && f->eve_key_length <= FIELD_KEY_MAX);
	snprintf(path, sizeof(path), "%s%s%.*s", f->eve_object, f->eve_object[0] != '\0' ? "." : "", f->eve_key_length - 3,
		 f->eve_key + 1);
	assert_string_equal(path, f->eve);
	assert_int_equal(f->eve_key[0], '"');
	assert_memory_equal(f->eve_key + f->eve_key_length - 2, "\":", 2);
}

static void row_check(const struct record_field *f, uint32_t body)
{
	bool made = f->kind == FIELD_MADE_NUMBER || f->kind == FIELD_MADE_TEXT;

	assert_true(f->name[0] != '\0' && strspn(f->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(f->name));
	assert_true((uint32_t)f->offset + f->size <= body);
	if (size_of(f->kind) != 0)
		assert_int_equal(f->size, size_of(f->kind));
	assert_int_equal(made, f->make != NULL);
	assert_int_equal(f->kind == FIELD_NAME8, f->names != NULL);
	assert_int_equal(f->kind == FIELD_NAME16, f->name_of != NULL);
	assert_int_equal(f->kind == FIELD_BIT16, f->bit != 0);
	assert_int_equal(f->kind == FIELD_ROWS, f->row_fields != NULL);
	assert_int_equal(f->kind == FIELD_ROWS || f->kind == FIELD_LIST16, f->rows_max != 0);
	for (unsigned i = 0; i < f->names_count; i++)
		assert_non_null(f->names[i]);
	if (f->eve != NULL)
		path_check(f);
}

static void rows_check(const struct record_field *f, uint32_t body)
{
	assert_int_equal(f->row_size * f->rows_max, f->size);
	assert_true(f->row_count_offset < body);
	if (f->kind == FIELD_LIST16) {
		assert_int_equal(f->row_size, sizeof(uint16_t));
		return;
	}
	for (const struct record_field *g = f->row_fields; g->name != NULL; g++) {
		row_check(g, f->row_size);
		assert_true(g->kind <= FIELD_TEXT_LIST);
		assert_string_equal(g->eve_object, "");
	}
}

static void table_check(const struct record_field *f, uint32_t body)
{
	for (; f->name != NULL; f++) {
		row_check(f, body);
		if (f->kind == FIELD_ROWS || f->kind == FIELD_LIST16)
			rows_check(f, body);
	}
}

static void rows_are_sound(void **state)
{
	(void)state;
	table_check(record_common_fields, sizeof(struct record));
	for (unsigned t = 0; t < TYPES; t++) {
		const struct record_kind *kind = proto_record_kind((uint8_t)t);

		if (kind == NULL) {
			assert_true(t >= RECORD_TYPES);
			continue;
		}
		assert_non_null(kind->event_type);
		assert_int_equal(kind->body_size % 8, 0);
		assert_true(sizeof(struct record) + kind->body_size < RECORD_LENGTH_MAX);
		assert_true(t < RECORD_TYPES || kind->body_size <= L7_BODY_MAX);
		table_check(kind->fields, kind->body_size);
	}
}

static unsigned join(const struct record_field *joined[PATHS_MAX], unsigned type)
{
	const struct record_kind *kind = proto_record_kind((uint8_t)type);
	const struct record_field *tables[] = {record_common_fields, kind != NULL ? kind->fields : NULL};
	unsigned n = 0;

	for (unsigned t = 0; t < 2 && tables[t] != NULL; t++)
		for (const struct record_field *f = tables[t]; f->name != NULL; f++) {
			assert_true(n < PATHS_MAX);
			joined[n++] = f;
		}
	return n;
}

static void names_and_paths_are_unique(void **state)
{
	const struct record_field *f[PATHS_MAX];

	(void)state;
	for (unsigned t = 0; t < TYPES; t++) {
		unsigned n = join(f, t);

		for (unsigned i = 0; i < n; i++)
			for (unsigned k = i + 1; k < n; k++) {
				assert_string_not_equal(f[i]->name, f[k]->name);
				if (f[i]->eve != NULL && f[k]->eve != NULL)
					assert_string_not_equal(f[i]->eve, f[k]->eve);
				if (f[i]->sql != NULL && f[k]->sql != NULL)
					assert_string_not_equal(f[i]->sql, f[k]->sql);
				if (f[i]->csv != NULL && f[k]->csv != NULL)
					assert_string_not_equal(f[i]->csv, f[k]->csv);
				if (f[i]->ipfix != 0)
					assert_int_not_equal(f[i]->ipfix, f[k]->ipfix);
			}
	}
}

static bool within(const char *object, const char *path)
{
	size_t n = strlen(object);

	return n == 0 || (strncmp(object, path, n) == 0 && (path[n] == '.' || path[n] == '\0'));
}

// Once a row is outside of an object, none inside follows: an encoder would open it twice.
static void objects_stand_together(void **state)
{
	const struct record_field *f[PATHS_MAX];

	(void)state;
	for (unsigned t = 0; t < TYPES; t++) {
		unsigned n = join(f, t);

		for (unsigned i = 0; i < n; i++) {
			bool left = false;

			for (unsigned k = i; k < n && f[i]->eve != NULL; k++) {
				if (f[k]->eve == NULL)
					continue;
				if (!within(f[i]->eve_object, f[k]->eve_object))
					left = true;
				else
					assert_false(left && f[i]->eve_object[0] != '\0');
			}
		}
	}
}

// The most that a row can add that is not a text of the record, with the braces of an object of its own.
static size_t fixed_of(const struct record_field *f)
{
	size_t bytes = FIELD_KEY_MAX + 48;

	if (f->kind == FIELD_ROWS)
		for (const struct record_field *g = f->row_fields; g->name != NULL; g++)
			bytes += (size_t)f->rows_max * (g->eve_key_length + JSON_U64_MAX + 18u);
	if (f->kind == FIELD_LIST16)
		bytes += f->rows_max * 6u;
	return bytes;
}

static void what_is_not_text_fits(void **state)
{
	const struct record_field *f[PATHS_MAX];

	(void)state;
	for (unsigned t = 0; t < TYPES; t++) {
		unsigned n = join(f, t);
		size_t bytes = 2;

		for (unsigned i = 0; i < n; i++)
			bytes += fixed_of(f[i]);
		assert_true(bytes <= RECORD_JSON_FIXED_MAX);
	}
}

static void address_check(uint8_t version, const uint8_t *address, const char *expected)
{
	char out[RECORD_ADDRESS_MAX + 1];

	*record_address_put(out, version, address) = '\0';
	assert_string_equal(out, expected);
}

static void addresses(void **state)
{
	static const struct {
		uint16_t group[8];
		const char *text;
	} rows[] = { // RFC 5952, section 4
		{{0}, "::"},
		{{0, 0, 0, 0, 0, 0, 0, 1}, "::1"},
		{{0xfe80}, "fe80::"},
		{{0x2001, 0xdb8, 0, 0, 0, 0, 2, 1}, "2001:db8::2:1"},
		{{0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}, "2001:db8:0:1:1:1:1:1"},
		{{0x2001, 0, 0, 1, 0, 0, 0, 1}, "2001:0:0:1::1"},
		{{0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}, "2001:db8::1:0:0:1"},
		{{0x2001, 0xdb8, 1, 1, 1, 1, 0, 0}, "2001:db8:1:1:1:1::"},
		{{0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{{0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201}, "::ffff:192.0.2.1"},
		{{0, 0, 0xabcd}, "0:0:abcd::"},
		{{0, 1, 0, 1, 0, 1, 0, 1}, "0:1:0:1:0:1:0:1"},
	};
	uint8_t address[16];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned g = 0; g < 8; g++) {
			address[2 * g] = (uint8_t)(rows[i].group[g] >> 8);
			address[2 * g + 1] = (uint8_t)rows[i].group[g];
		}
		address_check(6, address, rows[i].text);
	}
	address_check(4, (const uint8_t[]){192, 0, 2, 1}, "192.0.2.1");
	address_check(4, (const uint8_t[]){255, 255, 255, 255}, "255.255.255.255");
	address_check(4, (const uint8_t[]){0, 10, 100, 9}, "0.10.100.9");
}

static void a_mac_takes_no_more_than_its_room(void **state)
{
	char out[RECORD_MAC_TEXT + 1];

	(void)state;
	out[RECORD_MAC_TEXT] = '?';
	assert_ptr_equal(record_mac_put(out, (const uint8_t[]){0x02, 0, 0x5e, 0x10, 0xff, 0xa9}), out + RECORD_MAC_TEXT);
	assert_memory_equal(out, "02:00:5e:10:ff:a9?", RECORD_MAC_TEXT + 1);
}

static void numbers_without_a_name(void **state)
{
	(void)state;
	assert_string_equal(record_dns_type_name(28), "AAAA");
	assert_string_equal(record_dns_type_name(65), "HTTPS");
	assert_null(record_dns_type_name(0));
	assert_null(record_dns_type_name(65535));
	assert_string_equal(record_dns_rcode_name(3), "NXDOMAIN");
	assert_null(record_dns_rcode_name(15));
	assert_string_equal(record_tls_version_name(0x0303), "TLS 1.2");
	assert_null(record_tls_version_name(0x0a0a));
	assert_string_equal(ip_proto_name(58), "IPv6-ICMP");
	assert_null(ip_proto_name(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(names_and_paths_are_unique),
		cmocka_unit_test(objects_stand_together),
		cmocka_unit_test(what_is_not_text_fits),
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_mac_takes_no_more_than_its_room),
		cmocka_unit_test(numbers_without_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
