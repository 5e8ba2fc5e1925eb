// The options of a DHCPv6 message: RFC 8415 section 21, RFC 3646 (DNS), RFC 4075 (SNTP), RFC 4704 (FQDN), RFC 5970 (boot file).
#ifndef PROTO_PROTO_DHCPV6_OPTION_H
#define PROTO_PROTO_DHCPV6_OPTION_H

#include "proto/proto_list.h"

enum { DHCPV6_ADDRESSES_MAX = 8, DHCPV6_PREFIXES_MAX = 8, DHCPV6_TEXT_MAX = 255, DHCPV6_ADDRESS_BYTES = 16 };
enum { DHCPV6_RELAY_MESSAGE = 9, DHCPV6_INTERFACE_ID = 18, DHCPV6_STATUS_NAMES = 8 };

extern const char *const dhcpv6_status_names[DHCPV6_STATUS_NAMES]; // from 1; 0 is success or nothing said

struct dhcpv6_address {
	uint32_t iaid, preferred_s, valid_s;
	struct record_text address; // of a prefix with its length
};

struct dhcpv6 {
	uint8_t type, relays, preference, status;
	bool rapid_commit;
	uint32_t id, elapsed_ms, renewal_s, rebinding_s, enterprise;
	struct record_text client_duid, client_mac, server_duid, status_message, fqdn, vendor_class, boot_file;
	struct record_text iaids, dns_servers, domain_search, sntp_servers, params; // comma separated
	struct record_text relay_link, relay_peer, relay_interface;
	uint8_t addresses, prefixes;
	struct dhcpv6_address address[DHCPV6_ADDRESSES_MAX], prefix[DHCPV6_PREFIXES_MAX];
};

// What proves that it is a message.
struct dhcpv6_seen {
	bool duid;
	bool asks; // it says what it wants to know, or since when
};

// The next option; false if it is longer than what is there.
bool dhcpv6_option_next(struct span *in, uint16_t *code, struct span *value);

// Reads options to the last byte; false if they do not end there.
bool dhcpv6_options_read(struct span in, struct dhcpv6 *dhcp, struct dhcpv6_seen *seen, struct l7 *l7);

// An address of DHCPV6_ADDRESS_BYTES bytes.
struct record_text dhcpv6_address_text(const uint8_t *address, struct l7 *l7);

#endif
