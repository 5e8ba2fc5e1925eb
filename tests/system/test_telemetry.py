"""DPDK's telemetry: what its socket says of spanwatch is what the program itself says, live and with EAL arguments of one's own."""
import json
import os
import signal
import socket

from harness import ROOT, SMALL, SPANWATCH, check, frame_udp, pcap_write, system_test

ANSWER_MAX = 65536
HTTP = os.path.join(ROOT, "pcaps/http.pcap")
STAGES = ("receive", "decode", "lookup", "count", "expire", "publish")


class Telemetry:
    """One client of the socket: a command is a packet, so is its answer."""
    def __init__(self, t, program, folder):
        self.path = os.path.join(folder, "dpdk/rte/dpdk_telemetry.v2")
        t.until(lambda: os.path.exists(self.path) or not program.running(), "the telemetry socket is there")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(5)
        t.until(lambda: self.socket.connect_ex(self.path) == 0, "it is listened to")
        self.hello = json.loads(self.socket.recv(ANSWER_MAX))

    def ask(self, command):
        self.socket.send(command.encode())
        return json.loads(self.socket.recv(ANSWER_MAX))[command.split(",")[0]]

    def close(self):
        self.socket.close()


def runtime(t):
    """A folder for EAL's sockets and the environment that names it: other programs of DPDK's have theirs elsewhere."""
    folder = t.fresh("runtime")
    os.mkdir(folder, 0o700)
    return folder, dict(os.environ, RUNTIME_DIRECTORY=folder)


def same_as_stats(said, flows, stats):
    packets = stats["packets"]
    for name in ("received", "analysed", "filtered"):
        check(said["packets_" + name] == packets[name], "%s: %r, not %r", name, said["packets_" + name], packets[name])
    check(said["packets_malformed"] == sum(packets["malformed"].values()), "malformed: %r, %r", said, packets)
    check(said["bytes_received"] == stats["bytes"]["received"], "bytes: %r, %r", said, stats["bytes"])
    for name in ("created", "active"):
        check(flows["flows_" + name] == stats["flows"][name], "%s flows: %r, not %r", name, flows, stats["flows"])
    check(flows["flows_ended"] == sum(stats["flows"]["ended"].values()), "ended flows: %r, %r", flows, stats["flows"])


def workers_add_up(client, workers):
    """All of them together are the sum of each; the stages that every packet goes through have taken time."""
    parts = [client.ask("/spanwatch/lcores,%d" % k) for k in range(workers)]
    whole = client.ask("/spanwatch/lcores")
    check(whole["workers_running"] == workers, "%r workers", whole["workers_running"])
    check(sum(part["packets_handled"] for part in parts) == whole["packets_handled"], "%r is not the sum of %r", whole, parts)
    for stage in STAGES:
        check(whole["cycles_" + stage] > 0, "%s took no cycles: %r", stage, whole)
        check(sum(part["cycles_" + stage] for part in parts) <= whole["cycles_" + stage], "%s: %r, %r", stage, whole, parts)
    check(whole["polls_all"] > whole["polls_empty"] > 0 and whole["cycles_busy"] > 0, "%r", whole)
    return whole


def wrong_questions(client, workers):
    for command in ("/spanwatch/lcores,%d" % workers, "/spanwatch/lcores,-1", "/spanwatch/lcores,0x", "/spanwatch/lcores,", "/spanwatch/stats,1",
                    "/spanwatch/flows,a", "/spanwatch/lcores,99999999999999999999"):
        answer = client.ask(command)
        expected = command == "/spanwatch/lcores,"  # an empty argument is none
        check((answer is not None) == expected, "%s: %r", command, answer)


@system_test()
def test_arguments_of_ones_own(t):
    folder, environment = runtime(t)
    api, out = t.fresh("api"), t.fresh("out")
    program = t.start(SPANWATCH, "--lcores=0@0,1@0,2@0", "--no-huge", "--no-shconf", "--no-pci", "-m", "1024", "--", "--api", "unix:" + api,
                      "-r", HTTP, "--stay", "-o", out, *SMALL, env=environment)
    program.api = api
    t.until(lambda: (t.get(program, "/api/v1/health", quiet=True) or {"at_rest": not program.running()})["at_rest"], "the replay is over")
    client = Telemetry(t, program, folder)
    check(client.hello["pid"] == program.pid, "%r is not %d", client.hello, program.pid)
    listed = client.ask("/")
    check({"/spanwatch/stats", "/spanwatch/lcores", "/spanwatch/flows"} <= set(listed), "%r", listed)
    stats = t.get(program, "/api/v1/stats")
    check(stats["packets"]["received"] > 0, "nothing was analysed")
    same_as_stats(client.ask("/spanwatch/stats"), client.ask("/spanwatch/flows"), stats)
    whole = workers_add_up(client, 2)
    check(whole["packets_handled"] == stats["packets"]["received"], "%r", whole)
    wrong_questions(client, 2)
    metrics = t.get(program, "/metrics")
    for k in range(2):
        part = client.ask("/spanwatch/lcores,%d" % k)
        for line in ('worker_packets_total{worker="%d"} %d' % (k, part["packets_handled"]),
                     'worker_stage_cycles_total{worker="%d",stage="count"} %d' % (k, part["cycles_count"])):
            check("\nspanwatch_" + line + "\n" in metrics, "/metrics does not say %s", line)
    # questions until it is gone: the end of the run and an answer that is being made do not get into each other's way
    program.process.send_signal(signal.SIGTERM)
    try:
        while program.running():
            client.ask("/spanwatch/stats")
    except (OSError, ValueError):
        pass
    check(program.wait() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])


@system_test(root=True, tools=("tcpreplay",))
def test_live(t):
    client_end, server = t.wire()
    folder, environment = runtime(t)
    program = t.watch("-i", "eth0", "-w", "1", *SMALL, namespace=server, env=environment)
    client = Telemetry(t, program, folder)
    frames = t.fresh("frames")
    pcap_write(frames, [frame_udp(i, 9000) for i in range(100)])
    t.call("tcpreplay", "-q", "--intf1=eth0", "--pps=2000", frames, namespace=client_end)
    t.until(lambda: client.ask("/spanwatch/lcores")["packets_handled"] >= 100, "telemetry saw the packets")
    check(client.ask("/spanwatch/flows")["flows_created"] >= 100, "%r", client.ask("/spanwatch/flows"))
    workers_add_up(client, 1)
    check(client.ask("/ethdev/list"), "DPDK's own commands know no port")
    client.close()
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
    check(not os.path.exists(client.path), "the socket is still there")


@system_test(root=True)
def test_no_place_for_sockets(t):
    """Where EAL could not make its socket the run goes on without."""
    _, server = t.wire()
    program = t.watch("-i", "eth0", "-w", "1", *SMALL, namespace=server, env=dict(os.environ, RUNTIME_DIRECTORY=t.path("missing")))
    check("no DPDK telemetry: %s cannot be written" % t.path("missing") in program.err, "%s", program.err[-800:])
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
