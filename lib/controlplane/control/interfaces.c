#include "control/interfaces.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 256, VALUE_MAX = 64, PCI_NETWORK = 0x02, QUEUES_MAX = 4096 };

// One value in sysfs, "-" where there is none.
static const char *value_read(const char *path, char out[VALUE_MAX])
{
	FILE *f;

	f = fopen(path, "re");
	if (f == NULL || fgets(out, VALUE_MAX, f) == NULL)
		snprintf(out, VALUE_MAX, "-");
	out[strcspn(out, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
	return out;
}

static const char *value_of(const char *interface, const char *what, char out[VALUE_MAX])
{
	char path[LINE_MAX_BYTES];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", interface, what);
	return value_read(path, out);
}

static const char *driver_read(const char *path, const char *none, char out[VALUE_MAX])
{
	char target[LINE_MAX_BYTES];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0) {
		snprintf(out, VALUE_MAX, "%s", none);
		return out;
	}
	target[n] = '\0';
	snprintf(out, VALUE_MAX, "%.60s", strrchr(target, '/') != NULL ? strrchr(target, '/') + 1 : target);
	return out;
}

static const char *driver_of(const char *interface, char out[VALUE_MAX])
{
	char path[LINE_MAX_BYTES];

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", interface);
	return driver_read(path, "virtual", out);
}

static unsigned queues_of(const char *interface)
{
	char path[LINE_MAX_BYTES];
	struct dirent *entry;
	unsigned n = 0;
	DIR *all;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", interface);
	all = opendir(path);
	while (all != NULL && n < QUEUES_MAX && (entry = readdir(all)) != NULL)
		n += strncmp(entry->d_name, "rx-", 3) == 0;
	if (all != NULL)
		closedir(all);
	return n;
}

static void addresses_print(const struct ifaddrs *all, const char *interface, FILE *out)
{
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
		char text[NI_MAXHOST];
		socklen_t length;

		if (a->ifa_addr == NULL || strcmp(a->ifa_name, interface) != 0)
			continue;
		if (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6)
			continue;
		length = a->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
		if (getnameinfo(a->ifa_addr, length, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
			fprintf(out, " %s", text);
	}
}

static bool is_network_card(const char *address)
{
	char path[LINE_MAX_BYTES], value[VALUE_MAX];
	unsigned class;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/class", address);
	return sscanf(value_read(path, value), "0x%x", &class) == 1 && class >> 16 == PCI_NETWORK;
}

static void card_print(const char *address, FILE *out)
{
	char path[LINE_MAX_BYTES], vendor[VALUE_MAX], device[VALUE_MAX], node[VALUE_MAX], driver[VALUE_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/vendor", address);
	value_read(path, vendor);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/device", address);
	value_read(path, device);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/numa_node", address);
	value_read(path, node);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/driver", address);
	fprintf(out, "%-16s %-18s %6.6s %-8.6s %4s\n", address, driver_read(path, "none", driver), vendor, device, node);
}

// In a device's own folder, or one below (virtio).
static bool has_interface(const char *address)
{
	bool found = false;

	for (unsigned i = 0; i < 2 && !found; i++) {
		char path[LINE_MAX_BYTES];
		glob_t matches;

		snprintf(path, sizeof(path), i == 0 ? "/sys/bus/pci/devices/%.64s/net" : "/sys/bus/pci/devices/%.64s/*/net", address);
		if (glob(path, GLOB_NOSORT, NULL, &matches) != 0)
			continue;
		found = matches.gl_pathc > 0;
		globfree(&matches);
	}
	return found;
}

// Network cards that the kernel has no interface for: bound to DPDK, or to nothing.
static void cards_print(FILE *out)
{
	DIR *all = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	bool any = false;

	while (all != NULL && (entry = readdir(all)) != NULL) {
		if (entry->d_name[0] == '.' || !is_network_card(entry->d_name) || has_interface(entry->d_name))
			continue;
		if (!any)
			fprintf(out, "\n%-16s %-18s %6s %-8s %4s\n", "PCI DEVICE", "DRIVER", "VENDOR", "DEVICE", "NUMA");
		any = true;
		card_print(entry->d_name, out);
	}
	if (all != NULL)
		closedir(all);
}

int interfaces_print(FILE *out)
{
	struct if_nameindex *all = if_nameindex();
	struct ifaddrs *addresses = NULL;

	if (all == NULL || getifaddrs(&addresses) != 0)
		return -errno;
	fprintf(out, "%-16s %-18s %6s %-8s %7s %-12s %6s %4s %s\n", "INTERFACE", "MAC", "MTU", "STATE", "MBIT/S", "DRIVER", "QUEUES", "NUMA",
		"ADDRESSES");
	for (const struct if_nameindex *i = all; i->if_index != 0; i++) {
		char mac[VALUE_MAX], mtu[VALUE_MAX], state[VALUE_MAX], speed[VALUE_MAX], driver[VALUE_MAX], node[VALUE_MAX];

		fprintf(out, "%-16s %-18s %6s %-8s %7s %-12s %6u %4s", i->if_name, value_of(i->if_name, "address", mac),
			value_of(i->if_name, "mtu", mtu), value_of(i->if_name, "operstate", state), value_of(i->if_name, "speed", speed),
			driver_of(i->if_name, driver), queues_of(i->if_name), value_of(i->if_name, "device/numa_node", node));
		addresses_print(addresses, i->if_name, out);
		fputc('\n', out);
	}
	freeifaddrs(addresses);
	if_freenameindex(all);
	cards_print(out);
	return ferror(out) ? -EIO : 0;
}

static void gateways4_print(FILE *out)
{
	FILE *f = fopen("/proc/net/route", "re");
	char line[LINE_MAX_BYTES], interface[IFNAMSIZ], text[INET_ADDRSTRLEN];
	unsigned destination, gateway, flags;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%15s %x %x %x", interface, &destination, &gateway, &flags) != 4 || destination != 0 ||
		    (flags & RTF_GATEWAY) == 0)
			continue;
		fprintf(out, "%-16s %s\n", interface, inet_ntop(AF_INET, &gateway, text, sizeof(text)));
	}
	if (f != NULL)
		fclose(f);
}

static void gateways6_print(FILE *out)
{
	FILE *f = fopen("/proc/net/ipv6_route", "re");
	char line[LINE_MAX_BYTES], destination[33], hop[33], interface[IFNAMSIZ], text[INET6_ADDRSTRLEN];
	unsigned length, flags;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		uint8_t address[16];

		if (sscanf(line, "%32s %x %*32s %*x %32s %*x %*x %*x %x %15s", destination, &length, hop, &flags, interface) != 5 ||
		    length != 0 || (flags & RTF_GATEWAY) == 0)
			continue;
		for (unsigned i = 0; i < 16; i++) {
			unsigned byte = 0;

			if (sscanf(hop + 2 * i, "%2x", &byte) != 1)
				break;
			address[i] = (uint8_t)byte;
		}
		fprintf(out, "%-16s %s\n", interface, inet_ntop(AF_INET6, address, text, sizeof(text)));
	}
	if (f != NULL)
		fclose(f);
}

int gateways_print(FILE *out)
{
	fprintf(out, "%-16s %s\n", "INTERFACE", "GATEWAY");
	gateways4_print(out);
	gateways6_print(out);
	return 0;
}
