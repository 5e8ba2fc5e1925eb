"""What is said on a link: floods are bounded, what nothing knows is counted."""
import os
import struct

from harness import ROOT, SMALL, check, pcap_write, system_test

LIMIT, PER_SECOND, SECONDS = 100, 1000, 3


def arp_frame(number):
    sender, address = b"\x02\0" + struct.pack(">I", number), struct.pack(">I", 0x0a000000 + number)
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + sender + address + bytes(6) + b"\x0a\xff\xff\xfe"
    return b"\xff" * 6 + sender + b"\x08\x06" + body + bytes(18)


@system_test()
def test_an_arp_flood_is_no_record_flood(t):
    capture, said = t.path("flood.pcap"), set()
    pcap_write(capture, [arp_frame(n) for n in range(PER_SECOND * SECONDS)], step_us=1000000 // PER_SECOND)
    for workers in (1, 3):
        events, stats = t.analyse(capture, "-w", str(workers), "--set", "limits.link_records_per_s=%d" % LIMIT, *SMALL)
        seen = [e["timestamp"] + e["arp"]["src_ip"] for e in events if e["event_type"] == "arp"]
        check(len(seen) == LIMIT * SECONDS, "%d records, not %d", len(seen), LIMIT * SECONDS)
        left = stats["records"]["link_left_out"]
        check(left == (PER_SECOND - LIMIT) * SECONDS, "%d left out", left)
        check(stats["packets"]["analysed"] == PER_SECOND * SECONDS, "analysed %d", stats["packets"]["analysed"])
        said.add("".join(sorted(seen)))
    check(len(said) == 1, "other records with other workers")


@system_test()
def test_unknown_numbers_are_told(t):
    frames = [b"\x02" * 12 + struct.pack(">H", number) + b"first bytes " + bytes(40) for number in (0x88b5, 0x88b5, 0x1234)]
    frames.append(b"\x02" * 12 + b"\0\x23\xe0\xe0\x03" + b"netware " + bytes(40))
    capture = t.path("unknown.pcap")
    pcap_write(capture, frames)
    program = t.watch("-r", capture, "--stay", "-w", "2", *SMALL)
    t.until(lambda: t.get(program, "/api/v1/health")["replay"]["finished"], "the replay ends")
    rows = {(r["kind"], r["number"]): r for r in t.get(program, "/api/v1/protocols")["unknown"]}
    check(set(rows) == {("ethertype", "0x88b5"), ("ethertype", "0x1234"), ("sap", "0xe0e0")}, "said %r", rows)
    experimental = rows["ethertype", "0x88b5"]
    check(experimental["packets"] == 2 and experimental["bytes"] == 2 * len(frames[0]), "said %r", experimental)
    check(bytes.fromhex(experimental["first_bytes"]) == b"first bytes " + bytes(4), "said %r", experimental)
    check(rows["sap", "0xe0e0"]["name"] == "NetWare", "said %r", rows)
    check(program.stop() == 0, "exit: %s", program.err)


@system_test()
def test_nothing_of_a_cut_frame_is_made_up(t):
    """A frame that ends at each byte: the ledger holds, and what is reported was said."""
    with open(os.path.join(ROOT, "pcaps/lldp.pcap"), "rb") as f:
        whole = f.read()
    length = struct.unpack("<I", whole[32:36])[0]
    frame = whole[40:40 + length]
    capture = t.path("cut.pcap")
    pcap_write(capture, [frame[:n] for n in range(length + 1)])
    events, stats = t.analyse(capture, "-w", "1", *SMALL)
    names = {e["lldp"].get("system_name") for e in events if e["event_type"] == "lldp"}
    check(names <= {None, "switch-1.example.org"} and "switch-1.example.org" in names, "said %r", names)
    check(stats["packets"]["malformed"].get("lldp", 0) > 100, "malformed %r", stats["packets"]["malformed"])
