#include "base/tunnel.h"

const char *const tunnel_names[TUNNEL_KINDS] = {
	[TUNNEL_NONE] = "none",
	[TUNNEL_IPIP] = "ipip",
	[TUNNEL_6IN4] = "6in4",
	[TUNNEL_4IN6] = "4in6",
	[TUNNEL_6IN6] = "6in6",
	[TUNNEL_ETHERIP] = "etherip",
	[TUNNEL_GRE] = "gre",
	[TUNNEL_NVGRE] = "nvgre",
	[TUNNEL_PPTP] = "pptp",
	[TUNNEL_ERSPAN] = "erspan",
	[TUNNEL_VXLAN] = "vxlan",
	[TUNNEL_VXLAN_GPE] = "vxlan_gpe",
	[TUNNEL_GENEVE] = "geneve",
	[TUNNEL_GTP_U] = "gtp_u",
	[TUNNEL_TEREDO] = "teredo",
	[TUNNEL_L2TP] = "l2tp",
};
