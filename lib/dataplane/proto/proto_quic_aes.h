// AES-128 of one block and in counter mode, without a context: a worker must not allocate, and EVP keeps its state in one.
//
// An Initial packet of 1200 bytes takes 2 k cycles to open with the processor's instructions, 22 k without; its keys take 2.3 k.
#ifndef PROTO_PROTO_QUIC_AES_H
#define PROTO_PROTO_QUIC_AES_H

#include <stdint.h>

enum { AES_BLOCK_BYTES = 16, AES_NONCE_BYTES = 12 };

void aes_block(const uint8_t key[AES_BLOCK_BYTES], const uint8_t in[AES_BLOCK_BYTES], uint8_t out[AES_BLOCK_BYTES]);

// Exclusive-or of the bytes with what the blocks nonce, count; nonce, count + 1; ... encrypt to.
void aes_counter(const uint8_t key[AES_BLOCK_BYTES], const uint8_t nonce[AES_NONCE_BYTES], uint32_t count, uint8_t *bytes, uint32_t len);

#endif
