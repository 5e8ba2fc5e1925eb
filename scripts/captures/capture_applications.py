#!/usr/bin/python3
"""Writes applications.pcap: flows whose servers are named by SNI, by Host, by an earlier DNS answer to the same client, or by nothing.
Argument: the folder to write to (default: pcaps)."""
import os
import struct
import sys

from scapy.layers.dns import DNS, DNSQR, DNSRR

from conversation import CLIENT, SERVER, Capture, Datagrams, Stream

CLIENT4, OTHER4, CLIENT6 = "198.51.100.10", "198.51.100.11", "2001:db8::10"
VIDEO, VIDEO_TOO, SHARED, LATE, MEETING = "203.0.113.10", "203.0.113.11", "203.0.113.30", "203.0.113.20", "2001:db8:1::20"


class Asked:
    """Questions to a resolver, each from a port of its own."""

    def __init__(self, capture):
        self.capture, self.asked = capture, 0

    def ask(self, client, name, addresses, aliases=(), kind="A"):
        self.asked += 1
        d = Datagrams(self.capture, (client, 40000 + self.asked), ("2001:db8::53" if ":" in client else "192.0.2.53", 53))
        question = DNSQR(qname=name, qtype=kind)
        d.say(CLIENT, bytes(DNS(id=self.asked, rd=1, qd=question)))
        said, answers = name, b""
        for alias in aliases:
            answers += bytes(DNSRR(rrname=said, type="CNAME", ttl=300, rdata=alias))
            said = alias
        answers += b"".join(bytes(DNSRR(rrname=said, type=kind, ttl=60, rdata=address)) for address in addresses)
        head = DNS(id=self.asked, qr=1, rd=1, ra=1, qd=question, ancount=len(aliases) + len(addresses))
        d.say(SERVER, bytes(head) + answers)


def vector(data, width):
    return len(data).to_bytes(width, "big") + data


def record(content, data):
    return struct.pack(">BH", content, 0x0303) + vector(data, 2)


def hello(kind, ciphers, extensions=b""):
    return record(22, kind + vector(b"\x03\x03" + bytes(range(32)) + b"\0" + ciphers + extensions, 3))


def tls(stream, name=""):
    sni = vector(struct.pack(">H", 0) + vector(vector(b"\0" + vector(name.encode(), 2), 2), 2), 2) if name else b""
    stream.say(CLIENT, hello(b"\1", vector(b"\xc0\x2f\xc0\x30", 2) + b"\1\0", sni))
    stream.say(SERVER, hello(b"\2", b"\xc0\x2f\0") + record(23, bytes(range(200))))
    stream.say(CLIENT, record(23, bytes(range(100))))
    stream.close()


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../../pcaps")
    capture = Capture()
    dns = Asked(capture)
    late = Stream(capture, (CLIENT4, 51001), (LATE, 443))  # begins before its client is told a name
    dns.ask(CLIENT4, "www.youtube.com", [VIDEO, VIDEO_TOO], ["youtube-ui.l.google.com"])
    dns.ask(CLIENT4, "late.example.org", [LATE])
    tls(late)
    tls(Stream(capture, (CLIENT4, 51002), (VIDEO, 443)))
    tls(Stream(capture, (OTHER4, 51003), (VIDEO, 443)))  # was told nothing
    tls(Stream(capture, (CLIENT4, 51004), (VIDEO, 443)), "www.netflix.com")  # what it says itself counts
    unknown = Datagrams(capture, (CLIENT4, 51005), (VIDEO_TOO, 9999))
    unknown.say(CLIENT, bytes(range(100, 160)))
    unknown.say(SERVER, bytes(range(160, 220)))
    dns.ask(CLIENT6, "teams.microsoft.com", [MEETING], kind="AAAA")
    tls(Stream(capture, (CLIENT6, 51006), (MEETING, 443)))
    dns.ask(CLIENT4, "one.example.org", [SHARED])
    first = Stream(capture, (CLIENT4, 51007), (SHARED, 443))
    dns.ask(CLIENT4, "TWO.eXample.ORG", [SHARED])
    second = Stream(capture, (CLIENT4, 51008), (SHARED, 443))
    tls(first)
    tls(second)
    http = Stream(capture, (CLIENT4, 51009), (SHARED, 80))
    http.say(CLIENT, b"GET / HTTP/1.1\r\nHost: www.bbc.co.uk\r\n\r\n")
    http.say(SERVER, b"HTTP/1.1 204 No Content\r\n\r\n")
    http.close()
    capture.pause(3700)
    tls(Stream(capture, (CLIENT4, 51010), (VIDEO, 443)))  # too long after
    capture.write(os.path.join(folder, "applications.pcap"))


if __name__ == "__main__":
    main()
