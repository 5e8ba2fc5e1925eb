#include "control/preflight.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/if_ether.h>

#include "base/capture_file.h"
#include "config/config_nearest.h"

bool preflight_is_pci(const char *name)
{
	unsigned domain, bus, device, function;
	int end = 0;

	return (sscanf(name, "%x:%x:%x.%x%n", &domain, &bus, &device, &function, &end) == 4 && name[end] == '\0') ||
	       (sscanf(name, "%x:%x.%x%n", &bus, &device, &function, &end) == 3 && name[end] == '\0');
}

bool preflight_any_pci(const char *list)
{
	char names[CONFIG_PATH_MAX], *next = names, *name;

	snprintf(names, sizeof(names), "%s", list);
	while ((name = strsep(&next, ", ")) != NULL)
		if (*name != '\0' && preflight_is_pci(name))
			return true;
	return false;
}

static int node_read(const char *path)
{
	FILE *f = fopen(path, "re");
	int node = -1;

	if (f == NULL)
		return -1;
	if (fscanf(f, "%d", &node) != 1)
		node = -1;
	fclose(f);
	return node;
}

int preflight_node(const char *list)
{
	char path[CONFIG_PATH_MAX + 64], first[IFNAMSIZ + 16];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(list, ", "), list);
	if (first[0] == '\0')
		return -1;
	snprintf(path, sizeof(path), preflight_is_pci(first) ? "/sys/bus/pci/devices/%s/numa_node" : "/sys/class/net/%s/device/numa_node",
		 first);
	return node_read(path);
}

// ---- checks ----

static int replay_check(const char *path, struct err *err)
{
	struct capture_file file;
	int rc;

	if (strchr(path, ',') != NULL)
		return err_set(err, -EINVAL, "%s: DPDK cannot open a file with a comma in its name: rename it or make a link to it", path);
	rc = capture_file_open(&file, path, err);
	if (rc == 0)
		capture_file_close(&file);
	return rc;
}

static int unknown_interface(const char *name, struct err *err)
{
	struct if_nameindex *all = if_nameindex();
	struct config_nearest nearest = {.name = name};
	int rc;

	for (const struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++)
		config_nearest_offer(&nearest, i->if_name, i->if_name);
	if (nearest.best != NULL)
		rc = err_set(err, -ENODEV, "%s: no such interface: did you mean %s? `spanwatch --list` shows them all", name, nearest.best);
	else
		rc = err_set(err, -ENODEV, "%s: no such interface: `spanwatch --list` shows those of this machine", name);
	if (all != NULL)
		if_freenameindex(all);
	return rc;
}

static int permission_check(const char *name, struct err *err)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, -errno,
			       "%s: not allowed to capture (%s): run as root, or once `setcap cap_net_raw,cap_net_admin+ep` on this program", name,
			       strerror(errno));
	close(fd);
	return 0;
}

static int interface_check(const char *name, struct err *err)
{
	struct ifreq request = {.ifr_flags = 0};
	int fd, rc;

	if (strlen(name) >= IFNAMSIZ || if_nametoindex(name) == 0)
		return unknown_interface(name, err);
	rc = permission_check(name, err);
	if (rc < 0)
		return rc;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0)
		rc = err_set(err, -ENETDOWN, "%s: the interface is down: `ip link set %s up`", name, name);
	if (fd >= 0)
		close(fd);
	return rc;
}

int preflight_check(const struct config *config, struct err *err)
{
	char names[CONFIG_PATH_MAX], *next = names, *name;
	int rc = 0;

	if (config->capture.replay[0] != '\0')
		return replay_check(config->capture.replay, err);
	snprintf(names, sizeof(names), "%s", config->capture.interface);
	while (rc == 0 && (name = strsep(&next, ", ")) != NULL)
		if (*name != '\0' && !preflight_is_pci(name))
			rc = interface_check(name, err);
	return rc;
}
