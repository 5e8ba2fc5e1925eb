#include "control/interfaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netdb.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 256, VALUE_MAX = 64 };

// One value of an interface in sysfs, "-" where there is none.
static const char *value_of(const char *interface, const char *what, char out[VALUE_MAX])
{
	char path[LINE_MAX_BYTES];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", interface, what);
	f = fopen(path, "re");
	if (f == NULL || fgets(out, VALUE_MAX, f) == NULL)
		snprintf(out, VALUE_MAX, "-");
	out[strcspn(out, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
	return out;
}

static const char *driver_of(const char *interface, char out[VALUE_MAX])
{
	char path[LINE_MAX_BYTES], target[LINE_MAX_BYTES];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", interface);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0) {
		snprintf(out, VALUE_MAX, "virtual");
		return out;
	}
	target[n] = '\0';
	snprintf(out, VALUE_MAX, "%.60s", strrchr(target, '/') != NULL ? strrchr(target, '/') + 1 : target);
	return out;
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

int interfaces_print(FILE *out)
{
	struct if_nameindex *all = if_nameindex();
	struct ifaddrs *addresses = NULL;

	if (all == NULL || getifaddrs(&addresses) != 0)
		return -errno;
	fprintf(out, "%-16s %-18s %6s %-8s %7s %-12s %4s %s\n", "INTERFACE", "MAC", "MTU", "STATE", "MBIT/S", "DRIVER", "NUMA", "ADDRESSES");
	for (const struct if_nameindex *i = all; i->if_index != 0; i++) {
		char mac[VALUE_MAX], mtu[VALUE_MAX], state[VALUE_MAX], speed[VALUE_MAX], driver[VALUE_MAX], node[VALUE_MAX];

		fprintf(out, "%-16s %-18s %6s %-8s %7s %-12s %4s", i->if_name, value_of(i->if_name, "address", mac),
			value_of(i->if_name, "mtu", mtu), value_of(i->if_name, "operstate", state), value_of(i->if_name, "speed", speed),
			driver_of(i->if_name, driver), value_of(i->if_name, "device/numa_node", node));
		addresses_print(addresses, i->if_name, out);
		fputc('\n', out);
	}
	freeifaddrs(addresses);
	if_freenameindex(all);
	return 0;
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
