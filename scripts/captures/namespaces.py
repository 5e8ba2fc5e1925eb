"""Hosts in network namespaces for the capture scripts: links between them, programs in them, one recording. All that was made is gone
at the end, however the script ends; only what was started here is ever stopped."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time

START_LIMIT_S, RUN_LIMIT_S, BYTES_MAX = 10, 60, 100_000


class Net:
    def __init__(self, *hosts):
        self.hosts, self.programs, self.recording = hosts, [], None
        self.folder = tempfile.mkdtemp(prefix="capture-")
        os.chmod(self.folder, 0o755)  # some daemons give up being root

    def __enter__(self):
        try:
            for host in self.hosts:
                subprocess.run(["ip", "netns", "add", self.name(host)], check=True)
                self.run(host, "ip", "link", "set", "lo", "up")
                self.set(host, "/proc/sys/net/ipv6/conf/all/accept_dad", 0)
                self.set(host, "/proc/sys/net/ipv6/conf/default/accept_dad", 0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.terminate()
            try:
                program.wait(5)
            except subprocess.TimeoutExpired:
                program.kill()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", self.name(host)], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder)

    @staticmethod
    def name(host):
        return "capture-%d-%s" % (os.getpid(), host)  # two of these scripts may run at once

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(text)
        return self.path(name)

    def run(self, host, *command, good=(0,), **options):
        """To its end; good: exit codes that are right, or None for any."""
        done = subprocess.run(["ip", "netns", "exec", self.name(host), *map(str, command)], capture_output=True, text=True,
                              timeout=RUN_LIMIT_S, check=False, **options)
        if good is not None and done.returncode not in good:
            raise RuntimeError("%s: exit %d: %s" % (" ".join(map(str, command)), done.returncode, done.stderr[-400:]))
        return done.stdout

    def start(self, host, *command, said=None):
        """said: what it writes to its errors once it is ready."""
        errors = self.path("errors%d" % len(self.programs))
        with open(errors, "wb") as err:
            program = subprocess.Popen(["ip", "netns", "exec", self.name(host), *map(str, command)], stdin=subprocess.DEVNULL,
                                       stdout=err, stderr=err)
        self.programs.append(program)
        end = time.monotonic() + START_LIMIT_S
        while said is not None:
            with open(errors, encoding="utf-8", errors="replace") as text:
                words = text.read()
            if said in words:
                break
            if program.poll() is not None or time.monotonic() > end:
                raise RuntimeError("%s did not start: %s" % (command[0], words[-400:]))
            time.sleep(0.05)
        return program

    def set(self, host, path, value):
        self.run(host, "sh", "-c", "echo %s >%s" % (value, path))

    def link(self, here, there, mtu=1500):
        """A wire; each end is (host, device, number of its MAC address)."""
        (a, dev_a, mac_a), (b, dev_b, mac_b) = here, there
        subprocess.run(["ip", "link", "add", dev_a, "netns", self.name(a), "address", mac(mac_a), "mtu", str(mtu), "type", "veth",
                        "peer", "name", dev_b, "netns", self.name(b), "address", mac(mac_b), "mtu", str(mtu)], check=True)
        for host, dev in ((a, dev_a), (b, dev_b)):
            self.plain(host, dev)

    def plain(self, host, dev):
        """No offloads: what is recorded is what a wire would carry. Link-local addresses are made of the MAC address."""
        self.run(host, "ethtool", "-K", dev, "tx", "off", "tso", "off", "gso", "off", "gro", "off", good=None)
        self.run(host, "ip", "link", "set", dev, "addrgenmode", "eui64", good=None)

    def up(self, host, dev, *addresses):
        self.run(host, "ip", "link", "set", dev, "up")
        for address in addresses:
            self.run(host, "ip", "address", "add", address, "dev", dev, *(("nodad",) if ":" in address else ()))

    def bridge(self, host, *ports, number=0x0b):
        self.run(host, "ip", "link", "add", "br0", "address", mac(number), "type", "bridge")
        for port in ports:
            self.run(host, "ip", "link", "set", port, "master", "br0")

    def route(self, host):
        self.set(host, "/proc/sys/net/ipv4/ip_forward", 1)
        self.set(host, "/proc/sys/net/ipv6/conf/all/forwarding", 1)

    def record(self, host, dev, expression=""):
        command = ["tcpdump", "-n", "-U", "-s", "0", "-Z", "root", "-i", dev, "--immediate-mode", "-w", self.path("capture.pcap")]
        self.recording = self.start(host, *command, *([expression] if expression else []), said="listening on")

    def write(self, path):
        time.sleep(0.5)
        self.recording.terminate()
        self.recording.wait(5)
        size = os.path.getsize(self.path("capture.pcap"))
        if not 100 < size < BYTES_MAX:
            raise RuntimeError("%s would have %d bytes" % (path, size))
        shutil.copyfile(self.path("capture.pcap"), path)
        print("%s: %d bytes" % (path, size), flush=True)


def mac(number):
    return "02:00:00:00:00:%02x" % number


@contextlib.contextmanager
def pair(mtu=1500):
    """Two hosts on one wire, 192.0.2.1 and .2, 2001:db8::1 and ::2."""
    with Net("left", "right") as net:
        net.link(("left", "eth0", 1), ("right", "eth0", 2), mtu)
        for n, host in enumerate(("left", "right"), 1):
            net.up(host, "eth0", "192.0.2.%d/24" % n, "2001:db8::%d/64" % n)
        yield net
