// Aligned columns and human units. Everything that came from the wire was made printable before it got here.
#include "summary.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_EVERY_NS = 200000000, BAR_COLUMNS = 30 };

struct paint {
	const char *head, *good, *bad, *dim, *plain;
};

static struct paint paint_for(FILE *out)
{
	if (!isatty(fileno(out)) || getenv("NO_COLOR") != NULL)
		return (struct paint){"", "", "", "", ""};
	return (struct paint){"\033[1m", "\033[32m", "\033[1;31m", "\033[2m", "\033[0m"};
}

const char *summary_bytes(uint64_t bytes, char *out)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	unsigned unit = 0;

	while (value >= 999.95 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		value /= 1000;
		unit++;
	}
	snprintf(out, SUMMARY_UNIT_MAX, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return out;
}

const char *summary_count(uint64_t count, char *out)
{
	char digits[24];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count), used = 0;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

const char *summary_time(double seconds, char *out)
{
	if (!(seconds > 0))
		snprintf(out, SUMMARY_UNIT_MAX, "0 s");
	else if (seconds < 0.9995)
		snprintf(out, SUMMARY_UNIT_MAX, "%.3g ms", seconds * 1000);
	else if (seconds < 119.95)
		snprintf(out, SUMMARY_UNIT_MAX, "%.1f s", seconds);
	else if (seconds < 7200)
		snprintf(out, SUMMARY_UNIT_MAX, "%u min %02u s", (unsigned)seconds / 60, (unsigned)seconds % 60);
	else if (seconds < 48 * 3600.0)
		snprintf(out, SUMMARY_UNIT_MAX, "%u h %02u min", (unsigned)seconds / 3600, (unsigned)seconds % 3600 / 60);
	else
		snprintf(out, SUMMARY_UNIT_MAX, "%.1f days", seconds / 86400);
	return out;
}

static double share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static void head_print(FILE *out, const struct paint *paint, const struct summary *s)
{
	char pkts[SUMMARY_UNIT_MAX], bytes[SUMMARY_UNIT_MAX], flows[SUMMARY_UNIT_MAX], span[SUMMARY_UNIT_MAX];
	char run[SUMMARY_UNIT_MAX];
	double run_s = s->run_s > 0 ? s->run_s : 0;

	fprintf(out, "\n%s%s%s\n", paint->head, s->source, paint->plain);
	fprintf(out, "  %s packets, %s, %s flows over %s\n", summary_count(s->pkts, pkts), summary_bytes(s->bytes, bytes),
		summary_count(s->flows, flows), summary_time(s->capture_s, span));
	fprintf(out, "  analysed in %s by %u worker%s", summary_time(s->run_s, run), s->workers, s->workers == 1 ? "" : "s");
	if (run_s > 0)
		fprintf(out, ": %.2f Mpps, %.2f Gbit/s", (double)s->pkts / run_s / 1e6, (double)s->bytes * 8 / run_s / 1e9);
	fprintf(out, "\n");
}

static void protocols_print(FILE *out, const struct paint *paint, const struct summary *s)
{
	char flows[SUMMARY_UNIT_MAX], pkts[SUMMARY_UNIT_MAX], bytes[SUMMARY_UNIT_MAX];

	if (s->protocols == 0)
		return;
	fprintf(out, "\n%s  %-24s %14s %16s %12s %7s%s\n", paint->head, "Protocol", "flows", "packets", "bytes", "share",
		paint->plain);
	for (unsigned i = 0; i < s->protocols; i++) {
		const struct summary_protocol *p = &s->protocol[i];

		fprintf(out, "  %-24s %14s %16s %12s %6.1f%%\n", p->name, summary_count(p->flows, flows),
			summary_count(p->pkts, pkts), summary_bytes(p->bytes, bytes), share(p->bytes, s->bytes));
	}
}

static void talkers_print(FILE *out, const struct paint *paint, const struct summary *s)
{
	char pkts[SUMMARY_UNIT_MAX], bytes[SUMMARY_UNIT_MAX];

	if (s->talkers == 0)
		return;
	fprintf(out, "\n%s  %-39s %16s %12s %7s%s\n", paint->head, "Top talkers", "packets", "bytes", "share", paint->plain);
	for (unsigned i = 0; i < s->talkers; i++) {
		const struct summary_talker *t = &s->talker[i];

		fprintf(out, "  %-39s %16s %12s %6.1f%%\n", t->address, summary_count(t->pkts, pkts),
			summary_bytes(t->bytes, bytes), share(t->bytes, s->bytes));
	}
}

static void ledger_print(FILE *out, const struct paint *paint, const struct summary *s)
{
	char value[SUMMARY_UNIT_MAX];

	fprintf(out, "\n%s  Ledger%s\n", paint->head, paint->plain);
	for (unsigned i = 0; i < s->ledgers; i++) {
		const struct summary_entry *e = &s->ledger[i];

		if (e->total || e->value != 0)
			fprintf(out, "  %s%-*s %16s\n", e->total ? "" : "  ", e->total ? 39 : 37, e->name,
				summary_count(e->value, value));
	}
	fprintf(out, "  %-39s %16lld  %s%s%s\n", "residual", (long long)s->residual, s->residual == 0 ? paint->good : paint->bad,
		s->residual == 0 ? "balanced" : "the ledger does not balance", paint->plain);
}

void summary_print(FILE *out, const struct summary *summary)
{
	struct paint paint = paint_for(out);

	head_print(out, &paint, summary);
	protocols_print(out, &paint, summary);
	talkers_print(out, &paint, summary);
	ledger_print(out, &paint, summary);
	if (summary->damage != NULL || summary->notes > 0 || summary->output != NULL)
		fprintf(out, "\n");
	if (summary->damage != NULL)
		fprintf(out, "  %sdamaged input:%s %s\n", paint.bad, paint.plain, summary->damage);
	for (unsigned i = 0; i < summary->notes; i++)
		fprintf(out, "  %snote:%s %s\n", paint.dim, paint.plain, summary->note[i]);
	if (summary->output != NULL)
		fprintf(out, "  written to %s\n", summary->output);
	fflush(out);
}

void summary_progress_init(struct summary_progress *progress, FILE *out)
{
	*progress = (struct summary_progress){.out = isatty(fileno(out)) ? out : NULL};
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void summary_progress(struct summary_progress *progress, double fraction, uint64_t pkts, double mpps)
{
	char count[SUMMARY_UNIT_MAX], bar[BAR_COLUMNS + 1];
	uint64_t now;
	int filled;

	if (progress->out == NULL)
		return;
	now = monotonic_ns();
	if (now < progress->next_ns)
		return;
	progress->next_ns = now + PROGRESS_EVERY_NS;
	progress->shown = true;
	if (fraction > 1)
		fraction = 1;
	if (fraction >= 0) {
		filled = (int)(fraction * BAR_COLUMNS);
		memset(bar, '.', BAR_COLUMNS);
		memset(bar, '#', (size_t)filled);
		bar[BAR_COLUMNS] = '\0';
		fprintf(progress->out, "\r[%s] %3d%%  ", bar, (int)(fraction * 100));
	} else {
		fprintf(progress->out, "\r");
	}
	fprintf(progress->out, "%s packets  %.2f Mpps\033[K", summary_count(pkts, count), mpps);
	fflush(progress->out);
}

void summary_progress_end(struct summary_progress *progress)
{
	if (progress->out != NULL && progress->shown) {
		fprintf(progress->out, "\r\033[K");
		fflush(progress->out);
	}
	progress->shown = false;
}
