#include "control/protocols.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"

enum { NAME_MAX = 64 };

static int name_off(const char *name, uint64_t off[PROTO_MAX / 64], struct err *err)
{
	struct nearest nearest = {.name = name};

	for (unsigned app = 1; app < proto_count; app++) {
		if (strcmp(name, proto_name(app)) == 0) {
			off[app / 64] |= 1ull << app % 64;
			return 0;
		}
		nearest_offer(&nearest, proto_name(app), proto_name(app));
	}
	if (nearest.best != NULL)
		return err_set(err, -ENOENT, "protocols.off: there is no protocol \"%s\"; did you mean %s?", name, nearest.best);
	return err_set(err, -ENOENT, "protocols.off: there is no protocol \"%s\"; spanwatch --protocols lists them", name);
}

int protocols_off(const char *list, uint64_t off[PROTO_MAX / 64], struct err *err)
{
	memset(off, 0, sizeof(off[0]) * (PROTO_MAX / 64));
	if (strcmp(list, "all") == 0) {
		memset(off, 0xff, sizeof(off[0]) * (PROTO_MAX / 64));
		return 0;
	}
	while (*list != '\0') {
		size_t length;
		char name[NAME_MAX];
		int rc;

		list += strspn(list, ", ");
		length = strcspn(list, ", ");
		if (length == 0)
			break;
		if (length >= sizeof(name))
			return err_set(err, -ENOENT, "protocols.off: a name of %zu letters is none of a protocol", length);
		memcpy(name, list, length);
		name[length] = '\0';
		rc = name_off(name, off, err);
		if (rc < 0)
			return rc;
		list += length;
	}
	return 0;
}
