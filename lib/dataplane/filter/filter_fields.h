// What attribute filters can ask: one row a protocol, one row an attribute. An attribute is bits at a place of the frame, so that a
// new one is a row and no code. --filter-help prints the tables.
#ifndef FILTER_FILTER_FIELDS_H
#define FILTER_FILTER_FIELDS_H

#include <stdint.h>
#include <stdio.h>

// Where a protocol's header is, and whether it is there at all.
enum filter_place {
	FILTER_AT_ANY,       // in every frame
	FILTER_AT_PORT,      // not in the frame: the port it came in by
	FILTER_AT_ETHERNET,
	FILTER_AT_VLAN, FILTER_AT_VLAN_INNER,
	FILTER_AT_LLC,       // 802.3 length frames
	FILTER_AT_LINK,      // the EtherType behind all tags is `number`
	FILTER_AT_ARP,
	FILTER_AT_ARP_ADDRESSES, // ARP for IPv4 over Ethernet
	FILTER_AT_IPV4, FILTER_AT_IPV6,
	FILTER_AT_L4,        // the last next header of IP is `number`
	FILTER_AT_TUNNEL,    // in a tunnel of the kind `number`; not bytes but the id that its header has
	FILTER_AT_AUTH,      // the first authentication header of IP
	FILTER_AT_TCP_OPTION,     // the body of option `option`
	FILTER_AT_TCP_OPTION_SET, // no bytes: whether there is such an option
	FILTER_PLACES
};

enum filter_kind { FILTER_NUMBER, FILTER_PROTOCOL_NUMBER, FILTER_MAC, FILTER_IPV4, FILTER_IPV6, FILTER_INTERFACE, FILTER_KINDS };

enum { FILTER_ANY_TUNNEL = 0 };

struct filter_protocol {
	const char *name;
	enum filter_place place;
	uint16_t number;
};

struct filter_field {
	const char *protocol, *name;
	enum filter_kind kind;
	enum filter_place place;
	uint8_t offset, bytes; // from the place; big endian
	uint8_t shift, bits;   // of those bytes, the lowest bit first
	uint8_t option;        // enum packet_tcp_kind
};

extern const struct filter_protocol filter_protocols[];
extern const unsigned filter_protocol_count;
extern const struct filter_field filter_fields[];
extern const unsigned filter_field_count;

void filter_help_print(FILE *out);

#endif
