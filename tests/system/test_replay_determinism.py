"""The same capture says the same, for any number of workers and any burst size."""
import concurrent.futures
import hashlib
import itertools
import os

from harness import ROOT, SHARED, SMALL, Failed, Skip, captures, check, eve_sorted, ledger_check, system_test

WORKERS, BURSTS = (1, 2, 3, 4), (1, 32, 64)
FEW = ((1, 64), (2, 1), (3, 32), (4, 64)) # of the many small captures of ours
AT_ONCE = 2
LARGE = ("--set", "flow.capacity=1048576", "--set", "limits.streams=65536", "--set", "limits.l7=262144", "--set", "limits.hostnames=262144")


def digest(t, capture, workers, burst, sizes=SMALL):
    done = t.replay(capture, "-w", str(workers), "--set", "capture.burst=%d" % burst, *sizes)
    check(done.code in (0, 2), "%s, %d workers, bursts of %d: exit %d: %s", capture, workers, burst, done.code, done.err[-400:])
    ledger_check(t.stats(done.folder))
    lines = eve_sorted(os.path.join(done.folder, "eve.json"))
    return hashlib.sha256(b"".join(lines)).hexdigest(), len(lines)


def same(t, capture, sizes=SMALL, ways=tuple(itertools.product(WORKERS, BURSTS))):
    """Nothing, or what differs."""
    seen = {}
    for workers, burst in ways:
        try:
            seen[workers, burst] = digest(t, capture, workers, burst, sizes)
        except Failed as why:
            return str(why)
    if len(set(seen.values())) == 1:
        return None
    return "%s: %s" % (os.path.basename(capture), ", ".join("%dx%d: %d lines %s" % (w, b, n, d[:8]) for (w, b), (d, n) in seen.items()))


def all_same(t, paths, **how):
    if not paths:
        raise Skip("there is no capture")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        different = [say for say in pool.map(lambda path: same(t, path, **how), paths) if say]
    check(not different, "\n".join(different))


@system_test(limit=600, slow=True)
def test_own_captures(t):
    all_same(t, captures(shared=False), ways=FEW)


@system_test(shared=True, limit=1800, slow=True)
def test_shared_captures(t):
    all_same(t, [path for path in captures() if not path.startswith(os.path.join(ROOT, "pcaps"))])


@system_test(shared=True, tools=("zstd",), limit=900, slow=True)
def test_mixed_capture(t):
    """Half a million packets, with tables large enough that no limit is hit."""
    capture = t.path("mixed.pcap")
    t.call("zstd", "-q", "-d", os.path.join(SHARED, "captures/big/composite_mixed.pcap.zst"), "-o", capture)
    different = same(t, capture, LARGE)
    check(different is None, different)
