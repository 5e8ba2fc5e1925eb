// The data connection of FTP, RFC 959 section 3.2: files have no form of their own, so nothing is ever claimed here. The control plane
// knows it by what was agreed on in the control connection (control/expected.h); this row is its name.
#include "proto/proto_list.h"

static enum proto_verdict ftp_data_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	(void)in;
	(void)hint;
	(void)l7;
	return PROTO_NO;
}

const struct proto_ops proto_ftp_data = {
	.name = "ftp-data",
	.title = "FTP data",
	.spec = "RFC 959",
	.l4 = PROTO_TCP,
	.max_payloads = 1,
	.first = {{1, 0}}, // no byte: it is never asked
	.firsts = 1,
	.behaviour = true,
	.dissect = ftp_data_dissect,
};
