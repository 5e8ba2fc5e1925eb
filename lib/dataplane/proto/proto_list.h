// The protocols, in the order in which they are asked when no port gives a hint. A new one is a row here, a file proto_NAME.c that
// defines proto_NAME, and its line in meson.build: scripts/new makes all three.
#ifndef PROTO_PROTO_LIST_H
#define PROTO_PROTO_LIST_H

#include "proto/proto.h"

// clang-format off
#define PROTO_LIST(row) \
	/* web */ \
	row(http) \
	row(http2) \
	row(websocket) \
	row(tls) \
	row(dtls) \
	row(quic) \
	/* names and addresses */ \
	row(dns) \
	row(mdns) \
	row(llmnr) \
	row(nbns) \
	row(nbdgm) \
	row(dhcp) \
	row(dhcpv6) \
	row(ssdp) \
	row(ntp) \
	/* remote and files */ \
	row(ssh) \
	row(ftp) \
	row(ftp_data) \
	row(tftp) \
	row(telnet) \
	row(smb) \
	row(dcerpc) \
	row(rdp) \
	row(vnc) \
	\
	/* mail and chat */ \
	row(smtp) \
	row(pop3) \
	row(imap) \
	row(irc) \
	\
	/* data and infrastructure */ \
	row(mysql) \
	row(postgresql) \
	row(redis) \
	row(mqtt) \
	row(bgp) \
	row(memcached) \
	row(modbus) \
	row(coap) \
	row(dropbox) \
	row(mongodb) \
	/* directories, management */ \
	row(syslog) \
	row(snmp) \
	row(ldap) \
	row(krb5) \
	row(radius) \
	\
	/* media */ \
	row(sip) \
	row(stun) \
	row(rtcp) \
	\
	/* tunnels and peer to peer */ \
	row(wireguard) \
	row(openvpn) \
	row(ike) \
	row(ipsec) \
	row(bittorrent) \
	row(bittorrent_dht) \
	/* told by little: asked last */ \
	row(rtp)
// clang-format on

#define PROTO_ROW_DECLARE(name) extern const struct proto_ops proto_##name;
PROTO_LIST(PROTO_ROW_DECLARE)

#endif
