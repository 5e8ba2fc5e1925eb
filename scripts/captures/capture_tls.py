#!/usr/bin/python3
"""Writes tls.pcap (TLS handshakes of many shapes), tls_split_in_order.pcap and tls_split_reordered.pcap (one ClientHello over two
segments). The messages are made here, byte by byte; what is encrypted is counted-up bytes. Argument: the folder (default: pcaps)."""
import os
import struct
import sys

from conversation import CLIENT, SERVER, STEP, Capture, Stream

SERVER_END = ("192.0.2.43", 443)
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
CCS = bytes.fromhex("140303000101")


def vector(data, width):
    return len(data).to_bytes(width, "big") + data


def extension(number, data):
    return struct.pack(">H", number) + vector(data, 2)


def words(*values):
    return struct.pack(">%dH" % len(values), *values)


def records(data, size=16384, content=22, version=0x0303):
    return b"".join(struct.pack(">BH", content, version) + vector(data[at:at + size], 2) for at in range(0, len(data), size))


def client_hello(name, tls13=True, session=b"", padding=0):
    parts = [extension(0x5A5A, b"")]
    if name:
        parts.append(extension(0, vector(b"\0" + vector(name.encode(), 2), 2)))
    parts += [extension(10, vector(words(0x4A4A, 29, 23), 2)), extension(11, vector(b"\0", 1)),
              extension(13, vector(words(0x0403, 0x0804, 0x0401), 2)), extension(16, vector(vector(b"h2", 1) + vector(b"http/1.1", 1), 2))]
    if tls13:
        parts += [extension(43, vector(words(0x6A6A, 0x0304, 0x0303), 1)),
                  extension(51, vector(words(29) + vector(bytes(range(32)), 2), 2))]
    if padding:
        parts.append(extension(21, bytes(padding)))
    ciphers = words(0x3A3A, 0x1301, 0x1302, 0xC02F, 0xC030, 0x009C)
    body = b"\x03\x03" + bytes(range(32)) + vector(session, 1) + vector(ciphers, 2) + b"\1\0" + vector(b"".join(parts), 2)
    return b"\1" + vector(body, 3)


def server_hello(cipher, tls13=True, random=bytes(range(32, 64)), session=b"", alpn=None):
    parts = [extension(43, words(0x0304))] if tls13 else [extension(0xFF01, b"\0")]
    if alpn:
        parts.append(extension(16, vector(vector(alpn, 1), 2)))
    body = b"\x03\x03" + random + vector(session, 1) + words(cipher) + b"\0" + vector(b"".join(parts), 2)
    return b"\2" + vector(body, 3)


def sealed(length, content=23):
    return records(bytes(n & 255 for n in range(length)), content=content)


def connect(capture, port, handshake=True):
    return Stream(capture, ("198.51.100.10", port), SERVER_END, handshake)


def modern(capture):
    s = connect(capture, 51000)
    s.say(CLIENT, records(client_hello("tls13.example.org", session=bytes(32)), version=0x0301))
    s.say(SERVER, records(server_hello(0x1301, session=bytes(32))) + CCS + sealed(900))
    s.say(CLIENT, CCS + sealed(60) + sealed(200))
    s.say(SERVER, sealed(3000))
    s.close()
    s = connect(capture, 51001)
    s.say(CLIENT, records(client_hello("tls12.example.org", tls13=False), version=0x0301))
    s.say(SERVER, records(server_hello(0xC02F, tls13=False, alpn=b"h2") + b"\x0b" + vector(vector(b"", 3), 3) + b"\x0e\0\0\0"))
    s.close()


def retried(capture):
    s = connect(capture, 51002)
    s.say(CLIENT, records(client_hello("retry.example.org", session=bytes(32)), version=0x0301))
    s.say(SERVER, records(server_hello(0x1302, random=RETRY, session=bytes(32))) + CCS)
    s.say(CLIENT, CCS + records(client_hello("retry.example.org", session=bytes(32))))
    s.say(SERVER, records(server_hello(0x1302, session=bytes(32))) + sealed(500))
    s.close()


def fragmented(capture):
    s = connect(capture, 51003)
    s.say(CLIENT, records(client_hello("records.example.org", padding=3000), size=500), size=400)
    s.say(SERVER, records(server_hello(0x1301), size=20), size=30)
    s.close()
    s = connect(capture, 51004)
    s.say(CLIENT, records(client_hello("drip.example.org")), size=3)
    s.say(SERVER, records(server_hello(0x1301)), size=3)
    s.close()


def alerts(capture):
    s = connect(capture, 51005)
    s.say(CLIENT, records(client_hello("refused.example.org")))
    s.say(SERVER, records(b"\2\x28", content=21))
    s.close()
    s = connect(capture, 51006)
    s.say(CLIENT, records(client_hello("warned.example.org")))
    s.say(SERVER, records(b"\1\x70", content=21) + records(server_hello(0xC030, tls13=False)))
    s.close()


def partial(capture):
    s = connect(capture, 51007, handshake=False)
    s.say(CLIENT, sealed(100) + sealed(50))
    s.say(SERVER, sealed(1200))
    s.close()
    s = connect(capture, 51008)
    s.segment(SERVER, "PA", records(server_hello(0x1301)))
    s.close()
    s = connect(capture, 51009)
    s.segment(CLIENT, "PA", records(client_hello(None)))
    s.close()


def split(path, reordered):
    capture = Capture()
    s = connect(capture, 51100)
    hello = records(client_hello("split.example.org", padding=1500), version=0x0301)
    first, second = s.make(CLIENT, "A", hello[:1400]), s.make(CLIENT, "PA", hello[1400:])
    for frame in (second, first) if reordered else (first, second):
        capture.add(frame)
    s.segment(SERVER, "A")
    s.say(SERVER, records(server_hello(0x1301)) + CCS + sealed(400))
    s.close()
    capture.write(path)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    capture = Capture()
    for conversation in (modern, retried, fragmented, alerts, partial):
        conversation(capture)
        capture.pause(10 * STEP)
    capture.write(os.path.join(folder, "tls.pcap"))
    split(os.path.join(folder, "tls_split_in_order.pcap"), False)
    split(os.path.join(folder, "tls_split_reordered.pcap"), True)


if __name__ == "__main__":
    main()
