#include "base/nearest.h"

#include <limits.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned nearest_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[3][NEAREST_MAX + 1]; // this line of the table and the two above it, in turn

	if (la > NEAREST_MAX || lb > NEAREST_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= lb; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *here = row[i % 3], *above = row[(i + 2) % 3], *above2 = row[(i + 1) % 3];

		here[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			here[j] = least(least(above[j], here[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				here[j] = least(here[j], above2[j - 2] + 1);
		}
	}
	return row[la % 3][lb];
}

void nearest_offer(struct nearest *nearest, const char *candidate, const char *as)
{
	unsigned distance = nearest_distance(nearest->name, candidate);

	if (distance > 1 + strlen(nearest->name) / 4)
		return;
	if (nearest->best == NULL || distance < nearest->distance) {
		nearest->best = as;
		nearest->distance = distance;
	}
}
