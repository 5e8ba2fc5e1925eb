// What is said on the link, in frames of no flow or in messages of one, is reported; what nothing knows is counted by its number.
// A flood of ARP or of ICMP must not become a flood of records: there is a bound for each second, and of packet time, so that a
// replay says the same each time.
#include "link/link_message.h"
#include "worker/worker.h"

enum { SECOND_NS = 1000000000 };

static bool record_allowed(struct worker *w, uint64_t clock_ns)
{
	uint64_t second = clock_ns / SECOND_NS;

	if (second != w->link_second) {
		w->link_second = second;
		w->link_in_second = 0;
	}
	if (w->link_in_second >= w->config.link_records_per_s)
		return false;
	w->link_in_second++;
	return true;
}

void worker_link(struct worker *w, struct packet *p, uint16_t port)
{
	if (link_dissect(p, w->link_l7) != LINK_RECORD) {
		link_unknown_count(&w->unknown, p);
		return;
	}
	w->classify.texts_cut += w->link_l7->text_cut;
	if (record_allowed(w, p->clock_ns))
		worker_report_link(w, p, port, w->link_l7);
	else
		w->counters.link_records_left_out++;
}

// Of a packet that found no place for its flow nothing is said.
void worker_message(struct worker *w, uint32_t index, unsigned src_end, const struct packet *p)
{
	enum link_verdict verdict;

	if (index == FLOW_NONE)
		return;
	verdict = link_message_dissect(p, w->link_l7);
	if (verdict == LINK_BAD)
		w->counters.messages_unsound++;
	if (verdict != LINK_RECORD)
		return;
	w->classify.texts_cut += w->link_l7->text_cut;
	if (record_allowed(w, p->clock_ns))
		worker_report_message(w, index, w->flows->flows[index].client == src_end, p, w->link_l7);
	else
		w->counters.link_records_left_out++;
}
