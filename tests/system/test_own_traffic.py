"""The interface that is watched is also the way to the servers of the outputs: what is sent there makes no records, what others say to
the same servers does."""
import collections
import json
import os
import sys
import time

from harness import SMALL, check, eve_read, free_port, ledger_check, system_test
from redis_rig import Redis, sink, sink_adds_up, sink_rests

HERE, THERE, OTHER = {4: "10.77.0.1", 6: "fd77::1"}, {4: "10.77.0.2", 6: "fd77::2"}, {4: "10.77.0.9", 6: "fd77::9"}
# Closes after each answer, so that there is a connection for each batch.
RECEIVER = """
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        lines = self.rfile.read(int(self.headers["Content-Length"])).count(b"\\n")
        print(lines, flush=True)
        self.send_response(204)
        self.end_headers()
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", int(sys.argv[1])), Handler).serve_forever()
"""
# A client of the same server from an address of its choice.
TALK = """
import socket, sys
with socket.create_connection((sys.argv[2], int(sys.argv[3])), 5, (sys.argv[1], 0)) as s:
    s.sendall(b"PING\\r\\n")
    s.recv(100)
"""
QUICK = SMALL + ("--set", "flow.tcp_closed_s=1", "--set", "flow.tcp_new_s=1")


def wire(t):
    """Two namespaces; the first has a second address, both speak IPv6 as well."""
    ends = t.wire()
    for end, addresses in zip(ends, ((HERE[6], OTHER[6]), (THERE[6],))):
        t.call("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6", namespace=end)
        for address in addresses:
            t.call("ip", "address", "add", address + "/64", "dev", "eth0", "nodad", *(("preferred_lft", "0") if address == OTHER[6] else ()),
                   namespace=end)
    t.call("ip", "address", "add", OTHER[4] + "/24", "dev", "eth0", namespace=ends[0])
    return ends


class RedisThere(Redis):
    def __init__(self, t, namespace):
        super().__init__(t, "--bind", "0.0.0.0", "::", "--protected-mode", "no", namespace=namespace)

    def settings(self, version):
        return {"redis": {"address": ("[%s]:%d" if version == 6 else "%s:%d") % (THERE[version], self.port)}}


class ReceiverThere:
    def __init__(self, t, namespace):
        self.port = free_port()
        self.program = t.start(sys.executable, "-c", RECEIVER, self.port, namespace=namespace)

    def settings(self, version):
        return {"http": {"url": ("http://[%s]:%d/in" if version == 6 else "http://%s:%d/in") % (THERE[version], self.port)}}


def watch(t, namespace, settings, own="leave_out"):
    (section, keys), = settings.items()
    sets = [word for key, value in keys.items() for word in ("--set", "%s.%s=%s" % (section, key, value))]
    out = t.fresh("out")
    program = t.watch("-i", "eth0", "-w", "2", "-o", out, *QUICK, *sets, "--set", "spool.directory=" + t.fresh("spool"), "--set",
                      "capture.own_traffic=" + own, namespace=namespace)
    program.out_folder, program.section = out, section
    return program


def own_ends(t, program):
    return t.get(program, "/api/v1/filters")["own_ends"]


def is_up(t, program, delivered=0):
    def look():
        said = sink(t, program, program.section)
        return said["state"] == "up" and said["records"]["delivered"] >= delivered
    t.until(look, "the output is up and has delivered %d" % delivered)


def talk(t, namespace, server, version, address, times=5):
    for _ in range(times):
        t.call(sys.executable, "-c", TALK, address[version], THERE[version], server.port, namespace=namespace)


def finish(t, program):
    """Ends it; (stats, {(client, server, port): TCP flows})."""
    sink_adds_up(sink_rests(t, program, program.section))
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
    stats = t.stats(program.out_folder)
    ledger_check(stats)
    flows = collections.Counter()
    for e in eve_read(os.path.join(program.out_folder, "eve.json")):
        if e["event_type"] == "flow" and e["proto"] == "TCP":
            flows[min((e["src_ip"], e["dest_ip"], e["dest_port"]), (e["dest_ip"], e["src_ip"], e["src_port"]), key=lambda end: end[2])] += 1
    return stats, flows


def left_out(t, kind, version):
    """From the first packet of the first connection on, over connections that end, and with the server away."""
    box, far = wire(t)
    server = kind(t, far)
    program = watch(t, box, server.settings(version))
    is_up(t, program)
    talk(t, box, server, version, OTHER)
    is_up(t, program, 1)
    before = t.get(program, "/api/v1/filters")
    if kind is RedisThere:
        server.cut()
        is_up(t, program)
        server.kill()
        t.until(lambda: sink(t, program)["faults"] >= 4, "it has tried again and again")
        server.start()
        is_up(t, program)
    time.sleep(1.5)  # another second's sums
    after = t.get(program, "/api/v1/filters")
    for said in (before, after):
        check(said["own_ends"] == 1, "one server: %r", said)
        check(said["changes"] == 1 and said["since"] == before["since"], "that an output connects is no change of the filters: %r", said)
    stats, flows = finish(t, program)
    check(flows[HERE[version], THERE[version], server.port] == 0, "the output's own connection has a record: %r", flows)
    check(flows[OTHER[version], THERE[version], server.port] == 5, "another client's have not: %r", flows)
    check(stats["packets"]["filtered_own"] > 20, "left out: %r", stats["packets"])


def kept(t, kind):
    box, far = wire(t)
    server = kind(t, far)
    program = watch(t, box, server.settings(4), own="keep")
    is_up(t, program)
    talk(t, box, server, 4, OTHER)
    is_up(t, program, 1)
    check(own_ends(t, program) == 0, "ends are left out")
    stats, flows = finish(t, program)
    check(flows[HERE[4], THERE[4], server.port] > 0, "the output's own connection has no record: %r", flows)
    check(flows[OTHER[4], THERE[4], server.port] == 5, "another client's have not: %r", flows)
    check(stats["packets"]["filtered_own"] == 0, "left out: %r", stats["packets"])


def sent_elsewhere(t, kind):
    """The new server's is left out at once; the old one's no longer, once the last packets have come."""
    box, far = wire(t)
    old, new = kind(t, far), kind(t, far)
    program = watch(t, box, old.settings(4))
    is_up(t, program)
    code, said = t.ask(program, "PUT", "/api/v1/sinks", {"Content-Type": "application/json"}, json.dumps(new.settings(4)))
    check(code == 200, "%d: %r", code, said)
    t.until(lambda: own_ends(t, program) == 2, "both are left out")
    is_up(t, program)
    t.until(lambda: own_ends(t, program) == 1, "the old one is forgotten")
    talk(t, box, old, 4, HERE)
    talk(t, box, new, 4, OTHER)
    _, flows = finish(t, program)
    check(flows[HERE[4], THERE[4], old.port] == 5, "of what the box says to the old server now: %r", flows)
    check(flows[HERE[4], THERE[4], new.port] == 0, "the output's own connection has a record: %r", flows)
    check(flows[OTHER[4], THERE[4], new.port] == 5, "another client's have not: %r", flows)


@system_test(root=True, tools=("ip", "redis-server"))
def test_redis(t):
    left_out(t, RedisThere, 4)


@system_test(root=True, tools=("ip", "redis-server"))
def test_redis_ipv6(t):
    left_out(t, RedisThere, 6)


@system_test(root=True, tools=("ip",))
def test_http(t):
    left_out(t, ReceiverThere, 4)


@system_test(root=True, tools=("ip",))
def test_http_ipv6(t):
    left_out(t, ReceiverThere, 6)


@system_test(root=True, tools=("ip", "redis-server"))
def test_redis_kept(t):
    kept(t, RedisThere)


@system_test(root=True, tools=("ip",))
def test_http_kept(t):
    kept(t, ReceiverThere)


@system_test(root=True, tools=("ip", "redis-server"))
def test_redis_elsewhere(t):
    sent_elsewhere(t, RedisThere)


@system_test(root=True, tools=("ip",))
def test_http_elsewhere(t):
    sent_elsewhere(t, ReceiverThere)
