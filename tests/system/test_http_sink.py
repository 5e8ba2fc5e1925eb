"""Records over HTTP as a receiver meets them: each arrives once, in order, whatever the server does; secrets stay where they are."""
import collections
import http.server
import json
import os
import socket
import ssl
import struct
import threading
import time

from harness import ROOT, SMALL, check, frame_udp, free_port, pcap_write, system_test

DEMO = os.path.join(ROOT, "pcaps/demo.pcap")
OTHER = os.path.join(ROOT, "pcaps/http.pcap")
TOKEN = "correct-horse-battery-staple"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.server.receiver.post(self)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self):
        """Closes at once; the client is told by RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # the client went away; that is what tests do


class Receiver:
    """What a receiver should be: it knows batches by their keys. Its memory outlives its server, as a database would."""
    def __init__(self, t):
        self.port = free_port()
        self.lines, self.seen, self.heads = [], {}, []
        self.posts = self.again = 0
        self.does = []       # what to do with the next requests; then they are taken
        self.stop_after = 0  # this post takes the server down
        self.wants = None    # token
        self.lock = threading.Lock()
        self.server = self.context = None
        self.closing = False  # answers no more; server is None once its port is free

    def start(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.receiver = self
        if self.context is not None:
            self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        if self.server is not None:
            self.closing = True
            self.server.shutdown()
            self.server.server_close()
            self.server, self.closing = None, False

    def url(self, path="/in"):
        return "%s://127.0.0.1:%d%s" % ("https" if self.context else "http", self.port, path)

    def take(self, handler, body):
        key = handler.headers["Idempotency-Key"]
        if key in self.seen:
            check(self.seen[key] == body, "key %s came with another body", key)
            self.again += 1
            return True
        self.seen[key] = body
        instance = handler.headers["Spanwatch-Instance"]
        self.lines += [(instance, line) for line in body.split(b"\n")[:-1]]
        return False

    def post(self, handler):
        with self.lock:
            self.posts += 1
            self.heads.append(dict(handler.headers, path=handler.path))
            do = self.does.pop(0) if self.does else "take"
            if self.closing or self.server is None:
                return handler.reset()
            if self.wants and handler.headers["Authorization"] != "Bearer " + self.wants:
                do = "401"
            body = handler.rfile.read(int(handler.headers["Content-Length"]))
            known = do.startswith("take") and self.take(handler, body)
            if self.posts == self.stop_after:
                self.closing = True
                threading.Thread(target=self.stop, daemon=True).start()
                return handler.reset()
        return getattr(self, "do_" + do.split("_")[0], self.do_status)(handler, do, known)

    def do_take(self, handler, do, known):
        if do == "take_silently":
            handler.reset()
        elif known:
            handler.answer(409, Idempotency_Key=handler.headers["Idempotency-Key"])
        else:
            handler.answer(200)

    def do_status(self, handler, do, _):
        handler.answer(int(do), b"you sent " + str(handler.headers).encode(),
                       Retry_After="1" if do in ("429", "503") else "0", Location=self.url("/elsewhere"))

    def do_hang(self, handler, *_):
        time.sleep(1.5)
        handler.reset()

    def do_garbage(self, handler, *_):
        handler.wfile.write(b"\x00\xff-ERR what is POST\r\n" * 100)
        handler.close_connection = True

    def do_half(self, handler, *_):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        handler.close_connection = True

    def do_huge(self, handler, *_):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            handler.wfile.write(b"x" * (1 << 20))


def options(t, receiver, *more, path="/in", timeout_ms=20000):
    return ("--set", "http.url=" + receiver.url(path), "--set", "spool.directory=" + t.path("spool"), "--set",
            "http.timeout_ms=%d" % timeout_ms, "--set", "spool.exit_wait_s=30") + SMALL + more


def arrived_check(receiver, folders):
    """Every line of eve.json of these runs arrived, once, as it is but for its id; ids have no hole and ascend in each stream."""
    want = collections.Counter()
    for folder in folders:
        with open(os.path.join(folder, "eve.json"), "rb") as lines:
            want.update(line.rstrip(b"\n") for line in lines)
    got, last = collections.Counter(), {}
    for instance, line in receiver.lines:
        head, _, rest = line.partition(b",")
        stream, _, number = json.loads(head + b"}")["id"].partition("/")
        boot, seq = (int(n) for n in number.split("-"))
        check(json.loads(line).get("event_type") != "tombstone", "a tombstone: %r", line)
        before = last.get((instance, stream), (0, 0))
        check(seq == (before[1] + 1 if boot == before[0] else 1) and boot >= before[0], "%s/%d-%d came after %r", stream, boot, seq, before)
        last[instance, stream] = (boot, seq)
        got[b"{" + rest] += 1
    check(sum(want.values()) > 0, "nothing was to be sent")
    check(got == want, "arrived %d, made %d; first difference %r", sum(got.values()), sum(want.values()), list((got - want) + (want - got))[:1])
    return len(receiver.lines)


def silent_check(t, program_output, *secrets):
    """None of the secrets is in what was printed, nor in any file of the test but the one that holds it."""
    texts = {"output": program_output.encode()}
    for at, _, files in os.walk(t.folder):
        for name in files:
            if name != "token":
                with open(os.path.join(at, name), "rb") as f:
                    texts[os.path.join(at, name)] = f.read()
    check(len(texts) > 3, "only %r was searched", list(texts))
    for secret in secrets:
        for name, text in texts.items():
            check(secret.encode() not in text, "%s is in %s", secret, name)


def many_flows(t, count):
    path = t.path("many.pcap")
    pcap_write(path, (frame_udp(i, 9999) for i in range(count)), step_us=10)
    return path


@system_test()
def test_each_record_arrives_once(t):
    receiver = Receiver(t).start()
    done = t.replay(DEMO, *options(t, receiver))
    check(done.code == 0, "exit %d: %s", done.code, done.err)
    check(arrived_check(receiver, [done.folder]) > 300 and receiver.again == 0, "again %d", receiver.again)
    check(all(h["Content-Type"] == "application/x-ndjson" and h["User-Agent"].startswith("spanwatch/") for h in receiver.heads), "%r", receiver.heads)
    check(all(h["Idempotency-Key"].startswith(h["Spanwatch-Instance"] + "-") for h in receiver.heads), "%r", receiver.heads)
    done2 = t.replay(DEMO, *options(t, receiver))
    check(done2.code == 0, "exit %d: %s", done2.code, done2.err)
    arrived_check(receiver, [done.folder, done2.folder])
    receiver.stop()


@system_test()
def test_answers_of_all_kinds(t):
    """Each takes one attempt; what was taken but not answered comes again, under the same key."""
    folders, receiver = [], Receiver(t)
    for kinds in (["500", "take_silently", "garbage", "half"], ["hang", "huge", "429", "503"], ["301", "400", "404", "take_silently"]):
        receiver.does, before = list(kinds), receiver.posts
        receiver.start()
        done = t.replay(DEMO, *options(t, receiver, timeout_ms=400))
        check(done.code == 0, "exit %d: %s", done.code, done.err)
        folders.append(done.folder)
        arrived_check(receiver, folders)
        check(receiver.posts > before + len(kinds) and not receiver.does, "%r: posts %d", kinds, receiver.posts - before)
        receiver.stop()
    check(receiver.again >= 2, "again %d", receiver.again)
    check({h["path"] for h in receiver.heads} == {"/in"}, "a redirect was followed")


@system_test()
def test_a_server_that_is_away(t):
    receiver = Receiver(t)
    away = t.replay(DEMO, *options(t, receiver))
    check(away.code == 0, "exit %d: %s", away.code, away.err)
    check(receiver.posts == 0, "it was away")
    receiver.start()
    back = t.replay(OTHER, *options(t, receiver))
    check(back.code == 0, "exit %d: %s", back.code, back.err)
    arrived_check(receiver, [away.folder, back.folder])
    boots = {json.loads(line)["id"].split("/")[1].split("-")[0] for _, line in receiver.lines}
    check(boots == {"1", "2"}, "boots %r", boots)
    receiver.stop()


@system_test()
def test_a_server_that_is_killed_now_and_then(t):
    capture, receiver = many_flows(t, 20000), Receiver(t)
    receiver.stop_after = 20
    receiver.start()
    folder = t.fresh("run")
    program = t.watch("-r", capture, "--stay", "-o", folder, *options(t, receiver, "--set", "http.batch=50"))
    for kill in range(4):
        t.until(lambda: receiver.server is None, "the server is down")
        time.sleep(0.3 * kill)
        receiver.stop_after = receiver.posts + 30 if kill < 3 else 0
        receiver.start()
    t.until(lambda: t.get(program, "/api/v1/health")["replay"]["finished"], "the replay is analysed")
    check(program.stop() == 0, "exit: %s", program.err)
    check(arrived_check(receiver, [folder]) > 20000, "only %d arrived", len(receiver.lines))
    check(receiver.again > 0, "no batch came again: nothing was killed on its way")
    receiver.stop()


def both_have(t, program, folder):
    """All records are in eve.json and in the spool, where a kill leaves them."""
    rows = {row["name"]: row for row in t.get(program, "/api/v1/sinks")["sinks"]}
    with open(os.path.join(folder, "eve.json"), "rb") as f:
        lines = f.read().count(b"\n")
    return all(row["records"]["written"] == lines and row["records"]["in_queue"] == 0 for row in (rows["eve"], rows["http"])) and \
        rows["http"]["records"]["waiting"] == lines


@system_test()
def test_killed_between_request_and_answer(t):
    """The server has the batch, spanwatch does not know, and dies. The next one sends the same again, although its batches are others."""
    receiver = Receiver(t)
    receiver.does = ["take_silently"] * 1000
    receiver.start()
    folder = t.fresh("run")
    program = t.watch("-r", DEMO, "--stay", "-o", folder, *options(t, receiver, "--set", "http.batch=50"))
    t.until(lambda: receiver.again >= 2 and t.get(program, "/api/v1/health")["replay"]["finished"], "a batch comes again and again")
    t.until(lambda: both_have(t, program, folder), "what is made is in both outputs")
    program.kill()
    posts = receiver.posts
    receiver.does = []
    done = t.replay(OTHER, *options(t, receiver, "--set", "http.batch=70"))
    check(done.code == 0, "exit %d: %s", done.code, done.err)
    arrived_check(receiver, [folder, done.folder])
    check(len({h["Idempotency-Key"] for h in receiver.heads[:posts + 1]}) == 1, "other bounds after the restart: %r",
          [h["Idempotency-Key"] for h in receiver.heads[posts - 1:posts + 1]])
    receiver.stop()


@system_test()
def test_tokens_stay_secret(t):
    receiver = Receiver(t)
    receiver.wants = TOKEN
    with open(t.path("token"), "w", encoding="utf-8") as f:
        f.write("stale-" + TOKEN[::-1] + "\n")
    receiver.does = ["take", "400", "404"]
    receiver.start()
    folder = t.fresh("run")
    program = t.watch("-v", "-r", DEMO, "--stay", "-o", folder,
                      *options(t, receiver, "--set", "http.token_file=" + t.path("token"), path="/in?key=swordfish"))
    t.until(lambda: receiver.posts >= 2, "the wrong token is refused")
    check(not receiver.lines, "it was let in")
    with open(t.path("token"), "w", encoding="utf-8") as f:
        f.write(TOKEN + "\n")  # read with the next connection
    t.until(lambda: receiver.lines, "the right token is used")
    said = "".join(json.dumps(t.get(program, "/api/v1/" + path)) for path in ("health", "stats", "ledger"))
    check(program.stop() == 0, "exit: %s", program.err)
    arrived_check(receiver, [folder])
    silent_check(t, said + program.out + program.err, TOKEN, TOKEN[::-1], "swordfish")

    done = t.replay(OTHER, *options(t, receiver, "--set", "spool.exit_wait_s=1"), folder=t.path("last"))
    check(done.code == 0, "without a token: exit %d: %s", done.code, done.err)
    receiver.wants = None
    receiver.stop()


@system_test()
def test_urls_that_are_refused(t):
    receiver = Receiver(t)
    for url, sentence in (("http://spy:hunter2@127.0.0.1/", "http.url holds a user or a password"), ("ftp://hunter2/", "http.url has to begin with"),
                          ("hunter2", "http.url is not a URL")):
        done = t.replay(OTHER, *options(t, receiver, "--set", "http.url=" + url))
        check(done.code == 1 and sentence in done.err, "%s: exit %d: %s", url, done.code, done.err)
        check("hunter2" not in done.err + done.out, "%s: %s", url, done.err)
    done = t.replay(OTHER, *options(t, receiver, "--set", "http.token_file=" + t.path("nothing")))
    check(done.code == 1 and "which http.token_file names: No such file" in done.err, "exit %d: %s", done.code, done.err)


@system_test(tools=("openssl",))
def test_tls(t):
    """Only a certificate that http.ca_file vouches for, and for this name, is talked to."""
    receiver = Receiver(t)
    for name, subject in (("good", "IP:127.0.0.1"), ("other", "IP:127.0.0.2")):
        t.call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=collector",
               "-addext", "subjectAltName=" + subject, "-keyout", t.path(name + ".key"), "-out", t.path(name + ".pem"))
    folders = []
    for server, trusted in (("good", None), ("good", "other"), ("other", "other"), ("good", "good")):
        receiver.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        receiver.context.load_cert_chain(t.path(server + ".pem"), t.path(server + ".key"))
        receiver.start()
        ca = ("--set", "http.ca_file=" + t.path(trusted + ".pem")) if trusted else ()
        done = t.replay(OTHER, *options(t, receiver, *ca))
        folders.append(done.folder)
        check(done.code == 0, "exit %d: %s", done.code, done.err)
        check((receiver.posts > 0) == (server == trusted == "good"), "%s, %s trusted: %d posts", server, trusted, receiver.posts)
        receiver.stop()
    arrived_check(receiver, folders)
