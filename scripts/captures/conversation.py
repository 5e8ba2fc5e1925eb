"""Conversations as frames, for the capture scripts: same input, same bytes. Time, sequence numbers and addresses are counted, never
drawn or asked of the machine."""
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import PcapWriter

CLIENT, SERVER = True, False
START = 1700000000.0
STEP = 0.001
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")


class Capture:
    def __init__(self):
        self.frames = []
        self.now = START

    def add(self, frame):
        frame.time = round(self.now, 6)
        self.now += STEP
        self.frames.append(frame)

    def pause(self, seconds):
        self.now += seconds

    def write(self, path):
        with PcapWriter(path, linktype=1, sync=True) as out:
            for frame in self.frames:
                out.write(frame)


class Ends:
    """client and server: (address, port); IPv4 or IPv6."""

    def __init__(self, capture, client, server):
        self.capture, self.ends = capture, {CLIENT: client, SERVER: server}
        self.identification = 0

    def frame(self, side, layer):
        here, there = self.ends[side], self.ends[not side]
        macs = MACS if side else MACS[::-1]
        layer.sport, layer.dport = here[1], there[1]
        if ":" in here[0]:
            packet = IPv6(src=here[0], dst=there[0]) / layer
        else:
            self.identification += 1
            packet = IP(src=here[0], dst=there[0], id=self.identification) / layer
        return Ether(src=macs[0], dst=macs[1]) / packet


class Datagrams(Ends):
    def say(self, side, payload):
        self.capture.add(self.frame(side, UDP() / Raw(payload)))


class Stream(Ends):
    def __init__(self, capture, client, server, handshake=True):
        super().__init__(capture, client, server)
        self.seq = {CLIENT: 1000, SERVER: 5000}
        if handshake:
            self.segment(CLIENT, "S")
            self.segment(SERVER, "SA")
            self.segment(CLIENT, "A")

    def make(self, side, flags, payload=b""):
        layer = TCP(flags=flags, seq=self.seq[side], ack=self.seq[not side] if "A" in flags else 0, window=65535)
        self.seq[side] += len(payload) + ("S" in flags) + ("F" in flags)
        return self.frame(side, layer / Raw(payload) if payload else layer)

    def segment(self, side, flags, payload=b""):
        self.capture.add(self.make(side, flags, payload))

    def say(self, side, payload, size=1400):
        """The bytes in segments of at most size, acknowledged at the end."""
        for at in range(0, len(payload), size):
            self.segment(side, "PA", payload[at:at + size])
        self.segment(not side, "A")

    def close(self):
        self.segment(CLIENT, "FA")
        self.segment(SERVER, "FA")
        self.segment(CLIENT, "A")
