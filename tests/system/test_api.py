"""The API as its clients meet it, the evil ones too: what it answers, what it refuses, and that it goes on."""
import http.client
import json
import os
import socket
import stat
import time

from harness import PATIENCE_S, ROOT, SPANWATCH, UnixHTTP, check, free_port, system_test

CAPTURE = os.path.join(ROOT, "pcaps/http.pcap")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
HEAD_S = 5      # from accept to the end of a request's head
PER_ADDRESS = 32
LIMIT = 256


def serve(t, *options):
    """spanwatch with a finished replay and its API on a TCP port."""
    port = free_port()
    program = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "127.0.0.1:%d" % port, *options)

    def ready():
        check(program.running(), "spanwatch ended: %s", program.err[-800:])
        try:
            health = ask(port, "/api/v1/health").json
            return health["replay"]["finished"] and health["at_rest"] and health["residual"] == 0
        except OSError:
            return False
    t.until(ready, "the replay is analysed")
    return program, port


def connect(t, program):
    """A connection over the unix socket; the kernel refuses while too many wait to be accepted."""
    def attempt():
        connection = UnixHTTP(program.api)
        try:
            connection.connect()
        except BlockingIOError:
            connection.close()
            return None
        return connection
    return t.until(attempt, "a connection")


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)


def ask(port, path, method="GET", headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def raw(port, request, wait=5):
    """Sends bytes; the status of the answer, 0 if there was none."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as s:
        s.sendall(request)
        got = b""
        try:
            while b"\r\n" not in got:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except OSError:
            pass
    return int(got.split()[1]) if got.startswith(b"HTTP/") else 0


@system_test()
def test_answers(t):
    program, port = serve(t)
    listed = ask(port, "/api/v1").json["operations"]
    check(len(listed) >= 8, "only %d operations", len(listed))
    for operation in listed:
        answer = ask(port, operation["path"])
        check(answer.status == (200 if "GET" in operation["methods"] else 405), "%s: %d", operation["path"], answer.status)
        for key, value in HEADERS.items():
            check(answer.headers[key] == value, "%s: %s is %r", operation["path"], key, answer.headers[key])
        check("default-src 'none'" in answer.headers["Content-Security-Policy"], "%s: no policy", operation["path"])
        if operation["path"] != "/api/v1/metrics":
            check(isinstance(answer.json, dict), "%s: not an object", operation["path"])
    metrics = ask(port, "/metrics")
    check(metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4"), "metrics: %r", metrics.headers["Content-Type"])
    received = ask(port, "/api/v1/stats").json["packets"]["received"]
    about = [{line.split()[2] for line in metrics.body.decode().splitlines() if line.startswith("# " + what)} for what in ("HELP ", "TYPE ")]
    check(about[0] == about[1], "metrics without help: %r", sorted(about[1] ^ about[0]))
    check(("spanwatch_packets_received_total %d" % received).encode() in metrics.body, "metrics and stats differ: %d", received)
    health = ask(port, "/api/v1/health").json
    check(health["status"] == "ok" and health["residual"] == 0 and health["at_rest"], "health: %r", health)
    check(sum(r["difference"] != 0 for r in ask(port, "/api/v1/ledger").json["rows"]) == 0, "the ledger does not balance")
    check(program.stop() == 0, "exit code")


@system_test()
def test_flows(t):
    _, port = serve(t)
    whole = ask(port, "/api/v1/flows?limit=1000").json
    check(whole["count"] == len(whole["flows"]) > 2 and whole["active"] == 0, "flows: %r", whole)
    check(ask(port, "/api/v1/flows?limit=2").json["flows"] == whole["flows"][:2], "the first two of the latest")
    check(any(f["app_proto"] == "http" and f["spanwatch"]["hostname"] for f in whole["flows"]), "no host name: %r", whole)
    for bad in ("0", "1001", "-1", "x", "", "5%00", "99999999999999999999"):
        answer = ask(port, "/api/v1/flows?limit=" + bad)
        check(answer.status == 400 and answer.json["error"], "limit=%s: %d", bad, answer.status)
    check("limit" in ask(port, "/api/v1/flows?limt=5").json["error"], "the sentence names what there is")


@system_test()
def test_page(t):
    _, port = serve(t)
    page = ask(port, "/")
    check(page.status == 200 and page.headers["Content-Type"].startswith("text/html"), "the page: %d", page.status)
    check(b"http://" not in page.body and b"https://" not in page.body, "the page names an outside address")
    check(b" style=" not in page.body and b" on" + b"click" not in page.body, "the page has inline style or script")
    for name, kind in (("app.js", "text/javascript"), ("chart.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")):
        check(name.encode() in page.body, "the page does not use %s", name)
        answer = ask(port, "/" + name)
        check(answer.status == 200 and answer.headers["Content-Type"].startswith(kind), "%s: %d", name, answer.status)
        for word in (b"innerHTML", b"outerHTML", b"insertAdjacentHTML", b"document.write", b"eval("):
            check(word not in answer.body, "%s uses %s", name, word.decode())


@system_test()
def test_refusals(t):
    program, port = serve(t)
    rows = [
        ("/api/v1/healt", {}, 404), ("/nothing", {}, 404), ("/../../etc/passwd", {}, 404), ("/%2e%2e/etc/passwd", {}, 404),
        ("/%252e%252e/etc/passwd", {}, 404), ("//etc/passwd", {}, 404), ("/a%00b", {}, 400), ("/%0d%0aX:y", {}, 400), ("/a%5cb", {}, 400),
        ("/" + "a" * 1000, {}, 414), ("/api/v1/health?x=1", {}, 400),
    ]
    for path, headers, status in rows:
        got = ask(port, path, headers=headers)
        check(got.status == status, "%s: %d, not %d", path[:40], got.status, status)
        check("X-Content-Type-Options" in got.headers and got.json["error"], "%s: no sentence", path[:40])
    check("/api/v1/health" in ask(port, "/api/v1/healt").json["error"], "the nearest path is not named")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        got = ask(port, "/api/v1/health", method=method)
        check(got.status == 405 and got.headers["Allow"] == "GET, HEAD", "%s: %d", method, got.status)
    check(ask(port, "/api/v1/health", method="HEAD").body == b"", "HEAD has a body")
    check(ask(port, "/api/v1/health", body=b"x" * 100).status == 413, "a body")
    for host in ("evil.example", "127.0.0.1.evil.example:80", "localhost@evil"):
        check(ask(port, "/api/v1/health", headers={"Host": host}).status == 421, "Host %s", host)
    for host in ("localhost", "localhost:%d" % port, "[::1]"):
        check(ask(port, "/api/v1/health", headers={"Host": host}).status == 200, "Host %s", host)
    check(program.running(), "it ended: %s", program.err[-800:])


@system_test()
def test_shapes(t):
    program, port = serve(t)
    line, host = b"GET /api/v1/health HTTP/1.1\r\n", b"Host: localhost\r\n"
    rows = [
        ("two Hosts", line + host + b"Host: evil.example\r\n\r\n", (400,)),
        ("no Host", line + b"\r\n", (400,)),
        ("no Host, HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", (400,)),
        ("length and encoding", line + host + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
        ("two lengths", line + host + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", (400,)),
        ("chunked", line + host + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (413,)),
        ("a huge length", line + host + b"Content-Length: 99999999999\r\n\r\n", (413, 400)),
        ("a raw control byte", b"GET /a\x01b HTTP/1.1\r\n" + host + b"\r\n", (400, 0)),
        ("5000 headers", line + host + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n", (431, 0)),
        ("a huge header", line + host + b"X: " + b"y" * 200000 + b"\r\n\r\n", (431, 0)),
        ("a huge address", b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + host + b"\r\n", (414, 431, 0)),
        ("an absolute address", b"GET http://localhost/ HTTP/1.1\r\n" + host + b"\r\n", (400,)),
        ("noise", bytes(range(256)) * 64, (400, 414, 431, 0)),
    ]
    for name, request, wanted in rows:
        try:
            got = raw(port, request)
        except OSError:
            got = 0  # it was cut while still sending
        check(got in wanted, "%s: %d, not one of %r", name, got, wanted)
    check(ask(port, "/api/v1/health").status == 200 and program.running(), "it does not go on")
    check(program.stop() == 0, "exit code")


@system_test()
def test_slow_head(t):
    """One byte every half second keeps a connection busy for ever; the deadline does not care."""
    program, port = serve(t)
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=1) as slow:
        slow.settimeout(0.5)
        ended = False
        for byte in b"GET /" + b"a" * 40:
            if time.monotonic() - start > 3 * HEAD_S:
                break
            try:
                slow.send(bytes((byte,)))
                ended = slow.recv(1) == b""
            except socket.timeout:
                continue
            except OSError:
                ended = True
            if ended:
                break
        took = time.monotonic() - start
    check(ended and HEAD_S - 1 < took < 3 * HEAD_S, "the connection lived for %.1f s", took)
    check(ask(port, "/api/v1").json["served"]["ended_at_deadline"] >= 1, "it was not counted")
    check(program.running(), "it ended")


def answers(port):
    try:
        return ask(port, "/api/v1/health").status == 200
    except (OSError, http.client.HTTPException):
        return False


@system_test()
def test_crowd(t):
    """Idle connections fill the room there is, on purpose, and are gone after their deadline."""
    program, port = serve(t)
    before = len(os.listdir("/proc/%d/fd" % program.pid))
    crowd = [socket.create_connection(("127.0.0.1", port), timeout=2) for _ in range(10 * PER_ADDRESS)]
    held = t.until(lambda: len(os.listdir("/proc/%d/fd" % program.pid)) - before, "connections are taken")
    time.sleep(0.3)
    held = len(os.listdir("/proc/%d/fd" % program.pid)) - before
    check(held <= PER_ADDRESS, "%d connections of one address", held)
    t.until(lambda: answers(port), "it answers again")
    for s in crowd:
        s.close()
    t.until(lambda: len(os.listdir("/proc/%d/fd" % program.pid)) <= before, "all descriptors are free again")
    check(program.stop() == 0, "exit code")


@system_test()
def test_crowd_local(t):
    """Over a unix socket there is no address to count by: the limit of all connections holds."""
    program = t.watch("-r", CAPTURE, "--stay")
    crowd = []
    before = len(os.listdir("/proc/%d/fd" % program.pid))
    for _ in range(LIMIT + 100):
        crowd.append(connect(t, program))
    time.sleep(0.3)
    held = len(os.listdir("/proc/%d/fd" % program.pid)) - before
    check(held <= LIMIT, "%d connections", held)
    t.until(lambda: t.get(program, "/api/v1/health", quiet=True), "it answers again")
    for s in crowd:
        s.close()
    check(program.stop() == 0, "exit code")


@system_test()
def test_many_askers(t):
    """Flows are asked of the workers; who asks and goes away leaves nothing behind."""
    program = t.watch("-r", CAPTURE, "--stay")
    before = len(os.listdir("/proc/%d/fd" % program.pid))
    for _ in range(200):
        connection = connect(t, program)
        connection.request("GET", "/api/v1/flows?limit=1000")
        connection.sock.close()
    many = [connect(t, program) for _ in range(100)]
    for connection in many:
        connection.request("GET", "/api/v1/flows?limit=1000")
    statuses = [connection.getresponse().status for connection in many]
    check(set(statuses) <= {200, 503} and statuses.count(200) >= 1, "statuses: %r", statuses)
    for connection in many:
        connection.close()
    t.until(lambda: len(os.listdir("/proc/%d/fd" % program.pid)) <= before, "all descriptors are free again")
    check(t.get(program, "/api/v1/health")["status"] == "ok", "health")
    check(program.stop() == 0, "exit code")


@system_test()
def test_unix_socket(t):
    path = t.path("api.sock")
    first = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "unix:" + path)
    first.api = path
    t.until(lambda: t.get(first, "/api/v1/health", quiet=True), "the socket")  # there before its mode, heard after it
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o660, "mode %o", stat.S_IMODE(os.stat(path).st_mode))
    second = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "unix:" + path)
    check(second.wait() == 1 and "another program listens" in second.err, "a second one: %s", second.err)
    first.kill()
    check(os.path.exists(path), "a killed program leaves its socket")
    third = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "unix:" + path)
    third.api = path
    t.until(lambda: t.get(third, "/api/v1/health", quiet=True), "a dead socket is replaced")
    check(third.stop() == 0 and not os.path.exists(path), "it is removed at the end")
    with open(path, "w", encoding="utf-8") as f:
        f.write("mine")
    fourth = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "unix:" + path)
    check(fourth.wait() == 1 and "no socket" in fourth.err, "a file: %s", fourth.err)
    with open(path, encoding="utf-8") as f:
        check(f.read() == "mine", "the file was touched")


@system_test()
def test_addresses(t):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "127.0.0.1:%d" % port)
        check(program.wait() == 1, "a taken port: exit code")
        check("(pid %d)" % os.getpid() in program.err and str(port) in program.err, "who has it is not said: %s", program.err)
    for address in ("0.0.0.0", "192.0.2.1", "[::]"):
        program = t.start(SPANWATCH, "-r", CAPTURE, "--stay", "--api", "%s:%d" % (address, port))
        check(program.wait() == 1 and "loopback" in program.err, "%s: %s", address, program.err)
