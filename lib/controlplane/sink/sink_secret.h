// A password or token, out of a file or the environment, never out of the configuration itself or the command line.
#ifndef SINK_SINK_SECRET_H
#define SINK_SINK_SECRET_H

#include <stddef.h>

#include "base/err.h"

// The first line of the file, or if path is empty the variable of the environment, or if that is not set nothing. key: the setting,
// for sentences. -EINVAL and the like with a sentence (never with the secret): the file cannot be read, its first line is empty or
// too long, or holds other than printable ASCII.
int sink_secret_read(const char *key, const char *path, const char *variable, char *out, size_t room, struct err *err);

#endif
