// One message of syslog, without what frames it in a stream.
#ifndef PROTO_PROTO_SYSLOG_HEAD_H
#define PROTO_PROTO_SYSLOG_HEAD_H

#include "proto/proto_list.h"

struct syslog {
	uint8_t facility, severity;
	uint8_t version; // of RFC 5424; 0: RFC 3164
	struct record_text time, hostname, app, pid, msg_id, structured, message;
};

// Reads a message; false if it is none.
bool syslog_read(struct span in, struct syslog *syslog, struct l7 *l7);

// Whether the first bytes of a stream, as far as they are there, can be those of a message.
bool syslog_begins(struct span in);

// A number of at most so many digits, without zeros in front. False, and in is anywhere, if there is none.
bool syslog_number(struct span *in, unsigned digits, uint32_t *number);

#endif
