"""The same capture says the same, for any number of workers and any burst size."""
import concurrent.futures
import hashlib
import itertools
import os

from harness import ROOT, SMALL, Failed, Skip, captures, check, eve_sorted, ledger_check, system_test

WORKERS, BURSTS = (1, 2, 3, 4), (1, 32, 64)
AT_ONCE = 2


def digest(t, capture, workers, burst):
    done = t.replay(capture, "-w", str(workers), "--set", "capture.burst=%d" % burst, *SMALL)
    check(done.code in (0, 2), "%s, %d workers, bursts of %d: exit %d: %s", capture, workers, burst, done.code, done.err[-400:])
    ledger_check(t.stats(done.folder))
    lines = eve_sorted(os.path.join(done.folder, "eve.json"))
    return hashlib.sha256(b"".join(lines)).hexdigest(), len(lines)


def same(t, capture):
    """Nothing, or what differs."""
    seen = {}
    for workers, burst in itertools.product(WORKERS, BURSTS):
        try:
            seen[workers, burst] = digest(t, capture, workers, burst)
        except Failed as why:
            return str(why)
    if len(set(seen.values())) == 1:
        return None
    return "%s: %s" % (os.path.basename(capture), ", ".join("%dx%d: %d lines %s" % (w, b, n, d[:8]) for (w, b), (d, n) in seen.items()))


def all_same(t, paths):
    if not paths:
        raise Skip("there is no capture")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        different = [say for say in pool.map(lambda path: same(t, path), paths) if say]
    check(not different, "\n".join(different))


@system_test(limit=600, alone=True)
def test_own_captures(t):
    all_same(t, captures(shared=False))


@system_test(shared=True, limit=1800, alone=True, slow=True)
def test_shared_captures(t):
    all_same(t, [path for path in captures() if not path.startswith(os.path.join(ROOT, "pcaps"))])
