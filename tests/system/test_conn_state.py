"""conn_state and history, connection by connection, against a calculation of its own (conn_state.py)."""
import collections
import ipaddress
import os

from conn_state import connections_of
from harness import ROOT, SHARED, SMALL, check, system_test

OWN = ("demo.pcap", "http.pcap", "tcp_options.pcap", "tls.pcap")
PUBLIC = ("ndpi_synscan.pcap", "sgr_dgapcap.pcapng", "esnet_one_way_all_flags.pcap", "cs_tcp_retransmissions.pcapng", "ndpi_ftp.pcap",
          "zeek_auth.pcap", "ndpi_1kxun.pcap", "sgr_hs-tcp_synPingSweepRand.pcapng", "sddos_pkt.TCP.DOMINATE.syn.ecn.cwr.pcapng",
          "zeek_tcp-fast-open.pcap", "ipfx_smtp.pcap")


def theirs_of(capture):
    """By both ends, in the order of time: (client, server, conn_state, history)."""
    by_ends = collections.defaultdict(list)
    for c in connections_of(capture):
        by_ends[frozenset((c.client, c.server))].append((c.client, c.server, c.conn_state(), c.history()))
    return by_ends


def ours_of(t, capture):
    events, _ = t.analyse(capture, "--api", "none", *SMALL)
    flows = [e for e in events if e["event_type"] == "flow" and e["proto"] == "TCP"]
    by_ends = collections.defaultdict(list)
    for e in sorted(flows, key=lambda e: e["flow"]["start"]):
        client, server = ((str(ipaddress.ip_address(e[side + "_ip"])), e[side + "_port"]) for side in ("src", "dest"))
        said = e["spanwatch"]
        by_ends[frozenset((client, server))].append((client, server, said["conn_state"], said.get("history", "")))
    return by_ends


def compare(t, capture):
    """How many connections there are, all of which have to agree; prints those that do not."""
    theirs, ours = theirs_of(capture), ours_of(t, capture)
    name = os.path.basename(capture)
    wrong = [key for key in set(theirs) | set(ours) if theirs.get(key) != ours.get(key)]
    for key in wrong:
        print(name, "calculated", theirs.get(key), "ours", ours.get(key))
    states = collections.Counter(c[2] for rows in theirs.values() for c in rows)
    total = sum(states.values())
    print(name, total, "connections", dict(sorted(states.items())), "differ:", len(wrong))
    check(total > 0, "%s: no connections", name)
    return wrong


@system_test(tools=("tshark",))
def test_own_captures(t):
    wrong = [key for name in OWN for key in compare(t, os.path.join(ROOT, "pcaps", name))]
    check(not wrong, "%d pairs of ends differ", len(wrong))


@system_test(shared=True, tools=("tshark",))
def test_public_captures(t):
    wrong = [key for name in PUBLIC for key in compare(t, os.path.join(SHARED, "captures", name))]
    check(not wrong, "%d pairs of ends differ", len(wrong))
