"""Stands between spanwatch and Redis and does what networks, and servers that are none, do: cuts, delays, splits, swallows, lies.

What it does is set while it runs, by attributes; a connection takes most of them over when it begins. Without any of them it only
carries bytes. It listens on a TCP port, in another network namespace if that is asked for.
"""
import ctypes
import re
import socket
import struct
import threading
import time

CHUNK = 65536
CLONE_NEWNET = 0x40000000
COMMAND = re.compile(rb"(?:^|\n)\*\d+\r\n")
XADD, NO_COMMAND = b"$4\r\nXADD\r\n", b"$4\r\nXADX\r\n"


def listen(port, namespace=None):
    """A listening socket; it stays in the namespace in which it was made, whoever uses it."""
    def make():
        made.append(socket.create_server(("127.0.0.1", port)))

    def make_inside():
        with open("/proc/%d/ns/net" % namespace, "rb") as there:
            if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), CLONE_NEWNET) == 0:  # of this thread alone
                make()
    made = []
    maker = threading.Thread(target=make if namespace is None else make_inside)
    maker.start()
    maker.join()
    return made[0]


def reset(s):
    """RST at once, even if a thread waits in recv(): a connect() to no address disconnects."""
    ctypes.CDLL(None, use_errno=True).connect(s.fileno(), struct.pack("H14x", socket.AF_UNSPEC), 16)


class Connection:
    def __init__(self, proxy, client, number):
        self.proxy, self.client, self.number = proxy, client, number
        self.server = None
        self.held = b""
        self.xadds = self.replied = self.asked = 0
        self.cut_reply, self.cut_request = proxy.cut_reply(number), proxy.cut_request(number)
        self.inject, self.lie = proxy.inject(number), proxy.lie
        self.lock = threading.Lock()
        self.ended = False

    def run(self):
        if self.proxy.blackhole:
            return
        if self.lie is not None:
            threading.Thread(target=self.lies, daemon=True).start()
            return
        try:
            self.server = self.proxy.reach()
        except OSError:
            self.end()
            return
        for work in (self.requests, self.replies):
            threading.Thread(target=self.guarded, args=(work,), daemon=True).start()

    def guarded(self, work):
        try:
            work()
        except OSError:
            pass
        self.end()

    def end(self):
        with self.lock:
            if self.ended:
                return
            self.ended = True
        if self.proxy.reset:
            reset(self.client)
        for s in (self.client, self.server):
            if s is not None:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()
        self.proxy.forget(self)

    def put(self, to, data):
        if not self.proxy.split:
            to.sendall(data)
            return
        for i in range(len(data)):
            to.sendall(data[i:i + 1])

    def requests(self):
        while True:
            data = self.client.recv(CHUNK)
            if not data:
                return
            data = self.edited(data)
            room = self.cut_request - self.asked
            self.asked += len(data)
            self.put(self.server, data[:max(0, room)])
            if len(data) >= room:
                return

    def edited(self, data):
        """One XADD made into a command that there is not."""
        if self.proxy.fail_xadd is None:
            return data
        data, self.held = self.held + data, b""
        parts = data.split(XADD)
        out = parts[0]
        for part in parts[1:]:
            self.xadds += 1
            failed = self.proxy.fail_this(self.xadds)
            out += (NO_COMMAND if failed else XADD) + part
        for n in range(len(XADD) - 1, 0, -1):  # its beginning may be the end of this piece
            if out.endswith(XADD[:n]):
                out, self.held = out[:-n], out[-n:]
                break
        return out

    def replies(self):
        while True:
            data = self.server.recv(CHUNK)
            if not data:
                return
            if self.proxy.delay:
                time.sleep(self.proxy.delay)
            if self.proxy.replace is not None:
                data = data.replace(*self.proxy.replace)
            if self.inject is not None and self.replied + len(data) > self.inject[0]:
                self.put(self.client, data[:max(0, self.inject[0] - self.replied)])
                self.hostile(self.inject[1])
                return
            room = self.cut_reply - self.replied
            self.replied += len(data)
            self.put(self.client, data[:max(0, room)])
            if len(data) >= room:
                return

    def hostile(self, said):
        """said: bytes, or a function that gives more and more of them. Then it stays open until the other side ends it."""
        self.proxy.injected += 1
        if callable(said):
            while self.proxy.running:
                self.proxy.flooded += self.client.send(said())
        self.client.sendall(said)
        while self.client.recv(CHUNK):
            pass

    def lies(self):
        """The same answer to every command."""
        try:
            while True:
                data = self.client.recv(CHUNK)
                if not data:
                    break
                self.client.sendall(self.lie * max(1, len(COMMAND.findall(data))))
        except OSError:
            pass
        self.end()


class Proxy:
    NEVER = 1 << 62

    def __init__(self, target, port=0, namespace=None):
        """target: a port of this machine, or the path of a unix socket."""
        self.target = target
        self.blackhole = self.refuse = self.reset = self.split = False
        self.delay = 0.0
        self.lie = None                           # bytes said to every command, in place of the server
        self.cut_reply = lambda _: self.NEVER     # by number of the connection, from 1: after so many bytes of replies
        self.cut_request = lambda _: self.NEVER
        self.inject = lambda _: None              # by number: (after so many bytes of replies, what is said from then on)
        self.replace = None                       # (bytes, bytes): said in the place of what the server says
        self.fail_xadd = None                     # the how-manieth XADD of a connection fails, once
        self.failed = self.injected = self.flooded = self.accepted = 0
        self.running = True
        self.open, self.lock = set(), threading.Lock()
        self.listener = listen(port, namespace)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def reach(self):
        if isinstance(self.target, int):
            return socket.create_connection(("127.0.0.1", self.target))
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.connect(self.target)
        return server

    def fail_this(self, number):
        if number != self.fail_xadd or self.failed:
            return False
        self.failed += 1
        return True

    def accept(self):
        while self.running:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self.refuse:
                reset(client)
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, client, self.accepted)
            with self.lock:
                self.open.add(connection)
            connection.run()

    def forget(self, connection):
        with self.lock:
            self.open.discard(connection)

    def cut(self):
        """Ends all connections there are."""
        with self.lock:
            there = list(self.open)
        for connection in there:
            connection.end()

    def close(self):
        self.running = False
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self.listener.close()
        self.cut()


def flood(head, piece=b"x" * CHUNK):
    """For Proxy.inject: the head once, then as many pieces as are taken."""
    left = [head]
    return lambda: left.pop() if left else piece
