#!/usr/bin/python3
"""One end of a tunnel for which a kernel may have no device: what a program says into tun0 leaves by a socket with the tunnel's headers
before it, and the other way round. The outer headers and all that is inside are the kernel's own. Runs until it is ended.

    tunnel_end.py KIND LOCAL REMOTE        in a namespace that has tun0, of the mode DEVICES names
"""
import contextlib
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454ca, 1, 2, 0x1000
IPIP, SIT, GRE, ETHERIP, L2TP = 4, 41, 47, 97, 115
BYTES_MAX = 65536
KEY, SESSION = 77, 33


def kind_of(inner):
    return 0x0800 if inner[0] >> 4 == 4 else 0x86dd


def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def gre(inner, number):
    """Checksum, key and sequence number."""
    start, end = struct.pack("!HH", 0xb000, kind_of(inner)), struct.pack("!II", KEY, number)
    return start + struct.pack("!HH", ones_sum(start + bytes(4) + end + inner), 0) + end


def nvgre(_, __):
    return struct.pack("!HHI", 0x2000, 0x6558, 0x1234 << 8 | 7)


def erspan2(_, number):
    return struct.pack("!HHIHHI", 0x1000, 0x88be, number, 0x1064, SESSION, 5)


def erspan3(_, number):
    return struct.pack("!HHIHHIHH", 0x1000, 0x22eb, number, 0x2064, SESSION, number, 0, 0)


def geneve(_, __):
    """With one option of four bytes."""
    return struct.pack("!HHIHBBI", 0x0200, 0x6558, 42 << 8, 0x0102, 1, 1, KEY)


def gtp(inner, _):
    return struct.pack("!BBHI", 0x30, 255, len(inner), KEY)


def l2tp2(inner, _):
    """Data of a session with PPP, with its length."""
    return struct.pack("!HHHHHH", 0x4002, 12 + len(inner), 1, SESSION, 0xff03, {0x0800: 0x21, 0x86dd: 0x57}[kind_of(inner)])


def l2tp3_udp(_, __):
    return struct.pack("!HHII", 3, 0, SESSION, 0)  # and the sublayer of Linux


def l2tp3_ip(_, __):
    return struct.pack("!II", SESSION, 0)


def nothing(_, __):
    return b""


def etherip(_, __):
    return b"\x30\0"


# What it carries (tun: packets, tap: frames), its header, and what carries it: ("ip", number) or ("udp", left's port, right's port).
KINDS = {
    "ipip": ("tun", nothing, ("ip", IPIP)), "sit": ("tun", nothing, ("ip", SIT)), "gre": ("tun", gre, ("ip", GRE)),
    "nvgre": ("tap", nvgre, ("ip", GRE)), "erspan2": ("tap", erspan2, ("ip", GRE)), "erspan3": ("tap", erspan3, ("ip", GRE)),
    "etherip": ("tap", etherip, ("ip", ETHERIP)), "geneve": ("tap", geneve, ("udp", 6081, 6081)), "gtp": ("tun", gtp, ("udp", 2152, 2152)),
    "teredo": ("tun", nothing, ("udp", 51000, 3544)), "l2tp2": ("tun", l2tp2, ("udp", 1701, 1701)),
    "l2tp3_udp": ("tap", l2tp3_udp, ("udp", 1701, 1701)), "l2tp3_ip": ("tap", l2tp3_ip, ("ip", L2TP)),
}


def device(mode):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_NO_PI | (IFF_TUN if mode == "tun" else IFF_TAP)))
    return tun


def carrier(under, local, remote):
    """Returns the socket and how many bytes stand before the tunnel's header in what it reads."""
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    if under[0] == "udp":
        left = local < remote
        way = socket.socket(family, socket.SOCK_DGRAM)
        way.bind((local, under[1 if left else 2]))
        way.connect((remote, under[2 if left else 1]))
        return way, 0
    way = socket.socket(family, socket.SOCK_RAW, under[1])
    way.bind((local, 0))
    way.connect((remote, 0))
    return way, 20 if family == socket.AF_INET else 0


def main():
    kind, local, remote = sys.argv[1:]
    mode, head, under = KINDS[kind]
    tun = device(mode)
    way, before = carrier(under, local, remote)
    print("ready", file=sys.stderr, flush=True)
    number, length = 0, len(head(b"\x45", 0))  # it is the same for all it carries
    while True:
        for ready in select.select([tun, way], [], [])[0]:
            with contextlib.suppress(OSError):  # an end that is not up yet: what is said to it is lost
                if ready is tun:
                    inner = os.read(tun, BYTES_MAX)
                    number += 1
                    way.send(head(inner, number) + inner)
                else:
                    os.write(tun, way.recv(BYTES_MAX)[before + length:])


if __name__ == "__main__":
    main()
