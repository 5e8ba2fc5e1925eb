// Cisco Discovery Protocol, versions 1 and 2: a list of types, lengths and values. What is not of interest is passed over.
#include "link/link_list.h"
#include "link/link_text.h"

enum cdp_type {
	CDP_DEVICE_ID = 0x01, CDP_ADDRESSES = 0x02, CDP_PORT_ID = 0x03, CDP_CAPABILITIES = 0x04, CDP_SOFTWARE = 0x05, CDP_PLATFORM = 0x06,
	CDP_VTP_DOMAIN = 0x09, CDP_NATIVE_VLAN = 0x0a, CDP_DUPLEX = 0x0b, CDP_VOICE_VLAN = 0x0e, CDP_POWER = 0x10, CDP_MTU = 0x11,
	CDP_SYSTEM_NAME = 0x14, CDP_MANAGEMENT = 0x16, CDP_LOCATION = 0x17
};
enum { TLV_HEADER = 4, TLVS_MAX = 512, ADDRESSES_MAX = 64, NLPID = 1, NLPID_IPV4 = 0xcc, SNAP_802 = 2, HALF = 1, FULL = 2 };

static const char *const capability_names[] = {"router", "transparent_bridge", "source_route_bridge", "switch", "host", "igmp",
					       "repeater", "phone", "remote", "cast", "two_port_mac_relay"};

// How an address' protocol is said: one byte for IPv4, eight (802.2, SNAP, 86dd) for IPv6.
static uint8_t version_of(uint8_t type, struct span protocol)
{
	if (type == NLPID && protocol.left == 1 && span_u8(&protocol) == NLPID_IPV4)
		return 4;
	if (type != SNAP_802 || protocol.left != 8)
		return 0;
	span_bytes(&protocol, 6);
	return span_be16(&protocol) == 0x86dd ? 6 : 0;
}

static bool addresses_take(struct span in, struct l7 *l7, struct record_text *text)
{
	char out[LINK_LIST_MAX];
	struct text_builder list = text_builder(out, sizeof(out));
	uint32_t count = span_be32(&in);

	for (uint32_t i = 0; i < count && i < ADDRESSES_MAX && span_ok(&in); i++) {
		uint8_t type = span_u8(&in), version;
		struct span protocol = span_take(&in, span_u8(&in)), address = span_take(&in, span_be16(&in));

		version = version_of(type, protocol);
		if (span_ok(&in) && version != 0)
			link_list_add_address(&list, version, address);
	}
	link_list_set(l7, text, &list);
	return span_ok(&in);
}

static void capabilities_take(struct span in, struct l7 *l7)
{
	char out[LINK_LIST_MAX];
	struct text_builder list = text_builder(out, sizeof(out));

	link_list_add_bits(&list, span_be32(&in), capability_names, sizeof(capability_names) / sizeof(capability_names[0]));
	link_list_set(l7, &l7->cdp.capabilities, &list);
}

// A marker of one byte, then the VLAN; the short form that asks for one has only the marker.
static void voice_vlan_take(struct span in, struct record_cdp *cdp)
{
	span_u8(&in);
	cdp->voice_vlan = span_be16(&in);
}

static void location_take(struct span in, struct l7 *l7)
{
	span_u8(&in); // kind
	link_text_set(l7, &l7->cdp.location, in);
}

static bool value_take(uint16_t type, struct span in, struct l7 *l7)
{
	struct record_cdp *cdp = &l7->cdp;

	switch (type) {
	case CDP_DEVICE_ID:
		link_text_set(l7, &cdp->device_id, in);
		return true;
	case CDP_PORT_ID:
		link_text_set(l7, &cdp->port_id, in);
		return true;
	case CDP_SOFTWARE:
		link_text_set(l7, &cdp->software, in);
		return true;
	case CDP_PLATFORM:
		link_text_set(l7, &cdp->platform, in);
		return true;
	case CDP_VTP_DOMAIN:
		link_text_set(l7, &cdp->vtp_domain, in);
		return true;
	case CDP_SYSTEM_NAME:
		link_text_set(l7, &cdp->system_name, in);
		return true;
	case CDP_LOCATION:
		location_take(in, l7);
		return true;
	case CDP_ADDRESSES:
		return addresses_take(in, l7, &cdp->addresses);
	case CDP_MANAGEMENT:
		return addresses_take(in, l7, &cdp->management_addresses);
	case CDP_CAPABILITIES:
		capabilities_take(in, l7);
		return true;
	case CDP_NATIVE_VLAN:
		cdp->native_vlan = span_be16(&in);
		return true;
	case CDP_DUPLEX:
		cdp->duplex = span_u8(&in) == 0 ? HALF : FULL;
		return true;
	case CDP_VOICE_VLAN:
		voice_vlan_take(in, cdp);
		return true;
	case CDP_POWER:
		cdp->power_mw = span_be16(&in);
		return true;
	case CDP_MTU:
		cdp->mtu = span_be32(&in);
		return true;
	default:
		return true;
	}
}

static enum link_verdict dissect(struct span in, uint16_t number, struct l7 *l7)
{
	(void)number;
	l7->cdp.version = span_u8(&in);
	l7->cdp.ttl_s = span_u8(&in);
	span_be16(&in); // checksum
	if (!span_ok(&in))
		return LINK_BAD;
	for (unsigned i = 0; i < TLVS_MAX && in.left > 0; i++) {
		uint16_t type = span_be16(&in), length = span_be16(&in);
		struct span value = {.bad = true};

		if (length >= TLV_HEADER)
			value = span_take(&in, length - TLV_HEADER);
		if (!span_ok(&value) || !value_take(type, value, l7))
			return LINK_BAD;
	}
	return LINK_RECORD;
}

const struct link_ops link_cdp = {
	.name = "cdp",
	.verdict = PACKET_CDP,
	.bad = PACKET_BAD_CDP,
	.record = RECORD_CDP,
	.dissect = dissect,
};
