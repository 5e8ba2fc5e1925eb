// What every layer has to know of IP.
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct ip_address {
	uint8_t version;  // 4, 6; 0: none
	uint8_t byte[16]; // of version 4 the first four
};

// False: of no internet. One of version 4 written as one of version 6 is of version 4, as its packets are.
bool ip_address_read(const struct sockaddr *from, struct ip_address *out);

// IANA's keyword for a protocol number, NULL for those seldom met.
const char *ip_proto_name(uint8_t proto);

#endif
