"""A SYN flood through a table that it fills many times over: the connections that were there come out whole, and all is accounted."""
import os
import struct

from harness import SMALL, check, eve_read, pcap_write, system_test

CAPACITY, CONNECTIONS, ROUNDS, FLOOD_A_ROUND = 1024, 400, 5, 8000
SYN, SYN_ACK, ACK = 0x02, 0x12, 0x10


def tcp(source, destination, ports, flags):
    header = struct.pack(">HHIIBBHHH", *ports, 1, 1, 5 << 4, flags, 8192, 0, 0)
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, 0, 0x4000, 64, 6, 0, source, destination)
    return b"\x02" * 12 + b"\x08\0" + ip + header


def flood():
    """Handshakes, then a packet of each connection between rounds of SYNs that nobody answers."""
    ends = [(0x0a000001 + n, 0xc0000201) for n in range(CONNECTIONS)]
    for client, server in ends:
        yield tcp(client, server, (40000, 443), SYN)
        yield tcp(server, client, (443, 40000), SYN_ACK)
        yield tcp(client, server, (40000, 443), ACK)
    for number in range(ROUNDS):
        for n in range(FLOOD_A_ROUND):
            yield tcp(0x20000000 + number * FLOOD_A_ROUND + n, 0xc0000201, (1024 + n % 50000, 443), SYN)
        for client, server in ends:
            yield tcp(client, server, (40000, 443), ACK)


@system_test()
def test_connections_survive_a_syn_flood(t):
    capture = t.path("flood.pcap")
    pcap_write(capture, list(flood()), step_us=10)
    for workers in (1, 3):
        done = t.replay(capture, "-w", str(workers), *SMALL, "--set", "flow.capacity=%d" % (CAPACITY * workers))
        check(done.code == 0, "exit %d: %s", done.code, done.err)
        stats = t.stats(done.folder)["flows"]
        flows = [e for e in eve_read(os.path.join(done.folder, "eve.json")) if e["event_type"] == "flow"]
        whole = [e for e in flows if e["src_ip"].startswith("10.") and e["flow"]["pkts_toserver"] == 2 + ROUNDS]
        check(len(whole) == CONNECTIONS, "%d of %d connections came out whole", len(whole), CONNECTIONS)
        check(len(flows) == CONNECTIONS + ROUNDS * FLOOD_A_ROUND == stats["created"], "%d flows: %r", len(flows), stats)
        forced = sum(e["flow"]["reason"] == "forced" for e in flows)
        check(forced == stats["ended"]["forced"] == stats["evicted"]["unanswered"], "%d forced: %r", forced, stats)
        check(forced >= ROUNDS * FLOOD_A_ROUND - CAPACITY * workers, "only %d made way", forced)
        check(stats["evicted"]["oldest"] == 0 and stats["refused_packets"] == 0, "flows: %r", stats)
