// TFTP: requests with and without options, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define TFTP(fields) "tftp {\"tftp\":{" fields "}}\n"

static struct feed f;

struct request {
	const uint8_t *bytes;
	uint32_t len;
	const char *log; // "": refused
};

static const struct request requests[] = {
	{BYTES("\0\1file\0octet\0"), TFTP("\"packet\":\"read\",\"file\":\"file\",\"mode\":\"octet\"")},
	{BYTES("\0\2/a/b c\0NetASCII\0"), TFTP("\"packet\":\"write\",\"file\":\"/a/b c\",\"mode\":\"NetASCII\"")},
	{BYTES("\0\1f\0octet\0blksize\0001468\0tsize\0000\0"),
	 TFTP("\"packet\":\"read\",\"file\":\"f\",\"mode\":\"octet\",\"options\":[\"blksize=1468\",\"tsize=0\"]")},
	{BYTES("\0\1f\0octet\0\0\0\0"), TFTP("\"packet\":\"read\",\"file\":\"f\",\"mode\":\"octet\"")},
	{BYTES("\0\1\xff\\,\"\0octet\0"), TFTP("\"packet\":\"read\",\"file\":\"\\\\xff\\\\x5c,\\\"\",\"mode\":\"octet\"")},
	{BYTES("\0\3file\0octet\0"), ""},
	{BYTES("\0\4\0\1"), ""},
	{BYTES("\1\0file\0octet\0"), ""},
	{BYTES("\0\1\0octet\0"), ""},
	{BYTES("\0\1file\0binary\0"), ""},
	{BYTES("\0\1file\0octet"), ""},
	{BYTES("\0\1file"), ""},
	{BYTES("\0\1fi\x1ble\0octet\0"), ""},
	{BYTES("\0\1file\0octet\0blksize\0"), ""},
	{BYTES("\0\1file\0octet\0blksize\0001"), ""},
	{BYTES("\0\1file\0octet\0\1\0002\0"), ""},
	{BYTES("\0\1f\0octet\0a\0b\0a\0b\0a\0b\0a\0b\0a\0b\0a\0b\0a\0b\0a\0b\0a\0b\0"), ""}, // nine options
};

static void datagrams(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		feed_start(&f, &proto_tftp, PROTO_UDP, 40000, 69);
		feed(&f, true, requests[i].bytes, requests[i].len);
		if (f.refused != (requests[i].log[0] == '\0') || strcmp(f.log, requests[i].log) != 0)
			fail_msg("request %u: %s", i, f.log);
		for (uint32_t len = 0; len < requests[i].len; len++) {
			feed_start(&f, &proto_tftp, PROTO_UDP, 40000, 69);
			feed(&f, true, requests[i].bytes, len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(datagrams)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
