"""What Redis costs: records a second to a local server and CPU time of each of the two for a record; how fast a spool empties when
the server is back, while records keep coming; and what the sums of each second cost the worker, in instructions.

Called by scripts/bench --redis. Records are of UDP flows of one packet each, made here: nothing makes more records of fewer packets.
"""
import glob
import os
import re
import statistics
import struct
import sys
import tempfile
import time

from harness import SMALL, SPANWATCH, Failed, Rig, frame_udp
from redis_rig import ENDS_FLOWS, Redis, sends_to, sink, stream_key

FLOWS, STEP_US, PASSES = 2000000, 10, 3
PACED_FLOWS, PACED_PER_S, AWAY_S = 600000, 30000, 6
RECORDS_WANTED, DRAIN_WANTED, AGGREGATES_WANTED = 150000, 3.0, 0.01
PACKETS, FEW_FLOWS = 1000000, 20000
OPTIONS = (*ENDS_FLOWS, "--set", "flow.capacity=1048576", "--set", "spool.exit_wait_s=600")
CHECKSUM_AT, SOURCE_AT, PORT_AT, PORTS = 24, 26, 34, 50000  # in a frame


def fold(total):
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def capture_make(path, count, step_us, flows=None):
    """Packets so many microseconds apart, each a flow of its own (address and port differ) or of so many flows in turns."""
    flows = flows or count
    frame = bytearray(frame_udp(0, 9000))
    frame[CHECKSUM_AT:SOURCE_AT + 4] = bytes(6)
    rest, size = sum(struct.unpack("!10H", frame[14:34])), len(frame)
    with open(path, "wb", buffering=1 << 20) as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(count):
            flow = i % flows
            if flow % PORTS == 0:
                source = (0x0a000000 + flow // PORTS).to_bytes(4, "big")
                checksum = fold(rest + sum(struct.unpack("!2H", source))) ^ 0xffff
                frame[CHECKSUM_AT:CHECKSUM_AT + 2], frame[SOURCE_AT:SOURCE_AT + 4] = checksum.to_bytes(2, "big"), source
            frame[PORT_AT:PORT_AT + 2] = (1024 + flow % PORTS).to_bytes(2, "big")
            out.write(struct.pack("<IIII", 1700000000 + i * step_us // 1000000, i * step_us % 1000000, size, size) + frame)




def run(t, capture, *more):
    """(seconds, seconds of CPU time) of a replay."""
    began = time.monotonic()
    program = t.start(SPANWATCH, "-r", capture, "-w", "1", "--api", "none", *OPTIONS, *more)
    _, status, used = os.wait4(program.pid, 0)
    program.process.returncode = os.waitstatus_to_exitcode(status)
    if status != 0:
        raise Failed("spanwatch: exit %d: %s" % (program.process.returncode, program.err[-800:]))
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def server_cpu(server):
    return sum(float(line.partition(":")[2]) for line in server.call("INFO", "cpu").splitlines()
               if line.startswith(("used_cpu_user:", "used_cpu_sys:")))


def added(server, stream="flows"):
    said = server.call("XINFO", "STREAM", stream_key(stream))
    return dict(zip(said[::2], said[1::2]))["entries-added"]


def throughput(t, capture, empty):
    rows, plain = [], []
    idle = statistics.median(run(t, empty)[0] for _ in range(PASSES))
    for _ in range(PASSES):
        plain.append(run(t, capture)[1])
        server = Redis(t)
        before = server_cpu(server)
        seconds, cpu = run(t, capture, *sends_to(server.address, t.fresh("spool")))
        count = added(server)
        if count != FLOWS:
            raise Failed("%d records of %d are in Redis" % (count, FLOWS))
        rows.append((count / (seconds - idle), cpu, server_cpu(server) - before))
        server.kill()
    rate, ours, theirs = (statistics.median(column) for column in zip(*rows))
    without = statistics.median(plain)
    print("  %d flow records to a local Redis: %.0f records/s (wanted: %d)" % (FLOWS, rate, RECORDS_WANTED))
    print("  CPU for a record: spanwatch %.2f us, of which the sink %.2f us; redis-server %.2f us" % (
        ours / FLOWS * 1e6, (ours - without) / FLOWS * 1e6, theirs / FLOWS * 1e6), flush=True)
    return {"records_per_s": round(rate), "us_of_spanwatch": round(ours / FLOWS * 1e6, 3), "us_of_sink": round((ours - without) / FLOWS * 1e6, 3),
            "us_of_redis": round(theirs / FLOWS * 1e6, 3)}


def drain(t, folder):
    """Redis is away for a while and records keep coming, when it is back, too."""
    capture = os.path.join(folder, "paced.pcap")
    capture_make(capture, PACED_FLOWS, 1000000 // PACED_PER_S)
    server = Redis(t)
    program = t.watch("-r", capture, "--stay", "--speed", "1", "-w", "1", *OPTIONS,
                      *sends_to(server.address, t.fresh("spool")))
    t.until(lambda: sink(t, program)["records"]["delivered"] > PACED_PER_S, "it is under way", 20)
    server.kill()
    time.sleep(AWAY_S)
    server.start()
    began, first = time.monotonic(), sink(t, program)["records"]
    t.until(lambda: sink(t, program)["records"]["waiting"] < PACED_PER_S // 50, "drained", 120)
    seconds, last = time.monotonic() - began, sink(t, program)["records"]
    rate, made = (last["delivered"] - first["delivered"]) / seconds, (last["made"] - first["made"]) / seconds
    program.stop()
    server.kill()
    os.remove(capture)
    print("  drain: %d waited after %d s; %.0f records/s left while %.0f/s came: %.1f x production (wanted: %.0f)" % (
        first["waiting"], AWAY_S, rate, made, rate / made, DRAIN_WANTED), flush=True)
    return {"waited": first["waiting"], "drain_per_s": round(rate), "production_per_s": round(made), "ratio": round(rate / made, 2)}


def worker_instructions(t, capture, *more):
    """Those of the worker's thread for a whole replay, as callgrind counts them: unlike its time the same again and again."""
    counts = os.path.join(t.fresh("callgrind"), "thread")
    os.mkdir(os.path.dirname(counts))
    t.call("valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes", "--callgrind-out-file=" + counts, SPANWATCH, "-r", capture,
           "-w", "1", "--api", "none", *SMALL, *more, limit=300)
    for path in glob.glob(counts + "*"):
        with open(path, encoding="utf-8") as f:
            said = f.read()
        if "worker_run" in said:
            return int(re.search(r"^summary: (\d+)", said, re.MULTILINE)[1])
    raise Failed("callgrind saw no worker")


def aggregates(t, folder):
    """Few flows, many packets: all that Redis adds to the worker are the sums."""
    capture, server = os.path.join(folder, "few.pcap"), Redis(t)
    capture_make(capture, PACKETS, STEP_US, FEW_FLOWS)
    without, with_ = worker_instructions(t, capture), worker_instructions(t, capture, *sends_to(server.address, t.fresh("spool")))
    cost = (with_ - without) / without
    server.kill()
    os.remove(capture)
    print("  sums: %d packets are %.1f instructions each for the worker without Redis, %.1f with it: %+.4f %% (wanted: under %.0f %%)" % (
        PACKETS, without / PACKETS, with_ / PACKETS, 100 * cost, 100 * AGGREGATES_WANTED), flush=True)
    return {"worker_instructions": with_, "worker_instructions_without": without, "cost": round(cost, 6)}


def bench():
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    print("Redis: medians of %d runs" % PASSES, flush=True)
    with tempfile.TemporaryDirectory(prefix="spanwatch-bench-", dir=base) as folder:
        capture, empty = os.path.join(folder, "flows.pcap"), os.path.join(folder, "empty.pcap")
        capture_make(capture, FLOWS, STEP_US)
        capture_make(empty, 0, STEP_US)
        t = Rig()
        try:
            result = throughput(t, capture, empty)
            os.remove(capture)
            return {"redis": {**result, "drain": drain(t, folder), "aggregates": aggregates(t, folder)}}
        except Failed as why:
            sys.exit("bench: %s" % why)
        finally:
            t.close()
