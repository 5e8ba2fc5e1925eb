#!/usr/bin/python3
"""Writes quic.pcap: what Initial packets of QUIC have in them, sealed as RFC 9001 says, and what stands before and behind them. The
rest of a connection is counted-up bytes. Argument: the folder (default: pcaps)."""
import hashlib
import hmac
import os
import struct
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from capture_tls import client_hello, extension, server_hello, vector, words
from conversation import CLIENT, SERVER, Capture, Datagrams

SERVER_END, V1, V2, DRAFT_29, Q050 = ("192.0.2.44", 443), 0x1, 0x6B3343CF, 0xFF00001D, 0x51303530
SALTS = {V1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", V2: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
         DRAFT_29: "afbfec289993d24c9e9786f19c6111e04390a899", Q050: "504574efd066fe2f9d945cfcdbd3a7f0d3b56b45"}
INITIAL, HANDSHAKE, RETRY = 0, 2, 3
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def expand(secret, label, length):
    info = struct.pack(">H", length) + vector(b"tls13 " + label, 1) + b"\0"
    return hmac.digest(secret, info + b"\1", hashlib.sha256)[:length]


def keys(version, dcid, side):
    """key, iv, header protection"""
    secret = expand(hmac.digest(bytes.fromhex(SALTS[version]), dcid, hashlib.sha256), b"client in" if side else b"server in", 32)
    prefix = b"quicv2 " if version == V2 else b"quic "
    return [expand(secret, prefix + label, length) for label, length in ((b"key", 16), (b"iv", 12), (b"hp", 16))]


def number(value):
    return struct.pack(">H", 0x4000 | value)


def first_byte(version, kind, bits=3):
    return bytes([0xC0 | (kind + (version == V2) & 3) << 4 | bits])


def long_header(version, kind, to, source):
    return first_byte(version, kind) + struct.pack(">I", version) + vector(to, 1) + vector(source, 1)


def crypto(data, offset=0, kind=6):
    return bytes([kind]) + number(offset) + number(len(data)) + data


class Connection:
    """One connection; key_id is what its keys follow from: the first id that the client makes up for the server."""

    def __init__(self, capture, port, version=V1, ends=None):
        client, server = ends or (("198.51.100.10", port), SERVER_END)
        self.talk = Datagrams(capture, client, server)
        self.version, self.numbers = version, {CLIENT: 0, SERVER: 0}
        self.key_id = hashlib.sha256(b"%d" % port).digest()[:8]
        self.ids = {CLIENT: hashlib.sha256(b"c%d" % port).digest()[:5], SERVER: self.key_id}

    def initial(self, side, frames, version=None, token=b"", size=0):
        version = version or self.version
        key, iv, mask_key = keys(version, self.key_id, side)
        head = long_header(version, INITIAL, self.ids[not side], self.ids[side] if side == SERVER else self.ids[CLIENT])
        head += number(len(token)) + token if token else b"\0"
        count, self.numbers[side] = self.numbers[side], self.numbers[side] + 1
        frames += bytes(max(0, size - len(head) - 2 - 4 - len(frames) - 16))
        head += number(4 + len(frames) + 16) + struct.pack(">I", count)
        nonce = (int.from_bytes(iv, "big") ^ count).to_bytes(12, "big")
        sealed = AESGCM(key).encrypt(nonce, frames, head)
        ecb = Cipher(algorithms.AES(mask_key), modes.ECB()).encryptor()
        mask = ecb.update(sealed[:16])
        start = len(head) - 4
        masked = bytes(a ^ b for a, b in zip(head[start:], mask[1:5]))
        return bytes([head[0] ^ mask[0] & 15]) + head[1:start] + masked + sealed

    def handshake(self, side, length, version=None):
        version = version or self.version
        return long_header(version, HANDSHAKE, self.ids[not side], self.ids[side]) + number(length) + bytes(n * 7 & 255 for n in range(length))

    def short(self, side, length):
        return b"\x45" + self.ids[not side] + bytes(n * 11 & 255 for n in range(length))

    def say(self, side, *packets):
        self.talk.say(side, b"".join(packets))

    def answer(self, hello, version=None):
        """The server's flight and the rest."""
        self.ids[SERVER] = hashlib.sha256(b"s" + self.key_id).digest()[:8]
        self.say(SERVER, self.initial(SERVER, b"\2\0\0\0\0" + crypto(hello), version), self.handshake(SERVER, 300, version))
        self.say(CLIENT, self.initial(CLIENT, b"\2\0\0\0\0", version), self.handshake(CLIENT, 60, version), self.short(CLIENT, 300))
        self.say(SERVER, self.short(SERVER, 400))
        self.say(CLIENT, self.short(CLIENT, 40))


def hello(name, agent=b"", padding=0):
    """As TCP has it, with transport parameters; in TLS 1.3 the extensions' order is free."""
    parameters = b"\4\4\x80\x10\0\0" + (struct.pack(">I", 0x80003129) + vector(agent, 1) if agent else b"")
    message = client_hello(name, padding=padding)
    extensions = extension(0x39, parameters)
    at = message.index(words(0x5A5A, 0)) - 2
    inner = message[at + 2:].replace(vector(vector(b"h2", 1) + vector(b"http/1.1", 1), 2), vector(vector(b"h3", 1), 2))
    inner = inner.replace(extension(16, b"")[:2] + struct.pack(">H", 14), extension(16, b"")[:2] + struct.pack(">H", 5))
    return b"\1" + vector(message[4:at] + vector(inner + extensions, 2), 3)


def whole(capture):
    for port, version, name in ((52000, V1, "one.quic.example.org"), (52001, V2, "two.quic.example.org"),
                                (52002, DRAFT_29, "draft.quic.example.org")):
        c = Connection(capture, port, version)
        c.say(CLIENT, c.initial(CLIENT, crypto(hello(name, b"Browser/9.0")), size=1200))
        c.answer(server_hello(0x1301))
    c = Connection(capture, 52003)
    c.say(CLIENT, c.initial(CLIENT, crypto(hello("upgrade.quic.example.org")), size=1200))
    c.answer(server_hello(0x1302), V2)
    c = Connection(capture, 52004, ends=(("2001:db8::10", 52004), ("2001:db8::44", 8443)))
    c.say(CLIENT, c.initial(CLIENT, crypto(hello(None)), size=1200))
    c.answer(server_hello(0x1303))


def in_pieces(capture):
    c = Connection(capture, 52010)
    message = hello("pieces.quic.example.org", padding=2000)
    cuts = [0, 40, 90, 91, 700, 1100, 1500, 1510, 1900, len(message)]
    pieces = [crypto(message[a:b], a) for a, b in zip(cuts, cuts[1:])]
    c.say(CLIENT, c.initial(CLIENT, pieces[8] + b"\1" + pieces[5] + bytes(9), size=1200))
    c.say(CLIENT, c.initial(CLIENT, pieces[7] + b"\1\1" + pieces[3] + pieces[1] + bytes(3) + pieces[2], size=1200))
    c.say(CLIENT, c.initial(CLIENT, pieces[6] + pieces[4] + pieces[0], size=1200))
    answer = server_hello(0x1301)
    c.say(SERVER, c.initial(SERVER, crypto(answer[50:], 50), size=1200))
    c.answer(answer[:50])
    c = Connection(capture, 52011)  # the end is never seen
    message = hello("lost.quic.example.org", padding=2000)
    c.say(CLIENT, c.initial(CLIENT, crypto(message[:1000]), size=1200))
    c.say(CLIENT, c.initial(CLIENT, crypto(message[:1000]), size=1200))


def renewed(capture):
    c = Connection(capture, 52020)
    message = hello("retry.quic.example.org")
    c.say(CLIENT, c.initial(CLIENT, crypto(message), size=600))
    c.ids[SERVER] = c.key_id = b"retryid1"
    c.say(SERVER, long_header(V1, RETRY, c.ids[CLIENT], c.ids[SERVER]) + b"token" * 8 + bytes(range(16)))
    c.say(CLIENT, c.initial(CLIENT, crypto(message), token=b"token" * 8, size=600))
    c.answer(server_hello(0x1301))
    c = Connection(capture, 52021)
    message = hello("negotiated.quic.example.org")
    SALTS[0x1A2A3A4A] = SALTS[V1]
    c.say(CLIENT, c.initial(CLIENT, crypto(message), 0x1A2A3A4A, size=600))
    c.say(SERVER, b"\xCA" + bytes(4) + vector(c.ids[CLIENT], 1) + vector(c.ids[SERVER], 1) + struct.pack(">3I", 0x5A6A7A8A, V2, V1))
    c.say(CLIENT, c.initial(CLIENT, crypto(message), size=600))
    c.answer(server_hello(0x1301))
    c = Connection(capture, 52022)
    c.say(CLIENT, c.initial(CLIENT, crypto(hello("again.quic.example.org")), size=600))
    c.answer(server_hello(0x1301, random=RETRY_RANDOM) + server_hello(0x1302))


def chlo(name):
    tags = ((b"PAD\0", bytes(300)), (b"SNI\0", name), (b"VER\0", b"Q043"), (b"UAID", b"Browser/7.0 Example"))
    out, values = b"CHLO" + struct.pack("<HH", len(tags), 0), b""
    for tag, value in tags:
        values += value
        out += tag + struct.pack("<I", len(values))
    return out + values


def google(capture):
    message, server = chlo(b"google.quic.example.org"), bytes(range(8))
    stream = b"\xA0\1" + vector(message, 2)
    for port, start in ((52030, b"\x09" + server + b"Q043\1" + bytes(range(12))),
                        (52031, b"\x0D" + server + b"Q033\1" + bytes(range(12)) + b"\0"),
                        (52032, b"\xC3Q046\x50" + server + bytes(3) + b"\1" + bytes(range(12)))):
        c = Connection(capture, port)
        body = stream if port != 52031 else b"\xA0\1" + struct.pack("<H", len(message)) + message
        c.say(CLIENT, start + body + bytes(50))
        c.say(SERVER, b"\x08" + server + b"\1" + bytes(range(80)))
    c = Connection(capture, 52033, Q050)
    c.say(CLIENT, c.initial(CLIENT, crypto(message, kind=8), size=600))


def partial(capture):
    c = Connection(capture, 52040)  # the server alone
    c.ids[SERVER] = b"12345678"
    c.say(SERVER, c.initial(SERVER, crypto(server_hello(0x1301))), c.handshake(SERVER, 300))
    c.say(SERVER, c.handshake(SERVER, 400))
    c = Connection(capture, 52041)  # neither's beginning
    c.say(CLIENT, c.short(CLIENT, 300))
    c.say(SERVER, c.short(SERVER, 400))
    c = Connection(capture, 52042)  # nothing inside makes sense
    c.say(CLIENT, c.initial(CLIENT, b"\x31" * 500) + b"\1")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    capture = Capture()
    for part in (whole, in_pieces, renewed, google, partial):
        part(capture)
    capture.write(os.path.join(folder, "quic.pcap"))


if __name__ == "__main__":
    main()
