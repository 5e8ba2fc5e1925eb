// Names of numbers that records carry, as Suricata writes them, and addresses as text. NULL where a number has no name here.
#ifndef RECORD_RECORD_NAMES_H
#define RECORD_RECORD_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "record/record.h"

enum { RECORD_ADDRESS_MAX = 45 }; // characters of the longest address, no final NUL

extern const char *const record_direction_names[FLOW_DIRECTIONS];

const char *record_dns_type_name(uint32_t rrtype);
const char *record_dns_rcode_name(uint32_t rcode);
const char *record_tls_version_name(uint32_t version);
const char *record_tls_alert_name(uint32_t description); // RFC 8446 section 6 and those before it

const char *record_arp_opcode_name(uint32_t opcode);
const char *record_arp_hw_name(uint32_t hw_type);
const char *record_arp_proto_name(uint32_t proto_type);

// Whether an ICMP type is one of a question and its answer: then the flow's other port is the type that answers, not the code.
bool record_icmp_answered(uint8_t proto, uint16_t type);

// IPv4 or IPv6 (RFC 5952), no final NUL; returns the end. out has room for RECORD_ADDRESS_MAX bytes.
char *record_address_put(char *out, uint8_t ip_version, const uint8_t *address);

// Six bytes as 02:00:5e:10:00:01, no final NUL; returns the end. out has room for RECORD_MAC_TEXT bytes.
enum { RECORD_MAC_TEXT = 17 };
char *record_mac_put(char *out, const uint8_t *mac);

#endif
