#!/usr/bin/python3
"""Makes the page part of the program: writes a C source with the bytes of each file, one row a file, for lib/controlplane/api.

    embed.py OUTPUT FILE...
"""
import os
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PER_LINE = 24


def path_of(name):
    return "/" if name == "index.html" else "/" + name


def main():
    output, files = sys.argv[1], sys.argv[2:]
    lines = ["// Made by app/dashboard/embed.py.", '#include "api/api_server.h"', ""]
    rows = []
    for number, file in enumerate(files):
        name = os.path.basename(file)
        with open(file, "rb") as f:
            data = f.read()
        lines.append("static const unsigned char file_%d[] = {" % number)
        for at in range(0, len(data), PER_LINE):
            lines.append("\t" + "".join("%d," % b for b in data[at:at + PER_LINE]))
        lines += ["};", ""]
        kind = TYPES[os.path.splitext(name)[1]]
        rows.append('\t{"%s", "%s", file_%d, sizeof(file_%d)},' % (path_of(name), kind, number, number))
    lines += ["const struct api_asset api_assets[] = {", *rows, "};", ""]
    lines += ["const unsigned api_asset_count = sizeof(api_assets) / sizeof(api_assets[0]);", ""]
    with open(output, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))


if __name__ == "__main__":
    main()
