// Names of the numbers in IKE messages; NULL where one has no name here.
#ifndef PROTO_PROTO_IKE_NAMES_H
#define PROTO_PROTO_IKE_NAMES_H

#include <stdint.h>

enum { IKE_SA_V2 = 33 }; // the first type of payload of version 2

const char *ike_payload_name(uint8_t major, uint8_t type);

// Version 2: transforms. Version 1: attributes of the one transform.
const char *ike_encryption_name(uint32_t value);
const char *ike_prf_name(uint32_t value);
const char *ike_integrity_name(uint32_t value);
const char *ike_v1_cipher_name(uint32_t value);
const char *ike_v1_hash_name(uint32_t value);
const char *ike_v1_auth_name(uint32_t value);

#endif
