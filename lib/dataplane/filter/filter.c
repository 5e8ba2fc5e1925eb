#include "filter/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	return 0;
}

static void own_set(struct filter *f, const struct filter_own *own, unsigned count)
{
	f->own_count = count < FILTER_OWN_MAX ? count : FILTER_OWN_MAX;
	if (count > 0)
		memcpy(f->own, own, f->own_count * sizeof(f->own[0]));
}

int filter_create(const struct filter_source *source, struct filter **out, struct err *err)
{
	struct filter *f = calloc(1, sizeof(*f));
	int rc;

	*out = NULL;
	if (f == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	own_set(f, source->own, source->own_count);
	rc = parts_compile(source, f, err);
	if (rc == 0 && (f->has_expression || f->attributes != NULL || f->own_count > 0))
		*out = f;
	else
		filter_destroy(f);
	return rc;
}

int filter_renew(struct filter *old, const struct filter_own *own, unsigned count, struct filter **out, struct err *err)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_set(err, -ENOMEM, "no memory for the filters");
	if (old != NULL) {
		*f = *old;
		old->lent = true;
	}
	own_set(f, own, count);
	*out = f;
	return 0;
}

void filter_destroy(struct filter *f)
{
	if (f == NULL)
		return;
	if (f->has_expression && !f->lent) {
		filter_native_free(&f->native);
		filter_expression_free(&f->expression);
	}
	if (!f->lent)
		filter_attributes_free(f->attributes);
	free(f);
}

// ---- judge ----

static inline bool at_is(const struct packet *p, uint16_t at, const struct ip_address *address)
{
	return memcmp(p->frame + at, address->byte, p->ip_version == 4 ? 4 : 16) == 0;
}

static inline bool end_is(const struct filter_own *own, const struct packet *p, uint16_t end_at, uint16_t other_at)
{
	return own->address.version == p->ip_version && at_is(p, end_at, &own->address) &&
	       (own->with.version == 0 || at_is(p, other_at, &own->with));
}

// A port that is one of ours is none of 0: it was read, so the addresses before it are there, too.
static bool level_own(const struct filter *f, const struct packet *p)
{
	if (p->proto != IP_TCP)
		return false;
	for (unsigned i = 0; i < f->own_count; i++) {
		const struct filter_own *own = &f->own[i];

		if (p->src_port == own->port && end_is(own, p, p->src_at, p->dst_at))
			return true;
		if (p->dst_port == own->port && end_is(own, p, p->dst_at, p->src_at))
			return true;
	}
	return false;
}

// In a tunnel as well: a mirror port may bring them in one.
static bool any_level_own(const struct filter *f, const struct packet *p)
{
	struct packet level = *p;

	packet_decode_outermost(&level);
	for (unsigned i = 0; i <= p->tunnels; i++)
		if (level_own(f, &level))
			return true;
		else if (!packet_tunnel_enter(&level))
			break;
	return false;
}

static inline bool expression_keeps(const struct filter *f, const struct packet *p, struct rte_mbuf *m)
{
	if (f->native.run != NULL && m->nb_segs == 1 && (!f->expression.asks_length || p->wire == p->captured))
		return f->native.run(m) != 0;
	return filter_expression_holds(&f->expression, p);
}

enum filter_answer filter_judge(const struct filter *f, const struct packet *p, struct rte_mbuf *m)
{
	if (f->own_count > 0 && (p->tunnels == 0 ? level_own(f, p) : any_level_own(f, p)))
		return FILTER_DROP_OWN;
	if (f->has_expression && !expression_keeps(f, p, m))
		return FILTER_DROP;
	if (f->attributes != NULL && !filter_attributes_keep(f->attributes, p, m->port))
		return FILTER_DROP;
	return FILTER_KEEP;
}
