// IANA, "Internet Key Exchange Version 2 (IKEv2) Parameters" and "Internet Key Exchange (IKE) Attributes".
#include "proto/proto_ike_names.h"

#include <stddef.h>

const char *ike_payload_name(uint8_t major, uint8_t type)
{
	static const char *const v1[] = {NULL, "sa", "proposal", "transform", "ke", "id", "cert", "cert_req", "hash", "sig", "nonce", "notify",
					 "delete", "vendor_id", NULL, NULL, NULL, NULL, NULL, NULL, "nat_d", "nat_oa"};
	static const char *const v2[] = {"sa", "ke", "idi", "idr", "cert", "certreq", "auth", "nonce", "notify", "delete", "vendor_id", "tsi",
					 "tsr", "encrypted", "cp", "eap", "gspm", "idg", "gsa", "kd", "encrypted_fragment"};

	if (major == 2)
		return type >= IKE_SA_V2 && type < IKE_SA_V2 + sizeof(v2) / sizeof(v2[0]) ? v2[type - IKE_SA_V2] : NULL;
	return type < sizeof(v1) / sizeof(v1[0]) ? v1[type] : NULL;
}

#define NAME_OF(function, table) \
	const char *ike_##function(uint32_t value) \
	{ \
		return value < sizeof(table) / sizeof(table[0]) ? table[value] : NULL; \
	}

static const char *const encryptions[] = {[2] = "ENCR_DES", [3] = "ENCR_3DES", [5] = "ENCR_IDEA", [6] = "ENCR_CAST", [7] = "ENCR_BLOWFISH",
	[11] = "ENCR_NULL", [12] = "ENCR_AES_CBC", [13] = "ENCR_AES_CTR", [14] = "ENCR_AES_CCM_8", [15] = "ENCR_AES_CCM_12",
	[16] = "ENCR_AES_CCM_16", [18] = "ENCR_AES_GCM_8", [19] = "ENCR_AES_GCM_12", [20] = "ENCR_AES_GCM_16", [23] = "ENCR_CAMELLIA_CBC",
	[28] = "ENCR_CHACHA20_POLY1305"};
static const char *const prfs[] = {[1] = "PRF_HMAC_MD5", [2] = "PRF_HMAC_SHA1", [4] = "PRF_AES128_XCBC", [5] = "PRF_HMAC_SHA2_256",
	[6] = "PRF_HMAC_SHA2_384", [7] = "PRF_HMAC_SHA2_512", [8] = "PRF_AES128_CMAC"};
static const char *const integrities[] = {[1] = "AUTH_HMAC_MD5_96", [2] = "AUTH_HMAC_SHA1_96", [5] = "AUTH_AES_XCBC_96",
	[8] = "AUTH_AES_CMAC_96", [12] = "AUTH_HMAC_SHA2_256_128", [13] = "AUTH_HMAC_SHA2_384_192", [14] = "AUTH_HMAC_SHA2_512_256"};
static const char *const v1_ciphers[] = {[1] = "DES-CBC", [2] = "IDEA-CBC", [3] = "Blowfish-CBC", [5] = "3DES-CBC", [6] = "CAST-CBC",
	[7] = "AES-CBC", [8] = "CAMELLIA-CBC"};
static const char *const v1_hashes[] = {[1] = "MD5", [2] = "SHA", [3] = "Tiger", [4] = "SHA2-256", [5] = "SHA2-384", [6] = "SHA2-512"};
static const char *const v1_auths[] = {[1] = "pre-shared key", [2] = "DSS signatures", [3] = "RSA signatures", [4] = "RSA encryption",
	[9] = "ECDSA SHA-256", [10] = "ECDSA SHA-384", [11] = "ECDSA SHA-512"};

NAME_OF(encryption_name, encryptions)
NAME_OF(prf_name, prfs)
NAME_OF(integrity_name, integrities)
NAME_OF(v1_cipher_name, v1_ciphers)
NAME_OF(v1_hash_name, v1_hashes)
NAME_OF(v1_auth_name, v1_auths)
