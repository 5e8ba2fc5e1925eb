// A name that somebody mistyped, and the one that was probably meant. Used for keys, options, paths and attributes of filters.
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stdbool.h>

enum { NEAREST_MAX = 64 }; // longer names are not compared

// Best match so far; start from {.name = what was typed}.
struct nearest {
	const char *name;
	const char *best; // NULL: nothing offered yet
	unsigned distance;
};

// Offers a candidate: keeps it if it is nearer than the best and near enough to be worth naming. as: what best becomes then.
void nearest_offer(struct nearest *nearest, const char *candidate, const char *as);

// Letters to insert, drop, replace or swap with their neighbour to turn a into b; UINT_MAX if one of them is too long.
unsigned nearest_distance(const char *a, const char *b);

#endif
