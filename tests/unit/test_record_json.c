// A record of each type, made by hand, as JSON that another library reads back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/text.h"
#include "proto/proto.h"
#include "record/record_json.h"

enum { APP_TLS = 2, TEXTS_MAX = 12000 };

#define TIME_NS 1504699994123456789ull

static struct record *const r = (struct record *)(void *)(uint64_t[RECORD_LENGTH_MAX / 8]){0};

static const char *app_name(unsigned app)
{
	return app == APP_TLS ? "tls" : NULL;
}

static const struct record_context context = {.sensor = "lab \"7\"", .app_name = app_name, .kind_of = proto_record_kind};

// ---- making records ----

static void *begin(enum record_type type)
{
	memset(r, 0, RECORD_LENGTH_MAX);
	r->type = (uint8_t)type;
	r->time_ns = TIME_NS;
	r->flow_id = 1234567890123456u;
	r->length = (uint32_t)sizeof(*r) + record_body_size(type);
	r->ends = (struct record_ends){
		.client = {192, 0, 2, 1}, .server = {198, 51, 100, 2}, .client_port = 50000, .server_port = 443, .ip_version = 4, .proto = 6};
	return record_body(r);
}

static struct record_text text_bytes(const void *bytes, size_t len)
{
	uint32_t fixed = (uint32_t)sizeof(*r) + record_body_size(r->type);
	struct record_text text = {(uint16_t)(r->length - fixed), (uint16_t)len};

	assert_true(r->length + len <= RECORD_LENGTH_MAX);
	memcpy((char *)r + r->length, bytes, len);
	r->length += (uint32_t)len;
	return text;
}

static struct record_text text(const char *bytes)
{
	return text_bytes(bytes, strlen(bytes));
}

// ---- reading JSON ----

static cJSON *encode(void)
{
	char *out = malloc(RECORD_JSON_MAX);
	size_t n = record_json(r, &context, out);
	cJSON *read;

	assert_true(n > 0 && n <= RECORD_JSON_MAX);
	assert_null(memchr(out, '\n', n));
	read = cJSON_ParseWithLength(out, n);
	free(out);
	assert_non_null(read);
	return read;
}

static const cJSON *at(const cJSON *in, const char *path)
{
	char part[64];

	while (in != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		in = cJSON_GetObjectItemCaseSensitive(in, part);
		path += n + (path[n] == '.');
	}
	return in;
}

static void is_text(const cJSON *in, const char *path, const char *expected)
{
	const cJSON *item = at(in, path);

	assert_true(cJSON_IsString(item));
	assert_string_equal(item->valuestring, expected);
}

static void is_number(const cJSON *in, const char *path, double expected)
{
	const cJSON *item = at(in, path);

	assert_true(cJSON_IsNumber(item));
	assert_true(item->valuedouble == expected);
}

static void is_true(const cJSON *in, const char *path)
{
	assert_true(cJSON_IsTrue(at(in, path)));
}

static void is_absent(const cJSON *in, const char *path)
{
	assert_null(at(in, path));
}

// ---- the header ----

static void flow(void **state)
{
	struct record_flow *f = begin(RECORD_FLOW);
	cJSON *j;

	(void)state;
	memcpy(r->community_id, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\xff", 20);
	r->app = APP_TLS;
	*f = (struct record_flow){.pkts = {7, 0}, .bytes = {1ull << 40, 60}, .start_ns = TIME_NS - 2500000000u, .end_ns = TIME_NS,
				  .state = FLOW_STATE_CLOSED, .reason = FLOW_REASON_SHUTDOWN, .tcp_flags = {0x1b, 0x12},
				  .tcp_options = RECORD_TCP_SACK | RECORD_TCP_MPTCP, .tcp_mss = {1460, 0}, .tcp_scale = {1, 0}};
	f->hostname = text("www.example.com");
	j = encode();
	is_text(j, "timestamp", "2017-09-06T12:13:14.123456+0000");
	is_number(j, "flow_id", 1234567890123456.0);
	is_text(j, "event_type", "flow");
	is_text(j, "src_ip", "192.0.2.1");
	is_number(j, "src_port", 50000);
	is_text(j, "dest_ip", "198.51.100.2");
	is_number(j, "dest_port", 443);
	is_text(j, "proto", "TCP");
	is_text(j, "app_proto", "tls");
	is_text(j, "community_id", "1:AAECAwQFBgcICQoLDA0ODxAREv8=");
	is_text(j, "spanwatch.sensor", "lab \"7\"");
	is_text(j, "spanwatch.hostname", "www.example.com");
	is_number(j, "flow.pkts_toserver", 7);
	is_number(j, "flow.pkts_toclient", 0);
	is_number(j, "flow.bytes_toserver", 1099511627776.0);
	is_number(j, "flow.bytes_toclient", 60);
	is_text(j, "flow.start", "2017-09-06T12:13:11.623456+0000");
	is_text(j, "flow.end", "2017-09-06T12:13:14.123456+0000");
	is_number(j, "flow.age", 2);
	is_text(j, "flow.state", "closed");
	is_text(j, "flow.reason", "shutdown");
	is_text(j, "tcp.tcp_flags", "1b");
	is_text(j, "tcp.tcp_flags_ts", "1b");
	is_text(j, "tcp.tcp_flags_tc", "12");
	is_number(j, "tcp.mss_ts", 1460);
	is_number(j, "tcp.wscale_ts", 0);
	is_absent(j, "tcp.mss_tc");
	is_absent(j, "tcp.wscale_tc");
	is_absent(j, "tcp.timestamps");
	is_absent(j, "vlan");
	is_absent(j, "icmp_type");
	cJSON_Delete(j);
}

static void are_numbers(const cJSON *in, const char *path, const int32_t *expected, int n)
{
	const cJSON *list = at(in, path);

	assert_int_equal(cJSON_GetArraySize(list), n);
	for (int i = 0; i < n; i++)
		assert_true(cJSON_GetArrayItem(list, i)->valuedouble == expected[i]);
}

static void flow_details(void **state)
{
	static const int32_t sizes[] = {0, INT32_MAX, -1448, INT32_MIN}, gaps[] = {0, 7, INT32_MAX};
	struct record_flow *f = begin(RECORD_FLOW);
	cJSON *j;

	(void)state;
	f->pkts[1] = 1;
	f->ttl_max[1] = 255;
	f->dscp[1] = 46;
	f->ether_known = true;
	memcpy(f->ether.src_mac, "\x02\x00\x5e\x10\x00\xff", 6);
	f->first_sizes = text_bytes(sizes, sizeof(sizes));
	f->first_gaps = text_bytes(gaps, sizeof(gaps));
	j = encode();
	is_absent(j, "ip.ttl_min_toserver");
	is_absent(j, "ip.ttl_max_toserver");
	is_absent(j, "ip.dscp_toserver");
	is_number(j, "ip.ttl_min_toclient", 0);
	is_number(j, "ip.ttl_max_toclient", 255);
	is_number(j, "ip.dscp_toclient", 46);
	is_text(j, "ether.src_mac", "02:00:5e:10:00:ff");
	is_text(j, "ether.dest_mac", "00:00:00:00:00:00");
	are_numbers(j, "spanwatch.first_sizes", sizes, 4);
	are_numbers(j, "spanwatch.first_gaps_us", gaps, 3);
	cJSON_Delete(j);
	f->first_gaps.len += 4; // beyond the record: not there
	f->first_sizes.len = 0;
	f->ether_known = false;
	j = encode();
	is_absent(j, "ether");
	is_absent(j, "spanwatch.first_sizes");
	is_absent(j, "spanwatch.first_gaps_us");
	cJSON_Delete(j);
}

static void what_is_not_known_is_absent(void **state)
{
	cJSON *j;

	(void)state;
	begin(RECORD_FLOW);
	r->flow_id = 0;
	r->ends.proto = 17;
	j = encode();
	is_absent(j, "flow_id");
	is_absent(j, "app_proto");
	is_absent(j, "community_id");
	is_absent(j, "tcp");
	is_absent(j, "spanwatch.hostname");
	is_text(j, "flow.state", "new");
	cJSON_Delete(j);
	r->app = APP_TLS + 1; // no such protocol
	j = encode();
	is_absent(j, "app_proto");
	cJSON_Delete(j);
}

static void vlans(void **state)
{
	cJSON *j;

	(void)state;
	begin(RECORD_FLOW);
	r->ends.vlans = 2;
	r->ends.vlan[0] = 10;
	r->ends.vlan[1] = 4094;
	j = encode();
	assert_int_equal(cJSON_GetArraySize(at(j, "vlan")), 2);
	assert_int_equal(cJSON_GetArrayItem(at(j, "vlan"), 0)->valueint, 10);
	assert_int_equal(cJSON_GetArrayItem(at(j, "vlan"), 1)->valueint, 4094);
	cJSON_Delete(j);
}

static void icmp_has_no_ports(void **state)
{
	cJSON *j;

	(void)state;
	begin(RECORD_FLOW);
	r->ends.proto = 1;
	r->ends.client_port = 3;
	r->ends.server_port = 13;
	j = encode();
	is_text(j, "proto", "ICMP");
	is_number(j, "icmp_type", 3);
	is_number(j, "icmp_code", 13);
	is_absent(j, "src_port");
	is_absent(j, "dest_port");
	cJSON_Delete(j);
	r->ends.proto = 58;
	r->ends.ip_version = 6;
	r->ends.client_port = 128; // echo: the other port is the type that answers
	r->ends.server_port = 129;
	memset(r->ends.client, 0, 16);
	r->ends.client[15] = 1;
	j = encode();
	is_text(j, "src_ip", "::1");
	is_text(j, "proto", "IPv6-ICMP");
	is_number(j, "icmp_type", 128);
	is_absent(j, "icmp_code");
	cJSON_Delete(j);
}

static void protocols_without_ports(void **state)
{
	cJSON *j;

	(void)state;
	begin(RECORD_FLOW);
	r->ends.proto = 47;
	j = encode();
	is_text(j, "proto", "GRE");
	is_absent(j, "src_port");
	cJSON_Delete(j);
	r->ends.proto = 253;
	j = encode();
	is_text(j, "proto", "253");
	is_absent(j, "dest_port");
	cJSON_Delete(j);
}

static void every_day_has_its_date(void **state)
{
	char expected[64];
	time_t seconds;
	struct tm tm;
	cJSON *j;

	(void)state;
	begin(RECORD_FLOW);
	for (uint64_t day = 0; day < 213503; day += day < 60000 ? 1 : 97) { // until 2554, where 64 bits of ns end
		seconds = (time_t)(day * 86400 + day % 86400);
		gmtime_r(&seconds, &tm);
		r->time_ns = (uint64_t)seconds * 1000000000u + 999;
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000+0000", &tm);
		j = encode();
		is_text(j, "timestamp", expected);
		cJSON_Delete(j);
	}
}

// ---- dns ----

static struct record_dns *dns_answer(enum record_type type)
{
	struct record_dns *d = begin(type);

	*d = (struct record_dns){.id = 0xbeef, .flags = 0x8583, .response = true, .rcode = 3, .rrtype = 28, .rrclass = 1,
				 .answers_said = 2};
	d->rrname = text("www.example.com");
	d->answers = 2;
	d->answer[0] = (struct record_dns_answer){.rrtype = 5, .ttl = 300, .rrname = d->rrname, .rdata = text("a.example.net")};
	d->answer[1] = (struct record_dns_answer){.rrtype = 65280, .rrname = text("a.example.net")};
	return d;
}

static void dns(void **state)
{
	const cJSON *row;
	cJSON *j;

	(void)state;
	dns_answer(RECORD_DNS);
	j = encode();
	is_text(j, "event_type", "dns");
	is_text(j, "src_ip", "198.51.100.2"); // who sent the packet
	is_number(j, "src_port", 443);
	is_text(j, "dest_ip", "192.0.2.1");
	is_number(j, "dns.version", 2);
	is_text(j, "dns.type", "answer");
	is_number(j, "dns.id", 0xbeef);
	is_text(j, "dns.flags", "8583");
	is_true(j, "dns.qr");
	is_true(j, "dns.aa");
	is_true(j, "dns.rd");
	is_true(j, "dns.ra");
	is_absent(j, "dns.tc");
	is_number(j, "dns.opcode", 0);
	is_text(j, "dns.rrname", "www.example.com");
	is_text(j, "dns.rrtype", "AAAA");
	is_text(j, "dns.rcode", "NXDOMAIN");
	is_absent(j, "dns.queries");
	assert_int_equal(cJSON_GetArraySize(at(j, "dns.answers")), 2);
	row = cJSON_GetArrayItem(at(j, "dns.answers"), 0);
	is_text(row, "rrname", "www.example.com");
	is_text(row, "rrtype", "CNAME");
	is_number(row, "ttl", 300);
	is_text(row, "rdata", "a.example.net");
	row = cJSON_GetArrayItem(at(j, "dns.answers"), 1);
	is_text(row, "rrtype", "65280");
	is_number(row, "ttl", 0);
	is_absent(row, "rdata");
	cJSON_Delete(j);
}

static void dns_query(void **state)
{
	struct record_dns *d = begin(RECORD_DNS);
	cJSON *j;

	(void)state;
	r->to_server = true;
	d->flags = 0x0100;
	d->queries = 2;
	d->rrtype = 1;
	d->rrname = text("a.test");
	d->query[0] = (struct record_dns_query){1, 1, d->rrname};
	d->query[1] = (struct record_dns_query){33, 1, text("b.test")};
	j = encode();
	is_text(j, "src_ip", "192.0.2.1");
	is_text(j, "dns.type", "query");
	is_absent(j, "dns.version");
	is_absent(j, "dns.rcode");
	is_absent(j, "dns.answers");
	assert_int_equal(cJSON_GetArraySize(at(j, "dns.queries")), 2);
	is_text(cJSON_GetArrayItem(at(j, "dns.queries"), 1), "rrname", "b.test");
	is_text(cJSON_GetArrayItem(at(j, "dns.queries"), 1), "rrtype", "SRV");
	cJSON_Delete(j);
}

static void an_object_is_named_after_the_event(void **state)
{
	cJSON *j;

	(void)state;
	dns_answer(RECORD_MDNS);
	j = encode();
	is_text(j, "event_type", "mdns");
	is_text(j, "mdns.rrname", "www.example.com");
	is_absent(j, "dns");
	cJSON_Delete(j);
	dns_answer(RECORD_LLMNR);
	j = encode();
	is_text(j, "event_type", "llmnr");
	is_text(j, "llmnr.rrname", "www.example.com");
	cJSON_Delete(j);
}

// ---- tls, http, stats ----

static void tls(void **state)
{
	struct record_tls *t = begin(RECORD_TLS);
	cJSON *j;

	(void)state;
	*t = (struct record_tls){.client_hello = true, .server_hello = true, .version = 0x0303, .client_version = 0x0304,
				 .cipher = 0x1301};
	t->sni = text("www.example.com");
	t->alpn_client = text("h2,http/1.1");
	t->alpn_server = text("h2");
	t->ja3 = text("0123456789abcdef0123456789abcdef");
	t->ja3s = text("fedcba9876543210fedcba9876543210");
	t->ja4 = text("t13d1516h2_8daaf6152771_e5627efa2ab1");
	j = encode();
	is_text(j, "src_ip", "192.0.2.1"); // the client, although the server's packet made it
	is_text(j, "tls.sni", "www.example.com");
	is_text(j, "tls.version", "TLS 1.2");
	is_text(j, "tls.client_version", "TLS 1.3");
	is_text(j, "tls.cipher", "0x1301");
	is_text(j, "tls.ja3.hash", "0123456789abcdef0123456789abcdef");
	is_text(j, "tls.ja3s.hash", "fedcba9876543210fedcba9876543210");
	is_text(j, "tls.ja4", "t13d1516h2_8daaf6152771_e5627efa2ab1");
	assert_int_equal(cJSON_GetArraySize(at(j, "tls.client_alpns")), 2);
	assert_string_equal(cJSON_GetArrayItem(at(j, "tls.client_alpns"), 1)->valuestring, "http/1.1");
	assert_int_equal(cJSON_GetArraySize(at(j, "tls.server_alpns")), 1);
	cJSON_Delete(j);
	t->ja3.len = 0; // one object less between the two
	j = encode();
	is_absent(j, "tls.ja3");
	is_text(j, "tls.ja3s.hash", "fedcba9876543210fedcba9876543210");
	cJSON_Delete(j);
}

static void http(void **state)
{
	struct record_http *h = begin(RECORD_HTTP);
	cJSON *j;

	(void)state;
	*h = (struct record_http){.tx_id = 3, .status = 404, .length_said = true, .request = true, .response = true};
	h->hostname = text("example.com");
	h->url = text("/a?b=\"c\"&d=<e>");
	h->user_agent = text("curl/8");
	h->method = text("GET");
	h->protocol = text("HTTP/1.1");
	h->content_type = text("text/html");
	h->referer = text("http://example.org/");
	h->server = text("nginx");
	h->redirect = text("/b");
	h->request_type = text("text/plain");
	j = encode();
	is_number(j, "tx_id", 3);
	is_text(j, "http.hostname", "example.com");
	is_text(j, "http.url", "/a?b=\"c\"&d=<e>");
	is_text(j, "http.http_user_agent", "curl/8");
	is_text(j, "http.http_method", "GET");
	is_text(j, "http.protocol", "HTTP/1.1");
	is_number(j, "http.status", 404);
	is_number(j, "http.length", 0);
	is_text(j, "http.http_content_type", "text/html");
	is_text(j, "http.http_refer", "http://example.org/");
	is_text(j, "http.server", "nginx");
	is_text(j, "http.redirect", "/b");
	is_text(j, "http.request_content_type", "text/plain");
	cJSON_Delete(j);
	h->length_said = false;
	h->status = 0;
	j = encode();
	is_absent(j, "http.length");
	is_absent(j, "http.status");
	cJSON_Delete(j);
}

// ---- of the link ----

static void arp(void **state)
{
	struct record_arp *a = begin(RECORD_ARP);
	cJSON *j;

	(void)state;
	r->flow_id = 0;
	memset(&r->ends, 0, sizeof(r->ends));
	*a = (struct record_arp){.ether = {{2, 0, 0, 0, 0, 1}, {255, 255, 255, 255, 255, 255}}, .hw_type = 1, .proto_type = 0x0800,
				 .opcode = 1, .kind = ARP_PROBE, .src_mac = {2, 0, 0, 0, 0, 0xab}, .dest_ip = {192, 0, 2, 9}};
	j = encode();
	is_text(j, "event_type", "arp");
	is_absent(j, "flow_id");
	is_absent(j, "src_ip");
	is_absent(j, "proto");
	is_absent(j, "community_id");
	is_text(j, "ether.src_mac", "02:00:00:00:00:01");
	is_text(j, "ether.dest_mac", "ff:ff:ff:ff:ff:ff");
	is_text(j, "arp.hw_type", "ethernet");
	is_text(j, "arp.proto_type", "ipv4");
	is_text(j, "arp.opcode", "request");
	is_text(j, "arp.kind", "probe");
	is_text(j, "arp.src_mac", "02:00:00:00:00:ab");
	is_text(j, "arp.src_ip", "0.0.0.0");
	is_text(j, "arp.dest_mac", "00:00:00:00:00:00");
	is_text(j, "arp.dest_ip", "192.0.2.9");
	cJSON_Delete(j);
}

static void stp(void **state)
{
	struct record_stp *s = begin(RECORD_STP);
	cJSON *j;

	(void)state;
	*s = (struct record_stp){.version = 2, .type = STP_RAPID, .role = 3, .flags = 0x2d, .root_priority = 32769, .root_mac = {2},
				 .port_id = 0x8004, .hello_time_ms = 2000};
	j = encode();
	is_text(j, "stp.version", "rstp");
	is_text(j, "stp.type", "rapid");
	is_text(j, "stp.role", "designated");
	is_true(j, "stp.topology_change");
	is_true(j, "stp.forwarding");
	is_absent(j, "stp.proposal");
	is_number(j, "stp.root.priority", 32769);
	is_text(j, "stp.root.mac", "02:00:00:00:00:00");
	is_number(j, "stp.root_cost", 0);
	is_text(j, "stp.port_id", "8004");
	is_number(j, "stp.hello_time_ms", 2000);
	is_absent(j, "stp.bridge");
	is_absent(j, "stp.mst");
	is_absent(j, "stp.pvst");
	cJSON_Delete(j);
	*s = (struct record_stp){.type = STP_TOPOLOGY_CHANGE};
	j = encode();
	is_text(j, "stp.type", "topology_change");
	is_absent(j, "stp.root_cost");
	cJSON_Delete(j);
}

static void lldp(void **state)
{
	struct record_lldp *l = begin(RECORD_LLDP);
	const cJSON *row;
	cJSON *j;

	(void)state;
	l->chassis_type = 4;
	l->vlans = 255; // more than there are rows
	l->vlan[1].id = 20;
	l->vlan[1].name = text("voice, and more");
	l->med_policies = 1;
	l->policy[0] = (struct record_lldp_policy){.application = 1, .tagged = true, .vlan = 20, .priority = 5, .dscp = 46};
	l->capabilities = text("bridge,router");
	l->system_name = text("switch-1");
	j = encode();
	is_text(j, "lldp.system_name", "switch-1");
	is_text(j, "lldp.chassis_id_type", "mac");
	assert_int_equal(cJSON_GetArraySize(at(j, "lldp.capabilities")), 2);
	assert_int_equal(cJSON_GetArraySize(at(j, "lldp.dot1.vlans")), RECORD_LLDP_VLANS_MAX);
	row = cJSON_GetArrayItem(at(j, "lldp.dot1.vlans"), 1);
	is_text(row, "name", "voice, and more");
	row = cJSON_GetArrayItem(at(j, "lldp.med.policies"), 0);
	is_text(row, "application", "voice");
	is_true(row, "tagged");
	is_number(row, "dscp", 46);
	is_absent(row, "unknown");
	is_absent(j, "lldp.dot3");
	cJSON_Delete(j);
}

static void stats(void **state)
{
	struct record_stats *s = begin(RECORD_STATS);
	cJSON *j;

	(void)state;
	r->flow_id = 0;
	memset(&r->ends, 0, sizeof(r->ends));
	s->json = text("{\"packets\":{\"received\":5}}");
	j = encode();
	is_text(j, "event_type", "stats");
	is_number(j, "stats.packets.received", 5);
	is_absent(j, "src_ip");
	is_absent(j, "src_port");
	is_absent(j, "proto");
	is_absent(j, "icmp_type");
	cJSON_Delete(j);
}

// ---- hostile content ----

// Any name from the wire: escaped by the dissector, encoded, read by a library, unescaped, is what it was.
static void names_come_back(void **state)
{
	uint8_t name[255], back[255];
	char escaped[sizeof(name) * 4];
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct record_dns *d = begin(RECORD_DNS);
		size_t len = (size_t)rand_r(&seed) % sizeof(name) + 1, n = 0;
		const char *s;
		cJSON *j;

		for (size_t i = 0; i < len; i++)
			name[i] = (uint8_t)rand_r(&seed);
		d->rrname = text_bytes(escaped, text_escape(escaped, sizeof(escaped), name, len, NULL));
		j = encode();
		for (s = at(j, "dns.rrname")->valuestring; *s != '\0'; n++)
			if (*s == '\\') {
				back[n] = (uint8_t)strtoul((char[]){s[2], s[3], '\0'}, NULL, 16);
				s += 4;
			} else {
				back[n] = (uint8_t)*s++;
			}
		assert_int_equal(n, len);
		assert_memory_equal(back, name, len);
		cJSON_Delete(j);
	}
}

static void texts_outside_of_the_record_are_absent(void **state)
{
	struct record_tls *t = begin(RECORD_TLS);
	cJSON *j;

	(void)state;
	t->sni = text("inside");
	t->ja3 = (struct record_text){0, 7};
	t->ja4 = (struct record_text){65535, 65535};
	t->alpn_client = (struct record_text){6, 1};
	j = encode();
	is_text(j, "tls.sni", "inside");
	is_absent(j, "tls.ja3");
	is_absent(j, "tls.ja4");
	is_absent(j, "tls.client_alpns");
	cJSON_Delete(j);
}

static void what_is_no_record_gives_nothing(void **state)
{
	char *out = malloc(RECORD_JSON_MAX);

	(void)state;
	begin(RECORD_FLOW);
	r->length--;
	assert_int_equal(record_json(r, &context, out), 0);
	begin(RECORD_FLOW);
	r->type = RECORD_TYPES;
	assert_int_equal(record_json(r, &context, out), 0);
	free(out);
}

// All texts as long as they can be, all of bytes that grow most: cut, but valid and within bounds.
static void the_longest_record_fits(void **state)
{
	static char long_text[TEXTS_MAX];
	struct record_dns *d = begin(RECORD_DNS);
	cJSON *j;

	(void)state;
	memset(long_text, '<', sizeof(long_text));
	d->response = true;
	d->rrname = text_bytes(long_text, sizeof(long_text));
	d->queries = d->answers = 255;
	for (unsigned i = 0; i < RECORD_DNS_QUERIES_MAX; i++)
		d->query[i].rrname = d->rrname;
	for (unsigned i = 0; i < RECORD_DNS_ANSWERS_MAX; i++)
		d->answer[i].rrname = d->answer[i].rdata = d->rrname;
	j = encode();
	assert_int_equal(cJSON_GetArraySize(at(j, "dns.queries")), RECORD_DNS_QUERIES_MAX);
	assert_int_equal(cJSON_GetArraySize(at(j, "dns.answers")), RECORD_DNS_ANSWERS_MAX);
	assert_int_equal(strlen(at(j, "dns.rrname")->valuestring), sizeof(long_text));
	cJSON_Delete(j);
}

// The most a DNS message can hold (names of 255 bytes, texts of 4096 in all) is written whole.
static void the_longest_dns_message_is_whole(void **state)
{
	static char bytes[4096];
	struct record_dns *d = begin(RECORD_DNS);
	const cJSON *last;
	cJSON *j;

	(void)state;
	memset(bytes, '<', sizeof(bytes));
	d->rrname = text_bytes(bytes, 255);
	d->queries = RECORD_DNS_QUERIES_MAX;
	d->answers = RECORD_DNS_ANSWERS_MAX;
	for (unsigned i = 0; i < RECORD_DNS_QUERIES_MAX; i++)
		d->query[i].rrname = d->rrname;
	for (unsigned i = 0; i < RECORD_DNS_ANSWERS_MAX; i++) {
		d->answer[i].rrname = d->rrname;
		d->answer[i].rdata = text_bytes(bytes, (sizeof(bytes) - 255) / RECORD_DNS_ANSWERS_MAX);
	}
	j = encode();
	last = cJSON_GetArrayItem(at(j, "dns.answers"), RECORD_DNS_ANSWERS_MAX - 1);
	assert_int_equal(strlen(at(last, "rrname")->valuestring), 255);
	assert_int_equal(strlen(at(last, "rdata")->valuestring), (sizeof(bytes) - 255) / RECORD_DNS_ANSWERS_MAX);
	cJSON_Delete(j);
}

static void a_list_of_commas_is_bounded(void **state)
{
	static char commas[TEXTS_MAX];
	struct record_tls *t = begin(RECORD_TLS);
	cJSON *j;

	(void)state;
	memset(commas, ',', sizeof(commas));
	t->alpn_client = t->alpn_server = text_bytes(commas, sizeof(commas));
	t->sni = text("after");
	j = encode();
	is_text(j, "tls.sni", "after");
	assert_int_equal(cJSON_GetArraySize(at(j, "tls.client_alpns")), sizeof(commas));
	cJSON_Delete(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow),
		cmocka_unit_test(flow_details),
		cmocka_unit_test(what_is_not_known_is_absent),
		cmocka_unit_test(vlans),
		cmocka_unit_test(icmp_has_no_ports),
		cmocka_unit_test(protocols_without_ports),
		cmocka_unit_test(every_day_has_its_date),
		cmocka_unit_test(dns),
		cmocka_unit_test(dns_query),
		cmocka_unit_test(an_object_is_named_after_the_event),
		cmocka_unit_test(tls),
		cmocka_unit_test(http),
		cmocka_unit_test(arp),
		cmocka_unit_test(stp),
		cmocka_unit_test(lldp),
		cmocka_unit_test(stats),
		cmocka_unit_test(names_come_back),
		cmocka_unit_test(texts_outside_of_the_record_are_absent),
		cmocka_unit_test(what_is_no_record_gives_nothing),
		cmocka_unit_test(the_longest_record_fits),
		cmocka_unit_test(the_longest_dns_message_is_whole),
		cmocka_unit_test(a_list_of_commas_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
