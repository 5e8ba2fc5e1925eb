// Protocols of names and addresses, a datagram a message: what is read, what is refused, every end cut, every byte damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define NAMED(letters) "\x20" letters "\0"
#define ALPHA "EBEMFAEIEBCACACACACACACACACACAAA"
#define STAR "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BROWSER "ABACFPFPENFDECFCEPFHFDEFFPFPACAB"

static struct feed f;

struct message {
	const struct proto_ops *ops;
	const uint8_t *bytes;
	uint32_t len;
	const char *log; // NULL: refused
};

#define NBDGM(type) type "\x0a\x12\x34\xc0\0\2\1\0\x8a"
#define SMB                                                                                                                \
	"\xffSMB\x25\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x11\0\0\x21\0\0\0\0\0\0\0\0\0\xe8\3\0\0\0\0\0\0\0\0" \
	"\x25\0\x56\0\3\0\1\0\1\0\2\0\x32\0\\MAILSLOT\\BROWSE\0"
#define ANNOUNCEMENT "\1\0\x60\xea\0\0" "ALPHA\0\0\0\0\0\0\0\0\0\0\0" "\6\1\3\x9a\x84\0\x0f\1\x55\xaa" "a \x1b" "b\0"

#define SOLICIT "\1\x12\x34\x56\0\1\0\x0a\0\3\0\1\2\0\0\0\0\1\0\x08\0\2\0\7\0\6\0\4\0\x17\0\x18\0\3\0\x0c\0\0\0\1\0\0\0\0\0\0\0\0" \
	"\0\x27\0\6\0\4h\x1b" "ex"
#define SOLICIT_JSON                                                                                                       \
	"dhcpv6 {\"dhcpv6\":{\"msg_type\":\"solicit\",\"id\":1193046,\"client_duid\":\"00:03:00:01:02:00:00:00:00:01\"," \
	"\"client_mac\":\"02:00:00:00:00:01\",\"elapsed_ms\":70,\"iaids\":[\"1\"],\"fqdn\":\"h\\\\x1bex\",\"params\":[\"23\",\"24\"]"
#define ZERO8 "\0\0\0\0\0\0\0\0"
#define TIME8 "\xe9\1\2\3\4\5\6\7"
#define LINK_ADDRESS "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"

static const struct message messages[] = {
	{&proto_nbns, BYTES("\x12\x34\1\x10\0\1\0\0\0\0\0\0" NAMED(ALPHA) "\0\x20\0\1"),
	 "nbns {\"nbns\":{\"type\":\"query\",\"id\":4660,\"opcode\":\"query\",\"rd\":true,\"broadcast\":true,\"rrtype\":\"NB\","
	 "\"name\":\"ALPHA\",\"suffix\":\"00\",\"service\":\"workstation\"}}"},
	{&proto_nbns, BYTES("\x12\x34\x85\0\0\0\0\1\0\0\0\0\x20" ALPHA "\3abc\3org\0\0\x20\0\1\0\0\1\x2c\0\x0c\xe0\0\xc0\0\2\1\0\0\xc0\0\2\2"),
	 "nbns {\"nbns\":{\"type\":\"response\",\"id\":4660,\"opcode\":\"query\",\"rcode\":\"NOERROR\",\"aa\":true,\"rd\":true,"
	 "\"rrtype\":\"NB\",\"name\":\"ALPHA\",\"suffix\":\"00\",\"service\":\"workstation\",\"scope\":\"abc.org\",\"ttl\":300,"
	 "\"group\":true,\"node_type\":\"H\",\"addresses\":[\"192.0.2.1\",\"192.0.2.2\"]}}"},
	{&proto_nbns, BYTES("\0\1\x85\x83\0\0\0\1\0\0\0\0" NAMED(BROWSER) "\0\x0a\0\1\0\0\0\0\0\0"),
	 "nbns {\"nbns\":{\"type\":\"response\",\"id\":1,\"opcode\":\"query\",\"rcode\":\"NAM_ERR\",\"aa\":true,\"rd\":true,\"ra\":true,"
	 "\"rrtype\":\"NULL\",\"name\":\"\\u003c01>\\u003c02>__MSBROWSE__\\u003c02>\",\"suffix\":\"01\",\"service\":\"browser\"}}"},
	{&proto_nbns, BYTES("\0\1\x29\0\0\1\0\0\0\0\0\1" NAMED(ALPHA) "\0\x20\0\1\xc0\x0c\0\x20\0\1\0\0\0\0\0\6\x60\0\xc0\0\2\1"),
	 "nbns {\"nbns\":{\"type\":\"query\",\"id\":1,\"opcode\":\"registration\",\"rd\":true,\"rrtype\":\"NB\",\"name\":\"ALPHA\","
	 "\"suffix\":\"00\",\"service\":\"workstation\",\"node_type\":\"H\",\"addresses\":[\"192.0.2.1\"]}}"},
	{&proto_nbns,
	 BYTES("\0\1\x84\0\0\0\0\1\0\0\0\0" NAMED(STAR) "\0\x21\0\1\0\0\0\0\0\x2b\2"
	       "ALPHA          \x20\4\0" "OFFICE         \0\x84\0" "\2\0\0\0\0\1"),
	 "nbns {\"nbns\":{\"type\":\"response\",\"id\":1,\"opcode\":\"query\",\"rcode\":\"NOERROR\",\"aa\":true,\"rrtype\":\"NBSTAT\","
	 "\"name\":\"*\",\"suffix\":\"00\",\"service\":\"workstation\",\"mac\":\"02:00:00:00:00:01\",\"names\":["
	 "{\"name\":\"ALPHA\",\"suffix\":\"20\",\"active\":true},{\"name\":\"OFFICE\",\"suffix\":\"00\",\"group\":true,\"active\":true}]}}"},
	{&proto_nbns, BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\1\0\1"), NULL},                 // DNS
	{&proto_nbns, BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0" NAMED(ALPHA) "\0\1\0\1"), NULL},                      // an address of that name
	{&proto_nbns, BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0" NAMED("EBEMFAEIEBCACACACACACACACACACAAQ") "\0\x20\0\1"), NULL},
	{&proto_nbns, BYTES("\x12\x34\1\x40\0\1\0\0\0\0\0\0" NAMED(ALPHA) "\0\x20\0\1"), NULL},                  // reserved bit
	{&proto_nbns, BYTES("\x12\x34\x11\0\0\1\0\0\0\0\0\0" NAMED(ALPHA) "\0\x20\0\1"), NULL},                  // opcode 2
	{&proto_nbns, BYTES("\x12\x34\1\0\0\2\0\0\0\0\0\0" NAMED(ALPHA) "\0\x20\0\1"), NULL},
	{&proto_dns, BYTES("\x12\x34\1\x10\0\1\0\0\0\0\0\0" NAMED(ALPHA) "\0\x20\0\1"), NULL},                   // DNS leaves it alone
	{&proto_nbdgm, BYTES(NBDGM("\x11") "\0\xb2\0\0" NAMED(ALPHA) NAMED(BROWSER) SMB ANNOUNCEMENT),
	 "nbdgm {\"nbdgm\":{\"type\":\"direct_group\",\"id\":4660,\"source_ip\":\"192.0.2.1\",\"source_port\":138,\"source_name\":\"ALPHA\","
	 "\"source_suffix\":\"00\",\"destination_name\":\"\\u003c01>\\u003c02>__MSBROWSE__\\u003c02>\",\"destination_suffix\":\"01\",\"mailslot\":\"BROWSE\","
	 "\"browser\":{\"command\":\"host_announcement\",\"period_ms\":60000,\"host_name\":\"ALPHA\",\"os_version\":\"6.1\","
	 "\"comment\":\"a \\\\x1bb\"}}}"},
	{&proto_nbdgm, BYTES(NBDGM("\x14") NAMED(ALPHA)),
	 "nbdgm {\"nbdgm\":{\"type\":\"query_request\",\"id\":4660,\"source_ip\":\"192.0.2.1\",\"source_port\":138,"
	 "\"destination_name\":\"ALPHA\",\"destination_suffix\":\"00\"}}"},
	{&proto_nbdgm, BYTES(NBDGM("\x14") NAMED(ALPHA) "x"), NULL},
	{&proto_nbdgm, BYTES(NBDGM("\x17") NAMED(ALPHA)), NULL},
	{&proto_nbdgm, BYTES("\x11\x1a\x12\x34\xc0\0\2\1\0\x8a\0\x44\0\0" NAMED(ALPHA) NAMED(ALPHA)), NULL},     // a flag no one uses
	{&proto_nbdgm, BYTES(NBDGM("\x11") "\0\x45\0\0" NAMED(ALPHA) NAMED(ALPHA)), NULL},                       // longer than it is
	{&proto_ssdp, BYTES("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMan: \"ssdp:discover\"\r\nMX:1\r\nst: ssdp:all\r\n"
			    "USER-AGENT: a/1 \x1b[31m\r\n\r\n"),
	 "ssdp {\"ssdp\":{\"type\":\"request\",\"method\":\"M-SEARCH\",\"host\":\"239.255.255.250:1900\",\"man\":\"\\\"ssdp:discover\\\"\","
	 "\"mx\":\"1\",\"st\":\"ssdp:all\",\"user_agent\":\"a/1 \\\\x1b[31m\"}}"},
	{&proto_ssdp, BYTES("NOTIFY * HTTP/1.1\nNT: upnp:rootdevice\nNTS: ssdp:alive\nUSN: uuid:1::upnp:rootdevice\nLocation: http://192.0.2.9/d.xml\n"
			    "Server: x/1 UPnP/1.0\nCache-Control: max-age=1800\nBOOTID.UPNP.ORG: 7\nNo colon\nServ"),
	 "ssdp {\"ssdp\":{\"type\":\"request\",\"method\":\"NOTIFY\",\"nt\":\"upnp:rootdevice\",\"nts\":\"ssdp:alive\","
	 "\"usn\":\"uuid:1::upnp:rootdevice\",\"location\":\"http://192.0.2.9/d.xml\",\"cache_control\":\"max-age=1800\","
	 "\"server\":\"x/1 UPnP/1.0\",\"boot_id\":\"7\"}}"},
	{&proto_ssdp, BYTES("HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nServer: x/1\r\n\r\nST: body"),
	 "ssdp {\"ssdp\":{\"type\":\"response\",\"status\":200,\"st\":\"upnp:rootdevice\",\"server\":\"x/1\"}}"},
	{&proto_ssdp, BYTES("HTTP/1.1 200 OK\r\nServer: x/1\r\n\r\n"), NULL}, // not SSDP's
	{&proto_ssdp, BYTES("HTTP/1.1 2x0 OK\r\nST: x\r\n\r\n"), NULL},
	{&proto_ssdp, BYTES("NOTIFY sip:a@example.org SIP/2.0\r\nVia: x\r\n\r\n"), NULL},
	{&proto_ssdp, BYTES("M-SEARCH / HTTP/1.1\r\nST: x\r\n\r\n"), NULL},
	{&proto_ssdp, BYTES("M-SEARCH * HTTP/1.1"), NULL},
	{&proto_ntp, BYTES("\x1b\0\0\0\0\0\0\0" ZERO8 ZERO8 ZERO8 ZERO8 ZERO8), "ntp {\"ntp\":{\"version\":3,\"mode\":\"client\",\"leap\":\"none\"}}"},
	{&proto_ntp, BYTES("\x64\2\6\xe9\0\0\x80\0\0\1\0\0\xc0\0\2\1" TIME8 TIME8 TIME8 TIME8 "\1\4\0\x10" TIME8 "\0\0\0\0\0\0\0\7" TIME8 TIME8),
	 "ntp {\"ntp\":{\"version\":4,\"mode\":\"server\",\"leap\":\"last_minute_61\",\"stratum\":2,\"poll\":64,\"root_delay_ms\":500.000,"
	 "\"root_dispersion_ms\":1000.000,\"reference_id\":\"192.0.2.1\",\"extensions\":1,\"authenticated\":true,\"key_id\":7}}"},
	{&proto_ntp, BYTES("\xe4\0\6\xe9\0\0\0\0\0\0\0\0RATE" ZERO8 ZERO8 TIME8 TIME8),
	 "ntp {\"ntp\":{\"version\":4,\"mode\":\"server\",\"leap\":\"unsynchronized\",\"poll\":64,\"reference_id\":\"RATE\"}}"}, // kiss of death
	{&proto_ntp, BYTES("\x16\x82\0\1\0\0\0\0\0\0\0\x09version=4\0\0\0"),
	 "ntp {\"ntp\":{\"version\":2,\"mode\":\"control\",\"leap\":\"none\",\"opcode\":\"read_variables\",\"response\":true,\"data\":\"version=4\"}}"},
	{&proto_ntp, BYTES("\x17\0\3\x2a\0\0\0\0"), "ntp {\"ntp\":{\"version\":2,\"mode\":\"private\",\"request_code\":42}}"},
	{&proto_ntp, BYTES("\x1b\0\0\0\0\0\0\0" ZERO8 ZERO8 ZERO8 ZERO8), NULL},          // too short
	{&proto_ntp, BYTES("\x1c\2\6\xe9\0\0\0\0\0\0\0\0\0\0\0\0" TIME8 TIME8 TIME8 ZERO8), NULL}, // a server without a time
	{&proto_ntp, BYTES("\x1b\x11\0\0\0\0\0\0" ZERO8 ZERO8 ZERO8 ZERO8 ZERO8), NULL},  // stratum
	{&proto_ntp, BYTES("\x1b\0\0\0\0\x41\0\0" ZERO8 ZERO8 ZERO8 ZERO8 ZERO8), NULL},  // a root that far
	{&proto_ntp, BYTES("\x1b\0\0\0\0\0\0\0" ZERO8 ZERO8 ZERO8 ZERO8 ZERO8 "\0\0\0\5abcde"), NULL}, // what is this behind it?
	{&proto_ntp, BYTES("\x17\0\4\x2a\0\0\0\0"), NULL},
	{&proto_ntp, BYTES("\x97\0\3\x2a\0\2\0\x48" TIME8), NULL},                        // two items of 72 bytes?
	{&proto_syslog, BYTES("<34>1 2026-11-21T09:44:35.5Z host su 12 ID47 [a@1 b=\"\\\"]\"][c] \xef\xbb\xbf" "failed\x1b\n"),
	 "syslog {\"syslog\":{\"facility\":\"auth\",\"severity\":\"critical\",\"version\":1,\"timestamp\":\"2026-11-21T09:44:35.5Z\","
	 "\"hostname\":\"host\",\"app_name\":\"su\",\"pid\":\"12\",\"msg_id\":\"ID47\",\"structured_data\":\"[a@1 b=\\\"\\\\x5c\\\"]\\\"][c]\","
	 "\"message\":\"failed\\\\x1b\"}}"},
	{&proto_syslog, BYTES("<0>1 - - - - - -"), "syslog {\"syslog\":{\"facility\":\"kern\",\"severity\":\"emergency\",\"version\":1}}"},
	{&proto_syslog, BYTES("<13>Nov  1 09:44:35 fe80::1 app[5]: text: more"),
	 "syslog {\"syslog\":{\"facility\":\"user\",\"severity\":\"notice\",\"timestamp\":\"Nov  1 09:44:35\",\"hostname\":\"fe80::1\","
	 "\"app_name\":\"app\",\"pid\":\"5\",\"message\":\"text: more\"}}"},
	{&proto_syslog, BYTES("<189>45: *Mar  1 18:46:11.123: %SYS-5-CONFIG_I: Configured"),
	 "syslog {\"syslog\":{\"facility\":\"local7\",\"severity\":\"notice\",\"timestamp\":\"Mar  1 18:46:11.123\",\"app_name\":\"%SYS-5-CONFIG_I\","
	 "\"message\":\"Configured\"}}"},
	{&proto_syslog, BYTES("<14>app: text"), "syslog {\"syslog\":{\"facility\":\"user\",\"severity\":\"info\",\"app_name\":\"app\",\"message\":\"text\"}}"},
	{&proto_syslog, BYTES("<192>app: text"), NULL},
	{&proto_syslog, BYTES("<14>just text"), NULL},
	{&proto_syslog, BYTES("<1>1 yesterday host"), NULL},
	{&proto_syslog, BYTES("<a>app: text"), NULL},
	{&proto_coap, BYTES("\x42\1\0\7\xab\xcd\x36host\x1b" "x"), NULL}, // a host that no one can print
	{&proto_coap, BYTES("\x42\2\0\7\xab\xcd\xb1" "a\1b\x43" "c=d\xff" "xyz"),
	 "coap {\"coap\":{\"type\":\"confirmable\",\"id\":7,\"token\":\"abcd\",\"method\":\"POST\",\"path\":\"/a/b\",\"query\":\"c=d\","
	 "\"payload_bytes\":3}}"},
	{&proto_coap, BYTES("\x60\x45\0\7\xc1\x32\xff{}"),
	 "coap {\"coap\":{\"type\":\"acknowledgement\",\"id\":7,\"code\":\"2.05\",\"content_format\":\"application/json\",\"payload_bytes\":2}}"},
	{&proto_coap, BYTES("\x60\x45\0\7\xff{}"), NULL},            // an answer that could be anything
	{&proto_coap, BYTES("\x40\1\0\7"), NULL},                     // asks for nothing
	{&proto_coap, BYTES("\x40\1\0\7\xb1" "a\xff"), NULL},         // a mark without a payload
	{&proto_coap, BYTES("\x40\1\0\7\xb1" "a\x20"), NULL},         // option 13 is none
	{&proto_coap, BYTES("\x60\1\0\7\xb1" "a"), NULL},             // a request does not acknowledge
	{&proto_coap, BYTES("\x40\x09\0\7\xb1" "a"), NULL},           // method 9
	{&proto_coap, BYTES("\x40\1\0\7\xb2" "a"), NULL},
	{&proto_dropbox, BYTES("{\"host_int\": 12, \"version\": [2, 0], \"displayname\": \"\x1b\", \"port\": 17500, \"namespaces\": [1, 2]}"),
	 "dropbox {\"dropbox\":{\"host_int\":\"12\",\"version\":\"2, 0\",\"displayname\":\"\\\\x1b\",\"port\":17500,\"namespaces\":\"1, 2\"}}"},
	{&proto_dropbox, BYTES("{\"host_int\": 12, \"port\": 17500}"), NULL},
	{&proto_dropbox, BYTES("{\"host_int\": x, \"port\": 17500, \"namespaces\": []}"), NULL},
	{&proto_dropbox, BYTES("{\"host_int\": 1, \"port\": 99999, \"namespaces\": []}"), NULL},
	{&proto_dhcpv6, BYTES(SOLICIT), SOLICIT_JSON "}}"},
	{&proto_dhcpv6, BYTES("\x0c\1" LINK_ADDRESS LINK_ADDRESS "\0\x12\0\3ge0" "\0\x09\0\x60" "\x0c\0" LINK_ADDRESS LINK_ADDRESS "\0\x09\0\x3a" SOLICIT),
	 SOLICIT_JSON ",\"relay\":{\"count\":2,\"link_address\":\"2001:db8::1\",\"peer_address\":\"2001:db8::1\",\"interface_id\":\"ge0\"}}}"},
	{&proto_dhcpv6, BYTES("\7\0\0\1\0\2\0\6\0\2\0\0\0\x09\0\x19\0\x29\0\0\0\2\0\0\1\x2c\0\0\2\x58\0\x1a\0\x19\0\0\2\x58\0\0\4\xb0\x38" LINK_ADDRESS
			      "\0\x0d\0\5\0\6no\n"),
	 "dhcpv6 {\"dhcpv6\":{\"msg_type\":\"reply\",\"id\":1,\"server_duid\":\"00:02:00:00:00:09\",\"iaids\":[\"2\"],\"renewal_time\":300,"
	 "\"rebinding_time\":600,\"prefixes\":[{\"prefix\":\"2001:db8::1/56\",\"iaid\":2,\"preferred_lifetime\":600,\"valid_lifetime\":1200}],"
	 "\"status\":\"no_prefix_avail\",\"status_message\":\"no\\\\x0a\"}}"},
	{&proto_dhcpv6, BYTES("\x0b\0\0\1\0\6\0\2\0\x17"), "dhcpv6 {\"dhcpv6\":{\"msg_type\":\"information_request\",\"id\":1,\"params\":[\"23\"]}}"},
	{&proto_dhcpv6, BYTES("\x0b\0\0\1"), NULL},
	{&proto_dhcpv6, BYTES("\1\0\0\1\0\6\0\2\0\x17"), NULL},                // who asks?
	{&proto_dhcpv6, BYTES(SOLICIT "x"), NULL},
	{&proto_dhcpv6, BYTES("\1\0\0\1\0\1\0\6\0\7\0\0\0\x09"), NULL},        // a kind of DUID that does not exist
};

enum { MESSAGES = sizeof(messages) / sizeof(messages[0]) };

static void one(const struct message *m, const uint8_t *bytes, uint32_t len)
{
	feed_start(&f, m->ops, PROTO_UDP, 40000, 40001);
	feed(&f, true, bytes, len);
}

static void test_messages(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];
		size_t len = m->log != NULL ? strlen(m->log) : 0;

		one(m, m->bytes, m->len);
		if (f.refused != (m->log == NULL) || f.used != len + (m->log != NULL) || strncmp(f.log, m->log != NULL ? m->log : "", len) != 0)
			fail_msg("message %u: %s", i, f.log);
	}
}

static void test_every_prefix_and_damage(void **state)
{
	uint8_t copy[1024];

	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];

		for (uint32_t n = 0; n < m->len; n++) {
			one(m, m->bytes, n);
			memcpy(copy, m->bytes, m->len);
			for (unsigned value = 0; value < 256; value += 5) {
				copy[n] = (uint8_t)value;
				one(m, copy, m->len);
				assert_true(f.reported <= 1);
			}
		}
	}
}

// Every message is that of its own protocol alone, and random bytes are no one's.
static void test_only_its_own(void **state)
{
	uint32_t random = 1;
	uint8_t bytes[300];

	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++)
		for (unsigned k = 0; k < MESSAGES; k++) {
			if (messages[i].ops == messages[k].ops)
				continue;
			one(&(struct message){.ops = messages[k].ops}, messages[i].bytes, messages[i].len);
			if (messages[i].log != NULL && !f.refused)
				fail_msg("message %u as %s: %s", i, messages[k].ops->name, f.log);
		}
	for (unsigned i = 0; i < 2000; i++) {
		for (unsigned k = 0; k < sizeof(bytes); k++) {
			random = random * 1664525 + 1013904223;
			bytes[k] = (uint8_t)(random >> 24);
		}
		for (unsigned k = 0; k < MESSAGES; k++) {
			bytes[0] = messages[k].bytes[0];
			one(&messages[k], bytes, sizeof(bytes));
			assert_int_equal(f.reported, 0);
		}
	}
}

// ---- DHCP: a header, fields of fixed length, options ----

enum { DHCP_NAME_AT = 44, DHCP_FILE_AT = 108, DHCP_COOKIE_AT = 236, DHCP_OPTIONS_AT = 240 };

static uint32_t dhcp_put(uint8_t *out, uint8_t op, const char *options, uint32_t len)
{
	memset(out, 0, DHCP_OPTIONS_AT);
	memcpy(out, (const uint8_t[]){op, 1, 6, 0, 0, 0, 0, 7, 0, 3, 0x80, 0}, 12);
	memcpy(out + 28, "\2\0\0\0\0\1", 6);
	memcpy(out + DHCP_COOKIE_AT, "\x63\x82\x53\x63", 4);
	memcpy(out + DHCP_OPTIONS_AT, options, len);
	return DHCP_OPTIONS_AT + len;
}

#define DHCP_HEAD(op)                                                                                                      \
	"dhcp {\"dhcp\":{\"type\":\"" op "\",\"id\":7,\"client_mac\":\"02:00:00:00:00:01\",\"assigned_ip\":\"0.0.0.0\",\"client_ip\":\"0.0.0.0\"," \
	"\"relay_ip\":\"0.0.0.0\",\"next_server_ip\":\"0.0.0.0\",\"secs\":3,\"broadcast\":true,\"dhcp_type\":"

struct dhcp_case {
	uint8_t op;
	const char *options;
	uint32_t len;
	const char *log; // NULL: refused
};

#define OPTIONS(text) (text), sizeof(text) - 1

static const struct dhcp_case dhcp_cases[] = {
	{1, OPTIONS("\x35\1\1\0\0\x3d\7\1\2\0\0\0\0\1\x0c\5host\0\x37\4\1\3\x77\xfc\x32\4\xc0\0\2\7\x3c\4MSFT\xff\x0c\1x"),
	 DHCP_HEAD("request") "\"discover\",\"client_id\":\"02:00:00:00:00:01\",\"requested_ip\":\"192.0.2.7\",\"hostname\":\"host\","
	 "\"params\":[\"subnet_mask\",\"router\",\"119\",\"252\"],\"fingerprint\":\"1,3,119,252\",\"vendor_class_identifier\":\"MSFT\"}}\n"},
	{2, OPTIONS("\x35\1\5\x36\4\xc0\0\2\1\x33\4\0\0\2\x58\x3a\4\0\0\1\x2c\x3b\4\0\0\2\x0d\1\4\xff\xff\xff\0\3\x8\xc0\0\2\1\xc0\0\2\2"
		    "\6\4\xc0\0\2\x35\x77\x13\7example\3org\0\3lab\xc0\0\xff"),
	 DHCP_HEAD("reply") "\"ack\",\"server_id\":\"192.0.2.1\",\"lease_time\":600,\"renewal_time\":300,\"rebinding_time\":525,"
	 "\"subnet_mask\":\"255.255.255.0\",\"routers\":[\"192.0.2.1\",\"192.0.2.2\"],\"dns_servers\":[\"192.0.2.53\"],"
	 "\"domain_search\":[\"example.org\",\"lab.example.org\"]}}\n"},
	{1, OPTIONS("\x35\1\3\x51\x0b\5\0\0\4host\2ex\x52\x08\1\2\0\7\2\2\xab\xcd\x0c\3\x1b[m\x0c\2no\xff"),
	 DHCP_HEAD("request") "\"request\",\"hostname\":\"\\\\x1b[m\",\"fqdn\":\"host.ex\","
	 "\"relay_agent\":{\"circuit_id\":\"00:07\",\"remote_id\":\"ab:cd\"}}}\n"},
	{1, OPTIONS("\x35\1\3\x0c\x20host"), DHCP_HEAD("request") "\"request\"}}\n"}, // longer than it is
	{1, OPTIONS("\x0c\4host\xff"), NULL},                                       // no type: BOOTP
	{1, OPTIONS("\x35\1\x7f\xff"), NULL},
	{3, OPTIONS("\x35\1\1\xff"), NULL},
};

static void test_dhcp(void **state)
{
	uint8_t bytes[1024];

	(void)state;
	for (unsigned i = 0; i < sizeof(dhcp_cases) / sizeof(dhcp_cases[0]); i++) {
		const struct dhcp_case *c = &dhcp_cases[i];
		uint32_t len = dhcp_put(bytes, c->op, c->options, c->len);
		const struct message m = {.ops = &proto_dhcp};

		one(&m, bytes, len);
		if (f.refused != (c->log == NULL) || strcmp(f.log, c->log != NULL ? c->log : "") != 0)
			fail_msg("case %u: %s", i, f.log);
		for (uint32_t n = 0; n < len; n++)
			one(&m, bytes, n);
		for (uint32_t n = 0; n < len; n++) {
			uint8_t before = bytes[n];

			bytes[n] = (uint8_t)(before ^ 0xff);
			one(&m, bytes, len);
			bytes[n] = before;
		}
	}
}

// Options go on in the fields of the file and of the server's name, as far as the message says so.
static void test_dhcp_overload(void **state)
{
	static const char *const said[] = {"", "\"hostname\":\"host\"", "\"domain\":\"a.org\"", "\"hostname\":\"host\""};
	uint8_t bytes[1024];

	(void)state;
	for (uint8_t overload = 0; overload < 4; overload++) {
		char options[] = "\x35\1\1\x34\1?\xff";
		uint32_t len;

		options[5] = (char)overload;
		len = dhcp_put(bytes, 1, options, sizeof(options) - 1);
		memcpy(bytes + DHCP_NAME_AT, "\x0f\5a.org\xff", 8);
		memcpy(bytes + DHCP_FILE_AT, "\x0c\4host\xff", 7);
		one(&(struct message){.ops = &proto_dhcp}, bytes, len);
		if (overload > 0)
			assert_non_null(strstr(f.log, said[overload]));
		assert_int_equal(strstr(f.log, "\"domain\"") != NULL, overload >= 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_every_prefix_and_damage),
		cmocka_unit_test(test_only_its_own),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_dhcp_overload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
