"""What is in Redis, and for how long: every key ends by itself, a year makes no more keys than a day, and each of the ways to write
(streams, lists, a channel; a user, a unix socket, a database) gets every record once."""
import collections
import json
import os
import threading
import time

from harness import SMALL, check, frame_udp, free_port, pcap_write, system_test
from redis_rig import (STREAMS, Client, Redis, all_there, delivered, drain, events_start, feed, finish, produced, question,
                       sends_to, sink, sink_is, stream_key, traffic, verify_streams)
from resp_proxy import Proxy

YEAR_S, PER_DAY = 365 * 86400, 4
CUTS = 10
SECRET = "correct-horse-battery-7c1"


def scan(server, database=0):
    """{name: (type, ttl in s)} of all keys."""
    found, cursor = {}, "0"
    server.call("SELECT", database)
    while True:
        cursor, names = server.call("SCAN", cursor, "COUNT", 1000)
        for name in names:
            found[name] = (server.call("TYPE", name), server.call("TTL", name))
        if cursor == "0":
            server.call("SELECT", 0)
            return found


def all_end(keys, most_s):
    check(keys, "there are no keys")
    for name, (kind, ttl) in keys.items():
        check(0 < ttl <= most_s, "%s (%s) has a TTL of %d", name, kind, ttl)
        check(name.startswith("sw:{t1}:"), "%s is not in the slot of its sensor", name)


@system_test(tools=("redis-server",))
def test_every_key_ends(t):
    """In the middle of a run and after it."""
    server = Redis(t)
    program = feed(t, traffic(t, 1500, 2.0), server.address, "--set", "redis.ttl_s=4000", "--set", "redis.minute_ttl_s=100")
    events_start(t, server, 500)
    all_end(scan(server), 4000)
    all_there(t, program, server)
    keys = scan(server)
    all_end(keys, 4000)
    check({stream_key("flows"), stream_key("events")} <= set(keys), "keys: %r", sorted(keys))


@system_test(tools=("redis-server",))
def test_short_lives_are_renewed(t):
    """The shortest redis.ttl_s, and nothing that would be written: what is there stays while spanwatch runs."""
    server = Redis(t)
    program = feed(t, traffic(t, 50, 0.3), server.address, "--set", "redis.ttl_s=60")
    t.until(lambda: t.get(program, "/api/v1/health")["replay"]["finished"], "the replay is over")
    delivered(t, program)
    key, least = stream_key("flows"), 40
    server.call("EXPIRE", key, least)
    t.until(lambda: server.call("TTL", key) > least, "%s lives longer" % key, 15)
    finish(t, program)


@system_test(tools=("redis-server",))
def test_stats_are_of_now(t):
    """Of a port that is no more nothing stays in the hash of the last second."""
    server, spool = Redis(t), t.fresh("spool")
    for name in ("old.pcap", "new.pcap"):
        capture = t.path(name)
        os.rename(traffic(t, 10, 0.1), capture)
        drain(t, capture, server.address, spool)
    fields = server.call("HKEYS", "sw:{t1}:stats")
    ports = {field.split(".")[1] for field in fields if field.startswith("port.")}
    check(ports == {"new"}, "ports: %r", sorted(ports))


@system_test(tools=("redis-server",))
def test_streams_are_trimmed(t):
    """About so many entries stay; the newest are among them, without a hole."""
    server, keep = Redis(t), 500
    folder = drain(t, traffic(t, 6000, 3.0), server.address, t.fresh("spool"), "--set", "redis.stream_length=%d" % keep)
    made = produced(folder)
    for stream in ("flows", "events"):
        there = server.call("XRANGE", stream_key(stream), "-", "+")
        check(keep <= len(there) < keep + 300, "%s keeps %d entries", stream, len(there))
        seqs = [int(row[0].partition("-")[2]) for row in there]
        check(seqs == list(range(seqs[0], seqs[-1] + 1)) and seqs[-1] == sum(made[stream].values()), "%s: %d..%d", stream, seqs[0], seqs[-1])


@system_test(tools=("redis-server",))
def test_a_year(t):
    """Packets of a year in a second: sums of minutes that are long over are not kept, and no kind of key grows with time."""
    def year(days, name):
        path = t.path(name)
        count = days * PER_DAY
        pcap_write(path, [frame_udp(i % 50, 53, question(i)) for i in range(count)], step_us=YEAR_S // 365 // PER_DAY * 1000000)
        server = Redis(t)
        drain(t, path, server.address, t.fresh("spool"), "--set", "redis.minute_ttl_s=60")
        keys = scan(server)
        all_end(keys, 2592000)
        return len(keys)
    month, whole = year(30, "month.pcap"), year(365, "year.pcap")
    check(whole <= month + 10, "a month makes %d keys, a year %d", month, whole)


@system_test(tools=("redis-server",))
def test_a_restart_goes_on(t):
    """Three lives of one spool: three boots, ids of each from 1 on."""
    server, spool = Redis(t), t.fresh("spool")
    folders = [drain(t, traffic(t, 300, 0.3, first=i * 1000), server.address, spool) for i in range(3)]
    verify_streams(server, *folders)
    boots = {row[0].partition("-")[0] for row in server.call("XRANGE", stream_key("events"), "-", "+")}
    check(len(boots) == 3, "boots: %r", boots)


def cuts_often(server):
    """Each of the first connections ends in the middle of an answer, after some batches or before the first is acknowledged."""
    proxy = Proxy(server.port)
    proxy.cut_reply = lambda n: 1000 + 800 * (n % 7) if n < CUTS else proxy.NEVER
    return proxy


@system_test(tools=("redis-server",))
def test_lists(t):
    """A list has no ids of its own; it is still told what it already has."""
    server = Redis(t)
    proxy = cuts_often(server)
    program = feed(t, traffic(t, 3000, 2.5), proxy.address, "--set", "redis.mode=lists", "--set", "redis.batch=64")
    delivered(t, program)
    check(proxy.accepted >= CUTS, "only %d connections", proxy.accepted)
    finish(t, program)
    for stream, made in produced(program.folder).items():
        got = collections.Counter(server.call("LRANGE", stream_key(stream), 0, -1))
        check(got == made, "%s: %d lines in the list, %d made, %d of them differ", stream, sum(got.values()), sum(made.values()),
              sum(((got - made) + (made - got)).values()))
    all_end(scan(server), 2592000)


@system_test(tools=("redis-server",))
def test_channel(t):
    """Who listens all the time hears each record once."""
    server, heard = Redis(t), collections.Counter()
    ear = Client(server.socket, timeout=120)
    ear.call("PSUBSCRIBE", "sw:{t1}:*")

    def listen():
        said = ear.read()
        while said[3] != "the end":
            heard[said[3]] += 1
            said = ear.read()
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    proxy = cuts_often(server)
    program = feed(t, traffic(t, 3000, 2.5), proxy.address, "--set", "redis.mode=channel", "--set", "redis.batch=64")
    delivered(t, program)
    check(proxy.accepted >= CUTS, "only %d connections", proxy.accepted)
    finish(t, program)
    made = sum(produced(program.folder).values(), collections.Counter())
    server.call("PUBLISH", "sw:{t1}:end", "the end")
    listener.join()
    lines = collections.Counter({line: times for line, times in heard.items() if line in made})
    check(lines == made, "%d heard, %d made, %d of them differ", sum(lines.values()), sum(made.values()),
          sum(((lines - made) + (made - lines)).values()))
    strange = [line for line in heard if line not in made and "event_type" in json.loads(line)]
    check(not strange, "heard and not made: %r", strange[:2])


@system_test(tools=("redis-server",))
def test_user_database_and_socket(t):
    """A user that may do what the documentation says, a database, a unix socket, all at once."""
    secret = t.path("password")
    with open(secret, "w", encoding="ascii") as f:
        f.write(SECRET)
    server = Redis(t)
    server.call("ACL", "SETUSER", "sensor", "on", ">" + SECRET, "~sw:{t1}:*", "&sw:{t1}:*", "+@all", "-@dangerous", "+info")
    program = feed(t, traffic(t, 1000, 1.0), "unix:" + server.socket, "--set", "redis.user=sensor", "--set", "redis.password_file=" + secret,
                   "--set", "redis.database=3")
    delivered(t, program)
    check(server.call("DBSIZE") == 0, "something stands in database 0")
    server.call("SELECT", 3)
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_user_who_may_not(t):
    """The state says that it is a matter of permission; once they are given, all is delivered."""
    secret = t.path("password")
    with open(secret, "w", encoding="ascii") as f:
        f.write(SECRET)
    server = Redis(t)
    server.call("ACL", "SETUSER", "sensor", "on", ">" + SECRET, "~other:*", "+@all")
    program = feed(t, traffic(t, 500, 0.5), server.address, "--set", "redis.user=sensor", "--set", "redis.password_file=" + secret)
    said = sink_is(t, program, "degraded")
    check("perm" in (said["cause"] + said["error"]).lower() or "acl" in said["error"].lower(), "the sentence: %r", said)
    server.call("ACL", "SETUSER", "sensor", "~*", "&*")
    all_there(t, program, server)


@system_test(tools=("redis-server",))
def test_bad_settings(t):
    """One sentence and exit code 1, before anything is written."""
    empty = t.path("empty")
    with open(empty, "w", encoding="ascii"):
        pass
    capture = traffic(t, 10, 0.1)
    rows = (("redis.address=:6379", "redis"), ("redis.address=host:99999", "redis"), ("redis.address=unix:", "redis"),
            ("redis.password_file=" + t.path("nowhere"), "nowhere"), ("redis.password_file=" + empty, "empty"), ("spool.directory=", "spool.directory is empty"))
    for setting, name in rows:
        done = t.replay(capture, "--api", "none", *SMALL, *sends_to("127.0.0.1:%d" % free_port(), t.fresh("spool")), "--set", setting)
        check(done.code == 1 and name in done.err, "%s: exit %d: %s", setting, done.code, done.err)


@system_test(tools=("redis-server",))
def test_switched_off_and_on(t):
    """What is made while it is off does not go there, and is not counted as lost."""
    server = Redis(t)
    settings, folder = t.path("spanwatch.conf"), t.fresh("out")

    def write(on):
        with open(settings, "w", encoding="ascii") as f:
            f.write("[redis]\naddress = %s\nenabled = %s\n[spool]\ndirectory = %s\n[sensor]\nname = t1\n" % (
                server.address, "true" if on else "false", t.path("spool")))
    write(True)
    program = t.watch("-c", settings, "-r", traffic(t, 3000, 3.0), "-o", folder, "--stay", "--speed", 1, *SMALL)
    program.folder, program.sensor = folder, "t1"
    events_start(t, server)
    write(False)
    program.process.send_signal(1)
    sink_is(t, program, "off")
    t.until(lambda: sink(t, program)["records"]["left_out"] > 50, "something is left out")
    write(True)
    program.process.send_signal(1)
    sink_is(t, program, "up")
    said = delivered(t, program)
    left_out = said["records"]["left_out"]
    finish(t, program)
    made = sum(sum(lines.values()) for lines in produced(folder).values())
    there = sum(server.length(stream) for stream in STREAMS)
    check(made - left_out == there, "%d were made, %d left out, %d are there", made, left_out, there)
