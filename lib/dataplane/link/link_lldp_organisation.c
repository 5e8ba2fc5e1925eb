// LLDP's extensions of IEEE 802.1 (VLANs), IEEE 802.3 (the port) and ANSI/TIA-1057 (MED: telephones and what feeds them).
#include "base/text.h"
#include "link/link_lldp.h"
#include "link/link_text.h"

enum { OUI_8021 = 0x0080c2, OUI_8023 = 0x00120f, OUI_MED = 0x0012bb };
enum { DOT1_PVID = 1, DOT1_PROTOCOL_VLAN = 2, DOT1_VLAN_NAME = 3, DOT1_AGGREGATION = 7 };
enum { DOT3_MAC = 1, DOT3_POWER = 2, DOT3_AGGREGATION = 3, DOT3_FRAME_MAX = 4 };
enum {
	MED_CAPABILITIES = 1, MED_POLICY = 2, MED_POWER = 4, MED_HARDWARE = 5, MED_FIRMWARE = 6, MED_SOFTWARE = 7, MED_SERIAL = 8,
	MED_MANUFACTURER = 9, MED_MODEL = 10, MED_ASSET = 11
};
enum { POWER_STEP_MW = 100, AGGREGATED = 2, SUPPORTED = 1, ENABLED = 2 };

static const char *const med_names[] = {"capabilities", "network_policy", "location", "extended_power_pse", "extended_power_pd",
					"inventory"};

// ---- 802.1 ----

static void vlan_name_take(struct span in, struct l7 *l7)
{
	struct record_lldp *lldp = &l7->lldp;
	uint16_t id = span_be16(&in);
	struct span name = span_take(&in, span_u8(&in));
	struct record_lldp_vlan *row;

	if (!span_ok(&name) || lldp->vlans == RECORD_LLDP_VLANS_MAX)
		return;
	row = &lldp->vlan[lldp->vlans++];
	row->id = id;
	link_text_set(l7, &row->name, name);
}

// The list grows in place as long as nothing else has been written behind it; one told later, elsewhere, is left out.
static void protocol_vlan_take(struct span in, struct l7 *l7)
{
	char out[8];
	struct text_builder b = text_builder(out, sizeof(out));
	struct record_text *list = &l7->lldp.protocol_vlans, more;
	uint16_t id;

	span_u8(&in); // flags
	id = span_be16(&in);
	if (!span_ok(&in) || id == 0 || (list->len > 0 && list->at + list->len != l7->text_used))
		return;
	if (list->len > 0)
		text_put(&b, ",");
	text_put_number(&b, id);
	more = l7_text_bytes(l7, out, (uint32_t)b.used, sizeof(out));
	if (list->len == 0)
		*list = more;
	else
		list->len = (uint16_t)(list->len + more.len);
}

static void aggregation_take(struct span in, struct record_lldp *lldp)
{
	uint8_t status = span_u8(&in);
	uint32_t port = span_be32(&in);

	if (!span_ok(&in))
		return;
	lldp->aggregated = (status & AGGREGATED) != 0;
	lldp->aggregation_port = port;
}

static void dot1_take(uint8_t subtype, struct span in, struct l7 *l7)
{
	switch (subtype) {
	case DOT1_PVID:
		l7->lldp.pvid = span_be16(&in);
		break;
	case DOT1_PROTOCOL_VLAN:
		protocol_vlan_take(in, l7);
		break;
	case DOT1_VLAN_NAME:
		vlan_name_take(in, l7);
		break;
	case DOT1_AGGREGATION:
		aggregation_take(in, &l7->lldp);
		break;
	default:
		break;
	}
}

// ---- 802.3 ----

static void mac_take(struct span in, struct record_lldp *lldp)
{
	uint8_t negotiation = span_u8(&in);
	uint16_t mau;

	span_be16(&in); // advertised
	mau = span_be16(&in);
	if (!span_ok(&in))
		return;
	lldp->autonegotiation = (negotiation & SUPPORTED) != 0;
	lldp->autonegotiation_enabled = (negotiation & ENABLED) != 0;
	lldp->mau_type = mau;
}

static void power_take(struct span in, struct record_lldp *lldp)
{
	uint8_t support = span_u8(&in), power_class;

	span_u8(&in); // pair
	power_class = span_u8(&in);
	if (!span_ok(&in))
		return;
	lldp->power_source = (support & SUPPORTED) != 0;
	lldp->power_class = power_class;
}

static void dot3_take(uint8_t subtype, struct span in, struct record_lldp *lldp)
{
	switch (subtype) {
	case DOT3_MAC:
		mac_take(in, lldp);
		break;
	case DOT3_POWER:
		power_take(in, lldp);
		break;
	case DOT3_AGGREGATION:
		aggregation_take(in, lldp);
		break;
	case DOT3_FRAME_MAX:
		lldp->frame_max = span_be16(&in);
		break;
	default:
		break;
	}
}

// ---- MED ----

static void med_capabilities_take(struct span in, struct l7 *l7)
{
	char out[LINK_LIST_MAX];
	struct text_builder list = text_builder(out, sizeof(out));

	link_list_add_bits(&list, span_be16(&in), med_names, sizeof(med_names) / sizeof(med_names[0]));
	link_list_set(l7, &l7->lldp.med_capabilities, &list);
	l7->lldp.med_class = span_u8(&in);
}

// Application, then unknown, tagged, a bit kept, VLAN (12), priority (3), DSCP (6).
static void policy_take(struct span in, struct record_lldp *lldp)
{
	uint32_t word = span_be32(&in);

	if (!span_ok(&in) || lldp->med_policies == RECORD_LLDP_POLICIES_MAX)
		return;
	lldp->policy[lldp->med_policies++] = (struct record_lldp_policy){
		.application = (uint8_t)(word >> 24),
		.unknown = (word >> 23 & 1) != 0,
		.tagged = (word >> 22 & 1) != 0,
		.vlan = word >> 9 & 0xfff,
		.priority = word >> 6 & 7,
		.dscp = word & 63,
	};
}

static struct record_text *inventory_of(uint8_t subtype, struct record_lldp *lldp)
{
	switch (subtype) {
	case MED_HARDWARE:
		return &lldp->hardware;
	case MED_FIRMWARE:
		return &lldp->firmware;
	case MED_SOFTWARE:
		return &lldp->software;
	case MED_SERIAL:
		return &lldp->serial;
	case MED_MANUFACTURER:
		return &lldp->manufacturer;
	case MED_MODEL:
		return &lldp->model;
	case MED_ASSET:
		return &lldp->asset;
	default:
		return NULL;
	}
}

static void med_take(uint8_t subtype, struct span in, struct l7 *l7)
{
	struct record_text *inventory = inventory_of(subtype, &l7->lldp);

	if (inventory != NULL) {
		link_text_set(l7, inventory, in);
	} else if (subtype == MED_CAPABILITIES) {
		med_capabilities_take(in, l7);
	} else if (subtype == MED_POLICY) {
		policy_take(in, &l7->lldp);
	} else if (subtype == MED_POWER) {
		span_u8(&in); // type, source, priority
		l7->lldp.med_power_mw = (uint32_t)span_be16(&in) * POWER_STEP_MW;
	}
}

void link_lldp_organisation(struct span in, struct l7 *l7)
{
	uint32_t oui = (uint32_t)span_u8(&in) << 16;
	uint8_t subtype;

	oui |= span_be16(&in);
	subtype = span_u8(&in);
	if (!span_ok(&in))
		return;
	if (oui == OUI_8021)
		dot1_take(subtype, in, l7);
	else if (oui == OUI_8023)
		dot3_take(subtype, in, &l7->lldp);
	else if (oui == OUI_MED)
		med_take(subtype, in, l7);
}
