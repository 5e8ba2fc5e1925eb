// Spanning trees: STP (802.1D), RSTP (802.1w), MSTP (802.1s), shortest path bridging's BPDU as far as it is MSTP, Cisco's PVST+.
#include "base/text.h"
#include "link/link_list.h"

enum { TYPE_CONFIG = 0x00, TYPE_RAPID = 0x02, TYPE_TOPOLOGY_CHANGE = 0x80 };
enum { VERSION_RSTP = 2, VERSION_MSTP = 3, VERSION_SPB = 4 };
enum { PVST_NUMBER = 0x010b, PVST_VLAN_TLV = 0, PVST_VLAN_LENGTH = 2, NUMBER_SHIFT = 256, MS_PER_S = 1000 };
enum { MST_FIXED = 64, MST_INSTANCE = 16, MST_NAME = 32, MST_DIGEST = 16, ROLE_SHIFT = 2, ROLE_MASK = 3 };

static uint32_t time_ms(struct span *in)
{
	return (uint32_t)span_be16(in) * MS_PER_S / NUMBER_SHIFT; // in 256ths of a second
}

static void bridge_take(struct span *in, uint16_t *priority, uint8_t *mac)
{
	const uint8_t *at;

	*priority = span_be16(in);
	at = span_bytes(in, RECORD_MAC);
	if (at != NULL)
		memcpy(mac, at, RECORD_MAC);
}

static bool type_known(uint8_t type, struct record_stp *stp)
{
	switch (type) {
	case TYPE_CONFIG:
		stp->type = STP_CONFIG;
		return true;
	case TYPE_RAPID:
		stp->type = STP_RAPID;
		return true;
	case TYPE_TOPOLOGY_CHANGE:
		stp->type = STP_TOPOLOGY_CHANGE;
		return true;
	default:
		return false;
	}
}

static void config_take(struct span *in, struct record_stp *stp)
{
	stp->flags = span_u8(in);
	if (stp->type == STP_RAPID)
		stp->role = (uint8_t)(stp->flags >> ROLE_SHIFT & ROLE_MASK);
	else
		stp->flags &= 0x81; // the others are RSTP's
	bridge_take(in, &stp->root_priority, stp->root_mac);
	stp->root_cost = span_be32(in);
	bridge_take(in, &stp->bridge_priority, stp->bridge_mac);
	stp->port_id = span_be16(in);
	stp->message_age_ms = time_ms(in);
	stp->max_age_ms = time_ms(in);
	stp->hello_time_ms = time_ms(in);
	stp->forward_delay_ms = time_ms(in);
}

// Behind the octet that ends RSTP's (for STP: one of padding), Cisco says which VLAN the tree is for.
static void pvst_take(struct span in, struct record_stp *stp)
{
	span_u8(&in);
	if (span_be16(&in) != PVST_VLAN_TLV || span_be16(&in) != PVST_VLAN_LENGTH)
		return;
	stp->pvst_vlan = span_be16(&in);
}

static struct record_text digest_text(struct l7 *l7, const uint8_t *digest)
{
	char out[2 * MST_DIGEST];
	struct text_builder b = text_builder(out, sizeof(out));

	text_put_hex(&b, digest, MST_DIGEST);
	return l7_text_bytes(l7, out, (uint32_t)b.used, sizeof(out));
}

static struct record_text name_text(struct l7 *l7, struct span name)
{
	while (name.left > 0 && name.at[name.left - 1] == 0)
		name.left--;
	return l7_text(l7, name, RECORD_HOSTNAME_MAX);
}

static bool mst_take(struct span *in, struct l7 *l7)
{
	struct record_stp *stp = &l7->stp;
	struct span mst, name;
	const uint8_t *digest;
	uint16_t length;

	span_u8(in); // length of version 1: nothing
	length = span_be16(in);
	mst = span_take(in, length);
	if (!span_ok(&mst) || length < MST_FIXED)
		return false;
	span_u8(&mst); // format selector
	name = span_take(&mst, MST_NAME);
	stp->mst_revision = span_be16(&mst);
	digest = span_bytes(&mst, MST_DIGEST);
	stp->mst_cost = span_be32(&mst);
	bridge_take(&mst, &stp->mst_bridge_priority, stp->mst_bridge_mac);
	stp->mst_hops = span_u8(&mst);
	stp->mst_instances = (uint8_t)(mst.left / MST_INSTANCE);
	stp->mst_name = name_text(l7, name);
	stp->mst_digest = digest_text(l7, digest);
	stp->mst = true;
	return true;
}

static enum link_verdict dissect(struct span in, uint16_t number, struct l7 *l7)
{
	struct record_stp *stp = &l7->stp;
	uint16_t protocol = span_be16(&in);
	uint8_t type;

	stp->version = span_u8(&in);
	type = span_u8(&in);
	stp->pvst = number == PVST_NUMBER;
	if (!span_ok(&in))
		return LINK_BAD;
	if (protocol != 0 || !type_known(type, stp))
		return LINK_NONE; // GARP and its like use the same SAP
	if (stp->type == STP_TOPOLOGY_CHANGE)
		return LINK_RECORD;
	config_take(&in, stp);
	if (!span_ok(&in))
		return LINK_BAD;
	if (stp->pvst)
		pvst_take(in, stp);
	else if (stp->type == STP_RAPID && (stp->version == VERSION_MSTP || stp->version == VERSION_SPB) && !mst_take(&in, l7))
		return LINK_BAD;
	return LINK_RECORD;
}

const struct link_ops link_stp = {
	.name = "stp",
	.verdict = PACKET_STP,
	.bad = PACKET_BAD_STP,
	.record = RECORD_STP,
	.dissect = dissect,
};
