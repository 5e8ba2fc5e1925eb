"""A worker that polls makes no system call, neither idle nor under load: strace, an ordinary tool, looks on for a second."""
import os
import re
import signal
import time

from harness import Skip, check, frame_udp, ledger_check, pcap_write, system_test

SECONDS = 1.0
WORKER = re.compile(r"(lcore-worker|dpdk-worker|rte-worker)")


def thread_find(pid, pattern):
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, task), encoding="ascii") as comm:
            if pattern.match(comm.read()):
                return int(task)
    return None


def calls_seen(t, thread):
    """The system calls that a thread makes in a second."""
    out = t.fresh("strace")
    tracer = t.start("strace", "-p", thread, "-o", out)
    t.until(lambda: "attached" in tracer.err, "strace is attached")
    time.sleep(SECONDS)
    tracer.stop(signal.SIGINT)
    with open(out, encoding="utf-8", errors="replace") as f:
        # a stop by the tracer itself is no call of the thread's
        return [line for line in f if re.match(r"[a-z_0-9]+\(", line) and not line.startswith("restart_syscall")]


def polls(t, program):
    worker = t.get(program, "/api/v1/lcores")["workers"][0]
    return worker["polls"], worker["packets"]


@system_test(root=True, tools=("strace", "tcpreplay"), alone=True)
def test_polling_worker(t):
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("worker and control take turns on the one CPU there is: there a worker yields")
    client, server = t.wire()
    out = t.fresh("out")
    program = t.watch("-i", "eth0", "-w", "1", "-o", out, "--set", "capture.idle=poll", namespace=server)
    worker = thread_find(program.pid, WORKER)
    check(worker is not None, "no thread of %d is called as DPDK's workers are", program.pid)
    before = polls(t, program)
    idle = calls_seen(t, worker)
    frames = t.fresh("frames")
    pcap_write(frames, [frame_udp(i, 9000) for i in range(100)])
    sender = t.start("tcpreplay", "-q", "--intf1=eth0", "--pps=20000", "--loop=100000", "--duration=5", frames, namespace=client)
    busy = calls_seen(t, worker)
    sender.stop(signal.SIGINT)
    after = polls(t, program)
    check(after[0] - before[0] > 10000 and after[1] - before[1] > 1000, "it did not poll, or saw nothing: %r, %r", before, after)
    check(not idle, "%d system calls while idle, such as %s", len(idle), idle[:1])
    check(not busy, "%d system calls under load, such as %s", len(busy), busy[:1])
    # the same look at control shows that it would have seen them
    check(calls_seen(t, program.pid), "strace sees no call of the control thread either: this test shows nothing")
    check(program.stop() == 0, "spanwatch: exit %s: %s", program.process.poll(), program.err[-800:])
    ledger_check(t.stats(out))
