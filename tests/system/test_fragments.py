"""Fragments put together: as tshark does it, the same for any number of workers and bursts, every frame accounted for."""
import os
import struct
import subprocess

from harness import ROOT, SMALL, check, eve_sorted, ledger_check, pcap_write, system_test

CAPTURE = os.path.join(ROOT, "pcaps/fragments_kernel.pcap")
MADE = os.path.join(ROOT, "pcaps/fragments.pcap")
MACS = b"\x02" * 12


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pieces(payload, identification, size=16, protocol=17):
    """The fragments of a datagram; source and destination are always the same."""
    for at in range(0, len(payload), size):
        data = payload[at:at + size]
        field = at // 8 | (0x2000 if at + size < len(payload) else 0)
        head = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(data), identification, field, 64, protocol, 0, 0x0a000001, 0x0a000002)
        yield MACS + b"\x08\0" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data


def datagram(good, data=b"0123456789abcdef" * 3, port=4000):
    """UDP with a right or a wrong checksum."""
    head = struct.pack("!HHHH", port, 9, 8 + len(data), 0)
    right = checksum(struct.pack("!IIHH", 0x0a000001, 0x0a000002, 17, 8 + len(data)) + head + data)
    return head[:6] + struct.pack("!H", right if good else right ^ 0x0101) + data


@system_test(tools=("tshark",))
def test_as_tshark_joins_them(t):
    events, stats = t.analyse(CAPTURE, "-w", "1", *SMALL)
    done = subprocess.run(("tshark", "-r", CAPTURE, "-Y", "ip.reassembled_in || ip.fragments || ipv6.reassembled.in || ipv6.fragments", "-T", "fields",
                           "-e", "ip.fragment.count", "-e", "ipv6.fragment.count"), capture_output=True, text=True, check=True)
    joined = [sum(int(x) for x in line.split()) for line in done.stdout.splitlines() if line.split()]
    said = stats["fragments"]
    check(said["datagrams"] == len(joined) > 0, "%r, tshark joins %d", said, len(joined))
    check(said["joined"] == sum(joined) - len(joined), "%r, tshark has %d frames in %d datagrams", said, sum(joined), len(joined))
    answers = [e["dns"] for e in events if e["event_type"] == "dns" and e["dns"]["type"] == "answer"]
    check(len(answers) == 2 and all(len(a["answers"]) > 0 for a in answers), "answers in fragments: %r", answers)
    check(stats["checksums"]["udp"]["good"] >= 2 and stats["checksums"]["udp"]["bad"] == 0, "%r", stats["checksums"]["udp"])


@system_test(tools=("tshark",))
def test_what_is_refused_tshark_joins(t):
    """tshark shows the ends of every datagram, of those too whose parts contradict each other (4050) or come too late (4070)."""
    events, stats = t.analyse(MADE, "-w", "1", *SMALL)
    done = subprocess.run(("tshark", "-r", MADE, "-Y", "udp || tcp", "-T", "fields", "-E", "occurrence=l", "-e", "ip.src", "-e", "ipv6.src",
                           "-e", "udp.srcport", "-e", "tcp.srcport"), capture_output=True, text=True, check=True)
    seen = {tuple(filter(None, line.split("\t"))) for line in done.stdout.splitlines()}
    flows = [e for e in events if e["event_type"] == "flow" and "src_port" in e]
    said = {(e["src_ip"], str(e["src_port"])) for e in flows} | {(e["dest_ip"], str(e["dest_port"])) for e in flows if e["flow"]["pkts_toclient"] > 0}
    refused = {(host, port) for host in ("192.0.2.10", "2001:db8::10") for port in ("4050", "4070")}
    check(seen - said == refused and said <= seen, "tshark has %r, spanwatch %r", sorted(seen - said), sorted(said - seen))
    given_up = {reason: n for reason, n in stats["fragments"]["given_up"].items() if n > 0}
    check(given_up == {"timeout": 2, "overlap": 24, "duplicate": 2} and stats["fragments"]["waiting"] == 4, "%r", stats["fragments"])
    check(stats["packets"]["malformed"] == {"fragment": 6}, "%r", stats["packets"])


@system_test()
def test_same_for_any_workers_and_bursts(t):
    for capture in (CAPTURE, MADE):
        said = set()
        for workers, burst in ((1, 1), (1, 64), (2, 32), (3, 1), (4, 64)):
            done = t.replay(capture, "-w", str(workers), "--set", "capture.burst=%d" % burst, *SMALL)
            check(done.code == 0, "exit %d: %s", done.code, done.err)
            said.add(b"".join(eve_sorted(os.path.join(done.folder, "eve.json"))))
        check(len(said) == 1, "%s: %d different results", capture, len(said))


@system_test()
def test_checksum_of_the_whole(t):
    capture = t.path("sums.pcap")
    pcap_write(capture, [*pieces(datagram(True), 1), *pieces(datagram(False), 2)])
    _, stats = t.analyse(capture, "-w", "2", *SMALL)
    check((stats["checksums"]["udp"]["good"], stats["checksums"]["udp"]["bad"]) == (1, 1), "%r", stats["checksums"]["udp"])
    check(stats["fragments"]["joined"] == 6, "%r", stats["fragments"])
    _, stats = t.analyse(capture, "-w", "2", "--set", "capture.checksum=drop", *SMALL)
    check(stats["packets"]["malformed"] == {"checksum": 1} and stats["fragments"]["given_up"]["unsound"] == 3, "%r", stats)
    check(stats["fragments"]["joined"] == 3, "%r", stats["fragments"])


@system_test()
def test_floods_are_bounded(t):
    """First halves of more datagrams than are joined at once, then all second halves: the latest become whole, all are accounted."""
    firsts, seconds = [], []
    for number in range(1000):
        first, second = pieces(datagram(True), number, 32)
        firsts.append(first)
        seconds.append(second)
    capture = t.path("flood.pcap")
    pcap_write(capture, firsts + seconds[::-1], step_us=10)
    for workers in (1, 3):
        _, stats = t.analyse(capture, "-w", str(workers), "--set", "limits.fragments=%d" % (64 * workers), *SMALL)
        said = stats["fragments"]
        check(64 <= said["datagrams"] <= 64 * workers, "%r", said)  # one worker receives, and has its share of them
        check(said["given_up"]["evicted"] > 1000, "%r", said)
        check(said["joined"] + said["waiting"] + sum(said["given_up"].values()) + said["datagrams"] == 2000, "%r", said)


@system_test()
def test_none_lost_on_the_way_to_their_owners(t):
    """More whole datagrams than there are places for, to owners that are slower than who joins them: he waits."""
    capture = t.path("stream.pcap")
    pcap_write(capture, (piece for number in range(20000) for piece in pieces(datagram(True, port=1024 + number % 5000), number & 0xffff, 32)), step_us=1)
    said = set()
    for workers, burst in ((1, 32), (3, 1), (3, 64), (4, 32)):
        done = t.replay(capture, "-w", str(workers), "--set", "capture.burst=%d" % burst, "--set", "limits.fragments=%d" % workers, *SMALL)
        check(done.code == 0, "exit %d: %s", done.code, done.err)
        stats = t.stats(done.folder)
        ledger_check(stats)
        check(stats["fragments"]["datagrams"] == 20000 and sum(stats["fragments"]["given_up"].values()) == 0, "%r", stats["fragments"])
        said.add(b"".join(eve_sorted(os.path.join(done.folder, "eve.json"))))
    check(len(said) == 1, "%d different results", len(said))


@system_test()
def test_lengths_that_only_a_file_claims(t):
    """No length on the wire, in the header none, at the end of what a datagram can hold; and lengths whose sum is beyond 32 bits."""
    last = bytearray(next(pieces(bytes(4096), 1, 2048)))
    last[16:18] = b"\0\0"
    last[20:22] = b"\x3f\xff"
    claims = [(bytes(last), 0 - less & 0xffffffff) for less in range(1, 70000, 8)]
    claims += [(piece, 0xfffffff0) for piece in pieces(datagram(True), 2)]
    capture = t.path("claims.pcap")
    with open(capture, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for frame, wire in claims:
            out.write(struct.pack("<IIII", 1700000000, 0, len(frame), wire) + frame)
    _, stats = t.analyse(capture, "-w", "1", *SMALL)
    check(stats["packets"]["malformed"] == {"fragment": len(claims) - 4}, "%r", stats["packets"])
    check(stats["fragments"]["given_up"]["scattered"] == 2 and stats["fragments"]["given_up"]["overlap"] == 2, "%r", stats["fragments"])
