#include "proto/proto_dns_svcb.h"

#include <arpa/inet.h>

enum { KEY_MANDATORY, KEY_ALPN, KEY_NO_DEFAULT_ALPN, KEY_PORT, KEY_IPV4_HINT, KEY_ECH, KEY_IPV6_HINT, KEY_DOH_PATH, KEYS };
enum { IPV4_BYTES = 4, IPV6_BYTES = 16 };

static const char *const keys[KEYS] = {"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath"};

static void key_put(uint16_t key, struct text_builder *out)
{
	if (key < KEYS) {
		text_put(out, keys[key]);
		return;
	}
	text_put(out, "key");
	text_put_number(out, key);
}

static bool alpn_put(struct span in, struct text_builder *out)
{
	for (bool first = true; in.left > 0; first = false) {
		struct span name = span_take(&in, span_u8(&in));

		if (!span_ok(&name) || name.left == 0)
			return false;
		if (!first)
			text_put(out, ",");
		text_put_bytes(out, name.at, name.left);
	}
	return true;
}

static bool addresses_put(struct span in, int family, uint32_t bytes, struct text_builder *out)
{
	bool first = true;

	for (; in.left >= bytes; first = false) {
		char text[INET6_ADDRSTRLEN];

		if (inet_ntop(family, span_bytes(&in, bytes), text, sizeof(text)) == NULL)
			return false;
		if (!first)
			text_put(out, ",");
		text_put(out, text);
	}
	return in.left == 0 && !first;
}

static bool mandatory_put(struct span in, struct text_builder *out)
{
	for (bool first = true; in.left >= 2; first = false) {
		if (!first)
			text_put(out, ",");
		key_put(span_be16(&in), out);
	}
	return in.left == 0;
}

static bool value_put(uint16_t key, struct span value, struct text_builder *out)
{
	switch (key) {
	case KEY_MANDATORY:
		return mandatory_put(value, out);
	case KEY_ALPN:
		return alpn_put(value, out);
	case KEY_PORT:
		text_put_number(out, span_be16(&value));
		return span_ok(&value) && value.left == 0;
	case KEY_IPV4_HINT:
		return addresses_put(value, AF_INET, IPV4_BYTES, out);
	case KEY_IPV6_HINT:
		return addresses_put(value, AF_INET6, IPV6_BYTES, out);
	case KEY_DOH_PATH:
		text_put_bytes(out, value.at, value.left);
		return true;
	default:
		text_put_hex(out, value.at, value.left);
		return true;
	}
}

bool dns_svcb_put(struct span *at, struct text_builder *out)
{
	int32_t last = -1;

	while (at->left > 0) {
		uint16_t key = span_be16(at);
		struct span value = span_take(at, span_be16(at));

		if (!span_ok(&value) || key <= last)
			return false;
		last = key;
		text_put(out, " ");
		key_put(key, out);
		if (value.left > 0)
			text_put(out, "=");
		if (value.left > 0 && !value_put(key, value, out))
			return false;
	}
	return true;
}
