// Options are rows; getopt's tables, the help and the parsing all walk them. An option that sets a key is nothing but its name:
// range, type and sentence are the row's in config_rows.c. What an option needs beyond that is in option_apply().
#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "config/config_row.h"

#include <rte_version.h>

enum { LETTERLESS = 256 }; // getopt values of options without a letter start here

struct option_row {
	char letter;         // 0: none
	const char *name;
	const char *value;   // what it takes, as the help calls it; NULL: nothing
	const char *key;     // the key it sets; NULL: see option_apply
	const char *help;
	bool repeatable;
};

static const struct option_row options[] = {
	{'i', "interface", "IF[,IF]", NULL, "watch these interfaces or bound PCI devices, all at once", true},
	{'r', "replay", "FILE", "capture.replay", "replay a capture (pcap or pcapng) and exit at its end", false},
	{0, "speed", "X", "capture.speed", "replay X times as fast as it was captured; 0, the default: no waiting", false},
	{0, "stay", NULL, "capture.stay", "after a replay go on answering until Ctrl-C", false},
	{'f', "filter", "EXPR", "capture.filter", "analyse only what this pcap-filter expression describes", false},
	{0, "attributes", "FILE", "capture.attributes", "drop or keep what these attribute filters (JSON) describe", false},
	{0, "filter-help", NULL, NULL, "list what attribute filters can ask", false},
	{0, "protocols", NULL, NULL, "list the application protocols that are told apart", false},
	{'o', "output", "DIR", "output.directory", "write eve.json and stats.json there; - for EVE lines on stdout", false},
	{0, "api", "WHERE", "api.listen", "ADDR:PORT, unix:PATH or none; default 127.0.0.1:8480", false},
	{'w', "workers", "N", "capture.workers", "worker threads; default: one for each core but one", false},
	{'c', "config", "FILE", NULL, "read a configuration first (also -lcf, --load-config)", false},
	{0, "generate-config", "FILE", NULL, "write a commented configuration with every key (also -gcf)", false},
	{0, "set", "SECTION.KEY=VALUE", NULL, "set any key of the configuration", true},
	{0, "list", NULL, NULL, "list the interfaces of this machine (also -li)", false},
	{0, "gateways", NULL, NULL, "list the gateways of this machine (also -lg)", false},
	{'v', "verbose", NULL, "sensor.verbose", "say more about what is done and why", true},
	{'h', "help", NULL, NULL, "print this", true},
	{'V', "version", NULL, NULL, "print the version", true},
	{0, "load-config", "FILE", NULL, NULL, false}, // no help: not listed
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

// Spellings of the tool this one replaces; getopt would take them for clusters of letters.
static const struct {
	const char *typed, *meant;
} spellings[] = {{"-lcf", "--config"}, {"-gcf", "--generate-config"}, {"-li", "--list"}, {"-lg", "--gateways"}};

struct args_state {
	struct args *out;
	bool given[OPTIONS];
	bool live_given, replay_given;
};

static void spellings_replace(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		for (unsigned s = 0; s < sizeof(spellings) / sizeof(spellings[0]); s++)
			if (strcmp(argv[i], spellings[s].typed) == 0)
				argv[i] = (char *)spellings[s].meant;
}

// getopt's view of the rows. letters starts with ':' so that a missing value is told from an unknown option.
static void getopt_tables(char *letters, struct option *names)
{
	*letters++ = ':';
	for (int i = 0; i < OPTIONS; i++) {
		const struct option_row *row = &options[i];

		names[i] = (struct option){row->name, row->value != NULL ? required_argument : no_argument, NULL,
					   row->letter != 0 ? row->letter : LETTERLESS + i};
		if (row->letter != 0) {
			*letters++ = row->letter;
			if (row->value != NULL)
				*letters++ = ':';
		}
	}
	*letters = '\0';
	names[OPTIONS] = (struct option){0};
}

static const struct option_row *option_find(int value)
{
	for (int i = 0; i < OPTIONS; i++)
		if (value == (options[i].letter != 0 ? options[i].letter : LETTERLESS + i))
			return &options[i];
	return NULL;
}

static bool option_is(const struct option_row *row, const char *name)
{
	return strcmp(row->name, name) == 0;
}

// It has two names; both lead to args.config_path.
static bool option_is_config(const struct option_row *row)
{
	return option_is(row, "config") || option_is(row, "load-config");
}

// What getopt refused: a letter, a name, or a value behind a name that takes none.
static int unknown(const char *typed, int letter, struct err *err)
{
	struct nearest nearest = {.name = typed};
	const struct option_row *row = letter != 0 ? option_find(letter) : NULL;
	char shown[CONFIG_SHOWN_MAX + 4], dashed[OPTIONS][32];

	if (row != NULL)
		return err_set(err, -EINVAL, "--%s takes no value", row->name);
	if (letter != 0)
		return err_set(err, -EINVAL, "there is no option -%s; spanwatch --help lists them all",
			       config_show((char[]){(char)letter, '\0'}, shown));
	for (int i = 0; i < OPTIONS; i++) {
		snprintf(dashed[i], sizeof(dashed[i]), "--%s", options[i].name);
		nearest_offer(&nearest, dashed[i], dashed[i]);
	}
	if (nearest.best != NULL)
		return err_set(err, -EINVAL, "there is no option %s; did you mean %s?", config_show(typed, shown),
			       nearest.best);
	return err_set(err, -EINVAL, "there is no option %s; spanwatch --help lists them all", config_show(typed, shown));
}

static int interface_add(struct args_state *state, const char *value, struct err *err)
{
	struct config *config = &state->out->config;
	char list[2 * CONFIG_PATH_MAX];

	if (!state->live_given)
		config->capture.interface[0] = '\0'; // what the file had
	state->live_given = true;
	snprintf(list, sizeof(list), "%s%s%s", config->capture.interface,
		 config->capture.interface[0] != '\0' ? ", " : "", value);
	return config_set(config, "capture.interface", list, err);
}

static int key_set(struct args_state *state, const char *assignment, struct err *err)
{
	const char *equals = strchr(assignment, '=');
	char name[CONFIG_NAME_MAX * 2], shown[CONFIG_SHOWN_MAX + 4];

	if (equals == NULL || (size_t)(equals - assignment) >= sizeof(name))
		return err_set(err, -EINVAL, "--set wants SECTION.KEY=VALUE (capture.burst=64), not \"%s\"",
			       config_show(assignment, shown));
	snprintf(name, sizeof(name), "%.*s", (int)(equals - assignment), assignment);
	if (strcmp(name, "api.listen") == 0)
		state->out->api_given = true;
	return config_set(&state->out->config, name, equals + 1, err);
}

static int option_apply(struct args_state *state, const struct option_row *row, const char *value, struct err *err)
{
	struct args *out = state->out;

	if (row->value != NULL && value[0] == '\0')
		return err_set(err, -EINVAL, "--%s wants %s, but its value is empty", row->name, row->value);
	if (!row->repeatable &&
	    (state->given[row - options] || (option_is_config(row) && out->config_path != NULL && value != out->config_path)))
		return err_set(err, -EINVAL, "--%s is given twice; which one is meant?", row->name);
	state->given[row - options] = true;
	out->api_given |= option_is(row, "api");
	state->replay_given |= option_is(row, "replay");
	if (row->key != NULL)
		return config_set(&out->config, row->key, row->value != NULL ? value : "true", err);
	if (option_is(row, "interface"))
		return interface_add(state, value, err);
	if (option_is(row, "set"))
		return key_set(state, value, err);
	if (option_is(row, "generate-config")) {
		out->generate = value;
		out->action = ARGS_GENERATE_CONFIG;
	} else if (option_is(row, "list")) {
		out->action = ARGS_LIST;
	} else if (option_is(row, "gateways")) {
		out->action = ARGS_GATEWAYS;
	} else if (option_is(row, "filter-help")) {
		out->action = ARGS_FILTER_HELP;
	} else if (option_is(row, "protocols")) {
		out->action = ARGS_PROTOCOLS;
	} else if (option_is(row, "help")) {
		out->action = ARGS_HELP;
	} else if (option_is(row, "version")) {
		out->action = ARGS_VERSION;
	}
	return 0;
}

// The first --config, unless there is --help or --version; mistakes are left to options_walk.
static void file_find(int argc, char **argv, const char *letters, const struct option *names, struct args *out)
{
	int value;

	opterr = 0;
	optind = 0;
	while ((value = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		const struct option_row *row = option_find(value);

		if (row == NULL || value == '?' || value == ':')
			continue;
		if (option_is(row, "help") || option_is(row, "version")) {
			out->config_path = NULL;
			return;
		}
		if (option_is_config(row) && out->config_path == NULL)
			out->config_path = optarg;
	}
}

static int options_walk(int argc, char **argv, const char *letters, const struct option *names, struct args_state *state,
			struct err *err)
{
	char shown[CONFIG_SHOWN_MAX + 4];
	int value, rc;

	opterr = 0;
	optind = 0;
	while ((value = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (value == '?')
			return unknown(argv[optind - 1], optopt, err); // the argument counts only if there is no letter
		if (value == ':') {
			const struct option_row *row = option_find(optopt);

			return err_set(err, -EINVAL, "--%s wants %s behind it", row->name, row->value);
		}
		rc = option_apply(state, option_find(value), optarg, err);
		if (rc != 0)
			return rc;
		if (state->out->action == ARGS_HELP || state->out->action == ARGS_VERSION)
			return 0;
	}
	if (optind < argc)
		return err_set(err, -EINVAL, "\"%s\" belongs to no option; a capture is given as -r FILE, an interface as "
			       "-i NAME", config_show(argv[optind], shown));
	return 0;
}

// What can only be judged when everything is known.
static int settle(struct args_state *state, struct err *err)
{
	struct args *out = state->out;
	struct config *config = &out->config;

	if (state->replay_given && !state->live_given)
		config->capture.interface[0] = '\0'; // an option replaces the source that the file names
	if (state->live_given && !state->replay_given)
		config->capture.replay[0] = '\0';
	if (config->capture.interface[0] == '\0' && config->capture.replay[0] == '\0' && out->eal_argc == 0)
		return err_set(err, -EINVAL, "nothing to capture: name an interface (-i eth0) or a capture file (-r FILE); try "
			       "`spanwatch --list` to see the interfaces, `spanwatch --help` for examples");
	if (config->capture.replay[0] != '\0' && !config->capture.stay && !out->api_given)
		strcpy(config->api.listen, "none");
	if (config->sensor.name[0] == '\0' && gethostname(config->sensor.name, sizeof(config->sensor.name) - 1) != 0)
		strcpy(config->sensor.name, "spanwatch");
	return config_check(config, err);
}

// errors: for mistakes inside a configuration file, a line each.
static int parse(int argc, char **argv, FILE *errors, struct args *out, struct err *err)
{
	struct args_state state = {.out = out};
	char letters[2 * OPTIONS + 2];
	struct option names[OPTIONS + 1];
	int rc;

	*out = (struct args){.action = ARGS_RUN};
	config_defaults(&out->config);
	for (int i = 1; i < argc && out->eal_argc == 0; i++)
		if (strcmp(argv[i], "--") == 0)
			out->eal_argc = i;
	if (out->eal_argc != 0) {
		out->eal_argv = argv;
		argv += out->eal_argc; // "--" stands where getopt expects the program's name
		argc -= out->eal_argc;
	}
	spellings_replace(argc, argv);
	getopt_tables(letters, names);
	file_find(argc, argv, letters, names, out);
	if (out->config_path != NULL) {
		rc = config_load(&out->config, out->config_path, errors, err);
		if (rc != 0)
			return rc;
	}
	rc = options_walk(argc, argv, letters, names, &state, err);
	if (rc != 0 || out->action != ARGS_RUN)
		return rc;
	return settle(&state, err);
}

int args_parse(int argc, char **argv, struct args *out, struct err *err)
{
	return parse(argc, argv, stderr, out, err);
}

int args_read_again(int argc, char **argv, struct config *out, struct err *err)
{
	struct args *again = malloc(sizeof(*again));
	char *mistakes = NULL;
	size_t length = 0;
	FILE *errors = open_memstream(&mistakes, &length);
	int rc;

	if (again == NULL || errors == NULL)
		rc = err_set(err, -ENOMEM, "no memory to read the configuration again");
	else
		rc = parse(argc, argv, errors, again, err);
	if (errors != NULL)
		fclose(errors);
	if (rc == 0)
		*out = again->config;
	else if (length > 0)
		rc = err_set(err, rc, "%.*s", (int)strcspn(mistakes, "\n"), mistakes);
	free(mistakes);
	free(again);
	return rc;
}

static void options_print(FILE *out)
{
	for (int i = 0; i < OPTIONS; i++) {
		const struct option_row *row = &options[i];
		char left[48];

		if (row->help == NULL)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value != NULL ? " " : "",
			 row->value != NULL ? row->value : "");
		if (row->letter != 0)
			fprintf(out, "  -%c, %-24s %s\n", row->letter, left, row->help);
		else
			fprintf(out, "      %-24s %s\n", left, row->help);
	}
}

void args_print_help(FILE *out)
{
	fputs("spanwatch watches a network and tells what is on it: hosts, flows, applications, exactly accounted.\n"
	      "\n"
	      "Usage: spanwatch [options]\n"
	      "       spanwatch EAL-options -- [options]      what stands before -- goes to DPDK as it is\n"
	      "\n"
	      "Examples:\n"
	      "  spanwatch --list                             which interfaces are there?\n"
	      "  spanwatch -i eth0                            watch one live, see it at http://127.0.0.1:8480/\n"
	      "  spanwatch -r office.pcap -o out              analyse a capture into out/eve.json\n"
	      "  spanwatch -r office.pcap -o - | jq .dns      the same, as JSON lines into another program\n"
	      "  spanwatch -i eth0 -f 'not port 22'            leave some of it out\n"
	      "  spanwatch -r office.pcap --stay --speed 1    replay as it happened and look at it in a browser\n"
	      "  spanwatch -l 0-3 -a 0000:03:00.0 -- -w 3     a NIC bound to DPDK, with arguments of your own\n"
	      "\n"
	      "Options:\n",
	      out);
	options_print(out);
	fputs("\n"
	      "Every key of the configuration can be given by --set. Options override the file.\n"
	      "A replay without --stay opens no API unless --api is given.\n"
	      "SIGHUP reads configuration and attribute filters again; what may change at run time changes.\n"
	      "\n"
	      "Exit codes: 0 done, 1 could not start or a bad argument, 2 the input is damaged (what was whole is\n"
	      "analysed), 3 the ledger does not balance.\n",
	      out);
}

void args_print_version(FILE *out)
{
	fprintf(out, "spanwatch %s (%s)\n", SPANWATCH_VERSION, rte_version());
}
