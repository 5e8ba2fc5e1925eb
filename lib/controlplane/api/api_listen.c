#include "api/api_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128, UNIX_MODE = 0660, OWNER_MAX = 64 };

static const char local_prefix[] = "unix:";

// ---- TCP ----

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

// "127.0.0.1:8480", "[::1]:8480", "localhost:8480"
static bool address_read(const char *where, union address *out)
{
	const char *colon = strrchr(where, ':');
	char host[64], *end;
	unsigned long port;
	size_t length;

	memset(out, 0, sizeof(*out));
	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	length = (size_t)(colon - where);
	if (*end != '\0' || port > UINT16_MAX || length == 0 || length >= sizeof(host))
		return false;
	memcpy(host, where, length);
	host[length] = '\0';
	if (host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host + 1, &out->v6.sin6_addr) == 1;
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &out->v4.sin_addr) == 1;
}

static socklen_t address_length(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static int bind_refused(const char *where, const union address *a, int code, struct err *err)
{
	uint16_t port = ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
	char owner[OWNER_MAX];

	if (code == -EADDRINUSE)
		return err_set(err, code, "the API cannot listen on %s: the port is taken by %s; stop that, or choose another with "
			       "--api ADDRESS:PORT, or --api none", where, api_port_owner(port, owner, sizeof(owner)) ? owner : "another program");
	if (code == -EACCES)
		return err_set(err, code, "the API cannot listen on %s: ports below 1024 need privileges; choose another with --api "
			       "ADDRESS:PORT", where);
	if (code == -EADDRNOTAVAIL)
		return err_set(err, code, "the API cannot listen on %s: this machine does not have that address; --api 127.0.0.1:8480 works "
			       "on every machine", where);
	return err_set(err, code, "the API cannot listen on %s: %s", where, strerror(-code));
}

// The address as it came out: the port may have been 0.
static void tcp_name(int fd, struct api_listener *out)
{
	union address a;
	socklen_t length = sizeof(a);
	char text[INET6_ADDRSTRLEN] = "";

	memset(&a, 0, sizeof(a));
	getsockname(fd, &a.any, &length);
	if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof(text));
		snprintf(out->host, sizeof(out->host), "[%s]", text);
	} else {
		inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof(text));
		snprintf(out->host, sizeof(out->host), "%s", text);
	}
	snprintf(out->bound, sizeof(out->bound), "%s:%u", out->host, ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port));
	snprintf(out->address, sizeof(out->address), "http://%s/", out->bound);
}

static int tcp_listen(const char *where, struct api_listener *out, struct err *err)
{
	union address a;
	int fd, one = 1, rc;

	if (!address_read(where, &a))
		return err_set(err, -EINVAL, "api.listen (--api) is \"%s\"; it must be ADDRESS:PORT with a number for an address "
			       "(127.0.0.1:8480, [::1]:8480), unix:PATH or none", where);
	if (!is_loopback(&a))
		return err_set(err, -EACCES, "the API does not listen on %s: it has no access control yet and would show your traffic to "
			       "everybody who reaches that address; use a loopback address (127.0.0.1:8480) or unix:PATH, and a tunnel from "
			       "elsewhere", where);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return bind_refused(where, &a, -errno, err);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &a.any, address_length(&a)) < 0 || listen(fd, BACKLOG) < 0) {
		rc = bind_refused(where, &a, -errno, err);
		close(fd);
		return rc;
	}
	out->fd = fd;
	tcp_name(fd, out);
	return 0;
}

// ---- unix sockets ----

// Removes what a program that died left there. Anything else is left alone: a file, and a socket that somebody listens on.
static int stale_remove(const char *path, const struct sockaddr_un *a, struct err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST, "the API cannot listen on unix:%s: there is a file of that name that is no socket; remove it or "
			       "choose another path", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "the API cannot make a unix socket: %s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;
	close(fd);
	if (rc != -ECONNREFUSED)
		return err_set(err, -EADDRINUSE, "the API cannot listen on unix:%s: another program listens there; stop it or choose another "
			       "path", path);
	unlink(path);
	return 0;
}

static int local_listen(const char *where, struct api_listener *out, struct err *err)
{
	const char *path = where + sizeof(local_prefix) - 1;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, rc;

	if (path[0] == '\0' || strlen(path) >= sizeof(a.sun_path))
		return err_set(err, -EINVAL, "api.listen (--api) is \"%s\"; the path of a unix socket has 1 to %zu bytes", where,
			       sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, path);
	rc = stale_remove(path, &a, err);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "the API cannot make a unix socket: %s", strerror(errno));
	fchmod(fd, UNIX_MODE); // the file is born with these; what the umask took away is given back below
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, UNIX_MODE) < 0 || lstat(path, &st) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		rc = err_set(err, -errno, "the API cannot listen on unix:%s: %s", path, strerror(errno));
		close(fd);
		return rc;
	}
	out->fd = fd;
	out->local = true;
	out->device = st.st_dev;
	out->inode = st.st_ino;
	snprintf(out->path, sizeof(out->path), "%s", path);
	snprintf(out->address, sizeof(out->address), "%s", where);
	return 0;
}

int api_listen(const char *where, struct api_listener *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	out->fd = -1;
	if (strcmp(where, "none") == 0)
		return 0;
	if (strncmp(where, local_prefix, sizeof(local_prefix) - 1) == 0)
		return local_listen(where, out, err);
	return tcp_listen(where, out, err);
}

void api_unlisten(struct api_listener *listener)
{
	struct stat st;

	if (listener->local && lstat(listener->path, &st) == 0 && st.st_dev == listener->device && st.st_ino == listener->inode)
		unlink(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
}
