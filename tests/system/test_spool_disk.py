"""The spool on disks that are full, failing, slow, read-only, gone and back: every record is delivered or told lost, to the id.

Most of it runs spool_driver.c, which is the spool and nothing else, some of it with disk_shim.c between it and the disk.
"""
import json
import os
import shutil
import signal
import subprocess
import time

from harness import ROOT, check, system_test

DRIVER = os.path.join(ROOT, "build/tests/system/spool_driver")
SHIM = os.path.join(ROOT, "build/tests/system/disk_shim.so")
LONG = bool(os.environ.get("SPANWATCH_TEST_LONG"))
SEGMENT = 2 * 160 * 1024
NOBODY = 65534


class Story:
    """Runs of the driver on one spool with one receiver."""
    def __init__(self, t, spool, beside=None):
        self.t, self.spool = t, spool
        self.receiver = os.path.join(beside or t.folder, os.path.basename(t.fresh("receiver")))
        self.given = 0

    def start(self, shim=None, user=None, **settings):
        command = [DRIVER, "directory=" + self.spool, "receiver=" + self.receiver] + ["%s=%s" % s for s in settings.items()]
        env = dict(os.environ)
        if shim:
            env.update({"DISK_SHIM_" + name.upper(): str(value) for name, value in shim.items()}, DISK_SHIM_FOLDER=self.spool, LD_PRELOAD=SHIM)
        return self.t.start(*command, env=env, **({"user": user} if user is not None else {}))

    def finish(self, program):
        code = program.wait()
        check(code == 0, "%s: exit %s: %s %s", " ".join(program.command), code, program.err[-500:], program.out[-700:])
        said = json.loads(program.out)
        stats = said["stats"]
        check(stats["recovered"] + stats["appended"] + stats["never_appended"] ==
              stats["delivered"] + stats["tombstoned"] + stats["waiting"], "it does not add up: %r", stats)
        check(stats["given"] == stats["appended"] + stats["never_appended"], "given is not taken: %r", stats)
        self.given += stats["given"]
        return said

    def run(self, **settings):
        return self.finish(self.start(**settings))

    def assert_all(self, said, but=0):
        """Everything given so far is at the receiver, or told."""
        got = said["receiver"]
        check(got["records"] + got["lost"] == self.given, "given %d, at the receiver %r (%r)", self.given, got, said["stats"])
        check(got["duplicates"] == 0, "twice: %r", got)
        check(got["lost"] >= but, "nothing was lost: %r", got)


def files(folder, suffix):
    return [f for f in os.listdir(folder) if f.endswith(suffix)]


# ---- D4: full ----

@system_test(root=True)
def test_full_disk(t):
    for policy in ("oldest", "newest"):
        story = Story(t, t.small_disk(3 << 20))
        said = story.run(count=20000, read="after", policy=policy, quota=1 << 30, memory=1 << 20, stay_ms=1100)
        story.assert_all(said, but=10000)
        check(said["receiver"]["lost_by"]["damage"] == 0, "%s: told as damage: %r", policy, said["receiver"])
        check(said["receiver"]["records"] > 2000, "%s: the disk held nothing: %r", policy, said["receiver"])
        check(said["stats"]["memory_bytes"] <= 1 << 20, "too much memory: %r", said["stats"])
        said = story.run(count=1000, read="after", policy=policy)
        story.assert_all(said)


@system_test(root=True)
def test_full_before_it_is_opened_and_room_again(t):
    disk = t.small_disk(1 << 20)
    with open(os.path.join(disk, "ballast"), "wb", buffering=0) as f:
        try:
            while f.write(bytes(4096)):
                pass
        except OSError:
            pass
    story = Story(t, os.path.join(disk, "spool"))
    program = story.start(count=4000, rate=2000, read="now", memory=8 << 20, stay_ms=2500)
    time.sleep(1)
    os.unlink(os.path.join(disk, "ballast"))
    said = story.finish(program)
    story.assert_all(said)
    check(said["receiver"]["lost"] == 0, "lost, though the reader kept pace: %r", said)
    check(not said["stats"]["disk_failing"], "it has not noticed that there is room: %r", said["stats"])
    story.assert_all(story.run(count=100, read="after"))


# ---- D5: any call ----

def every_nth(t, n, fault, calls, read):
    story = Story(t, t.fresh("nth"))
    said = story.run(count=1500, read=read, fsync_ms=1, shim={"calls": calls, "fault": fault, "first": n, "every": n})
    if read == "now":
        story.assert_all(said)
        check(said["receiver"]["lost"] == 0, "n=%d %s: lost, though there was memory: %r", n, fault, said)
    after = story.run(count=50, read="after")
    story.assert_all(after)
    check(after["receiver"]["lost"] - said["receiver"]["lost"] <= (0 if said["error"] == "" else 1500), "n=%d %s: %r", n, fault, after)
    shutil.rmtree(story.spool)


CALLS = "write pwrite fsync fdatasync fallocate rename ftruncate"


@system_test()
def test_every_nth_call_fails(t):
    for n in (2, 3, 4, 5, 7, 11, 17, 23, 50, 101, 150, 199):
        for fault in ("EIO", "ENOSPC", "short", "EINTR"):
            every_nth(t, n, fault, CALLS, "now" if n % 2 else "after")


@system_test(slow=True, limit=1500)
def test_every_nth_call_fails_for_all_n(t):
    for n in range(1, 201) if LONG else range(1, 201, 9):
        for fault in ("EIO", "ENOSPC", "short", "EINTR"):
            if n > 1 or fault != "EINTR":
                for read in ("now", "after"):
                    every_nth(t, n, fault, CALLS, read)


@system_test()
def test_no_file_can_be_opened(t):
    for n in (6, 7, 9, 12):  # behind those that are opened at the start
        every_nth(t, n, "EIO", "openat", "now")


# ---- D6: fsync ----

@system_test()
def test_fsync_fails_once(t):
    for first in (1, 2, 3, 5):
        story = Story(t, t.fresh("sync"))
        said = story.run(count=3000, read="never", fsync_ms=0, shim={"calls": "fdatasync", "fault": "EIO", "first": first, "every": 0})
        check(said["stats"]["fsync_failures"] == 1, "the shim had no effect: %r", said["stats"])
        check(said["error"] == "" and not said["stats"]["disk_failing"], "one failed sync is not for ever: %r", said)
        said = story.run(count=10, read="after")
        story.assert_all(said)
        check(said["receiver"]["lost"] == 0, "lost: %r", said["receiver"])


# ---- D7: gone, forbidden, read-only ----

def removed(folder):
    """Unless a file is made in it meanwhile."""
    try:
        shutil.rmtree(folder)
    except OSError:
        return False
    return True


@system_test()
def test_folder_is_removed(t):
    story = Story(t, os.path.join(t.fresh("parent"), "spool"))
    story.run(count=100, read="never")
    program = story.start(count=4000, rate=2000, read="now", stay_ms=2500)
    time.sleep(1)
    t.until(lambda: removed(story.spool), "the folder is removed")
    story.assert_all(story.finish(program))
    check(os.path.isdir(story.spool), "the folder was not made again")
    said = story.run(count=100, read="after")
    check(said["boot"] == 3, "boot numbers begin again: %r", said)
    story.assert_all(said)


@system_test(root=True)
def test_folder_is_forbidden(t):
    parent = t.fresh("parent")
    os.mkdir(parent)
    os.chown(parent, NOBODY, NOBODY)
    story = Story(t, os.path.join(parent, "spool"), beside=parent)
    program = story.start(user=NOBODY, count=4000, rate=2000, read="now", memory=8 << 20, stay_ms=2500)
    time.sleep(0.5)
    os.chmod(story.spool, 0)
    time.sleep(1)
    os.chmod(story.spool, 0o750)
    said = story.finish(program)
    story.assert_all(said)
    check(said["receiver"]["lost"] == 0 and not said["stats"]["disk_failing"], "not over it: %r", said)
    os.chmod(story.spool, 0)
    refused = story.start(user=NOBODY, count=1)
    check(refused.wait() == 2 and "spool.directory" in refused.err, "exit %s: %s", refused.wait(), refused.err)
    os.chmod(story.spool, 0o750)
    story.assert_all(story.run(user=NOBODY, count=10, read="after"))


@system_test(root=True)
def test_read_only_disk(t):
    disk = t.small_disk(8 << 20)
    story = Story(t, os.path.join(disk, "spool"))
    story.run(count=1000, read="never")
    t.call("mount", "-o", "remount,ro", disk)
    said = story.run(count=1000, read="after", memory=4 << 20)
    story.assert_all(said)
    check(said["receiver"]["lost"] == 0, "lost, though it could be read: %r", said)
    check("Read-only" in said["stats"]["disk_error"], "it says nothing of the disk: %r", said["stats"])
    said = Story(t, os.path.join(disk, "never")).run(count=10, read="now", memory=4 << 20, stay_ms=1500)
    check(said["stats"]["disk_error"].startswith("the folder in ") and "Read-only" in said["stats"]["disk_error"], "%r", said["stats"])


# ---- D9: inodes, and very many files ----

@system_test(root=True)
def test_inodes_run_out(t):
    disk = t.fresh("disk")
    os.mkdir(disk)
    t.call("mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=12", "tmpfs", disk)
    t.mounts.append(disk)
    story = Story(t, os.path.join(disk, "spool"))
    said = story.run(count=20000, read="after", quota=1 << 30, memory=1 << 20)
    story.assert_all(said, but=1)
    check(said["stats"]["disk_errors"] > 0, "there were inodes enough: %r", said["stats"])
    story.assert_all(story.run(count=100, read="after"))


@system_test(root=True)
def test_a_hundred_thousand_files(t):
    disk = t.small_disk(1 << 30)
    story = Story(t, os.path.join(disk, "sound"))
    os.mkdir(story.spool)
    said = story.run(make=100000, count=100, read="never")
    check(said["open_cpu_ms"] < 2000, "it took %d ms to open", said["open_cpu_ms"])
    shutil.rmtree(story.spool)
    story = Story(t, os.path.join(disk, "garbage"))
    os.mkdir(story.spool)
    for i in range(100000):
        with open(os.path.join(story.spool, "%010d.spool" % (1 + i)), "wb") as f:
            f.write(b"x" * (i % 3))
    said = story.run(count=1000, read="after")
    check(said["open_cpu_ms"] < 2000, "with garbage it took %d ms to open", said["open_cpu_ms"])
    check(said["stats"]["damaged_files"] == 66666, "%d are damaged", said["stats"]["damaged_files"])
    story.assert_all(said)
    story.run(read="after")
    check(len(files(story.spool, ".spool")) < 10, "they are still there: %d", len(files(story.spool, ".spool")))


# ---- D10: slow ----

@system_test()
def test_slow_disk(t):
    story = Story(t, t.fresh("slow"))
    slow_ms = 5000 if LONG else 1500
    said = story.run(count=3000, rate=2000, bytes=200, read="now", fsync_ms=200,
                     shim={"calls": "fdatasync fsync", "fault": "slow", "ms": slow_ms, "first": 1, "every": 1})
    story.assert_all(said)
    check(said["receiver"]["lost"] == 0, "lost: %r", said["receiver"])
    check(said["commit_ms_max"] < 2 * slow_ms, "a turn took %d ms", said["commit_ms_max"])
    check(said["stats"]["memory_bytes"] == 0, "it went to memory: %r", said["stats"])


# ---- two at once ----

@system_test()
def test_second_process(t):
    story = Story(t, t.fresh("lock"))
    first = story.start(count=10, stay_ms=5000, read="now")
    t.until(lambda: os.path.isdir(story.spool) and files(story.spool, ".spool"), "the first one has it")
    first.process.send_signal(signal.SIGSTOP)
    second = subprocess.run([DRIVER, "directory=" + story.spool, "count=1"], capture_output=True, text=True, check=False)
    check(second.returncode == 2 and "another spanwatch" in second.stderr, "exit %d: %s", second.returncode, second.stderr)
    first.process.send_signal(signal.SIGCONT)
    story.assert_all(story.finish(first))
