// SSH's KEXINIT message, RFC 4253 section 7.1, and HASSH, a digest of what it offers.
#ifndef PROTO_PROTO_SSH_KEX_H
#define PROTO_PROTO_SSH_KEX_H

#include "base/span.h"

enum { SSH_KEX_LISTS = 10, SSH_HASSH_LENGTH = 32, SSH_HASSH_STRING_MAX = 1280 };

// What is agreed on; of cipher, MAC and compression that to the server.
enum ssh_kex_chosen { SSH_KEX, SSH_HOST_KEY, SSH_CIPHER, SSH_MAC, SSH_COMPRESSION, SSH_KEX_CHOSEN };

extern const unsigned ssh_kex_list[SSH_KEX_CHOSEN]; // which list of the message that is

struct ssh_kex {
	struct span list[SSH_KEX_LISTS]; // names with commas between
};

// packet: behind its length. False if it is not a sound KEXINIT.
bool ssh_kex_read(struct span packet, struct ssh_kex *kex);

// The first name of the client's that the server has too; empty if there is none.
struct span ssh_kex_choose(struct span client, struct span server);

// What it offers for its own direction. hash: SSH_HASSH_LENGTH digits. Returns the length of the string in `string`, which is cut
// at SSH_HASSH_STRING_MAX; the hash is of all of it.
uint32_t ssh_hassh(const struct ssh_kex *kex, bool client, char *hash, char *string);

#endif
