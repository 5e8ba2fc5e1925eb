// Runs a fuzz target once over each file given, or each file of a folder given: with any compiler, what the fuzzer once found or
// was given to start from stays a test.
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX = 1 << 20, PATH_ROOM = 4096 };

static int file_run(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *room = malloc(FILE_MAX), *exact = NULL;
	size_t size = 0;
	int rc = -1;

	if (file == NULL || room == NULL)
		goto out;
	size = fread(room, 1, FILE_MAX, file);
	exact = malloc(size > 0 ? size : 1); // so that a sanitizer sees a read past the end
	if (exact == NULL || ferror(file))
		goto out;
	memcpy(exact, room, size);
	LLVMFuzzerTestOneInput(exact, size);
	rc = 0;
out:
	if (rc != 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (file != NULL)
		fclose(file);
	free(room);
	free(exact);
	return rc;
}

// Returns how many files were run, or -1.
static int folder_run(const char *path)
{
	DIR *folder = opendir(path);
	int count = 0;

	if (folder == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	for (struct dirent *entry; count >= 0 && (entry = readdir(folder)) != NULL;) {
		char file[PATH_ROOM];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		count = file_run(file) == 0 ? count + 1 : -1;
	}
	closedir(folder);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		int count = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? folder_run(argv[i]) : file_run(argv[i]) + 1;

		if (count <= 0) {
			fprintf(stderr, "%s: nothing was run\n", argv[i]);
			return 1;
		}
		total += count;
	}
	printf("%d inputs\n", total);
	return total > 0 ? 0 : 1;
}
