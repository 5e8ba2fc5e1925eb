"""Flows in tunnels: what tshark finds at the bottom of every frame is the flow, with its tunnel; filters see every level; a flow of a
tunnel is one flow for any number of workers."""
import json
import os
import struct
import subprocess

from harness import ROOT, SMALL, check, eve_sorted, pcap_write, system_test

CAPTURE = os.path.join(ROOT, "pcaps/tunnel_kinds.pcap")
# What carries which look-up, by its number; tshark names the last two only "l2tp": it does not try what a session was agreed to be.
KINDS = ("ipip 6in4 4in6 6in6 etherip gre gre gre gre nvgre pptp erspan erspan erspan vxlan vxlan vxlan_gpe geneve gtp_u gtp_u teredo "
         "teredo l2tp l2tp l2tp gre 4in6").split()
AGREED = (24, 25)
FILTERS = (
    ({"VXLAN": {}}, "vxlan && dns && !(udp.dstport == 4790)"),  # VXLAN that carries no IP is of the outer flow
    ({"VXLAN": {"VNI": 42}}, "vxlan.vni == 42 && dns"),
    ({"GENEVE": {"VNI": "40-50"}}, "geneve.vni >= 40 && geneve.vni <= 50"),
    ({"GTP_U": {"TEID": 4096}}, "gtp.teid == 4096"),
    ({"ERSPAN": {"Session": [33, 34]}}, "erspan.spanid in {33, 34}"),
    ({"Teredo": {}}, "teredo && dns"),
    ({"GRE": {"Protocol_Type": "0x6558"}}, "gre.proto == 0x6558"),
    ({"IPv4": {"Source_Address": "198.51.100.1"}}, "ip.src == 198.51.100.1"),
    ({"IPv6": {"Source_Address": "2001:db8::10"}}, "ipv6.src == 2001:db8::10"),
    ({"IPv6": {}, "IPv4": {}}, "ip && ipv6"),
    ({"UDP": {"Source_Port": 53}, "IPv4": {"Source_Address": "198.51.100.2"}, "GRE": {}}, "udp.srcport == 53 && ip.src == 198.51.100.2 && gre"),
    ({"Ethernet": {"Source_MAC": "02:00:00:00:01:0a"}, "VXLAN": {}}, "eth.src == 02:00:00:00:01:0a && vxlan"),
)


def tshark(*arguments):
    done = subprocess.run(("tshark", "-r", CAPTURE, *arguments), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@system_test(tools=("tshark",))
def test_inner_flows_as_tshark_has_them(t):
    said = {}
    for line in tshark("-Y", "dns.qry.name contains \"tunnel\"", "-T", "fields", "-e", "dns.qry.name", "-e", "udp.srcport", "-e", "udp.dstport",
                       "-e", "ip.src", "-e", "ipv6.src", "-E", "occurrence=l"):
        name, *rest = line.split("\t")
        said.setdefault(int(name[len("tunnel"):].split(".")[0]), []).append(rest)
    check(set(said) == set(range(1, len(KINDS) + 1)) - set(AGREED), "tshark names %r", sorted(said))
    events, _ = t.analyse(CAPTURE, "-w", "1", *SMALL)
    flows = {e["src_port"] - 40000: e for e in events if e["event_type"] == "flow" and e.get("src_port", 0) in range(40001, 40100)}
    names = {e["flow_id"]: e["dns"]["rrname"] for e in events if e["event_type"] == "dns"}
    check(set(flows) == set(range(1, len(KINDS) + 1)), "flows %r", sorted(flows))
    for number, flow in flows.items():
        tunnel = flow["tunnel"]
        check(tunnel["kind"] == KINDS[number - 1], "%d is %r", number, tunnel)
        check(flow["flow"]["pkts_toserver"] == flow["flow"]["pkts_toclient"] == 1, "%d: %r", number, flow["flow"])
        check(names[flow["flow_id"]] == "tunnel%d.example.org" % number, "%d asks for %s", number, names[flow["flow_id"]])
        check(tunnel["depth"] == (2 if number > 25 else 1), "%d: %r", number, tunnel)
        if number not in AGREED:
            ask, answer = said[number]
            check(ask[:2] == [str(flow["src_port"]), "53"] and answer[:2] == ["53", str(flow["src_port"])], "%d: %r", number, said[number])
            check(flow["src_ip"] in ask[2:], "%d: %s is none of %r", number, flow["src_ip"], ask[2:])


@system_test()
def test_one_flow_for_any_workers(t):
    said = set()
    for workers, burst in ((1, 1), (1, 64), (3, 1), (3, 32), (4, 64)):
        done = t.replay(CAPTURE, "-w", str(workers), "--set", "capture.burst=%d" % burst, *SMALL)
        check(done.code == 0, "exit %d: %s", done.code, done.err)
        said.add(b"".join(eve_sorted(os.path.join(done.folder, "eve.json"))))
    check(len(said) == 1, "%d different results", len(said))


@system_test(tools=("tshark",))
def test_filters_see_every_level(t):
    for attributes, display in FILTERS:
        path = t.path("filter.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"Action": "keep", **attributes}, f)
        _, stats = t.analyse(CAPTURE, "-w", "2", "--attributes", path, *SMALL)
        wanted = len(tshark("-Y", display, "-T", "fields", "-e", "frame.number"))
        check(0 < wanted == stats["packets"]["analysed"], "%s: %d frames, tshark's %s: %d", json.dumps(attributes),
              stats["packets"]["analysed"], display, wanted)


# Real TCP by real stacks, the tunnel made by the kernel or by a program between them; tshark does not read what is in L2TP version 3.
REAL = ("vxlan", "geneve", "gre", "gre6", "nvgre", "erspan2", "erspan3", "ipip", "ip4in6", "sit", "ip6tnl", "etherip", "gtp", "teredo", "l2tp2")


def connections(path):
    """Packets of each TCP connection as tshark has them, ends sorted: what is innermost in a frame."""
    counts = {}
    done = subprocess.run(("tshark", "-r", path, "-Y", "tcp && !icmp && !icmpv6", "-T", "fields", "-E", "occurrence=l", "-e", "frame.protocols",
                           "-e", "ip.src", "-e", "ip.dst", "-e", "ipv6.src", "-e", "ipv6.dst", "-e", "tcp.srcport", "-e", "tcp.dstport"),
                          capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        protocols, src4, dst4, src6, dst6, *ports = line.split("\t")
        four = [p for p in protocols.split(":") if p in ("ip", "ipv6")][-1] == "ip"
        ends = tuple(sorted(zip((src4, dst4) if four else (src6, dst6), ports)))
        counts[ends] = counts.get(ends, 0) + 1
    return counts


@system_test(tools=("tshark",))
def test_real_connections_in_tunnels(t):
    for name in REAL:
        path = os.path.join(ROOT, "pcaps", name + ".pcap")
        events, stats = t.analyse(path, "-w", "2", *SMALL)
        flows = {tuple(sorted(((e["src_ip"], str(e["src_port"])), (e["dest_ip"], str(e["dest_port"]))))): e
                 for e in events if e["event_type"] == "flow" and e["proto"] == "TCP"}
        wanted = connections(path)
        check(wanted, "%s: no connection", name)
        check({k: f["flow"]["pkts_toserver"] + f["flow"]["pkts_toclient"] for k, f in flows.items()} == wanted, "%s: %r is not %r", name,
              sorted(flows), sorted(wanted))
        for flow in flows.values():
            check(flow["tunnel"]["depth"] == 1 and flow["app_proto"] == "http", "%s: %r", name, flow)
        check(not stats["packets"]["malformed"], "%s: %r", name, stats["packets"]["malformed"])


def vxlan_datagram(network, vlan=None):
    """UDP from 10.0.0.1 to 10.0.0.2, in a virtual network; the same in each."""
    def ip(source, dest, data):
        return struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(data), 0, 0x4000, 64, 17, 0, source, dest) + data
    inner = b"\x02" * 12 + b"\x08\0" + ip(0x0a000001, 0x0a000002, struct.pack("!HHHH", 1000, 2000, 13, 0) + b"hello")
    tunnel = struct.pack("!HHHHII", 50000, 4789, 16 + len(inner), 0, 0x08000000, network << 8) + inner
    tag = b"\x81\0" + struct.pack("!H", vlan) if vlan is not None else b""
    return b"\x02" * 12 + tag + b"\x08\0" + ip(0xc0000201, 0xc0000202, tunnel)


@system_test()
def test_networks_and_tags_in_the_key(t):
    capture = t.path("networks.pcap")
    pcap_write(capture, [vxlan_datagram(network, vlan) for network in (1, 2, 3) for vlan in (None, 5, 6)])
    for options, flows in (((), 9), (("flow.key_vlan=false",), 3), (("flow.key_network=false",), 3),
                           (("flow.key_vlan=false", "flow.key_network=false"), 1)):
        sets = [part for option in options for part in ("--set", option)]
        events, _ = t.analyse(capture, "-w", "2", *sets, *SMALL)
        seen = [e for e in events if e["event_type"] == "flow"]
        check(len(seen) == flows, "%r: %d flows", options, len(seen))
        if not options:
            said = sorted((e["tunnel"]["id"], *e.get("vlan", [0])) for e in seen)
            check(said == [(n, v) for n in (1, 2, 3) for v in (0, 5, 6)], "%r", said)
