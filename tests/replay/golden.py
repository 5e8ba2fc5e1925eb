#!/usr/bin/python3
"""Holds what a replay of a capture of ours says against what it said when somebody last looked at it.

    golden.py CAPTURE            compares; exit code 1 and the first differences if it says anything else
    golden.py --write CAPTURE    replaces the golden: read the difference before you commit it

A golden is the run's eve.json, sorted and without its stats events, beside this file as NAME.eve.json.
"""
import difflib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))
import harness  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = 20  # lines of difference


def said(rig, capture):
    done = rig.replay(os.path.join(harness.ROOT, capture), "-w", "2", "--set", "sensor.name=golden")
    harness.check(done.code == 0, "exit %d: %s", done.code, done.err)
    harness.ledger_check(rig.stats(done.folder))
    return b"".join(harness.eve_sorted(os.path.join(done.folder, "eve.json")))


def compare(golden, text):
    if not os.path.exists(golden):
        raise harness.Failed("there is no golden; make one with tests/replay/golden.py --write, read it and commit it")
    with open(golden, "rb") as f:
        old = f.read()
    if old != text:
        lines = list(difflib.unified_diff(old.decode().splitlines(), text.decode().splitlines(), "golden", "said", n=0, lineterm=""))
        raise harness.Failed("%s" % "\n".join(line[:400] for line in lines[:SHOWN]))


def main():
    writing = sys.argv[1] == "--write"
    capture = sys.argv[2] if writing else sys.argv[1]
    golden = os.path.join(HERE, os.path.basename(capture).rsplit(".", 1)[0] + ".eve.json")
    rig = harness.Rig()
    try:
        text = said(rig, capture)
        if writing:
            with open(golden, "wb") as out:
                out.write(text)
        else:
            compare(golden, text)
    except harness.Failed as why:
        print(why)
        return 1
    finally:
        rig.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
