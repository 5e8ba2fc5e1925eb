#!/usr/bin/python3
"""conn_state and history of the TCP connections of a capture, worked out anew from what Zeek says of them.

It shares nothing with the program that it is held against: tshark reads the packets, and the rules are Zeek's: its table of
conn_state, its table of letters, the states that it gives an endpoint (TCP_INACTIVE TCP_SYN_SENT TCP_SYN_ACK_SENT TCP_PARTIAL
TCP_ESTABLISHED TCP_CLOSED TCP_RESET). What one connection is, who its client is, and which letters come again, is what
docs/interfaces.md and the settings flow.tcp_*_s say. It keeps all bytes that were seen as a set of ranges: right first, never fast.

    conn_state.py CAPTURE...      prints the connections, one a line
"""
import collections
import ipaddress
import re
import subprocess
import sys

FIN, SYN, RST, ACK = 1, 2, 4, 16
LETTERS_MAX = 12
WELL_KNOWN = 1024
IDLE_S = {"new": 60, "established": 600, "closed": 5}
FIELDS = ("frame.time_epoch", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.flags", "tcp.seq_raw",
          "tcp.ack_raw", "tcp.len", "tcp.window_size_value")
FILTER = "tcp && !icmp && !icmpv6"  # what an ICMP error quotes is no packet

Packet = collections.namedtuple("Packet", "time source dest flags seq ack length window")


def after(a, b):
    """How far the sequence number a is behind b; negative if it is before."""
    return (a - b + 0x80000000) % 0x100000000 - 0x80000000


class End:
    """One endpoint: its state, and what has been seen of its sequence numbers."""
    def __init__(self, is_client):
        self.is_client = is_client
        self.state = self.before = "inactive"
        self.packets = 0
        self.first = self.last = None  # the number of its SYN; behind the highest that it has sent
        self.seen = []                 # ranges after first, in order, apart from each other
        self.once = set()              # letters that do not come again
        self.syn = None                # the number of its last SYN
        self.highest = None            # as last, but a RST and what follows it count
        self.fin = False
        self.data = False              # sent, none of it after a RST

    def move(self, state):
        if state != self.state:
            self.before, self.state = self.state, state

    def is_clean(self):
        return self.state == "established" or self.state == "closed" and self.before == "established"

    def is_silent(self):
        return self.state in ("inactive", "partial")

    def learn_base(self, packet):
        """A SYN sets the base as long as nothing is known for sure; without one the first packet tells it."""
        syn = packet.flags & SYN
        if self.state == "inactive" or syn and self.state not in ("closed", "reset") and packet.seq != self.first:
            self.first = packet.seq if syn else (packet.seq - 1) % 0x100000000
            self.last = (self.first + 1) % 0x100000000
            self.highest = self.last if syn or self.highest is None else self.highest
            self.seen = [(0, 1)]

    def keep(self, low, high):
        if high <= low:
            return
        touched = [r for r in self.seen if r[0] <= high and r[1] >= low] + [(low, high)]
        apart = [r for r in self.seen if r[0] > high or r[1] < low]
        self.seen = sorted(apart + [(min(r[0] for r in touched), max(r[1] for r in touched))])

    def sends(self, packet):
        """Keeps what the packet fills. Is its payload one that was sent before? The text of a RST is none: it is not in the stream."""
        start = after(packet.seq, self.first)
        payload = 0 if packet.flags & RST else packet.length
        end = start + payload + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        self.fin |= bool(packet.flags & FIN)
        again = payload > 0 and self.packets > 0 and end <= after(self.last, self.first) and self.state != "reset"
        if self.state != "reset":
            self.data |= payload > 0
            self.keep(start, end)
            if end > after(self.last, self.first):
                self.last = (self.first + end) % 0x100000000
        return again

    def misses(self, ack):
        """Does this acknowledge what has not been seen? What is missing is missing once."""
        upto = after(ack, self.first)
        missing = upto > next(high for low, high in self.seen if high >= 1)
        self.keep(0, upto)
        return missing


def letter_of(packet):
    syn, fin, rst = (bool(packet.flags & bit) for bit in (SYN, FIN, RST))
    if syn + fin + rst > 1:
        return "i" if fin and rst else "q"
    if syn:
        return "h" if packet.flags & ACK else "s"
    if fin or rst:
        return "f" if fin else "r"
    if packet.length > 0:
        return "d"
    return "a" if packet.flags & ACK else ""


def client_first(packet):
    """(client, server) by the first rule that fits."""
    forth, back = (packet.source, packet.dest), (packet.dest, packet.source)
    if packet.flags & SYN:
        return back if packet.flags & ACK else forth
    known = packet.source[1] < WELL_KNOWN, packet.dest[1] < WELL_KNOWN
    return back if known == (True, False) else forth


class Connection:
    def __init__(self, packet):
        self.client, self.server = client_first(packet)
        self.ends = {self.client: End(True), self.server: End(False)}
        self.start = self.clock = packet.time
        self.life = "new"
        self.letters = "" if packet.source == self.client else "^"

    # ---- how long it lives ----

    def is_over(self, packet, clock):
        return clock > self.clock + IDLE_S[self.life] or self.life == "closed" and packet.flags & (SYN | ACK) == SYN

    def age(self, packet, clock):
        self.clock = clock
        ends = self.ends.values()
        if packet.flags & RST or all(end.fin for end in ends):
            self.life = "closed"
        elif self.life == "new" and all(end.packets for end in ends) and packet.flags & (SYN | ACK) == ACK:
            self.life = "established"

    # ---- history ----

    def write(self, end, letter):
        self.letters += letter.upper() if end.is_client else letter

    def write_once(self, end, letter):
        if letter and letter not in end.once:
            end.once.add(letter)
            self.write(end, letter)

    def write_packet(self, end, packet):
        """Zeek has f and r again with any other number than that of the last one; here it has to be behind all."""
        letter = letter_of(packet)
        behind = (packet.seq + packet.length + bool(packet.flags & FIN)) % 0x100000000
        if letter in ("s", "h") and packet.seq != end.syn or letter in ("f", "r") and after(behind, end.highest) > 0:
            self.write(end, letter)
            end.once.add(letter)
        elif letter not in ("s", "h"):
            self.write_once(end, letter)
        if packet.flags & SYN:
            end.syn = packet.seq
        if after(behind, end.highest) > 0:
            end.highest = behind

    # ---- states ----

    def inactive_syn(self, end, peer, packet):
        if end.is_client:
            end.move("syn_ack_sent" if packet.flags & ACK else "syn_sent")
            return
        if peer.state == "syn_sent":
            peer.move("established")
        end.move("established")

    def inactive_other(self, end, peer, packet):
        """No flag that would open or close."""
        if not end.is_client and packet.length == 0 and peer.state == "syn_sent":
            return  # some acknowledge a SYN before they answer it
        end.move("established" if packet.flags & ACK and peer.state == "established" else "partial")

    def step(self, end, peer, packet):
        syn, fin, rst = (packet.flags & bit for bit in (SYN, FIN, RST))
        if end.state == "inactive":
            if syn:
                self.inactive_syn(end, peer, packet)
            if fin or rst:
                end.move("reset" if rst else "closed")
            if end.state == "inactive":
                self.inactive_other(end, peer, packet)
        elif end.state in ("syn_sent", "syn_ack_sent"):
            if fin or rst:
                end.move("reset" if rst else "closed")
        elif end.state in ("established", "partial"):
            if syn and not packet.flags & ACK and end.state == "partial" and peer.state == "inactive":
                end.move("syn_sent")
            if fin and not rst:
                end.move("closed")
                if peer.state == "reset" and peer.before == "closed":
                    peer.move("closed")  # a FIN, a RST, and now the answer: an end in order
            if rst:
                end.move("reset")
        elif end.state == "closed" and rst and peer.state != "closed":
            end.move("reset")

    def take(self, packet, clock):
        end, peer = self.ends[packet.source], self.ends[packet.dest]
        end.learn_base(packet)
        self.write_packet(end, packet)
        if packet.window == 0 and not packet.flags & RST and peer.state != "closed" and end.state != "reset":
            self.write_once(end, "w")
        if end.sends(packet):
            self.write_once(end, "t")
        self.step(end, peer, packet)
        if packet.flags & ACK and peer.first is not None and peer.misses(packet.ack) and end.is_clean() and peer.is_clean():
            self.write_once(peer, "g")
        end.packets += 1
        self.age(packet, clock)

    def conn_state_reset(self, client, server):
        if server.state == "reset":
            nothing = client.state == "reset" and not client.data and not server.data
            if client.state in ("syn_sent", "syn_ack_sent") or nothing:
                return "REJ"
            return "RSTRH" if client.is_silent() else "RSTR"
        if not server.is_silent():
            return "RSTO"
        return "RSTOS0" if re.match(r"\^?S[^HAFGIQ]*R", self.letters) else "OTH"

    def conn_state(self):
        client, server = self.ends[self.client], self.ends[self.server]
        states = client.state, server.state
        if "reset" in states:
            return self.conn_state_reset(client, server)
        if states == ("closed", "closed"):
            return "SF"
        if client.state == "closed":
            return "SH" if server.is_silent() else "S2"
        if server.state == "closed":
            return "SHR" if client.is_silent() else "S3"
        return {("syn_sent", "inactive"): "S0", ("established", "established"): "S1"}.get(states, "OTH")

    def history(self):
        return self.letters[:LETTERS_MAX]


def packets_of(capture):
    command = ["tshark", "-r", capture, "-Y", FILTER, "-T", "fields", "-E", "occurrence=l"] + [w for f in FIELDS for w in ("-e", f)]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        time, ip4, ip6, port, to4, to6, to_port, flags, *numbers = line.split("\t")
        source, dest = ((str(ipaddress.ip_address(a)), int(p)) for a, p in ((ip4 or ip6, port), (to4 or to6, to_port)))
        yield Packet(float(time), source, dest, int(flags, 16), *(int(n) for n in numbers))


def connections_of(capture):
    """All of them, in the order in which they began."""
    live, found, clock = {}, [], 0
    for packet in packets_of(capture):
        clock = max(clock, packet.time)
        key = frozenset((packet.source, packet.dest))
        if key not in live or live[key].is_over(packet, clock):
            live[key] = Connection(packet)
            found.append(live[key])
        live[key].take(packet, clock)
    return found


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for c in connections_of(name):
            print(name, "%.6f" % c.start, *c.client, *c.server, c.conn_state(), c.history())
