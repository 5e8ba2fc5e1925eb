// --protocols: what the tables say of every protocol. docs/protocols.md is this very text; a test holds them together.
#include "protocols.h"

#include <string.h>

#include "proto/proto_list.h"

enum { INDENT = 18, WIDTH = 118 };

struct line {
	FILE *out;
	size_t used;
};

static void word_put(struct line *line, const char *word)
{
	if (line->used > INDENT && line->used + 1 + strlen(word) > WIDTH) {
		fprintf(line->out, "\n%*s", INDENT, "");
		line->used = INDENT;
	}
	fprintf(line->out, " %s", word);
	line->used += 1 + strlen(word);
}

// Its own event, or the one of enum record_type that bears its name.
static const struct record_kind *event_of(const struct proto_ops *ops)
{
	if (ops->kind != NULL)
		return ops->kind;
	for (unsigned type = 0; type < RECORD_TYPES; type++)
		if (strcmp(record_kinds[type].event_type, ops->name) == 0)
			return &record_kinds[type];
	return NULL;
}

static void fields_print(const struct record_kind *kind, FILE *out)
{
	struct line line = {.out = out, .used = INDENT};

	fprintf(out, "%*s", INDENT, "");
	for (const struct record_field *f = kind->fields; f->name != NULL; f++) {
		char path[128], *at = path;

		if (f->eve == NULL)
			continue;
		snprintf(path, sizeof(path), "%s%s", *f->eve == '@' ? kind->event_type : "", *f->eve == '@' ? f->eve + 1 : f->eve);
		if (strncmp(path, kind->event_type, strlen(kind->event_type)) == 0 && path[strlen(kind->event_type)] == '.')
			at += strlen(kind->event_type) + 1; // the event's own object goes without saying
		word_put(&line, at);
	}
	fputc('\n', out);
}

static void ports_print(const struct proto_ops *ops, FILE *out)
{
	const char *before = "";

	for (unsigned l4 = PROTO_TCP; l4 <= PROTO_UDP; l4++) {
		if ((ops->l4 & l4) == 0)
			continue;
		fprintf(out, "%s%s", before, l4 == PROTO_TCP ? "TCP" : "UDP");
		before = "/";
	}
	for (unsigned i = 0; i < PROTO_PORTS_MAX && ops->ports[i] != 0; i++)
		fprintf(out, "%s%u", i == 0 ? " " : ",", ops->ports[i]);
}

void protocols_print(FILE *out)
{
	fputs("Each is told by its content; the ports only say who is asked first. Below: the fields of its event.\n", out);
	for (unsigned i = 1; i < proto_count; i++) {
		const struct proto_ops *ops = proto_list[i];
		const struct record_kind *kind = event_of(ops);

		fprintf(out, "\n%-*s %s; %s; ", INDENT, ops->name, ops->title, ops->spec);
		ports_print(ops, out);
		fputc('\n', out);
		if (kind != NULL)
			fields_print(kind, out);
	}
}
