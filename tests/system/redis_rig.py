"""What tests of the Redis sink are made of: redis-server processes, a client that needs no library, traffic that makes records at an
even pace, spanwatch that sends them, and the check that a stream holds every record once.

The truth is eve.json, which the same run writes without a spool or a server: what stands in it has to be in Redis, and nothing else.
"""
import collections
import json
import os
import signal
import socket
import struct

from harness import PATIENCE_S, SMALL, Failed, check, frame_udp, free_port, ledger_check, pcap_write

LONG = bool(os.environ.get("SPANWATCH_TEST_LONG"))
STREAMS = ("flows", "alerts", "events")
PAGE = 5000             # entries asked for at once
ENDS_FLOWS = ("--set", "flow.udp_new_s=1")  # so that records of flows come at an even pace, too


# ---- a client ----

class RedisError(Exception):
    pass


class Client:
    """RESP2 over a socket. An error that stands inside an answer is returned, one that is the answer is raised."""
    def __init__(self, address, password=None, user=None, timeout=PATIENCE_S):
        unix = isinstance(address, str)
        self.sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(address if unix else ("127.0.0.1", address))
        self.file = self.sock.makefile("rb")
        if password is not None:
            self.call("AUTH", *([user] if user else []), password)

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.sock.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        size = int(rest)
        if kind == b"*":
            return None if size < 0 else [self.read() for _ in range(size)]
        check(kind == b"$", "an answer that is none: %r", line)
        return None if size < 0 else self.file.read(size + 2)[:-2].decode(errors="surrogateescape")

    def call(self, *words):
        self.send(*words)
        answer = self.read()
        if isinstance(answer, RedisError):
            raise answer
        return answer


# ---- servers ----

class Redis:
    """A redis-server with port and folder of its own. The test talks to it over its unix socket, spanwatch as the test wants."""
    def __init__(self, t, *options, port=None, folder=None, password=None, namespace=None):
        self.t, self.options = t, options + (("--requirepass", password) if password else ())
        self.namespace = namespace
        self.port = port or free_port()
        self.folder = folder or t.fresh("redis")
        os.makedirs(self.folder, exist_ok=True)
        self.socket = os.path.join(t.folder, "redis%d.sock" % self.port)
        self.password, self.client, self.program = password, None, None
        self.start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def start(self, *more):
        self.program = self.t.start("redis-server", "--port", self.port, "--bind", "127.0.0.1", "--unixsocket", self.socket, "--dir",
                                    self.folder, "--save", "", "--appendonly", "no", *self.options, *more, namespace=self.namespace)
        self.t.until(self.answers, "redis-server answers")

    def answers(self):
        check(self.program.running(), "redis-server ended: %s%s", self.program.out[-800:], self.program.err)
        try:
            return self.call("PING") == "PONG"
        except (OSError, RedisError):
            return False

    def call(self, *words, again=True):
        if self.client is None:
            self.client, again = Client(self.socket, self.password), False
        try:
            return self.client.call(*words)
        except OSError:
            self.forget()
            if not again:
                raise
        return self.call(*words)  # it was cut, by a Sentinel for one

    def forget(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def kill(self):
        self.forget()
        self.program.kill()

    def freeze(self):
        self.program.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.program.process.send_signal(signal.SIGCONT)

    def cut(self):
        """Ends all connections but ours."""
        self.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def info(self, section, key):
        for line in self.call("INFO", section).splitlines():
            if line.startswith(key + ":"):
                return int(line.partition(":")[2])
        raise Failed("INFO %s does not say %s" % (section, key))

    def length(self, stream, sensor="t1"):
        return self.call("XLEN", stream_key(stream, sensor))


def stream_key(stream, sensor="t1"):
    return "sw:{%s}:%s" % (sensor, stream)


# ---- traffic and spanwatch ----

def question(i):
    name = b"".join(bytes((len(part),)) + part for part in (b"h%d" % i, b"example", b""))
    return struct.pack("!HHHHHH", i & 0xffff, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1)


def traffic(t, count=2000, seconds=3.0, first=0, start=1700000000):
    """A capture of so many DNS questions, each a flow of its own: two records each, an event and a flow."""
    path = t.fresh("traffic")
    frames = [frame_udp(i % 50000, 53, question(i), source_port=1024 + i % 64000) for i in range(first, first + count)]
    pcap_write(path, frames, start=start, step_us=max(1, int(seconds * 1e6 / count)))
    return path


def sends_to(address, spool, sensor="t1"):
    return ("--set", "redis.address=%s" % address, "--set", "spool.directory=%s" % spool, "--set", "sensor.name=%s" % sensor)


def feed(t, capture, address, *options, sensor="t1", spool=None, speed=1):
    """spanwatch replays the capture at its own pace and goes on answering."""
    folder, spool = t.fresh("out"), spool or t.fresh("spool")
    program = t.watch("-r", capture, "-o", folder, "--stay", "--speed", speed, *SMALL, *ENDS_FLOWS, *sends_to(address, spool, sensor),
                      *options)
    program.folder, program.spool, program.sensor = folder, spool, sensor
    return program


def sink(t, program, name="redis"):
    listed = t.get(program, "/api/v1/sinks")["sinks"]
    found = [s for s in listed if s["name"] == name]
    check(len(found) == 1, "/api/v1/sinks has no %s: %r", name, listed)
    return found[0]


def sink_is(t, program, *states, cause=None, limit=PATIENCE_S):
    """Waits for a state, and a cause if one is given."""
    last = {}

    def look():
        last.update(sink(t, program))
        return last["state"] in states and (cause is None or last["cause"] == cause)
    try:
        t.until(look, "state", limit)
    except Failed:
        raise Failed("the sink is %s (%s: %s), not %s %s within %g s" % (
            last["state"], last["cause"], last["error"], "/".join(states), cause or "", limit)) from None
    return last


def sink_rests(t, program, name="redis"):
    """What /api/v1/sinks says once the queue is empty: a batch stands in the spool a moment before it counts as written."""
    last = {}

    def look():
        last.update(sink(t, program, name))
        return last["records"]["in_queue"] == 0
    t.until(look, "the queue is empty")
    return last


def sink_adds_up(s):
    """What sink_rests said."""
    r = s["records"]
    check(r["queued"] == r["in_queue"] + r["written"] + r["failed"], "the queue does not add up: %r", r)
    check(r["written"] + r["recovered"] + r["refused"] == r["delivered"] + r["waiting"] + r["tombstoned"], "delivery does not add up: %r", r)


def delivered(t, program, limit=2 * PATIENCE_S):
    """Waits until the replay has ended and nothing waits; what the sink then says of itself."""
    last = {}

    def look():
        check(program.running(), "spanwatch ended: exit %s: %s", program.process.poll(), program.err[-800:])
        last["health"] = t.get(program, "/api/v1/health")
        last["sink"] = sink(t, program)
        r = last["sink"]["records"]
        return last["health"]["replay"]["finished"] and last["sink"]["state"] == "up" and r["waiting"] == 0 and r["in_queue"] == 0
    try:
        t.until(look, "delivered", limit, 0.05)
    except Failed:
        raise Failed("not all delivered within %g s: %r" % (limit, last.get("sink"))) from None
    t.balances(program)
    sink_adds_up(last["sink"])
    return last["sink"]


def finish(t, program):
    """Ends it as an operator would; the ledger has to balance."""
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
    ledger_check(t.stats(program.folder))


# ---- what is in Redis ----

# first..last are ids of one boot; of a record they are the same. lost: the cause of a tombstone, None of a record.
Entry = collections.namedtuple("Entry", "boot first last payload lost")


def entry_read(id_, fields):
    boot, seq = (int(part) for part in id_.split("-"))
    fields = dict(zip(fields[::2], fields[1::2]))
    if "tombstone" not in fields:
        check("eve" in fields, "entry %s has neither eve nor tombstone: %r", id_, fields)
        return Entry(boot, seq, seq, fields["eve"], None)
    said = json.loads(fields["tombstone"])
    check(said["last"] == seq and said["count"] == said["last"] - said["first"] + 1, "tombstone %s: %r", id_, said)
    return Entry(boot, said["first"], seq, None, said["cause"])


def stream_read(client, stream, sensor="t1"):
    """All entries of a stream, in order. client: anything that has call()."""
    key, start, found = stream_key(stream, sensor), "-", []
    while True:
        page = client.call("XRANGE", key, start, "+", "COUNT", PAGE)
        found += [entry_read(*row) for row in page]
        if len(page) < PAGE:
            check(client.call("XLEN", key) == len(found), "XLEN of %s is not the %d entries that were read", key, len(found))
            return found
        start = "(" + page[-1][0]


def ids_check(entries, what):
    """Of each boot they go from 1 on without a hole, a tombstone standing for its range."""
    upto = {}
    boots = [e.boot for e in entries]
    check(boots == sorted(boots), "%s: boots are mixed", what)
    for e in entries:
        check(e.first == upto.get(e.boot, 0) + 1, "%s: %d-%d follows %d-%d", what, e.boot, e.first, e.boot, upto.get(e.boot, 0))
        upto[e.boot] = e.last


def stream_of(line):
    kind = json.loads(line)["event_type"]
    return "flows" if kind == "flow" else "alerts" if kind == "alert" else "events"


def produced(*folders):
    """{stream: Counter of lines} that these runs wrote to eve.json."""
    lines = {stream: collections.Counter() for stream in STREAMS}
    for folder in folders:
        with open(os.path.join(folder, "eve.json"), encoding="utf-8", errors="surrogateescape") as eve:
            for line in eve:
                if line.endswith("\n"):  # of a run that was killed the last one may be torn
                    lines[stream_of(line)][line[:-1]] += 1
    return lines


Seen = collections.namedtuple("Seen", "records tombstones")


def verify_streams(client, *folders, sensor="t1", causes=()):
    """Every record of these runs once, nothing else; and tombstones only of these causes, as many ids as records are missing."""
    made = produced(*folders)
    check(sum(made["events"].values()) > 0, "the runs produced nothing")
    seen = {}
    for stream in STREAMS:
        entries = stream_read(client, stream, sensor)
        ids_check(entries, stream)
        got = collections.Counter(e.payload for e in entries if e.lost is None)
        stones = [e for e in entries if e.lost is not None]
        twice = [line for line, times in (got - made[stream]).items() if times]
        check(not twice, "%s: %d records that were not made, or not so often: %.300s", stream, len(twice), twice[:1])
        missing, told = sum((made[stream] - got).values()), sum(e.last - e.first + 1 for e in stones)
        check(missing == told, "%s: of %d records %d are missing, tombstones tell of %d", stream, sum(made[stream].values()), missing, told)
        check({e.lost for e in stones} <= set(causes), "%s: lost by %s", stream, ", ".join(sorted({e.lost for e in stones})))
        seen[stream] = Seen(sum(got.values()), stones)
    return seen


def all_there(t, program, server, limit=2 * PATIENCE_S, causes=()):
    """The end of most tests: all is delivered, spanwatch ends well, and the streams hold each record once."""
    said = delivered(t, program, limit)
    finish(t, program)
    seen = verify_streams(server, program.folder, sensor=program.sensor, causes=causes)
    check(said["records"]["delivered"] >= sum(s.records for s in seen.values()) - 1,
          "/api/v1/sinks says %d were delivered, the streams hold %r", said["records"]["delivered"], seen)
    return said, seen


def drain(t, capture, address, spool, *options, sensor="t1"):
    """One more run, whose end waits until all is delivered; its folder."""
    done = t.replay(capture, "--api", "none", *SMALL, *sends_to(address, spool, sensor), "--set", "spool.exit_wait_s=60", "--set",
                    "redis.timeout_ms=30000", *options)
    check(done.code == 0, "exit %d: %s", done.code, done.err[-800:])
    ledger_check(t.stats(done.folder))
    return done.folder


def memory_kb(program, key="VmRSS"):
    with open("/proc/%d/status" % program.pid, encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    raise Failed("%s of %d is not known" % (key, program.pid))


def events_start(t, server, least=50, sensor="t1"):
    """Waits until so many events are in Redis: spanwatch is well under way."""
    t.until(lambda: server.length("events", sensor) >= least, "%d events are in Redis" % least)
