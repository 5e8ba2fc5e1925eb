#include "link/link_unknown.h"

#include <stddef.h>
#include <string.h>

#include "base/span.h"
#include "packet/packet_transport.h"

const char *const link_unknown_names[LINK_UNKNOWN_KINDS] = {
	[LINK_UNKNOWN_ETHERTYPE] = "ethertype",
	[LINK_UNKNOWN_SAP] = "sap",
	[LINK_UNKNOWN_SNAP] = "snap",
	[LINK_UNKNOWN_IP_PROTOCOL] = "ip_protocol",
};

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed); // one writer
}

// The row of a number, made if need be; NULL if there is no room.
static struct link_unknown_row *row_of(struct link_unknown *u, const struct link_unknown_row *key)
{
	uint32_t rows = atomic_load_explicit(&u->rows, memory_order_relaxed);
	struct link_unknown_row *row;

	for (uint32_t i = 0; i < rows; i++)
		if (u->row[i].kind == key->kind && u->row[i].number == key->number)
			return &u->row[i];
	if (rows == LINK_UNKNOWN_MAX)
		return NULL;
	row = &u->row[rows];
	row->kind = key->kind;
	row->number = key->number;
	row->length = key->length;
	memcpy(row->bytes, key->bytes, sizeof(row->bytes));
	atomic_store_explicit(&u->rows, rows + 1, memory_order_release);
	return row;
}

static void count(struct link_unknown *u, const struct link_unknown_row *key, uint64_t pkts, uint64_t bytes)
{
	struct link_unknown_row *row = row_of(u, key);

	add(row != NULL ? &row->pkts : &u->other_pkts, pkts);
	add(row != NULL ? &row->frame_bytes : &u->other_bytes, bytes);
}

static int kind_of(const struct packet *p)
{
	switch ((enum packet_verdict)p->verdict) {
	case PACKET_OK:
		return packet_transport_known(p->proto) ? -1 : LINK_UNKNOWN_IP_PROTOCOL;
	case PACKET_OTHER_ETHERTYPE:
		return LINK_UNKNOWN_ETHERTYPE;
	case PACKET_LLC:
		return LINK_UNKNOWN_SAP;
	case PACKET_SNAP:
		return LINK_UNKNOWN_SNAP;
	default:
		return -1;
	}
}

void link_unknown_count(struct link_unknown *u, const struct packet *p)
{
	struct span payload = span_of(p->frame + p->payload_at, p->payload);
	uint32_t length = payload.left < LINK_UNKNOWN_BYTES ? payload.left : LINK_UNKNOWN_BYTES;
	int kind = kind_of(p);
	struct link_unknown_row key = {.number = p->verdict == PACKET_OK ? p->proto : p->ethertype, .length = (uint8_t)length};
	const uint8_t *first = span_bytes(&payload, length);

	if (kind < 0 || first == NULL)
		return;
	key.kind = (uint8_t)kind;
	memcpy(key.bytes, first, length);
	count(u, &key, 1, p->wire);
}

void link_unknown_add(struct link_unknown *sum, const struct link_unknown *from)
{
	uint32_t rows = atomic_load_explicit(&from->rows, memory_order_acquire);

	for (uint32_t i = 0; i < rows; i++) {
		const struct link_unknown_row *row = &from->row[i];

		count(sum, row, atomic_load_explicit(&row->pkts, memory_order_relaxed),
		      atomic_load_explicit(&row->frame_bytes, memory_order_relaxed));
	}
	add(&sum->other_pkts, atomic_load_explicit(&from->other_pkts, memory_order_relaxed));
	add(&sum->other_bytes, atomic_load_explicit(&from->other_bytes, memory_order_relaxed));
}
