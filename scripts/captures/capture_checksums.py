#!/usr/bin/python3
"""Writes checksums.pcap: each header that has a checksum, right, wrong, and in a form that cannot be verified or has none. Argument:
the folder to write to (default: pcaps)."""
import os
import sys

from scapy.contrib.igmp import IGMP
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert, fragment
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from conversation import MACS, Capture

HOST, PEER = "192.0.2.10", "198.51.100.20"
HOST6, PEER6 = "2001:db8::10", "2001:db8::20"
OFFLOADING = "02:00:00:00:00:0f"
PAYLOAD = bytes(range(1, 32))  # an odd number of bytes


def sent(layer, mac=MACS[0]):
    return Ether(src=mac, dst=MACS[1]) / layer


def ip(**fields):
    return IP(src=HOST, dst=PEER, id=1, **fields)


def ip6(**fields):
    return IPv6(src=HOST6, dst=PEER6, **fields)


def built(frame):
    """The frame with its fields filled in, to be spoiled."""
    return Ether(bytes(frame))


def spoilt(frame, kind):
    """The frame with one bit of that header's checksum turned."""
    frame = built(frame)
    field = "cksum" if kind in (ICMPv6EchoRequest, ICMPv6ND_NS) else "chksum"
    setattr(frame[kind], field, getattr(frame[kind], field) ^ 0x0100)
    return frame


def pairs(capture):
    messages = [
        (TCP(sport=1025, dport=9, flags="PA", seq=1, ack=1) / Raw(PAYLOAD), ip(), TCP),
        (UDP(sport=1026, dport=9) / Raw(PAYLOAD), ip(), UDP),
        (ICMP(id=1, seq=1) / Raw(PAYLOAD), ip(), ICMP),
        (IGMP(type=0x16, gaddr="233.252.0.1"), IP(src=HOST, dst="233.252.0.1", id=1, ttl=1, options=[IPOption_Router_Alert()]), IGMP),
        (TCP(sport=1027, dport=9, flags="PA", seq=1, ack=1) / Raw(PAYLOAD), ip6(), TCP),
        (UDP(sport=1028, dport=9) / Raw(PAYLOAD), ip6(), UDP),
        (ICMPv6EchoRequest(id=1, seq=1, data=PAYLOAD), ip6(), ICMPv6EchoRequest),
        (ICMPv6ND_NS(tgt=PEER6) / ICMPv6NDOptSrcLLAddr(lladdr=MACS[0]), ip6(hlim=255), ICMPv6ND_NS),
    ]
    for message, header, kind in messages:
        capture.add(sent(header / message))
        capture.add(spoilt(sent(header / message), kind))
    capture.add(spoilt(sent(ip() / UDP(sport=1029, dport=9) / Raw(PAYLOAD)), IP))
    capture.add(spoilt(sent(ip(options=[IPOption_Router_Alert()]) / UDP(sport=1030, dport=9) / Raw(PAYLOAD)), IP))


def lengths(capture):
    """A whole frame, one long enough for vectors, one shorter than Ethernet pads to."""
    for n in (1460, 1459, 257, 1, 0):
        capture.add(sent(ip() / TCP(sport=2000 + n % 1000, dport=9, flags="A", seq=1, ack=1) / Raw(bytes(i * 7 & 255 for i in range(n)))))
    short = bytes(sent(ip() / UDP(sport=1031, dport=9) / Raw(b"x")))
    capture.add(Ether(short + b"\xee" * (60 - len(short))))


def absent(capture):
    capture.add(sent(ip() / UDP(sport=1032, dport=9, chksum=0) / Raw(PAYLOAD)))
    capture.add(sent(ip6() / UDP(sport=1033, dport=9, chksum=0) / Raw(PAYLOAD)))  # not allowed: bad


def extensions(capture):
    behind = TCP(sport=1034, dport=9, flags="A", seq=1, ack=1) / Raw(PAYLOAD)
    capture.add(sent(ip6() / IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]) / behind))
    capture.add(sent(ip6() / IPv6ExtHdrRouting(type=0, addresses=["2001:db8::30", "2001:db8::40"], segleft=2) / behind))
    capture.add(sent(ip6() / IPv6ExtHdrRouting(type=0, addresses=["2001:db8::30", "2001:db8::40"], segleft=0) / behind))


def unverified(capture):
    """The first fragments of datagrams that never come whole. A snap length is the reader's to apply."""
    whole = IP(bytes(ip() / UDP(sport=1035, dport=9) / Raw(PAYLOAD * 4)))
    capture.add(sent(fragment(whole, fragsize=64)[0]))
    message = bytes((ip6() / UDP(sport=1036, dport=9) / Raw(PAYLOAD * 4)))[40:]
    capture.add(sent(ip6() / IPv6ExtHdrFragment(nh=17, id=7, m=1) / Raw(message[:64])))


def offload(capture):
    """A host whose NIC makes the checksums: what is captured is the sum of the pseudo header, or nothing."""
    for i in range(20):
        capture.add(sent(IP(src="192.0.2.15", dst=PEER, id=i) / TCP(sport=3000 + i, dport=9, flags="S", chksum=0x1234), OFFLOADING))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    capture = Capture()
    for part in (pairs, lengths, absent, extensions, unverified, offload):
        part(capture)
    capture.write(os.path.join(folder, "checksums.pcap"))


main()
