#!/usr/bin/python3
"""Writes pcaps/rtp.pcap: calls and meetings as their datagrams, from the forms of RFC 3550.

    capture_rtp.py [FOLDER]     the same bytes every time"""
import os
import struct
import sys

from conversation import CLIENT, SERVER, Capture, Datagrams

PCMU, PCMA, H264, OPUS = 0, 8, 96, 111
SR, RR, SDES, BYE = 200, 201, 202, 203


def packet(payload_type, sequence, timestamp, ssrc, payload=b"\x55" * 40, marker=False, extension=b""):
    first = 0x80 | (0x10 if extension else 0)
    head = struct.pack(">BBHII", first, payload_type | marker << 7, sequence & 0xffff, timestamp & 0xffffffff, ssrc)
    return head + (struct.pack(">HH", 0xbede, len(extension) // 4) + extension if extension else b"") + payload


def report(kind, body, count=0):
    return struct.pack(">BBH", 0x80 | count, kind, len(body) // 4) + body


def sender(ssrc, packets, octets, block=b""):
    return report(SR, struct.pack(">IQIII", ssrc, 0xe000000000000000, 0, packets, octets) + block, len(block) // 24)


def block(ssrc, lost, fraction):
    return struct.pack(">IIIIII", ssrc, fraction << 24 | lost, 0, 40, 0, 0)


def description(ssrc, name):
    chunk = struct.pack(">IBB", ssrc, 1, len(name)) + name
    return report(SDES, chunk + bytes(4 - len(chunk) % 4), 1)


def call(capture):
    """Speech both ways; the callee loses two packets and has one late; reports on the ports above, of both, with a farewell."""
    talk = Datagrams(capture, ("198.51.100.10", 40000), ("203.0.113.20", 50000))
    control = Datagrams(capture, ("198.51.100.10", 40001), ("203.0.113.20", 50001))
    for n in range(60):
        if n not in (20, 21):
            talk.say(CLIENT, packet(PCMU, 65500 + (n ^ 1 if n in (30, 31) else n), 160 * (n ^ 1 if n in (30, 31) else n), 0x11111111, marker=n == 0))
        else:
            capture.pause(0.001)
        talk.say(SERVER, packet(PCMA, 100 + n, 160 * n, 0x22222222))
        if n in (25, 50):
            control.say(CLIENT, sender(0x11111111, n, n * 40) + description(0x11111111, b"alice@198.51.100.10"))
            control.say(SERVER, report(RR, struct.pack(">I", 0x22222222) + block(0x11111111, 2, 20 if n == 25 else 0), 1))
        capture.pause(0.016 if n in (25, 50) else 0.018)
    control.say(CLIENT, report(RR, struct.pack(">I", 0x11111111)) + report(BYE, struct.pack(">I", 0x11111111), 1))


def meeting(capture):
    """A client that learns its address first, then sound of a dynamic type with extensions, and pictures of a second source; IPv6."""
    talk = Datagrams(capture, ("2001:db8::10", 41000), ("2001:db8::20", 50004))
    talk.say(CLIENT, struct.pack(">HHI", 1, 70, 0x33333333) + bytes(66))
    talk.say(SERVER, struct.pack(">HHI", 2, 70, 0x33333333) + b"2001:db8::10".ljust(66, b"\0"))
    for n in range(70):
        talk.say(CLIENT, packet(OPUS, 7000 + n, 960 * n, 0x33333333, extension=b"\x10\x01\x02\x03"))
        if n % 10 == 9:
            talk.say(CLIENT, packet(H264, n, 3000 * n, 0x44444444, marker=True))
        capture.pause(0.018 if n % 10 == 9 else 0.019)


def lookalikes(capture):
    """The first two bits and nothing else of RTP: a source that changes, a number that stands still, a single datagram."""
    talk = Datagrams(capture, ("198.51.100.30", 42000), ("203.0.113.30", 42000))
    for n in range(8):
        talk.say(CLIENT, packet(PCMU, n, 160 * n, 0x50000000 + n * 7919))
    talk = Datagrams(capture, ("198.51.100.31", 42000), ("203.0.113.30", 42000))
    for n in range(8):
        talk.say(CLIENT, packet(PCMU, 9, 160 * n, 0x60000000))
    Datagrams(capture, ("198.51.100.32", 42000), ("203.0.113.30", 42000)).say(CLIENT, packet(PCMU, 1, 0, 0x70000000))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    capture = Capture()
    call(capture)
    meeting(capture)
    lookalikes(capture)
    capture.write(os.path.join(folder, "rtp.pcap"))


main()
