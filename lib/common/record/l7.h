// struct l7: one transaction being understood. A dissector writes here and nowhere else; the engine turns it into a record.
//
// While a flow is asked about, `l7` is a scratch one of the worker; once a protocol has claimed a TCP flow it gets one of its
// own from a bounded pool, which it keeps until DONE. `memory` survives from transaction to transaction, everything from
// `pending` on is zeroed by l7_clear() when the engine has published. text[] holds nothing but texts then; a protocol that has to
// put bytes by until it can write its transaction may keep them there, and says with text_used how many. Of a claimed flow, the end of
// text[] that no text of the protocol ever reaches is its own as memory is, but not zeroed (HTTP/2 has its tables there).
#ifndef RECORD_L7_H
#define RECORD_L7_H

#include "base/span.h"
#include "record/record.h"

enum { L7_TEXT_MAX = 4096, L7_SCRATCH = 17408, L7_BODY_MAX = 1024, L7_MEMORY_MAX = 256 };

struct l7 {
	// engine -> dissector: room for joining bytes that the wire has in pieces (TLS records); its content is lost between calls
	uint8_t *scratch;

	// dissector -> engine, set on MORE/YES, zeroed by the engine before every call
	uint32_t used;      // bytes of the input that are dealt with; the rest is offered again, with what follows it
	uint64_t skip;      // after those, this many bytes of the same direction are of no interest (a body)
	bool again;         // UDP, with YES: there is another transaction in this datagram; it is offered once more
	bool costly;        // an expensive operation was done (hint->costly was true)
	bool withheld;      // one would have been, had hint->costly been true

	// the protocol's own memory for the life of the flow, zero at claim
	union {
		struct {
			uint64_t head_bits, connect_bits; // of the last 64 requests, by tx_id: HEAD, CONNECT
			uint64_t after_head[2];           // by direction (0 to server): framing of the body behind an overlong head
			uint32_t requests, responses;     // begun so far
			uint32_t partial;                 // bytes offered of a request whose head is not complete; 0: none
			uint8_t body[2];                  // by direction: where in a chunked body or an overlong head
			bool resync;                      // responses were missed: the next one is for the last request
		} http;
		uint64_t words[L7_MEMORY_MAX / 8]; // L7_MEMORY
	} memory;

	// one transaction
	bool pending; // something is in it that has not been reported: the engine publishes it when the flow ends
	uint8_t type; // enum record_type; 0: the event of the protocol itself
	bool text_cut; // a text did not fit
	uint16_t text_used;
	uint8_t service; // enum flow_service, if this transaction tells it
	struct record_text hostname; // the server's name if this transaction tells it
	union {
		struct record_dns dns;
		struct record_tls tls;
		struct record_http http;
		struct record_arp arp;
		struct record_stp stp;
		struct record_cdp cdp;
		struct record_lldp lldp;
		struct record_icmp icmp;
		struct record_nd nd;
		struct record_multicast multicast;
		uint64_t body[L7_BODY_MAX / 8]; // L7_BODY
	};
	char text[L7_TEXT_MAX];
};

// A protocol's own: the body of its event, and its memory for the life of the flow, each a struct of its file.
#define L7_BODY(l7, of) \
	({ \
		_Static_assert(sizeof(of) <= L7_BODY_MAX, "a body has a bound"); \
		(of *)(void *)(l7)->body; \
	})
#define L7_MEMORY(l7, of) \
	({ \
		_Static_assert(sizeof(of) <= L7_MEMORY_MAX, "a memory has a bound"); \
		(of *)(void *)(l7)->memory.words; \
	})

// Zeroes the transaction, keeps memory and scratch. Text bytes need no zeroing.
void l7_clear(struct l7 *l7);

// Copies the rest of `in`, escaped (base/text.h), as a text of at most max bytes; what does not fit is cut and sets text_cut.
struct record_text l7_text(struct l7 *l7, struct span in, uint32_t max);

// The same for names with backslashes in them (paths, DOMAIN\\user): those stand as they are, but for one that would look like an escape.
struct record_text l7_path_bytes(struct l7 *l7, const void *bytes, uint32_t len, uint32_t max);

// The same for bytes that are not on the wire as they stand (a decompressed DNS name, a number).
struct record_text l7_text_bytes(struct l7 *l7, const void *bytes, uint32_t len, uint32_t max);

#endif
