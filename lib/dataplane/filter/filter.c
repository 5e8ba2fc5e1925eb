#include "filter/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_RULE_MAX = 256 };

// Own connections are attribute filters too: one for each direction of each end.
static int own_compile(const struct filter_source *source, struct filter *f, struct err *err)
{
	size_t room = (size_t)source->own_count * OWN_RULE_MAX + 3, used = 0;
	char *text;
	int rc;

	if (source->own_count == 0)
		return 0;
	text = malloc(room);
	if (text == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	for (unsigned i = 0; i < source->own_count; i++) {
		const struct filter_own *own = &source->own[i];
		const char *ip = strchr(own->address, ':') != NULL ? "IPv6" : "IPv4";

		for (unsigned k = 0; k < 2; k++) {
			const char *end = k == 0 ? "Source" : "Destination";

			used += (size_t)snprintf(text + used, room - used, "%c{\"TCP\":{\"%s_Port\":%u},\"%s\":{\"%s_Address\":\"%s\"}}",
						 used == 0 ? '[' : ',', end, own->port, ip, end, own->address);
		}
	}
	snprintf(text + used, room - used, "]");
	rc = filter_attributes_compile("own connections", text, used + 1, NULL, 0, &f->own, err);
	free(text);
	return rc;
}

static int parts_compile(const struct filter_source *source, struct filter *f, struct err *err)
{
	int rc;

	if (source->expression != NULL && source->expression[0] != '\0') {
		rc = filter_expression_compile(source->expression, &f->expression, err);
		if (rc < 0)
			return rc;
		f->has_expression = true;
		filter_native_make(&f->expression, &f->native);
	}
	if (source->attributes != NULL) {
		rc = filter_attributes_compile(source->attributes_name, source->attributes, source->attributes_length, source->ports,
					       source->port_count, &f->attributes, err);
		if (rc < 0)
			return rc;
	}
	return own_compile(source, f, err);
}

int filter_create(const struct filter_source *source, struct filter **out, struct err *err)
{
	struct filter *f = calloc(1, sizeof(*f));
	int rc;

	*out = NULL;
	if (f == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	rc = parts_compile(source, f, err);
	if (rc == 0 && (f->has_expression || f->attributes != NULL || f->own != NULL))
		*out = f;
	else
		filter_destroy(f);
	return rc;
}

void filter_destroy(struct filter *f)
{
	if (f == NULL)
		return;
	if (f->has_expression) {
		filter_native_free(&f->native);
		filter_expression_free(&f->expression);
	}
	filter_attributes_free(f->attributes);
	filter_attributes_free(f->own);
	free(f);
}

static inline bool expression_keeps(const struct filter *f, const struct packet *p, struct rte_mbuf *m)
{
	if (f->native.run != NULL && m->nb_segs == 1 && (!f->expression.asks_length || p->wire == p->captured))
		return f->native.run(m) != 0;
	return filter_expression_holds(&f->expression, p);
}

enum filter_answer filter_judge(const struct filter *f, const struct packet *p, struct rte_mbuf *m)
{
	if (f->own != NULL && !filter_attributes_keep(f->own, p, m->port))
		return FILTER_DROP_OWN;
	if (f->has_expression && !expression_keeps(f, p, m))
		return FILTER_DROP;
	if (f->attributes != NULL && !filter_attributes_keep(f->attributes, p, m->port))
		return FILTER_DROP;
	return FILTER_KEEP;
}
