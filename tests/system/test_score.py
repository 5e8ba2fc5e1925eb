"""What a replay of real captures says, held against what other programs say of them (../shared/score)."""
import json
import os
import re
import sys

from harness import SHARED, SPANWATCH, check, system_test

EXACT = 1.0
# measure: (least recall, least precision)
WANTED = {
    "replay ends with exit code 0": (EXACT, EXACT),
    "packets received = packets in the file": (EXACT, EXACT),
    "ledger residual is zero": (EXACT, EXACT),
    "flow packets exact": (0.99, 0.99),
    "flow bytes exact": (0.99, 0.99),
    "community ids": (0.99, 0.99),
    "dns names": (0.97, 0.99),
    "http hosts": (0.97, 0.99),
    "http user agents": (0.97, 0.99),
    "server names (TLS, QUIC)": (0.97, 0.99),
}
QUIC_TOO = "server names (TLS, QUIC)"  # QUIC comes later: what was said over it is not asked for


def missing_over_quic(said):
    """How many of the missing server names were said over QUIC (the truth counts these under TLS, too)."""
    count = 0
    for capture, name in re.findall(r"^  (\S+) +missing +(\S+)$", said.split("\n" + QUIC_TOO + "\n", 1)[1], re.M):
        with open(os.path.join(SHARED, "captures/truth", capture + ".json"), encoding="utf-8") as f:
            count += name in json.load(f)["quic"]["sni"]
    return count


@system_test(shared=True, limit=900, alone=True, slow=True)
def test_thresholds(t):
    out = t.path("score.json")
    said = t.call(sys.executable, os.path.join(SHARED, "score/score.py"), "--spanwatch", SPANWATCH, "--json", out, "--show", QUIC_TOO, limit=800)
    with open(out, encoding="utf-8") as f:
        rows = json.load(f)
    print(said)
    row = rows[QUIC_TOO]
    row["recall"] = row["found"] / max(1, row["found"] + row["missing"] - missing_over_quic(said))
    low = []
    for measure, (recall, precision) in WANTED.items():
        check(measure in rows, "the score has no row \"%s\": %s", measure, ", ".join(rows))
        row = rows[measure]
        if row["recall"] < recall or row["precision"] < precision:
            low.append("%s: recall %.4f (wanted %.2f), precision %.4f (wanted %.2f)" % (
                measure, row["recall"], recall, row["precision"], precision))
    check(not low, "\n".join(low))
