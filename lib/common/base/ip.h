// What every layer has to know of IP.
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdint.h>

// IANA's keyword for a protocol number, NULL for those seldom met.
const char *ip_proto_name(uint8_t proto);

#endif
