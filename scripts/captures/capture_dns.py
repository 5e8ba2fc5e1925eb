#!/usr/bin/python3
"""Writes dns.pcap: DNS over UDP, TCP and IPv6, mDNS and LLMNR. Argument: the folder to write to (default: pcaps)."""
import os
import struct
import sys

from conversation import CLIENT, SERVER, Capture, Datagrams, Stream

IN, ANY = 1, 255
A, NS, CNAME, SOA, NULL, PTR, MX, TXT, AAAA, SRV, OPT, HTTPS, AXFR, CAA = 1, 2, 5, 6, 10, 12, 15, 16, 28, 33, 41, 65, 252, 257
RESOLVER = ("192.0.2.53", 53)


def name(text):
    labels = text.encode("latin1").split(b".") if text else []
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(text, rrtype, rrclass=IN):
    return name(text) + struct.pack(">HH", rrtype, rrclass)


def record(owner, rrtype, data, ttl=300, rrclass=IN):
    """owner: bytes of a name, or of a pointer."""
    return owner + struct.pack(">HHIH", rrtype, rrclass, ttl, len(data)) + data


def message(number, flags, questions=(), answers=(), authorities=(), additionals=()):
    counts = struct.pack(">HHHHHH", number, flags, len(questions), len(answers), len(authorities), len(additionals))
    return counts + b"".join((*questions, *answers, *authorities, *additionals))


FIRST = b"\xc0\x0c"  # points at the name of the first question
EDNS = record(b"\0", OPT, b"", ttl=0, rrclass=1232)


def lookup(capture, port, number, text, rrtype, answers, flags=0x8180, address="198.51.100.10", resolver=RESOLVER):
    talk = Datagrams(capture, (address, port), resolver)
    talk.say(CLIENT, message(number, 0x0100, [question(text, rrtype)], additionals=[EDNS]))
    talk.say(SERVER, message(number, flags, [question(text, rrtype)], answers, additionals=[EDNS]))


def kinds(capture):
    lookups = [
        ("www.example.org", A, [record(FIRST, CNAME, b"\3web\xc0\x10"), record(b"\xc0\x2d", A, bytes([192, 0, 2, 80]))]),
        ("www.example.org", AAAA, [record(FIRST, AAAA, bytes.fromhex("20010db8000000000000000000000080"))]),
        ("example.org", MX, [record(FIRST, MX, b"\0\x0a\2mx" + FIRST), record(FIRST, MX, b"\0\x14" + name("mx.example.net"))]),
        ("example.org", TXT, [record(FIRST, TXT, b"\x0bv=spf1 -all\4more")]),
        ("_sip._udp.example.org", SRV, [record(FIRST, SRV, struct.pack(">HHH", 10, 5, 5060) + name("sip.example.org"))]),
        ("example.org", SOA, [record(FIRST, SOA, b"\2ns" + FIRST + b"\4host" + FIRST + struct.pack(">5I", 7, 3600, 600, 86400, 60))]),
        ("example.org", CAA, [record(FIRST, CAA, b"\0\5issueca.example.net")]),
        ("example.org", HTTPS, [record(FIRST, HTTPS, b"\0\1\0\0\1\0\3\2h2")]),
        ("80.2.0.192.in-addr.arpa", PTR, [record(FIRST, PTR, name("www.example.org"))]),
        ("", NS, [record(b"\0", NS, name("a.root-servers.net"))]),
        ("\xe1\x02\xfftunnel.t.example.net", NULL, [record(FIRST, NULL, bytes(range(40)))]),
    ]
    for number, (text, rrtype, answers) in enumerate(lookups):
        lookup(capture, 40000 + number, 0x1000 + number, text, rrtype, answers)


def failures(capture):
    lookup(capture, 41000, 0x2000, "missing.example.org", A, [], flags=0x8183)
    lookup(capture, 41001, 0x2001, "broken.example.org", A, [], flags=0x8182)
    talk = Datagrams(capture, ("198.51.100.10", 41002), RESOLVER)
    talk.say(CLIENT, message(0x2002, 0x0100, [question("refused.example.org", A)]))
    talk.say(SERVER, message(0x2002, 0x8185))
    talk = Datagrams(capture, ("198.51.100.10", 41003), RESOLVER)
    talk.say(CLIENT, message(0x2003, 0x0100, [question("unanswered.example.org", A)]))
    talk.say(CLIENT, message(0x2003, 0x0100, [question("unanswered.example.org", A)]))


def framed(*messages):
    return b"".join(struct.pack(">H", len(m)) + m for m in messages)


def over_tcp(capture):
    stream = Stream(capture, ("198.51.100.10", 42000), RESOLVER)
    stream.say(CLIENT, framed(message(1, 0x0100, [question("one.example.org", A)]), message(2, 0x0100, [question("two.example.org", A)])))
    answers = [message(n, 0x8180, [question(text + ".example.org", A)], [record(FIRST, A, bytes([192, 0, 2, n]))])
               for n, text in ((1, "one"), (2, "two"))]
    stream.say(SERVER, framed(*answers), size=50)
    zone = [record(FIRST, A, bytes([192, 0, 2 + n // 250, n % 250])) for n in range(700)]
    stream.say(CLIENT, framed(message(3, 0, [question("zone.example.org", AXFR)])))
    stream.say(SERVER, framed(message(3, 0x8480, [question("zone.example.org", AXFR)], zone)))
    stream.close()


def neighbours(capture):
    multicast = Datagrams(capture, ("198.51.100.20", 5353), ("224.0.0.251", 5353))
    multicast.say(CLIENT, message(0, 0, [question("_http._tcp.local", PTR, IN | 0x8000), question("_ipp._tcp.local", PTR)],
                                  [record(FIRST, PTR, b"\7printer" + FIRST, ttl=4500)]))
    multicast.say(CLIENT, message(0, 0x8400, [], [record(name("printer.local"), A, bytes([198, 51, 100, 20]), rrclass=IN | 0x8000)]))
    link_local = Datagrams(capture, ("198.51.100.21", 43000), ("224.0.0.252", 5355))
    link_local.say(CLIENT, message(9, 0, [question("fileserver", A)]))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    capture = Capture()
    kinds(capture)
    failures(capture)
    over_tcp(capture)
    neighbours(capture)
    lookup(capture, 44000, 0x3000, "six.example.org", AAAA, [record(FIRST, AAAA, bytes(15) + b"\1")],
           address="2001:db8::10", resolver=("2001:db8::53", 53))
    capture.write(os.path.join(folder, "dns.pcap"))


main()
