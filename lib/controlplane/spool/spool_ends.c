// Which ids are missing between two. Within a boot that is arithmetic; over boots one has to know where each of them ended, and the
// entries that said so may be what is missing. So the ends of the last boots are kept in the page of counters, and learnt again from
// what the headers of segments say came before them.
#include "spool/spool_inside.h"

uint64_t spool_end_of(const struct spool *s, unsigned stream, uint64_t boot)
{
	const struct spool_file_end *end = &s->state->ends[boot % SPOOL_ENDS];

	return boot > 0 && end->boot == boot ? end->last[stream] : 0;
}

void spool_end_learn(struct spool *s, unsigned stream, struct spool_id id)
{
	struct spool_file_end *end = &s->state->ends[id.boot % SPOOL_ENDS];

	if (id.boot == 0 || end->boot > id.boot)
		return;
	if (end->boot < id.boot)
		*end = (struct spool_file_end){.boot = id.boot};
	if (end->last[stream] < id.seq)
		end->last[stream] = id.seq;
}

bool spool_hole_next(const struct spool *s, unsigned stream, struct spool_id from, struct spool_id to, struct spool_file_entry *hole)
{
	uint64_t boot = from.boot, seq = from.seq;

	if (boot < to.boot && to.boot - boot > SPOOL_ENDS) {
		uint64_t end = spool_end_of(s, stream, boot);

		if (end <= seq) { // nothing is known of those in between
			boot = to.boot - SPOOL_ENDS;
			seq = 0;
		}
	}
	for (; boot <= to.boot; boot++, seq = 0) {
		uint64_t end = boot == to.boot ? to.seq : spool_end_of(s, stream, boot);

		if (boot > 0 && end > seq) {
			*hole = (struct spool_file_entry){.boot = boot, .first = seq + 1, .last = end, .stream = (uint8_t)stream};
			return true;
		}
		if (boot == UINT64_MAX)
			break;
	}
	return false;
}

uint64_t spool_ids_between(const struct spool *s, unsigned stream, struct spool_id from, struct spool_id to)
{
	struct spool_file_entry hole;
	uint64_t ids = 0;

	while (spool_hole_next(s, stream, from, to, &hole)) {
		ids += hole.last - hole.first + 1;
		from = (struct spool_id){hole.boot, hole.last};
	}
	return ids;
}

void spool_holes_put(struct spool *s, unsigned stream, struct spool_id from, struct spool_id to, uint64_t boot, enum spool_cause cause)
{
	struct spool_file_entry hole;

	while (spool_hole_next(s, stream, from, to, &hole)) {
		from = (struct spool_id){hole.boot, hole.last};
		hole.cause = (uint8_t)spool_hole_cause(s, stream, from, hole.boot == boot ? cause : SPOOL_DAMAGE);
		spool_put_entry(s, &hole, NULL);
	}
}

enum spool_cause spool_hole_cause(const struct spool *s, unsigned stream, struct spool_id last, enum spool_cause otherwise)
{
	if (spool_id_compare(s->state->quota_to[stream], last) >= 0)
		return SPOOL_QUOTA;
	return spool_id_compare(s->state->disk_to[stream], last) >= 0 ? SPOOL_DISK : otherwise;
}
