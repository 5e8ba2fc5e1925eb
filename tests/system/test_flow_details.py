"""TTLs, DSCP, MAC addresses, sizes and gaps of the first packets in flow events: against what tshark says of the same captures."""
import collections
import os

from harness import ROOT, SMALL, check, eve_sorted, system_test

OWN = ("demo.pcap", "http.pcap")
TUNNEL = "vxlan.pcap"
FIRSTS = 32
FIELDS = ("frame.time_epoch", "frame.protocols", "eth.src", "eth.dst", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.ttl", "ipv6.hlim", "ip.dsfield.dscp",
          "ipv6.tclass.dscp", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.len", "udp.length")
UDP_HEADER = 8
Packet = collections.namedtuple("Packet", "at_ns source dest macs ttl dscp size")
SET = ("--set", "flow.first_packets=%d" % FIRSTS)


def capture(name):
    return os.path.join(ROOT, "pcaps", name)


def packets(t, path):
    """By protocol and ends, TCP and UDP alone; in a tunnel what is innermost, if that is IP."""
    found = collections.defaultdict(list)
    fields = [word for field in FIELDS for word in ("-e", field)]
    for line in t.call("tshark", "-r", path, "-Y", "(tcp || udp) && !icmp && !icmpv6 && !arp", "-T", "fields", "-E", "occurrence=l", *fields).splitlines():
        said = dict(zip(FIELDS, line.split("\t")))
        six = [name for name in said["frame.protocols"].split(":") if name in ("ip", "ipv6")][-1] == "ipv6"
        source, dest, ttl, dscp = (said[f] for f in (("ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass.dscp") if six else
                                                     ("ip.src", "ip.dst", "ip.ttl", "ip.dsfield.dscp")))
        proto = "TCP" if said["tcp.srcport"] else "UDP"
        port = (said["%s.srcport" % proto.lower()], said["%s.dstport" % proto.lower()])
        seconds, fraction = said["frame.time_epoch"].split(".")
        source, dest = (source, int(port[0])), (dest, int(port[1]))
        found[proto, tuple(sorted((source, dest)))].append(Packet(
            int(seconds) * 10**9 + int(fraction.ljust(9, "0")), source, dest, (said["eth.src"], said["eth.dst"]),
            int(ttl), int(dscp), int(said["tcp.len"]) if proto == "TCP" else int(said["udp.length"]) - UDP_HEADER))
    return found


def expected(client, its):
    """What a flow of these packets has to say: ip, ether, sizes, gaps."""
    ip, sizes, gaps = {}, [], []
    for way, of in (("toserver", [p for p in its if p.source == client]), ("toclient", [p for p in its if p.source != client])):
        if of:
            ip.update({"ttl_min_" + way: min(p.ttl for p in of), "ttl_max_" + way: max(p.ttl for p in of), "dscp_" + way: of[-1].dscp})
    macs = its[0].macs if its[0].source == client else its[0].macs[::-1]
    latest = its[0].at_ns
    for packet in its[:FIRSTS]:
        sizes.append(packet.size if packet.source == client else -packet.size)
        gaps.append(max(0, packet.at_ns - latest) // 1000)
        latest = max(latest, packet.at_ns)
    return ip, {"src_mac": macs[0], "dest_mac": macs[1]}, sizes, gaps


def compare(t, name):
    """Flows that were compared; each of them is one conversation of tshark."""
    events, stats = t.analyse(capture(name), "-w", "2", *SMALL, *SET)
    theirs = packets(t, capture(name))
    flows = [e for e in events if e["event_type"] == "flow" and e["proto"] in ("TCP", "UDP") and ("tunnel" in e or name != TUNNEL)]
    check(len(flows) == len(theirs), "%s: %d flows, tshark has %d", name, len(flows), len(theirs))
    for flow in flows:
        client, server = (flow["src_ip"], flow["src_port"]), (flow["dest_ip"], flow["dest_port"])
        its = theirs[flow["proto"], tuple(sorted((client, server)))]
        ours = flow["ip"], flow["ether"], flow["spanwatch"]["first_sizes"], flow["spanwatch"]["first_gaps_us"]
        check(its and ours == expected(client, its), "%s %r: %r is not %r", name, client, ours, its and expected(client, its))
    check(stats["inspection"]["detail_pool"]["refused"] == 0, "%r", stats["inspection"]["detail_pool"])
    return len(flows)


@system_test(tools=("tshark",))
def test_details_as_tshark_has_them(t):
    for name in OWN:
        check(compare(t, name) > 0, "%s has no flow", name)


@system_test(tools=("tshark",))
def test_details_are_of_the_inner_packet(t):
    check(compare(t, TUNNEL) > 0, "%s has no flow", TUNNEL)


@system_test()
def test_details_are_the_same_for_any_workers(t):
    for name in OWN + (TUNNEL, "fragments_kernel.pcap"):
        said = set()
        for workers, burst in ((1, 1), (1, 64), (3, 32)):
            done = t.replay(capture(name), "-w", str(workers), "--set", "capture.burst=%d" % burst, *SMALL, *SET)
            check(done.code == 0, "exit %d: %s", done.code, done.err)
            said.add(b"".join(eve_sorted(os.path.join(done.folder, "eve.json"))))
        check(len(said) == 1, "%s: %d different results", name, len(said))


@system_test()
def test_a_small_pool_refuses_and_counts(t):
    events, stats = t.analyse(capture("demo.pcap"), "-w", "1", *SMALL, "--set", "limits.flow_details=1")
    flows = [e for e in events if e["event_type"] == "flow"]
    without = sum("ether" not in e for e in flows)
    check(0 < without < len(flows) and stats["inspection"]["detail_pool"]["refused"] == without, "%d of %d flows without, %r", without, len(flows),
          stats["inspection"]["detail_pool"])
    check(all("first_sizes" not in e["spanwatch"] for e in flows), "sizes that were not asked for")
