"""Flows that last: interim records add up to the whole, the fast ones are marked, and one that is shunted keeps exact counters."""
import os

from harness import SMALL, check, eve_read, eve_sorted, frame_udp, pcap_write, system_test

SLOW, FAST, PAUSE = 40000, 40001, 40002


def frame(port, payload):
    return frame_udp(1, 9, payload, source_port=port)


def flows(t, capture, workers, burst, *options):
    done = t.replay(capture, "-w", str(workers), "--set", "capture.burst=%d" % burst, *SMALL, *options)
    check(done.code == 0, "exit %d: %s", done.code, done.err)
    records = {}
    for event in eve_read(os.path.join(done.folder, "eve.json")):
        if event["event_type"] == "flow":
            records.setdefault(event["src_port"], []).append(event)
    return records, t.stats(done.folder), b"".join(eve_sorted(os.path.join(done.folder, "eve.json")))


@system_test()
def test_interim_records_add_up(t):
    """One packet a second for 100 s in one flow; 20 in another and then none; records are due every 10 s of the interim clock."""
    frames = []
    for second in range(100):
        frames.append(frame(SLOW, b"x" * (10 + second)))
        frames.append(frame(PAUSE if second < 20 else SLOW, b"y"))
    capture, said = t.path("long.pcap"), set()
    pcap_write(capture, frames, step_us=500000)
    for workers, burst in ((1, 1), (1, 64), (3, 32)):
        records, stats, lines = flows(t, capture, workers, burst, "--set", "flow.interim_s=10", "--set", "flow.udp_new_s=60")
        said.add(lines)
        slow, pause = records[SLOW], records[PAUSE]
        check(9 <= len(slow) <= 11 and 2 <= len(pause) <= 3, "%d and %d records", len(slow), len(pause))
        check([e["spanwatch"]["part"] for e in slow] == list(range(1, len(slow) + 1)), "parts %r", [e["spanwatch"] for e in slow])
        check([e["flow"]["reason"] for e in slow[:-1]] == ["active"] * (len(slow) - 1) and slow[-1]["flow"]["reason"] != "active", "%r", slow)
        check(sum(e["flow"]["pkts_toserver"] for e in slow) == 180, "packets %r", [e["flow"] for e in slow])
        check(sum(e["flow"]["bytes_toserver"] for e in slow + pause) == sum(len(f) for f in frames), "bytes do not add up")
        check(len({e["flow_id"] for e in slow}) == 1 and len({e["flow"]["start"] for e in slow}) == 1, "one flow")
        check(stats["flows"]["created"] == 2, "%r", stats["flows"])
    check(len(said) == 1, "%d different results", len(said))
    records, _, _ = flows(t, capture, 1, 32)
    check(len(records[SLOW]) == 1 and "part" not in records[SLOW][0]["spanwatch"], "interim records that nobody asked for")


@system_test()
def test_elephants(t):
    """1400 bytes each 100 us are 112 Mbit/s, 60 bytes each ms are 0.5."""
    frames = [frame(SLOW, b"x" * 18) if n % 10 == 0 else frame(FAST, b"z" * 1358) for n in range(20000)]
    capture, said = t.path("fast.pcap"), set()
    pcap_write(capture, frames, step_us=100)
    for workers, shunt in ((1, "false"), (3, "false"), (1, "true"), (3, "true")):
        records, stats, lines = flows(t, capture, workers, 32, "--set", "flow.elephant_mbps=50", "--set", "flow.shunt=%s" % shunt)
        said.add(lines)
        fast, slow = records[FAST][0], records[SLOW][0]
        check(fast["spanwatch"].get("elephant") and 90e6 < fast["spanwatch"]["peak_bps"] < 125e6, "%r", fast["spanwatch"])
        check("elephant" not in slow["spanwatch"], "%r", slow["spanwatch"])
        check(fast["flow"]["pkts_toserver"] == 18000 and slow["flow"]["pkts_toserver"] == 2000, "%r", stats["flows"])
        check(stats["flows"]["elephants"] == 1, "%r", stats["flows"])
    check(len(said) == 1, "%d different results", len(said))
