#include "tail_args.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"

#define PASSWORD_VARIABLE "SPANWATCH_REDIS_PASSWORD"
#define DEFAULT_ADDRESS "127.0.0.1:6379"

enum { CLAIM_AFTER_S = 60, CLAIM_AFTER_MAX_S = 86400, DATABASE_MAX = 65535, PORT_MAX = 65535 };

const char *const tail_stream_names[TAIL_STREAMS] = {"flows", "alerts", "events"};

enum option_id {
	OPT_REDIS, OPT_SENSOR, OPT_STREAMS, OPT_FROM, OPT_STATE, OPT_GROUP, OPT_CONSUMER, OPT_CLAIM_AFTER, OPT_ID, OPT_ONCE, OPT_USER,
	OPT_PASSWORD_FILE, OPT_DATABASE, OPT_HELP, OPT_VERSION, OPTIONS
};

static const struct option_row {
	const char *name, *value, *help; // value NULL: it takes none
} options[OPTIONS] = {
	[OPT_REDIS] = {"redis", "WHERE", "HOST:PORT or unix:PATH; several with commas are tried in turn; default " DEFAULT_ADDRESS},
	[OPT_SENSOR] = {"sensor", "NAME", "whose records; several with commas, or repeated; default: the name of this machine"},
	[OPT_STREAMS] = {"streams", "LIST", "some of flows,alerts,events; default: all three"},
	[OPT_FROM] = {"from", "WHERE", "start (the default), end, or an id to go on after; where nothing is remembered yet"},
	[OPT_STATE] = {"state", "FILE", "remember there what was written, and go on behind it after a restart"},
	[OPT_GROUP] = {"group", "NAME", "share the records with other members of this consumer group"},
	[OPT_CONSUMER] = {"consumer", "NAME", "name of this member; default: the name of this machine"},
	[OPT_CLAIM_AFTER] = {"claim-after", "S", "take over what another member has left undone for so long; default 60; 0: never"},
	[OPT_ID] = {"id", NULL, "put \"id\":\"flows/3-177\" in front of each line"},
	[OPT_ONCE] = {"once", NULL, "end when all that is there has been written, or at once if Redis cannot be read"},
	[OPT_USER] = {"user", "NAME", "ACL user"},
	[OPT_PASSWORD_FILE] = {"password-file", "FILE", "its first line is the password; else " PASSWORD_VARIABLE " is, if set"},
	[OPT_DATABASE] = {"database", "N", "number of the database; default 0"},
	[OPT_HELP] = {"help", NULL, "print this"},
	[OPT_VERSION] = {"version", NULL, "print the version"},
};

void tail_args_help(FILE *out)
{
	fputs("spanwatch-tail follows what spanwatch puts into Redis streams and writes it to standard output, one JSON object a\n"
	      "line, as Logstash, Vector and Fluent Bit read it. It outlives restarts of the server.\n"
	      "\n"
	      "Usage: spanwatch-tail [options]\n"
	      "\n"
	      "Examples:\n"
	      "  spanwatch-tail                                         all of this machine's sensor, then what comes\n"
	      "  spanwatch-tail --sensor office --streams flows --from end | jq .dest_ip\n"
	      "  spanwatch-tail --redis unix:/run/redis.sock --state /var/lib/tail/office >>eve.json\n"
	      "  spanwatch-tail --group siem --consumer a --id          share the work with other members of \"siem\"\n"
	      "  spanwatch-tail --once | wc -l                          how many are there now?\n"
	      "\n"
	      "Options:\n",
	      out);
	for (unsigned i = 0; i < OPTIONS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].value != NULL ? " " : "",
			 options[i].value != NULL ? options[i].value : "");
		fprintf(out, "  %-22s %s\n", left, options[i].help);
	}
	fputs("\n"
	      "Records that were lost stand as lines with \"event_type\":\"tombstone\", which say how many and why.\n"
	      "With --state no record is written twice, unless spanwatch-tail is killed between a line and the note of it; with\n"
	      "--group likewise, or where another member took too long. --id tells such repetitions.\n"
	      "Ends at SIGTERM or SIGINT, after what was read is written. TLS: through stunnel or the like.\n"
	      "\n"
	      "Exit codes: 0 done, 1 a bad argument, standard output is closed, or with --once Redis cannot be read.\n",
	      out);
}

bool tail_id_valid(const char *text)
{
	for (unsigned part = 0; part < 2; part++) {
		char *end;

		if (*text < '0' || *text > '9')
			return false;
		errno = 0;
		strtoull(text, &end, 10);
		if (errno != 0 || end - text > 20)
			return false;
		if (*end == '\0')
			return true;
		if (*end != '-')
			return false;
		text = end + 1;
	}
	return false;
}

static bool printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static int name_set(char *out, const char *option, const char *value, struct err *err)
{
	if (strlen(value) >= TAIL_NAME_MAX || !printable(value))
		return err_set(err, -EINVAL, "--%s wants a name of at most %d printable characters", option, TAIL_NAME_MAX - 1);
	strcpy(out, value);
	return 0;
}

static int number_set(unsigned *out, const char *option, const char *value, unsigned max, struct err *err)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || number > max)
		return err_set(err, -EINVAL, "--%s wants a number from 0 to %u, not \"%.40s\"", option, max, value);
	*out = (unsigned)number;
	return 0;
}

// ---- lists ----

static int address_add(struct tail_args *out, const char *item, struct err *err)
{
	const char *colon = strrchr(item, ':');
	bool is_unix = strncmp(item, "unix:", 5) == 0;
	unsigned port = 0;

	if (out->addresses == TAIL_ADDRESSES_MAX || strlen(item) >= TAIL_ADDRESS_MAX)
		return err_set(err, -EINVAL, "--redis takes at most %d addresses of %d characters", TAIL_ADDRESSES_MAX, TAIL_ADDRESS_MAX - 1);
	if (is_unix ? item[5] == '\0' : colon == NULL || colon == item)
		return err_set(err, -EINVAL, "--redis wants HOST:PORT or unix:PATH, not \"%.100s\"", item);
	if (!is_unix && (number_set(&port, "redis", colon + 1, PORT_MAX, err) != 0 || port == 0))
		return err_set(err, -EINVAL, "--redis %.100s: the port is a number from 1 to %d", item, PORT_MAX);
	strcpy(out->address[out->addresses++], item);
	return 0;
}

static int sensor_add(struct tail_args *out, const char *item, struct err *err)
{
	for (unsigned i = 0; i < out->sensors; i++)
		if (strcmp(out->sensor[i], item) == 0)
			return 0;
	if (strpbrk(item, "{}") != NULL)
		return err_set(err, -EINVAL, "--sensor: no sensor.name has a brace, as \"%.100s\" does", item);
	if (out->sensors == TAIL_SENSORS_MAX)
		return err_set(err, -EINVAL, "--sensor takes at most %d names; start another spanwatch-tail for the others", TAIL_SENSORS_MAX);
	return name_set(out->sensor[out->sensors++], "sensor", item, err);
}

static int stream_add(struct tail_args *out, const char *item, struct err *err)
{
	for (unsigned i = 0; i < TAIL_STREAMS; i++) {
		if (strcmp(item, tail_stream_names[i]) == 0) {
			out->stream[i] = true;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "--streams: \"%.40s\" is none of flows, alerts and events", item);
}

static int list_walk(struct tail_args *out, const char *list, int (*add)(struct tail_args *, const char *, struct err *), struct err *err)
{
	char *copy = strdup(list), *rest = copy, *item;
	int rc = copy != NULL ? 0 : err_set(err, -ENOMEM, "no memory for the options");

	while (rc == 0 && (item = strsep(&rest, ",")) != NULL) {
		item += strspn(item, " ");
		for (size_t n = strlen(item); n > 0 && item[n - 1] == ' '; n--)
			item[n - 1] = '\0';
		rc = item[0] != '\0' ? add(out, item, err) : err_set(err, -EINVAL, "\"%.100s\" has an empty name in its list", list);
	}
	free(copy);
	return rc;
}

// ---- the rest ----

static int from_set(struct tail_args *out, const char *value, struct err *err)
{
	if (strcmp(value, "start") == 0)
		value = "0-0";
	else if (strcmp(value, "end") == 0)
		value = "$";
	else if (!tail_id_valid(value))
		return err_set(err, -EINVAL, "--from wants start, end or the id of an entry (3-177), not \"%.60s\"", value);
	snprintf(out->from, sizeof(out->from), "%s", value);
	return 0;
}

static int password_read(char *out, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, TAIL_SECRET_MAX) : -1;
	int rc = n < 0 ? err_set(err, -errno, "cannot read the password's file %.200s: %s", path, strerror(errno)) : 0;

	if (fd >= 0)
		close(fd);
	if (rc != 0)
		return rc;
	if (n == TAIL_SECRET_MAX && memchr(out, '\n', (size_t)n) == NULL)
		return err_set(err, -EINVAL, "the password in %.200s is longer than %d characters", path, TAIL_SECRET_MAX - 1);
	out[n < TAIL_SECRET_MAX ? n : TAIL_SECRET_MAX - 1] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return out[0] != '\0' ? 0 : err_set(err, -EINVAL, "the password's file %.200s has an empty first line", path);
}

static int option_apply(struct tail_args *out, enum option_id id, const char *value, struct err *err)
{
	const char *name = options[id].name;

	switch (id) {
	case OPT_REDIS: return list_walk(out, value, address_add, err);
	case OPT_SENSOR: return list_walk(out, value, sensor_add, err);
	case OPT_STREAMS: return list_walk(out, value, stream_add, err);
	case OPT_FROM: return from_set(out, value, err);
	case OPT_GROUP: return name_set(out->group, name, value, err);
	case OPT_CONSUMER: return name_set(out->consumer, name, value, err);
	case OPT_USER: return name_set(out->user, name, value, err);
	case OPT_CLAIM_AFTER: return number_set(&out->claim_after_s, name, value, CLAIM_AFTER_MAX_S, err);
	case OPT_DATABASE: return number_set(&out->database, name, value, DATABASE_MAX, err);
	case OPT_PASSWORD_FILE: return password_read(out->password, value, err);
	case OPT_STATE: out->state_path = value; break;
	case OPT_ID: out->with_id = true; break;
	case OPT_ONCE: out->once = true; break;
	case OPT_HELP: out->action = TAIL_HELP; break;
	case OPT_VERSION: out->action = TAIL_VERSION; break;
	case OPTIONS: break;
	}
	return 0;
}

static int unknown(const char *typed, struct err *err)
{
	struct nearest nearest = {.name = typed};
	char dashed[OPTIONS][32];

	for (unsigned i = 0; i < OPTIONS; i++) {
		snprintf(dashed[i], sizeof(dashed[i]), "--%s", options[i].name);
		nearest_offer(&nearest, dashed[i], dashed[i]);
	}
	if (nearest.best != NULL)
		return err_set(err, -EINVAL, "there is no option %.60s, or it takes no value; did you mean %s?", typed, nearest.best);
	return err_set(err, -EINVAL, "there is no option %.60s; spanwatch-tail --help lists them all", typed);
}

static int machine_name(char *out, struct err *err)
{
	if (gethostname(out, TAIL_NAME_MAX - 1) != 0 || out[0] == '\0')
		return err_set(err, -EINVAL, "this machine has no name; give --sensor and --consumer");
	return 0;
}

static int settle(struct tail_args *out, const bool given[OPTIONS], struct err *err)
{
	const char *password = getenv(PASSWORD_VARIABLE);
	bool any = false;

	if (given[OPT_GROUP] && given[OPT_STATE])
		return err_set(err, -EINVAL, "--state and --group exclude each other: Redis remembers for a group what was read");
	if (!given[OPT_GROUP] && (given[OPT_CONSUMER] || given[OPT_CLAIM_AFTER]))
		return err_set(err, -EINVAL, "--consumer and --claim-after are of a consumer group; name it with --group");
	if (out->password[0] == '\0' && password != NULL) {
		if (strlen(password) >= TAIL_SECRET_MAX)
			return err_set(err, -EINVAL, PASSWORD_VARIABLE " is longer than %d characters", TAIL_SECRET_MAX - 1);
		strcpy(out->password, password);
	}
	if (out->user[0] != '\0' && out->password[0] == '\0')
		return err_set(err, -EINVAL, "--user wants a password: --password-file FILE, or " PASSWORD_VARIABLE);
	for (unsigned i = 0; i < TAIL_STREAMS; i++)
		any |= out->stream[i];
	for (unsigned i = 0; i < TAIL_STREAMS; i++)
		out->stream[i] |= !any;
	if (out->addresses == 0)
		strcpy(out->address[out->addresses++], DEFAULT_ADDRESS);
	if (out->sensors == 0 && machine_name(out->sensor[out->sensors++], err) != 0)
		return -EINVAL;
	return out->consumer[0] != '\0' ? 0 : machine_name(out->consumer, err);
}

int tail_args_parse(int argc, char **argv, struct tail_args *out, struct err *err)
{
	struct option names[OPTIONS + 1] = {0};
	bool given[OPTIONS] = {false};
	int value, rc;

	*out = (struct tail_args){.action = TAIL_RUN, .from = "0-0", .claim_after_s = CLAIM_AFTER_S};
	for (int i = 0; i < OPTIONS; i++)
		names[i] = (struct option){options[i].name, options[i].value != NULL ? required_argument : no_argument, NULL, i};
	opterr = 0;
	optind = 0;
	while ((value = getopt_long(argc, argv, ":h", names, NULL)) != -1) {
		if (value == 'h')
			value = OPT_HELP;
		if (value == '?')
			return unknown(argv[optind - 1], err);
		if (value == ':')
			return err_set(err, -EINVAL, "%.60s wants a value behind it", argv[optind - 1]);
		if (options[value].value != NULL && optarg[0] == '\0')
			return err_set(err, -EINVAL, "--%s wants %s, but its value is empty", options[value].name, options[value].value);
		if (given[value] && options[value].value != NULL && value != OPT_SENSOR)
			return err_set(err, -EINVAL, "--%s is given twice; which one is meant?", options[value].name);
		given[value] = true;
		rc = option_apply(out, (enum option_id)value, optarg, err);
		if (rc != 0 || out->action != TAIL_RUN)
			return rc;
	}
	if (optind < argc)
		return err_set(err, -EINVAL, "\"%.60s\" belongs to no option; spanwatch-tail --help lists them all", argv[optind]);
	return settle(out, given, err);
}
