"""Filters change while packets flow: over REST and by SIGHUP. What is wrong leaves in force what was, and says so; no packet is lost
or counted twice; what counters show is told apart by period."""
import http.client
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

from harness import PATIENCE_S, ROOT, SMALL, SPANWATCH, Skip, check, frame_udp, free_port, ledger_check, pcap_write, system_test

CAPTURE = os.path.join(ROOT, "pcaps/dns.pcap")
JSON = {"Content-Type": "application/json"}
PORTS = 4
MOVING = 40000  # packets that flow while filters change
RATE = 10000    # of them in a second
BODY_MAX = 64 << 10
RESOLVER_S = 30 # for so long it would wait for a name server


def put(t, program, **body):
    return t.ask(program, "PUT", "/api/v1/filters", JSON, json.dumps(body))


def sent(t, namespace, packets, *options):
    """tcpreplay, started: frames to PORTS ports in turn."""
    capture = t.fresh("frames")
    pcap_write(capture, [frame_udp(i % 50, 9000 + i % PORTS) for i in range(100)])
    return t.start("tcpreplay", "-q", "--intf1=eth0", "--preload-pcap", "--loop=%d" % (packets // 100), *options, capture, namespace=namespace)


def arrived(t, program, packets):
    stats = t.get(program, "/api/v1/stats")
    return stats["packets"]["received"] + sum(port["kernel_drops"] for port in stats["ports"]) >= packets


def decided(filters, packets):
    """Once so many have been kept or left out."""
    return filters if filters["packets_since"]["kept"] + filters["packets_since"]["filtered"] >= packets else None


@system_test(root=True, tools=("tcpreplay",))
def test_while_packets_flow(t):
    client, server = t.wire()
    for end in (client, server):
        t.call("ip", "link", "set", "eth0", "arp", "off", namespace=end)
    out, changes = t.fresh("out"), 0
    program = t.watch("-i", "eth0", "-w", "2", "-o", out, *SMALL, namespace=server)
    sender = sent(t, client, MOVING, "--pps=%d" % RATE)
    t.until(lambda: t.get(program, "/api/v1/stats")["packets"]["received"] > 0, "packets flow")
    while sender.running():
        port = 9000 + changes % PORTS
        status, said = put(t, program, expression="udp dst port %d" % port,
                           attributes=[{"UDP": {"Destination_Port": port}, "Action": "keep"}] if changes % 2 else [])
        check(status == 200 and said["expression"].endswith(str(port)) and len(said["attributes"]) == changes % 2, "%d %r", status, said)
        changes += 1
        status, said = put(t, program, expression="udp dst prot 1")
        check(status == 400 and '"prot"' in said["error"], "a broken one: %d %r", status, said)
        check(t.get(program, "/api/v1/filters")["expression"].endswith(str(port)), "a broken one was taken")
    check(re.search(r"Successful packets:\s+%d\b" % MOVING, sender.out), "tcpreplay: %s%s", sender.out, sender.err)
    check(changes >= 10, "only %d changes: nothing was tried", changes)
    t.until(lambda: arrived(t, program, MOVING), "all packets are there")

    # Two quiet periods, exactly: nothing left out, then three of four.
    for expression, left_out in (("", 0), ("udp dst port 9001", 75)):
        before = t.get(program, "/api/v1/filters")["packets"]
        changes += 1
        check(put(t, program, expression=expression, attributes=[])[0] == 200, "a change")
        sent(t, client, 100).wait()
        now = t.until(lambda: decided(t.get(program, "/api/v1/filters"), 100), "100 packets")
        since = now["packets_since"]
        check((since["received"], since["kept"], since["filtered"]) == (100, 100 - left_out, left_out), "%r: %r", expression, since)
        for key in since:
            check(now["packets"][key] == before[key] + since[key], "%s: %r + %r is not %r", key, before, since, now["packets"])
    check(now["changes"] == changes + 1, "%d changes, %r", changes, now)
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
    stats = t.stats(out)
    ledger_check(stats)
    drops = sum(port["kernel_drops"] for port in stats["ports"])
    check(stats["packets"]["received"] + drops == MOVING + 200, "%r, %d dropped by the kernel", stats["packets"], drops)
    check(0 < stats["packets"]["filtered"] < MOVING, "filtered: %r", stats["packets"])


def text_write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


@system_test()
def test_read_again(t):
    """SIGHUP and its twin at REST; a broken file leaves the old filter in force, a repaired one is taken."""
    config, attributes = t.path("c.ini"), t.path("a.json")
    good = '[capture]\nfilter = "udp"\nattributes = "%s"\n' % attributes
    text_write(config, good)
    text_write(attributes, '{"TCP": {}}')
    program = t.watch("-r", CAPTURE, "--stay", "-c", config, *SMALL)

    def state():
        return t.get(program, "/api/v1/filters")

    def reload():
        return t.ask(program, "POST", "/api/v1/config/reload", JSON)

    def notes():
        return t.get(program, "/api/v1/health")["notes"]

    def hang_up(word):
        program.process.send_signal(signal.SIGHUP)
        t.until(lambda: word in program.err, "%s is said on stderr" % word)

    start = state()
    check(start["expression"] == "udp" and start["attributes"] == [{"TCP": {}}] and start["attributes_from"] == attributes, "%r", start)
    broken = (
        (config, good.replace("filter", "filer", 1), ("c.ini:2", "capture.filer", "capture.filter")),
        (config, good.replace('"udp"', '"udp prot 5"'), ("c.ini", "position 5", '"prot"')),
        (attributes, '{"TCP": {},\n "UDPP": {}}', ("a.json:2:2", "UDPP", "UDP?")),
    )
    for path, text, words in broken:
        with open(path, encoding="utf-8") as f:
            before = f.read()
        text_write(path, text)
        hang_up(words[1])
        for word in words:
            check(any(word in note for note in notes()), "%s is not in the notes: %r", word, notes())
            check(word in program.err, "%s is not said: %s", word, program.err)
        status, said = reload()
        check(status == 400 and words[1] in said["error"], "%d %r", status, said)
        now = state()
        check((now["expression"], now["attributes"], now["since"]) == (start["expression"], start["attributes"], start["since"]), "%r", now)
        text_write(path, before)
    had = len(notes())
    text_write(config, good.replace('"udp"', '"tcp"') + "[flow]\ncapacity_ipv6 = 8192\n[limits]\nl7 = 20000\n")
    text_write(attributes, '[{"ICMP": {}}]')
    hang_up("needs a restart: limits.l7")
    now = state()
    check(now["expression"] == "tcp" and now["attributes"] == [{"ICMP": {}}] and now["error"] == "", "%r", now)
    check(len(notes()) == had and not any("UDPP" in note for note in notes()), "old mistakes are still noted: %r", notes())
    check(t.get(program, "/api/v1/config")["limits"]["l7"] == 16384, "a key that needs a restart has changed")
    check(put(t, program, attributes=[])[0] == 200 and state()["attributes"] == [], "a change over REST")
    check(reload() == (200, {"changed": [], "needs_restart": ["limits.l7"]}) and state()["attributes"] == [{"ICMP": {}}], "reload replaces it")
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])


@system_test()
def test_terminal_closed(t):
    """What was started by hand does not live on unseen when its terminal is closed; SIGHUP while that is open only reads again."""
    out, line = t.fresh("out"), b""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(SPANWATCH, [SPANWATCH, "-r", CAPTURE, "--stay", "-o", out, "--api", "none", *SMALL])
    try:
        for word in (b"packets", b"read again"):
            while word not in line:
                check(select.select([terminal], [], [], PATIENCE_S)[0], "%s is not said: %r", word, line)
                line += os.read(terminal, 4096)
            if word == b"packets":
                os.kill(pid, signal.SIGHUP)
        os.close(terminal)
        status = t.until(lambda: (lambda w: w if w[0] else None)(os.waitpid(pid, os.WNOHANG)), "it ends")[1]
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    check(os.waitstatus_to_exitcode(status) == 0, "it did not end in order: %r", status)
    ledger_check(t.stats(out))


@system_test()
def test_what_is_refused(t):
    """What a browser could be made to send, and what no client should."""
    port = free_port()
    program = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "127.0.0.1:%d" % port, *SMALL)

    def ask(method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["Allow"], json.loads(answer.read())
        except ConnectionRefusedError:
            check(program.running(), "spanwatch ended: %s", program.err[-800:])
            return None
        finally:
            connection.close()

    def refused(status, headers, body, method="PUT", path="/api/v1/filters", allow=None):
        got = ask(method, path, headers, body)
        check(got[0] == status and got[2]["error"] and got[1] == allow, "%s %s %r %r: %r", method, path, headers, body[:60], got)

    t.until(lambda: ask("GET", "/api/v1/filters", {}, None), "the API answers")
    good, here = '{"expression": "tcp"}', "127.0.0.1:%d" % port
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        refused(415, headers, good)
    for more in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:%d" % port},
                 {"Origin": "http://127.0.0.1:1"}, {"Sec-Fetch-Site": "cross-site"}):
        refused(403, dict(JSON, **more), good)
    refused(421, dict(JSON, Host="evil.example"), good)
    refused(421, dict(JSON, Host="evil.example", Origin="http://evil.example"), good)
    refused(413, JSON, " " * (BODY_MAX + 1))
    refused(411, dict(JSON, **{"Transfer-Encoding": "chunked"}), "5\r\nhello\r\n0\r\n\r\n")
    for body in ("", " " * BODY_MAX, "{", "[]", "5", '{"expression": 5}', '{"unknown": ""}', "[" * 60000, '{"expression": "\\u0000"}',
                 '{"expression": "%s"}' % ("x" * 3000), good + "}"):
        refused(400, JSON, body)
    refused(405, JSON, good, method="POST", allow="GET, HEAD, PUT")
    refused(405, JSON, "", method="PUT", path="/api/v1/config/reload", allow="POST")
    refused(405, {}, "", method="GET", path="/api/v1/config/reload", allow="POST")
    refused(413, JSON, good, method="POST", path="/api/v1/config/reload")
    refused(405, JSON, good, path="/api/v1/stats", allow="GET, HEAD")
    state = ask("GET", "/api/v1/filters", {}, None)[2]
    check(state["expression"] == "" and state["changes"] == 1, "one of them was taken: %r", state)
    got = ask("PUT", "/api/v1/filters", dict(JSON, Origin="http://" + here), good)
    check(got[0] == 200 and got[2]["expression"] == "tcp", "our own page: %r", got)
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])


@system_test(root=True, tools=("ip",))
def test_slow_names(t):
    """A filter that names a host whose name server never answers: refused after a second, and all else goes on."""
    if subprocess.run(("unshare", "--mount", "true"), capture_output=True, check=False).returncode != 0:
        raise Skip("no mount namespace of one's own can be made here (the root is no mount, as in a chroot)")
    client, server = t.wire()
    resolv, path = t.path("resolv.conf"), t.path("api.sock")
    text_write(resolv, "nameserver 10.77.0.1\noptions timeout:%d\n" % RESOLVER_S)
    t.start("/usr/bin/python3", "-c", "import socket, time; s = socket.socket(2, 2); s.bind(('10.77.0.1', 53)); time.sleep(600)", namespace=client)
    mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    program = t.start("unshare", "--mount", "sh", "-c", mount, resolv, SPANWATCH, "-i", "eth0", "--api", "unix:" + path, *SMALL,
                      "--set", "capture.idle=adaptive", namespace=server)
    program.api = path
    t.until(lambda: t.get(program, "/api/v1/health", quiet=True), "the API answers")
    check(put(t, program, expression="udp")[0] == 200, "a plain one")
    for asked in range(5):
        began = time.monotonic()
        status, said = put(t, program, expression="host slow.example")
        took = time.monotonic() - began
        check(status == (400 if asked < 4 else 503) and took < RESOLVER_S / 2, "%d: %d %r after %.1f s", asked, status, said, took)
        check("address" in said["error"] if asked < 4 else "later" in said["error"], "%r", said)
        check(t.get(program, "/api/v1/filters")["expression"] == "udp", "what was in force")
    check(t.get(program, "/api/v1/health")["status"] == "ok", "health")
    check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
