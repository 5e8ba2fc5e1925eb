// Names of numbers that records carry, as Suricata writes them, and addresses as text. NULL where a number has no name here.
#ifndef RECORD_RECORD_NAMES_H
#define RECORD_RECORD_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum { RECORD_ADDRESS_MAX = 45 }; // characters of the longest address, no final NUL

const char *record_ip_proto_name(uint8_t proto);
const char *record_dns_type_name(uint32_t rrtype);
const char *record_dns_rcode_name(uint32_t rcode);
const char *record_tls_version_name(uint32_t version);

// Whether an ICMP type is one of a question and its answer: then the flow's other port is the type that answers, not the code.
bool record_icmp_answered(uint8_t proto, uint16_t type);

// IPv4 or IPv6 (RFC 5952), no final NUL; returns the end. out has room for RECORD_ADDRESS_MAX bytes.
char *record_address_put(char *out, uint8_t ip_version, const uint8_t *address);

#endif
