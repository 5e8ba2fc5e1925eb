// A disk that fails on demand, preloaded into a program: of the calls named, that reach files below a folder, the nth and then every kth
// one fails. What is not named, or lies elsewhere, is passed on.
//
//	DISK_SHIM_FOLDER   files below it
//	DISK_SHIM_CALLS    of write pwrite fsync fdatasync openat fallocate rename ftruncate
//	DISK_SHIM_FAULT    EIO, ENOSPC, EROFS, EINTR; short: half is written; slow: it takes DISK_SHIM_MS
//	DISK_SHIM_FIRST    number of the first call that fails, from 1
//	DISK_SHIM_EVERY    then every so many; 0: never again
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

static bool listed(const char *call)
{
	const char *calls = setting("DISK_SHIM_CALLS"), *at = strstr(calls, call);
	size_t n = strlen(call);

	for (; at != NULL; at = strstr(at + 1, call))
		if ((at == calls || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static bool below(const char *path)
{
	const char *folder = setting("DISK_SHIM_FOLDER");
	size_t n = strlen(folder);

	return n > 0 && strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool fd_below(int fd)
{
	char link[64], path[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof(path) - 1) > 0 && below(path);
}

static bool its_turn(void)
{
	static _Atomic unsigned long calls;
	unsigned long first = strtoul(setting("DISK_SHIM_FIRST"), NULL, 10), every = strtoul(setting("DISK_SHIM_EVERY"), NULL, 10);
	unsigned long now = atomic_fetch_add(&calls, 1) + 1;

	return now == first || (now > first && every > 0 && (now - first) % every == 0);
}

enum fate { PASS, FAIL, SHORT };

static enum fate fate(const char *call, bool ours)
{
	static const struct {
		const char *name;
		int code;
	} faults[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EINTR", EINTR}};
	const char *fault = setting("DISK_SHIM_FAULT");
	long ms = strtol(setting("DISK_SHIM_MS"), NULL, 10);

	if (!ours || !listed(call) || !its_turn())
		return PASS;
	if (strcmp(fault, "short") == 0)
		return SHORT;
	if (strcmp(fault, "slow") == 0)
		nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (strcmp(fault, faults[i].name) == 0) {
			errno = faults[i].code;
			return FAIL;
		}
	return PASS;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	enum fate how = fate("write", fd_below(fd));

	return how == FAIL ? -1 : syscall(SYS_write, fd, bytes, how == SHORT ? n / 2 : n);
}

static ssize_t pwrite_it(int fd, const void *bytes, size_t n, off_t at)
{
	enum fate how = fate("pwrite", fd_below(fd));

	return how == FAIL ? -1 : syscall(SYS_pwrite64, fd, bytes, how == SHORT ? n / 2 : n, at);
}

static int fallocate_it(int fd, int mode, off_t at, off_t n)
{
	return fate("fallocate", fd_below(fd)) == FAIL ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n);
}

static int ftruncate_it(int fd, off_t n)
{
	return fate("ftruncate", fd_below(fd)) == FAIL ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

static int openat_it(int dir, const char *name, int flags, mode_t mode)
{
	bool ours = name[0] == '/' ? below(name) : dir != AT_FDCWD && fd_below(dir);

	return fate("openat", ours) == FAIL ? -1 : (int)syscall(SYS_openat, dir, name, flags, mode);
}

int fsync(int fd)
{
	return fate("fsync", fd_below(fd)) == FAIL ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fate("fdatasync", fd_below(fd)) == FAIL ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int renameat(int from, const char *old, int to, const char *new)
{
	return fate("rename", fd_below(from)) == FAIL ? -1 : (int)syscall(SYS_renameat, from, old, to, new);
}

// Both names that a call has: with _FILE_OFFSET_BITS=64 a program asks for the second.
ssize_t shim_pwrite(int fd, const void *bytes, size_t n, off_t at) __asm__("pwrite");
ssize_t shim_pwrite64(int fd, const void *bytes, size_t n, off_t at) __asm__("pwrite64");
int shim_fallocate(int fd, int mode, off_t at, off_t n) __asm__("fallocate");
int shim_fallocate64(int fd, int mode, off_t at, off_t n) __asm__("fallocate64");
int shim_ftruncate(int fd, off_t n) __asm__("ftruncate");
int shim_ftruncate64(int fd, off_t n) __asm__("ftruncate64");
int shim_openat(int dir, const char *name, int flags, ...) __asm__("openat");
int shim_openat64(int dir, const char *name, int flags, ...) __asm__("openat64");

ssize_t shim_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite_it(fd, bytes, n, at);
}

ssize_t shim_pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite_it(fd, bytes, n, at);
}

int shim_fallocate(int fd, int mode, off_t at, off_t n)
{
	return fallocate_it(fd, mode, at, n);
}

int shim_fallocate64(int fd, int mode, off_t at, off_t n)
{
	return fallocate_it(fd, mode, at, n);
}

int shim_ftruncate(int fd, off_t n)
{
	return ftruncate_it(fd, n);
}

int shim_ftruncate64(int fd, off_t n)
{
	return ftruncate_it(fd, n);
}

static mode_t mode_of(int flags, va_list more)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(more, int) : 0;
}

int shim_openat(int dir, const char *name, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return openat_it(dir, name, flags, mode);
}

int shim_openat64(int dir, const char *name, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return openat_it(dir, name, flags, mode);
}
