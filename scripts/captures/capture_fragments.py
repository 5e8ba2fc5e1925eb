#!/usr/bin/python3
"""Writes fragments.pcap: datagrams in fragments of every order, repeated, in tags and tunnels, and those that cannot or must not be
put together. Argument: the folder to write to (default: pcaps)."""
import os
import sys

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.packet import Raw

from conversation import MACS, Capture

HOST, SERVER = "192.0.2.10", "198.51.100.20"
HOST6, SERVER6 = "2001:db8::10", "2001:db8::20"
LATE = 31  # seconds: more than fragments are waited for
PING = bytes(n & 255 for n in range(4000))


def sent(packet, *between):
    frame = Ether(src=MACS[0], dst=MACS[1])
    for layer in between:
        frame = frame / layer.copy()
    return frame / packet


def piece(header, protocol, data, start, end, more=True):
    """Bytes [start, end) of the data, behind headers that know nothing of fragments yet."""
    if isinstance(header, IP):
        part = header.copy()
        part.proto, part.frag, part.flags = protocol, start // 8, "MF" if more else 0
        return part / Raw(data[start:end])
    return header / IPv6ExtHdrFragment(nh=protocol, offset=start // 8, m=int(more), id=header.fl) / Raw(data[start:end])


def pieces(header, protocol, data, size=1480):
    return [piece(header, protocol, data, at, at + size, at + size < len(data)) for at in range(0, len(data), size)]


def ip(identification, **fields):
    return IP(**{"src": HOST, "dst": SERVER, "id": identification, **fields})


def ip6(identification, **fields):
    """The identification travels as the flow label, until there is a fragment header."""
    return IPv6(**{"src": HOST6, "dst": SERVER6, "fl": identification, **fields})


def behind(packet):
    """What is behind the IP header, with its checksum."""
    whole = bytes(packet)
    return whole[20:] if whole[0] >> 4 == 4 else whole[40:]


def udp(header, port, length=64):
    return behind(header / UDP(sport=port, dport=9) / Raw(bytes(n * 3 + 1 & 255 for n in range(length))))


def answer(header, name):
    texts = DNSRR(rrname=name, type="TXT", ttl=60, rdata=b"00 " + b"of many" * 20)
    for n in range(1, 20):
        texts = texts / DNSRR(rrname=name, type="TXT", ttl=60, rdata=b"%02d " % n + b"of many" * 20)
    question = DNSQR(qname=name, qtype="TXT")
    return behind(header / UDP(sport=53, dport=5353) / DNS(id=7, qr=1, rd=1, ra=1, ancount=20, qd=question, an=texts))


def orders(capture):
    """A question, and an answer of 3 KB: backwards over IPv4, from its middle over IPv6. Pings of 4000 bytes."""
    back, back6 = ip(1, src=SERVER, dst=HOST), ip6(1, src=SERVER6, dst=HOST6)
    ask = UDP(sport=5353, dport=53) / DNS(id=7, rd=1, qd=DNSQR(qname="example.org", qtype="TXT"))
    capture.add(sent(ip(2) / ask))
    for part in pieces(back, 17, answer(back, "example.org"))[::-1]:
        capture.add(sent(part))
    capture.add(sent(ip6(2) / ask))
    parts = pieces(back6, 17, answer(back6, "example.org"), 1024)
    for part in parts[1:] + parts[:1]:
        capture.add(sent(part))
    for header, message in ((ip(3), ICMP(id=1, seq=1)), (ip(4, src=SERVER, dst=HOST), ICMP(type=0, id=1, seq=1))):
        for part in pieces(header, 1, behind(header / message / Raw(PING))):
            capture.add(sent(part))
    for header, message in ((ip6(3), ICMPv6EchoRequest), (ip6(4, src=SERVER6, dst=HOST6), ICMPv6EchoReply)):
        for part in pieces(header, 58, behind(header / message(id=1, seq=1, data=PING)), 1448):
            capture.add(sent(part))


def twice(capture):
    """Frames that come twice, as on a port that mirrors both directions."""
    for header in (ip(10), ip6(10)):
        first, last = pieces(header, 17, udp(header, 4010), 40)
        for part in (first, first, last):
            capture.add(sent(part))


def small(capture):
    """Eight bytes each, so that the first has not even all of the TCP header."""
    header = ip(20)
    for part in pieces(header, 6, behind(header / TCP(sport=4020, dport=80, flags="S", seq=1, options=[("MSS", 1460)])), 8):
        capture.add(sent(part))


def extensions(capture):
    """Headers in front of the fragment header and behind it; a fragment header of a datagram that is whole."""
    front, rear = IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]), IPv6ExtHdrDestOpt(nh=17, options=[PadN(optdata=bytes(4))])
    header = ip6(30)
    data = bytes(rear) + udp(header, 4030)
    for start in (0, 40):
        capture.add(sent(header / front / IPv6ExtHdrFragment(nh=60, offset=start // 8, m=int(start == 0), id=30) /
                         Raw(data[start:40] if start == 0 else data[start:])))
    capture.add(sent(piece(ip6(31), 17, udp(ip6(31), 4031), 0, 72, more=False)))


def layers(capture):
    """The same fragments in two VLANs, mingled; a packet in GRE that is in fragments, one in a packet that is."""
    header = ip(40)
    for part in pieces(header, 17, udp(header, 4040), 40):
        for vlan in (100, 200):
            capture.add(sent(part, Dot1Q(vlan=vlan)))
    inner = IP(src="192.0.2.77", dst="192.0.2.78", id=41)
    for number, part in enumerate(pieces(inner, 17, udp(inner, 4041), 40)):
        capture.add(sent(ip(42 + number) / GRE() / part))
    inner = IP(src="192.0.2.77", dst="192.0.2.78", id=44)
    for part in pieces(ip(45), 4, bytes(inner / UDP(sport=4044, dport=9) / Raw(bytes(64))), 48):
        capture.add(sent(part))


def refused(capture):
    """A piece that begins inside another, one that says other bytes, one behind the end, a second end."""
    for header in (ip(50), ip6(50)):
        data = udp(header, 4050, 88)
        spoilt = bytes(byte ^ 1 for byte in data)
        bad = ((data, 24, 56, True), (spoilt, 0, 48, True), (data + bytes(8), 96, 104, True), (data, 64, 80, False))
        for n, (said, start, end, more) in enumerate(bad):
            header = header.copy()
            if isinstance(header, IP):
                header.id = 50 + n
            else:
                header.fl = 50 + n
            for part in (piece(header, 17, data, 0, 48), piece(header, 17, said, start, end, more), piece(header, 17, data, 48, 96, False)):
                capture.add(sent(part))


def unsound(capture):
    """Without data, not the last and no multiple of eight, beyond what a datagram can hold."""
    for header in (ip(60), ip6(60)):
        data = bytes(70000)
        for start, end, more in ((8, 8, True), (0, 12, True), (65528, 65568, False)):
            capture.add(sent(piece(header, 17, data, start, end, more)))


def unfinished(capture):
    """One whose end comes too late, and two that still wait when the capture ends: without a first part, without a last."""
    for header in (ip(70), ip6(70)):
        first, last = pieces(header, 17, udp(header, 4070), 40)
        capture.add(sent(first))
        capture.pause(LATE)
        capture.add(sent(last))
    for number, part in ((71, 0), (72, 1)):
        capture.add(sent(pieces(ip(number), 17, udp(ip(number), 4071), 40)[part]))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    capture = Capture()
    for part in (orders, twice, small, extensions, layers, refused, unsound, unfinished):
        part(capture)
    capture.write(os.path.join(folder, "fragments.pcap"))


main()
