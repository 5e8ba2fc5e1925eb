// What memory is taken for at start: a table that the layers fill from their configuration before anything is allocated. It is both
// what EAL is asked for and what the operator is shown, so that the two cannot differ.
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdint.h>
#include <string.h>

enum { MEMORY_ROWS_MAX = 24 };

struct memory_row {
	const char *what;
	uint64_t count, bytes; // how many of it, and all of them together
};

struct memory {
	unsigned rows;
	struct memory_row row[MEMORY_ROWS_MAX];
};

// Rows of one name are added up: workers have the same ones.
static inline void memory_put(struct memory *m, const char *what, uint64_t count, uint64_t bytes)
{
	unsigned i = 0;

	while (i < m->rows && strcmp(m->row[i].what, what) != 0)
		i++;
	if (i == MEMORY_ROWS_MAX)
		i--;
	else if (i == m->rows)
		m->row[m->rows++] = (struct memory_row){.what = what};
	m->row[i].count += count;
	m->row[i].bytes += bytes;
}

static inline uint64_t memory_bytes(const struct memory *m)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < m->rows; i++)
		bytes += m->row[i].bytes;
	return bytes;
}

#endif
