#!/usr/bin/python3
"""Writes arp, llc_snap, stp, cdp, lldp, mpls, pppoe and vlan_qinq.pcap: what is said on a link, and the forms in which IP may lie below it.
Argument: the folder to write to (default: pcaps)."""
import os
import socket
import struct
import sys

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from conversation import Capture

HOST, SWITCH, BROADCAST = "02:00:00:00:00:01", "02:00:00:00:00:0a", "ff:ff:ff:ff:ff:ff"
BRIDGES, NEAREST, CISCO, PVST = "01:80:c2:00:00:00", "01:80:c2:00:00:0e", "01:00:0c:cc:cc:cc", "01:00:0c:cc:cc:cd"
CISCO_OUI = b"\x00\x00\x0c"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def frame(capture, dest, src, number, payload, vlans=()):
    """number: an EtherType, or None for an 802.3 length."""
    numbers = [0x8100] * len(vlans) + [len(payload) if number is None else number]
    tags = b"".join(struct.pack(">HH", vlan, inner) for vlan, inner in zip(vlans, numbers[1:]))
    capture.add(Ether(dst=dest, src=src, type=numbers[0]) / Raw((tags + payload).ljust(46, b"\0")))


def llc(sap, payload, control=b"\x03"):
    return bytes([sap, sap]) + control + payload


def snap(oui, number, payload):
    return llc(0xaa, oui + struct.pack(">H", number) + payload)


# ---- arp ----

def arp(opcode, sender, address, target_mac, target):
    return struct.pack(">HHBBH", 1, 0x0800, 6, 4, opcode) + mac(sender) + socket.inet_aton(address) + mac(target_mac) + socket.inet_aton(target)


def arp_capture(capture):
    zero = "00:00:00:00:00:00"
    said = [
        (1, HOST, "192.0.2.1", zero, "192.0.2.2", BROADCAST, ()),        # request
        (2, SWITCH, "192.0.2.2", HOST, "192.0.2.1", HOST, ()),           # reply
        (1, HOST, "0.0.0.0", zero, "192.0.2.9", BROADCAST, ()),          # probe
        (1, HOST, "192.0.2.9", zero, "192.0.2.9", BROADCAST, ()),        # announcement
        (2, HOST, "192.0.2.9", BROADCAST, "192.0.2.9", BROADCAST, ()),   # gratuitous
        (1, HOST, "192.0.2.1", zero, "192.0.2.3", BROADCAST, (100, 7)),  # in two tags
        (8, SWITCH, "192.0.2.2", HOST, "0.0.0.0", HOST, ()),             # inverse
    ]
    for opcode, sender, address, target_mac, target, dest, vlans in said:
        frame(capture, dest, sender, 0x0806, arp(opcode, sender, address, target_mac, target), vlans)
    frame(capture, BROADCAST, HOST, 0x8035, arp(3, HOST, "0.0.0.0", HOST, "0.0.0.0"))
    frame(capture, BROADCAST, HOST, 0x0806, arp(1, HOST, "192.0.2.1", zero, "192.0.2.2")[:20])  # padded: sound; its addresses are zeros
    frame(capture, BROADCAST, HOST, 0x0806, b"\0\1\x08\0\x40\x40" + bytes(40))                  # lengths beyond the frame


# ---- 802.2 ----

def conversation(number=0):
    """A query over UDP and a request over TCP, as bytes from the IP header on."""
    query = struct.pack(">6H", 0x1000 + number, 0x0100, 1, 0, 0, 0) + b"\3www\7example\3org\0\0\1\0\1"
    yield bytes(IP(src="192.0.2.1", dst="192.0.2.53", id=1) / UDP(sport=40000 + number, dport=53) / Raw(query))
    head = b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    for flags, seq, ack, payload in (("S", 100, 0, b""), ("A", 101, 501, head)):
        segment = TCP(sport=50000 + number, dport=80, flags=flags, seq=seq, ack=ack)
        yield bytes(IP(src="192.0.2.1", dst="192.0.2.80", id=2) / (segment / Raw(payload) if payload else segment))


def llc_snap_capture(capture):
    for datagram in conversation(0):
        frame(capture, SWITCH, HOST, None, snap(b"\0\0\0", 0x0800, datagram))
    for datagram in conversation(1):
        frame(capture, SWITCH, HOST, None, llc(0x06, datagram))
    frame(capture, BROADCAST, HOST, None, snap(b"\0\0\0", 0x0806, arp(1, HOST, "192.0.2.1", "00:00:00:00:00:00", "192.0.2.2")))
    for number in (0x0104, 0x0111, 0x2003, 0x2004, 0x9999):  # PAgP, UDLD, VTP, DTP, one not known
        frame(capture, CISCO, SWITCH, None, snap(CISCO_OUI, number, bytes(range(30))))
    frame(capture, CISCO, SWITCH, None, snap(b"\x00\xe0\x2b", 0x00bb, bytes(range(30))))
    for sap in (0xe0, 0xf0, 0xfe, 0x04, 0x7e):  # NetWare, NetBIOS, ISO, SNA, X.25
        frame(capture, BROADCAST, HOST, None, llc(sap, bytes(range(30))))
    frame(capture, BROADCAST, HOST, None, llc(0xf0, bytes(range(20)), b"\x01\x02"))  # a numbered frame
    for number in (0x8809, 0x888e, 0x0842, 0x9000, 0x88e5, 0x88b5, 0x88f7):
        frame(capture, BROADCAST, HOST, number, b"\1" + bytes(45))
    frame(capture, BROADCAST, HOST, 400, bytes(46))  # the length lies


# ---- spanning trees ----

def bpdu(version, kind, flags, root=0x8001, cost=4, priority=0x9001, port=0x8004):
    ids = struct.pack(">H", root) + mac("02:00:00:00:00:0a") + struct.pack(">IH", cost, priority) + mac("02:00:00:00:00:0b")
    return struct.pack(">HBBB", 0, version, kind, flags) + ids + struct.pack(">HHHHH", port, 256, 20 * 256, 2 * 256, 15 * 256)


def stp_capture(capture):
    for body in (bpdu(0, 0, 0x01), b"\0\0\0\x80", bpdu(2, 2, 0x3c) + b"\0", bpdu(2, 2, 0x0e) + b"\0"):
        frame(capture, BRIDGES, SWITCH, None, llc(0x42, body))
    region = b"\0" + b"region one".ljust(32, b"\0") + struct.pack(">H", 5) + bytes(range(16))
    region += struct.pack(">IH", 200, 0x7000) + mac("02:00:00:00:00:0c") + b"\x13"
    instance = b"\x7c" + struct.pack(">H", 0x8001) + mac("02:00:00:00:00:0a") + struct.pack(">I", 20000) + b"\x80\x80\x14"
    body = bpdu(3, 2, 0x7c) + b"\0" + struct.pack(">H", len(region) + 2 * 16) + region + 2 * instance
    frame(capture, BRIDGES, SWITCH, None, llc(0x42, body))
    for vlan in (1, 105):
        body = bpdu(2, 2, 0x3c, root=0x8000 + vlan) + b"\0" + struct.pack(">HHH", 0, 2, vlan)
        frame(capture, PVST, SWITCH, None, snap(CISCO_OUI, 0x010b, body), (vlan,))
    frame(capture, BRIDGES, SWITCH, None, llc(0x42, bpdu(2, 2, 0x3c)[:20]))  # ends early


# ---- discovery ----

def cdp_tlv(kind, value):
    return struct.pack(">HH", kind, len(value) + 4) + value


def checksum(body):
    total = sum(struct.unpack(">%dH" % (len(body) // 2), body[:len(body) // 2 * 2]))
    total += body[-1] if len(body) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def cdp(version, tlvs):
    body = bytes([version, 180, 0, 0]) + b"".join(cdp_tlv(*tlv) for tlv in tlvs)
    return body[:2] + struct.pack(">H", checksum(body)) + body[4:]


def cdp_capture(capture):
    four = b"\1\1\xcc\0\4" + socket.inet_aton("192.0.2.1")
    six = b"\2\x08\xaa\xaa\3\0\0\0\x86\xdd\0\x10" + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    first = [(1, b"old-1"), (2, b"\0\0\0\1" + four), (3, b"Ethernet0"), (4, b"\0\0\0\1"), (5, b"Example IOS\nVersion 11"), (6, b"example 1601")]
    second = [(1, b"core-1.example.org"), (2, b"\0\0\0\2" + four + six), (3, b"GigabitEthernet0/1"), (4, b"\0\0\0\x29"),
              (5, b"Example IOS, Version 15\nsecond line"), (6, b"example WS-24"), (9, b"vtp one"), (0x0a, b"\0\x63"), (0x0b, b"\1"),
              (0x0e, b"\1\0\xc8"), (0x10, b"\x18\x9c"), (0x11, b"\0\0\5\xdc"), (0x12, b"\0"), (0x13, b"\0"), (0x14, b"core-1"),
              (0x16, b"\0\0\0\1" + four), (0x17, b"\0room 7")]
    for version, tlvs in ((1, first), (2, second), (2, [(1, b"bad\x01\xffname\0")])):
        frame(capture, CISCO, SWITCH, None, snap(CISCO_OUI, 0x2000, cdp(version, tlvs)))
    frame(capture, CISCO, SWITCH, None, snap(CISCO_OUI, 0x2000, cdp(2, first)[:-5]))  # the last value is longer than the frame


def lldp_tlv(kind, value):
    return struct.pack(">H", kind << 9 | len(value)) + value


def lldp(chassis, port, tlvs=(), ttl=120):
    tlvs = [(1, chassis), (2, port), (3, struct.pack(">H", ttl)), *tlvs, (0, b"")]
    return b"".join(lldp_tlv(*tlv) for tlv in tlvs)


def lldp_capture(capture):
    dot1, dot3, med = b"\x00\x80\xc2", b"\x00\x12\x0f", b"\x00\x12\xbb"
    full = [
        (4, b"uplink, to the core"), (5, b"switch-1.example.org"), (6, b"Example Switch 1.0\nsecond line"), (7, b"\0\x14\0\4"),
        (8, b"\5\1" + socket.inet_aton("192.0.2.1") + b"\2\0\0\0\7\0"),
        (8, b"\x11\2" + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + b"\2\0\0\0\7\0"),
        (127, dot1 + b"\1\0\x63"), (127, dot1 + b"\2\1\0\x0a"), (127, dot1 + b"\2\1\0\x14"), (127, dot1 + b"\3\0\x0a\4data"),
        (127, dot1 + b"\3\0\x14\5voice"), (127, dot3 + b"\1\3\x6c\x01\0\x1e"), (127, dot3 + b"\2\7\1\4"), (127, dot3 + b"\3\3\0\0\0\5"),
        (127, dot3 + b"\4\5\xf2"),
    ]
    phone = [
        (5, b"phone-7"), (7, b"\0\x24\0\x24"), (127, med + b"\1\0\x33\3"), (127, med + b"\2\1\x40\x29\x6e"), (127, med + b"\4\x53\0\x41"),
        (127, med + b"\5hw 1"), (127, med + b"\6fw 2"), (127, med + b"\7sw 3"), (127, med + b"\x08SN123"), (127, med + b"\x09Maker"),
        (127, med + b"\x0aModel"), (127, med + b"\x0bA-7"),
    ]
    frame(capture, NEAREST, SWITCH, 0x88cc, lldp(b"\4" + mac(SWITCH), b"\5Gi0/1", full))
    frame(capture, NEAREST, HOST, 0x88cc, lldp(b"\5\1" + socket.inet_aton("192.0.2.7"), b"\3" + mac(HOST), phone))
    frame(capture, NEAREST, HOST, 0x88cc, lldp(b"\7local name", b"\7port 1", ttl=0))  # says goodbye
    frame(capture, NEAREST, SWITCH, 0x88cc, lldp(b"\4" + mac(SWITCH), b"\5Gi0/2", [(5, b"tagged")]), (10,))
    frame(capture, NEAREST, SWITCH, 0x88cc, b"\x04\x07" + b"\5Gi0/1")  # begins with the port
    frame(capture, NEAREST, SWITCH, 0x88cc, lldp(b"\4" + mac(SWITCH), b"\5Gi0/1")[:-2] + b"\x0b\xff" + b"name")  # a name of 511 bytes


# ---- below labels and sessions ----

def labels(*values):
    return b"".join(struct.pack(">I", value << 12 | (i == len(values) - 1) << 8 | 64) for i, value in enumerate(values))


def mpls_capture(capture):
    for number, stack in enumerate(((16,), (16, 17, 18), tuple(range(16, 32)))):
        for datagram in conversation(number):
            frame(capture, SWITCH, HOST, 0x8847, labels(*stack) + datagram)
    six = bytes(IPv6(src="2001:db8::1", dst="2001:db8::53") / UDP(sport=40001, dport=5000) / Raw(b"payload"))
    frame(capture, SWITCH, HOST, 0x8847, labels(2) + six, (30,))
    frame(capture, SWITCH, HOST, 0x8847, labels(100) + bytes(44))  # a pseudowire
    frame(capture, SWITCH, HOST, 0x8847, labels(*range(16, 33)) + bytes(40))  # one label too many
    frame(capture, SWITCH, HOST, 0x8848, struct.pack(">I", 16 << 12 | 64) * 12)  # no bottom


def session(code, payload, length=None):
    return struct.pack(">BBHH", 0x11, code, 7, len(payload) if length is None else length) + payload


def pppoe_capture(capture):
    for code in (0x09, 0x07, 0x19, 0x65):  # the four steps of discovery
        body = session(code, b"\1\1\0\0").replace(b"\0\7", b"\0\0" if code in (9, 7, 0x19) else b"\0\7", 1)
        frame(capture, BROADCAST if code == 9 else SWITCH, HOST, 0x8863, body)
    frame(capture, SWITCH, HOST, 0x8864, session(0, b"\xc0\x21\1\1\0\x0a\5\6\1\2\3\4"))  # LCP
    for datagram in conversation(0):
        frame(capture, SWITCH, HOST, 0x8864, session(0, b"\0\x21" + datagram))
    six = bytes(IPv6(src="2001:db8::1", dst="2001:db8::53") / UDP(sport=40001, dport=5000) / Raw(b"payload"))
    frame(capture, SWITCH, HOST, 0x8864, session(0, b"\0\x57" + six))
    frame(capture, SWITCH, HOST, 0x8864, session(0, b"\0\x21" + bytes(40), length=200))  # the length lies
    frame(capture, SWITCH, HOST, 0xa5a5, bytes(46))


# ---- tags ----

def vlan_qinq_capture(capture):
    """One tag, one of priority only, two of a provider's and of an older kind, three, and a priority in each of two."""
    customer, provider, older = 0x8100, 0x88a8, 0x9100
    stacks = (((customer, 100),), ((customer, 5 << 13),), ((provider, 200), (customer, 100)), ((older, 201), (customer, 101)),
              ((provider, 202), (provider, 203), (customer, 102)), ((provider, 7 << 13 | 204), (customer, 1 << 13 | 103)))
    for number, stack in enumerate(stacks):
        kinds = [kind for kind, _ in stack] + [0x0800]
        tags = b"".join(struct.pack(">HH", vlan, inner) for (_, vlan), inner in zip(stack, kinds[1:]))
        for packet in conversation(number):
            capture.add(Ether(dst=SWITCH, src=HOST, type=kinds[0]) / Raw(tags + packet))


CAPTURES = {"arp": arp_capture, "llc_snap": llc_snap_capture, "stp": stp_capture, "cdp": cdp_capture, "lldp": lldp_capture,
            "mpls": mpls_capture, "pppoe": pppoe_capture, "vlan_qinq": vlan_qinq_capture}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    for name, make in CAPTURES.items():
        capture = Capture()
        make(capture)
        capture.write(os.path.join(folder, name + ".pcap"))


if __name__ == "__main__":
    main()
