// CRC-32C by the processor's instruction where it has one, else by a table.
#include "spool/spool_inside.h"

#include <string.h>

enum { POLYNOMIAL_REVERSED = (int)0x82f63b78 };

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_make(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? (uint32_t)POLYNOMIAL_REVERSED : 0);
		table[i] = crc;
	}
}

static uint32_t by_table(uint32_t crc, const uint8_t *at, size_t n)
{
	pthread_once(&table_once, table_make);
	for (; n > 0; n--)
		crc = crc >> 8 ^ table[(crc ^ *at++) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t n)
{
	uint64_t wide = crc, word;

	for (; n >= sizeof(word); n -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; n > 0; n--)
		crc = __builtin_ia32_crc32qi(crc, *at++);
	return crc;
}
#endif

uint32_t spool_crc(uint32_t crc, const void *bytes, size_t n)
{
	crc = ~crc;
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(crc, bytes, n);
#endif
	return ~by_table(crc, bytes, n);
}
