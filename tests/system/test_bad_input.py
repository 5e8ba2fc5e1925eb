"""Bad input: one sentence that says what, where and what to do; an exit code; nothing half-written."""
import json
import os
import shutil
import socket

from harness import NOBODY, SPANWATCH, check, eve_read, frame_udp, ledger_check, pcap_write, system_test

FRAMES = [frame_udp(i, 9000) for i in range(20)]
FULL_DISK_BYTES = 32768


def sentences(err):
    return [line for line in err.splitlines() if not line.startswith("spanwatch: note: ")]


def one_sentence(said, *names):
    """What stands on stderr is one sentence of ours that names these."""
    lines = sentences(said.err)
    check(len(lines) == 1 and lines[0].startswith("spanwatch: "), "not one sentence on stderr:\n%s", said.err)
    for name in names:
        check(name in lines[0], "%r is not named: %s", name, lines[0])


def nothing_written(folder):
    left = os.listdir(folder) if os.path.isdir(folder) else []
    check(not left, "left behind: %s", ", ".join(left))


def refused(t, capture, *names, options=()):
    done = t.replay(capture, *options)
    check(done.code == 1, "exit %d instead of 1: %s", done.code, done.err)
    one_sentence(done, *names)
    nothing_written(done.folder)


def run(t, *words):
    program = t.start(SPANWATCH, *words)
    program.code = program.wait()
    return program


def good_capture(t):
    path = t.path("good.pcap")
    pcap_write(path, FRAMES)
    return path


def as_nobody(t, *words):
    """Runs a copy of spanwatch that nobody may read, as nobody."""
    copy = t.path("spanwatch")
    shutil.copy(SPANWATCH, copy)
    os.chmod(copy, 0o755)
    program = t.start(copy, *words, user=NOBODY, group=NOBODY, extra_groups=[], cwd=t.folder, env={"PATH": os.environ["PATH"]})
    program.code = program.wait()
    return program


@system_test()
def test_missing_file(t):
    refused(t, t.path("nowhere.pcap"), "nowhere.pcap")


@system_test()
def test_folder_for_a_file(t):
    refused(t, t.folder, t.folder)


@system_test(root=True)
def test_unreadable_file(t):
    path = good_capture(t)
    os.chmod(path, 0)
    folder = t.fresh("out")
    said = as_nobody(t, "-r", path, "-o", folder)
    check(said.code == 1, "exit %d: %s", said.code, said.err)
    one_sentence(said, path)
    nothing_written(folder)


@system_test()
def test_not_a_capture(t):
    path = t.path("letter.pcap")
    with open(path, "w", encoding="ascii") as out:
        out.write("Dear reader, this is no capture.\n" * 20)
    refused(t, path, "letter.pcap")


@system_test()
def test_empty_file(t):
    path = t.path("empty.pcap")
    with open(path, "wb"):
        pass
    refused(t, path, "empty.pcap")


@system_test()
def test_not_ethernet(t):
    path = t.path("raw.pcap")
    pcap_write(path, [frame[14:] for frame in FRAMES], linktype=101)
    refused(t, path, "raw.pcap", "Ethernet")


@system_test()
def test_cut_off(t):
    """What was whole is analysed, and the exit code says that it was not all."""
    path = good_capture(t)
    with open(path, "r+b") as f:
        f.truncate(os.path.getsize(path) - 7)
    done = t.replay(path)
    check(done.code == 2, "exit %d instead of 2: %s", done.code, done.err)
    one_sentence(done, "good.pcap")
    stats = t.stats(done.folder)
    check(stats["packets"]["received"] == len(FRAMES) - 1, "%d packets, %d were whole", stats["packets"]["received"], len(FRAMES) - 1)
    ledger_check(stats)
    eve_read(os.path.join(done.folder, "eve.json"))


@system_test()
def test_unknown_interface(t):
    folder = t.fresh("out")
    said = run(t, "-i", "nosuch0", "-o", folder, "--api", "none")
    check(said.code == 1, "exit %d: %s", said.code, said.err)
    one_sentence(said, "nosuch0")
    nothing_written(folder)


@system_test(root=True)
def test_no_permission(t):
    said = as_nobody(t, "-i", "lo", "--api", "none")
    check(said.code == 1, "exit %d: %s", said.code, said.err)
    one_sentence(said, "lo")


@system_test()
def test_port_taken(t):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused(t, good_capture(t), port, options=("--stay", "--api", "127.0.0.1:" + port))


@system_test(root=True)
def test_folder_not_writable(t):
    path = good_capture(t)
    closed = t.path("closed")
    os.mkdir(closed, 0o755)
    said = as_nobody(t, "-r", path, "-o", closed)
    check(said.code == 1, "exit %d: %s", said.code, said.err)
    one_sentence(said, closed)
    nothing_written(closed)


@system_test()
def test_folder_below_a_file(t):
    path = good_capture(t)
    said = run(t, "-r", path, "-o", os.path.join(path, "out"))
    check(said.code == 1, "exit %d: %s", said.code, said.err)
    one_sentence(said, path)


@system_test(root=True)
def test_full_disk(t):
    """Said and counted; the file ends with a whole line."""
    path = t.path("many.pcap")
    pcap_write(path, [frame_udp(i, 9000) for i in range(2000)])
    disk = t.small_disk(FULL_DISK_BYTES)
    said = run(t, "-r", path, "-o", disk)
    check(said.code == 1, "exit %d: %s", said.code, said.err)
    one_sentence(said, disk)
    with open(os.path.join(disk, "eve.json"), "rb") as f:
        text = f.read()
    check(text == b"" or text.endswith(b"\n"), "the last line of eve.json is torn: %r", text[-80:])
    for line in text.splitlines():
        json.loads(line)
    stats = os.path.join(disk, "stats.json")
    if os.path.exists(stats):
        t.stats(disk)  # whole, or not there


@system_test()
def test_more_workers_than_cores(t):
    done = t.replay(good_capture(t), "-w", str(os.cpu_count() + 3))
    check(done.code == 0, "exit %d: %s", done.code, done.err)
    check("note:" in done.err and "worker" in done.err, "there is no note: %s", done.err)
    ledger_check(t.stats(done.folder))


@system_test()
def test_impossible_values(t):
    path = good_capture(t)
    for options, name in (
            (("-w", "-1"), "workers"), (("-w", "many"), "many"), (("-w", "100000"), "100000"), (("--speed", "-1"), "speed"),
            (("--speed", "fast"), "fast"), (("--set", "capture.burst=0"), "burst"), (("--set", "capture.bust=1"), "bust"),
            (("--set", "protocols.off=dns, htpp"), "did you mean http"),
            (("--set", "burst"), "burst"), (("--api", "127.0.0.1:99999"), "99999"), (("--api", "nowhere"), "nowhere"),
            (("--no-such-option",), "--no-such-option"), (("--config", t.path("no.conf")), "no.conf"), (("leftover",), "leftover")):
        refused(t, path, name, options=options)
