#include "control/eal_args.h"

#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <rte_build_config.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/mman.h>

#include "control/preflight.h"
#include "port/port.h"
#include "worker/worker.h"

// The kernel's ring of an interface, over all its queues. The driver takes as much again for sending.
enum { RINGS_BYTES = 128 * 1024 * 1024, RING_BLOCK = 65536, FRAMES_MIN = 512, FRAMES_MAX = 32768 };

// Drivers that a derived command line needs. Naming them keeps EAL from loading some two hundred others.
static const char *const vdev_drivers[] = {"librte_mempool_ring.so", "librte_bus_vdev.so", "librte_net_pcap.so", "librte_net_af_packet.so"};

static void add(struct eal_args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct eal_args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct eal_args *a, const char *format, ...)
{
	va_list args;
	int length;

	if (a->argc == EAL_ARGS_MAX - 1) {
		a->cut = true;
		return;
	}
	va_start(args, format);
	length = vsnprintf(a->text[a->argc], EAL_ARG_MAX, format, args);
	va_end(args);
	a->cut = a->cut || length >= EAL_ARG_MAX;
	a->argv[a->argc] = a->text[a->argc];
	a->argc++;
}

static void note(struct eal_args *a, const char *format, ...)
{
	va_list args;

	if (a->notes == EAL_NOTES_MAX)
		return;
	va_start(args, format);
	vsnprintf(a->note[a->notes++], ERR_TEXT_MAX, format, args);
	va_end(args);
}

// ---- cores ----

// The CPUs we may use: the first for control, the rest in the order in which workers take them, those of the port's node first.
static unsigned cpus_order(int node, int out[CPU_SETSIZE])
{
	int cpu[CPU_SETSIZE] = {0};
	unsigned n = 0, all = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &set))
			cpu[all++] = i;
	if (numa_available() < 0)
		node = -1;
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
	if (a->workers > WORKER_MAX) {
		note(a, "%u workers are the most there can be: %u were asked for", WORKER_MAX, a->workers);
		a->workers = WORKER_MAX;
	}
	if (a->workers > spare)
		note(a, "%u workers share %u core%s with each other and control: more cores would make them faster", a->workers, cpus,
		     cpus == 1 ? "" : "s");
	used = snprintf(text, sizeof(text), "--lcores=0@%d", cpu[0]);
	for (unsigned k = 0; k < a->workers && used < (int)sizeof(text); k++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, ",%u@%d", k + 1, cpu[(1 + k) % cpus]);
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

// Whether the kernel would really give us that much: it reserves huge pages when they are mapped, long before they are touched.
static bool hugepages_given(unsigned mb, int page_size)
{
	size_t page = (size_t)1 << (page_size >> MAP_HUGE_SHIFT), bytes = (((size_t)mb << 20) + page - 1) & ~(page - 1);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | page_size, -1, 0);

	if (at == MAP_FAILED)
		return false;
	munmap(at, bytes);
	return true;
}

static void memory_add(struct eal_args *a, unsigned mb)
{
	long free_mb = sysfs_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") * 2 +
		       sysfs_number("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages") * 1024;

	a->hugepages = free_mb > 0 && (hugepages_given(mb, MAP_HUGE_2MB) || hugepages_given(mb, MAP_HUGE_1GB));
	if (a->hugepages) {
		add(a, "--in-memory");
		return;
	}
	add(a, "--no-huge");
	add(a, "--no-shconf"); // 22.11 takes --no-huge and --in-memory for contradicting each other
	add(a, "-m");
	add(a, "%u", mb);
	note(a, "running without hugepages (%u MB are needed, %ld are free), which is slower: `sysctl vm.nr_hugepages=%u` reserves them", mb, free_mb,
	     mb / 2 + 1);
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

static struct eal_port *port_add(struct eal_args *a, const char *name)
{
	struct eal_port *port = a->ports < EAL_PORTS_MAX ? &a->port[a->ports++] : NULL;

	if (port != NULL)
		snprintf(port->name, sizeof(port->name), "%s", name);
	return port;
}

static int interface_add(struct eal_args *a, const char *name, const struct config *config, struct err *err)
{
	uint32_t frame = port_af_packet_frame(name), queues = config->capture.queues != 0 ? config->capture.queues : a->workers;
	uint32_t block = RTE_MAX(frame, (uint32_t)RING_BLOCK), frames;
	struct eal_port *port = port_add(a, name);
	char pci[PREFLIGHT_PCI_MAX];

	if (port == NULL)
		return err_set(err, -E2BIG, "more than %u interfaces: leave some out", EAL_PORTS_MAX);
	if (preflight_pci(name, pci)) {
		snprintf(port->device, sizeof(port->device), "%s", pci);
		add(a, "-a");
		add(a, "%s", pci);
		return 0;
	}
	queues = RTE_MIN(RTE_MAX(queues, 1u), (uint32_t)PORT_QUEUES_MAX);
	frames = RTE_MIN(RTE_MAX(RINGS_BYTES / queues / frame, (uint32_t)FRAMES_MIN), (uint32_t)FRAMES_MAX);
	frames -= frames % (block / frame);
	snprintf(port->device, sizeof(port->device), "net_af_packet_%s", name);
	add(a, "--vdev=%s,iface=%s,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u", port->device, name, queues, block, frame, frames);
	return 0;
}

static int interfaces_add(struct eal_args *a, const struct config *config, struct err *err)
{
	char names[CONFIG_PATH_MAX], *next = names, *name;
	int rc = 0;

	snprintf(names, sizeof(names), "%s", config->capture.interface);
	while (rc == 0 && (name = strsep(&next, ", ")) != NULL)
		if (*name != '\0')
			rc = interface_add(a, name, config, err);
	return rc;
}

// EAL takes a comma or an equals sign in a file's name for its own. Such a file is opened here, for as long as we live, and named
// by its descriptor.
static int replay_add(struct eal_args *a, const char *path, struct err *err)
{
	struct eal_port *port = port_add(a, path);
	int fd;

	snprintf(port->device, sizeof(port->device), "net_pcap_replay");
	if (strpbrk(path, ",=") == NULL) {
		add(a, "--vdev=%s,rx_pcap=%s", port->device, path);
		return 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_set(err, -errno, "%.300s: %s", path, strerror(errno));
	add(a, "--vdev=%s,rx_pcap=/proc/self/fd/%d", port->device, fd);
	return 0;
}

// What was asked for in EAL's own words: the net devices among --vdev.
static void given_ports_note(struct eal_args *a)
{
	for (int i = 1; i < a->argc; i++) {
		const char *value = strncmp(a->argv[i], "--vdev=", 7) == 0 ? a->argv[i] + 7 : NULL;
		struct eal_port *port;

		if (strcmp(a->argv[i], "--vdev") == 0 && i + 1 < a->argc)
			value = a->argv[i + 1];
		if (value == NULL || strncmp(value, "net_", 4) != 0 || (port = port_add(a, value)) == NULL)
			continue;
		snprintf(port->device, sizeof(port->device), "%.*s", (int)strcspn(value, ","), value);
	}
}

// Where EAL puts its sockets, or as much of that path as exists already: whether we may write there. A socket that cannot be made
// would end EAL's start.
static bool telemetry_possible(char *at, size_t room)
{
	const char *user = getuid() != 0 ? getenv("XDG_RUNTIME_DIR") : NULL, *base = getenv("RUNTIME_DIRECTORY");
	static const char *const below[] = {"/dpdk/rte", "/dpdk", ""};

	if (base == NULL)
		base = getuid() == 0 ? "/var/run" : user != NULL ? user : "/tmp";
	for (unsigned i = 0; i < RTE_DIM(below); i++) {
		snprintf(at, room, "%.200s%s", base, below[i]);
		if (access(at, F_OK) == 0)
			return access(at, W_OK | X_OK) == 0;
	}
	return false;
}

// Live it can be asked for; a replay is over before anybody could, and its start is to be short.
static void telemetry_add(struct eal_args *a, const struct config *config)
{
	char at[EAL_ARG_MAX];

	if (config->capture.replay[0] == '\0' && telemetry_possible(at, sizeof(at)))
		return;
	add(a, "--no-telemetry");
	if (config->capture.replay[0] == '\0')
		note(a, "no DPDK telemetry: %.200s cannot be written", at);
}

static void derive(struct eal_args *a, const struct config *config, unsigned (*memory_mb)(const struct config *config, unsigned workers))
{
	add(a, "spanwatch");
	lcores_add(a, config, preflight_node(config->capture.interface));
	memory_add(a, memory_mb(config, a->workers));
	telemetry_add(a, config);
	if (preflight_any_pci(config->capture.interface))
		return;
	drivers_add(a);
	add(a, "--no-pci");
}

int eal_args_make(int given_argc, char **given, const struct config *config,
		  unsigned (*memory_mb)(const struct config *config, unsigned workers), struct eal_args *out, struct err *err)
{
	struct preflight preflight;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = preflight_check(config, &preflight, err);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < preflight.notes; i++)
		note(out, "%s", preflight.note[i]);
	for (int i = 0; i < given_argc; i++)
		add(out, "%s", given[i]);
	if (given_argc > 0)
		given_ports_note(out);
	else
		derive(out, config, memory_mb);
	rc = config->capture.replay[0] != '\0' ? replay_add(out, config->capture.replay, err) : interfaces_add(out, config, err);
	if (rc == 0 && out->cut)
		rc = err_set(err, -E2BIG, "more than %u EAL arguments, or one of over %u bytes: leave some out", EAL_ARGS_MAX - 1, EAL_ARG_MAX - 1);
	return rc;
}

// ---- EAL ----

static void log_open(struct eal_args *a)
{
	a->log_stream = fmemopen(a->log, sizeof(a->log) - 1, "w");
	if (a->log_stream == NULL)
		return;
	setvbuf(a->log_stream, NULL, _IONBF, 0);
	rte_openlog_stream(a->log_stream);
}

static void log_close(struct eal_args *a)
{
	rte_openlog_stream(NULL);
	if (a->log_stream != NULL)
		fclose(a->log_stream);
	a->log_stream = NULL;
}

// The first line of EAL's log that is about something that failed: the later ones only follow from it.
static const char *log_reason(struct eal_args *a)
{
	static const char *const words[] = {"annot", "ailed", "rror", "nvalid", "enied", "No such", "nable", "ouldn't", "ould not", "not "};
	char *line, *next = a->log;

	while ((line = strsep(&next, "\n")) != NULL)
		for (unsigned i = 0; i < RTE_DIM(words); i++)
			if (strstr(line, words[i]) != NULL)
				return line;
	return "DPDK did not say why";
}

int eal_args_init(struct eal_args *args, struct err *err)
{
	char *argv[EAL_ARGS_MAX];
	int rc;

	memcpy(argv, args->argv, sizeof(argv)); // EAL permutes it
	log_open(args);
	rte_log_set_global_level(RTE_LOG_NOTICE);
	rc = rte_eal_init(args->argc, argv);
	log_close(args);
	if (rc < 0)
		return err_set(err, -rte_errno, "DPDK could not start: %.300s (%s)", log_reason(args), rte_strerror(rte_errno));
	return 0;
}

static bool exists(const char *device)
{
	for (uint64_t id = rte_eth_find_next(0); id < RTE_MAX_ETHPORTS; id = rte_eth_find_next((uint16_t)(id + 1))) {
		struct rte_eth_dev_info info;

		if (rte_eth_dev_info_get((uint16_t)id, &info) == 0 && strcmp(rte_dev_name(info.device), device) == 0)
			return true;
	}
	return false;
}

int eal_ports_check(struct eal_args *args, const struct config *config, struct err *err)
{
	(void)config;
	for (unsigned i = 0; i < args->ports; i++)
		if (!exists(args->port[i].device))
			return err_set(err, -ENODEV, "%.200s: DPDK could not open it: %.280s", args->port[i].name, log_reason(args));
	if (rte_eth_dev_count_avail() == 0)
		return err_set(err, -ENODEV, "EAL found no port: name one with --vdev or -a before `--`, or use -i or -r");
	return 0;
}
