// ARP (RFC 826) over Ethernet for IPv4, RARP (RFC 903) and InARP included. Other hardware and protocols have no record.
#include "link/link_list.h"

enum { HW_ETHERNET = 1, HW_IEEE802 = 6, PROTO_IPV4 = 0x0800, OP_REQUEST = 1, OP_REPLY = 2 };

static bool zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static enum arp_kind kind_of(const struct record_arp *arp)
{
	bool own = memcmp(arp->src_ip, arp->dest_ip, RECORD_IPV4) == 0;

	if (arp->opcode != OP_REQUEST && arp->opcode != OP_REPLY)
		return ARP_OTHER;
	if (arp->opcode == OP_REQUEST && zero(arp->src_ip, RECORD_IPV4))
		return ARP_PROBE;
	if (own && arp->opcode == OP_REQUEST && zero(arp->dest_mac, RECORD_MAC))
		return ARP_ANNOUNCEMENT;
	if (own)
		return ARP_GRATUITOUS;
	return arp->opcode == OP_REQUEST ? ARP_REQUEST : ARP_REPLY;
}

static void take(struct span *in, uint8_t *out, uint32_t n)
{
	const uint8_t *at = span_bytes(in, n);

	if (at != NULL)
		memcpy(out, at, n);
}

static enum link_verdict dissect(struct span in, uint16_t number, struct l7 *l7)
{
	struct record_arp *arp = &l7->arp;
	uint8_t hw_length, proto_length;

	(void)number;
	arp->hw_type = span_be16(&in);
	arp->proto_type = span_be16(&in);
	hw_length = span_u8(&in);
	proto_length = span_u8(&in);
	arp->opcode = span_be16(&in);
	if (!span_ok(&in))
		return LINK_BAD;
	if ((arp->hw_type != HW_ETHERNET && arp->hw_type != HW_IEEE802) || arp->proto_type != PROTO_IPV4)
		return LINK_NONE;
	if (hw_length != RECORD_MAC || proto_length != RECORD_IPV4)
		return LINK_BAD;
	take(&in, arp->src_mac, RECORD_MAC);
	take(&in, arp->src_ip, RECORD_IPV4);
	take(&in, arp->dest_mac, RECORD_MAC);
	take(&in, arp->dest_ip, RECORD_IPV4);
	arp->kind = (uint8_t)kind_of(arp);
	return span_ok(&in) ? LINK_RECORD : LINK_BAD;
}

const struct link_ops link_arp = {
	.name = "arp",
	.verdict = PACKET_ARP,
	.bad = PACKET_BAD_ARP,
	.record = RECORD_ARP,
	.dissect = dissect,
};
