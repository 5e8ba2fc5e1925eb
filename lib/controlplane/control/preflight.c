#include "control/preflight.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capture_file.h"
#include "base/nearest.h"

enum { PATH_BYTES = 256 };

static void note(struct preflight *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct preflight *p, const char *format, ...)
{
	va_list args;

	if (p->notes == PREFLIGHT_NOTES_MAX)
		return;
	va_start(args, format);
	vsnprintf(p->note[p->notes++], ERR_TEXT_MAX, format, args);
	va_end(args);
}

// ---- PCI devices ----

bool preflight_pci(const char *name, char full[PREFLIGHT_PCI_MAX])
{
	unsigned domain = 0, bus, device, function;
	int end = 0;

	if (sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 || name[end] != '\0') {
		domain = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || name[end] != '\0')
			return false;
	}
	snprintf(full, PREFLIGHT_PCI_MAX, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, device & 0xff, function & 0xf);
	return true;
}

bool preflight_any_pci(const char *list)
{
	char names[CONFIG_PATH_MAX], full[PREFLIGHT_PCI_MAX], *next = names, *name;

	snprintf(names, sizeof(names), "%s", list);
	while ((name = strsep(&next, ", ")) != NULL)
		if (preflight_pci(name, full))
			return true;
	return false;
}

static int pci_check(const char *address, struct err *err)
{
	static const char *const kernels[] = {"vfio-pci", "igb_uio", "uio_pci_generic", "mlx4_core", "mlx5_core", "mana", NULL};
	char path[PATH_BYTES], target[PATH_BYTES] = "";
	const char *driver;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", address);
	if (access(path, F_OK) != 0)
		return err_set(err, -ENODEV, "%s: no such PCI device: `spanwatch --list` shows those of this machine", address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return err_set(err, -ENODEV, "%s: bound to no driver: `dpdk-devbind.py -b vfio-pci %s`", address, address);
	driver = strrchr(target, '/') != NULL ? strrchr(target, '/') + 1 : target;
	for (unsigned i = 0; kernels[i] != NULL; i++)
		if (strcmp(driver, kernels[i]) == 0)
			return 0;
	return err_set(err, -EBUSY, "%s: the kernel uses it (%s): name its interface instead, or bind it: `dpdk-devbind.py -b vfio-pci %s`", address,
		       driver, address);
}

// ---- NUMA ----

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
	char path[PATH_BYTES], first[IFNAMSIZ + PREFLIGHT_PCI_MAX], full[PREFLIGHT_PCI_MAX];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(list, ", "), list);
	if (first[0] == '\0')
		return -1;
	if (preflight_pci(first, full))
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", full);
	else
		snprintf(path, sizeof(path), "/sys/class/net/%s/device/numa_node", first);
	return node_read(path);
}

// ---- interfaces of the kernel ----

static int unknown_interface(const char *name, struct err *err)
{
	struct if_nameindex *all = if_nameindex();
	struct nearest nearest = {.name = name};
	int rc;

	for (const struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++)
		nearest_offer(&nearest, i->if_name, i->if_name);
	if (nearest.best != NULL)
		rc = err_set(err, -ENODEV, "%s: no such interface: did you mean %s? `spanwatch --list` shows them all", name, nearest.best);
	else
		rc = err_set(err, -ENODEV, "%s: no such interface: `spanwatch --list` shows those of this machine", name);
	if (all != NULL)
		if_freenameindex(all);
	return rc;
}

static bool may_administer(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};

	return syscall(SYS_capget, &head, caps) != 0 || (caps[0].effective & 1u << CAP_NET_ADMIN) != 0;
}

// A packet socket takes CAP_NET_RAW, the promiscuous mode that the driver asks for at its start CAP_NET_ADMIN.
static int permission_check(const char *name, struct err *err)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 && may_administer()) {
		close(fd);
		return 0;
	}
	err_set(err, -EPERM, "%s: not allowed to capture (%s): run as root, or once `setcap cap_net_raw,cap_net_admin+ep` on this program", name,
		fd < 0 ? strerror(errno) : "CAP_NET_ADMIN is missing");
	if (fd >= 0)
		close(fd);
	return -EPERM;
}

static bool ethtool_on(int fd, struct ifreq *request, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};

	request->ifr_data = (char *)&value;
	return ioctl(fd, SIOCETHTOOL, request) == 0 && value.data != 0;
}

// Frames that the kernel has put together are longer than the ring's: only their heads reach us, and they count once.
static void interface_notes(const char *name, struct preflight *out)
{
	struct ifreq request = {.ifr_flags = 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0)
		note(out, "%s: the interface is down, nothing will arrive: `ip link set %s up`", name, name);
	if (ethtool_on(fd, &request, ETHTOOL_GGRO))
		note(out, "%s: the kernel joins TCP segments before they are seen here: `ethtool -K %s gro off` shows the packets as they came", name,
		     name);
	close(fd);
}

static int interface_check(const char *name, struct preflight *out, struct err *err)
{
	int rc;

	if (strlen(name) >= IFNAMSIZ || if_nametoindex(name) == 0)
		return unknown_interface(name, err);
	rc = permission_check(name, err);
	if (rc == 0)
		interface_notes(name, out);
	return rc;
}

// ---- all ----

static int replay_check(const char *path, struct err *err)
{
	struct capture_file file;
	int rc = capture_file_open(&file, path, err);

	if (rc == 0)
		capture_file_close(&file);
	return rc;
}

int preflight_check(const struct config *config, struct preflight *out, struct err *err)
{
	char names[CONFIG_PATH_MAX], full[PREFLIGHT_PCI_MAX], *next = names, *name;
	int rc = 0;

	out->notes = 0;
	if (config->capture.replay[0] != '\0')
		return replay_check(config->capture.replay, err);
	snprintf(names, sizeof(names), "%s", config->capture.interface);
	while (rc == 0 && (name = strsep(&next, ", ")) != NULL)
		if (*name != '\0')
			rc = preflight_pci(name, full) ? pci_check(full, err) : interface_check(name, out, err);
	return rc;
}
