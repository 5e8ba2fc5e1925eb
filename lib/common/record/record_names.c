#include "record/record_names.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"

enum { GROUPS = 8 };

const char *const record_direction_names[FLOW_DIRECTIONS] = {"syn", "syn_ack", "port", "first_packet"};

const char *record_dns_type_name(uint32_t rrtype)
{
	static const char *const names[] = {
		[1] = "A", [2] = "NS", [3] = "MD", [4] = "MF", [5] = "CNAME", [6] = "SOA", [7] = "MB", [8] = "MG", [9] = "MR",
		[10] = "NULL", [11] = "WKS", [12] = "PTR", [13] = "HINFO", [14] = "MINFO", [15] = "MX", [16] = "TXT", [17] = "RP",
		[18] = "AFSDB", [19] = "X25", [20] = "ISDN", [21] = "RT", [22] = "NSAP", [23] = "NSAPPTR", [24] = "SIG",
		[25] = "KEY", [26] = "PX", [27] = "GPOS", [28] = "AAAA", [29] = "LOC", [30] = "NXT", [31] = "EID", [32] = "NIMLOC",
		[33] = "SRV", [34] = "ATMA", [35] = "NAPTR", [36] = "KX", [37] = "CERT", [38] = "A6", [39] = "DNAME", [40] = "SINK",
		[41] = "OPT", [42] = "APL", [43] = "DS", [44] = "SSHFP", [45] = "IPSECKEY", [46] = "RRSIG", [47] = "NSEC",
		[48] = "DNSKEY", [49] = "DHCID", [50] = "NSEC3", [51] = "NSEC3PARAM", [52] = "TLSA", [53] = "SMIMEA", [55] = "HIP",
		[56] = "NINFO", [57] = "RKEY", [58] = "TALINK", [59] = "CDS", [60] = "CDNSKEY", [61] = "OPENPGPKEY", [62] = "CSYNC",
		[63] = "ZONEMD", [64] = "SVCB", [65] = "HTTPS", [99] = "SPF", [100] = "UINFO", [101] = "UID", [102] = "GID",
		[103] = "UNSPEC", [104] = "NID", [105] = "L32", [106] = "L64", [107] = "LP", [108] = "EUI48", [109] = "EUI64",
		[249] = "TKEY", [250] = "TSIG", [251] = "IXFR", [252] = "AXFR", [253] = "MAILB", [254] = "MAILA", [255] = "ANY",
		[256] = "URI", [257] = "CAA", [258] = "AVC",
	};

	return rrtype < sizeof(names) / sizeof(names[0]) ? names[rrtype] : NULL;
}

const char *record_dns_rcode_name(uint32_t rcode)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
		"NOTZONE", [16] = "BADVERS", "BADKEY", "BADTIME", "BADMODE", "BADNAME", "BADALG", "BADTRUNC",
	};

	return rcode < sizeof(names) / sizeof(names[0]) ? names[rcode] : NULL;
}

const char *record_tls_version_name(uint32_t version)
{
	static const char *const names[] = {"SSLv3", "TLSv1", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

	if (version == 0xfeff || version == 0xfefd || version == 0xfefc)
		return version == 0xfeff ? "DTLS 1.0" : version == 0xfefd ? "DTLS 1.2" : "DTLS 1.3";
	if (version == 0x0002)
		return "SSLv2";
	return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : NULL;
}

const char *record_tls_alert_name(uint32_t description)
{
	static const char *const names[] = {
		[0] = "close_notify",
		[10] = "unexpected_message",
		[20] = "bad_record_mac",
		[21] = "decryption_failed",
		[22] = "record_overflow",
		[30] = "decompression_failure",
		[40] = "handshake_failure",
		[41] = "no_certificate",
		[42] = "bad_certificate",
		[43] = "unsupported_certificate",
		[44] = "certificate_revoked",
		[45] = "certificate_expired",
		[46] = "certificate_unknown",
		[47] = "illegal_parameter",
		[48] = "unknown_ca",
		[49] = "access_denied",
		[50] = "decode_error",
		[51] = "decrypt_error",
		[60] = "export_restriction",
		[70] = "protocol_version",
		[71] = "insufficient_security",
		[80] = "internal_error",
		[86] = "inappropriate_fallback",
		[90] = "user_canceled",
		[100] = "no_renegotiation",
		[109] = "missing_extension",
		[110] = "unsupported_extension",
		[111] = "certificate_unobtainable",
		[112] = "unrecognized_name",
		[113] = "bad_certificate_status_response",
		[114] = "bad_certificate_hash_value",
		[115] = "unknown_psk_identity",
		[116] = "certificate_required",
		[120] = "no_application_protocol",
		[121] = "ech_required",
	};

	return description < sizeof(names) / sizeof(names[0]) ? names[description] : NULL;
}

const char *record_arp_opcode_name(uint32_t opcode)
{
	static const char *const names[] = {
		[1] = "request", [2] = "reply", [3] = "reverse_request", [4] = "reverse_reply", [8] = "inverse_request", [9] = "inverse_reply",
		[10] = "nak",
	};

	return opcode < sizeof(names) / sizeof(names[0]) ? names[opcode] : NULL;
}

const char *record_arp_hw_name(uint32_t hw_type)
{
	return hw_type == 1 ? "ethernet" : hw_type == 6 ? "ieee802" : NULL;
}

const char *record_arp_proto_name(uint32_t proto_type)
{
	return proto_type == 0x0800 ? "ipv4" : NULL;
}

bool record_icmp_answered(uint8_t proto, uint16_t type)
{
	if (proto == IPPROTO_ICMP)
		return type == 0 || (type >= 8 && type <= 10) || (type >= 13 && type <= 18);
	return (type >= 128 && type <= 136 && type != 132) || type == 139 || type == 140 || type == 144 || type == 145;
}

// ---- addresses ----

static char *ipv4_put(char *at, const uint8_t *address)
{
	for (unsigned i = 0; i < 4; i++) {
		at = json_put_u64(at, address[i]);
		*at++ = '.';
	}
	return at - 1;
}

static char *group_put(char *at, unsigned group)
{
	bool begun = false;

	for (unsigned shift = 16; shift > 0;) {
		unsigned digit = group >> (shift -= 4) & 15;

		begun = begun || digit != 0 || shift == 0;
		if (begun)
			*at++ = "0123456789abcdef"[digit];
	}
	return at;
}

// The longest run of zero groups, the first of equals; a single one is not shortened. Returns its length, 0 if there is none.
static unsigned zeros_find(const uint16_t group[GROUPS], unsigned *first)
{
	unsigned longest = 1;

	*first = GROUPS;
	for (unsigned i = 0, run = 0; i < GROUPS; i++) {
		run = group[i] == 0 ? run + 1 : 0;
		if (run > longest) {
			longest = run;
			*first = i + 1 - run;
		}
	}
	return longest > 1 ? longest : 0;
}

static char *ipv6_put(char *at, const uint8_t *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint16_t group[GROUPS];
	unsigned first, zeros;

	if (memcmp(address, mapped, sizeof(mapped)) == 0) {
		memcpy(at, "::ffff:", 7);
		return ipv4_put(at + 7, address + 12);
	}
	for (unsigned i = 0; i < GROUPS; i++)
		group[i] = (uint16_t)(address[2 * i] << 8 | address[2 * i + 1]);
	zeros = zeros_find(group, &first);
	for (unsigned i = 0; i < GROUPS;) {
		if (i == first) {
			*at++ = ':';
			*at++ = ':';
			i += zeros;
			continue;
		}
		if (i > 0 && i != first + zeros)
			*at++ = ':';
		at = group_put(at, group[i++]);
	}
	return at;
}

char *record_address_put(char *out, uint8_t ip_version, const uint8_t *address)
{
	return ip_version == 4 ? ipv4_put(out, address) : ipv6_put(out, address);
}

char *record_mac_put(char *out, const uint8_t *mac)
{
	for (unsigned i = 0; i < 6; i++) {
		if (i > 0)
			*out++ = ':';
		*out++ = "0123456789abcdef"[mac[i] >> 4];
		*out++ = "0123456789abcdef"[mac[i] & 15];
	}
	return out;
}
