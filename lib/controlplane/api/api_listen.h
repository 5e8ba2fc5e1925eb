// The socket that the API listens on: bound here and not by MHD, so that a refusal can say why and what to do.
#ifndef API_API_LISTEN_H
#define API_API_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/config.h"

struct api_listener {
	int fd;                             // -1: none
	bool local;                         // a unix socket
	char address[CONFIG_TEXT_MAX + 32]; // for a person: http://127.0.0.1:8480/ or unix:PATH
	char host[64];                      // as a Host header names it; empty for a unix socket
	char bound[80];                     // host and port; empty for a unix socket
	char path[CONFIG_TEXT_MAX];         // of the unix socket
	dev_t device;
	ino_t inode;                        // so that only our own file is removed
};

int api_listen(const char *where, struct api_listener *out, struct err *err);
void api_unlisten(struct api_listener *listener);

// Who listens on a TCP port of this machine, as far as /proc shows it to us: "nginx (pid 812)". False: not known.
bool api_port_owner(uint16_t port, char *out, size_t room);

#endif
