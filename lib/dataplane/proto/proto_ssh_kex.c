// The low-level digest is used because the newer interface of libcrypto allocates memory for each, which a worker must not do.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "proto/proto_ssh_kex.h"

#include <openssl/md5.h>

#include "base/text.h"

enum { KEXINIT = 20, COOKIE_BYTES = 16, PADDING_MIN = 4, FOLLOWS_AND_RESERVED = 5 };
enum ssh_kex_lists {
	LIST_KEX,
	LIST_HOST_KEY,
	LIST_CIPHER_TO_SERVER,
	LIST_CIPHER_TO_CLIENT,
	LIST_MAC_TO_SERVER,
	LIST_MAC_TO_CLIENT,
	LIST_COMPRESSION_TO_SERVER,
	LIST_COMPRESSION_TO_CLIENT
};

const unsigned ssh_kex_list[SSH_KEX_CHOSEN] = {LIST_KEX, LIST_HOST_KEY, LIST_CIPHER_TO_SERVER, LIST_MAC_TO_SERVER,
					       LIST_COMPRESSION_TO_SERVER};

static bool names_sound(struct span list)
{
	while (list.left > 0) {
		uint8_t c = span_u8(&list);

		if (c <= 0x20 || c >= 0x7f)
			return false;
	}
	return true;
}

bool ssh_kex_read(struct span packet, struct ssh_kex *kex)
{
	uint8_t padding = span_u8(&packet);

	if (span_u8(&packet) != KEXINIT || span_bytes(&packet, COOKIE_BYTES) == NULL)
		return false;
	for (unsigned i = 0; i < SSH_KEX_LISTS; i++) {
		kex->list[i] = span_take(&packet, span_be32(&packet));
		if (!names_sound(kex->list[i]))
			return false;
	}
	span_bytes(&packet, FOLLOWS_AND_RESERVED);
	return span_ok(&packet) && padding >= PADDING_MIN && packet.left == padding;
}

static bool name_next(struct span *list, struct span *name)
{
	if (list->left == 0)
		return false;
	if (!span_until(list, ',', name))
		*name = span_take(list, list->left);
	return true;
}

struct span ssh_kex_choose(struct span client, struct span server)
{
	struct span mine, other;

	while (name_next(&client, &mine))
		for (struct span list = server; name_next(&list, &other);)
			if (mine.left > 0 && mine.left == other.left && memcmp(mine.at, other.at, mine.left) == 0)
				return mine;
	return (struct span){0};
}

uint32_t ssh_hassh(const struct ssh_kex *kex, bool client, char *hash, char *string)
{
	static const unsigned lists[2][4] = {
		{LIST_KEX, LIST_CIPHER_TO_CLIENT, LIST_MAC_TO_CLIENT, LIST_COMPRESSION_TO_CLIENT},
		{LIST_KEX, LIST_CIPHER_TO_SERVER, LIST_MAC_TO_SERVER, LIST_COMPRESSION_TO_SERVER},
	};
	struct text_builder text = text_builder(string, SSH_HASSH_STRING_MAX), hex = text_builder(hash, SSH_HASSH_LENGTH);
	uint8_t digest[MD5_DIGEST_LENGTH];
	MD5_CTX md5;

	MD5_Init(&md5);
	for (unsigned i = 0; i < 4; i++) {
		const struct span *list = &kex->list[lists[client][i]];

		if (i > 0) {
			MD5_Update(&md5, ";", 1);
			text_put(&text, ";");
		}
		MD5_Update(&md5, list->at, list->left);
		text_put_bytes(&text, list->at, list->left);
	}
	MD5_Final(digest, &md5);
	text_put_hex(&hex, digest, sizeof(digest));
	return (uint32_t)text.used;
}
