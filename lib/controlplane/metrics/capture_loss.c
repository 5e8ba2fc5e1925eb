// How much a port's capture misses, from what TCP says of it. A segment that was lost on its way is sent again; one that its
// receiver acknowledges although it was never seen here went past the capture. That is the measure of Zeek's capture-loss:
// acknowledgements of what was not seen, of all acknowledgements. Here it is of all segments: nearly every one acknowledges, many
// nothing new, so the share errs to the small.
#include "metrics/metrics.h"

void metrics_capture_loss(const struct metrics_sources *s, uint16_t port, struct metrics_capture_loss *out)
{
	*out = (struct metrics_capture_loss){0};
	for (unsigned k = 0; k < s->worker_count && port < WORKER_PORTS; k++) {
		const struct worker_port_tcp *c = &s->workers[k]->counters.port_tcp[port];

		out->segments += c->segments;
		out->lost += c->lost;
		out->acked_unseen += c->acked_unseen;
		out->retransmissions += c->retransmissions;
	}
	out->estimate = out->segments > 0 ? (double)out->acked_unseen / (double)out->segments : 0;
}

void metrics_capture_loss_json(const struct metrics_sources *s, uint16_t port, struct json *j)
{
	struct metrics_capture_loss loss;

	metrics_capture_loss(s, port, &loss);
	json_object_begin(j, "capture_loss");
	json_u64(j, "segments", loss.segments);
	json_u64(j, "lost", loss.lost);
	json_u64(j, "acked_unseen", loss.acked_unseen);
	json_u64(j, "retransmissions", loss.retransmissions);
	json_double(j, "estimate", loss.estimate);
	json_object_end(j);
}
