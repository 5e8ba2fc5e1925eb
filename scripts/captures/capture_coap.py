#!/usr/bin/python3
"""Writes coap.pcap: a sensor is asked over CoAP. Argument: the folder to write to (default: pcaps)."""
import os
import struct
import sys

from conversation import CLIENT, SERVER, Capture, Datagrams

CON, NON, ACK, RST = range(4)
GET, POST, PUT, DELETE = range(1, 5)
HOST, OBSERVE, PATH, FORMAT, QUERY, ACCEPT, BLOCK2 = 3, 6, 11, 12, 15, 17, 23


def nibble(value):
    if value < 13:
        return value, b""
    return (13, bytes([value - 13])) if value < 269 else (14, struct.pack(">H", value - 269))


def message(kind, code, number, token=b"", options=(), payload=b""):
    out, last = bytes([0x40 | kind << 4 | len(token), code]) + struct.pack(">H", number) + token, 0
    for option, value in sorted(options, key=lambda o: o[0]):
        (delta, more), (length, more_length) = nibble(option - last), nibble(len(value))
        out += bytes([delta << 4 | length]) + more + more_length + value
        last = option
    return out + (b"\xff" + payload if payload else b"")


def code(kind, detail):
    return kind << 5 | detail


def main():
    capture = Capture()
    talk = Datagrams(capture, ("192.0.2.10", 40000), ("192.0.2.20", 5683))
    talk.say(CLIENT, message(CON, GET, 1, b"\1", [(HOST, b"sensor.example.org"), (PATH, b".well-known"), (PATH, b"core"), (QUERY, b"rt=temperature")]))
    talk.say(SERVER, message(ACK, code(2, 5), 1, b"\1", [(FORMAT, b"\x28")], b"</t>;rt=temperature;obs"))
    talk.say(CLIENT, message(CON, GET, 2, b"\xaa\xbb", [(OBSERVE, b""), (PATH, b"t"), (ACCEPT, b"\x3c")]))
    talk.say(SERVER, message(ACK, 0, 2))
    for number in range(3):
        talk.say(SERVER, message(NON, code(2, 5), 100 + number, b"\xaa\xbb", [(OBSERVE, bytes([number])), (FORMAT, b"\x3c")], b"\xa1at\x18" + bytes([20 + number])))
    talk.say(CLIENT, message(RST, 0, 102))
    talk.say(CLIENT, message(NON, PUT, 3, b"\3", [(PATH, b"led"), (QUERY, b"a=1"), (QUERY, b"b=2"), (FORMAT, b"")], b"on"))
    talk.say(SERVER, message(NON, code(2, 4), 200, b"\3"))
    talk.say(CLIENT, message(CON, POST, 4, b"\4", [(PATH, b"rd"), (FORMAT, struct.pack(">H", 11542))], bytes(20)))
    talk.say(SERVER, message(ACK, code(4, 4), 4, b"\4"))
    talk.say(CLIENT, message(CON, GET, 5, b"", [(PATH, b"big" * 100), (BLOCK2, b"\x06")]))
    talk.say(SERVER, message(ACK, code(5, 0), 5, b"", [], b"out of order"))
    six = Datagrams(capture, ("2001:db8::10", 40001), ("2001:db8::20", 61616))
    six.say(CLIENT, message(CON, DELETE, 7, b"\7\7\7\7\7\7\7\7", [(PATH, b"rd"), (PATH, b"5")]))
    six.say(SERVER, message(ACK, code(2, 2), 7, b"\7\7\7\7\7\7\7\7"))
    capture.write(os.path.join(sys.argv[1] if len(sys.argv) > 1 else "pcaps", "coap.pcap"))


main()
