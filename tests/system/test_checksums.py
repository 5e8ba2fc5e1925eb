"""What is said of checksums is what tshark says of them, and the settings do what they promise."""
import collections
import os

from harness import ROOT, SMALL, captures, check, eve_sorted, ledger_check, system_test

CAPTURE = os.path.join(ROOT, "pcaps/checksums.pcap")
STATUS = {"ip": "ipv4", "tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "icmpv6", "igmp": "igmp"}
BAD, GOOD, ILLEGAL = "0", "1", "4"  # tshark's; illegal: UDP over IPv6 without a checksum
# tshark does not look into L2TP version 3, and of a longer IGMP message it sums 8 bytes where RFC 2236 says all of the IP payload. We do
# not verify the IPv4 header in a tunnel whose outer packet came in fragments, only what is innermost.
BLIND = ("l2tp3_ip.pcap", "l2tp3_udp.pcap", "tunnel_kinds.pcap", "igmp.pcap", "fragments.pcap")
OFFLOADING = "02:00:00:00:00:0f"


def unquoted(protocols):
    """The layers of a frame without those that an ICMP error quotes."""
    layers = protocols.split(":")
    for i, (layer, following) in enumerate(zip(layers, layers[1:])):
        if layer in ("icmp", "icmpv6") and following in ("ip", "ipv6"):
            return layers[:i + 1]
    return layers


def tshark_counts(t, capture):
    """Of every level: in a tunnel there are several headers of one kind."""
    counts = {name: collections.Counter() for name in STATUS.values()}
    wanted = [option for name in STATUS for option in ("-e", name + ".checksum.status")]
    on = [option for name in ("ip", "tcp", "udp") for option in ("-o", name + ".check_checksum:TRUE")]
    for line in t.call("tshark", "-r", capture, *on, "-T", "fields", "-e", "frame.protocols", *wanted).splitlines():
        protocols, *fields = line.split("\t")
        layers = unquoted(protocols)
        for (layer, name), every in zip(STATUS.items(), fields):
            for status in every.split(",")[:layers.count(layer)]:
                if status in (BAD, GOOD, ILLEGAL):
                    counts[name]["good" if status == GOOD else "bad"] += 1
    return counts


def run(t, *options, code=0):
    done = t.replay(CAPTURE, *SMALL, *options)
    check(done.code == code, "exit %d: %s", done.code, done.err[-800:])
    stats = t.stats(done.folder)
    ledger_check(stats)
    return done, stats


@system_test(tools=("tshark",))
def test_as_tshark(t):
    for capture in captures(shared=False):
        if os.path.basename(capture) in BLIND:
            continue
        said = t.analyse(capture, *SMALL)[1]["checksums"]
        for name, true in tshark_counts(t, capture).items():
            for verdict in ("good", "bad"):
                check(said[name][verdict] == true[verdict], "%s: %s %s: said %d, tshark %d", os.path.basename(capture), name, verdict,
                      said[name][verdict], true[verdict])


@system_test()
def test_drop(t):
    verified = run(t)[1]
    eve = []
    for workers in ("1", "3"):
        done, stats = run(t, "--set", "capture.checksum=drop", "-w", workers)
        bad = sum(counts["bad"] for counts in verified["checksums"].values())
        check(bad > 0 and stats["checksums"] == verified["checksums"], "dropping changed the counts: %s", stats["checksums"])
        check(stats["packets"]["malformed"] == {"checksum": bad}, "%d bad, one in a packet: %s", bad, stats["packets"]["malformed"])
        check("capture.checksum = verify" in done.err, "the remedy is not said: %s", done.err)
        eve.append(eve_sorted(os.path.join(done.folder, "eve.json")))
    check(eve[0] == eve[1], "the number of workers changes what is dropped")


@system_test()
def test_off(t):
    done, stats = run(t, "--set", "capture.checksum=off")
    check(not any(n for counts in stats["checksums"].values() for n in counts.values()), "off, and yet: %s", stats["checksums"])
    check(OFFLOADING not in done.err, "offload is said although nobody looked: %s", done.err)
    check(stats["packets"]["malformed"] == {}, "malformed: %s", stats["packets"]["malformed"])


@system_test()
def test_sample(t):
    every, some = run(t)[1]["checksums"], run(t, "--set", "capture.checksum_sample=5")[1]["checksums"]
    for name, counts in every.items():
        check(sum(counts.values()) == sum(some[name].values()), "%s: a header is lost: %s, %s", name, counts, some[name])
    check(0 < some["ipv4"]["good"] + some["ipv4"]["bad"] < 12, "one of five of %s: %s", every["ipv4"], some["ipv4"])
    check(some["ipv4"]["unverified"] > 25, "the others are not unverified: %s", some["ipv4"])


@system_test()
def test_offload_is_said_once(t):
    for workers in ("1", "2"):
        err = run(t, "-w", workers)[0].err
        check(err.count(OFFLOADING) == 1, "%d times: %s", err.count(OFFLOADING), err)
        check("20 bad TCP checksums" in err and "192.0.2.15" in err, "who and how many: %s", err)
        check("02:00:00:00:00:01" not in err, "a host with good ones is called offloading: %s", err)
