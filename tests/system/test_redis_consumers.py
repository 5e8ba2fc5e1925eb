"""What stands behind Redis: the example consumers, spanwatch-tail, and the users of docs/redis-acl.conf."""
import collections
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

from harness import ROOT, check, system_test
from redis_rig import STREAMS, Redis, RedisError, Client, delivered, drain, events_start, feed, finish, memory_kb, stream_key, stream_read, traffic, \
    verify_streams

TAIL = os.path.join(ROOT, "build/app/tail/spanwatch-tail")
CONSUMER = os.path.join(ROOT, "build/app/consumers/consumer")
CONSUMER_PY = os.path.join(ROOT, "app/consumers/consumer.py")
ACL = os.path.join(ROOT, "docs/redis-acl.conf")
TOOLS = ("redis-server",)
SAFE = ("--appendonly", "yes", "--appendfsync", "always")  # what was answered outlives a kill
BATCH = 300  # entries of one answer, at most: what a kill can have written and not noted


# ---- what is right ----

def ids_of(server, sensor="t1"):
    """Every id in the streams, as --id writes them."""
    ids = []
    for stream in STREAMS:
        page, start = [None], "-"
        while page:
            page = server.call("XRANGE", stream_key(stream, sensor), start, "+", "COUNT", 1000)
            ids += ["%s/%s" % (stream, row[0]) for row in page]
            start = "(" + page[-1][0] if page else start
    return ids


def whole_lines(program):
    """What a kill has torn is no line."""
    return [json.loads(line) for line in program.out.split("\n")[:-1] if line.endswith("}")]


def lines_check(lines, ids, repeats=0):
    """Each id, and no more than so many a second time."""
    seen = collections.Counter(line["id"] for line in lines)
    check(set(seen) == set(ids), "%d ids were not written, %d are of nobody", len(set(ids) - set(seen)), len(set(seen) - set(ids)))
    again = sum(seen.values()) - len(seen)
    check(again <= repeats, "%d lines came twice, %d may", again, repeats)
    return again


def in_order(lines):
    """One reader's lines of each stream go up."""
    last = {}
    for line in lines:
        stream, _, entry = line["id"].partition("/")
        at = tuple(int(part) for part in entry.split("-"))
        check(at > last.get(stream, (0, 0)), "%s comes after %r", line["id"], last.get(stream))
        last[stream] = at


def tail(t, server, *options, sensor="t1", **more):
    return t.start(TAIL, "--redis", server.address, "--sensor", sensor, "--id", *options, **more)


def bounce(t, server):
    """The server dies and comes back with all it had answered."""
    server.kill()
    time.sleep(0.3)
    server.start()


# ---- consumers ----

def members(t, server, names, group="g"):
    """Those whose name begins with p are the Python example, the others the one in C."""
    started = {}
    for name in names:
        if name[0] == "p":
            started[name] = t.start("/usr/bin/python3", CONSUMER_PY, "--redis", server.address, "--sensor", "t1", "--group", group, "--name", name,
                                    "--claim-after", "5", "--until-idle", "10", "--prove")
        else:
            started[name] = t.start(CONSUMER, "t1", group, name, "unix:" + server.socket, "5", "10", env=dict(os.environ, CONSUMER_PROVE="1"))
    return started


def take_and_die(t, server, group="g"):
    """A member that dies with records in its hands."""
    def take():
        try:
            got = server.call("XREADGROUP", "GROUP", group, "dead", "COUNT", 50, "STREAMS", stream_key("events"), ">")
        except RedisError:  # the group is not there yet
            got = None
        return got and len(got[0][1])
    return t.until(take, "a member takes some", step=0.001)


@system_test(tools=TOOLS, slow=True)
def test_consumers_each_record_once(t):
    server = Redis(t, *SAFE)
    program = feed(t, traffic(t, 8000, 8.0), server.address)
    events_start(t, server)
    running = members(t, server, ("p1", "p2", "c1", "c2"))
    taken = take_and_die(t, server)
    t.until(lambda: server.call("HLEN", "sw:{t1}:consumer:g") > 1000, "they are under way")
    for name in ("p1", "c1"):
        running[name].kill()
    t.until(lambda: server.call("HLEN", "sw:{t1}:consumer:g") > 4000, "the others go on")
    bounce(t, server)
    delivered(t, program)
    finish(t, program)
    verify_streams(server, program.folder)
    for name in ("p2", "c2"):
        check(running[name].wait(60) == 0, "%s: %s", name, running[name].err[-400:])
    result = server.call("HGETALL", "sw:{t1}:consumer:g")
    result = dict(zip(result[::2], result[1::2]))
    counts = {field: int(n) for field, n in result.items() if "/" in field}
    ids = ids_of(server)
    check(taken > 0 and len(ids) > 15000, "%d taken, %d ids", taken, len(ids))
    check(set(counts) == set(ids), "%d not processed, %d of nobody", len(set(ids) - set(counts)), len(set(counts) - set(ids)))
    check(set(counts.values()) == {1}, "processed more than once: %r", [i for i, n in counts.items() if n != 1][:5])
    for field in (f[4:] for f in result if f.startswith("ids:")):
        ids, first, last = (int(result[word + ":" + field]) for word in ("ids", "first", "last"))
        check(first == 1 and ids == last, "%s: %d ids from %d to %d", field, ids, first, last)
    for stream in ("flows", "events"):
        check(server.call("XPENDING", stream_key(stream), "g")[0] == 0, "%s: somebody has records in his hands", stream)
    check(", 0 missing" in running["p2"].out, "the report: %s", running["p2"].out)


@system_test(tools=TOOLS)
def test_consumers_count_tombstones(t):
    """What was lost is told, and adds up; the effect is by event_type."""
    server = Redis(t)
    for i in (1, 2, 3, 8):
        server.call("XADD", stream_key("flows"), "4-%d" % i, "eve", '{"event_type":"flow"}')
    server.call("XADD", stream_key("flows"), "4-20", "tombstone", '{"boot":4,"first":9,"last":20,"count":12,"cause":"quota"}')
    for kind, end in (("py", ("/usr/bin/python3", CONSUMER_PY, "--redis", server.address, "--sensor", "t1", "--group", "py", "--until-idle", "0.5")),
                      ("c", (CONSUMER, "t1", "c", "me", server.address, "60", "0"))):
        out = t.call(*end)
        result = server.call("HGETALL", "sw:{t1}:consumer:" + kind)
        result = dict(zip(result[::2], result[1::2]))
        check(result == {"flow": "4", "tombstone": "12", "ids:flows:4": "16", "first:flows:4": "1", "last:flows:4": "20"}, "%s: %r", kind, result)
        check(server.call("TTL", "sw:{t1}:consumer:" + kind) > 0, "%s: a key without end", kind)
        check("5 delivered to us, 5 processed by us" in out, "%s: %s", kind, out)
    check("flows:4: ids 1 to 20, 4 missing" in t.call("/usr/bin/python3", CONSUMER_PY, "--redis", server.address, "--sensor", "t1", "--group", "py",
                                                      "--until-idle", "0.1"), "four were never told of")


@system_test(tools=TOOLS)
def test_consumers_told_wrong(t):
    """One sentence instead of a traceback, and the word that matters in it; who finds nobody says so once and waits."""
    def python(redis, *options):
        return ("/usr/bin/python3", CONSUMER_PY, "--redis", redis, "--sensor", "t1", "--group", "g", *options)
    server, secret = Redis(t), t.path("wrong")
    with open(secret, "w", encoding="ascii") as f:
        f.write("wrong-word")
    server.call("ACL", "SETUSER", "someone", "on", ">right", "~*", "+@all")
    server.call("SET", stream_key("flows"), "no stream")
    rows = ((python("host"), "HOST:PORT"), (python("127.0.0.1:x"), "HOST:PORT"), (python(server.address, "--password-file", t.path("none")), "No such file"),
            (python(server.address, "--user", "someone", "--password-file", secret), "WRONGPASS"), (python(server.address), "WRONGTYPE"),
            ((CONSUMER, "t1", "g", "n", "host"), "HOST:PORT"), ((CONSUMER, "t1", "g", "n", "127.0.0.1:99999"), "HOST:PORT"),
            ((CONSUMER, "t1", "g", "n", server.address, "x"), "CLAIM_AFTER_S"), ((CONSUMER, "t1", "g", "n", server.address), "WRONGTYPE"))
    for command, word in rows:
        program = t.start(*command)
        code = program.wait()
        check(code in (1, 2) and word in program.err and "Traceback" not in program.err, "%r: exit %s: %s", command, code, program.err)
    nobody = "unix:" + t.path("nobody")
    for command in (python(nobody), (CONSUMER, "t1", "g", "n", nobody)):
        program = t.start(*command)
        t.until(lambda: "trying again" in program.err, "%s says that nobody is there" % command[0])
        time.sleep(0.5)
        check(program.err.count("\n") == 1 and program.running(), "%s", program.err)
        check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err)


# ---- spanwatch-tail ----

@system_test(tools=TOOLS)
def test_tail_state(t):
    """Ended and started again, the server killed in between: every record once, in order."""
    server, state, lines = Redis(t, *SAFE), t.path("state"), []
    program = feed(t, traffic(t, 5000, 5.0), server.address)
    events_start(t, server)
    for run in range(4):
        reader = tail(t, server, "--state", state)
        t.until(lambda: reader.out.count("\n") > 300, "it writes")
        if run == 1:
            bounce(t, server)
            had = reader.out.count("\n")
            t.until(lambda: reader.out.count("\n") > had + 200, "it goes on after the server's death")
            check("trying again" in reader.err and "connected to Redis" in reader.err, "stderr: %s", reader.err)
        check(reader.stop() == 0, "exit code: %s", reader.err)
        lines += whole_lines(reader)
    delivered(t, program)
    finish(t, program)
    verify_streams(server, program.folder)
    last = tail(t, server, "--state", state, "--once")
    check(last.wait() == 0, "exit code: %s", last.err)
    lines += whole_lines(last)
    lines_check(lines, ids_of(server))
    in_order(lines)
    check(tail(t, server, "--state", state, "--once").wait() == 0, "nothing is left")


@system_test(tools=TOOLS)
def test_tail_killed(t):
    """SIGKILL between a line and the note of it: some come again, told by their ids; none is left out."""
    server, state, lines = Redis(t, *SAFE), t.path("state"), []
    program = feed(t, traffic(t, 4000, 4.0), server.address)
    events_start(t, server)
    for _ in range(5):
        reader = tail(t, server, "--state", state)
        t.until(lambda: reader.out.count("\n") > 150, "it writes")
        reader.kill()
        lines += whole_lines(reader)
    delivered(t, program)
    finish(t, program)
    last = tail(t, server, "--state", state, "--once")
    check(last.wait() == 0, "exit code: %s", last.err)
    lines_check(lines + whole_lines(last), ids_of(server), repeats=5 * BATCH)


@system_test(tools=TOOLS)
def test_tail_group(t):
    """Two members, one ended and started anew, the server killed: each record once. One killed: what it held the other takes over."""
    server, lines = Redis(t, *SAFE), []
    program = feed(t, traffic(t, 6000, 6.0), server.address)
    group = ("--group", "siem", "--claim-after", "6", "--consumer")
    events_start(t, server)
    one, two = tail(t, server, *group, "one"), tail(t, server, *group, "two")
    t.until(lambda: min(r.out.count("\n") for r in (one, two)) > 100, "both write")
    check(one.stop() == 0, "exit code: %s", one.err)
    lines += whole_lines(one)
    one = tail(t, server, *group, "one")
    t.until(lambda: one.out.count("\n") > 100, "it goes on")
    bounce(t, server)
    had = two.out.count("\n")
    t.until(lambda: two.out.count("\n") > had + 100, "they go on after the server's death")
    before = lines + whole_lines(one) + whole_lines(two)
    check(len({line["id"] for line in before}) == len(before), "without a kill of theirs none comes twice")
    one.kill()
    lines += whole_lines(one)
    check(take_and_die(t, server, "siem") > 0, "a third one dies with records in its hands")
    delivered(t, program)
    finish(t, program)

    def acknowledged():
        groups = [dict(zip(g[::2], g[1::2])) for s in ("flows", "events") for g in server.call("XINFO", "GROUPS", stream_key(s))]
        return len(groups) == 2 and all(g["pending"] == 0 and g["lag"] == 0 for g in groups)
    t.until(acknowledged, "all is read and acknowledged")
    check(two.stop() == 0, "exit code: %s", two.err)
    lines_check(lines + whole_lines(two), ids_of(server), repeats=BATCH)


@system_test(tools=TOOLS)
def test_tail_lines(t):
    """What becomes of an entry: as it was, with its id, a tombstone, nothing; and where it begins."""
    server = Redis(t)
    for sensor in ("a", "b c"):
        server.call("XADD", stream_key("flows", sensor), "1-1", "eve", '{"event_type":"flow","n":1}')
        server.call("XADD", stream_key("flows", sensor), "1-4", "tombstone", '{"boot":1,"first":2,"last":4,"count":3,"cause":"quota"}')
        server.call("XADD", stream_key("flows", sensor), "1-5", "other", "thing")
        server.call("XADD", stream_key("flows", sensor), "1-9", "eve", '{"event_type":\n"flow","n":2}')
        server.call("XADD", stream_key("events", sensor), "1-1", "eve", "{}")
    plain = t.start(TAIL, "--redis", server.address, "--sensor", "a,b c", "--once")
    check(plain.wait() == 0, "exit code: %s", plain.err)
    flow = '{"event_type":"flow","n":1}'
    check(plain.out.split("\n")[0] == flow and plain.out.count(flow) == 2 and plain.out.count("\n") == 8, "lines: %s", plain.out)
    check("is not of spanwatch" in plain.err and "3 flows of a between 1-5 and 1-9 are not in Redis any more" in plain.err, "stderr: %s", plain.err)
    lines = whole_lines(plain)
    check([line["n"] for line in lines if line.get("event_type") == "flow"] == [1, 2, 1, 2], "in order: %r", lines)
    tomb = {"event_type": "tombstone", "stream": "flows", "spanwatch": {"sensor": "b c"},
            "tombstone": {"boot": 1, "first": 2, "last": 4, "count": 3, "cause": "quota"}}
    check(lines.count(tomb) == 1, "tombstones: %r", lines)

    def ids(*options):
        reader = tail(t, server, "--once", *options, sensor="a")
        check(reader.wait() == 0, "exit code: %s", reader.err)
        return [line["id"] for line in whole_lines(reader)]
    check(ids() == ["flows/1-1", "flows/1-4", "flows/1-9", "events/1-1"], "ids: %r", ids())
    check(ids("--from", "1-4") == ["flows/1-9"], "from an id: %r", ids("--from", "1-4"))
    check(ids("--from", "end") == [] and ids("--streams", "events,alerts") == ["events/1-1"], "from the end, or one stream")
    with open(t.path("password"), "w", encoding="utf-8") as f:
        f.write("wrong-horse\n")
    for address, word in ((server.address, "user and password"), ("127.0.0.1:1", "refused")):
        reader = t.start(TAIL, "--redis", address, "--once", "--user", "nobody", "--password-file", t.path("password"))
        check(reader.wait() == 1 and reader.err.count("\n") == 1 and word in reader.err, "it cannot be read: %s", reader.err)
    follows = tail(t, server, "--from", "end", sensor="a")
    t.until(lambda: "cmd=xread" in server.call("CLIENT", "LIST"), "it has begun to wait")
    server.call("XADD", stream_key("alerts", "a"), "1-1", "eve", '{"event_type":"alert"}')
    t.until(lambda: follows.out == '{"id":"alerts/1-1","event_type":"alert"}\n', "a stream that was not there yet")


@system_test(tools=TOOLS)
def test_tail_refusals(t):
    for options, word in ((("--redis", "nowhere"), "HOST:PORT"), (("--streams", "flow"), "none of"), (("--from", "x"), "start, end"),
                          (("--state", "a", "--group", "b"), "exclude"), (("--consumer", "a"), "--group"), (("--stat", "x", "y"), "no option"),
                          (("--sensors", "x"), "did you mean --sensor"), (("--sensor", "a{b}"), "has a brace"), (("--group", ""), "empty"), (("--password-file", "/nowhere"), "cannot read"),
                          (("--user", "a"), "password"), (("--database", "-1"), "number"), (("extra",), "belongs to no option"),
                          (("--state", "/nowhere/x"), "/nowhere/x")):
        program = t.start(TAIL, *options)
        check(program.wait() == 1 and word in program.err and program.err.count("\n") == 1, "%r: %s", options, program.err)
    damaged = t.path("damaged")
    with open(damaged, "w", encoding="ascii") as f:
        f.write("# spanwatch-tail: stream, id of the last entry that was written\nsw:{a}:flows 1-")
    program = t.start(TAIL, "--state", damaged)
    check(program.wait() == 1 and "damaged" in program.err, "a state that is cut: %s", program.err)

    server = Redis(t, "--cluster-enabled", "yes")
    for sensors, word in (("a", "the Cluster is down"), ("a,b", "one spanwatch-tail for each sensor")):
        reader = tail(t, server, sensor=sensors)
        t.until(lambda: word in reader.err, word)
        check(reader.stop() == 0, "it was told to stop")
        if sensors == "a":
            server.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    plain = Redis(t)
    plain.call("RPUSH", stream_key("flows", "list"), "{}")
    reader = tail(t, plain, sensor="list")
    t.until(lambda: "Only streams can be followed" in reader.err, "a list")
    plain.call("CONFIG", "SET", "requirepass", "secret-word")
    with open(t.path("password"), "w", encoding="ascii") as f:
        f.write("wrong-word\n")
    for options, word in (((), "wants a password"), (("--password-file", t.path("password")), "refuses")):
        reader = tail(t, plain, *options)
        t.until(lambda: word in reader.err, word)
        check("-word" not in reader.err, "the password: %s", reader.err)
        check(reader.stop() == 0, "it was told to stop")


def waiting_in(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


@system_test(tools=TOOLS)
def test_tail_reader_gone(t):
    """A pipe whose reader has gone ends it, also while nothing comes; one that does not read holds it up and loses nothing."""
    server = Redis(t)
    for i in range(1, 3001):
        server.call("XADD", stream_key("flows"), "1-%d" % i, "eve", json.dumps({"event_type": "flow", "pad": "x" * 500}))
    with subprocess.Popen([TAIL, "--redis", server.address, "--sensor", "t1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
        reader.stdout.readline()
        reader.stdout.close()
        check(reader.wait(10) == 1 and b"reader of standard output has gone" in reader.stderr.read(), "exit code %r", reader.returncode)
    with subprocess.Popen([TAIL, "--redis", server.address, "--sensor", "t1", "--from", "end"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
        time.sleep(0.3)
        reader.stdout.close()
        check(reader.wait(10) == 1, "exit code %r while nothing came", reader.returncode)
    state = t.path("state")
    with subprocess.Popen([TAIL, "--redis", server.address, "--sensor", "t1", "--id", "--state", state], stdout=subprocess.PIPE) as reader:
        t.until(lambda: waiting_in(reader.stdout) > 60000, "the pipe is full")
        reader.send_signal(signal.SIGTERM)
        first = [json.loads(line)["id"] for line in reader.stdout]
        check(reader.wait(10) == 0, "exit code %r", reader.returncode)
    rest = tail(t, server, "--state", state, "--once")
    check(rest.wait() == 0, "exit code: %s", rest.err)
    ids = first + [line["id"] for line in whole_lines(rest)]
    check(0 < len(first) < 3000 and ids == ["flows/1-%d" % i for i in range(1, 3001)], "%d and %d lines", len(first), len(ids) - len(first))


EVIL = {
    "more elements than there is memory": b"*1000000000\r\n",
    "many elements": b"*20000\r\n" + b":1\r\n" * 20000,
    "a text without end": b"$2147483647\r\n" + b"x" * (80 << 20),
    "not Redis": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "an entry that is none": b"*1\r\n*2\r\n$13\r\nsw:{t1}:flows\r\n*1\r\n*2\r\n$3\r\nx-y\r\n*2\r\n$3\r\neve\r\n$2\r\n{}\r\n",
    "a stream that nobody asked for": b"*1\r\n*2\r\n$1\r\nx\r\n*0\r\n",
    "half an answer": b"*1\r\n*2\r\n$13\r\nsw:{t1}:fl",
    "a number": b":7\r\n",
    "name all nodes": b"-MOVED 15891 203.0.113.1:6379\r\n",
}


@system_test(tools=TOOLS)
def test_tail_of_nobody(t):
    """A name that nobody writes under: it is said once, by the way, and what comes is followed."""
    server = Redis(t)
    for options in ((), ("--group", "g"), ("--from", "end")):
        once = tail(t, server, "--once", *options)
        check(once.wait() == 0 and once.err.count("there is nothing yet of t1") == 1, "%r: %s", options, once.err)
    reader = tail(t, server)
    t.until(lambda: "there is nothing yet of t1" in reader.err, "it says so")
    drain(t, traffic(t, 20, 0.1), server.address, t.fresh("spool"))
    t.until(lambda: len(whole_lines(reader)) == len(ids_of(server)), "all lines")
    check(reader.err.count("\n") == 1 and reader.stop() == 0, "%s", reader.err)
    once = tail(t, server, "--once")
    check(once.wait() == 0 and once.err == "", "of what is there: %s", once.err)


@system_test()
def test_tail_evil_server(t):
    for name, answer in EVIL.items():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                while True:
                    try:
                        client = listener.accept()[0]
                    except OSError:
                        return
                    with client:
                        try:
                            client.recv(4096)
                            client.sendall(answer)
                        except OSError:
                            pass
            threading.Thread(target=serve, daemon=True).start()
            reader = t.start(TAIL, "--redis", "127.0.0.1:%d" % listener.getsockname()[1], "--sensor", "t1")
            t.until(lambda: "trying again" in reader.err, name)
            check(b"MOVED" not in answer or name in reader.err, "of a redirect it says: %s", reader.err)
            check(reader.running() and reader.out == "", "%s: %s", name, reader.out[:200])
            check(memory_kb(reader, "VmHWM") < 300 * 1024, "%s: %d kB", name, memory_kb(reader, "VmHWM"))
            check(reader.stop() == 0, "%s: exit code", name)
            listener.shutdown(socket.SHUT_RDWR)


# ---- users ----

@system_test(tools=TOOLS)
def test_acl(t):
    """Each user of the file does its work, as spanwatch and the programs do it, and nothing else."""
    path, passwords = t.path("users.acl"), {}
    with open(ACL, encoding="ascii") as f, open(path, "w", encoding="ascii") as out:
        out.write(f.read().replace(">change-me-", ">good-"))
    for user in ("writer", "tail", "consumer", "reader"):
        passwords[user] = t.path(user)
        with open(passwords[user], "w", encoding="ascii") as f:
            f.write("good-%s\n" % user)
    server = Redis(t, "--aclfile", path)
    login = ("--set", "redis.user=spanwatch", "--set", "redis.password_file=" + passwords["writer"])
    folders = []
    for mode in ("streams", "lists", "channel"):
        folders.append(drain(t, traffic(t, 200, 1.0), server.address, t.fresh("spool"), "--set", "redis.mode=" + mode, *login, sensor=mode))
    verify_streams(server, folders[0], sensor="streams")
    check(server.call("LLEN", stream_key("flows", "lists")) == 200, "lists")
    reader = tail(t, server, "--once", "--user", "spanwatch-tail", "--password-file", passwords["tail"], sensor="streams")
    check(reader.wait() == 0 and len(whole_lines(reader)) == len(ids_of(server, "streams")), "spanwatch-tail: %s", reader.err)
    reader = tail(t, server, "--once", "--group", "g", "--user", "spanwatch-tail", "--password-file", passwords["tail"], sensor="streams")
    check(reader.wait() == 0 and len(whole_lines(reader)) == len(ids_of(server, "streams")), "spanwatch-tail in a group: %s", reader.err)
    t.call("/usr/bin/python3", CONSUMER_PY, "--redis", server.address, "--sensor", "streams", "--group", "py", "--until-idle", "0.5", "--user",
           "spanwatch-consumer", "--password-file", passwords["consumer"])
    c = t.start(CONSUMER, "streams", "c", "me", server.address, "60", "0",
                env=dict(os.environ, CONSUMER_USER="spanwatch-consumer", REDISCLI_AUTH="good-consumer"))
    check(c.wait() == 0, "the consumer in C: %s", c.err)
    check(server.call("HLEN", "sw:{streams}:consumer:py") == server.call("HLEN", "sw:{streams}:consumer:c") > 3, "both count the same")
    check(server.call("ACL", "LOG") == [], "something was refused: %r", server.call("ACL", "LOG"))

    flows = stream_key("flows", "streams")
    may_not = {"reader": (("XADD", flows, "*", "a", "b"), ("DEL", flows), ("SET", "sw:x", "1"), ("GET", "other"), ("FLUSHALL",), ("KEYS", "*"),
                          ("XGROUP", "CREATE", flows, "r", "0"), ("PUBLISH", "sw:{streams}:live", "x"), ("CONFIG", "GET", "*"), ("ACL", "LIST")),
               "tail": (("XADD", flows, "*", "a", "b"), ("DEL", flows), ("XTRIM", flows, "MAXLEN", "1"), ("SET", "sw:x", "1"), ("EVAL", "return 1", "0"),
                        ("XGROUP", "CREATE", "sw:{streams}:mine", "g", "0", "MKSTREAM")),
               "consumer": (("XADD", flows, "*", "a", "b"), ("HSET", "sw:{streams}:stats", "a", "1"), ("DEL", flows), ("CONFIG", "GET", "*")),
               "writer": (("XREAD", "STREAMS", flows, "0"), ("HGETALL", "sw:{streams}:stats"), ("SET", "other", "1"), ("FLUSHALL",), ("EVAL", "return 1", "0"),
                          ("CONFIG", "GET", "*"), ("PUBLISH", "other", "x"))}
    for user, commands in may_not.items():
        client = Client(server.port, "good-" + user, "spanwatch" if user == "writer" else "spanwatch-" + user)
        for command in commands:
            try:
                answer = client.call(*command)
            except RedisError as refused:
                answer = str(refused)
            check(isinstance(answer, str) and answer.startswith("NOPERM"), "%s may %s: %r", user, " ".join(command), answer)
        client.close()
    client = Client(server.port, "good-reader", "spanwatch-reader")
    check(len(client.call("XRANGE", flows, "-", "+")) == 200 and client.call("HLEN", "sw:{streams}:stats") > 10, "a reader reads")
    check(stream_read(client, "flows", "streams")[0].boot == 1, "a reader reads")
    client.close()


@system_test(tools=TOOLS, alone=True)
def test_run_redis(t):
    """scripts/run --redis: Ctrl-C, as a terminal sends it, or SIGTERM to the script; the server ends with it and leaves nothing."""
    for signalled in (lambda p: os.killpg(p.pid, signal.SIGINT), lambda p: p.process.terminate()):
        program = t.start(os.path.join(ROOT, "scripts/run"), "--redis")
        t.until(lambda: "connected to unix:" in program.err, "spanwatch is connected")
        path = program.err.partition("connected to unix:")[2].split()[0]
        command = program.out.partition("redis-cli ")[2].partition("\n")[0]
        t.until(lambda: "event_type" in t.call("sh", "-c", "redis-cli " + command), "the line it prints shows a flow")
        signalled(program)
        check(program.wait(20) == 0, "exit code: %s", program.err)
        check(not os.path.exists(os.path.dirname(path)), "its folder is left")
        check(subprocess.run(["redis-cli", *command.split()[:2], "ping"], capture_output=True, check=False).returncode != 0, "the server still runs")
