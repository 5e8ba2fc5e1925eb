#include "base/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int folder_make(const char *path, size_t *failed)
{
	char part[FOLDER_PATH_MAX];
	size_t len = strlen(path);

	*failed = len;
	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		*failed = i;
		if (mkdir(part, 0750) != 0 && errno != EEXIST && errno != EISDIR)
			return -errno;
	}
	return 0;
}
