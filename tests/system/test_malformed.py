"""Malformed and truncated captures, under ASan and UBSan: no report, no crash, an exact ledger."""
import concurrent.futures
import os

from harness import REPORTS, ROOT, SHARED, SMALL, SPANWATCH_ASAN, Failed, captures, check, ledger_check, system_test

FOLDER = os.path.join(SHARED, "captures/malformed")
AT_ONCE = 2


def replayed(t, path, workers):
    """Nothing, or what went wrong."""
    name = os.path.basename(path)
    try:
        done = t.replay(path, "-w", str(workers), *SMALL, binary=SPANWATCH_ASAN)
    except Failed as why:
        return "%s: %s" % (name, why)
    if done.code not in (0, 1, 2) or any(word in done.err for word in REPORTS):
        return "%s: exit %d: %s" % (name, done.code, done.err[-1500:])
    if done.code == 1:  # not a capture of Ethernet frames: a sentence, and nothing else
        lines = [line for line in done.err.splitlines() if not line.startswith("spanwatch: note: ")]
        return None if len(lines) == 1 and name in lines[0] else "%s: exit 1: %s" % (name, done.err[-400:])
    try:
        ledger_check(t.stats(done.folder))
    except Failed as why:
        return "%s: %s" % (name, why)
    return None


def all_replayed(t, folder, workers):
    paths = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith((".pcap", ".pcapng"))]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [say for say in pool.map(lambda path: replayed(t, path, workers), paths) if say]
    check(paths and not wrong, "%d of %d:\n%s", len(wrong), len(paths), "\n".join(wrong[:10]))


@system_test(shared=True, limit=1800, slow=True)
def test_ethernet(t):
    all_replayed(t, FOLDER, 2)


@system_test(shared=True, limit=600, slow=True)
def test_other_link_types(t):
    all_replayed(t, os.path.join(FOLDER, "other-linktype"), 1)


@system_test(limit=600, slow=True)
def test_own_captures(t):
    all_replayed(t, os.path.join(ROOT, "pcaps"), 3)


def without_memory(t, path):
    """Every 16th block asked of a pool is refused: flows and the ledger are the same, only what was said in them may be missing."""
    name = os.path.basename(path)
    flows = []
    for options in ((), ("--set", "limits.fault_every=16")):
        done = t.replay(path, "-w", "2", *SMALL, *options, binary=SPANWATCH_ASAN)
        if done.code not in (0, 2) or any(word in done.err for word in REPORTS):
            return "%s: exit %d: %s" % (name, done.code, done.err[-1500:])
        stats = t.stats(done.folder)
        try:
            ledger_check(stats)
        except Failed as why:
            return "%s: %s" % (name, why)
        flows.append((stats["packets"], stats["flows"]["created"]))
    return None if flows[0] == flows[1] else "%s: %s with all memory, %s without" % (name, *flows)


@system_test(limit=1800, slow=True)
def test_pools_refuse(t):
    paths = captures()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [say for say in pool.map(lambda path: without_memory(t, path), paths) if say]
    check(paths and not wrong, "%d of %d:\n%s", len(wrong), len(paths), "\n".join(wrong[:10]))
