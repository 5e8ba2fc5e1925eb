#include "control/eal_args.h"

#include <errno.h>
#include <numa.h>
#include <rte_build_config.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/preflight.h"
#include "port/port.h"
#include "worker/worker.h"

enum { RING_BYTES = 64 * 1024 * 1024, RING_BLOCK = 65536, FRAMES_MIN = 512 };

// Drivers that a derived command line needs. Naming them keeps EAL from loading some two hundred others.
static const char *const vdev_drivers[] = {"librte_mempool_ring.so", "librte_bus_vdev.so", "librte_net_pcap.so", "librte_net_af_packet.so"};

static char eal_log[EAL_LOG_MAX];

static void add(struct eal_args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct eal_args *a, const char *format, ...)
{
	va_list args;

	if (a->argc == EAL_ARGS_MAX - 1)
		return;
	va_start(args, format);
	vsnprintf(a->text[a->argc], EAL_ARG_MAX, format, args);
	va_end(args);
	a->argv[a->argc] = a->text[a->argc];
	a->argc++;
}

// ---- cores ----

// The CPUs we may use: the first for control, the rest in the order in which workers take them, those of the port's node first.
static unsigned cpus_order(int node, int *out)
{
	cpu_set_t set;
	unsigned n = 0, all = 0;
	int cpu[CPU_SETSIZE];

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &set))
			cpu[all++] = i;
	out[n++] = cpu[0];
	for (unsigned i = 1; i < all; i++)
		if (node < 0 || numa_node_of_cpu(cpu[i]) == node)
			out[n++] = cpu[i];
	for (unsigned i = 1; i < all; i++)
		if (node >= 0 && numa_node_of_cpu(cpu[i]) != node)
			out[n++] = cpu[i];
	return n;
}

static void lcores_add(struct eal_args *a, const struct config *config, int node)
{
	int cpu[CPU_SETSIZE];
	unsigned cpus = cpus_order(node, cpu), spare = cpus > 1 ? cpus - 1 : 1;
	char text[EAL_ARG_MAX];
	int used;

	a->workers = config->capture.workers != 0 ? config->capture.workers : config->capture.replay[0] != '\0' ? 1 : spare;
	if (a->workers > WORKER_MAX)
		a->workers = WORKER_MAX;
	if (a->workers > spare)
		snprintf(a->note[a->notes++], ERR_TEXT_MAX, "%u workers share %u core%s with each other: more cores would make them faster", a->workers, cpus,
			 cpus == 1 ? "" : "s");
	used = snprintf(text, sizeof(text), "--lcores=0@%d", cpu[0]);
	for (unsigned k = 0; k < a->workers && used < (int)sizeof(text); k++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, ",%u@%d", k + 1, cpus > 1 ? cpu[1 + k % (cpus - 1)] : cpu[0]);
	add(a, "%s", text);
}

// ---- memory ----

static long sysfs_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long value = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static void memory_add(struct eal_args *a, unsigned mb)
{
	long free_mb = sysfs_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") * 2 +
		       sysfs_number("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages") * 1024;

	a->hugepages = free_mb >= (long)mb;
	if (a->hugepages) {
		add(a, "--in-memory");
		return;
	}
	add(a, "--no-huge");
	add(a, "--no-shconf"); // 22.11 takes --no-huge and --in-memory for contradicting each other
	add(a, "-m");
	add(a, "%u", mb);
	snprintf(a->note[a->notes++], ERR_TEXT_MAX, "running without hugepages (%u MB are needed, %ld are free), which is slower: "
		 "`sysctl vm.nr_hugepages=%u` reserves them", mb, free_mb, mb / 2 + 1);
}

// ---- devices ----

static void drivers_add(struct eal_args *a)
{
	for (unsigned i = 0; i < RTE_DIM(vdev_drivers); i++) {
		char path[EAL_ARG_MAX];

		snprintf(path, sizeof(path), "%s/%s", RTE_EAL_PMD_PATH, vdev_drivers[i]);
		if (access(path, R_OK) != 0)
			continue;
		add(a, "-d");
		add(a, "%s", path);
	}
}

static void interface_add(struct eal_args *a, const char *name, const struct config *config)
{
	uint32_t frame = port_af_packet_frame(name), queues = config->capture.queues != 0 ? config->capture.queues : a->workers;
	uint32_t frames = RING_BYTES / frame, block = frame > RING_BLOCK ? frame : RING_BLOCK;

	if (queues > PORT_QUEUES_MAX)
		queues = PORT_QUEUES_MAX;
	if (frames < FRAMES_MIN)
		frames = FRAMES_MIN;
	add(a, "--vdev=net_af_packet%u,iface=%s,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u", a->ports, name, queues, block, frame, frames);
	a->ports++;
}

static int interfaces_add(struct eal_args *a, const struct config *config, bool pci, struct err *err)
{
	char names[CONFIG_PATH_MAX], *next = names, *name;

	snprintf(names, sizeof(names), "%s", config->capture.interface);
	while ((name = strsep(&next, ", ")) != NULL) {
		if (*name == '\0' || preflight_is_pci(name) != pci)
			continue;
		if (a->ports == EAL_PORTS_MAX)
			return err_set(err, -E2BIG, "more than %u interfaces: leave some out", EAL_PORTS_MAX);
		if (pci) {
			add(a, "-a");
			add(a, "%s", name);
			a->ports++;
		} else {
			interface_add(a, name, config);
		}
	}
	return 0;
}

static int devices_add(struct eal_args *a, const struct config *config, bool pci, struct err *err)
{
	int rc;

	if (!pci) {
		drivers_add(a);
		add(a, "--no-pci");
	}
	if (config->capture.replay[0] != '\0') {
		add(a, "--vdev=net_pcap0,rx_pcap=%s", config->capture.replay);
		a->ports = 1;
		return 0;
	}
	rc = interfaces_add(a, config, false, err);
	return rc < 0 || !pci ? rc : interfaces_add(a, config, true, err);
}

int eal_args_make(int given_argc, char **given, const struct config *config,
		  unsigned (*memory_mb)(const struct config *config, unsigned workers), struct eal_args *out, struct err *err)
{
	bool pci = preflight_any_pci(config->capture.interface);
	int rc;

	memset(out, 0, sizeof(*out));
	rc = preflight_check(config, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < given_argc; i++)
		add(out, "%s", given[i]);
	if (given_argc > 0)
		return devices_add(out, config, true, err);
	add(out, "spanwatch");
	lcores_add(out, config, preflight_node(config->capture.interface));
	memory_add(out, memory_mb(config, out->workers));
	add(out, "--no-telemetry");
	return devices_add(out, config, pci, err);
}

// ---- EAL ----

static FILE *log_open(void)
{
	FILE *f = fmemopen(eal_log, sizeof(eal_log) - 1, "w");

	if (f != NULL) {
		setvbuf(f, NULL, _IONBF, 0);
		rte_openlog_stream(f);
	}
	return f;
}

// The last line of EAL's log that is about something that failed.
static const char *log_reason(void)
{
	static const char *const words[] = {"annot", "ailed", "rror", "nvalid", "enied", "No such", "not ", "unable", "nable"};
	char *line, *next = eal_log, *best = NULL;

	while ((line = strsep(&next, "\n")) != NULL)
		for (unsigned i = 0; i < RTE_DIM(words); i++)
			if (strstr(line, words[i]) != NULL)
				best = line;
	return best != NULL ? best : "EAL did not say why";
}

int eal_args_init(const struct eal_args *args, struct err *err)
{
	char *argv[EAL_ARGS_MAX];
	FILE *log = log_open();

	memcpy(argv, args->argv, sizeof(argv)); // EAL permutes it
	rte_log_set_global_level(RTE_LOG_NOTICE);
	if (rte_eal_init(args->argc, argv) < 0)
		return err_set(err, -rte_errno, "DPDK could not start: %.300s (%s)", log_reason(), rte_strerror(rte_errno));
	rte_openlog_stream(NULL);
	if (log != NULL)
		fclose(log);
	return 0;
}

int eal_ports_check(const struct eal_args *args, const struct config *config, struct err *err)
{
	unsigned there = rte_eth_dev_count_avail();
	const char *wanted = config->capture.replay[0] != '\0' ? config->capture.replay : config->capture.interface;

	if (there == 0 && args->ports == 0)
		return err_set(err, -ENODEV, "EAL found no port: name one with --vdev or -a before `--`, or use -i or -r");
	if (there < args->ports)
		return err_set(err, -ENODEV, "%s: %u of %u ports could not be opened: %.300s", wanted, args->ports - there, args->ports, log_reason());
	return 0;
}
