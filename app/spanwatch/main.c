// The ladder: arguments, EAL, control, API; the loop; and the same ladder down. Here alone things are printed and exit codes chosen:
// 0 done, 1 could not start or a bad argument, 2 input damaged (what was whole is analysed), 3 the ledger does not balance.
#include <errno.h>
#include <rte_eal.h>
#include <rte_version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "args.h"
#include "control/control.h"
#include "control/eal_args.h"
#include "control/interfaces.h"
#include "filter/filter_fields.h"
#include "protocols.h"
#include "report.h"
#include "summary.h"

enum exit_code { EXIT_DONE, EXIT_REFUSED, EXIT_DAMAGED, EXIT_LEDGER };
enum { NAP_NS = 200000, NAPS_BEFORE_LONG = 50, NAP_LONG_NS = 1000000 };

static volatile sig_atomic_t stop_asked, reload_asked;

struct command_line {
	int argc;
	char **argv;
};

static void on_signal(int number)
{
	(void)number;
	if (stop_asked++ > 0)
		_exit(128 + number); // a second one forces
}

static void on_reload(int number)
{
	(void)number;
	reload_asked = 1;
}

static void signals_set(void)
{
	struct sigaction stop = {.sa_handler = on_signal}, reload = {.sa_handler = on_reload}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGHUP, &reload, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL); // a reader of our stdout that goes away is an error of the sink
	sigaction(SIGXFSZ, &ignore, NULL); // a file size limit is an error of write()
}

static int refuse(const struct err *err)
{
	fprintf(stderr, "spanwatch: %s\n", err->text);
	return EXIT_REFUSED;
}

// Those that have not been printed yet.
static void notes_print(const struct control *c, unsigned *printed)
{
	for (; *printed < c->notes; ++*printed)
		fprintf(stderr, "spanwatch: note: %s\n", c->note[*printed]);
}

// What is news; of a flood the latest.
static void tells_print(const struct control *c, unsigned *printed, struct summary_progress *progress)
{
	if (c->tells == *printed)
		return;
	summary_progress_end(progress);
	if (c->tells - *printed > CONTROL_TELLS_MAX)
		*printed = c->tells - CONTROL_TELLS_MAX;
	for (; *printed < c->tells; ++*printed)
		fprintf(stderr, "spanwatch: note: %s\n", c->tell[*printed % CONTROL_TELLS_MAX]);
}

static int config_read(void *line, struct config *out, struct err *err)
{
	const struct command_line *l = line;

	return args_read_again(l->argc, l->argv, out, err);
}

static void reload(struct control *c)
{
	struct err err = {""};

	reload_asked = 0;
	if (control_reload(c, &err) < 0)
		fprintf(stderr, "spanwatch: note: what was in force stays in force: %s\n", err.text);
	else
		fprintf(stderr, "spanwatch: note: the configuration and the filters were read again\n");
	if (c->reload.restart_note[0] != '\0')
		fprintf(stderr, "spanwatch: note: %s\n", c->reload.restart_note);
}

// One turn of everything that control's thread does. With nothing to do it sleeps, the longer the quieter it is.
static void turn(struct control *c, struct api *api, unsigned *quiet)
{
	unsigned did = control_turn(c) + api_turn(api);
	struct timespec nap = {0, NAP_NS};

	*quiet = did > 0 ? 0 : *quiet + 1;
	if (did > 0)
		return;
	if (c->replay || *quiet > NAPS_BEFORE_LONG) // a replay makes records by the ring: waking up for each few costs more than they do
		nap.tv_nsec = NAP_LONG_NS;
	nanosleep(&nap, NULL);
}

static void run(struct control *c, struct api *api, const struct args *args, unsigned *notes)
{
	bool leave_at_end = c->replay && !args->config.capture.stay, told = false, terminal = isatty(STDERR_FILENO) != 0;
	struct summary_progress progress;
	unsigned quiet = 0, tells = 0;

	summary_progress_init(&progress, stderr);
	while (stop_asked == 0) {
		bool finished = c->replay && control_finished(c);

		if (finished && leave_at_end)
			break;
		if (finished && !told) {
			summary_progress_end(&progress);
			report_print(c, stdout);
			told = true;
		}
		if (c->replay && !finished)
			report_progress(c, &progress);
		if (reload_asked != 0 && terminal && !isatty(STDERR_FILENO))
			break; // its terminal was closed: that is what SIGHUP says then, and nobody is there to stop it later
		if (reload_asked != 0)
			reload(c);
		turn(c, api, &quiet);
		tells_print(c, &tells, &progress);
		if (!c->replay)
			notes_print(c, notes);
	}
	summary_progress_end(&progress);
}

// What the run was worth, as an exit code; sentences on stderr.
static int judge(struct control *c, int drained, const struct err *err)
{
	struct metrics_sources sources;
	struct ledger ledger;
	int code = EXIT_DONE;

	control_sources(c, &sources);
	metrics_ledger(&sources, &ledger);
	for (unsigned i = 0; i < c->port_count; i++)
		if (atomic_load(&c->port[i]->damage) != PORT_WHOLE) {
			fprintf(stderr, "spanwatch: %s\n", c->port[i]->damage_text);
			code = EXIT_DAMAGED;
		}
	if (drained < 0)
		code = refuse(err);
	if (ledger.residual != 0) {
		report_ledger(&ledger, stderr);
		code = EXIT_LEDGER;
	}
	return code;
}

static int serve(const struct args *args, struct command_line *line, struct err *err)
{
	struct control *c = NULL;
	struct api *api = NULL;
	unsigned notes = 0;
	int drained, code;

	if (api_open(&args->config, &api, err) < 0)
		return refuse(err);
	if (control_start(&args->config, &c, err) < 0) {
		api_close(api);
		return refuse(err);
	}
	if ((api_bound(api) != NULL && control_own_listen(c, api_bound(api), err) < 0) || api_start(api, c, err) < 0) {
		struct err ignored;

		api_close(api);
		control_drain(c, &ignored);
		control_destroy(c);
		return refuse(err);
	}
	c->reader = (struct control_reader){config_read, line, args->config_path};
	notes_print(c, &notes);
	report_start(c, api, args, stderr);
	run(c, api, args, &notes);
	api_close(api);
	drained = control_drain(c, err);
	notes_print(c, &notes);
	code = judge(c, drained, err);
	if (drained == 0 && report_files(c, err) < 0)
		code = refuse(err);
	if (!(c->replay && args->config.capture.stay))
		report_print(c, stdout);
	control_destroy(c);
	return code;
}

static int start(struct args *args, struct command_line *line, struct err *err)
{
	static struct eal_args eal;
	int code;

	if (eal_args_make(args->eal_argc, args->eal_argv, &args->config, control_memory_mb, &eal, err) < 0)
		return refuse(err);
	if (eal_args_init(&eal, err) < 0)
		return refuse(err);
	for (unsigned i = 0; i < eal.notes; i++)
		fprintf(stderr, "spanwatch: note: %s\n", eal.note[i]);
	code = eal_ports_check(&eal, &args->config, err) < 0 ? refuse(err) : serve(args, line, err);
	rte_eal_cleanup();
	return code;
}

int main(int argc, char **argv)
{
	static struct args args;
	struct command_line line = {argc, argv};
	struct err err = {""};

	if (args_parse(argc, argv, &args, &err) < 0)
		return refuse(&err);
	switch (args.action) {
	case ARGS_HELP:
		args_print_help(stdout);
		return EXIT_DONE;
	case ARGS_VERSION:
		args_print_version(stdout);
		return EXIT_DONE;
	case ARGS_LIST:
		return interfaces_print(stdout) < 0 ? EXIT_REFUSED : EXIT_DONE;
	case ARGS_GATEWAYS:
		return gateways_print(stdout) < 0 ? EXIT_REFUSED : EXIT_DONE;
	case ARGS_FILTER_HELP:
		filter_help_print(stdout);
		return EXIT_DONE;
	case ARGS_PROTOCOLS:
		protocols_print(stdout);
		return EXIT_DONE;
	case ARGS_GENERATE_CONFIG:
		return config_write_template(args.generate, &err) < 0 ? refuse(&err) : EXIT_DONE;
	case ARGS_RUN:
		break;
	}
	signals_set();
	return start(&args, &line, &err);
}
