// Who has a port: the socket's inode from /proc/net/tcp, then the process that holds it. Processes of others may not be visible; then
// nothing is said. Both walks are bounded.
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_listen.h"

enum { LINES_MAX = 65536, PROCESSES_MAX = 32768, FDS_MAX = 4096, STATE_LISTEN = 0x0a, NAME_MAX_SHOWN = 32 };

static bool inode_find(const char *table, uint16_t port, unsigned long *inode)
{
	FILE *in = fopen(table, "re");
	char line[512];
	bool found = false;

	if (in == NULL)
		return false;
	for (unsigned i = 0; i < LINES_MAX && !found && fgets(line, sizeof(line), in) != NULL; i++) {
		unsigned local, state;

		found = sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local, &state, inode) == 3 &&
			local == port && state == STATE_LISTEN && *inode != 0;
	}
	fclose(in);
	return found;
}

static bool holds(const char *pid, const char *wanted)
{
	char path[PATH_MAX], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	for (unsigned i = 0; i < FDS_MAX && !found && (entry = readdir(dir)) != NULL; i++) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	closedir(dir);
	return found;
}

// A process may call itself anything: only what is printable is shown.
static void name_read(const char *pid, char name[NAME_MAX_SHOWN])
{
	char path[PATH_MAX];
	FILE *in;

	strcpy(name, "a process");
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	in = fopen(path, "re");
	if (in == NULL)
		return;
	if (fgets(name, NAME_MAX_SHOWN, in) == NULL)
		strcpy(name, "a process");
	fclose(in);
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

bool api_port_owner(uint16_t port, char *out, size_t room)
{
	unsigned long inode;
	char wanted[64], name[NAME_MAX_SHOWN];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (!inode_find("/proc/net/tcp", port, &inode) && !inode_find("/proc/net/tcp6", port, &inode))
		return false;
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	dir = opendir("/proc");
	if (dir == NULL)
		return false;
	for (unsigned i = 0; i < PROCESSES_MAX && !found && (entry = readdir(dir)) != NULL; i++) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !holds(entry->d_name, wanted))
			continue;
		name_read(entry->d_name, name);
		snprintf(out, room, "%s (pid %.10s)", name, entry->d_name);
		found = true;
	}
	closedir(dir);
	return found;
}
