// A folder and those above it.
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stddef.h>

enum { FOLDER_PATH_MAX = 1024 }; // with the final NUL

// Makes what is missing of a path, readable by owner and group. Returns 0 or a negative errno; then the first *failed bytes of the path
// name the folder that could not be made.
int folder_make(const char *path, size_t *failed);

#endif
