#!/usr/bin/python3
"""Writes tunnel_kinds.pcap: a DNS look-up through every kind of tunnel, its forms and its nestings, and what only looks like one.
Argument: the folder to write to (default: pcaps)."""
import os
import struct
import sys

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from conversation import Capture

GATEWAYS, GATEWAYS6 = ("198.51.100.1", "198.51.100.2"), ("2001:db8:1::1", "2001:db8:1::2")
HOSTS, HOSTS6 = ("192.0.2.10", "192.0.2.53"), ("2001:db8::10", "2001:db8::53")
ETHERNET, IPV4, IPV6, MPLS, PPP = 0x6558, 0x0800, 0x86dd, 0x8847, 0x880b


def look_up(number, version, back):
    """The inner packet: a question, or its answer. One client port a tunnel, so that each is a flow of its own."""
    src, dst = (HOSTS, HOSTS6)[version == 6][::-1 if back else 1]
    name = "tunnel%d.example.org" % number
    answer = DNSRR(rrname=name, rdata="192.0.2.80") if back else None
    ports = (53, 40000 + number) if back else (40000 + number, 53)
    message = DNS(id=number, qr=int(back), rd=1, ra=int(back), qd=DNSQR(qname=name), an=answer)
    return (IP if version == 4 else IPv6)(src=src, dst=dst) / UDP(sport=ports[0], dport=ports[1]) / message


def bridged(inner, back, tag=None):
    macs = ("02:00:00:00:01:0a", "02:00:00:00:01:35")[::-1 if back else 1]
    frame = Ether(src=macs[0], dst=macs[1])
    return (frame / Dot1Q(vlan=tag) if tag else frame) / inner


def outer(back, payload, proto=None, ports=None, version=4):
    """The packet between the gateways: an IP protocol or a UDP datagram."""
    src, dst = (GATEWAYS, GATEWAYS6)[version == 6][::-1 if back else 1]
    macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")[::-1 if back else 1]
    ip = IP(src=src, dst=dst) if version == 4 else IPv6(src=src, dst=dst)
    if ports:
        return Ether(src=macs[0], dst=macs[1]) / ip / UDP(sport=ports[0], dport=ports[1]) / Raw(payload)
    setattr(ip, "proto" if version == 4 else "nh", proto)
    return Ether(src=macs[0], dst=macs[1]) / ip / Raw(payload)


def gre(kind, flags=0, fields=b""):
    return struct.pack("!HH", flags, kind) + fields


def gtp_u(inner, extension=b""):
    return struct.pack("!BBHI", 0x34 if extension else 0x30, 255, len(extension) + len(inner), 0x1000) + extension + inner


def l2tp(inner, protocol):
    body = struct.pack("!HHHHH", 1, 2, 7, 0, 0xff03) + struct.pack("!H", protocol) + inner
    return struct.pack("!HH", 0x4802, 4 + len(body)) + body


def forms(number, back):
    """All forms, each with look-up `number` in it."""
    ip4, ip6 = bytes(look_up(number, 4, back)), bytes(look_up(number, 6, back))
    frame, tagged = bytes(bridged(look_up(number, 4, back), back)), bytes(bridged(look_up(number, 4, back), back, 6))
    entropy = 50001 if back else 50000  # of one direction: VXLAN and GENEVE hash the inner header into it
    teredo = (3544, 51000) if back else (51000, 3544)
    vxlan = struct.pack("!II", 0x08000000, 42 << 8)
    nested = IP(src="203.0.113.1", dst="203.0.113.2", proto=47) / Raw(gre(IPV4) + ip4)
    return [
        outer(back, ip4, 4),
        outer(back, ip6, 41),
        outer(back, ip4, 4, version=6),
        outer(back, ip6, 41, version=6),
        outer(back, b"\x30\0" + frame, 97),
        outer(back, gre(IPV4) + ip4, 47),
        outer(back, gre(IPV6, 0x3000, struct.pack("!II", 77, 1)) + ip6, 47),
        outer(back, gre(ETHERNET) + frame, 47),
        outer(back, gre(MPLS, 0, struct.pack("!II", 0x10040, 0x20140)) + ip4, 47),
        outer(back, gre(ETHERNET, 0x2000, struct.pack("!I", 0x1234507)) + frame, 47),  # NVGRE
        outer(back, gre(PPP, 0x3081, struct.pack("!HHII", 2 + len(ip4), 33, 1, 1)) + b"\0\x21" + ip4, 47),
        outer(back, gre(0x88be) + frame, 47),  # ERSPAN I, II, III
        outer(back, gre(0x88be, 0x1000, struct.pack("!IHHI", 1, 0x1064, 33, 0)) + frame, 47),
        outer(back, gre(0x22eb, 0x1000, struct.pack("!IHHIHH", 1, 0x2064, 34, 0, 0, 0)) + frame, 47),
        outer(back, vxlan + frame, ports=(entropy, 4789)),
        outer(back, vxlan + tagged, ports=(entropy, 4789), version=6),
        outer(back, struct.pack("!II", 0x0c000002, 44 << 8) + ip6, ports=(entropy, 4790)),
        outer(back, struct.pack("!HHI", 0x0100, ETHERNET, 45 << 8) + b"\1\2\3\0" + frame, ports=(entropy, 6081)),
        outer(back, gtp_u(ip4), ports=(2152, 2152)),
        outer(back, gtp_u(ip6, b"\0\0\0\x85\1\0\x09\0"), ports=(2152, 2152)),
        outer(back, ip6, ports=teredo),
        outer(back, b"\0\0\x38\x37\x39\xcd\x9b\xfe" + ip6, ports=teredo),
        outer(back, l2tp(ip4, 0x21), ports=(1701, 1701)),
        outer(back, struct.pack("!II", 9, 0) + frame, 115),
        outer(back, struct.pack("!III", 0x00030000, 10, 0) + frame, ports=(1701, 1701)),
        outer(back, vxlan + bytes(bridged(nested, back)), ports=(entropy, 4789)),
        outer(back, bytes(IPv6(src=GATEWAYS6[0], dst=GATEWAYS6[1], nh=4) / Raw(ip4)), 41),
    ]


def look_alikes():
    """Of the outer flow: ARP in VXLAN, VXLAN's port with something else, a keep-alive of GRE, a GTP echo, a Teredo port that asks DNS."""
    yield outer(False, struct.pack("!II", 0x08000000, 42 << 8) + bytes(Ether() / ARP(psrc=HOSTS[0], pdst=HOSTS[1])), ports=(50002, 4789))
    yield outer(False, b"this is no VXLAN header", ports=(50003, 4789))
    yield outer(False, gre(0), 47)
    yield outer(False, struct.pack("!BBHIHBB", 0x32, 1, 4, 0, 1, 0, 0), ports=(2153, 2152))
    yield outer(False, bytes(DNS(id=1, rd=1, qd=DNSQR(qname="port.example.org"))), ports=(3544, 53))


def main():
    capture = Capture()
    for number in range(1, len(forms(0, False)) + 1):
        for back in (False, True):
            capture.add(forms(number, back)[number - 1])
    for frame in look_alikes():
        capture.add(frame)
    capture.write(os.path.join(sys.argv[1] if len(sys.argv) > 1 else "pcaps", "tunnel_kinds.pcap"))


if __name__ == "__main__":
    main()
