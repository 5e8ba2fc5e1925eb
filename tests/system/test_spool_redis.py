"""spanwatch itself on a spool that is full, or was damaged between two runs, with a real Redis at the end: its streams add up to what was
made, record by record, with tombstones for what is missing."""
import os

from harness import SMALL, check, free_port, system_test
from redis_rig import Redis, drain, sends_to, traffic, verify_streams

FIRM = ("--set", "spool.segment_mb=1", "--set", "spool.quota_mb=16", "--set", "spool.memory_mb=1", "--set", "spool.exit_wait_s=0")


def away(t, capture, port, spool, *options):
    """A run whose Redis is not there; its folder."""
    done = t.replay(capture, *SMALL, *sends_to("127.0.0.1:%d" % port, spool), *FIRM, *options)
    check(done.code in (0, 1), "exit %d: %s", done.code, done.err[-800:])
    return done.folder


def segments(spool):
    return sorted(os.path.join(at, f) for at, _, names in os.walk(spool) for f in names if f.endswith(".spool"))


@system_test(root=True, tools=("redis-server",))
def test_full_disk_while_redis_is_away(t):
    for policy in ("drop_oldest", "drop_newest"):
        spool, port = t.small_disk(5 << 20), free_port()
        options = ("--set", "spool.policy=%s" % policy)
        folders = [away(t, traffic(t, 12000, 2.0), port, spool, *options)]
        server = Redis(t, port=port)
        folders.append(drain(t, traffic(t, 100, 0.1, first=12000), server.address, spool, *FIRM[:4], *options))
        seen = verify_streams(server, *folders, causes=("quota", "disk", "crash"))
        check(any(s.tombstones for s in seen.values()), "%s: nothing was lost, the disk was large enough", policy)
        check(sum(s.records for s in seen.values()) > 4000, "%s: hardly anything was kept: %r", policy, {k: s.records for k, s in seen.items()})
        server.kill()


@system_test(tools=("redis-server",))
def test_damage_between_two_runs(t):
    spool, port, outside = t.fresh("spool"), free_port(), t.fresh("outside")
    folders = [away(t, traffic(t, 4000, 2.0), port, spool), away(t, traffic(t, 1000, 1.0, first=4000), port, spool)]
    found = segments(spool)
    check(len(found) >= 4, "there are only %d segments", len(found))
    with open(found[0], "r+b") as f:  # one bit of a record
        f.seek(5000)
        byte = f.read(1)[0]
        f.seek(5000)
        f.write(bytes((byte ^ 4,)))
    os.unlink(found[1])               # one is gone
    with open(found[2], "r+b") as f:  # one header
        f.seek(20)
        f.write(b"\xff")
    with open(found[-1], "r+b") as f: # a torn end
        f.truncate(os.path.getsize(found[-1]) - 7)
    with open(outside, "w", encoding="utf-8") as f:
        f.write("precious")
    for i in range(1, 4):             # where the next ones would be
        os.symlink(outside, os.path.join(os.path.dirname(found[0]), "%010d.spool" % (int(os.path.basename(found[-1])[:10]) + i)))
    server = Redis(t, port=port)
    folders.append(drain(t, traffic(t, 100, 0.1, first=5000), server.address, spool, *FIRM[:4]))
    seen = verify_streams(server, *folders, causes=("damage", "crash"))
    check(any(s.tombstones for s in seen.values()), "no damage was told")
    aside = [f for _, _, names in os.walk(spool) for f in names if f.endswith(".damaged")]
    check(len(aside) >= 2, "kept aside: %r", aside)
    with open(outside, encoding="utf-8") as f:
        check(f.read() == "precious", "it wrote through a link")
