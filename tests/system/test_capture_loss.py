"""What TCP says of a port's capture: what the capture missed and what the network lost are told apart, port by port; and by which
rule the directions of flows were told, against the events of the same run."""
import collections
import os
import signal

from harness import ROOT, SMALL, SPANWATCH, check, eve_read, ledger_check, pcap_write, system_test

FLOWS, SEGMENTS, EVERY, SIZE = 8, 40, 10, 500
SYN, ACK = 2, 16
MISSED = FLOWS * (SEGMENTS // EVERY)
CLIENT, SERVER = "10.0.0.1", "10.1.0.1"
OWN = ("demo.pcap", "http.pcap", "icmp.pcap", "transports.pcap")


def segment(from_client, port, flags, seq, ack, payload=b""):
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    ends = {"src": CLIENT, "dst": SERVER} if from_client else {"src": SERVER, "dst": CLIENT}
    ports = {"sport": port, "dport": 443} if from_client else {"sport": 443, "dport": port}
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(**ends) /
                 TCP(flags=flags, seq=seq, ack=ack, window=60000, **ports) / payload)


def connection(port, leave_out, again, under_way=0):
    """A download, each segment acknowledged, once so many more are under way. leave_out: of those segments the capture sees the
    acknowledgement alone. again: the first copy of such a segment was lost behind the capture's back, so another one follows."""
    yield segment(True, port, SYN, 999, 0)
    yield segment(False, port, SYN | ACK, 4999, 1000)
    yield segment(True, port, ACK, 1000, 5000)
    for i in range(SEGMENTS + under_way):
        here = segment(False, port, ACK, 5000 + i * SIZE, 1000, b"x" * SIZE)
        if i < SEGMENTS and not (leave_out and i % EVERY == 5):
            yield here
        if i < SEGMENTS and again and i % EVERY == 5:
            yield here
        if i >= under_way:
            yield segment(True, port, ACK, 1000, 5000 + (i - under_way + 1) * SIZE)


def capture(t, name, first=20000, **how):
    path = t.path(name)
    frames = [frame for k in range(FLOWS) for frame in connection(first + k, **{"leave_out": False, "again": False, **how})]
    pcap_write(path, frames)
    return path, len(frames)


def loss_check(loss, segments, **expected):
    check(loss["segments"] == segments, "%r: there are %d segments", loss, segments)
    for name, value in expected.items():
        check(loss[name] == value, "%s is %r, not %r: %r", name, loss[name], value, loss)
    check(abs(loss["estimate"] - loss["acked_unseen"] / segments) < 1e-9, "%r", loss)


@system_test()
def test_missed_or_lost(t):
    cases = {"whole": ({}, {"acked_unseen": 0, "lost": 0, "retransmissions": 0}),
             "missed": ({"leave_out": True}, {"acked_unseen": MISSED}),
             "missed_of_many": ({"leave_out": True, "under_way": 4}, {"acked_unseen": MISSED, "lost": MISSED}),
             "again": ({"again": True}, {"acked_unseen": 0, "lost": 0, "retransmissions": MISSED})}
    for name, (how, expected) in cases.items():
        path, frames = capture(t, name + ".pcap", **how)
        events, stats = t.analyse(path, "--api", "none", *SMALL)
        loss_check(stats["ports"][0]["capture_loss"], frames, **expected)
        tcp = [event["tcp"] for event in events if event["event_type"] == "flow"]
        for key, of in (("lost", "lost_segments_"), ("acked_unseen", "acked_unseen_"), ("retransmissions", "retransmissions_")):
            told = sum(flow.get(of + way, 0) for flow in tcp for way in ("toserver", "toclient"))
            check(stats["ports"][0]["capture_loss"][key] == told, "%s: %d in the flows, %r", key, told, stats["ports"][0])
        _, two = t.analyse(path, "--api", "none", "-w", "2", *SMALL)
        check(two["ports"][0]["capture_loss"] == stats["ports"][0]["capture_loss"], "two workers: %r", two["ports"])


@system_test()
def test_port_by_port(t):
    """Two ports with different connections, one of them with a bad capture."""
    (good, good_frames), (bad, bad_frames) = capture(t, "good.pcap"), capture(t, "bad.pcap", first=30000, leave_out=True)
    api, out = t.fresh("api"), t.fresh("out")
    program = t.start(SPANWATCH, "--lcores=0@0,1@0", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "1024",
                      "--vdev=net_pcap0,rx_pcap=" + good, "--vdev=net_pcap1,rx_pcap=" + bad, "--", "--api", "unix:" + api, "-o", out,
                      "--stay", *SMALL)
    program.api = api
    t.until(lambda: (t.get(program, "/api/v1/health", quiet=True) or {"at_rest": not program.running()})["at_rest"], "the replay is over")
    ports = t.get(program, "/api/v1/ports")["ports"]
    check([port["replay_bytes"] for port in ports] == [os.path.getsize(path) for path in (good, bad)], "not in this order: %r", ports)
    loss_check(ports[0]["capture_loss"], good_frames, acked_unseen=0)
    loss_check(ports[1]["capture_loss"], bad_frames, acked_unseen=MISSED)
    metrics = t.get(program, "/metrics")
    name = ports[1]["name"]
    for line in ('port_tcp_acked_unseen_total{port="%s"} %d' % (name, MISSED), 'port_tcp_segments_total{port="%s"} %d' % (name, bad_frames),
                 'port_capture_loss_ratio{port="%s"} %.9f' % (name, MISSED / bad_frames)):
        check("\nspanwatch_" + line + "\n" in metrics, "/metrics does not say %s", line)
    program.process.send_signal(signal.SIGTERM)
    check(program.wait() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
    ledger_check(t.stats(out))


@system_test()
def test_directions(t):
    seen = collections.Counter()
    begun = t.path("begun.pcap")  # captures that begin in the middle: behind the SYN, with data of the server
    pcap_write(begun, list(connection(20000, False, False))[1:] + list(connection(20001, False, False))[3:])
    for path in [os.path.join(ROOT, "pcaps", name) for name in OWN] + [begun]:
        done = t.replay(path, "--api", "none", *SMALL)
        stats = t.stats(done.folder)["flows"]
        flows = [e for e in eve_read(os.path.join(done.folder, "eve.json")) if e["event_type"] == "flow"]
        told = collections.Counter(event["spanwatch"]["direction_reason"] for event in flows)
        flipped = sum("^" in event["spanwatch"].get("history", "") for event in flows)
        name = os.path.relpath(path, ROOT)
        check(all(told[rule] == count for rule, count in stats["directions"].items()), "%s: %r, the flows say %r", name, stats, told)
        check(sum(stats["directions"].values()) == stats["created"], "%s: %r", name, stats)
        check(stats["flipped"] == flipped, "%s: %d flipped, the flows say %d", name, stats["flipped"], flipped)
        seen.update(told)
        seen["flipped"] += flipped
    check(all(seen[rule] for rule in ("syn", "syn_ack", "port", "first_packet")) and seen["flipped"] >= 2, "the captures do not show all: %r", seen)
