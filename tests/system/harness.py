#!/usr/bin/python3
"""What system tests are made of: namespaces, programs, waiting, and reading what spanwatch says.

A test is a function test_*(t) of a file test_*.py; it gets a Rig, uses `check(...)`, and is done. Its decorator says what it needs
and how it is run. What the rig made (folders, programs, namespaces) is gone when the test ends, however it ends.

    harness.py FILE FUNCTION      runs one test; exit code 0 passed, 77 skipped, 1 failed
"""
import collections
import http.client
import importlib.util
import itertools
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SHARED = os.path.join(ROOT, "..", "shared")
SPANWATCH = os.path.join(ROOT, "build/app/spanwatch/spanwatch")
SPANWATCH_ASAN = os.path.join(ROOT, "build-asan/app/spanwatch/spanwatch")
REPORTS = ("AddressSanitizer", "LeakSanitizer", "runtime error:")
NOBODY = 65534
PORTS = (12000, 22000)  # below those that the kernel lends to clients; of a Redis Cluster's node, 10,000 higher too
PATIENCE_S = 60         # for what is bound to come: a machine that is busy with other things takes its time
# Tables of a size that starts twice as fast, for tests that start it often; still far larger than what their captures hold.
SMALL = ("--set", "flow.capacity=65536", "--set", "flow.capacity_ipv6=8192", "--set", "limits.hostnames=8192", "--set", "limits.streams=1024")


class Failed(Exception):
    pass


class Skip(Exception):
    pass


def system_test(root=False, shared=False, tools=(), alone=False, slow=False, limit=300):
    """root: it makes namespaces. shared: it reads ../shared. alone: nothing else may run beside it."""
    def wrap(function):
        function.how = {"root": root, "shared": shared, "tools": tools, "alone": alone, "slow": slow, "limit": limit}
        return function
    return wrap


def check(condition, say, *values):
    if not condition:
        raise Failed(say % values if values else say)


reserved = []  # sockets, as long as this process lives


def free_port(*beside):
    """One that nobody has, nor will be given by another test; beside: what to add to it for others that have to be free."""
    for _ in range(200):
        port = random.randrange(*PORTS)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind("\0spanwatch-test-port-%d" % port)
            for other in (0, *beside):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port + other))
        except OSError:
            claim.close()
            continue
        reserved.append(claim)
        return port
    raise Failed("there is no free port")


def captures(shared=True):
    """The captures of ours, and those beside the project if they are there."""
    found = [os.path.join(ROOT, "pcaps", f) for f in sorted(os.listdir(os.path.join(ROOT, "pcaps")))] \
        if os.path.isdir(os.path.join(ROOT, "pcaps")) else []
    beside = os.path.join(SHARED, "captures")
    if shared and os.path.isdir(beside):
        found += [os.path.join(beside, f) for f in sorted(os.listdir(beside))]
    return [f for f in found if f.endswith((".pcap", ".pcapng"))]


def eve_read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def eve_sorted(path):
    """What has to be the same for any number of workers: all lines but the stats, sorted."""
    with open(path, "rb") as lines:
        return sorted(line for line in lines if b'"event_type":"stats"' not in line)


def ledger_check(stats):
    """The identities of the ledger, from the numbers themselves; the program's own residual is only one of them."""
    for unit in ("packets", "bytes"):
        sums = stats[unit]
        ends = sums["analysed"] + sums["filtered"] + sum(sums["malformed"].values()) + sum(sums["dropped"].values())
        check(sums["received"] == ends, "%s: received %d, accounted %d: %r", unit, sums["received"], ends, sums)
    flows = stats["flows"]
    ended = flows.get("active", 0) + sum(flows["ended"].values())
    check(flows["created"] == ended, "flows: created %d, ended or active %d: %r", flows["created"], ended, flows)
    check(stats["residual"] == 0, "the residual is %r", stats["residual"])


def pcap_write(path, frames, linktype=1, start=1700000000, step_us=100):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, linktype))
        for i, frame in enumerate(frames):
            at = i * step_us
            out.write(struct.pack("<IIII", start + at // 1000000, at % 1000000, len(frame), len(frame)) + frame)


def frame_udp(client, port, payload=b"spanwatch", server=1, source_port=40000):
    """An Ethernet frame from 10.0.x.y to 10.1.0.server with a right IPv4 checksum; UDP may leave its own at 0."""
    udp = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0,
                     bytes((10, 0, client >> 8 & 255, client & 255)), bytes((10, 1, 0, server)))
    total = sum(struct.unpack("!10H", ip))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
    return bytes.fromhex("020000000001020000000002") + b"\x08\x00" + ip + udp


class UnixHTTP(http.client.HTTPConnection):
    """HTTP over a unix socket: it reaches through network namespaces."""
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Program:
    """A running program with its output in files; stopped by its id, never by its name."""
    def __init__(self, command, folder, **options):
        self.command = command
        self.out_path, self.err_path = (tempfile.mkstemp(dir=folder, suffix=s)[1] for s in (".out", ".err"))
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, **options)
        self.pid = self.process.pid

    @staticmethod
    def text(path):
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    @property
    def out(self):
        return self.text(self.out_path)

    @property
    def err(self):
        return self.text(self.err_path)

    def running(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM, limit=PATIENCE_S):
        if self.running():
            self.process.send_signal(number)
        return self.wait(limit)

    def wait(self, limit=PATIENCE_S):
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed("%s did not end within %d s; it said: %s" % (self.command[0], limit, self.err[-800:])) from None

    def kill(self):
        if self.running():
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


Replayed = collections.namedtuple("Replayed", "code out err folder")


class Rig:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="spanwatch-test-")
        os.chmod(self.folder, 0o755)
        self.programs, self.mounts = [], []
        self.numbers = itertools.count(1)  # next() of it is one step, whichever thread asks

    # ---- programs ----

    def path(self, name):
        return os.path.join(self.folder, name)

    def fresh(self, prefix):
        return self.path("%s%d" % (prefix, next(self.numbers)))

    def start(self, *command, namespace=None, **options):
        command = [str(word) for word in command]
        if namespace is not None:
            command = ["nsenter", "--net=/proc/%d/ns/net" % namespace, "--"] + command
        program = Program(command, self.folder, **options)
        self.programs.append(program)
        return program

    def call(self, *command, namespace=None, limit=PATIENCE_S, good=(0,)):
        """Runs a tool to its end and returns what it printed."""
        program = self.start(*command, namespace=namespace)
        code = program.wait(limit)
        check(code in good, "%s: exit %s: %s", " ".join(program.command), code, program.err[-800:])
        return program.out

    def until(self, condition, what, limit=PATIENCE_S, step=0.02):
        """The first true answer of condition; fails after limit seconds."""
        end = time.monotonic() + limit
        while True:
            answer = condition()
            if answer:
                return answer
            check(time.monotonic() < end, "%s: not within %g s", what, limit)
            time.sleep(step)

    # ---- spanwatch ----

    def replay(self, capture, *options, binary=SPANWATCH, limit=120, folder=None):
        folder = folder or self.fresh("run")
        program = self.start(binary, "-r", capture, "-o", folder, *options)
        return Replayed(program.wait(limit), program.out, program.err, folder)

    def analyse(self, capture, *options, **more):
        """A replay that has to go well; returns (events, stats)."""
        done = self.replay(capture, *options, **more)
        check(done.code == 0, "%s: exit %d: %s", capture, done.code, done.err[-800:])
        stats = self.stats(done.folder)
        ledger_check(stats)
        return eve_read(os.path.join(done.folder, "eve.json")), stats

    def stats(self, folder):
        with open(os.path.join(folder, "stats.json"), encoding="utf-8") as f:
            return json.load(f)

    def watch(self, *options, namespace=None, **more):
        """Starts spanwatch with its API on a unix socket and waits until it answers."""
        api = self.fresh("api")
        program = self.start(SPANWATCH, "--api", "unix:" + api, *options, namespace=namespace, **more)
        program.api = api

        def ready():
            check(program.running(), "spanwatch ended: exit %s: %s", program.process.poll(), program.err[-800:])
            return self.get(program, "/api/v1/health", quiet=True) is not None
        self.until(ready, "the API answers")
        return program

    def get(self, program, path, quiet=False):
        connection = UnixHTTP(program.api)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            check(answer.status == 200, "GET %s: %d %s", path, answer.status, body[:200])
            return json.loads(body) if "json" in answer.getheader("Content-Type", "") else body.decode()
        except (OSError, http.client.HTTPException):
            if quiet:
                return None
            raise
        finally:
            connection.close()

    def ask(self, program, method, path, headers=None, body=""):
        """Any request; (status, the answer's JSON)."""
        connection = UnixHTTP(program.api)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def balances(self, program):
        """Once nothing is in flight; the counters of two threads that are still at work are read at different moments."""
        self.until(lambda: self.get(program, "/api/v1/ledger")["residual"] == 0, "the ledger balances")

    # ---- namespaces ----

    def namespace(self):
        """A network of its own, held by a sleeping process; named by its id. Unlike `ip netns` it mounts nothing."""
        holder = self.start("unshare", "--net", "sleep", "infinity")
        ours = os.readlink("/proc/self/ns/net")
        self.until(lambda: os.readlink("/proc/%d/ns/net" % holder.pid) != ours, "unshare made a network namespace")
        return holder.pid

    def wire(self):
        """Two namespaces joined by a veth pair: (client, server), each with eth0, 10.77.0.1 and 10.77.0.2."""
        ends = [self.namespace(), self.namespace()]
        self.call("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", ends[1], namespace=ends[0])
        for i, end in enumerate(ends):
            # No router solicitations and the like: what is counted is what the test sends.
            self.call("sh", "-c", "for i in all eth0; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done", namespace=end)
            self.call("ip", "address", "add", "10.77.0.%d/24" % (i + 1), "dev", "eth0", namespace=end)
            self.call("ip", "link", "set", "lo", "up", namespace=end)
            self.call("ip", "link", "set", "eth0", "up", namespace=end)
        return ends

    def small_disk(self, bytes_):
        folder = self.fresh("disk")
        os.mkdir(folder)
        self.call("mount", "-t", "tmpfs", "-o", "size=%d" % bytes_, "tmpfs", folder)
        self.mounts.append(folder)
        return folder

    # ---- the end ----

    def close(self):
        for program in reversed(self.programs):
            program.kill()
        for folder in self.mounts:
            subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def reason_to_skip(how):
    if how.get("shared") and not os.path.isdir(SHARED):
        return "there is no ../shared beside the project"
    if how.get("root") and os.geteuid() != 0:
        return "making network namespaces takes root"
    for tool in how.get("tools", ()):
        if shutil.which(tool) is None:
            return "%s is not installed" % tool
    return None


def main():
    path, name = sys.argv[1:3]
    sys.modules["harness"] = sys.modules["__main__"]  # what a test imports is this very module
    spec = importlib.util.spec_from_file_location("system_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, name)
    reason = reason_to_skip(getattr(function, "how", {}))
    if reason is not None:
        print(reason)
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rig = Rig()
    try:
        function(rig)
    except Skip as why:
        print(why)
        return 77
    except Failed as why:
        print(why)
        return 1
    finally:
        rig.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
