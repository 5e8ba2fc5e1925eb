// NTLMSSP, MS-NLMP section 2.2, wherever another protocol carries it: raw, or somewhere inside SPNEGO, where its signature is searched.
//
// Tells who logs on from where; what is derived from the password is never read.
#ifndef PROTO_PROTO_NTLMSSP_H
#define PROTO_PROTO_NTLMSSP_H

#include "record/l7.h"

enum ntlmssp_type { NTLMSSP_NONE, NTLMSSP_NEGOTIATE, NTLMSSP_CHALLENGE, NTLMSSP_AUTHENTICATE };

struct ntlmssp {
	struct record_text domain, user, host, version; // of the client; version: "10.0 build 17763 rev 15"
	struct record_text target;                      // of a challenge: the server's domain or name
};

// What stands in the blob is added to `out`. NTLMSSP_NONE: there is no NTLMSSP in it.
enum ntlmssp_type ntlmssp_read(struct span blob, struct ntlmssp *out, struct l7 *l7);

// Fields of a record whose body has a struct ntlmssp as the member `ntlmssp`, in the object of that path.
#define NTLMSSP_FIELDS(of, object)                                                                                          \
	{FIELD("ntlmssp_domain", TEXT, of, ntlmssp.domain), IN(object, "domain")},                                          \
	{FIELD("ntlmssp_user", TEXT, of, ntlmssp.user), IN(object, "user")},                                                \
	{FIELD("ntlmssp_host", TEXT, of, ntlmssp.host), IN(object, "host")},                                                \
	{FIELD("ntlmssp_version", TEXT, of, ntlmssp.version), IN(object, "version")},                                       \
	{FIELD("ntlmssp_target", TEXT, of, ntlmssp.target), IN(object, "target")}

#endif
