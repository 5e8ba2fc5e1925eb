// What is known of numbers that nothing here decodes: names, for those who read the list of unknown protocols.
#include <stddef.h>

#include "packet/packet.h"

struct ethertype {
	uint16_t value;
	const char *name;
};

static const struct ethertype ethertypes[] = {
	{0x0200, "PUP"},           {0x0600, "XNS"},          {0x0805, "X.25"},         {0x0bad, "VINES"},
	{0x22ea, "SRP"},           {0x22f0, "AVTP"},         {0x22f3, "TRILL"},        {0x4305, "BATMAN"},
	{0x6001, "DEC MOP dump"},  {0x6002, "DEC MOP"},      {0x6003, "DECnet"},       {0x6004, "DEC LAT"},
	{0x6558, "bridged Ethernet"}, {0x809b, "AppleTalk"}, {0x80f3, "AppleTalk ARP"}, {0x8137, "IPX"},
	{0x8204, "QNX Qnet"},      {0x8808, "MAC control"},  {0x880b, "PPP"},          {0x8819, "CobraNet"},
	{0x886d, "Intel ANS"},     {0x8870, "jumbo LLC"},    {0x887b, "HomePlug"},     {0x8892, "PROFINET"},
	{0x8899, "Realtek"},       {0x889a, "HyperSCSI"},    {0x88a2, "ATA over Ethernet"}, {0x88a4, "EtherCAT"},
	{0x88ab, "POWERLINK"},     {0x88b5, "local experimental 1"}, {0x88b6, "local experimental 2"}, {0x88b7, "OUI extended"},
	{0x88b8, "GOOSE"},         {0x88b9, "GSE management"}, {0x88ba, "sampled values"}, {0x88c7, "802.11i preauthentication"},
	{0x88cd, "SERCOS III"},    {0x88d9, "LLTD"},         {0x88e1, "HomePlug AV"},  {0x88e3, "MRP"},
	{0x88e7, "PBB"},           {0x88f5, "MVRP"},         {0x88f6, "MMRP"},         {0x88f7, "PTP"},
	{0x88f8, "NC-SI"},         {0x88fb, "PRP"},          {0x8902, "CFM"},          {0x8906, "FCoE"},
	{0x890d, "TDLS"},          {0x8914, "FCoE initialization"}, {0x8915, "RoCE"},  {0x891d, "TTEthernet"},
	{0x892f, "HSR"},           {0x893a, "IEEE 1905.1"},  {0x894f, "NSH"},          {0x9003, "OpenFlow discovery"},
	{0x9998, "OpenBSD pfsync"}, {0xcafe, "VSS"},         {0xf1c1, "802.1CB"},
};

const char *packet_ethertype_name(uint16_t ethertype)
{
	for (size_t i = 0; i < sizeof(ethertypes) / sizeof(ethertypes[0]); i++)
		if (ethertypes[i].value == ethertype)
			return ethertypes[i].name;
	return NULL;
}

const char *packet_sap_name(uint8_t sap)
{
	static const char *const names[256] = {
		[0x00] = "null",        [0x02] = "LLC management", [0x03] = "LLC group management", [0x04] = "SNA path control",
		[0x05] = "SNA group",   [0x06] = "IP",          [0x08] = "SNA",             [0x0c] = "SNA",
		[0x0e] = "PROWAY network management",           [0x10] = "NetWare",         [0x14] = "ISO network layer",
		[0x18] = "Texas Instruments", [0x42] = "spanning tree", [0x4e] = "EIA RS-511",   [0x7e] = "X.25",
		[0x7f] = "ISO 802.2",   [0x80] = "XNS",         [0x82] = "BACnet",          [0x86] = "Nestar",
		[0x8e] = "PROWAY active station list",          [0x98] = "ARP",             [0xaa] = "SNAP",
		[0xab] = "SNAP",        [0xba] = "VINES loopback", [0xbc] = "VINES",        [0xd4] = "resource location",
		[0xdc] = "dynamic address resolution",          [0xe0] = "NetWare",         [0xf0] = "NetBIOS",
		[0xf4] = "LAN management", [0xf5] = "LAN management group", [0xf8] = "remote program load",
		[0xfa] = "Ungermann-Bass", [0xfc] = "remote program load", [0xfe] = "ISO network layer", [0xff] = "global",
	};

	return names[sap];
}
