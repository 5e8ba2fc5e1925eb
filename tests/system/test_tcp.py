"""Round trips and segments sent again, flow by flow, against what tshark says of the same capture."""
import collections
import json
import os

from harness import ROOT, SHARED, SPANWATCH, check, system_test

OWN = ("demo.pcap", "http.pcap", "tls.pcap")
PUBLIC = ("ndpi_1kxun.pcap", "ndpi_ftp.pcap", "zeek_auth.pcap", "cs_tcp_dupack.pcapng", "zeek_rdp-proprietary-encryption.pcap")
FIELDS = ("tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.analysis.retransmission",
          "tcp.analysis.initial_rtt")
AGREE = 0.95  # of the flows


def ends(source, source_port, dest, dest_port):
    return tuple(sorted(((source, int(source_port)), (dest, int(dest_port)))))


def tshark_flows(t, capture):
    """By ends: segments sent again, the round trips of its streams. Quoted headers (ICMP) are not told apart by tshark, so leave."""
    flows = collections.defaultdict(lambda: {"again": 0, "rtt": {}})
    fields = [word for field in FIELDS for word in ("-e", field)]
    said = t.call("tshark", "-r", capture, "-Y", "tcp && !icmp && !icmpv6", "-T", "fields", *fields)
    for line in said.splitlines():
        stream, ip4, ip6, port, to4, to6, to_port, again, rtt = line.split("\t")
        flow = flows[ends(ip4 or ip6, port, to4 or to6, to_port)]
        flow["again"] += again != ""
        if rtt:
            flow["rtt"][stream] = float(rtt) * 1000
    return flows


def our_flows(t, capture, name):
    out = t.path(name)
    t.call(SPANWATCH, "-r", capture, "-o", out, "--api", "none")
    flows = collections.defaultdict(lambda: {"again": 0, "rtt": []})
    with open(os.path.join(out, "eve.json"), encoding="utf-8") as events:
        for event in map(json.loads, events):
            if event["event_type"] != "flow" or event["proto"] != "TCP":
                continue
            tcp, flow = event["tcp"], flows[ends(event["src_ip"], event["src_port"], event["dest_ip"], event["dest_port"])]
            flow["again"] += tcp.get("retransmissions_toserver", 0) + tcp.get("retransmissions_toclient", 0)
            flow["rtt"] += [tcp["handshake_rtt_ms"]] if "handshake_rtt_ms" in tcp else []
    return flows


def same_rtt(ours, theirs):
    return len(ours["rtt"]) == 1 and abs(ours["rtt"][0] - theirs) <= max(0.01, theirs * 0.02)


def compare(t, capture):
    """(flows that agree, all flows): in segments sent again, in the round trip of those with one stream."""
    theirs, ours = tshark_flows(t, capture), our_flows(t, capture, os.path.basename(capture))
    check(set(theirs) == set(ours), "%s: not the same flows: %s", capture, sorted(set(theirs) ^ set(ours))[:5])
    rtts = [(key, next(iter(flow["rtt"].values()))) for key, flow in theirs.items() if len(flow["rtt"]) == 1]
    wrong = [(key, "sent again", ours[key]["again"], flow["again"]) for key, flow in theirs.items() if ours[key]["again"] != flow["again"]]
    wrong += [(key, "round trip", ours[key]["rtt"], rtt) for key, rtt in rtts if not same_rtt(ours[key], rtt)]
    for row in wrong:
        print(os.path.basename(capture), *row)
    return len(wrong), len(theirs) + len(rtts)


@system_test()
def test_own_captures_as_tshark_has_them(t):
    for name in OWN:
        wrong, total = compare(t, os.path.join(ROOT, "pcaps", name))
        check(wrong == 0 and total > 0, "%s: %d of %d differ", name, wrong, total)


@system_test(shared=True)
def test_public_captures_as_tshark_has_them(t):
    wrong = total = 0
    for name in PUBLIC:
        more, of = compare(t, os.path.join(SHARED, "captures", name))
        wrong, total = wrong + more, total + of
    print("%d of %d differ" % (wrong, total))
    check(wrong <= total * (1 - AGREE), "%d of %d differ", wrong, total)
