#include "filter/filter_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ip.h"
#include "packet/packet.h"

enum { TEXT_MAX = 100, DIGITS_MAX = 10 };

static unsigned __int128 ones(unsigned bits)
{
	return bits >= 128 ? ~(unsigned __int128)0 : ((unsigned __int128)1 << bits) - 1;
}

static unsigned __int128 big_endian(const uint8_t *bytes, unsigned n)
{
	unsigned __int128 value = 0;

	for (unsigned i = 0; i < n; i++)
		value = value << 8 | bytes[i];
	return value;
}

// Decimal, or hexadecimal behind 0x.
static int number_parse(const char *text, unsigned __int128 *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (n == 0 || n > DIGITS_MAX || digits[n] != '\0')
		return -EINVAL;
	*out = strtoull(digits, NULL, hex ? 16 : 10);
	return 0;
}

static int protocol_parse(const char *text, unsigned __int128 *out)
{
	for (unsigned i = 0; i < 256; i++) {
		const char *name = ip_proto_name((uint8_t)i);

		if (name != NULL && strcasecmp(name, text) == 0) {
			*out = i;
			return 0;
		}
	}
	if (strcasecmp(text, "ICMPv6") == 0) {
		*out = IP_ICMPV6;
		return 0;
	}
	return number_parse(text, out);
}

static int mac_parse(const char *text, unsigned __int128 *out)
{
	uint8_t mac[6];

	if (strlen(text) != 17)
		return -EINVAL;
	for (unsigned i = 0; i < 6; i++) {
		const char *at = text + 3 * i;

		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]) || at[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)strtoul(at, NULL, 16);
	}
	*out = big_endian(mac, 6);
	return 0;
}

static int address_parse(const char *text, int family, unsigned __int128 *out)
{
	uint8_t bytes[16];

	if (inet_pton(family, text, bytes) != 1)
		return -EINVAL;
	*out = big_endian(bytes, family == AF_INET ? 4 : 16);
	return 0;
}

static int one_parse(const struct filter_field *field, const char *text, unsigned __int128 *out)
{
	switch (field->kind) {
	case FILTER_PROTOCOL_NUMBER:
		return protocol_parse(text, out);
	case FILTER_MAC:
		return mac_parse(text, out);
	case FILTER_IPV4:
		return address_parse(text, AF_INET, out);
	case FILTER_IPV6:
		return address_parse(text, AF_INET6, out);
	default:
		return number_parse(text, out);
	}
}

static int network_parse(const struct filter_field *field, const char *text, const char *slash, struct filter_range *out)
{
	char address[TEXT_MAX];
	unsigned __int128 length, host;

	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (one_parse(field, address, &out->low) != 0 || number_parse(slash + 1, &length) != 0 || length > field->bits)
		return -EINVAL;
	host = ones(field->bits - (unsigned)length);
	out->low &= ~host;
	out->high = out->low | host;
	return 0;
}

int filter_value_text(const struct filter_field *field, const char *text, struct filter_range *out)
{
	bool address = field->kind == FILTER_IPV4 || field->kind == FILTER_IPV6;
	const char *slash = strchr(text, '/'), *dash;
	char low[TEXT_MAX];

	if (strlen(text) >= TEXT_MAX)
		return -EINVAL;
	if (slash != NULL)
		return address ? network_parse(field, text, slash, out) : -EINVAL;
	if (one_parse(field, text, &out->low) == 0) { // before ranges: names have dashes
		out->high = out->low;
		return out->high <= ones(field->bits) ? 0 : -EINVAL;
	}
	dash = strchr(text, '-');
	if (dash == NULL)
		return -EINVAL;
	snprintf(low, sizeof(low), "%.*s", (int)(dash - text), text);
	if (one_parse(field, low, &out->low) != 0 || one_parse(field, dash + 1, &out->high) != 0)
		return -EINVAL;
	return out->low <= out->high && out->high <= ones(field->bits) ? 0 : -EINVAL;
}

int filter_value_number(const struct filter_field *field, double number, struct filter_range *out)
{
	bool numeric = field->kind == FILTER_NUMBER || field->kind == FILTER_PROTOCOL_NUMBER;

	if (!numeric || !(number >= 0) || number > (double)ones(field->bits) || number != (double)(uint64_t)number)
		return -EINVAL;
	out->low = out->high = (uint64_t)number;
	return 0;
}

void filter_value_wanted(const struct filter_field *field, char *out, size_t room)
{
	static const char *const says[FILTER_KINDS] = {
		[FILTER_MAC] = "an Ethernet address (02:00:00:00:00:01)",
		[FILTER_IPV4] = "an IPv4 address, a network (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)",
		[FILTER_IPV6] = "an IPv6 address, a network (2001:db8::/32) or a range",
		[FILTER_INTERFACE] = "the name of an interface",
	};
	unsigned long long most = (unsigned long long)ones(field->bits);

	if (says[field->kind] != NULL)
		snprintf(out, room, "%s", says[field->kind]);
	else
		snprintf(out, room, "a whole number from 0 to %llu, a range (%llu-%llu)%s", most, most / 4, most / 2,
			 field->kind == FILTER_PROTOCOL_NUMBER ? ", or the name of a protocol" : "");
}
