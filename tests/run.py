#!/usr/bin/python3
"""Builds spanwatch and runs all its tests; the last line is "N passed, N failed, N skipped".

    run.py [--quick] [--long] [--only PATTERN]

Quick ones come first; the sanitized builds go on beside them, at low priority. Each test is a process of its own with a time limit;
its output is shown when it fails. A test passes with exit code 0 and is skipped with 77; what it says last is the reason. Tests that
say so have the machine to themselves.
"""
import argparse
import concurrent.futures
import contextlib
import fnmatch
import glob
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
BUILD, ASAN, FUZZ = (os.path.join(ROOT, name) for name in ("build", "build-asan", "build-fuzz"))
SKIPPED = 77
TAIL = 40  # lines of a failed test's output
LONG_FUZZ_S, UNIT_LIMIT_S = 300, 300
FUZZ_S = 1  # libFuzzer counts whole ones: it ends after two
CORES = max(1, min(2, os.cpu_count() or 1))
TOGETHER = 2 * CORES  # most of them wait half of their time: for DPDK to start, for packets at a pace, for servers


class Test:
    busy = threading.Semaphore(CORES)  # for those that compute as long as they are let

    def __init__(self, name, command, limit=120, alone=False, slow=False, busy=False, env=None):
        self.name, self.command, self.limit, self.alone, self.slow = name, command, limit, alone, slow
        self.turn = Test.busy if busy else contextlib.nullcontext()
        self.env = dict(os.environ, **(env or {}))

    def run(self):
        """Returns (exit code, output, seconds)."""
        with self.turn:
            return self.run_now()

    def run_now(self):
        began = time.monotonic()
        if not os.access(self.command[0], os.X_OK) and os.path.isabs(self.command[0]):
            return 1, "%s was not built" % self.command[0], 0.0
        with tempfile.TemporaryFile() as out, subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, env=self.env, start_new_session=True) as done:
            try:
                code = done.wait(timeout=self.limit)
            except subprocess.TimeoutExpired:
                code = None
            if code is None:
                os.killpg(done.pid, signal.SIGTERM)  # its fixtures come down first
                try:
                    done.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    os.killpg(done.pid, signal.SIGKILL)
            out.seek(0)
            text = out.read().decode(errors="replace")
        if code is None:
            code, text = 1, text + "\nstopped after %d s" % self.limit
        return code, text, time.monotonic() - began


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.lock = threading.Lock()

    def add(self, test, code, text, seconds):
        with self.lock:
            word = "ok  "
            if code == 0:
                self.passed += 1
            elif code == SKIPPED:
                word = "skip"
                self.skipped += 1
            else:
                word = "FAIL"
                self.failed += 1
                self.failures.append(test.name)
            reason = (text.strip().splitlines() or [""])[-1] if code == SKIPPED else ""
            print("%s %6.1f s  %s%s" % (word, seconds, test.name, ": " + reason if reason else ""), flush=True)
            if code not in (0, SKIPPED):
                for line in text.rstrip().splitlines()[-TAIL:]:
                    print("     | " + line)
                print(flush=True)

    def finish(self):
        if self.failures:
            print("\nfailed: " + ", ".join(self.failures))
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped), flush=True)
        return 1 if self.failed else 0


def build(folder, *options, env=None, niceness=0):
    """A step that counts as a test: what cannot be built has failed."""
    setup = ["meson", "setup", folder, *options] if not os.path.exists(os.path.join(folder, "build.ninja")) else ["true"]
    script = '"${@:2}" >/dev/null && exec nice -n %d ninja -C "$1" --quiet' % niceness
    return Test("build " + os.path.basename(folder), ["bash", "-c", script, "build", folder, *setup], limit=1800, env=env)


def unit_tests(folder, suffix):
    """Those that meson knows of, each with a line of its own."""
    said = subprocess.run(["meson", "introspect", folder, "--tests"], capture_output=True, text=True, check=False)
    if said.returncode != 0:
        return
    for row in json.loads(said.stdout):
        if "spanwatch:unit" in row["suite"] or row["name"].startswith("replay_"):  # replay_X: the seeds of fuzz target X
            yield Test("unit %s%s" % (row["name"], suffix), row["cmd"], limit=max(row["timeout"], UNIT_LIMIT_S), env=row["env"])


def protocols():
    """The targets of fuzz_proto: one a row of the list."""
    with open(os.path.join(ROOT, "lib/dataplane/proto/proto_list.h"), encoding="utf-8") as rows:
        return ["proto_" + name for name in re.findall(r"^\trow\((\w+)\)", rows.read(), re.M)]


def fuzz_tests(seconds):
    """Every target over its seeds and former finds, and a little beyond."""
    for target in sorted(glob.glob(os.path.join(FUZZ, "tests/fuzz/fuzz_*"))):
        if os.path.isfile(target) and os.access(target, os.X_OK):
            name = os.path.basename(target)[len("fuzz_"):]
            for part in protocols() if name == "proto" else [name]:
                yield Test("fuzz %s" % part, ["scripts/fuzz", "--built", str(seconds), part], limit=seconds + 300, busy=True)


def replay_tests():
    """One for each capture of ours: its golden has to come out, byte for byte."""
    for path in sorted(glob.glob(os.path.join(ROOT, "pcaps", "*.pcap*"))):
        name = os.path.relpath(path, ROOT)
        yield Test("golden %s" % name, ["/usr/bin/python3", "tests/replay/golden.py", name])


def system_tests():
    """The functions test_* of tests/system/test_*.py, as their decorators want them run (harness.py)."""
    folder = os.path.join(ROOT, "tests/system")
    sys.path.insert(0, folder)
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "test_*.py"))):
        stem = os.path.basename(path)[:-3]
        spec = importlib.util.spec_from_file_location(stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            if name.startswith("test_") and callable(function):
                how = getattr(function, "how", {})
                command = ["/usr/bin/python3", "tests/system/harness.py", os.path.relpath(path, ROOT), name]
                found.append(Test("%s %s" % (stem[len("test_"):], name[len("test_"):].replace("_", " ")), command,
                                  limit=how.get("limit", 120), alone=how.get("alone", False), slow=how.get("slow", False)))
    return sorted(found, key=lambda t: -t.limit)  # what may take longest first


def groups(args):
    """Groups of tests in the order they are run; a later group is only made once the earlier ones have run."""
    yield [Test("lint", ["scripts/lint"]), Test("lint finds what is planted", ["scripts/lint", "--self-test"])]
    yield [build(BUILD)]
    yield list(unit_tests(BUILD, ""))
    yield list(replay_tests())
    system = system_tests()
    quick = [t for t in system if not t.slow]
    if args.quick:
        yield quick
        return
    yield [build(ASAN, "-Dsanitize=address,undefined", "-Doptimization=1", "-Dc_args=-g1", niceness=5),
           build(FUZZ, "-Dbuildtype=debug", env={"CC": "clang"}, niceness=5), *quick]
    yield [*(t for t in system if t.slow), *unit_tests(ASAN, ", sanitized"), *fuzz_tests(LONG_FUZZ_S if args.long else FUZZ_S)]


def run(tests, report):
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        together = [pool.submit(lambda t=t: report.add(t, *t.run())) for t in tests if not t.alone]
        for one in together:
            one.result()
    for test in tests:
        if test.alone:
            report.add(test, *test.run())


def main():
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    parser.add_argument("--long", action="store_true", help="fuzz each target for %d s" % LONG_FUZZ_S)
    parser.add_argument("--only", metavar="PATTERN", default="*", help="only tests whose names match (builds are always done)")
    args = parser.parse_args()
    report = Report()
    os.environ["SPANWATCH_TEST_LONG"] = "1" if args.long else ""
    for tests in groups(args):
        run([t for t in tests if t.name.startswith("build ") or fnmatch.fnmatch(t.name, args.only)], report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
