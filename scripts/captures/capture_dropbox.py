#!/usr/bin/python3
"""Writes dropbox.pcap: clients announce themselves on their network. Argument: the folder to write to (default: pcaps)."""
import os
import sys

from conversation import CLIENT, Capture, Datagrams


def main():
    capture = Capture()
    for number, version in ((1, "[1, 8]"), (2, "[2, 0]")):
        talk = Datagrams(capture, ("192.0.2.%d" % number, 17500), ("255.255.255.255", 17500))
        talk.say(CLIENT, b'{"host_int": %d, "version": %s, "displayname": "host%d", "port": 17500, "namespaces": [11, 22]}'
                 % (10 ** 9 + number, version.encode(), number))
    capture.write(os.path.join(sys.argv[1] if len(sys.argv) > 1 else "pcaps", "dropbox.pcap"))


main()
