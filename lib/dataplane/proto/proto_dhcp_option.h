// The options of a DHCP message: RFC 2132, RFC 3046 (relay agent), RFC 3397 (search list), RFC 4702 (FQDN), RFC 8910 (portal).
#ifndef PROTO_PROTO_DHCP_OPTION_H
#define PROTO_PROTO_DHCP_OPTION_H

#include "proto/proto_list.h"

enum { DHCP_OVERLOAD_FILE = 1, DHCP_OVERLOAD_SERVER_NAME = 2 };

struct dhcp {
	uint8_t op, type;
	uint16_t secs, flags, mtu, max_size;
	uint32_t id, lease_s, renewal_s, rebinding_s;
	uint8_t assigned_ip[RECORD_IPV4], client_ip[RECORD_IPV4], relay_ip[RECORD_IPV4], next_server_ip[RECORD_IPV4];
	uint8_t requested_ip[RECORD_IPV4], server_id[RECORD_IPV4], subnet_mask[RECORD_IPV4], broadcast_ip[RECORD_IPV4];
	struct record_text client_mac, client_id, hostname, fqdn, domain, vendor_class, user_class, message, server_name, boot_file;
	struct record_text routers, dns_servers, ntp_servers, netbios_servers, tftp_servers, domain_search; // comma separated
	struct record_text params, fingerprint; // what the client asks for: as names, as numbers
	struct record_text architecture, proxy_url, portal_url, circuit_id, remote_id;
};

struct dhcp_message {
	struct dhcp *dhcp;
	struct l7 *l7;
	struct span server_name, file; // fields of the header
	uint8_t overload;              // which of them hold options
};

// Reads options up to their end mark or the end of the bytes. One that lies about its length ends them.
void dhcp_options_read(struct span in, struct dhcp_message *m);

// Bytes as 01:02:ff, as many as one wants to read.
struct record_text dhcp_hex(struct span in, struct l7 *l7);

// Names as DNS has them, comma separated.
struct record_text dhcp_names(struct span in, struct l7 *l7);

// One name, which need not end with the root.
struct record_text dhcp_labels(struct span in, struct l7 *l7);

#endif
