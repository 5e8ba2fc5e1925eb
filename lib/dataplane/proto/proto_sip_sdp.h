// SDP, RFC 8866, as far as SIP announces media with it: what, where, by which protocol, in which encodings.
#ifndef PROTO_PROTO_SIP_SDP_H
#define PROTO_PROTO_SIP_SDP_H

#include "record/l7.h"

enum { SDP_MEDIA_MAX = 4 };

struct sdp_media {
	struct record_text type, address, protocol, codecs; // codecs: comma separated, of the rtpmap attributes
	uint16_t port;
};

// Reads what is there of a description; returns how many of media[] are set.
unsigned sdp_read(struct span in, struct sdp_media media[SDP_MEDIA_MAX], struct l7 *l7);

#endif
