"""Every fault of a Redis, done to a real one or on the way to it, while records come: afterwards the streams hold each record once."""
import os
import random
import re
import signal
import sys
import time

from harness import PATIENCE_S, SMALL, check, frame_udp, free_port, pcap_write, system_test
from redis_rig import (ENDS_FLOWS, LONG, Redis, all_there, delivered, drain, events_start, feed, finish, memory_kb, produced, question,
                       sends_to, sink, sink_adds_up, sink_is, sink_rests, stream_key, stream_read, traffic, verify_streams)
from resp_proxy import Proxy, flood

SECRET = "correct-horse-battery-7c1"
AWAY_S = 60 if LONG else 4
FROZEN_S = 30 if LONG else 3
GROWTH_KB = 8 * 1024   # what a server that lies may cost; runs that have the same to do differ by 2
FLOOD_MAX = 64 << 20   # of which most stands in the buffers of sockets
JITTER_S = 1.0         # of a busy machine
TRIES = 3              # it may be busy twice
AOF = ("--appendonly", "yes", "--appendfsync", "everysec")


def begin(t, *options, count=2000, seconds=3.0, address=None, sink_options=()):
    """A server and a spanwatch that is well under way with sending to it."""
    server = Redis(t, *options)
    program = feed(t, traffic(t, count, seconds), address or server.address, *sink_options)
    events_start(t, server)
    return server, program


def waits(t, program):
    t.until(lambda: sink(t, program)["records"]["waiting"] > 0, "something waits")


# ---- R1 to R4: away, forgetful, frozen, slow ----

@system_test(tools=("redis-server",))
def test_killed_and_back(t):
    server, program = begin(t, *AOF, seconds=2 + AWAY_S / 2)
    server.kill()
    sink_is(t, program, "degraded")
    time.sleep(AWAY_S)
    waits(t, program)
    for _ in range(TRIES):
        server.start()
        opened = time.monotonic()
        sink_is(t, program, "draining", "up")
        took = time.monotonic() - opened
        if took < 2 + JITTER_S:
            break
        server.kill()
        sink_is(t, program, "degraded")
    check(took < 2 + JITTER_S, "it took %.1f s until it went on", took)
    said, _ = all_there(t, program, server)
    check(said["faults"] >= 1 and said["connects"] >= 2, "faults and connects: %r", said)


@system_test(tools=("redis-server",))
def test_forgets_what_it_acknowledged(t):
    """Its snapshot is older than what it answered for: what is retained is sent again, from where the snapshot ends."""
    server, program = begin(t)
    server.call("SAVE")
    t.until(lambda: server.length("events") > 600, "more comes")
    had = server.length("events")
    server.kill()
    server.start()
    check(server.length("events") < had, "it forgot nothing")
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_forgets_beyond_what_is_kept(t):
    """All is gone and nothing is retained: one tombstone a stream, with the very range."""
    count = 12000
    server = Redis(t)
    program = feed(t, traffic(t, count, 6.0), server.address, "--set", "spool.retain_mb=0", "--set", "spool.segment_mb=1")
    t.until(lambda: min(server.length("events"), server.length("flows")) > count // 3, "much is delivered")
    server.kill()
    server.start()
    _, seen = all_there(t, program, server, causes=("retention",))
    for stream in ("flows", "events"):
        stones = seen[stream].tombstones
        check(len(stones) == 1 and stones[0].first == 1, "%s: tombstones %r", stream, stones)
        entries = stream_read(server, stream)
        lines = [e for e in entries if e.lost is None]
        check(lines[0].first == stones[0].last + 1, "%s: %r is followed by %d", stream, stones[0], lines[0].first)


@system_test(tools=("redis-server",))
def test_frozen(t):
    """What was written into its socket before it stopped is executed when it goes on, after we have given up on it."""
    server, program = begin(t, seconds=2 + FROZEN_S)
    server.freeze()
    try:
        sink_is(t, program, "degraded", "connecting")
        time.sleep(FROZEN_S)
        waits(t, program)
    finally:
        server.thaw()
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_end_while_frozen(t):
    """Whatever redis.timeout_ms is, the program ends within spool.exit_wait_s; what waited is delivered by the next run."""
    server = Redis(t)
    program = feed(t, traffic(t, 3000, 3.0), server.address, "--set", "redis.timeout_ms=60000", "--set", "spool.exit_wait_s=1")
    events_start(t, server)
    server.freeze()
    try:
        waits(t, program)
        began = time.monotonic()
        finish(t, program)
        took = time.monotonic() - began
    finally:
        server.thaw()
    check(took < 30, "the end took %.1f s", took)
    verify_streams(server, program.folder, drain(t, traffic(t, 10, 0.1), server.address, program.spool))


@system_test(tools=("redis-server",))
def test_slow(t):
    server = Redis(t)
    proxy = Proxy(server.port)
    proxy.delay = 0.2
    program = feed(t, traffic(t, 6000, 3.0), proxy.address)
    events_start(t, server)
    for _ in range(3):
        server.call("CLIENT", "PAUSE", 400, "WRITE")
        time.sleep(0.5)
    proxy.delay = 0.0
    all_there(t, program, server)


# ---- R5 to R7, R9: it answers, but takes nothing ----

def refuses(t, cause, spoil, mend, *options, sink_options=()):
    server, program = begin(t, *options, sink_options=sink_options)
    spoil(server)
    said = sink_is(t, program, "degraded", cause=cause)
    check(said["error"], "no sentence about %s: %r", cause, said)
    time.sleep(0.5)
    waits(t, program)
    mend(server)
    all_there(t, program, server)
    return program


@system_test(tools=("redis-server",))
def test_out_of_memory(t):
    refuses(t, "oom", lambda s: s.call("CONFIG", "SET", "maxmemory", 1), lambda s: s.call("CONFIG", "SET", "maxmemory", 0))


@system_test(tools=("redis-server",))
def test_read_only(t):
    refuses(t, "readonly", lambda s: s.call("REPLICAOF", "127.0.0.1", 1), lambda s: s.call("REPLICAOF", "NO", "ONE"))


@system_test(root=True, tools=("redis-server",))
def test_its_disk_is_full(t):
    disk = t.small_disk(8 << 20)
    server = Redis(t, *AOF, folder=disk)
    program = feed(t, traffic(t, 4000, 4.0), server.address)
    events_start(t, server)
    ballast = os.path.join(disk, "ballast")
    with open(ballast, "wb", buffering=0) as full:
        try:
            while full.write(bytes(65536)) == 65536:
                pass
        except OSError:
            pass
    sink_is(t, program, "degraded", cause="misconf")
    os.unlink(ballast)
    all_there(t, program, server)


def no_secret(t, program, *places):
    """The secret stands in no answer, in no message, in no file of ours."""
    for path in ("/api/v1/sinks", "/api/v1/health", "/api/v1/stats", "/api/v1/config", "/metrics"):
        try:
            check(SECRET not in str(t.get(program, path)), "the password stands in %s", path)
        except Exception as why:
            check("404" in str(why), "%s: %s", path, why)
    check(SECRET not in program.err + program.out, "the password stands in what was said")
    with open("/proc/%d/cmdline" % program.pid, encoding="utf-8") as line:
        check(SECRET not in line.read(), "the password stands in the command line")
    for place in places:
        for at, _, files in os.walk(place):
            for name in files:
                with open(os.path.join(at, name), "rb") as f:
                    check(SECRET.encode() not in f.read(), "the password stands in %s", name)


@system_test(tools=("redis-server",))
def test_password_is_wanted_later(t):
    """Ours is wrong at first, because there is none to give; then the server's becomes ours. No knocking in a tight loop."""
    secret = t.path("password")
    with open(secret, "w", encoding="ascii") as f:
        f.write(SECRET + "\n")
    server = Redis(t, password=SECRET)
    program = feed(t, traffic(t, 3000, 4.0), server.address, "-v", "--set", "redis.password_file=" + secret)
    events_start(t, server)
    server.call("CONFIG", "SET", "requirepass", "another-one")
    server.cut()
    sink_is(t, program, "degraded", cause="auth")
    knocks, began = server.info("stats", "total_connections_received"), time.monotonic()
    time.sleep(2)
    knocks, took = server.info("stats", "total_connections_received") - knocks, time.monotonic() - began
    check(knocks <= took + 1, "%d connections in %.1f s", knocks, took)
    no_secret(t, program)
    server.call("CONFIG", "SET", "requirepass", SECRET)
    delivered(t, program)
    no_secret(t, program, program.spool, program.folder)
    all_there(t, program, server)
    check(SECRET not in program.err, "the password stands in what was said")


@system_test(tools=("redis-server",))
def test_no_password_to_give(t):
    server, program = begin(t)
    server.call("CONFIG", "SET", "requirepass", SECRET)
    server.cut()
    sink_is(t, program, "degraded", cause="auth")
    server.call("CONFIG", "SET", "requirepass", "")
    all_there(t, program, server)


# ---- R10: half and garbled answers ----

SMALL_BATCHES = ("--set", "redis.batch=64")


@system_test(tools=("redis-server",), limit=1200)
def test_cut_answers(t):
    """Two of three connections end behind another byte of what is answered, the third after some batches; then in pieces of a byte."""
    server = Redis(t)
    proxy = Proxy(server.port)
    upto = 6000  # the first words, and the answer to a batch
    cuts = list(range(0, upto, 5)) if LONG else random.Random(6).sample(range(upto), 14)
    some = 20000

    def cut(n):
        turn = n * 2 // 3
        return proxy.NEVER if turn >= len(cuts) else cuts[turn] if n % 3 else some
    proxy.cut_reply = cut
    seconds = len(cuts) * 0.45 + 1
    program = feed(t, traffic(t, int(1200 * seconds), seconds), proxy.address, *SMALL_BATCHES)
    t.until(lambda: proxy.accepted * 2 // 3 >= len(cuts), "the cuts are done", 2 * seconds + PATIENCE_S)
    proxy.split = True
    proxy.cut()
    before = server.length("events")
    t.until(lambda: server.length("events") > before or t.get(program, "/api/v1/health")["replay"]["finished"], "byte by byte")
    time.sleep(0.3)
    proxy.split = False
    all_there(t, program, server, limit=seconds + PATIENCE_S)


@system_test(tools=("redis-server",), limit=600)
def test_cut_requests(t):
    """Redis gets half a batch, or all of it and cannot say so."""
    server = Redis(t)
    proxy = Proxy(server.port)
    generator = random.Random(7)
    cuts = [generator.choice((generator.randrange(1000), generator.randrange(40000))) for _ in range(400 if LONG else 16)]
    some = 60000
    proxy.cut_request = lambda n: proxy.NEVER if n >= 2 * len(cuts) else cuts[n // 2] if n % 2 else some
    seconds = len(cuts) * 0.2 + 1
    program = feed(t, traffic(t, int(1200 * seconds), seconds), proxy.address, *SMALL_BATCHES)
    t.until(lambda: proxy.accepted >= len(cuts), "half of the cuts are done", seconds + PATIENCE_S)
    all_there(t, program, server, limit=seconds + PATIENCE_S)


HOSTILE = {
    "a bulk of 2 GB": b"$2147483647\r\n",
    "a bulk of more than there is": b"$9223372036854775807\r\n",
    "a negative bulk": b"$-5\r\n",
    "an array of a billion": b"*1000000000\r\n",
    "arrays in arrays": b"*1\r\n" * 100000,
    "a number too large": b":9999999999999999999999\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "noise": bytes(range(256)) * 256,
    "NUL": bytes(65536),
    "a RESP3 map": b"%1\r\n+a\r\n+b\r\n",
    "an unknown type": b"?what\r\n",
    "a line without end": b"+" + b"a" * (1 << 20),
    "an error with control bytes": b"-ERR \x1b[2J\x00\x07" + b"e" * 5000 + b"\r\n",
    "too many answers": b"+OK\r\n" * 10000,
}


def grown_kb(t, server, program):
    """What it may have grown by: the same traffic without a lie."""
    plain = feed(t, traffic(t, 4000, 1.0), server.address, sensor="plain")
    before = memory_kb(plain)
    delivered(t, plain)
    usual = memory_kb(plain, "VmHWM") - before
    finish(t, plain)
    return memory_kb(program, "VmHWM") - program.before_kb - usual


def settings_file(t, address, *more):
    """A configuration, so that SIGHUP makes spanwatch try again at once."""
    path = t.path("spanwatch.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("[redis]\naddress = %s\n%s[spool]\ndirectory = %s\n[sensor]\nname = t1\n" % (address, "".join(more), t.path("spool")))
    return path


@system_test(tools=("redis-server",))
def test_hostile_answers(t):
    """Each at once and in the middle; memory stays where it was, and what is true is delivered afterwards."""
    server = Redis(t)
    proxy = Proxy(server.port)
    rows = [(offset, text) for offset in ((700, 100, 5, 0) if LONG else (700, 0)) for text in HOSTILE.values()]  # while records come
    proxy.inject = lambda n: rows[n - 1] if n <= len(rows) else None
    folder = t.fresh("out")
    program = t.watch("-c", settings_file(t, proxy.address, "timeout_ms = 100\n"), "-r", traffic(t, 4000, 8.0), "-o", folder, "--stay",
                      "--speed", 1, *SMALL, *ENDS_FLOWS)
    program.folder, program.sensor, program.before_kb = folder, "t1", memory_kb(program)
    for n in range(1, len(rows) + 1):
        t.until(lambda n=n: proxy.injected >= n, "answer %d" % n)
        time.sleep(0.03)
        if sink(t, program)["state"] == "degraded":
            program.process.send_signal(signal.SIGHUP)
    all_there(t, program, server)
    check("\x1b" not in program.err, "control bytes of the server reach the log")


@system_test(tools=("redis-server",))
def test_memory_under_hostile_answers(t):
    """A gigabyte and a line without an end are not read: the connection is closed once it is longer than any answer can be."""
    server = Redis(t)
    proxy = Proxy(server.port)
    floods = (flood(b"$1073741824\r\n"), flood(b"+"), flood(b"*1000000000\r\n$5\r\n", b"$5\r\nhello\r\n" * 5000))
    proxy.inject = lambda n: (700 if n % 2 else 0, floods[n - 1]) if n <= len(floods) else None
    program = feed(t, traffic(t, 4000, 1.0), proxy.address)
    program.before_kb = memory_kb(program)
    for n in range(1, len(floods) + 1):
        t.until(lambda n=n: proxy.injected >= n and sink(t, program)["state"] == "degraded", "answer %d" % n)
        program.process.send_signal(signal.SIGHUP)
    said = delivered(t, program)
    grown = grown_kb(t, server, program)
    check(grown < GROWTH_KB, "it grew by %d kB more than without a lie", grown)
    check(0 < proxy.flooded < FLOOD_MAX, "%d bytes of it were taken", proxy.flooded)
    check(said["faults"] >= len(floods), "faults: %r", said)
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_what_servers_say(t):
    """Each refusal has a cause of its own, and an error of the server's choice does no harm."""
    rows = ((b"-LOADING Redis is loading the dataset in memory\r\n", "loading"), (b"-NOAUTH Authentication required.\r\n", "auth"),
            (b"-MISCONF Redis is configured to save RDB snapshots\r\n", "misconf"), (b"HTTP/1.0 400 Bad request\r\n\r\n", "protocol"),
            (b"-NOPERM this user has no permissions\r\n", None), (b"-ERR max number of clients reached\r\n", None),
            (b"-ERR %s%n%s%n \x1b]0;x\x07\r\n", None))
    server = Redis(t)
    proxy = Proxy(server.port)
    program = feed(t, traffic(t, 2000, 2.0), proxy.address)
    events_start(t, server)
    for lie, cause in rows:
        proxy.lie = lie
        proxy.cut()
        program.process.send_signal(signal.SIGHUP)
        said = sink_is(t, program, "degraded", cause=cause)
        check(said["cause"] and said["error"] and "\x1b" not in said["error"], "%r: %r", lie, said)
        proxy.lie = None
        proxy.cut()
        program.process.send_signal(signal.SIGHUP)
        sink_is(t, program, "up", "draining")
    all_there(t, program, server)
    check("\x1b" not in program.err, "control bytes of the server reach the log")
    check(len(program.err.splitlines()) < 60, "the log is flooded: %d lines", len(program.err.splitlines()))


@system_test()
def test_no_redis_at_all(t):
    """A web server on its port; the end does not wait for it."""
    port = free_port()
    web = t.start(sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", t.folder)
    program = feed(t, traffic(t, 500, 0.5), "127.0.0.1:%d" % port, "--set", "spool.exit_wait_s=3600")
    said = sink_is(t, program, "degraded", cause="protocol")
    check("Redis" in said["error"], "the sentence: %s", said["error"])
    check(web.running(), "the web server ended: %s", web.err)
    finish(t, program)


# ---- R11: the network ----

@system_test(tools=("redis-server",))
def test_unknown_name_then_another_address(t):
    """The name does not resolve; the configuration is changed, and what waited is delivered to the new address."""
    server = Redis(t)
    folder = t.fresh("out")
    program = t.watch("-c", settings_file(t, "no-such-host.invalid:6379"), "-r", traffic(t, 1000, 1.0), "-o", folder, "--stay", "--speed", 1, *SMALL)
    program.folder, program.sensor = folder, "t1"
    sink_is(t, program, "degraded")
    settings_file(t, server.address)
    program.process.send_signal(signal.SIGHUP)
    all_there(t, program, server)


def sender(t, namespace, capture, rate, loops):
    return t.start("tcpreplay", "-q", "--intf1=eth0", "--pps=%d" % rate, "--preload-pcap", "--loop=%d" % loops, capture, namespace=namespace)


def live_load(t, ends, rate, seconds, during, options):
    """Packets at this rate while during() goes on; (sent, dropped by the kernel, program)."""
    frames = 2000
    capture = t.fresh("load")
    # Mostly flows that last, and every 50th packet a question that makes a record.
    pcap_write(capture, [frame_udp(i, 53, question(i)) if i % 50 == 0 else frame_udp(i % 400, 9000 + i % 4) for i in range(frames)])
    folder = t.fresh("out")
    program = t.watch("-i", "eth0", "-w", "1", "-o", folder, "--set", "capture.rx_descriptors=32768", *options, namespace=ends[1])
    program.folder, program.sensor = folder, "t1"
    load = sender(t, ends[0], capture, rate, max(1, int(rate * seconds / frames)))
    during(program)
    check(load.wait(60) == 0, "tcpreplay: %s", load.err[-400:])
    sent = int(re.search(r"Successful packets:\s+(\d+)", load.out).group(1))

    def accounted():
        stats = t.get(program, "/api/v1/stats")
        drops = sum(port["kernel_drops"] for port in stats["ports"])
        return (drops,) if stats["packets"]["received"] + drops >= sent else None
    return sent, t.until(accounted, "all packets are accounted")[0], program


def pace_found(t, ends):
    """What this machine receives without a loss and without Redis."""
    for rate in (100000, 50000, 25000):
        _, drops, program = live_load(t, ends, rate, 1.0, lambda _: None, ())
        finish(t, program)
        if drops == 0:
            return rate
    check(False, "it cannot receive 25,000 packets/s even without Redis")
    return 0


@system_test(root=True, tools=("redis-server", "tcpreplay"), alone=True, limit=900)
def test_live_load_through_faults(t):
    """A packet is worth no less because Redis is in trouble: none is lost that was not lost without it."""
    ends = t.wire()
    for end in ends:
        t.call("ip", "link", "set", "eth0", "arp", "off", namespace=end)
    rate = pace_found(t, ends)
    hold = 5.0 if LONG else 0.7
    server = Redis(t)
    proxy = Proxy(server.socket, namespace=ends[1])

    def swallow(on):
        proxy.blackhole = on
        proxy.cut()

    def storm(on):
        proxy.refuse = proxy.reset = on
        proxy.cut()

    def delay(on):
        proxy.delay = 0.2 if on else 0.0

    def lie(on):
        proxy.lie = b"$2147483647\r\n" if on else None
        proxy.cut()

    def freeze(on):
        (server.freeze if on else server.thaw)()

    def oom(on):
        server.call("CONFIG", "SET", "maxmemory", int(on))

    def readonly(on):
        server.call("REPLICAOF", *(("127.0.0.1", 1) if on else ("NO", "ONE")))

    def killed(on):
        (server.kill if on else server.start)()

    faults = (swallow, storm, delay, lie, freeze, oom, readonly, killed)

    def during(program):
        time.sleep(0.3)
        for fault in faults:
            fault(True)
            time.sleep(hold)
            fault(False)
            time.sleep(hold / 3)
        check(sink(t, program)["faults"] >= 4, "the faults did not reach it: %r", sink(t, program))

    seconds = (hold * 4 / 3) * len(faults) + 0.5
    for _ in range(TRIES):
        server.call("FLUSHALL")
        sent, drops, program = live_load(t, ends, rate, seconds, during, sends_to(proxy.address, t.fresh("spool")))
        said = sink_is(t, program, "up")
        t.until(lambda: sink(t, program)["records"]["waiting"] == 0, "delivered")
        sink_adds_up(sink_rests(t, program))
        check(said["records"]["refused"] == 0, "records were refused: %r", said["records"])
        finish(t, program)
        verify_streams(server, program.folder)
        if drops == 0:
            return
        _, idle, other = live_load(t, ends, rate, seconds, lambda _: None, ())  # the machine, or the faults?
        finish(t, other)
        if drops <= 2 * idle:
            return
    check(False, "of %d packets at %d/s the kernel dropped %d, without Redis %d, and the like %d times", sent, rate, drops, idle, TRIES)


# ---- R12, R13 ----

@system_test(tools=("redis-server",))
def test_emptied(t):
    server, program = begin(t)
    server.call("FLUSHALL")
    server.cut()
    t.until(lambda: server.length("events") > 100, "it is filled again")
    server.call("DEL", stream_key("flows"))
    server.cut()
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_emptied_behind_its_back(t):
    """The connection stays; the ids tell, and a whole stream is there in the end."""
    server, program = begin(t)
    server.call("DEL", stream_key("events"))
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_ids_of_a_stranger(t):
    """Somebody else adds an entry with an id of our own, far ahead: ours go on behind it."""
    server, program = begin(t)
    events_start(t, server)
    boot = stream_read(server, "events")[-1].boot
    server.call("XADD", stream_key("events"), "%d-999999999" % boot, "eve", "{}")
    delivered(t, program)
    finish(t, program)
    made = sum(produced(program.folder)["events"].values())
    check(server.call("XLEN", stream_key("events")) == made + 1, "%d of %d", server.call("XLEN", stream_key("events")) - 1, made)


@system_test(tools=("redis-server",))
def test_wrong_type(t):
    server = Redis(t)
    server.call("SET", stream_key("events"), "x")
    program = feed(t, traffic(t, 1000, 1.0), server.address)
    said = sink_is(t, program, "degraded", cause="wrongtype")
    check("events" in said["error"], "the key is not named: %s", said["error"])
    before, began = said["faults"], time.monotonic()
    time.sleep(2)
    faults, took = sink(t, program)["faults"] - before, time.monotonic() - began
    check(faults <= 2 * took, "it hammers: %d faults in %.1f s", faults, took)
    server.call("DEL", stream_key("events"))
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_hole_trap(t):
    """One command in the middle of a batch is refused: then all of it is, and none of it is skipped."""
    server = Redis(t)
    proxy = Proxy(server.port)
    proxy.fail_xadd = 3
    program = feed(t, traffic(t), proxy.address, "--set", "redis.batch=10")
    said, _ = all_there(t, program, server)
    check(proxy.failed == 1, "no XADD was seen")
    check(said["faults"] >= 1, "it was not noticed: %r", said)
