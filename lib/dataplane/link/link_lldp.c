// Link Layer Discovery Protocol (IEEE 802.1AB): chassis, port and time to live, in this order, then whatever else there is.
#include "base/text.h"
#include "link/link_list.h"
#include "link/link_lldp.h"
#include "link/link_text.h"
#include "record/record_names.h"

enum lldp_type {
	LLDP_END, LLDP_CHASSIS, LLDP_PORT, LLDP_TTL, LLDP_PORT_DESCRIPTION, LLDP_SYSTEM_NAME, LLDP_SYSTEM_DESCRIPTION,
	LLDP_CAPABILITIES, LLDP_MANAGEMENT, LLDP_ORGANISATION = 127
};
enum { LENGTH_MASK = 0x1ff, TYPE_SHIFT = 9, TLVS_MAX = 512, LIST_ADDRESSES_MAX = 256 };
enum { CHASSIS_MAC = 4, CHASSIS_NETWORK = 5, CHASSIS_TYPES = 7, PORT_MAC = 3, PORT_NETWORK = 4, PORT_TYPES = 7 };
enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

static const char *const capability_names[] = {"other", "repeater", "bridge", "wlan_access_point", "router", "telephone",
					       "docsis", "station", "c_vlan", "s_vlan", "two_port_mac_relay"};

// What is told in pieces and goes into the record as one list.
struct lists {
	struct text_builder management;
	char room[LIST_ADDRESSES_MAX];
};

static uint8_t version_of(uint8_t family)
{
	return family == FAMILY_IPV4 ? 4 : family == FAMILY_IPV6 ? 6 : 0;
}

static void mac_set(struct l7 *l7, struct record_text *text, struct span in)
{
	char out[RECORD_MAC_TEXT];
	const uint8_t *mac = span_bytes(&in, RECORD_MAC);

	if (mac != NULL)
		*text = l7_text_bytes(l7, out, (uint32_t)(record_mac_put(out, mac) - out), sizeof(out));
}

static void network_set(struct l7 *l7, struct record_text *text, struct span in)
{
	char out[RECORD_ADDRESS_MAX + 1];
	struct text_builder one = text_builder(out, sizeof(out));
	uint8_t version = version_of(span_u8(&in));

	if (version != 0)
		link_list_add_address(&one, version, in);
	link_list_set(l7, text, &one);
}

// An id is a kind and a value, at least one byte of it.
static bool id_take(struct span in, struct l7 *l7, struct record_text *text, uint8_t *kind, unsigned mac, unsigned network)
{
	uint8_t subtype = span_u8(&in);

	if (!span_ok(&in) || in.left == 0)
		return false;
	*kind = subtype;
	if (subtype == mac && in.left == RECORD_MAC)
		mac_set(l7, text, in);
	else if (subtype == network)
		network_set(l7, text, in);
	else
		link_text_set(l7, text, in);
	return true;
}

static bool capabilities_take(struct span in, struct l7 *l7)
{
	const unsigned count = sizeof(capability_names) / sizeof(capability_names[0]);
	char out[LINK_LIST_MAX];
	struct text_builder list = text_builder(out, sizeof(out));

	link_list_add_bits(&list, span_be16(&in), capability_names, count);
	link_list_set(l7, &l7->lldp.capabilities, &list);
	list.used = 0;
	link_list_add_bits(&list, span_be16(&in), capability_names, count);
	link_list_set(l7, &l7->lldp.capabilities_enabled, &list);
	return span_ok(&in);
}

// Length of kind and address, kind, address, then an interface number and an object id that say nothing to people.
static bool management_take(struct span in, struct lists *lists)
{
	struct span address = span_take(&in, span_u8(&in));
	uint8_t version = version_of(span_u8(&address));

	if (!span_ok(&address))
		return false;
	if (version != 0)
		link_list_add_address(&lists->management, version, address);
	return true;
}

static bool optional_take(unsigned type, struct span in, struct l7 *l7, struct lists *lists)
{
	struct record_lldp *lldp = &l7->lldp;

	switch (type) {
	case LLDP_PORT_DESCRIPTION:
		link_text_set(l7, &lldp->port_description, in);
		return true;
	case LLDP_SYSTEM_NAME:
		link_text_set(l7, &lldp->system_name, in);
		return true;
	case LLDP_SYSTEM_DESCRIPTION:
		link_text_set(l7, &lldp->system_description, in);
		return true;
	case LLDP_CAPABILITIES:
		return capabilities_take(in, l7);
	case LLDP_MANAGEMENT:
		return management_take(in, lists);
	case LLDP_ORGANISATION:
		link_lldp_organisation(in, l7);
		return true;
	default: // reserved; the first three may not come again
		return type > LLDP_TTL;
	}
}

static unsigned tlv_next(struct span *in, struct span *value)
{
	uint16_t head = span_be16(in);

	*value = span_take(in, head & LENGTH_MASK);
	return head >> TYPE_SHIFT;
}

static bool mandatory_take(struct span *in, struct l7 *l7)
{
	struct record_lldp *lldp = &l7->lldp;
	struct span value;

	if (tlv_next(in, &value) != LLDP_CHASSIS || !id_take(value, l7, &lldp->chassis_id, &lldp->chassis_type, CHASSIS_MAC, CHASSIS_NETWORK))
		return false;
	if (tlv_next(in, &value) != LLDP_PORT || !id_take(value, l7, &lldp->port_id, &lldp->port_type, PORT_MAC, PORT_NETWORK))
		return false;
	if (tlv_next(in, &value) != LLDP_TTL)
		return false;
	lldp->ttl_s = span_be16(&value);
	return span_ok(&value);
}

static enum link_verdict dissect(struct span in, uint16_t number, struct l7 *l7)
{
	struct lists lists;

	(void)number;
	lists.management = text_builder(lists.room, sizeof(lists.room));
	if (!mandatory_take(&in, l7))
		return LINK_BAD;
	for (unsigned i = 0; i < TLVS_MAX && in.left > 0; i++) {
		struct span value;
		unsigned type = tlv_next(&in, &value);

		if (type == LLDP_END && span_ok(&value))
			break; // what follows is padding
		if (!span_ok(&value) || !optional_take(type, value, l7, &lists))
			return LINK_BAD;
	}
	link_list_set(l7, &l7->lldp.management_addresses, &lists.management);
	return LINK_RECORD;
}

const struct link_ops link_lldp = {
	.name = "lldp",
	.verdict = PACKET_LLDP,
	.bad = PACKET_BAD_LLDP,
	.record = RECORD_LLDP,
	.dissect = dissect,
};
