"""Outputs at run time: switched on and off and sent elsewhere while packets flow, by REST and by SIGHUP; a server that is away is told,
and what waits for it goes with the next run. Every record is where it should be, once, and the ledger is zero."""
import json
import os
import re
import shlex
import signal

from harness import ROOT, SMALL, SPANWATCH, check, eve_read, frame_udp, free_port, ledger_check, pcap_write, system_test

CAPTURE = os.path.join(ROOT, "pcaps/dns.pcap")
JSON = {"Content-Type": "application/json"}
SENSOR = "probe"
FLOWS, RATE, LOOPS = 2000, 1000, 100  # each flow is idle for two seconds, and ends after one; it is stopped long before
SHORT = ("--set", "flow.udp_new_s=1", "--set", "flow.udp_established_s=1", "--set", "sensor.name=" + SENSOR)


def put(t, program, **body):
    return t.ask(program, "PUT", "/api/v1/sinks", JSON, json.dumps(body))


def sink(t, program, name):
    return next(one for one in t.get(program, "/api/v1/sinks")["sinks"] if one["name"] == name)


def adds_up(one):
    """The sums of one output, from its own numbers."""
    records = one["records"]
    check(records["made"] == records["queued"] + records["refused"] + records["left_out"], "%r", one)
    check(records["queued"] == records["in_queue"] + records["written"] + records["failed"], "%r", one)
    if one["remote"]:
        check(records["recovered"] + records["written"] + records["refused"] == records["delivered"] + records["waiting"] + records["tombstoned"], "%r", one)


class Redis:
    """A server of its own, on a unix socket only: it reaches through network namespaces."""
    def __init__(self, t):
        self.t, self.socket = t, t.fresh("redis")
        self.folder = t.fresh("redis-files")
        os.mkdir(self.folder)
        self.start()

    def start(self):
        self.program = self.t.start("redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no", "--dir", self.folder)
        self.t.until(lambda: os.path.exists(self.socket) and "PONG" in self.cli("PING"), "redis-server answers")

    @property
    def address(self):
        return "unix:" + self.socket

    def cli(self, *words):
        return self.t.call("redis-cli", "-s", self.socket, *words, good=(0, 1))

    def length(self, stream):
        return int(self.cli("XLEN", "sw:{%s}:%s" % (SENSOR, stream)).strip() or 0)

    def entries(self, stream):
        """(boot, seq, field, value) of all of a stream."""
        said = self.cli("--json", "-3", "XRANGE", "sw:{%s}:%s" % (SENSOR, stream), "-", "+")
        for id_, fields in json.loads(said):
            boot, seq = id_.split("-")
            fields = fields if isinstance(fields, list) else [x for pair in fields.items() for x in pair]
            yield int(boot), int(seq), fields[0], fields[1]

    def contiguous(self, stream):
        """Every id of the stream is there or told lost; returns (entries, told lost)."""
        expected, records, lost = None, 0, 0
        for boot, seq, field, value in self.entries(stream):
            count = json.loads(value)["count"] if field == "tombstone" else 1
            if expected is None or expected[0] != boot:
                expected = (boot, 1 if expected is not None else seq - count + 1)
            check(seq == expected[1] + count - 1, "%s: %d-%d, but %d-%d was due", stream, boot, seq, *expected)
            expected = (boot, seq + 1)
            records, lost = (records, lost + count) if field == "tombstone" else (records + 1, lost)
        return records, lost


def flows_send(t, namespace):
    """tcpreplay, started: flows that end all the time, a thousand in a second."""
    capture = t.fresh("frames")
    pcap_write(capture, [frame_udp(i % 50, 9000, source_port=20000 + i) for i in range(FLOWS)])
    return t.start("tcpreplay", "-q", "--intf1=eth0", "--preload-pcap", "--loop=%d" % LOOPS, "--pps=%d" % RATE, capture, namespace=namespace)


# A server that keeps every line it is sent, in a file.
COLLECTOR = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[2], "ab") as out:
            out.write(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@system_test()
def test_http_elsewhere(t):
    """Nobody is at the first address; the second one, put while it runs, gets every record, once. Off, it gets no more."""
    port, lines, out = free_port(), t.path("lines"), t.fresh("out")
    program = t.watch("-r", CAPTURE, "--stay", "-o", out, "--set", "spool.directory=" + t.fresh("spool"), "--set",
                      "http.url=http://127.0.0.1:%d/none" % free_port(), *SMALL)
    t.until(lambda: t.get(program, "/api/v1/health")["at_rest"], "the replay has ended")
    t.until(lambda: any("output http: waiting for" in r for r in t.get(program, "/api/v1/health")["reasons"]), "health says it")
    t.balances(program)
    waits = sink(t, program, "http")
    adds_up(waits)
    check(waits["records"]["waiting"] == waits["records"]["written"] > 0 and waits["state"] != "up", "%r", waits)
    t.start("/usr/bin/python3", "-c", COLLECTOR, str(port), lines)
    check(put(t, program, http={"url": "http://127.0.0.1:%d/x" % port, "batch": "7"})[0] == 400, "a number is no text")
    check(sink(t, program, "http")["target"] == waits["target"], "it was taken in part")
    status, said = put(t, program, http={"url": "http://127.0.0.1:%d/x" % port, "batch": 7})
    check(status == 200, "%d %r", status, said)
    t.until(lambda: (lambda s: s["state"] == "up" and s["records"]["waiting"] == 0)(sink(t, program, "http")), "all is delivered")
    done = sink(t, program, "http")
    adds_up(done)
    check(done["records"]["delivered"] == waits["records"]["waiting"], "%r", done)
    check(waits["spool"]["waiting_bytes"] > 0 and done["spool"]["waiting_bytes"] == 0, "bytes: %r, then %r", waits["spool"], done["spool"])
    t.balances(program)
    check(t.get(program, "/api/v1/health")["status"] == "ok", "all is well")
    check(put(t, program, http={"enabled": False})[0] == 200 and sink(t, program, "http")["state"] == "off", "off")
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
    ledger_check(t.stats(out))
    with open(lines, encoding="utf-8") as sent:
        got = [json.loads(line)["flow_id"] for line in sent if '"event_type":"flow"' in line]
    flows = [line["flow_id"] for line in eve_read(os.path.join(out, "eve.json")) if line["event_type"] == "flow"]
    check(sorted(got) == sorted(flows) and flows, "%d flows were sent, %d were written", len(got), len(flows))


@system_test()
def test_what_is_shown(t):
    """Without any server: the file is there with its numbers, it cannot be changed at run time, and is the same to Prometheus."""
    program = t.watch("-r", CAPTURE, "--stay", "-o", t.fresh("out"), *SMALL)
    t.until(lambda: t.get(program, "/api/v1/health")["at_rest"], "the replay has ended")
    eve = t.until(lambda: (lambda s: s if s["records"]["written"] > 0 and s["records"]["in_queue"] == 0 else None)(sink(t, program, "eve")), "written")
    adds_up(eve)
    check((eve["state"], eve["target"], eve["remote"], eve["records"]["left_out"]) == ("up", "", False, 0), "%r", eve)
    check(t.get(program, "/api/v1/health")["sinks"] == [{"name": "eve", "state": "up", "error": ""}], "health has other words for it")
    metrics = t.get(program, "/metrics")
    for line in ('spanwatch_sink_state{sink="eve",state="up"} 1', 'spanwatch_sink_state{sink="eve",state="off"} 0',
                 'spanwatch_sink_records_written_total{sink="eve"} %d' % eve["records"]["written"]):
        check("\n" + line + "\n" in metrics, "%s is not in /metrics", line)
    for body in ({"eve": {"enabled": False}}, {"output": {"stats_interval_s": 1}}, {}, {"redis": 5}):
        status, said = put(t, program, **body)
        check(status == 400 and said["error"], "%r: %d %r", body, status, said)
    check(t.ask(program, "POST", "/api/v1/sinks", JSON, "{}")[0] == 405, "POST")
    check(sink(t, program, "eve") == eve, "something has changed")
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])


@system_test(root=True, tools=("tcpreplay", "redis-server"))
def test_redis_while_packets_flow(t):
    """None at first; then one, off and on, and another one, which had nothing."""
    client, server = t.wire()
    for end in (client, server):
        t.call("ip", "link", "set", "eth0", "arp", "off", namespace=end)
    one, other = Redis(t), Redis(t)
    out = t.fresh("out")
    program = t.watch("-i", "eth0", "-w", "2", "-o", out, "--set", "spool.directory=" + t.fresh("spool"), *SHORT, *SMALL, namespace=server)
    check(sink(t, program, "redis")["state"] == "off" and sink(t, program, "redis")["target"] == "", "it is there and off")
    sender = flows_send(t, client)
    t.until(lambda: sink(t, program, "eve")["records"]["written"] > 100, "flows end")

    status, said = put(t, program, redis={"address": one.address})
    check(status == 200, "%d %r", status, said)
    t.until(lambda: one.length("flows") > 0, "flows arrive")
    check(sink(t, program, "redis")["records"]["left_out"] > 0, "what was made before it is left out")
    check(put(t, program, redis={"enabled": False})[0] == 200 and sink(t, program, "redis")["state"] == "off", "off")
    t.until(lambda: sink(t, program, "redis")["records"]["waiting"] == 0, "what waits goes on")
    before = sink(t, program, "redis")["records"]
    t.until(lambda: sink(t, program, "redis")["records"]["left_out"] > before["left_out"] + 100, "it is given nothing")
    check(sink(t, program, "redis")["records"]["queued"] == before["queued"], "it was given something")
    for body in ({"redis": {"enabled": True, "mode": "heap"}}, {"redis": {"enabled": True}, "http": {"url": 5}},
                 {"redis": {"enabled": True, "password_file": "/etc/hostname"}}):
        check(put(t, program, **body)[0] == 400 and sink(t, program, "redis")["state"] == "off", "%r was taken", body)

    status, said = put(t, program, redis={"enabled": True, "address": other.address})
    check(status == 200 and t.get(program, "/api/v1/config")["redis"]["address"] == other.address, "%d %r", status, said)
    had = one.length("flows")
    t.until(lambda: other.length("flows") > had, "the other one has it all")
    t.until(lambda: sink(t, program, "redis")["records"]["delivered"] > before["queued"] + had + 2000, "records are delivered")
    check(sender.running(), "tcpreplay: %s", sender.err)
    sender.stop()
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])

    stats = t.stats(out)
    ledger_check(stats)
    redis = next(s for s in stats["records"]["sinks"] if s["name"] == "redis")
    check((redis["waiting"], redis["tombstoned"], redis["delivered"]) == (0, 0, redis["written"]), "%r", redis)
    check(one.length("flows") == had, "the first one was sent more")
    check(one.contiguous("flows") == (had, 0), "%r", one.contiguous("flows"))
    records, lost = other.contiguous("flows")
    check(lost == 0 and records > had + 1000, "%d flows and %d lost of %r", records, lost, redis)
    first = next(other.entries("flows"))
    check(first[1] == 1 and json.loads(first[3])["event_type"] == "flow", "the other one does not begin where the first did: %r", first)


@system_test(tools=("redis-server",))
def test_redis_reload(t):
    """What the files say holds after SIGHUP, whatever was put in between; what cannot be is not taken, also not in part."""
    server, config = Redis(t), t.path("c.ini")
    text = '[redis]\naddress = "%s"\nenabled = %%s\n[spool]\ndirectory = "%s"\n[sensor]\nname = "%s"\n%%s' % (server.address, t.fresh("spool"), SENSOR)

    def write(enabled, more=""):
        with open(config, "w", encoding="utf-8") as f:
            f.write(text % (enabled, more))

    write("true")
    program = t.watch("-r", CAPTURE, "--stay", "-c", config, *SMALL)
    t.until(lambda: t.get(program, "/api/v1/health")["at_rest"], "the replay has ended")
    t.until(lambda: (lambda s: s["state"] == "up" and s["records"]["delivered"] == s["records"]["made"] > 0)(sink(t, program, "redis")), "all is delivered")
    adds_up(sink(t, program, "redis"))
    check(server.length("flows") > 0, "there is no flow")
    write("false")
    program.process.send_signal(signal.SIGHUP)
    t.until(lambda: sink(t, program, "redis")["state"] == "off", "the file says off")
    check(put(t, program, redis={"enabled": True})[0] == 200 and sink(t, program, "redis")["state"] != "off", "put on")
    status, said = t.ask(program, "POST", "/api/v1/config/reload", JSON)
    check((status, said["changed"]) == (200, ["redis.enabled"]) and sink(t, program, "redis")["state"] == "off", "%d %r", status, said)
    write("true", '[capture]\nfilter = "udp prot 1"\n')
    check(t.ask(program, "POST", "/api/v1/config/reload", JSON)[0] == 400 and sink(t, program, "redis")["state"] == "off", "taken in part")
    write("true")
    check(t.ask(program, "POST", "/api/v1/config/reload", JSON)[0] == 200, "reload")
    t.until(lambda: sink(t, program, "redis")["state"] == "up", "up again")
    t.balances(program)
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])


@system_test(tools=("redis-server",))
def test_redis_away(t):
    """Nobody is there: it says so on stderr, in health and in numbers; the next run sends what waits, and nothing is there twice."""
    away, spool, out = t.path("nobody"), t.fresh("spool"), t.fresh("out")
    options = ("-r", CAPTURE, "--set", "spool.directory=" + spool, "--set", "spool.exit_wait_s=60", "--set", "sensor.name=" + SENSOR, "-o", out, *SMALL)
    program = t.watch("--stay", "--set", "redis.address=unix:" + away, *options)
    t.until(lambda: t.get(program, "/api/v1/health")["at_rest"], "the replay has ended")
    t.until(lambda: any("output redis: waiting for" in r for r in t.get(program, "/api/v1/health")["reasons"]), "health says it")
    t.balances(program)
    state = sink(t, program, "redis")
    adds_up(state)
    check(state["state"] in ("degraded", "connecting") and state["cause"] and state["error"] and away in state["target"], "%r", state)
    check(state["records"]["waiting"] == state["records"]["written"] > 0 and state["drain_s"] is None, "%r", state)
    check(program.err.count("note: output redis: waiting for") == 1, "not said once: %s", program.err)
    t.balances(program)
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
    redis = next(s for s in t.stats(out)["records"]["sinks"] if s["name"] == "redis")
    waits = redis["waiting"]
    check("records wait in %s/redis; the next run sends them" % spool in program.err and waits > 0, "%d: %s", waits, program.err)

    server = Redis(t)
    done = t.start(*program.command[:1], "--set", "redis.address=" + server.address, "--api", "none", *options)
    check(done.wait(60) == 0, "exit %s: %s", done.process.poll(), done.err[-800:])
    stats = t.stats(out)
    ledger_check(stats)
    redis = next(s for s in stats["records"]["sinks"] if s["name"] == "redis")
    check((redis["recovered"], redis["waiting"]) == (waits, 0), "%d waited: %r", waits, redis)
    check(redis["delivered"] == redis["recovered"] + redis["written"] and redis["tombstoned"] == 0, "%r", redis)
    records, lost = server.contiguous("flows")
    check(lost == 0 and records > 0 and records % 2 == 0, "%d flows of two runs, %d lost", records, lost)


@system_test(tools=("redis-server",))
def test_summary_adds_up(t):
    """On a terminal: what the program itself adds to the records stands there, so that nobody wonders where they come from."""
    server = Redis(t)
    command = [SPANWATCH, "-r", CAPTURE, "--api", "none", "--set", "spool.directory=" + t.fresh("spool"), "--set", "sensor.name=" + SENSOR,
               "--set", "redis.address=" + server.address, *SMALL]
    said = t.call("script", "-qec", " ".join(shlex.quote(word) for word in command), "/dev/null")
    numbers = {name: int(value.replace(",", "")) for name, value in re.findall(r"^  (records [a-z ,()]+?) {2,}([0-9,]+)\r?$", said, re.M)}
    made = numbers["records made"] + numbers["records made (sums, statistics)"]
    check(made == numbers["records written (redis)"] == numbers["records delivered (redis)"], "%r: %s", numbers, said)
