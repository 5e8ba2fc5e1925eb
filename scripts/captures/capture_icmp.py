#!/usr/bin/python3
"""Writes icmp, nd, mld and igmp.pcap: what hosts and routers of a link tell each other over IP.
Argument: the folder to write to (default: pcaps)."""
import os
import socket
import struct
import sys

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6MLDMultAddrRec, ICMPv6MLDone, ICMPv6MLQuery, ICMPv6MLQuery2, ICMPv6MLReport,
                                ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6ND_Redirect,
                                ICMPv6NDOptDNSSL, ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo, ICMPv6NDOptRDNSS,
                                ICMPv6NDOptRouteInfo, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6ParamProblem,
                                ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, RouterAlert)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import checksum

from conversation import MACS, Capture

HOST, SERVER, ROUTERS = "192.0.2.10", "198.51.100.80", ("192.0.2.1", "203.0.113.1", "203.0.113.9")
HOST6, SERVER6, ROUTER6 = "2001:db8:1::10", "2001:db8:2::80", "2001:db8:1::1"
LINK_HOST, LINK_ROUTER = "fe80::10", "fe80::1"
NODES, ROUTERS6, REPORTS = "ff02::1", "ff02::2", "ff02::16"


def add(capture, packet, vlan=None):
    link = Ether(src=MACS[0], dst=MACS[1])
    capture.add(link / Dot1Q(vlan=vlan) / packet if vlan else link / packet)


def whole(packet):
    return packet.__class__(bytes(packet))


def error(capture, src, kind, code, quoted, length=28, to=HOST, **more):
    """length: bytes that are quoted, RFC 792's minimum."""
    add(capture, quoted)
    add(capture, IP(src=src, dst=to) / ICMP(type=kind, code=code, **more) / Raw(bytes(whole(quoted))[:length]))


def error6(capture, src, message, quoted, length=1000, to=HOST6):
    add(capture, quoted)
    add(capture, IPv6(src=src, dst=to) / message / Raw(bytes(whole(quoted))[:length]))


# ---- icmp ----

def icmp_capture(capture):
    for hop, router in enumerate(ROUTERS):  # traceroute
        error(capture, router, 11, 0, IP(src=HOST, dst=SERVER, ttl=1, id=hop) / UDP(sport=40000, dport=33434 + hop) / Raw(bytes(32)))
    error(capture, SERVER, 3, 3, IP(src=HOST, dst=SERVER) / UDP(sport=40000, dport=33437) / Raw(bytes(32)), length=60)
    error(capture, ROUTERS[0], 3, 4, IP(src=HOST, dst=SERVER, flags="DF") / TCP(sport=40001, dport=443, flags="A") / Raw(bytes(1400)),
          nexthopmtu=1280)
    error(capture, ROUTERS[0], 3, 13, IP(src=HOST, dst=SERVER) / TCP(sport=40002, dport=25, flags="S"))
    error(capture, ROUTERS[0], 5, 1, IP(src=HOST, dst=SERVER) / UDP(sport=40003, dport=53) / Raw(b"question"), gw=ROUTERS[1])
    error(capture, ROUTERS[0], 12, 0, IP(src=HOST, dst=SERVER, tos=255) / UDP(sport=40004, dport=53), ptr=1)
    error(capture, ROUTERS[0], 4, 0, IP(src=HOST, dst=SERVER) / TCP(sport=40005, dport=80, flags="S"))
    error(capture, ROUTERS[0], 3, 1, IP(src=HOST, dst=SERVER) / ICMP(type=8, id=7, seq=1) / Raw(bytes(16)))
    error(capture, ROUTERS[0], 3, 2, IP(src=HOST, dst=SERVER, proto=47) / Raw(bytes(16)))
    error(capture, SERVER, 11, 1, IP(src=HOST, dst=SERVER, frag=100) / UDP() / Raw(bytes(16)))
    for kind in (13, 14):
        ends = (HOST, SERVER) if kind == 13 else (SERVER, HOST)
        add(capture, IP(src=ends[0], dst=ends[1]) / ICMP(type=kind, id=5, seq=9, ts_ori=1000, ts_rx=kind - 13, ts_tx=2 * (kind - 13)))
    add(capture, IP(src=HOST, dst=SERVER) / ICMP(type=17, id=5, seq=10, addr_mask="0.0.0.0"))
    add(capture, IP(src=SERVER, dst=HOST) / ICMP(type=18, id=5, seq=10, addr_mask="255.255.255.0"))
    add(capture, IP(src=HOST, dst="224.0.0.2") / ICMP(type=10))
    body = struct.pack(">BBHBBH", 9, 0, 0, 2, 2, 1800) + b"".join(socket.inet_aton(r) + bytes(4) for r in ROUTERS[:2])
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    add(capture, IP(src=ROUTERS[0], dst="224.0.0.1", proto=1) / Raw(body), vlan=12)
    add(capture, IP(src=HOST, dst=SERVER) / ICMP(type=8, id=1, seq=1) / Raw(bytes(16)))  # echo: no event
    add(capture, IP(src=ROUTERS[0], dst=HOST) / ICMP(type=3, code=3) / Raw(bytes(12)))   # quotes nothing that is IP
    over6(capture)


def over6(capture):
    probe = UDP(sport=40010, dport=33434) / Raw(bytes(32))
    error6(capture, ROUTER6, ICMPv6TimeExceeded(), IPv6(src=HOST6, dst=SERVER6, hlim=1) / probe)
    error6(capture, SERVER6, ICMPv6DestUnreach(code=4), IPv6(src=HOST6, dst=SERVER6) / IPv6ExtHdrDestOpt() / probe)
    error6(capture, ROUTER6, ICMPv6PacketTooBig(mtu=1280), IPv6(src=HOST6, dst=SERVER6) / TCP(sport=40011, dport=443, flags="A") / Raw(bytes(1300)))
    error6(capture, SERVER6, ICMPv6ParamProblem(code=1, ptr=40), IPv6(src=HOST6, dst=SERVER6, nh=200) / Raw(bytes(16)))
    error6(capture, SERVER6, ICMPv6TimeExceeded(code=1),
           IPv6(src=HOST6, dst=SERVER6) / IPv6ExtHdrFragment(offset=10, m=1, id=3, nh=17) / Raw(bytes(32)))


# ---- neighbour discovery ----

def nd(capture, src, dst, message, vlan=None):
    add(capture, IPv6(src=src, dst=dst, hlim=255) / message, vlan)


def nd_capture(capture):
    nd(capture, "::", "ff02::1:ff00:10", ICMPv6ND_NS(tgt=LINK_HOST))
    nd(capture, LINK_HOST, ROUTERS6, ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr=MACS[0]))
    options = (ICMPv6NDOptSrcLLAddr(lladdr=MACS[1]) / ICMPv6NDOptMTU(mtu=1492) /
               ICMPv6NDOptPrefixInfo(prefix="2001:db8:1::", prefixlen=64, L=1, A=1, validlifetime=86400, preferredlifetime=14400) /
               ICMPv6NDOptPrefixInfo(prefix="2001:db8:9::", prefixlen=64, L=1, A=0, validlifetime=0xffffffff, preferredlifetime=0) /
               ICMPv6NDOptRouteInfo(prefix="2001:db8:8000::", plen=34, prf=1, rtlifetime=600) /
               ICMPv6NDOptRouteInfo(len=1, plen=0, prf=3, rtlifetime=300) /
               ICMPv6NDOptRDNSS(dns=["2001:db8:1::53", "2001:db8:2::53"], lifetime=1200) /
               ICMPv6NDOptDNSSL(searchlist=["example.org", "office.example.net"], lifetime=1300))
    nd(capture, LINK_ROUTER, NODES, ICMPv6ND_RA(chlim=64, M=0, O=1, prf=1, routerlifetime=1800, reachabletime=30000, retranstimer=1000) / options)
    nd(capture, LINK_ROUTER, LINK_HOST, ICMPv6ND_RA(chlim=0, M=1, O=1, H=1, prf=3, routerlifetime=0), vlan=7)
    nd(capture, HOST6, "ff02::1:ff00:1", ICMPv6ND_NS(tgt=ROUTER6) / ICMPv6NDOptSrcLLAddr(lladdr=MACS[0]))
    nd(capture, ROUTER6, HOST6, ICMPv6ND_NA(tgt=ROUTER6, R=1, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MACS[1]))
    nd(capture, HOST6, NODES, ICMPv6ND_NA(tgt=HOST6, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MACS[0]))
    nd(capture, LINK_ROUTER, HOST6, ICMPv6ND_Redirect(tgt="fe80::2", dst=SERVER6) / ICMPv6NDOptDstLLAddr(lladdr=MACS[1]))
    nd(capture, LINK_HOST, ROUTERS6, ICMPv6ND_RS() / Raw(bytes(8)))  # an option of length zero: no event


# ---- mld, igmp ----

def mld(capture, src, dst, message):
    add(capture, IPv6(src=src, dst=dst, hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / message)


def mld_capture(capture):
    group = "ff0e::db8:1"
    mld(capture, LINK_ROUTER, NODES, ICMPv6MLQuery(mrd=10000))
    mld(capture, LINK_ROUTER, group, ICMPv6MLQuery(mrd=1000, mladdr=group))
    mld(capture, LINK_HOST, group, ICMPv6MLReport(mladdr=group))
    mld(capture, LINK_HOST, ROUTERS6, ICMPv6MLDone(mladdr=group))
    mld(capture, LINK_ROUTER, NODES, ICMPv6MLQuery2(mrd=10000, QRV=2, QQIC=125))
    mld(capture, LINK_ROUTER, group, ICMPv6MLQuery2(mrd=0x8123, mladdr=group, S=1, QRV=7, QQIC=0x95, sources=[SERVER6, HOST6]))
    records = [ICMPv6MLDMultAddrRec(rtype=kind, dst="ff0e::db8:%d" % kind, sources=[SERVER6, ROUTER6][:kind % 3]) for kind in range(1, 7)]
    mld(capture, LINK_HOST, REPORTS, ICMPv6MLReport2(records=records))
    mld(capture, "::", REPORTS, ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=4, dst="ff02::1:ff00:10")]))
    mld(capture, LINK_HOST, REPORTS, ICMPv6MLReport2(records_number=9, records=records[:1]))  # counts more than there are: no event


def igmp(capture, src, dst, *parts):
    body = b"".join(parts)
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    add(capture, IP(src=src, dst=dst, ttl=1, proto=2, options=b"\x94\x04\0\0") / Raw(body))


def head(kind, code, group):
    return struct.pack(">BBH", kind, code, 0) + socket.inet_aton(group)


def group_record(kind, group, sources=(), words=b""):
    return (struct.pack(">BBH", kind, len(words) // 4, len(sources)) + socket.inet_aton(group) +
            b"".join(map(socket.inet_aton, sources)) + words)


def igmp_capture(capture):
    router, group, sources = ROUTERS[0], "233.252.0.1", [SERVER, ROUTERS[1]]
    igmp(capture, router, "224.0.0.1", head(0x11, 0, "0.0.0.0"))
    igmp(capture, HOST, group, head(0x12, 0, group))
    igmp(capture, router, "224.0.0.1", head(0x11, 100, "0.0.0.0"))
    igmp(capture, router, group, head(0x11, 10, group))
    igmp(capture, HOST, group, head(0x16, 0, group))
    igmp(capture, HOST, "224.0.0.2", head(0x17, 0, group))
    igmp(capture, router, "224.0.0.1", head(0x11, 100, "0.0.0.0"), struct.pack(">BBH", 2, 125, 0))
    igmp(capture, router, group, head(0x11, 0x9a, group), struct.pack(">BBH", 0x0f, 0x95, 2), *map(socket.inet_aton, sources))
    records = [group_record(kind, "233.252.0.%d" % kind, sources[:kind % 3], b"more" if kind == 2 else b"") for kind in range(1, 7)]
    igmp(capture, HOST, "224.0.0.22", struct.pack(">BBHHH", 0x22, 0, 0, 0, len(records)), *records)
    igmp(capture, HOST, "224.0.0.22", struct.pack(">BBHHH", 0x22, 0, 0, 0, 2), records[0])  # counts more than there are: no event
    igmp(capture, router, "224.0.0.1", head(0x11, 100, "0.0.0.0"), b"\2\x7d")                # 10 bytes: of no version, no event


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../../pcaps")
    for name, make in (("icmp", icmp_capture), ("nd", nd_capture), ("mld", mld_capture), ("igmp", igmp_capture)):
        capture = Capture()
        make(capture)
        capture.write(os.path.join(folder, name + ".pcap"))


if __name__ == "__main__":
    main()
