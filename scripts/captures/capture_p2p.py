#!/usr/bin/python3
"""Writes wireguard.pcap, ipsec.pcap, bittorrent.pcap and bittorrent_dht.pcap. Argument: the folder to write to (default: pcaps)."""
import hashlib
import os
import struct
import sys

from conversation import CLIENT, SERVER, Capture, Datagrams, Stream

HASH = bytes(range(20))


def noise(count, seed):
    """Bytes that look encrypted, the same every time."""
    out = b""
    while len(out) < count:
        out += hashlib.sha256(b"%s %d" % (seed.encode(), len(out))).digest()
    return out[:count]


# ---- wireguard ----

def initiation(sender, seed):
    return struct.pack("<II", 1, sender) + noise(124, seed) + bytes(16)


def response(sender, receiver, seed):
    return struct.pack("<III", 2, sender, receiver) + noise(64, seed) + bytes(16)


def data(receiver, counter, blocks, seed):
    return struct.pack("<IIQ", 4, receiver, counter) + noise(16 * blocks + 16, seed)


def wireguard():
    capture = Capture()
    d = Datagrams(capture, ("198.51.100.10", 51820), ("192.0.2.90", 51820))
    for turn in range(2):  # a new handshake every two minutes
        ours, theirs = 0xa1b2c300 + turn, 0x0d0e0f00 + turn
        d.say(CLIENT, initiation(ours, "init%d" % turn))
        d.say(SERVER, response(theirs, ours, "answer%d" % turn))
        for i in range(3):
            d.say(CLIENT, data(theirs, i, i * 5, "c%d %d" % (turn, i)))
            d.say(SERVER, data(ours, i, i * 40, "s%d %d" % (turn, i)))
        capture.pause(20)
    middle = Datagrams(capture, ("2001:db8::10", 40001), ("2001:db8::90", 41194))  # its handshake was before the capture
    for i in range(3):
        middle.say(CLIENT, data(0x77665544, 1000 + i, 3, "m%d" % i))
    busy = Datagrams(capture, ("198.51.100.11", 40002), ("192.0.2.90", 51820))  # under load: a cookie
    busy.say(CLIENT, initiation(0x51525354, "busy"))
    busy.say(SERVER, struct.pack("<II", 3, 0x51525354) + noise(56, "cookie"))
    return capture


# ---- esp in udp ----

def ipsec():
    capture = Capture()
    both = Datagrams(capture, ("198.51.100.12", 4500), ("192.0.2.93", 4500))  # what they agreed on was before the capture
    both.say(CLIENT, b"\xff")
    for i in range(4):
        both.say(CLIENT, struct.pack(">II", 0xC1020304, 5000 + i) + noise(116, "out%d" % i))
        both.say(SERVER, struct.pack(">II", 0xC5060708, 9000 + i) + noise(84 + 16 * i, "in%d" % i))
    apart = Datagrams(capture, ("198.51.100.13", 40003), ("192.0.2.93", 4500))  # an index without a counter
    for i in range(6):
        apart.say(CLIENT, struct.pack(">I", 0xC1020304) + noise(120, "apart%d" % i))
    return capture


# ---- bittorrent ----

def handshake(peer, reserved="0000000000100005"):
    return b"\x13BitTorrent protocol" + bytes.fromhex(reserved) + HASH + peer


def message(kind, payload=b""):
    return struct.pack("!IB", len(payload) + 1, kind) + payload


def utp(kind, connection, seq, ack, payload=b"", extension=b""):
    return struct.pack("!BBHIIIHH", kind << 4 | 1, 2 if extension else 0, connection, 1, 0, 1 << 20, seq, ack) + extension + payload


def bittorrent():
    capture = Capture()
    s = Stream(capture, ("198.51.100.20", 50100), ("192.0.2.91", 51413))
    s.say(CLIENT, handshake(b"-TR3000-abcdefghijkl"))
    s.say(SERVER, handshake(b"-qB4520-mnopqrstuvwx", "0000000000100004") + message(5, b"\xff\xf0"))
    s.say(CLIENT, message(2) + message(6, struct.pack("!III", 0, 0, 16384)))
    s.say(SERVER, message(1) + message(7, struct.pack("!II", 0, 0) + noise(3000, "piece")))
    s.close()
    s = Stream(capture, ("198.51.100.21", 50101), ("192.0.2.91", 6999))
    s.say(CLIENT, handshake(b"A2-1-36-0-" + bytes(range(0xf0, 0xfa))), size=7)
    s.say(SERVER, handshake(b"-XX0001-" + b"<script>x,=1"))
    s.close()
    d = Datagrams(capture, ("198.51.100.22", 40100), ("192.0.2.91", 51413))
    d.say(CLIENT, utp(4, 700, 1, 0, extension=b"\x00\x08" + bytes(8)))
    d.say(SERVER, utp(2, 700, 900, 1))
    d.say(CLIENT, utp(0, 701, 2, 900, handshake(b"-UT3550-uuuuuuuuuuuu")))
    d.say(SERVER, utp(0, 700, 901, 2, handshake(b"-LT2080-vvvvvvvvvvvv")))
    d.say(CLIENT, utp(1, 701, 3, 901))
    middle = Datagrams(capture, ("198.51.100.23", 40101), ("192.0.2.91", 51413))
    middle.say(CLIENT, utp(0, 4701, 300, 77, noise(600, "m0")))
    middle.say(CLIENT, utp(0, 4701, 301, 77, noise(600, "m1")))
    middle.say(SERVER, utp(2, 4700, 78, 301))
    tracker = Datagrams(capture, ("198.51.100.22", 40100), ("192.0.2.94", 6969))
    tracker.say(CLIENT, struct.pack(">QII", 0x41727101980, 0, 11))
    tracker.say(SERVER, struct.pack(">IIQ", 0, 11, 0x5152535455565758))
    tracker.say(CLIENT, struct.pack(">QII", 0x5152535455565758, 1, 12) + HASH + b"-UT3550-uuuuuuuuuuuu" + struct.pack(">QQQIIIiH", 0, 1 << 20, 0, 2, 0, 7, -1, 51413))
    tracker.say(SERVER, struct.pack(">IIIII", 1, 12, 1800, 3, 9) + bytes((192, 0, 2, 91, 0xC8, 0xD5)))
    tracker.say(CLIENT, struct.pack(">QII", 0x5152535455565758, 2, 13) + HASH)
    tracker.say(SERVER, struct.pack(">IIIII", 2, 13, 9, 100, 3))
    search = Datagrams(capture, ("198.51.100.22", 6771), ("239.192.152.143", 6771))
    search.say(CLIENT, b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 51413\r\nInfohash: %s\r\ncookie: c0\r\n\r\n\r\n"
               % HASH.hex().encode())
    return capture


# ---- its hash table ----

def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(k) + bencode(v) for k, v in sorted(value.items())) + b"e"


def bittorrent_dht():
    capture = Capture()
    d = Datagrams(capture, ("198.51.100.30", 51413), ("192.0.2.92", 6881))
    mine, theirs = noise(20, "me"), noise(20, "they")
    query = {b"t": b"aa", b"y": b"q", b"v": b"LT\x01\x02"}
    d.say(CLIENT, bencode({**query, b"q": b"ping", b"a": {b"id": mine}}))
    d.say(SERVER, bencode({b"t": b"aa", b"y": b"r", b"r": {b"id": theirs}}))
    d.say(CLIENT, bencode({**query, b"q": b"find_node", b"a": {b"id": mine, b"target": noise(20, "t")}}))
    d.say(SERVER, bencode({b"t": b"aa", b"y": b"r", b"r": {b"id": theirs, b"nodes": noise(26 * 8, "n"), b"nodes6": noise(38 * 2, "m")},
                           b"ip": b"\xc6\x33\x64\x1e\xc8\xd5"}))
    d.say(CLIENT, bencode({**query, b"q": b"get_peers", b"a": {b"id": mine, b"info_hash": HASH, b"want": [b"n4", b"n6"]}}))
    d.say(SERVER, bencode({b"t": b"aa", b"y": b"r", b"r": {b"id": theirs, b"token": b"tok", b"values": [b"\xc0\x00\x02\x01\x1a\xe1"] * 3}}))
    d.say(CLIENT, bencode({**query, b"q": b"announce_peer", b"a": {b"id": mine, b"implied_port": 0, b"info_hash": HASH, b"port": 51413,
                                                                   b"token": b"tok"}}))
    d.say(SERVER, bencode({b"t": b"aa", b"y": b"e", b"e": [203, b"Protocol Error, such as a malformed packet"]}))
    return capture


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    for make in (wireguard, ipsec, bittorrent, bittorrent_dht):
        make().write(os.path.join(folder, make.__name__ + ".pcap"))


if __name__ == "__main__":
    main()
