#include "proto/proto_netbios_name.h"

#include "base/text.h"

enum { LETTERS = 32, TEXT_MAX = 64 };

static bool letter_is(uint8_t c)
{
	return c >= 'A' && c <= 'P';
}

bool netbios_name_decode(const struct dns_name *from, struct netbios_name *name)
{
	uint8_t both[NETBIOS_NAME_BYTES + 1];

	if (from->len < LETTERS || (from->len > LETTERS && from->bytes[LETTERS] != '.'))
		return false;
	for (unsigned i = 0; i < sizeof(both); i++) {
		uint8_t high = from->bytes[2 * i], low = from->bytes[2 * i + 1];

		if (!letter_is(high) || !letter_is(low))
			return false;
		both[i] = (uint8_t)((high - 'A') << 4 | (low - 'A'));
	}
	memcpy(name->bytes, both, NETBIOS_NAME_BYTES);
	name->suffix = both[NETBIOS_NAME_BYTES];
	name->scope.len = from->len > LETTERS ? from->len - LETTERS - 1 : 0;
	memcpy(name->scope.bytes, from->bytes + (from->len - name->scope.len), name->scope.len);
	return true;
}

bool netbios_name_read(struct span message, struct span *at, struct netbios_name *name)
{
	struct span after = *at;
	struct dns_name wire;

	if (!dns_name_read(message, &after, &wire) || !netbios_name_decode(&wire, name))
		return false;
	*at = after;
	return true;
}

struct record_text netbios_text(struct l7 *l7, const uint8_t *bytes)
{
	char room[TEXT_MAX];
	struct text_builder out = text_builder(room, sizeof(room));
	unsigned len = NETBIOS_NAME_BYTES;

	while (len > 0 && (bytes[len - 1] == ' ' || bytes[len - 1] == '\0'))
		len--;
	for (unsigned i = 0; i < len; i++) {
		if (bytes[i] >= ' ' && bytes[i] < 0x7f) {
			text_put_bytes(&out, bytes + i, 1);
			continue;
		}
		text_put(&out, "<");
		text_put_hex(&out, bytes + i, 1);
		text_put(&out, ">");
	}
	return l7_text_bytes(l7, room, (uint32_t)out.used, TEXT_MAX);
}

struct record_text netbios_suffix_text(struct l7 *l7, uint8_t suffix)
{
	char room[2];
	struct text_builder out = text_builder(room, sizeof(room));

	text_put_hex(&out, &suffix, 1);
	return l7_text_bytes(l7, room, sizeof(room), sizeof(room));
}

const char *netbios_service(uint8_t suffix)
{
	switch (suffix) {
	case 0x00:
		return "workstation";
	case 0x01:
		return "browser";
	case 0x03:
		return "messenger";
	case 0x06:
		return "ras_server";
	case 0x1b:
		return "domain_master_browser";
	case 0x1c:
		return "domain_controllers";
	case 0x1d:
		return "local_master_browser";
	case 0x1e:
		return "browser_elections";
	case 0x1f:
		return "netdde";
	case 0x20:
		return "server";
	case 0x21:
		return "ras_client";
	default:
		return NULL;
	}
}
