"""The program as it is shipped: position independent, read-only once relocated, no executable stack, canaries, checked calls."""
import subprocess

from harness import SPANWATCH, check, system_test


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, SPANWATCH], capture_output=True, text=True, check=True).stdout


@system_test(tools=("readelf",))
def test_binary(t):
    dynamic, segments, symbols = readelf("--dynamic"), readelf("--segments"), readelf("--symbols")
    check("(Position-Independent Executable file)" in segments or " PIE" in dynamic, "not position independent")
    check("GNU_RELRO" in segments, "relocations stay writable")
    check("BIND_NOW" in dynamic or "NOW" in dynamic, "symbols are bound late")
    stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
    check(" RWE " not in stack, "the stack is executable: %s", stack)
    check("__stack_chk_fail" in symbols, "there are no canaries on the stack")
    check("_chk@GLIBC" in symbols.replace("__stack_chk_fail@GLIBC", ""), "no call of libc is checked (FORTIFY)")
