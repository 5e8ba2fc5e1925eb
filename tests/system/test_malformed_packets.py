"""Frames wrong in every way that a length can be wrong (malformed_packets.py), under ASan and UBSan: each gets the verdict it has to."""
import os

import malformed_packets
from harness import REPORTS, SMALL, SPANWATCH_ASAN, Failed, check, ledger_check, system_test

WORKERS = (1, 3)
VERDICTS = {"ethernet", "fragment", "vlan", "arp", "ipv4", "ipv6", "ipv6_extension", "tcp", "udp", "icmp", "sctp", "dccp", "udplite", "transport",
            malformed_packets.SOUND, malformed_packets.LINK}


def malformed_expected(verdict, sums):
    return {} if verdict == malformed_packets.SOUND else {verdict: sums}


def verdicts_check(stats, verdict, count, size):
    """One file, one verdict: what is counted is that and nothing else."""
    ledger_check(stats)
    for unit, sums in (("packets", count), ("bytes", size)):
        check(stats[unit]["received"] == sums, "%s: received %d of %d", unit, stats[unit]["received"], sums)
        check(stats[unit]["analysed"] + sum(stats[unit]["malformed"].values()) == sums, "%s: %r", unit, stats[unit])
        found = {name: n for name, n in stats[unit]["malformed"].items() if n > 0}
        if verdict != malformed_packets.LINK:
            wanted = malformed_expected(verdict, sums)
            check(found == wanted, "%s: malformed is %r, not %r", unit, found, wanted)


def replayed(t, folder, verdict, sums, workers):
    """Nothing, or what went wrong."""
    try:
        done = t.replay(os.path.join(folder, verdict + ".pcap"), "-w", str(workers), *SMALL, binary=SPANWATCH_ASAN)
        check(done.code == 0 and not any(word in done.err for word in REPORTS), "exit %d: %s", done.code, done.err[-1500:])
        verdicts_check(t.stats(done.folder), verdict, *sums)
    except Failed as why:
        return "%s.pcap, %d workers: %s" % (verdict, workers, why)
    return None


@system_test(limit=900, slow=True)
def test_every_length_and_cut(t):
    folder = t.fresh("packets")
    os.mkdir(folder)
    made = malformed_packets.write_all(folder)
    check(set(made) == VERDICTS, "verdicts with packets: %r", sorted(made))
    wrong = [replayed(t, folder, verdict, sums, workers) for verdict, sums in made.items() for workers in WORKERS]
    check(not any(wrong), "%s", "\n".join(say for say in wrong if say))
