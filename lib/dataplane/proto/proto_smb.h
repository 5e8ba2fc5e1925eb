// What the two generations of SMB share: the body of their event, and what is kept of a connection.
#ifndef PROTO_PROTO_SMB_H
#define PROTO_PROTO_SMB_H

#include "base/text.h"
#include "proto/proto.h"
#include "proto/proto_dcerpc_pdu.h"

enum { SMB_READ_MAX = 2048, SMB_TEXT_MAX = 256, SMB_GUID_TEXT = 36, SMB1_COMMANDS = 0x100 };

struct smb {
	struct ntlmssp ntlmssp;
	struct dcerpc_told dcerpc;
	struct record_text status, status_code, client_dialects, client_guid, server_guid;
	struct record_text share, share_type, filename, disposition, access;
	struct record_text native_os[2], native_lm[2]; // of the request, of the response
	uint64_t session_id, bytes_read, bytes_written;
	uint32_t id, tree_id, max_read, max_write, reads, writes;
	uint16_t command; // of SMB2; of SMB1 with SMB1_COMMANDS
	struct record_text dialect; // in force; of the event of what the client offers: all of them
	bool encrypted, compressed, signed_;
};

struct smb_memory {
	uint64_t bytes_read, bytes_written, awaited; // awaited: the message whose answer completes what is pending
	uint32_t left[2];                            // of the message that is being read, by direction
	uint32_t transactions, reads, writes;
	uint16_t dialect; // of SMB2; 1 + place in the list of the texts of SMB1
	bool waiting, encrypted, compressed;
	uint8_t offered[16]; // SMB1: the dialects that were offered, by what they are in the body
	struct dcerpc_memory dcerpc;
};

struct smb_talk {
	struct smb *smb;
	struct smb_memory *memory;
	struct l7 *l7;
	bool to_server;
};

// One message of a generation, from its magic; of a long one only the beginning is there, `bytes` says how long it is. PROTO_NO: it
// is none. PROTO_YES with *again: what was pending goes first, then the same message comes once more.
enum proto_verdict smb1_read(struct smb_talk *t, struct span message, uint32_t bytes, bool *again);
enum proto_verdict smb2_read(struct smb_talk *t, struct span message, uint32_t bytes, bool *again);

// A request of which the event tells something, and the answer. False: another one is pending and has to go first.
bool smb_begin(struct smb_talk *t, uint64_t id, bool *again);
// True: the answer is that of what is pending, or nothing is.
bool smb_answer(struct smb_talk *t, uint64_t id);

void smb_status_set(struct smb_talk *t, uint32_t status);
struct record_text smb_constant(struct l7 *l7, const char *text);
void smb_pipe_read(struct smb_talk *t, struct span data); // what goes through a named pipe
bool smb_pipe_is(struct span data);
void smb_counts_report(struct smb_talk *t);
uint16_t smb1_dialect_find(struct span name);

// Says the dialect in force.
void smb_dialect_tell(struct smb_talk *t);

#endif
