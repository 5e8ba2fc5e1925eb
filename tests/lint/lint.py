#!/usr/bin/python3
"""What the compiler does not see: layers, and words that have no place in a layer.

    lint.py [--self-test] [ROOT]

lib/LAYERS is the law: a folder under lib/common, lib/dataplane and lib/controlplane is a layer, and a file of it includes only
its own layer and those that its line names. --self-test plants one violation of each rule in a copy and wants each found.
"""
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile

PLANES = ("lib/common", "lib/dataplane", "lib/controlplane")
NO_DPDK = {"base", "record", "packet", "proto", "link", "classify", "config", "spool"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]', re.M)
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")
NEVER = {"strcat", "sprintf", "vsprintf", "gets", "alloca"}
ONLY_IN_APP = {"printf", "vprintf", "puts", "putchar", "exit", "_exit", "abort"}
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
TEXT = (".c", ".h", ".py", ".md", ".build", ".txt", ".1", ".html", ".css", ".js", ".ini")
LINE_MAX = 160  # where a line stops being readable; 130 is what .clang-format and .editorconfig aim at


def code_of(text):
    """The text without comments and strings, line breaks kept."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def layers_read(root):
    rules = {}
    with open(os.path.join(root, "lib/LAYERS"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, _, may = line.partition(":")
                rules[name.strip()] = set(may.split()) | {name.strip()}
    return rules


def files_of(root):
    """Tracked and new files, as git sees them; without git, all but what is built."""
    names = None
    if shutil.which("git"):
        listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=False)
        names = listed.stdout.decode().split("\0") if listed.returncode == 0 else None
    if names is None:
        names = []
        for at, folders, files in os.walk(root):
            folders[:] = [f for f in folders if not f.startswith("build") and f not in (".git", "__pycache__")]
            names += [os.path.relpath(os.path.join(at, f), root) for f in files]
    return sorted(n for n in names if n and os.path.isfile(os.path.join(root, n)))


def layer_of(name):
    parts = name.split("/")
    return parts[2] if "/".join(parts[:2]) in PLANES and len(parts) > 3 else None


def check_rules(root, rules):
    """LAYERS itself: each folder has a line, each line a folder, and nothing it names comes later."""
    folders = {d for p in PLANES for d in os.listdir(os.path.join(root, p)) if os.path.isdir(os.path.join(root, p, d))}
    for layer in sorted(folders ^ set(rules)):
        yield "lib/LAYERS", 1, "%s is %s" % (layer, "a folder without a line" if layer in folders else "a line without a folder")
    seen = set()
    for layer, may in rules.items():
        for other in sorted(may - seen - {layer}):
            yield "lib/LAYERS", 1, "%s names %s, which does not stand above it" % (layer, other)
        seen.add(layer)


def check_includes(name, text, rules):
    layer = layer_of(name)
    for m in INCLUDE.finditer(text):
        quote, path = m.groups()
        line = line_of(text, m.start(1))
        if path.startswith("rte_") and layer in NO_DPDK:
            yield name, line, "%s uses no DPDK, but includes %s" % (layer, path)
        if quote != '"' or layer is None:
            continue
        target = path.split("/")[0]
        if "/" not in path:
            yield name, line, 'include "%s" does not carry its layer' % path
        elif target not in rules:
            yield name, line, '"%s" is in no layer' % path
        elif target not in rules[layer]:
            yield name, line, "%s may not include %s (lib/LAYERS)" % (layer, target)


def check_calls(name, text):
    banned = (NEVER if name.startswith(("lib/", "app/")) else set()) | (ONLY_IN_APP if layer_of(name) else set())
    code = code_of(text)
    for m in CALL.finditer(code):
        if m.group(1) in banned:
            yield name, line_of(code, m.start()), "%s() has no place here" % m.group(1)


def check_shape(root, name, text):
    for number, line in enumerate(text.split("\n"), 1):
        width = len(line.expandtabs(8))
        if width > LINE_MAX and name.endswith((".c", ".h")):
            yield name, number, "%d columns, %d are wanted" % (width, LINE_MAX)
        if line != line.rstrip() and not name.endswith(".md"):
            yield name, number, "blanks at the end of the line"
    if text and not text.endswith("\n"):
        yield name, text.count("\n") + 1, "the last line does not end"
    if name.endswith(".h"):
        guard = name.split("/", 2)[2] if layer_of(name) else os.path.basename(name)
        guard = re.sub(r"\W", "_", guard).upper()
        if layer_of(name) and "#ifndef %s\n#define %s\n" % (guard, guard) not in text:
            yield name, 1, "the include guard should be %s" % guard
    told_by_header = name.endswith(".c") and os.path.exists(os.path.join(root, name[:-2] + ".h"))
    if name.endswith((".c", ".h")) and layer_of(name) and not text.startswith("// ") and not told_by_header:
        yield name, 1, "does not open with what it is for"


def check_scripts(root, name, text):
    path = os.path.join(root, name)
    if text.startswith("#!") and "bash" in text.split("\n", 1)[0]:
        done = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            yield name, 1, done.stderr.strip()
    if name.startswith("scripts/") and text.startswith("#!") and not os.access(path, os.X_OK):
        yield name, 1, "is not executable"
    if name.endswith(".py"):
        try:
            with tempfile.NamedTemporaryFile() as out:
                py_compile.compile(path, cfile=out.name, doraise=True)
        except py_compile.PyCompileError as bad:
            yield name, 1, bad.msg.strip()


def check_manual(root):
    path = os.path.join(root, "docs/spanwatch.1")
    if os.path.exists(path) and shutil.which("mandoc"):
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            yield "docs/spanwatch.1", 1, line


def lint(root):
    rules = layers_read(root)
    yield from check_rules(root, rules)
    for name in files_of(root):
        try:
            with open(os.path.join(root, name), encoding="utf-8") as f:
                text = f.read()
        except UnicodeDecodeError:
            continue
        if name.endswith((".c", ".h")):
            yield from check_includes(name, text, rules)
            yield from check_calls(name, text)
        if name.endswith(TEXT) or text.startswith("#!"):
            yield from check_shape(root, name, text)
        yield from check_scripts(root, name, text)
    yield from check_manual(root)


PLANTED = {
    "a layer below reaches up": ("lib/common/base/planted.c", '// A\n#include "record/record.h"\n', "may not include record"),
    "DPDK where none belongs": ("lib/dataplane/packet/planted.c", "// A\n#include <rte_mbuf.h>\n", "uses no DPDK"),
    "an include without its layer": ("lib/dataplane/flow/planted.c", '// A\n#include "flow.h"\n', "does not carry its layer"),
    "printing in a library": ("lib/dataplane/flow/planted.c", '// A\nvoid f(void)\n{\n\tprintf("x");\n}\n', "printf() has no place"),
    "leaving from a library": ("lib/controlplane/config/planted.c", "// A\nvoid f(void)\n{\n\texit(1);\n}\n", "exit() has no place"),
    "a text without bound": ("lib/controlplane/config/planted.c", '// A\nvoid f(char *a)\n{\n\tsprintf(a, "");\n}\n', "sprintf() has"),
    "a long line": ("lib/common/base/planted.c", "// A\n//" + "x" * 160 + "\n", "columns"),
    "a file that says nothing": ("lib/common/base/planted.c", "#include <stdint.h>\n", "does not open with"),
    "a wrong guard": ("lib/common/base/planted.h", "// A\n#ifndef X_H\n#define X_H\n#endif\n", "include guard"),
    "a broken script": ("scripts/planted", "#!/usr/bin/env bash\nif\n", "syntax error"),
    "a script that cannot run": ("scripts/planted", "#!/usr/bin/env bash\n", "not executable"),
    "broken Python": ("tests/planted.py", "def\n", "invalid syntax"),
    "a layer without a line": ("lib/common/planted/planted.c", "// A\n", "a folder without a line"),
}


def self_test(root):
    missed = 0
    for what, (name, text, expected) in PLANTED.items():
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(os.path.join(root, "lib"), os.path.join(copy, "lib"))
            path = os.path.join(copy, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            planted = os.path.dirname(name) if "folder" in expected else name
            found = [say for at, _, say in lint(copy) if expected in say and at in (name, "lib/LAYERS", planted)]
        if not found:
            print("lint: self-test: %s was not found" % what)
            missed += 1
    return missed


def main():
    arguments = sys.argv[1:]
    root = os.path.abspath(next((a for a in arguments if not a.startswith("-")), os.path.join(os.path.dirname(__file__), "../..")))
    if "--self-test" in arguments:
        return 1 if self_test(root) else 0
    findings = list(lint(root))
    for name, line, say in findings:
        print("%s:%d: %s" % (name, line, say))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
