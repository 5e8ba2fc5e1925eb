// The tables of the link layer's records. They are of no flow; the frame's addresses stand in "ether", as Suricata has it.
#include "record/record_fields_row.h"
#include "record/record_made.h"
#include "record/record_names.h"

#define ETHER(of)                                                                                                          \
	{FIELD("src_mac", MAC, of, ether.src_mac), IN("ether", "src_mac"), .ipfix = 56},                                     \
	{FIELD("dest_mac", MAC, of, ether.dest_mac), IN("ether", "dest_mac"), .ipfix = 80}

static const char *const arp_kinds[] = {"request", "reply", "gratuitous", "probe", "announcement", "other"};
static const char *const stp_versions[] = {"stp", "1", "rstp", "mstp", "spb"};
static const char *const stp_types[] = {"config", "rapid", "topology_change"};
static const char *const stp_roles[] = {"unknown", "alternate", "root", "designated"};
static const char *const cdp_duplexes[] = {"", "half", "full"};
static const char *const lldp_chassis_types[] = {"", "chassis_component", "interface_alias", "port_component", "mac", "network_address",
						 "interface_name", "local"};
static const char *const lldp_port_types[] = {"", "interface_alias", "port_component", "mac", "network_address", "interface_name",
					      "agent_circuit", "local"};
static const char *const poe_classes[] = {"", "0", "1", "2", "3", "4"};
static const char *const lldp_applications[] = {"", "voice", "voice_signaling", "guest_voice", "guest_voice_signaling",
						"softphone_voice", "video_conferencing", "streaming_video", "video_signaling"};

// ---- arp ----

#define ARP(name_, eve_name, kind_, member) FIELD(name_, kind_, record_arp, member), IN("arp", eve_name)

const struct record_field record_arp_fields[] = {
	ETHER(record_arp),
	{ARP("hw_type", "hw_type", NAME16, hw_type), .name_of = record_arp_hw_name},
	{ARP("proto_type", "proto_type", NAME16, proto_type), .name_of = record_arp_proto_name},
	{ARP("opcode", "opcode", NAME16, opcode), .name_of = record_arp_opcode_name},
	{ARP("kind", "kind", NAME8, kind), NAMES(arp_kinds)},
	{ARP("arp_src_mac", "src_mac", MAC, src_mac)},
	{ARP("arp_src_ip", "src_ip", IPV4, src_ip)},
	{ARP("arp_dest_mac", "dest_mac", MAC, dest_mac)},
	{ARP("arp_dest_ip", "dest_ip", IPV4, dest_ip)},
	{0},
};

// ---- stp ----

#define STP(name_, kind_, member) FIELD(name_, kind_, record_stp, member), IN("stp", name_)
#define STP_FLAG(name_, bit_) {STP(name_, BIT16, flags), .bit = bit_}
#define STP_IN(object, key, name_, kind_, member) FIELD(name_, kind_, record_stp, member), IN("stp." object, key)

const struct record_field record_stp_fields[] = {
	ETHER(record_stp),
	{STP("version", NAME8, version), NAMES(stp_versions)},
	{STP("type", NAME8, type), NAMES(stp_types)},
	{STP("pvst", BOOL, pvst), .flags = FIELD_OMIT_ZERO},
	{STP("pvst_vlan", U16, pvst_vlan), .flags = FIELD_OMIT_ZERO},
	STP_FLAG("topology_change", 0x01),
	STP_FLAG("proposal", 0x02),
	{STP("role", NAME8, role), .flags = FIELD_OMIT_ZERO, NAMES(stp_roles)},
	STP_FLAG("learning", 0x10),
	STP_FLAG("forwarding", 0x20),
	STP_FLAG("agreement", 0x40),
	STP_FLAG("topology_change_ack", 0x80),
	{STP_IN("root", "priority", "root_priority", U16, root_priority), .flags = FIELD_OMIT_ZERO},
	{STP_IN("root", "mac", "root_mac", MAC, root_mac), .flags = FIELD_OMIT_ZERO},
	{MADE("root_cost", NUMBER, stp_root_cost), IN("stp", "root_cost")},
	{STP_IN("bridge", "priority", "bridge_priority", U16, bridge_priority), .flags = FIELD_OMIT_ZERO},
	{STP_IN("bridge", "mac", "bridge_mac", MAC, bridge_mac), .flags = FIELD_OMIT_ZERO},
	{STP("port_id", HEX16, port_id), .flags = FIELD_OMIT_ZERO},
	{STP("message_age_ms", U32, message_age_ms), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{STP("max_age_ms", U32, max_age_ms), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{STP("hello_time_ms", U32, hello_time_ms), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{STP("forward_delay_ms", U32, forward_delay_ms), .flags = FIELD_OMIT_ZERO, .unit = "ms"},
	{STP_IN("mst", "name", "mst_name", TEXT, mst_name)},
	{STP_IN("mst", "revision", "mst_revision", U16, mst_revision), .flags = FIELD_OMIT_ZERO},
	{STP_IN("mst", "digest", "mst_digest", TEXT, mst_digest)},
	{STP_IN("mst", "internal_cost", "mst_internal_cost", U32, mst_cost), .flags = FIELD_OMIT_ZERO},
	{STP_IN("mst", "bridge_priority", "mst_bridge_priority", U16, mst_bridge_priority), .flags = FIELD_OMIT_ZERO},
	{STP_IN("mst", "bridge_mac", "mst_bridge_mac", MAC, mst_bridge_mac), .flags = FIELD_OMIT_ZERO},
	{STP_IN("mst", "hops", "mst_hops", U8, mst_hops), .flags = FIELD_OMIT_ZERO},
	{STP_IN("mst", "instances", "mst_instances", U8, mst_instances), .flags = FIELD_OMIT_ZERO},
	{0},
};

// ---- cdp ----

#define CDP(name_, kind_, member) FIELD(name_, kind_, record_cdp, member), IN("cdp", name_)

const struct record_field record_cdp_fields[] = {
	ETHER(record_cdp),
	{CDP("version", U8, version)},
	{CDP("ttl", U8, ttl_s), .unit = "s"},
	{CDP("device_id", TEXT, device_id)},
	{CDP("addresses", TEXT_LIST, addresses)},
	{CDP("port_id", TEXT, port_id)},
	{CDP("capabilities", TEXT_LIST, capabilities)},
	{CDP("software_version", TEXT, software)},
	{CDP("platform", TEXT, platform)},
	{CDP("vtp_domain", TEXT, vtp_domain)},
	{CDP("native_vlan", U16, native_vlan), .flags = FIELD_OMIT_ZERO},
	{CDP("duplex", NAME8, duplex), .flags = FIELD_OMIT_ZERO, NAMES(cdp_duplexes)},
	{CDP("voice_vlan", U16, voice_vlan), .flags = FIELD_OMIT_ZERO},
	{CDP("power_mw", U16, power_mw), .flags = FIELD_OMIT_ZERO, .unit = "mW"},
	{CDP("mtu", U32, mtu), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{CDP("system_name", TEXT, system_name)},
	{CDP("management_addresses", TEXT_LIST, management_addresses)},
	{CDP("location", TEXT, location)},
	{0},
};

// ---- lldp ----

#define LLDP(name_, kind_, member) FIELD(name_, kind_, record_lldp, member), IN("lldp", name_)
#define LLDP_IN(object, key, name_, kind_, member) FIELD(name_, kind_, record_lldp, member), IN("lldp." object, key)

static const struct record_field lldp_vlan_fields[] = {
	{FIELD("id", U16, record_lldp_vlan, id), TOP("id")},
	{FIELD("name", TEXT, record_lldp_vlan, name), TOP("name")},
	{0},
};

static const struct record_field lldp_policy_fields[] = {
	{FIELD("application", NAME8, record_lldp_policy, application), TOP("application"), .flags = FIELD_OMIT_ZERO,
	 NAMES(lldp_applications)},
	{FIELD("unknown", BOOL, record_lldp_policy, unknown), TOP("unknown"), .flags = FIELD_OMIT_ZERO},
	{FIELD("tagged", BOOL, record_lldp_policy, tagged), TOP("tagged")},
	{FIELD("vlan", U16, record_lldp_policy, vlan), TOP("vlan")},
	{FIELD("priority", U8, record_lldp_policy, priority), TOP("priority")},
	{FIELD("dscp", U8, record_lldp_policy, dscp), TOP("dscp")},
	{0},
};

const struct record_field record_lldp_fields[] = {
	ETHER(record_lldp),
	{LLDP("chassis_id", TEXT, chassis_id)},
	{LLDP("chassis_id_type", NAME8, chassis_type), .flags = FIELD_OMIT_ZERO, NAMES(lldp_chassis_types)},
	{LLDP("port_id", TEXT, port_id)},
	{LLDP("port_id_type", NAME8, port_type), .flags = FIELD_OMIT_ZERO, NAMES(lldp_port_types)},
	{LLDP("ttl", U16, ttl_s), .unit = "s"},
	{LLDP("port_description", TEXT, port_description)},
	{LLDP("system_name", TEXT, system_name)},
	{LLDP("system_description", TEXT, system_description)},
	{LLDP("capabilities", TEXT_LIST, capabilities)},
	{LLDP("capabilities_enabled", TEXT_LIST, capabilities_enabled)},
	{LLDP("management_addresses", TEXT_LIST, management_addresses)},
	{LLDP_IN("dot1", "pvid", "dot1_pvid", U16, pvid), .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("dot1", "protocol_vlans", "dot1_protocol_vlans", TEXT_LIST, protocol_vlans)},
	{LLDP_IN("dot1", "vlans", "dot1_vlans", ROWS, vlan), .row_fields = lldp_vlan_fields,
	 ROWS(record_lldp, vlan, vlans, RECORD_LLDP_VLANS_MAX)},
	{LLDP_IN("dot3", "autonegotiation", "dot3_autonegotiation", BOOL, autonegotiation), .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("dot3", "autonegotiation_enabled", "dot3_autonegotiation_enabled", BOOL, autonegotiation_enabled),
	 .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("dot3", "mau_type", "dot3_mau_type", U16, mau_type), .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("dot3", "power_class", "dot3_power_class", NAME8, power_class), .flags = FIELD_OMIT_ZERO, NAMES(poe_classes)},
	{LLDP_IN("dot3", "power_source", "dot3_power_source", BOOL, power_source), .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("dot3", "aggregated", "dot3_aggregated", BOOL, aggregated), .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("dot3", "aggregation_port", "dot3_aggregation_port", U32, aggregation_port), .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("dot3", "frame_max", "dot3_frame_max", U16, frame_max), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{LLDP_IN("med", "capabilities", "med_capabilities", TEXT_LIST, med_capabilities)},
	{LLDP_IN("med", "class", "med_class", U8, med_class), .flags = FIELD_OMIT_ZERO},
	{LLDP_IN("med", "policies", "med_policies", ROWS, policy), .row_fields = lldp_policy_fields,
	 ROWS(record_lldp, policy, med_policies, RECORD_LLDP_POLICIES_MAX)},
	{LLDP_IN("med", "power_mw", "med_power_mw", U32, med_power_mw), .flags = FIELD_OMIT_ZERO, .unit = "mW"},
	{LLDP_IN("med", "hardware", "med_hardware", TEXT, hardware)},
	{LLDP_IN("med", "firmware", "med_firmware", TEXT, firmware)},
	{LLDP_IN("med", "software", "med_software", TEXT, software)},
	{LLDP_IN("med", "serial", "med_serial", TEXT, serial)},
	{LLDP_IN("med", "manufacturer", "med_manufacturer", TEXT, manufacturer)},
	{LLDP_IN("med", "model", "med_model", TEXT, model)},
	{LLDP_IN("med", "asset", "med_asset", TEXT, asset)},
	{0},
};
