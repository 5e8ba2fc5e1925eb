"""The ledger holds where packets are deep or held: under many tags, in tunnels nested a hundred deep, with filters that take half, and
with fragments that never became whole."""
import os
import struct

from harness import ROOT, SMALL, check, pcap_write, system_test

TAGS, LEVELS = 30, 100
PACKET_MAX = 65535
MACS = bytes.fromhex("020000000001020000000002")
HERE, THERE = bytes((192, 0, 2, 1)), bytes((198, 51, 100, 1))
IPIP, UDP, GRE = 4, 17, 47


def ipv4(protocol, payload, offset=0, identification=1):
    """offset: the field of flags and offset."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, offset, 64, protocol, 0, HERE, THERE)
    total = sum(struct.unpack("!10H", head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + payload


def udp(source, dest, payload):
    return struct.pack("!HHHH", source, dest, 8 + len(payload), 0) + payload


def ethernet(kind, payload):
    return MACS + struct.pack("!H", kind) + payload


def innermost(port):
    return ipv4(UDP, udp(port, 9, b"the very inside"))


def tagged(tags, port):
    return MACS + b"".join(struct.pack("!HH", 0x88a8 if n + 1 < tags else 0x8100, n + 1) for n in range(tags)) + \
        b"\x08\x00" + innermost(port)


def in_ipip(inner):
    return ipv4(IPIP, inner)


def in_gre(inner):
    return ipv4(GRE, struct.pack("!HH", 0, 0x0800) + inner)


def in_vxlan(inner):
    return ipv4(UDP, udp(50000, 4789, struct.pack("!II", 0x08000000, 42 << 8) + ethernet(0x0800, inner)))


def nested(wrap, levels, port):
    packet = innermost(port)
    for _ in range(levels):
        packet = wrap(packet)
    check(len(packet) <= PACKET_MAX, "%d bytes are no IPv4 packet", len(packet))
    return ethernet(0x0800, packet)


def packets_accounted(t, name, frames, *options):
    """Replays the frames with one worker and with two; every one of them has an end in the ledger (analyse checks its sums)."""
    capture = t.path(name)
    pcap_write(capture, frames)
    both = [t.analyse(capture, "-w", str(workers), *SMALL, *options) for workers in (1, 2)]
    for _, stats in both:
        check(stats["packets"]["received"] == len(frames), "%s: received %d of %d", name, stats["packets"]["received"], len(frames))
        check(stats["bytes"]["received"] == sum(map(len, frames)), "%s: received %d bytes", name, stats["bytes"]["received"])
    said = [{k: both[i][1]["packets"][k] for k in ("analysed", "filtered", "malformed")} for i in (0, 1)]
    check(said[0] == said[1], "%s: one worker says %r, two say %r", name, *said)
    return both[0]


@system_test()
def test_many_tags(t):
    frames = [tagged(tags, 40000 + tags) for tags in range(TAGS + 1)]
    packets_accounted(t, "tags.pcap", frames)


@system_test()
def test_tunnels_nested(t):
    for wrap in (in_ipip, in_gre, in_vxlan):
        frames = [nested(wrap, levels, 40000 + levels) for levels in range(LEVELS + 1)]
        packets_accounted(t, wrap.__name__ + ".pcap", frames)


@system_test()
def test_filters_drop_half(t):
    """Even ports go, in plain packets as in our demonstration."""
    frames = [ethernet(0x0800, innermost(40000 + n)) for n in range(200)]
    _, stats = packets_accounted(t, "half.pcap", frames, "-f", "udp[0:2] & 1 = 0")
    check(stats["packets"]["filtered"] == stats["packets"]["analysed"] == 100, "%r", stats["packets"])
    demo = os.path.join(ROOT, "pcaps/demo.pcap")
    _, whole = t.analyse(demo, *SMALL)
    for expression, opposite in (("ip6 or udp", "not (ip6 or udp)"), ("len > 100", "len <= 100")):
        sides = [t.analyse(demo, *SMALL, "-f", each)[1] for each in (expression, opposite)]
        kept = [side["packets"]["received"] - side["packets"]["filtered"] for side in sides]
        check(sum(kept) == whole["packets"]["received"], "%s: %r of %d", expression, kept, whole["packets"]["received"])
        check(all(kept), "%s takes all or nothing: %r", expression, kept)


@system_test()
def test_fragments_held_at_the_end(t):
    """First pieces without the rest, rests without a first piece, and one datagram that is whole."""
    whole = udp(41000, 9, bytes(range(256)) * 8)
    frames = [ethernet(0x0800, ipv4(UDP, whole[:1024], 0x2000, identification)) for identification in range(1, 51)]
    frames += [ethernet(0x0800, ipv4(UDP, whole[1024:], 1024 // 8, identification)) for identification in range(51, 101)]
    frames += [ethernet(0x0800, ipv4(UDP, whole[:1024], 0x2000, 101)), ethernet(0x0800, ipv4(UDP, whole[1024:], 1024 // 8, 101))]
    packets_accounted(t, "fragments.pcap", frames)
