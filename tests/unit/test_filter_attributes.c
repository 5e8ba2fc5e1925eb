// Attribute filters over a dozen frames: what each selects, and the sentence about each mistake.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter_attributes.h"
#include "filter_frames.h"

static const struct filter_port ports[] = {{"lo", 0}, {"eth0", 1}};

static int compile(const char *text, struct filter_attributes **out, struct err *err)
{
	size_t length = strlen(text);
	char *exact = malloc(length > 0 ? length : 1); // no end to lean on
	int rc;

	memcpy(exact, text, length);
	rc = filter_attributes_compile("f.json", exact, length, ports, 2, out, err);
	free(exact);
	return rc;
}

// The letters of the frames that are kept.
static void select_frames(const char *text, char kept[FRAMES + 1])
{
	struct frame frames[FRAMES];
	struct filter_attributes *a = NULL;
	struct err err = {""};
	unsigned n = 0;

	frames_make(frames);
	if (compile(text, &a, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	for (unsigned i = 0; i < FRAMES; i++) {
		struct packet p = frame_decode(&frames[i]);

		assert_false(packet_malformed((enum packet_verdict)p.verdict));
		if (filter_attributes_keep(a, &p, frames[i].port))
			kept[n++] = frames[i].letter;
	}
	kept[n] = '\0';
	filter_attributes_free(a);
}

#define KEEP "\"Action\":\"keep\","

static void test_selects(void **state)
{
	static const struct {
		const char *text, *kept;
	} cases[] = {
		{"{" KEEP "\"IPv4\":{}}", "ABCGHIJ"},
		{"{\"IPv4\":{}}", "DEFKL"},
		{"{" KEEP "\"TCP\":{}}", "ABEI"},
		{"{" KEEP "\"tcp\":{},\"ipv6\":{}}", "E"},
		{"{" KEEP "\"UDP\":{}}", "CHJ"},
		{"{" KEEP "\"UDP\":{\"Source_Port\":53}}", "CH"}, // of a fragment nothing is read
		{"{" KEEP "\"TCP\":{\"Destination_Port\":80}}", "AE"},
		{"{" KEEP "\"TCP\":{\"Destination_Port\":\"80\"}}", "AE"},
		{"{" KEEP "\"TCP\":{\"Destination_Port\":[80, \"99\"]}}", "ABE"},
		{"{" KEEP "\"TCP\":{\"Destination_Port\":\"2-80\"}}", "AEI"},
		{"{" KEEP "\"TCP\":{\"Flags\":\"0x12\"}}", "B"},
		{"{" KEEP "\"TCP\":{\"SYN\":true,\"ACK\":false}}", "A"},
		{"{" KEEP "\"TCP\":{\"RST\":1}}", "I"},
		{"{" KEEP "\"TCP\":{\"Sequence\":256,\"Window\":4096,\"Header_Words\":5}}", "ABEI"},
		{"{" KEEP "\"IPv4\":{\"Source_Address\":\"10.0.0.1\"}}", "A"},
		{"{" KEEP "\"IPv4\":{\"Destination_Address\":\"10.0.4.0/22\"}}", "C"},
		{"{" KEEP "\"IPv4\":{\"Source_Address\":\"10.0.0.2-10.0.0.8\"}}", "BCGH"},
		{"{" KEEP "\"IPv4\":{\"Source_Address\":\"0.0.0.0/0\",\"TTL\":[1,63]}}", "BC"},
		{"{" KEEP "\"IPv4\":{\"Protocol\":\"tcp\",\"TOS\":184,\"DSCP\":46}}", "ABI"},
		{"{" KEEP "\"IPv4\":{\"Flags\":2}}", "A"},
		{"{" KEEP "\"IPv4\":{\"Flags\":1,\"Identification\":\"0x1234\"}}", "J"},
		{"{" KEEP "\"IPv4\":{\"Total_Length\":\"29-32\"}}", "C"},
		{"{" KEEP "\"IPv6\":{\"Destination_Address\":\"2001:db8:1::/48\",\"Flow_Label\":7}}", "EF"},
		{"{" KEEP "\"IPv6\":{\"Next_Header\":\"TCP\",\"Hop_Limit\":33}}", "E"},
		{"{" KEEP "\"ICMPv6\":{\"Type\":128}}", "F"},
		{"{" KEEP "\"ICMP\":{\"Type\":8,\"Code\":0,\"Identifier\":5,\"Sequence\":6}}", "G"},
		{"{" KEEP "\"Ethernet\":{\"Source_MAC\":\"02:00:00:00:00:03\"}}", "C"},
		{"{" KEEP "\"Ethernet\":{\"Destination_MAC\":\"02:00:00:00:00:0b-02:00:00:00:00:ff\"}}", "JKL"},
		{"{" KEEP "\"Ethernet\":{\"Type\":\"0x88cc\"}}", "L"},
		{"{" KEEP "\"VLAN\":{\"ID\":7}}", "HI"},
		{"{" KEEP "\"VLAN\":{\"ID\":7,\"Priority\":3}}", "H"},
		{"{" KEEP "\"VLAN\":{\"Inner_ID\":9}}", "I"},
		{"{" KEEP "\"ARP\":{\"Operation\":1,\"Sender_Address\":\"10.0.0.4\",\"Target_Address\":\"10.0.0.0/24\"}}", "D"},
		{"{" KEEP "\"LLC\":{\"DSAP\":66}}", "K"},
		{"{" KEEP "\"LLDP\":{}}", "L"},
		{"{" KEEP "\"AF_Packet\":{\"Interface_Name\":\"lo\"},\"IPv4\":{}}", "ACGI"},
		{"{" KEEP "\"AF_Packet\":{\"Interface_Name\":[\"eth0\",\"wlan9\"]}}", "BDFHJL"},
		{"{" KEEP "\"AF_Packet\":{\"Interface_Name\":\"wlan9\"}}", ""},
		{"{\"AF_Packet\":{}}", ""},
		{"{\"IPv4\":{},\"IPv6\":{}}", "ABCDEFGHIJKL"},
		// The first that holds decides; where none does, the opposite of the last.
		{"[{\"UDP\":{}},{\"TCP\":{}}]", "DFGKL"},
		{"[{\"UDP\":{}},{" KEEP "\"IPv4\":{}}]", "ABGI"},
		{"[{" KEEP "\"UDP\":{\"Source_Port\":53}},{\"IPv4\":{}}]", "CDEFHKL"},
		{" [ { \"Action\" : \"drop\" , \"ARP\" : { } } ] \n", "ABCEFGHIJKL"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char kept[FRAMES + 1];

		select_frames(cases[i].text, kept);
		if (strcmp(kept, cases[i].kept) != 0)
			fail_msg("%s keeps \"%s\" instead of \"%s\"", cases[i].text, kept, cases[i].kept);
	}
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{\"IPv4\":{\"Sorce_Address\":\"1.2.3.4\"}}", "f.json:1:10: IPv4 has no attribute \"Sorce_Address\"; did you mean Source_Address?"},
		{"{\"TCPP\":{}}", "f.json:1:2: there is no protocol \"TCPP\"; did you mean TCP?"},
		{"{\"Zebra\":{}}", "f.json:1:2: there is no protocol \"Zebra\"; spanwatch --filter-help"},
		{"[{\"TCP\":{}},\n {\"UDP\":{\"Source_Port\":70000}}]", "f.json:2:10: UDP.Source_Port is 70000; it must be a whole number from 0 to 65535"},
		{"{\"A\\\"\\u0041\":{}}", "f.json:1:2: there is no protocol \"A\"A\""},
		{"{\"TCP\":{\"Source_Port\":1.5}}", "Source_Port is 1.5"},
		{"{\"TCP\":{\"Source_Port\":-1}}", "Source_Port is -1"},
		{"{\"TCP\":{\"Source_Port\":1e300}}", "Source_Port is "},
		{"{\"TCP\":{\"Source_Port\":\"9-1\"}}", "\"9-1\""},
		{"{\"TCP\":{\"Source_Port\":true}}", "something else"},
		{"{\"TCP\":{\"Source_Port\":[]}}", "empty list"},
		{"{\"TCP\":{\"Source_Port\":[1,[2]]}}", "something else"},
		{"{\"TCP\":{\"SYN\":2}}", "from 0 to 1"},
		{"{\"IPv4\":{\"Source_Address\":\"10.0.0.0/33\"}}", "an IPv4 address"},
		{"{\"IPv4\":{\"Source_Address\":\"10.0.0.300\"}}", "an IPv4 address"},
		{"{\"IPv4\":{\"Source_Address\":7}}", "an IPv4 address"},
		{"{\"IPv6\":{\"Source_Address\":\"10.0.0.1\"}}", "an IPv6 address"},
		{"{\"Ethernet\":{\"Source_MAC\":\"2:0:0:0:0:1\"}}", "an Ethernet address"},
		{"{\"IPv4\":{\"TTL\":\"256\"}}", "from 0 to 255"},
		{"{\"TCP\":[]}", "f.json:1:2: TCP is given no object"},
		{"{\"Action\":\"kep\",\"TCP\":{}}", "f.json:1:2: an Action is"},
		{"{}", "filter 1 names no protocol"},
		{"{\"Action\":\"keep\"}", "filter 1 names no protocol"},
		{"[{\"TCP\":{}},3]", "filter 2 is not an object"},
		{"[]", "the list of filters is empty"},
		{"7", "neither a filter"},
		{"", "there is no filter in it"},
		{"{\"TCP\":{}", "f.json:1:9: this is not JSON"},
		{"{\"TCP\":\n{]}", "f.json:2:3: this is not JSON from \"}\" on"},
		{"{\"TCP\":{}} x", "f.json:1:12: something stands behind the filters"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter_attributes *a = NULL;
		struct err err = {""};

		assert_int_equal(compile(cases[i].text, &a, &err), -EINVAL);
		assert_null(a);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].text, cases[i].says, err.text);
	}
}

// One more than each bound is refused, the bound itself is not.
static void bound_check(const char *open, const char *one, const char *close, unsigned most)
{
	char *text = malloc(strlen(open) + strlen(close) + (most + 1) * (strlen(one) + 1) + 1);

	assert_non_null(text);
	for (unsigned n = most; n <= most + 1; n++) {
		struct filter_attributes *a = NULL;
		struct err err = {""};
		char *at = stpcpy(text, open);

		for (unsigned i = 0; i < n; i++) {
			at = stpcpy(at, i == 0 ? "" : ",");
			at = stpcpy(at, one);
		}
		strcpy(at, close);
		assert_int_equal(compile(text, &a, &err), n == most ? 0 : -EINVAL);
		assert_true(n == most || strstr(err.text, "more than") != NULL);
		filter_attributes_free(a);
	}
	free(text);
}

static void test_bounds(void **state)
{
	(void)state;
	bound_check("[", "{\"TCP\":{}}", "]", FILTER_RULES_MAX);
	bound_check("{\"TCP\":{", "\"Source_Port\":1", "}}", FILTER_COMPARISONS_MAX - 1); // one asks for TCP
	bound_check("{\"TCP\":{\"Source_Port\":[", "1", "]}}", FILTER_RANGES_MAX);
}

// Each row finds what it says and reads within the frame, whatever was captured of it.
static void test_cut_frames(void **state)
{
	struct frame frames[FRAMES];
	char text[128];

	(void)state;
	frames_make(frames);
	for (unsigned k = 0; k < filter_field_count; k++) {
		const struct filter_field *f = &filter_fields[k];
		struct filter_attributes *a = NULL;
		struct err err = {""};

		if (f->kind == FILTER_INTERFACE)
			continue;
		snprintf(text, sizeof(text), "{" KEEP "\"%s\":{\"%s\":\"%s\"}}", f->protocol, f->name,
			 f->kind == FILTER_MAC    ? "00:00:00:00:00:00-ff:ff:ff:ff:ff:ff"
			 : f->kind == FILTER_IPV4 ? "0.0.0.0/0"
			 : f->kind == FILTER_IPV6 ? "::/0"
						  : "0");
		assert_int_equal(compile(text, &a, &err), 0);
		for (unsigned i = 0; i < FRAMES; i++)
			for (uint32_t n = 0; n <= frames[i].length; n++) {
				uint8_t *exact = malloc(n > 0 ? n : 1);
				struct packet p = {.frame = exact, .captured = n, .wire = frames[i].length};

				memcpy(exact, frames[i].bytes, n);
				packet_decode(&p);
				if (filter_attributes_keep(a, &p, 0))
					assert_true(n >= (uint32_t)f->offset + f->bytes);
				free(exact);
			}
		filter_attributes_free(a);
	}
}

// IP below a label is found, and the label is there all the same.
static void test_below_mpls(void **state)
{
	static const uint8_t mpls[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47, 0, 1, 1, 64};
	static const char *const holds[] = {"{" KEEP "\"MPLS\":{},\"ICMP\":{\"Type\":8}}", "{" KEEP "\"Ethernet\":{\"Type\":\"0x8847\"}}",
					    "{" KEEP "\"IPv4\":{\"Source_Address\":\"10.0.0.7\"}}"};
	struct frame frames[FRAMES], under = {.letter = 'M'};
	struct packet p;

	(void)state;
	frames_make(frames);
	frame_put(&under, mpls, sizeof(mpls));
	frame_put(&under, frames[6].bytes + 14, frames[6].length - 14);
	p = frame_decode(&under);
	for (unsigned i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		struct filter_attributes *a = NULL;
		struct err err = {""};

		assert_int_equal(compile(holds[i], &a, &err), 0);
		if (!filter_attributes_keep(a, &p, 0))
			fail_msg("%s does not hold", holds[i]);
		filter_attributes_free(a);
	}
}

static void row_check(const char *text, const struct frame *f, uint32_t from, bool holds)
{
	struct filter_attributes *a = NULL;
	struct err err = {""};

	if (compile(text, &a, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	for (uint32_t n = 0; n <= f->length; n++) { // a capture that ends at each byte
		uint8_t *exact = malloc(n > 0 ? n : 1);
		struct packet p = {.frame = exact, .captured = n, .wire = f->length};

		memcpy(exact, f->bytes, n);
		packet_decode(&p);
		if (filter_attributes_keep(a, &p, 0) != (holds && n >= from))
			fail_msg("%s of frame %c cut at %u", text, f->letter, n);
		free(exact);
	}
	filter_attributes_free(a);
}

#define TCP_ROW(text) "{" KEEP "\"TCP\":{" text "}}"

// Options stand anywhere behind the header; one is there once it has been captured whole.
static void test_tcp_options(void **state)
{
	struct frame f = {.letter = 'O'};

	(void)state;
	frame_ethernet(&f, 1, 2);
	frame_ipv4(&f, IP_TCP, 1, 2, 64, 0, 20 + 24);
	frame_tcp(&f, 99, 80, TCP_SYN);
	f.bytes[f.length - 8] = 0xb0; // eleven words
	FRAME_PUT(&f, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 3, 1, 3, 3, 7, 254, 4, 0xf9, 0x89);
	row_check(TCP_ROW("\"MSS\":1460"), &f, 54 + 4, true);
	row_check(TCP_ROW("\"MSS\":\"0-1459\""), &f, 0, false);
	row_check(TCP_ROW("\"SACK_Permitted\":true"), &f, 54 + 6, true);
	row_check(TCP_ROW("\"Timestamp_Value\":9,\"Timestamp_Echo\":3"), &f, 54 + 16, true);
	row_check(TCP_ROW("\"Window_Scale\":7"), &f, 54 + 20, true);
	row_check(TCP_ROW("\"Fast_Open\":1"), &f, 54 + 24, true);
	row_check(TCP_ROW("\"MD5\":true"), &f, 0, false);
	row_check(TCP_ROW("\"MD5\":false"), &f, 54 + 24, true);
	row_check(TCP_ROW("\"MPTCP_Subtype\":0"), &f, 0, false);
}

// AH in front of what it protects: at once in IPv4, somewhere in the chain in IPv6.
static void test_authentication(void **state)
{
	struct frame f4 = {.letter = '4'}, f6 = {.letter = '6'};

	(void)state;
	frame_ethernet(&f4, 1, 2);
	frame_ipv4(&f4, 51, 1, 2, 64, 0, 20);
	FRAME_PUT(&f4, IP_UDP, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7);
	frame_udp(&f4, 53, 54, 0);
	frame_ethernet(&f6, 1, 2);
	frame_ipv6(&f6, 0, 8 + 16 + 8);
	FRAME_PUT(&f6, 51, 0, 1, 4, 0, 0, 0, 0, IP_UDP, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7, 0, 0, 0, 0);
	frame_udp(&f6, 53, 54, 0);
	row_check("{" KEEP "\"AH\":{\"SPI\":256}}", &f4, 34 + 8, true);
	row_check("{" KEEP "\"AH\":{\"SPI\":256}}", &f6, 54 + 8 + 8, true);
	row_check("{" KEEP "\"AH\":{\"Sequence\":7,\"Next_Header\":\"UDP\"},\"UDP\":{\"Source_Port\":53}}", &f4, 34 + 12 + 2, true);
	row_check("{" KEEP "\"AH\":{\"Sequence\":7,\"Next_Header\":\"UDP\"},\"UDP\":{\"Source_Port\":53}}", &f6, 54 + 8 + 16 + 2, true);
	row_check("{" KEEP "\"AH\":{\"SPI\":255}}", &f4, 0, false);
}

static void test_rows(void **state)
{
	(void)state;
	for (unsigned k = 0; k < filter_field_count; k++) {
		const struct filter_field *f = &filter_fields[k];
		bool known = false;

		for (unsigned i = 0; i < filter_protocol_count; i++)
			known |= strcmp(filter_protocols[i].name, f->protocol) == 0;
		assert_true(known);
		assert_true(f->kind == FILTER_INTERFACE || (f->bytes >= 1 && f->bytes <= 16 && f->shift + f->bits <= 8 * f->bytes));
		assert_true(f->bits >= 1 && f->bits <= (f->kind == FILTER_NUMBER ? 32 : 128));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selects),	   cmocka_unit_test(test_mistakes), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_cut_frames), cmocka_unit_test(test_below_mpls), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tcp_options), cmocka_unit_test(test_authentication),
	};

	return cmocka_run_group_tests_name("filter_attributes", tests, NULL, NULL);
}
