#!/usr/bin/python3
"""Writes transports.pcap (what IP carries besides TCP, UDP and ICMP, sound and not) and tcp_options.pcap (SYNs with all options).
Argument: the folder to write to (default: pcaps)."""
import os
import struct
import sys

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP, SCTPChunkCookieEcho, SCTPChunkData, SCTPChunkInit, SCTPChunkInitAck, SCTPChunkSACK
from scapy.packet import Raw

from conversation import MACS, Capture

HOST, PEER = "192.0.2.10", "198.51.100.20"
HOST6, PEER6 = "2001:db8::10", "2001:db8::20"
SPI = 0x1000
UNKNOWN = 200


def sent(proto, data, back=False, **fields):
    src, dst = (PEER, HOST) if back else (HOST, PEER)
    return Ether(src=MACS[back], dst=MACS[not back]) / IP(**{"src": src, "dst": dst, "id": 1, "proto": proto, **fields}) / Raw(bytes(data))


def sent6(proto, data, back=False):
    src, dst = (PEER6, HOST6) if back else (HOST6, PEER6)
    return Ether(src=MACS[back], dst=MACS[not back]) / IPv6(src=src, dst=dst, nh=proto) / Raw(bytes(data))


def checksum(data):
    """Of the Internet."""
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return 0xffff ^ (total + (total >> 16) & 0xffff)


def udplite(sport, dport, coverage, payload, back=False):
    """The checksum covers the pseudo header and the first bytes."""
    ends = (bytes((198, 51, 100, 20)), bytes((192, 0, 2, 10)))
    head = struct.pack("!HHHH", sport, dport, coverage, 0)
    whole = head + payload
    covered = whole[:coverage or len(whole)]
    pseudo = ends[not back] + ends[back] + struct.pack("!HH", 136, len(whole))
    value = checksum(pseudo + covered + bytes(len(covered) % 2))
    return head[:6] + struct.pack("!H", value) + payload


def udplite_all(capture):
    capture.add(sent(136, udplite(5004, 5006, 20, b"header of it" + b"voice, may have errors")))
    capture.add(sent(136, udplite(5006, 5004, 8, b"", True), True))
    capture.add(sent(136, udplite(5004, 5006, 0, b"all of it ..")))
    capture.add(sent(136, udplite(5004, 5006, 7, b"less than the header")))   # malformed
    capture.add(sent(136, udplite(5004, 5006, 300, b"more than there is")))   # malformed
    capture.add(sent(136, b"\x13\x8c\x13"))                                   # malformed


def dccp(kind, seq, body=b"", sport=5001, dport=5002, long=True):
    """kind: 0 request, 1 response, 2 data, 4 data and acknowledgement; long: sequence numbers of 48 bits."""
    rest = {0: b"SPW1", 1: bytes(8) + b"SPW1", 2: b"", 4: bytes(8)}[kind]
    if long:
        head, words = bytes((kind << 1 | 1, 0)) + struct.pack("!HI", 0, seq), (16 + len(rest)) // 4
    else:
        rest = rest[:4]
        head, words = bytes((kind << 1,)) + seq.to_bytes(3, "big"), (12 + len(rest)) // 4
    return struct.pack("!HHBBH", sport, dport, words, 0, 0) + head + rest + body


def dccp_all(capture):
    capture.add(sent(33, dccp(0, 1)))
    capture.add(sent(33, dccp(1, 9, b"", 5002, 5001), True))
    capture.add(sent(33, dccp(4, 2, b"data")))
    capture.add(sent(33, dccp(2, 3, b"short numbers", long=False)))
    capture.add(sent6(33, dccp(4, 2, b"over IPv6")))
    wrong = bytearray(dccp(4, 4))
    wrong[4] = 3
    capture.add(sent(33, wrong))       # malformed: data inside the header
    capture.add(sent(33, wrong[:11]))  # malformed


def sctp_all(capture):
    def chunk(tag, part, back=False):
        ports = {"sport": 2906, "dport": 2905} if back else {"sport": 2905, "dport": 2906}
        capture.add(sent(132, bytes(SCTP(tag=tag, **ports) / part), back))
    chunk(0, SCTPChunkInit(init_tag=0x11111111, a_rwnd=65535, n_out_streams=2, n_in_streams=2, init_tsn=1))
    chunk(0x11111111, SCTPChunkInitAck(init_tag=0x22222222, a_rwnd=65535, n_out_streams=2, n_in_streams=2, init_tsn=1), True)
    chunk(0x22222222, SCTPChunkCookieEcho(cookie=b"a cookie"))
    chunk(0x22222222, SCTPChunkData(beginning=1, ending=1, tsn=1, data=b"hello, stream"))
    chunk(0x11111111, SCTPChunkSACK(cumul_tsn_ack=1, a_rwnd=65535), True)
    capture.add(sent(132, b"\x0b\x59\x0b\x5a" + bytes(7)))  # malformed


def ah(next_header, seq, inner, words=4):
    return struct.pack("!BBHII", next_header, words, 0, SPI + 2, seq) + bytes(range(12)) + inner


def security(capture):
    for seq in (1, 2):
        capture.add(sent(50, struct.pack("!II", SPI, seq) + bytes(range(64))))
        capture.add(sent(50, struct.pack("!II", SPI + 1, seq) + bytes(range(64)), True))
    capture.add(sent6(50, struct.pack("!II", SPI, 1) + bytes(range(32))))
    inner = bytes(IP(src=HOST, dst=PEER) / UDP(sport=4000, dport=9, chksum=0) / Raw(b"protected"))[20:]
    capture.add(sent(51, ah(17, 1, inner)))
    capture.add(sent6(51, ah(136, 1, struct.pack("!HHHH", 5004, 5006, 8, 0) + b"protected too")))
    capture.add(sent(50, b"\0\0\x10"))             # malformed
    capture.add(sent(51, ah(17, 2, inner, 0)))     # malformed: shorter than what it has
    capture.add(sent(51, ah(17, 3, inner, 200)))   # malformed: longer than the datagram


def ospf(version, body, length=0):
    rest = struct.pack("!4s4s", bytes((192, 0, 2, 10)), bytes(4))
    head_length = 24 if version == 2 else 16
    head = struct.pack("!BBH", version, 1, length or head_length + len(body)) + rest
    if version == 3:
        return head + bytes(4) + body
    packet = head + bytes(2) + bytes(10) + body
    value = checksum(head + bytes(4) + body)
    return packet[:12] + struct.pack("!H", value) + packet[14:]


def routing(capture):
    hello = struct.pack("!4sHBBI4s4s", bytes((255, 255, 255, 0)), 10, 2, 1, 40, bytes((192, 0, 2, 10)), bytes(4))
    capture.add(sent(89, ospf(2, hello), dst="224.0.0.5", ttl=1))
    capture.add(sent6(89, ospf(3, bytes(4) + struct.pack("!I", 1 << 24 | 0x13) + struct.pack("!HH", 10, 40) + bytes(8))))
    capture.add(sent(89, ospf(2, hello, 200), dst="224.0.0.5", ttl=1))  # malformed
    advertisement = bytes((0x31, 7, 100, 1)) + struct.pack("!HH", 100, 0) + bytes((192, 0, 2, 1))
    capture.add(sent(112, advertisement, dst="224.0.0.18", ttl=255))
    capture.add(sent(112, b"\x21\x09\xff\x01\0\1\0\0" + bytes((192, 0, 2, 2)) + bytes(8), dst="224.0.0.18", ttl=255))
    capture.add(sent(112, b"\x31\x07\x64", dst="224.0.0.18", ttl=255))  # malformed
    body = b"\x20\0\0\0" + struct.pack("!HHH", 1, 2, 105)
    capture.add(sent(103, body[:2] + struct.pack("!H", checksum(body)) + body[4:], dst="224.0.0.13", ttl=1))
    capture.add(sent(103, b"\x20\0", dst="224.0.0.13", ttl=1))          # malformed
    hello = b"\2\5\0\0" + bytes(12) + struct.pack("!HH", 0, 100) + struct.pack("!HH", 1, 12) + bytes((1, 0, 1, 0, 0, 0, 0, 15))
    capture.add(sent(88, hello[:2] + struct.pack("!H", checksum(hello)) + hello[4:], dst="224.0.0.10", ttl=2))
    capture.add(sent(88, b"\1" + hello[1:], dst="224.0.0.10", ttl=2))   # malformed


def unknown(capture):
    for i in range(3):
        capture.add(sent(UNKNOWN, b"nobody knows this protocol %d" % i))
    capture.add(sent6(UNKNOWN + 1, b"nor this"))


def syn(capture, port, options, flags="S", back=False, window=64240, ack=0):
    src, dst, ports = (PEER, HOST, (443, port)) if back else (HOST, PEER, (port, 443))
    header = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=100, ack=ack, window=window, options=options)
    capture.add(Ether(src=MACS[back], dst=MACS[not back]) / IP(src=src, dst=dst, id=1) / header)


def raw_syn(capture, port, options):
    """Options as bytes, for those that scapy would put right."""
    options += bytes(-len(options) % 4)
    header = bytearray(bytes(TCP(sport=port, dport=443, flags="S", seq=100)))
    header[12] = (5 + len(options) // 4) << 4
    data = bytes(header) + options
    pseudo = bytes((192, 0, 2, 10, 198, 51, 100, 20)) + struct.pack("!HH", 6, len(data))
    data = data[:16] + bytes(2) + data[18:]
    data = data[:16] + struct.pack("!H", checksum(pseudo + data)) + data[18:]
    capture.add(sent(6, data))


def options(capture):
    usual = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1000, 0)), ("NOP", None), ("WScale", 7)]
    syn(capture, 40001, usual)
    syn(capture, 40001, [("MSS", 1380), ("NOP", None), ("NOP", None), ("SAckOK", b""), ("NOP", None), ("WScale", 0)], "SA", True, ack=101)
    syn(capture, 40001, [("NOP", None), ("NOP", None), ("SAck", (500, 600, 700, 800))], "A", True, ack=101)
    syn(capture, 40002, [])
    syn(capture, 40002, [("MSS", 536)], "SA", True, ack=101)
    raw_syn(capture, 40003, b"\x02\x04\x05\xb4" + b"\x22\x02")                               # fast open: a cookie is asked for
    raw_syn(capture, 40004, b"\x02\x04\x05\xb4" + b"\x22\x0a" + bytes(range(8)))             # and shown
    raw_syn(capture, 40005, b"\x02\x04\x05\xb4" + b"\xfe\x0c\xf9\x89" + bytes(range(8)))     # as an experiment
    raw_syn(capture, 40006, b"\x02\x04\x05\xb4\x13\x12" + bytes(16))                         # MD5
    raw_syn(capture, 40007, b"\x02\x04\x05\xb4\x1d\x10\1\1" + bytes(12))                     # authentication
    raw_syn(capture, 40008, b"\x02\x04\x05\xb4\x1e\x0c\1\x81" + bytes(8) + b"\x1c\x04\x80\x05")  # MPTCP, user time-out
    raw_syn(capture, 40009, b"\x03\x03\x0f\x02\x04\x05")                                     # a scale beyond 14, a length that lies
    raw_syn(capture, 40010, b"\x02\x00\x05\xb4")                                             # a length of nothing


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    for name, parts in (("transports", (udplite_all, dccp_all, sctp_all, security, routing, unknown)), ("tcp_options", (options,))):
        capture = Capture()
        for part in parts:
            part(capture)
        capture.write(os.path.join(folder, name + ".pcap"))


main()
