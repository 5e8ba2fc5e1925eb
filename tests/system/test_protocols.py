"""The list of protocols: its document, and that a new one is begun as docs/howto-protocol.md says."""
import os
import shutil
import subprocess

from harness import ROOT, SPANWATCH, check, system_test

BUILD_S = 300


@system_test()
def test_document(t):
    said = t.call(SPANWATCH, "--protocols")
    with open(os.path.join(ROOT, "docs/protocols.md"), encoding="utf-8") as document:
        text = document.read()
    check(said in text, "docs/protocols.md is not what spanwatch --protocols says: scripts/docs writes it again")


@system_test()
def test_every_protocol_is_shown(t):
    """Each has a capture with its golden, or the capture says its name: an event or a flow of it."""
    goldens = os.path.join(ROOT, "tests/replay")
    text = ""
    for name in os.listdir(goldens):
        if name.endswith(".eve.json"):
            with open(os.path.join(goldens, name), encoding="utf-8") as golden:
                text += golden.read()
    listed = [line.split()[0] for line in t.call(SPANWATCH, "--protocols").split("\n\n")[1:]]
    missing = [name for name in listed if '"app_proto":"%s"' % name not in text]
    check(not missing, "no golden has a flow of %s", missing)


@system_test(slow=True, limit=3 * BUILD_S)
def test_new(t):
    """scripts/new protocol: the result compiles, passes its test, and is fuzzed, in a copy of the sources."""
    copy = t.path("copy")
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and not name.startswith("pcaps/") and os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(copy, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(copy, name))
    for words in (("finger", "--port", "79"), ("chargen", "--udp", "--port", "19")):
        t.call(os.path.join(copy, "scripts/new"), "protocol", *words)
    t.call("meson", "setup", "--buildtype=debug", os.path.join(copy, "build"), copy, limit=BUILD_S)
    tests = ["tests/unit/test_proto_finger", "tests/unit/test_proto_chargen", "tests/unit/test_record_fields", "tests/fuzz/replay_proto"]
    t.call("ninja", "-C", os.path.join(copy, "build"), *tests, limit=BUILD_S)
    for name in tests[:3]:
        t.call(os.path.join(copy, "build", name))
    t.call(os.path.join(copy, "build", tests[3]), os.path.join(copy, "tests/fuzz/seeds/proto"))
    capture = t.path("captures")
    os.makedirs(capture)
    t.call("/usr/bin/python3", os.path.join(copy, "scripts/captures/capture_finger.py"), capture)
    check(os.path.getsize(os.path.join(capture, "finger.pcap")) > 100, "no capture was written")
    again = subprocess.run([os.path.join(copy, "scripts/new"), "protocol", "finger"], capture_output=True, text=True, check=False)
    check(again.returncode == 1 and "there is a protocol finger already" in again.stderr, "the second time: %r", again)
