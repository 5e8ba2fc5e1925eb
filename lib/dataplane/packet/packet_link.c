// The link layer's rarer forms: 802.3 lengths with LLC and SNAP, MPLS, PPPoE, and the protocols that end here. Each form is entered
// once, none enters another of its kind: there is nothing to recurse.
#include "packet/packet_link.h"

enum {
	TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806, TYPE_WAKE_ON_LAN = 0x0842, TYPE_RARP = 0x8035, TYPE_IPV6 = 0x86dd, TYPE_SLOW = 0x8809,
	TYPE_MPLS = 0x8847, TYPE_MPLS_UPSTREAM = 0x8848, TYPE_PPPOE_DISCOVERY = 0x8863, TYPE_PPPOE = 0x8864, TYPE_EAPOL = 0x888e,
	TYPE_LLDP = 0x88cc, TYPE_MACSEC = 0x88e5, TYPE_LOOP = 0x9000,
	TYPE_MIN = 0x0600, // below: an 802.3 length
	LENGTH_MAX = 1500  // between the two: neither
};
enum { SAP_STP = 0x42, SAP_IP = 0x06, SAP_ARP = 0x98, SAP_SNAP = 0xaa, CONTROL_UI = 0x03, CONTROL_UNNUMBERED = 0x03 };
enum { OUI_ETHERNET = 0x000000, OUI_CISCO = 0x00000c, OUI_BRIDGE_TUNNEL = 0x0000f8, OUI_8021 = 0x0080c2, PID_8021_BPDU = 0x000e };
enum { SLOW_LACP = 1, PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPPOE_VERSION_TYPE = 0x11, PPPOE_SESSION_DATA = 0, MPLS_BOTTOM = 0x100 };

static uint32_t at_of(const struct packet *p, const struct span *s)
{
	return (uint32_t)(s->at - p->frame);
}

// A header that is not there: bad on the wire, unless it was the capture that cut it off.
static enum packet_verdict missing(const struct packet *p, enum packet_verdict bad)
{
	return p->truncated ? PACKET_CUT : bad;
}

// A length field says where what follows ends. False: that is beyond the frame.
static bool end_set(struct packet *p, struct span *s, uint32_t length, uint32_t *end)
{
	*end = at_of(p, s) + length;
	if (*end > p->wire) {
		if (p->wire_known)
			return false;
		p->wire = *end;
	}
	if (s->left > length)
		s->left = length;
	else if (s->left < length)
		p->truncated = true;
	return true;
}

// The frame ends here: what the span has left is its payload.
static enum packet_verdict ends(struct packet *p, const struct span *s, uint32_t end, enum packet_verdict verdict)
{
	p->payload_at = (uint16_t)at_of(p, s);
	p->payload_wire = end - p->payload_at;
	p->payload = s->left < p->payload_wire ? s->left : p->payload_wire;
	return verdict;
}

// ---- EtherTypes ----

static enum packet_verdict slow_decode(struct packet *p, const struct span *s, uint32_t end)
{
	struct span header = *s;
	uint8_t subtype = span_u8(&header);

	if (!span_ok(&header))
		return missing(p, PACKET_SLOW);
	return ends(p, s, end, subtype == SLOW_LACP ? PACKET_LACP : PACKET_SLOW);
}

// Those that need no more than a name here, and the network layer.
static enum packet_verdict ethertype_decode(struct packet *p, const struct span *s, uint32_t end)
{
	switch (p->ethertype) {
	case TYPE_IPV4:
	case TYPE_IPV6:
	case TYPE_ARP:
	case TYPE_RARP: // the same header
		return PACKET_OK;
	case TYPE_SLOW:
		return slow_decode(p, s, end);
	case TYPE_LLDP:
		return ends(p, s, end, PACKET_LLDP);
	case TYPE_EAPOL:
		return ends(p, s, end, PACKET_EAPOL);
	case TYPE_WAKE_ON_LAN:
		return ends(p, s, end, PACKET_WAKE_ON_LAN);
	case TYPE_LOOP:
		return ends(p, s, end, PACKET_LOOP);
	case TYPE_MACSEC:
		return ends(p, s, end, PACKET_MACSEC);
	case TYPE_PPPOE_DISCOVERY:
		return ends(p, s, end, PACKET_PPPOE);
	default:
		return ends(p, s, end, PACKET_OTHER_ETHERTYPE);
	}
}

// ---- 802.3, LLC, SNAP ----

static enum packet_verdict cisco_verdict(uint16_t pid)
{
	switch (pid) {
	case 0x0104:
		return PACKET_PAGP;
	case 0x010b: // PVST+
		return PACKET_STP;
	case 0x0111:
		return PACKET_UDLD;
	case 0x2000:
		return PACKET_CDP;
	case 0x2003:
		return PACKET_VTP;
	case 0x2004:
		return PACKET_DTP;
	default:
		return PACKET_SNAP;
	}
}

static enum packet_verdict snap_decode(struct packet *p, struct span *s, uint32_t end)
{
	struct span header = *s;
	uint32_t oui = (uint32_t)span_u8(s) << 16;
	enum packet_verdict verdict = PACKET_SNAP;

	oui |= span_be16(s);
	p->ethertype = span_be16(s);
	if (!span_ok(s))
		return missing(p, PACKET_BAD_LLC);
	if (oui == OUI_ETHERNET || oui == OUI_BRIDGE_TUNNEL)
		return ethertype_decode(p, s, end);
	if (oui == OUI_CISCO)
		verdict = cisco_verdict(p->ethertype);
	else if (oui == OUI_8021 && p->ethertype == PID_8021_BPDU)
		verdict = PACKET_STP;
	return ends(p, verdict == PACKET_SNAP ? &header : s, end, verdict); // whose it is belongs to what is shown of it
}

static enum packet_verdict llc_decode(struct packet *p, struct span *s)
{
	uint32_t end;
	uint8_t dsap, ssap, control;

	if (!end_set(p, s, p->ethertype, &end))
		return PACKET_BAD_LLC;
	dsap = span_u8(s);
	ssap = span_u8(s);
	control = span_u8(s);
	if ((control & CONTROL_UNNUMBERED) != CONTROL_UNNUMBERED && span_ok(s))
		span_u8(s); // numbered frames have two bytes of it
	if (!span_ok(s))
		return missing(p, PACKET_BAD_LLC);
	p->ethertype = (uint16_t)(dsap << 8 | ssap);
	if (control != CONTROL_UI)
		return ends(p, s, end, PACKET_LLC);
	switch (dsap) {
	case SAP_SNAP:
		return snap_decode(p, s, end);
	case SAP_STP:
		return ends(p, s, end, PACKET_STP);
	case SAP_IP:
	case SAP_ARP:
		p->ethertype = dsap == SAP_IP ? TYPE_IPV4 : TYPE_ARP;
		return PACKET_OK;
	default:
		return ends(p, s, end, PACKET_LLC);
	}
}

// ---- MPLS, PPPoE ----

// Labels do not say what is below the last; IP shows by its first four bits.
static enum packet_verdict mpls_decode(struct packet *p, struct span *s)
{
	struct span first;
	uint8_t version;

	for (unsigned walked = 0;; walked++) {
		uint32_t label = span_be32(s);

		if (!span_ok(s))
			return missing(p, PACKET_BAD_MPLS);
		if (walked == PACKET_MPLS_WALKED)
			return PACKET_BAD_MPLS;
		if ((label & MPLS_BOTTOM) != 0)
			break;
	}
	first = *s;
	version = span_u8(&first) >> 4;
	if (version != 4 && version != 6)
		return ends(p, s, p->wire, PACKET_MPLS);
	p->ethertype = version == 4 ? TYPE_IPV4 : TYPE_IPV6;
	return PACKET_OK;
}

static enum packet_verdict pppoe_decode(struct packet *p, struct span *s)
{
	uint8_t version_type = span_u8(s), code = span_u8(s);
	uint16_t length, protocol;
	uint32_t end;

	span_be16(s); // session
	length = span_be16(s);
	if (!span_ok(s))
		return missing(p, PACKET_BAD_PPPOE);
	if (version_type != PPPOE_VERSION_TYPE || code != PPPOE_SESSION_DATA || !end_set(p, s, length, &end))
		return PACKET_BAD_PPPOE;
	protocol = span_be16(s);
	if (!span_ok(s))
		return missing(p, PACKET_BAD_PPPOE);
	if (protocol != PPP_IPV4 && protocol != PPP_IPV6)
		return ends(p, s, end, PACKET_PPPOE);
	p->ethertype = protocol == PPP_IPV4 ? TYPE_IPV4 : TYPE_IPV6;
	return PACKET_OK;
}

enum packet_verdict packet_link_decode(struct packet *p, struct span *s)
{
	if (p->ethertype <= LENGTH_MAX)
		return llc_decode(p, s);
	if (p->ethertype < TYPE_MIN)
		return ends(p, s, p->wire, PACKET_OTHER_ETHERTYPE);
	switch (p->ethertype) {
	case TYPE_MPLS:
	case TYPE_MPLS_UPSTREAM:
		return mpls_decode(p, s);
	case TYPE_PPPOE:
		return pppoe_decode(p, s);
	default:
		return ethertype_decode(p, s, p->wire);
	}
}
