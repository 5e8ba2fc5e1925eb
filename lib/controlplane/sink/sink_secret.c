// See sink_secret.h. Printable ASCII only, because a secret becomes part of a line of a protocol.
#include "sink/sink_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Bytes of the file's beginning, or a negative errno. What is more than room is cut, and seen by the missing end of the line.
static ssize_t beginning_read(const char *path, char *out, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); // a pipe nobody writes to is no reason to wait
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (used < room && n > 0) {
		n = read(fd, out + used, room - used);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			n = -errno;
		else
			used += (size_t)n;
	}
	close(fd);
	return n < 0 ? n : (ssize_t)used;
}

static bool printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return true;
}

static int from_file(const char *key, const char *path, char *out, size_t room, struct err *err)
{
	ssize_t n = beginning_read(path, out, room);
	size_t length;
	const char *end;

	if (n < 0)
		return err_set(err, (int)n, "cannot read %s, which %s names: %s", path, key, strerror((int)-n));
	end = memchr(out, '\n', (size_t)n);
	if (end == NULL && (size_t)n == room)
		return err_set(err, -EINVAL, "the first line of %s, which %s names, is longer than %zu bytes", path, key, room - 1);
	length = end != NULL ? (size_t)(end - out) : (size_t)n;
	if (length > 0 && out[length - 1] == '\r')
		length--;
	if (length == 0)
		return err_set(err, -EINVAL, "the first line of %s, which %s names, is empty; it has to be the secret", path, key);
	explicit_bzero(out + length, room - length);
	if (!printable(out, length))
		return err_set(err, -EINVAL, "the first line of %s, which %s names, has blanks or other than printable ASCII in it",
			       path, key);
	return 0;
}

static int from_environment(const char *variable, char *out, size_t room, struct err *err)
{
	const char *value = getenv(variable);

	out[0] = '\0';
	if (value == NULL || value[0] == '\0')
		return 0;
	if (strlen(value) >= room || !printable(value, strlen(value)))
		return err_set(err, -EINVAL, "%s of the environment is longer than %zu bytes or has blanks or other than printable "
			       "ASCII in it", variable, room - 1);
	strcpy(out, value);
	return 0;
}

int sink_secret_read(const char *key, const char *path, const char *variable, char *out, size_t room, struct err *err)
{
	int rc = path[0] != '\0' ? from_file(key, path, out, room, err) : from_environment(variable, out, room, err);

	if (rc < 0)
		explicit_bzero(out, room);
	return rc;
}
