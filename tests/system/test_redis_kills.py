"""Killed at random, again and again: first Redis, then spanwatch. The seeds are fixed, the machine is not: each run hits other points."""
import collections
import os
import random
import time

from harness import SMALL, SPANWATCH, check, system_test
from redis_rig import (LONG, STREAMS, Redis, all_there, drain, events_start, feed, ids_check, produced, sends_to, sink, stream_read,
                       traffic)

REDIS_KILLS = 20 if LONG else 5
OUR_KILLS = 200 if LONG else 10
TRIES = 3  # until one was in the middle of something
QUEUED_MAX = 1024  # records of a replay on their way to the spool: one batch of Redis
OFTEN = ("--set", "spool.segment_mb=1", "--set", "spool.retain_mb=1")


@system_test(tools=("redis-server",))
def test_redis_is_killed(t):
    """It answers after its file has what it answers for, so nothing is lost; what was sent and not answered is not there twice."""
    generator = random.Random(20)
    server = Redis(t, "--appendonly", "yes", "--appendfsync", "everysec")
    program = feed(t, traffic(t, 400 * (REDIS_KILLS + 3), 0.9 * (REDIS_KILLS + 3)), server.address, "--set", "redis.batch=64")
    events_start(t, server)
    for _ in range(REDIS_KILLS):
        time.sleep(generator.uniform(0.05, 0.6))
        server.kill()
        time.sleep(generator.uniform(0, 0.3))
        server.start()
    said, seen = all_there(t, program, server)
    check(all(not s.tombstones for s in seen.values()), "tombstones: %r", seen)
    check(said["faults"] >= REDIS_KILLS // 2, "only %d faults were noticed", said["faults"])


def crash_check(server, folders, deaths=1):
    """What spanwatch wrote to eve.json before each death is in Redis, or a tombstone of that stream tells of it. No record is there twice.
    In a replay one record may have been taken by eve.json while control still waits for room in the queue to Redis: one a death."""
    made, told_all, untaken = produced(*folders), collections.Counter(), 0
    for stream in STREAMS:
        entries = stream_read(server, stream)
        ids_check(entries, stream)
        got = collections.Counter(e.payload for e in entries if e.lost is None)
        check(max(got.values(), default=1) == 1, "%s: twice: %.300s", stream, got.most_common(1))
        stones = [e for e in entries if e.lost is not None]
        told = sum(e.last - e.first + 1 for e in stones)
        check({e.lost for e in stones} <= {"crash"}, "%s: lost by %r", stream, {e.lost for e in stones})
        missing = sum((made[stream] - got).values())
        check(missing <= told + deaths, "%s: %d records are missing, tombstones tell of %d", stream, missing, told)
        untaken += max(0, missing - told)
        for e in stones:
            told_all[e.boot] += e.last - e.first + 1
    check(untaken <= deaths, "%d records are missing of which no tombstone tells", untaken)
    check(max(told_all.values(), default=0) <= QUEUED_MAX, "one death lost %s records", told_all.most_common(1))
    return sum(told_all.values())


def live_and_die(t, life, generator, options):
    """One run, killed somewhere: while it starts, while records come at a pace, or while they come as fast as they can."""
    folder, hurry, starts = t.fresh("out"), life % 2, life % 4 == 0
    capture = traffic(t, 8000, 4.0, first=life * 8000, start=1700000000 + 100 * life)
    program = t.start(SPANWATCH, "-r", capture, "-o", folder, "--speed", 0 if hurry else 1, "--api", "none", *SMALL, "--set",
                      "flow.udp_new_s=1", *options)
    eve = os.path.join(folder, "eve.json")
    if not starts:
        t.until(lambda: os.path.exists(eve) and os.path.getsize(eve) > 0, "it writes", step=0.001)
    time.sleep(generator.uniform(0, 0.4 if starts else 0.05 if hurry else 0.6))
    check(hurry or program.running(), "it ended by itself: %s", program.err[-800:])
    program.kill()
    os.unlink(capture)
    return folder if os.path.exists(eve) else None


@system_test(tools=("redis-server",), limit=900)
def test_spanwatch_is_killed(t):
    """Each life has other packets and the same spool. At most what had been taken and not written yet is lost, and that is told."""
    generator = random.Random(200)
    server, spool, folders = Redis(t), t.fresh("spool"), []
    options = (*OFTEN, "--set", "redis.stream_length=100000000", *sends_to(server.address, spool))
    for life in range(TRIES * OUR_KILLS):
        if generator.random() < 0.3:
            server.call("CLIENT", "PAUSE", 300, "WRITE")
        folders.append(live_and_die(t, life, generator, options))
        if (life + 1) % OUR_KILLS > 0:
            continue
        folders = [folder for folder in folders if folder is not None]
        check(len(folders) > life // 2, "it hardly ever came to its first record")
        folders.append(drain(t, traffic(t, 10, 0.1, first=(life + 1) * 8000, start=1700000000 + 100 * life + 50), server.address, spool, *OFTEN))
        if crash_check(server, folders, life + 1) > 0:
            return
    check(False, "no death lost a record: none was in the middle of anything")


@system_test(tools=("redis-server",))
def test_both_are_killed(t):
    """First the one, and before it is back the other: all that was written waits for both."""
    server, spool = Redis(t, "--appendonly", "yes"), t.fresh("spool")
    program = feed(t, traffic(t, 6000, 6.0), server.address, spool=spool)
    events_start(t, server)
    server.kill()
    t.until(lambda: sink(t, program)["records"]["waiting"] > 500, "records wait")
    program.kill()
    server.start()
    first = program.folder
    folders = [first, drain(t, traffic(t, 10, 0.1, first=50000), server.address, spool)]
    crash_check(server, folders)
