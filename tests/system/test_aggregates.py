"""Sums by minute as they stand in Redis: what they have to be, worked out from the packets, for any number of workers."""
import os
import time

from harness import ROOT, check, eve_read, frame_udp, ledger_check, pcap_write, system_test
from redis_rig import Redis, drain

START, STEP_MS, TIMEOUT_MS, COUNT = 1700000000, 100, 30000, 3000
HOUR = len("2023111422")


def minute_of(ms):
    return time.strftime("%Y%m%d%H%M", time.gmtime(START + ms // 1000))


def tops(server, sensor):
    """{"talkers:202311142213": {name: bytes}}"""
    found = {}
    for key in server.call("KEYS", "sw:{%s}:top:*" % sensor):
        row = server.call("ZRANGE", key, 0, -1, "WITHSCORES")
        found[key.partition(":top:")[2]] = {name: int(score) for name, score in zip(row[::2], row[1::2])}
    return found


def hosts(server, sensor):
    return {key.partition(":hosts:")[2]: server.call("PFCOUNT", key) for key in server.call("KEYS", "sw:{%s}:hosts:*" % sensor)}


def add(found, key, name, size):
    sums = found.setdefault(key, {})
    sums[name] = sums.get(name, 0) + size


def expected(frames):
    """Each packet is a flow, whose record is made TIMEOUT_MS after it, or when the capture ends."""
    found, addresses = {}, {}
    for i, (client, frame) in enumerate(frames):
        name = minute_of(min(i * STEP_MS + TIMEOUT_MS, (len(frames) - 1) * STEP_MS))
        client = "10.0.%d.%d" % (client >> 8, client & 255)
        add(found, "talkers:" + name, client, len(frame))
        add(found, "talkers:" + name, "10.1.0.1", len(frame))
        add(found, "pairs:" + name, client + " 10.1.0.1", len(frame))
        add(found, "protocols:" + name, "udp", len(frame))
        add(found, "applications:" + name, "unknown", len(frame))
        addresses.setdefault(name, set()).update((client, "10.1.0.1"))
    return found, addresses


def counted(server, names):
    """What a HyperLogLog says that was told of every one."""
    server.call("DEL", "all")
    for at in range(0, len(names), 500):
        server.call("PFADD", "all", *names[at:at + 500])
    return server.call("PFCOUNT", "all")


@system_test(tools=("redis-server",))
def test_minutes_are_exact(t):
    """Five minutes, few enough clients that each list holds all of them; hosts are told once and counted as if all had been."""
    server, capture = Redis(t), t.path("Minutes.pcap")
    frames = [(i * 7 % 40 + 1, frame_udp(i * 7 % 40 + 1, 9999, b"x" * (i % 500), source_port=1024 + i)) for i in range(COUNT)]
    pcap_write(capture, [frame for _, frame in frames], start=START, step_us=STEP_MS * 1000)
    sums, addresses = expected(frames)
    check(len(addresses) >= 5, "minutes: %r", sorted(addresses))
    for workers in (1, 3):
        sensor = "w%d" % workers
        folder = drain(t, capture, server.address, t.fresh("spool"), "-w", workers, "--set", "flow.udp_new_s=%d" % (TIMEOUT_MS // 1000), sensor=sensor)
        got = tops(server, sensor)
        check(set(got) == set(sums), "%s: lists of %r, not of %r", sensor, sorted(got), sorted(sums))
        for key, want in sums.items():
            check(got[key] == want, "%s: %s is %r, not %r", sensor, key, got[key], want)
        told = {name: count for name, count in hosts(server, sensor).items() if len(name) > HOUR}
        check(told == {name: counted(server, sorted(all_)) for name, all_ in addresses.items()}, "%s: hosts %r", sensor, told)
        stats = t.stats(folder)
        ledger_check(stats)
        said = server.call("HGETALL", "sw:{%s}:stats" % sensor)
        said = dict(zip(said[::2], said[1::2]))
        check(int(said["packets.received"]) == COUNT and int(said["bytes.received"]) == stats["bytes"]["received"], "stats: %r", said)
        check(int(said["flows.ended"]) == COUNT and said["packets.dropped"] == "0" and said["port.Minutes.pcap.lost"] == "0", "stats: %r", said)
        check(said["ledger.residual"] == "0", "stats: %r", said)


@system_test(tools=("redis-server",))
def test_many_hosts(t):
    """More than one aggregate can say, and more than there are registers: they are counted as if each had been told."""
    server, capture, count = Redis(t), t.path("hosts.pcap"), 30000
    pcap_write(capture, [frame_udp(i, 9999) for i in range(count)], start=START, step_us=500)
    drain(t, capture, server.address, t.fresh("spool"), "-w", "2", "--set", "flow.udp_new_s=1")
    names = ["10.1.0.1"] + ["10.0.%d.%d" % (i >> 8, i & 255) for i in range(count)]
    told = hosts(server, "t1")
    check(set(told) == {minute_of(0), minute_of(0)[:HOUR]}, "hosts: %r", told)
    check(set(told.values()) == {counted(server, names)}, "hosts: %r", told)


@system_test(tools=("redis-server",))
def test_own_captures(t):
    """What stands in Redis of a capture is the same for any number of workers; no address of a record is missing from its hours."""
    server = Redis(t)
    for capture in (os.path.join(ROOT, "pcaps", name) for name in ("demo.pcap", "tls_versions.pcap", "tcp_options.pcap", "applications.pcap")):
        seen = []
        for workers in (1, 2, 4):
            server.call("FLUSHALL")
            folder = drain(t, capture, server.address, t.fresh("spool"), "-w", workers)
            seen.append((tops(server, "t1"), hosts(server, "t1")))
            check(seen[-1] == seen[0], "%s: %d workers say %r, one says %r", capture, workers, seen[-1], seen[0])
        ends = {e[side] for e in eve_read(os.path.join(folder, "eve.json")) if e["event_type"] == "flow" for side in ("src_ip", "dest_ip")}
        hours = ["sw:{t1}:hosts:" + name for name in seen[0][1] if len(name) == HOUR]
        check(server.call("PFCOUNT", *hours) == counted(server, sorted(ends)), "%s: %d hosts, not %r", capture, len(ends), seen[0][1])
