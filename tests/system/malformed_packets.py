#!/usr/bin/python3
"""Frames that are wrong in every way that a length can be wrong, each with the verdict it has to get.

    malformed_packets.py FOLDER [SEED]

About 65 sound frames are cut at every byte, once as frames that were that short on the wire and once as a capture with a snap
length shows them; every length, count and offset of theirs is set to 0, 1, max-1, max and one more than there is; then a seeded
mix of all of that, and stacks and chains far longer than anything sound. Writes one capture for each verdict, so that a swap of
two verdicts cannot go unseen: NAME.pcap has to be counted as malformed{NAME} to the last packet, `sound` as nothing malformed,
`link` (headers between Ethernet and IP) as anything. Expected verdicts come from the bytes, by rules of this file alone.
"""
import os
import random
import struct
import sys

SOUND, LINK = "sound", "link"
SEED, MIXED = 20231, 4000
SPARSE = 11     # stacks and chains of kilobytes are cut at every so-manieth byte
VLAN_TAGS = 8   # walked; more are malformed
EXTENSIONS = 16 # walked; more are malformed
AUTHENTICATIONS = 16 # of IPv4; likewise


class Piece:
    """Bytes, and where in them the numbers are that say how long or how far: (at, width, shift, bits, unit, from)."""
    def __init__(self, data=b"", fields=()):
        self.data, self.fields = bytes(data), list(fields)

    def __add__(self, other):
        other = other if isinstance(other, Piece) else Piece(other)
        return Piece(self.data + other.data, self.fields + [(at + len(self.data), *rest) for at, *rest in other.fields])

    def __len__(self):
        return len(self.data)


def number(width, value, shift=0, bits=None, rest=0, unit=1):
    """A length, count or offset of `bits` bits in a word of `width` bytes whose other bits are `rest`."""
    return Piece((value << shift | rest).to_bytes(width, "big"), [(0, width, shift, bits or 8 * width - shift, unit)])


def piece(x):
    return x if isinstance(x, Piece) else Piece(x)


def joined(*pieces):
    whole = Piece()
    for x in pieces:
        whole += x
    return whole


# ---- headers ----

def ether(kind, inner):
    return Piece(bytes.fromhex("020000000001020000000002")) + struct.pack("!H", kind) + inner


def ether_length(inner):
    inner = piece(inner)
    return Piece(bytes.fromhex("0180c2000000020000000002")) + number(2, len(inner)) + inner


def tag(inner, kind, vlan=100):
    return Piece(struct.pack("!HH", vlan, kind)) + inner


def ipv4(protocol, inner, options=b"", fragment=0x4000):
    inner, options = piece(inner), piece(options)
    return joined(number(1, 5 + len(options) // 4, bits=4, rest=0x40, unit=4), b"\0", number(2, 20 + len(options) + len(inner)), b"\x12\x34",
                  number(2, fragment & 0x1fff, bits=13, rest=fragment & 0xe000, unit=8), bytes((64, protocol)), b"\0\0",
                  bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)), options, inner)


def ipv6(next_header, inner):
    inner = piece(inner)
    return joined(b"\x60\0\0\0", number(2, len(inner)), bytes((next_header, 64)),
                  bytes.fromhex("20010db8000000000000000000000001"), bytes.fromhex("20010db8000000000000000000000002"), inner)


def extension(next_header, inner, body=b"\x01\x04\0\0\0\0"):
    return joined(bytes((next_header,)), number(1, (2 + len(body)) // 8 - 1, unit=8), body, inner)


def ipv6_fragment(next_header, inner, offset=0, more=0):
    return joined(bytes((next_header, 0)), number(2, offset, shift=3, rest=more, unit=8), b"\0\0\0\7", inner)


def authentication(next_header, inner):
    return joined(bytes((next_header,)), number(1, 4, unit=4), b"\0\0", bytes(8), bytes(12), inner)


def tcp(inner=b"", options=b"", ports=(40000, 80), flags=0x18):
    options = piece(options)
    return joined(struct.pack("!HHII", *ports, 1, 1), number(1, 5 + len(options) // 4, shift=4, unit=4), bytes((flags,)), b"\x20\0\0\0",
                  number(2, 0), options, inner)


def udp(inner=b"", ports=(40000, 40001)):
    inner = piece(inner)
    return joined(struct.pack("!HH", *ports), number(2, 8 + len(inner)), b"\0\0", inner)


def option(kind, body, with_header=2):
    """Type, length, value, as IPv4, TCP and IPv6 options have them."""
    return joined(bytes((kind,)), number(1, len(body) + with_header), body)


def sized(width, inner, more=0):
    """What is in front of so much in TLS, SMB, LLDP and their like: its length."""
    return number(width, len(piece(inner)) + more) + inner


# ---- payloads ----

def dns_name(*labels):
    return joined(*[sized(1, label) for label in labels], b"\0")


def dns_pointer(at):
    return number(2, at, bits=14, rest=0xc000)


def dns():
    counts = joined(number(2, 1), number(2, 2), number(2, 0), number(2, 1))
    answers = joined(dns_pointer(12), b"\0\1\0\1\0\0\0\x3c", sized(2, b"\x0a\0\0\2"), dns_pointer(12), b"\0\5\0\1\0\0\0\x3c",
                     sized(2, sized(1, b"www") + dns_pointer(12)))
    edns = joined(b"\0\0\x29\x10\0\0\0\0\0", sized(2, joined(b"\0\x0a", sized(2, bytes(8)))))
    return joined(b"\x12\x34\x81\x80", counts, dns_name(b"example", b"com"), b"\0\1\0\1", answers, edns)


def tls_hello():
    name = sized(2, joined(b"\0", sized(2, b"www.example.com")))
    extensions = joined(b"\0\0", sized(2, name), b"\0\x10", sized(2, sized(2, sized(1, b"h2") + sized(1, b"http/1.1"))),
                        b"\0\x2b", sized(2, sized(1, b"\3\4\3\3")), b"\0\x0a", sized(2, sized(2, b"\0\x1d\0\x17")))
    hello = joined(b"\3\3", bytes(range(32)), sized(1, bytes(32)), sized(2, b"\x13\1\x13\2\xc0\x2f"), sized(1, b"\0"), sized(2, extensions))
    return joined(b"\x16\3\1", sized(2, joined(b"\1", sized(3, hello))))


def http():
    return Piece(b"POST /a HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\n\r\nhello")


def dhcp():
    options = joined(option(53, b"\1", 0), option(12, b"office", 0), option(55, b"\1\3\6\x0f", 0), b"\xff")
    return joined(b"\1\1", number(1, 6), b"\0", b"\x12\x34\x56\x78", bytes(20), b"\2\0\0\0\0\2", bytes(202), b"\x63\x82\x53\x63", options)


def ntp():
    return Piece(b"\xe3\0\6\xec" + bytes(44))


def quic_initial():
    return joined(b"\xc3\0\0\0\1", sized(1, bytes(range(8))), sized(1, bytes(8)), sized(1, b""), number(2, 64, bits=14, rest=0x4000), bytes(64))


def ssh():
    return Piece(b"SSH-2.0-OpenSSH_9.2p1\r\n")


def smb_negotiate():
    head = joined(b"\xfeSMB", number(2, 64), bytes(14), number(4, 0), bytes(40))
    body = joined(number(2, 36), number(2, 2), b"\1\0\0\0\0\0\0\0", bytes(16), number(4, 0), bytes(4), b"\2\2\x10\2")
    return joined(b"\0", sized(3, head + body))


def sctp():
    chunk = joined(b"\1\0", sized(2, joined(bytes(4), bytes(4), b"\0\x0a\0\x0a", bytes(4), b"\0\5", number(2, 8), bytes(4)), 4))
    return joined(struct.pack("!HHII", 5000, 5001, 0, 0), chunk)


def dccp(short=False, inner=b"data"):
    """The generic header with sequence numbers of 24 (DataAck) or 48 bits."""
    words = number(1, 4 if short else 6, unit=4)
    start = joined(struct.pack("!HH", 5000, 5001), words, b"\0\0\0")
    return joined(start, b"\x04\0\0\1" + bytes(4) if short else b"\x09\0" + bytes(5) + b"\1" + bytes(8), inner)


def udplite(inner=b"sensitive, the rest is not", covered=17):
    return joined(struct.pack("!HH", 5000, 5001), number(2, covered), b"\0\0", inner)


def ospf(version, router_id=b"\x0a\0\0\1"):
    body = bytes(20)
    rest = joined(router_id, bytes(4), bytes(2), bytes(10) if version == 2 else b"\0\0", body)
    return joined(number(1, version), b"\1", number(2, 4 + len(rest)), rest)


def vrrp():
    return joined(number(1, 3, bits=4, shift=4, rest=1), b"\x07\x64", number(1, 1, unit=4), b"\0\x64\0\0", bytes((10, 0, 0, 9)))


def pim():
    return joined(number(1, 2, bits=4, shift=4), b"\0\0\0", b"\0\1", sized(2, b"\0\x69"))


def eigrp():
    return joined(number(1, 2), b"\5", bytes(16), b"\0\1", b"\0\1", number(2, 12), bytes(8))


def igmp_report():
    return joined(b"\x22\0\0\0\0\0", number(2, 1), b"\4", number(1, 0), number(2, 1), bytes((239, 1, 1, 1)), bytes((10, 0, 0, 9)))


def neighbor_solicitation():
    options = joined(b"\1", number(1, 1, unit=8), b"\2\0\0\0\0\2", b"\5", number(1, 1, unit=8), b"\0\0\0\0\5\xdc")
    return joined(b"\x87\0\0\0\0\0\0\0", bytes.fromhex("20010db8000000000000000000000002"), options)


def mld_report():
    record = joined(b"\4", number(1, 0), number(2, 1), bytes.fromhex("ff020000000000000000000000000001"), bytes(16))
    return joined(b"\x8f\0\0\0\0\0", number(2, 1), record)


def arp(reply=False):
    return joined(b"\0\1\x08\0", number(1, 6), number(1, 4), b"\0\2" if reply else b"\0\1", b"\2\0\0\0\0\2", bytes((10, 0, 0, 1)), bytes(6),
                  bytes((10, 0, 0, 2)))


def gre(kind, inner):
    return joined(b"\xb0\0", struct.pack("!H", kind), bytes(4), bytes(4), bytes(4), inner)


def gtp_u(inner):
    return joined(b"\x30\xff", number(2, len(piece(inner))), bytes(4), inner)


def geneve(inner):
    options = joined(b"\1\2\3", number(1, 1, bits=5, unit=4), bytes(4))
    return joined(number(1, len(options) // 4, bits=6, unit=4), b"\0\x65\x58", bytes(4), options, inner)


def vxlan(inner):
    return joined(b"\x08\0\0\0\0\0\x2a\0", inner)


def erspan(inner):
    return joined(b"\x10\0\x88\xbe", bytes(4), b"\x10\x64\0\1\0\0\0\0", inner)


def lldp():
    def tlv(kind, body):
        return number(2, len(body), bits=9, rest=kind << 9) + body
    return joined(tlv(1, b"\4\2\0\0\0\0\2"), tlv(2, b"\5eth0"), tlv(3, b"\0\x78"), tlv(5, b"switch"), tlv(0, b""))


def cdp():
    def tlv(kind, body):
        return joined(struct.pack("!H", kind), sized(2, body, 4))
    address = joined(number(4, 1), b"\1", number(1, 1), b"\xcc", number(2, 4), bytes((10, 0, 0, 3)))
    return joined(b"\xaa\xaa\3\0\0\x0c\x20\0\2\xb4\0\0", tlv(1, b"switch"), tlv(2, address), tlv(3, b"Gi0/1"))


def ppp(inner):
    return joined(b"\x11\0\0\1", sized(2, joined(b"\0\x21", inner)))


TCP_OPTIONS = joined(option(2, b"\5\xb4"), b"\1", option(3, b"\7"), option(4, b""), option(8, bytes(8)), option(5, bytes(8)), b"\1\1\1\0")
TCP_RARE_OPTIONS = joined(option(34, b"\0\1\2\3"), option(30, b"\0\1" + bytes(8)), option(29, b"\0\0" + bytes(12)), b"\1\0")
IPV4_OPTIONS = joined(option(7, b"\4" + bytes(8)), option(68, b"\5\0" + bytes(4)), option(148, b"\0\0"), option(131, b"\4" + bytes(4)), b"\1\1\0")
IPV4 = ipv4(17, udp(b"inner"))
IPV6 = ipv6(17, udp(b"inner"))
INNER = ether(0x0800, IPV4)
ROUTING = joined(b"\2", number(1, 1, unit=16), bytes(4), bytes(16))
ICMP_ERROR = joined(b"\3\3\0\0\0\0\0\0", ipv4(17, udp(b"quoted")))


def chain(*kinds):
    """IPv6 with these extension headers, in this order, and UDP behind them."""
    inner, following = udp(b"behind"), 17
    for kind in reversed(kinds):
        if kind == 44:
            inner = ipv6_fragment(following, inner)
        elif kind == 51:
            inner = authentication(following, inner)
        else:
            inner = extension(following, inner, ROUTING if kind == 43 else b"\1\4\0\0\0\0")
        following = kind
    return ipv6(following, inner)


def bases():
    """Sound frames, name and bytes."""
    yield "ethernet", ether(0x88b5, b"experimental")
    yield "802.3 llc", ether_length(joined(b"\x42\x42\3", bytes(35)))
    yield "802.3 netbios", ether_length(joined(b"\xf0\xf0\x7f", bytes(8)))
    yield "snap ipv4", ether_length(joined(b"\xaa\xaa\3\0\0\0\x08\0", IPV4))
    yield "cdp", ether_length(cdp())
    yield "lldp", ether(0x88cc, lldp())
    yield "vlan", ether(0x8100, tag(IPV4, 0x0800))
    yield "vlan arp", ether(0x8100, tag(arp(), 0x0806))
    yield "qinq", ether(0x88a8, tag(tag(IPV6, 0x86dd), 0x8100))
    yield "vlan three", ether(0x88a8, tag(tag(tag(IPV4, 0x0800), 0x8100), 0x9100))
    yield "mpls", ether(0x8847, joined(b"\0\1\0\x40\0\2\1\x40", IPV4))
    yield "pppoe", ether(0x8864, ppp(IPV4))
    yield "arp", ether(0x0806, arp())
    yield "arp padded", ether(0x0806, arp(True) + bytes(18))
    yield "ipv4 options", ether(0x0800, ipv4(6, tcp(http()), IPV4_OPTIONS))
    yield "ipv4 padded", ether(0x0800, ipv4(6, tcp()) + bytes(6))
    yield "ipv4 first fragment", ether(0x0800, ipv4(17, udp(bytes(32)), fragment=0x2000))
    yield "ipv4 last fragment", ether(0x0800, ipv4(17, bytes(32), fragment=0x0005))
    yield "ipv6 extensions", ether(0x86dd, chain(0, 60, 43, 44, 51, 60, 135))
    yield "ipv6 last fragment", ether(0x86dd, ipv6(44, ipv6_fragment(17, bytes(32), offset=5)))
    yield "ipv6 nothing", ether(0x86dd, ipv6(59, b""))
    yield "ipv6 all extensions", ether(0x86dd, chain(*[60] * EXTENSIONS))
    yield "esp", ether(0x86dd, ipv6(50, bytes(32)))
    yield "tcp syn", ether(0x0800, ipv4(6, tcp(options=TCP_OPTIONS, flags=2)))
    yield "tcp rare options", ether(0x86dd, ipv6(6, tcp(b"x", TCP_RARE_OPTIONS)))
    yield "udp", ether(0x0800, ipv4(17, udp(b"hello")))
    yield "icmp echo", ether(0x0800, ipv4(1, b"\x08\0\0\0\0\1\0\1" + bytes(32)))
    yield "icmp error", ether(0x0800, ipv4(1, ICMP_ERROR))
    yield "icmpv6 solicitation", ether(0x86dd, ipv6(58, neighbor_solicitation()))
    yield "mld", ether(0x86dd, ipv6(0, extension(58, mld_report(), b"\5\2\0\0\1\0")))
    yield "igmp", ether(0x0800, ipv4(2, igmp_report(), option(148, b"\0\0")))
    yield "sctp", ether(0x0800, ipv4(132, sctp()))
    yield "dccp", ether(0x0800, ipv4(33, dccp()))
    yield "dccp short", ether(0x86dd, ipv6(33, dccp(True)))
    yield "udp-lite", ether(0x0800, ipv4(136, udplite()))
    yield "udp-lite whole", ether(0x86dd, ipv6(136, udplite(covered=0)))
    yield "ipv4 esp", ether(0x0800, ipv4(50, b"\0\0\1\0\0\0\0\1" + bytes(24)))
    yield "ipv4 ah", ether(0x0800, ipv4(51, authentication(6, tcp(http()))))
    yield "ipv4 ah twice", ether(0x8100, tag(ipv4(51, authentication(51, authentication(136, udplite()))), 0x0800))
    yield "ospf 2", ether(0x0800, ipv4(89, ospf(2)))
    yield "ospf 3", ether(0x86dd, ipv6(89, ospf(3)))
    yield "vrrp", ether(0x0800, ipv4(112, vrrp()))
    yield "pim", ether(0x0800, ipv4(103, pim()))
    yield "eigrp", ether(0x0800, ipv4(88, eigrp()))
    yield "unknown ip protocol", ether(0x0800, ipv4(200, bytes(16)))
    yield "gre", ether(0x0800, ipv4(47, gre(0x0800, IPV4)))
    yield "erspan", ether(0x0800, ipv4(47, erspan(INNER)))
    yield "vxlan", ether(0x0800, ipv4(17, udp(vxlan(INNER), (40000, 4789))))
    yield "geneve", ether(0x0800, ipv4(17, udp(geneve(INNER), (40000, 6081))))
    yield "gtp-u", ether(0x0800, ipv4(17, udp(gtp_u(IPV4), (2152, 2152))))
    yield "ip in ip", ether(0x0800, ipv4(4, IPV4))
    yield "6in4", ether(0x0800, ipv4(41, IPV6))
    yield "4in6", ether(0x86dd, ipv6(4, IPV4))
    yield "dns", ether(0x0800, ipv4(17, udp(dns(), (53, 40000))))
    yield "dns tcp", ether(0x0800, ipv4(6, tcp(sized(2, dns()), ports=(53, 40000))))
    yield "tls", ether(0x0800, ipv4(6, tcp(tls_hello(), ports=(40000, 443))))
    yield "http", ether(0x86dd, ipv6(6, tcp(http())))
    yield "dhcp", ether(0x0800, ipv4(17, udp(dhcp(), (68, 67))))
    yield "ntp", ether(0x0800, ipv4(17, udp(ntp(), (123, 123))))
    yield "quic", ether(0x0800, ipv4(17, udp(quic_initial(), (40000, 443))))
    yield "ssh", ether(0x0800, ipv4(6, tcp(ssh(), ports=(22, 40000))))
    yield "smb", ether(0x0800, ipv4(6, tcp(smb_negotiate(), ports=(40000, 445))))


def nested(levels, wrap, innermost):
    for _ in range(levels):
        innermost = wrap(innermost)
    return innermost


def stacks():
    """Longer than anything sound."""
    yield "vlan 8", ether(0x8100, nested(7, lambda x: tag(x, 0x8100), tag(IPV4, 0x0800)))
    yield "vlan 9", ether(0x8100, nested(8, lambda x: tag(x, 0x8100), tag(IPV4, 0x0800)))
    yield "vlan 30", ether(0x88a8, nested(29, lambda x: tag(x, 0x8100), tag(IPV4, 0x0800)))
    yield "mpls 100", ether(0x8847, joined(b"\0\1\0\x40" * 99, b"\0\1\1\x40", IPV4))
    yield "gre 100", ether(0x0800, nested(100, lambda x: ipv4(47, gre(0x0800, x)), IPV4))
    yield "ip in ip 100", ether(0x0800, nested(100, lambda x: ipv4(4, x), IPV4))
    yield "6in4in6 100", ether(0x86dd, nested(50, lambda x: ipv6(4, ipv4(41, x)), IPV6))
    yield "vxlan 100", nested(100, lambda x: ether(0x0800, ipv4(17, udp(vxlan(x), (40000, 4789)))), INNER)
    yield "geneve 100", nested(100, lambda x: ether(0x0800, ipv4(17, udp(geneve(x), (40000, 6081)))), INNER)
    yield "gtp-u 100", ether(0x0800, nested(100, lambda x: ipv4(17, udp(gtp_u(x), (2152, 2152))), IPV4))
    yield "extensions 17", ether(0x86dd, chain(*[60] * (EXTENSIONS + 1)))
    yield "extensions to the mtu", ether(0x86dd, chain(*[60] * 180))
    yield "fragment headers", ether(0x86dd, chain(*[44] * 20))
    yield "authentication headers", ether(0x86dd, chain(*[51] * 50))
    yield "ipv4 authentication headers", ether(0x0800, ipv4(51, nested(AUTHENTICATIONS, lambda x: authentication(51, x), authentication(17, udp()))))


# ---- what has to come out ----

def word(data, at):
    return data[at] << 8 | data[at + 1]


def expected(frame, wire):
    """The verdict of a frame of which `frame` was captured, from its bytes alone.

    Malformed is what the wire had wrong. What the capture did not keep is not held against a frame, and neither is an IP length
    beyond the frame's end: offloads and snap lengths that nobody wrote down look like that.
    """
    cut = wire > len(frame)
    if len(frame) < 14:
        return SOUND if cut else "ethernet"
    kind, at, tags = word(frame, 12), 14, 0
    while kind in (0x8100, 0x88a8, 0x9100):
        if len(frame) < at + 4:
            return SOUND if cut else "vlan"
        tags += 1
        if tags > VLAN_TAGS:
            return "vlan"
        kind, at = word(frame, at + 2), at + 4
    if kind == 0x0800:
        return expected_ipv4(frame, at, wire)
    if kind == 0x86dd:
        return expected_ipv6(frame, at, wire)
    if kind == 0x0806:
        whole = len(frame) >= at + 8 and len(frame) >= at + 8 + 2 * (frame[at + 4] + frame[at + 5])
        if not whole:
            return SOUND if cut else "arp"
        other = word(frame, at) not in (1, 6) or word(frame, at + 2) != 0x0800  # not of Ethernet for IPv4
        return SOUND if other or cut or frame[at + 4:at + 6] == b"\6\4" else "arp"
    return SOUND if kind == 0x88b5 else LINK


def expected_ipv4(frame, at, wire):
    if len(frame) < at + 20:
        return SOUND if wire > len(frame) else "ipv4"
    header, total = (frame[at] & 15) * 4, word(frame, at + 2) or wire - at
    if frame[at] >> 4 != 4 or header < 20 or total < header:
        return "ipv4"
    if word(frame, at + 6) & 0x3fff:
        more, offset = word(frame, at + 6) & 0x2000, (word(frame, at + 6) & 0x1fff) * 8
        return expected_fragment(total - header, more, header + offset)
    return expected_l4(frame[at + header:at + total], frame[at + 9], total - header)


def expected_ipv6(frame, at, wire):
    if len(frame) < at + 40:
        return SOUND if wire > len(frame) else "ipv6"
    if frame[at] >> 4 != 6:
        return "ipv6"
    whole, kind = word(frame, at + 4) or wire - at - 40, frame[at + 6]
    left, walked = whole, 0
    at += 40
    while kind in (0, 43, 44, 51, 60, 135):
        header = frame[at:at + min(8, left)]
        if left < 8:
            return "ipv6_extension"
        if len(header) < 8:
            return SOUND
        length = 8 if kind == 44 else (header[1] + 2) * 4 if kind == 51 else (header[1] + 1) * 8
        if length > left:
            return "ipv6_extension"
        if kind == 44 and word(header, 2) & 0xfff9:
            return expected_fragment(left - 8, word(header, 2) & 1, whole - left + (word(header, 2) & 0xfff8))
        walked += 1
        if walked > EXTENSIONS:
            return "ipv6_extension"
        kind, at, left = header[0], at + length, left - length
    return expected_l4(frame[at:at + left], kind, left)


LEAST = {6: ("tcp", 20), 17: ("udp", 8), 1: ("icmp", 4), 58: ("icmp", 4), 132: ("sctp", 12), 33: ("dccp", 12), 136: ("udplite", 8),
         50: ("transport", 8), 89: ("transport", 16), 103: ("transport", 4), 112: ("transport", 8), 88: ("transport", 20)}
VERSIONS = {88: (2,), 103: (2,), 112: (2, 3)}


def expected_fragment(data, more, in_front):
    """data: its bytes; in_front: the datagram's bytes that count in its length and stand before them."""
    return SOUND if data > 0 and (not more or data % 8 == 0) and in_front + data <= 65535 else "fragment"


def expected_l4(data, protocol, length):
    """data: what was captured of length bytes."""
    walked = 0
    while protocol == 51:
        walked += 1
        if length < 12 or walked > AUTHENTICATIONS:
            return "transport"
        if len(data) < 12:
            return SOUND
        protocol, header = data[0], (data[1] + 2) * 4
        if not 12 <= header <= length:
            return "transport"
        data, length = data[header:], length - header
    name, least = LEAST.get(protocol, (SOUND, 0))
    if length < least:
        return name
    if len(data) < least:
        return SOUND
    if protocol == 6 and not 20 <= (data[12] >> 4) * 4 <= length:
        return name
    if protocol == 17 and not 8 <= (word(data, 4) or length) <= length:
        return name
    return name if transport_wrong(data, protocol, length) else SOUND


def transport_wrong(data, protocol, length):
    """Whether the header of a rarer transport contradicts itself. data has its least bytes at least."""
    if protocol == 33:
        return not (16 if data[8] & 1 else 12) <= data[4] * 4 <= length
    if protocol == 136:
        return word(data, 4) != 0 and not 8 <= word(data, 4) <= length
    if protocol == 89:
        return data[0] not in (2, 3) or not (24 if data[0] == 2 else 16) <= word(data, 2) <= length
    return protocol in VERSIONS and data[0] >> (0 if protocol == 88 else 4) not in VERSIONS[protocol]


# ---- what is done to them ----

def values(frame, field):
    at, width, _, bits, unit = field
    most = (1 << bits) - 1
    return sorted({0, 1, most - 1, most, min(most, (len(frame) - at - width) // unit + 1)})


def with_value(frame, field, value):
    at, width, shift, bits, _ = field
    mask = ((1 << bits) - 1) << shift
    old = int.from_bytes(frame[at:at + width], "big")
    return frame[:at] + (old & ~mask | value << shift & mask).to_bytes(width, "big") + frame[at + width:]


def variants(base, step):
    """(frame, length on the wire) of all that is done to one frame."""
    frame, whole = base.data, len(base)
    yield frame, whole
    for cut in range(0, whole, step):
        yield frame[:cut], cut
        yield frame[:cut], whole
    for field in base.fields[::step]:
        for value in values(frame, field):
            yield with_value(frame, field, value), whole


def mixed(draw, base):
    frame, wire = base.data, len(base)
    for _ in range(draw.randint(1, 3)):
        if base.fields:
            field = draw.choice(base.fields)
            frame = with_value(frame, field, draw.choice(values(frame, field)))
    how = draw.randrange(3)
    if how > 0:
        frame = frame[:draw.randint(0, len(frame))]
        wire = wire if how == 1 else len(frame)
    return frame, wire


def packets(seed=SEED):
    """All of them in a fixed order: (name, frame, length on the wire)."""
    sound = list(bases())
    for name, base in sound:
        for frame, wire in variants(base, 1):
            yield name, frame, wire
    for name, base in stacks():
        for frame, wire in variants(base, SPARSE):
            yield name, frame, wire
    draw = random.Random(seed)
    for _ in range(MIXED):
        name, base = draw.choice(sound)
        yield (name, *mixed(draw, base))


def write_all(folder, seed=SEED):
    """Writes VERDICT.pcap and VERDICT.txt (what each packet was made from); returns {verdict: (packets, bytes on the wire)}."""
    files, sums = {}, {}
    for name, frame, wire in packets(seed):
        verdict = expected(frame, wire)
        if verdict not in files:
            path = os.path.join(folder, verdict)
            files[verdict] = open(path + ".pcap", "wb"), open(path + ".txt", "w", encoding="utf-8")
            files[verdict][0].write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        count, size = sums.get(verdict, (0, 0))
        files[verdict][0].write(struct.pack("<IIII", 1700000000 + count // 1000, count % 1000 * 1000, len(frame), wire) + frame)
        files[verdict][1].write("%d: %s, %d of %d\n" % (count + 1, name, len(frame), wire))
        sums[verdict] = count + 1, size + wire
    for pair in files.values():
        for file in pair:
            file.close()
    return sums


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 1
    os.makedirs(sys.argv[1], exist_ok=True)
    for verdict, (count, size) in write_all(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else SEED).items():
        print("%-16s %6d packets, %9d bytes" % (verdict, count, size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
