#!/usr/bin/python3
"""Writes modbus.pcap, mongodb.pcap, rdp.pcap and dcerpc.pcap. Argument: the folder to write to (default: pcaps)."""
import os
import struct
import sys
import uuid

from conversation import CLIENT, SERVER, Capture, Stream


# ---- modbus ----

def modbus_message(transaction, unit, function, payload):
    return struct.pack("!HHHBB", transaction, 0, len(payload) + 2, unit, function) + payload


def modbus():
    capture = Capture()
    s = Stream(capture, ("198.51.100.40", 50200), ("192.0.2.95", 502))
    talk = ((1, 3, struct.pack("!HH", 100, 4), struct.pack("!B4H", 8, 1, 2, 3, 4)), (2, 1, struct.pack("!HH", 0, 10), b"\x02\xff\x03"),
            (3, 6, struct.pack("!HH", 7, 1234), struct.pack("!HH", 7, 1234)), (4, 5, struct.pack("!HH", 9, 0xff00), struct.pack("!HH", 9, 0xff00)),
            (5, 16, struct.pack("!HHB2H", 20, 2, 4, 5, 6), struct.pack("!HH", 20, 2)), (6, 43, b"\x0e\x01\x00", b"\x0e\x01\x01\x00\x00\x01\x00\x04Acme"))
    for transaction, function, question, reply in talk:
        s.say(CLIENT, modbus_message(transaction, 17, function, question))
        s.say(SERVER, modbus_message(transaction, 17, function, reply))
    s.say(CLIENT, modbus_message(7, 17, 4, struct.pack("!HH", 65000, 1)))
    s.say(SERVER, modbus_message(7, 17, 0x84, b"\x02"))
    s.say(CLIENT, b"".join(modbus_message(n, 1, 3, struct.pack("!HH", n, 1)) for n in (8, 9)))  # two at once
    s.say(SERVER, modbus_message(9, 1, 3, b"\x02\x00\x05"), size=3)
    s.close()
    s = Stream(capture, ("2001:db8::40", 50201), ("2001:db8::95", 1502))  # another port, from the middle
    s.say(SERVER, modbus_message(400, 1, 3, b"\x02\x00\x05"))
    s.say(CLIENT, modbus_message(401, 1, 2, struct.pack("!HH", 1, 16)))
    s.close()
    return capture


# ---- mongodb ----

def bson(fields):
    out = b""
    for key, value in fields:
        name = key.encode() + b"\0"
        if isinstance(value, bool):
            out += b"\x08" + name + bytes([value])
        elif isinstance(value, int):
            out += b"\x10" + name + struct.pack("<i", value)
        elif isinstance(value, float):
            out += b"\x01" + name + struct.pack("<d", value)
        elif isinstance(value, str):
            out += b"\x02" + name + struct.pack("<i", len(value.encode()) + 1) + value.encode() + b"\0"
        elif isinstance(value, bytes):
            out += b"\x05" + name + struct.pack("<iB", len(value), 0) + value
        else:
            out += b"\x03" + name + bson(value)
    return struct.pack("<i", len(out) + 5) + out + b"\0"


def mongo_message(number, answers, opcode, payload):
    return struct.pack("<iiii", len(payload) + 16, number, answers, opcode) + payload


def msg(number, answers, fields, flags=0):
    return mongo_message(number, answers, 2013, struct.pack("<IB", flags, 0) + bson(fields))


def mongodb():
    capture = Capture()
    s = Stream(capture, ("198.51.100.41", 50300), ("192.0.2.96", 27017))
    client = [("application", [("name", "example shop")]), ("driver", [("name", "PyMongo"), ("version", "4.3.3")])]
    hello = bson([("isMaster", 1), ("helloOk", True), ("client", client)])
    s.say(CLIENT, mongo_message(1, 0, 2004, struct.pack("<i", 0) + b"admin.$cmd\0" + struct.pack("<ii", 0, -1) + hello))
    s.say(SERVER, mongo_message(90, 1, 1, struct.pack("<iqii", 8, 0, 0, 1) + bson([("ismaster", True), ("maxWireVersion", 17), ("ok", 1.0)])))
    s.say(CLIENT, msg(2, 0, [("insert", "orders"), ("ordered", True), ("$db", "shop"), ("note", "x" * 6000)]))
    s.say(SERVER, msg(91, 2, [("n", 1), ("ok", 1.0)]))
    s.say(CLIENT, msg(3, 0, [("find", "customers"), ("filter", [("name", "Zo\u00eb <script>")]), ("$db", "shop")]), size=11)
    s.say(SERVER, msg(92, 3, [("cursor", [("id", 0)]), ("ok", 1.0)]))
    s.say(CLIENT, msg(4, 0, [("dropDatabase", 1), ("$db", "shop")]))
    s.say(SERVER, msg(93, 4, [("ok", 0.0), ("errmsg", "not authorized on shop"), ("code", 13), ("codeName", "Unauthorized")]))
    s.say(CLIENT, msg(5, 0, [("endSessions", 1), ("$db", "admin")], flags=2))  # wants no answer
    s.say(CLIENT, msg(6, 0, [("ping", 1), ("$db", "admin")]))
    s.close()
    return capture


# ---- dcerpc ----

EPMAPPER, SVCCTL, NDR = ("e1af8308-5d1f-11c9-91a4-08002b14a0fa", "367abb81-9844-35f1-ad32-98f038001003", "8a885d04-1ceb-11c9-9fe8-08002b104860")


def pdu(kind, call, payload):
    return struct.pack("<BBBBIHHI", 5, 0, kind, 3, 0x10, len(payload) + 16, 0, call) + payload


def bind(call, interface, version):
    syntaxes = uuid.UUID(interface).bytes_le + struct.pack("<I", version) + uuid.UUID(NDR).bytes_le + struct.pack("<I", 2)
    return pdu(11, call, struct.pack("<HHIBBHHBB", 5840, 5840, 0, 1, 0, 0, 0, 1, 0) + syntaxes)


def ask(call, operation, payload):
    return pdu(0, call, struct.pack("<IHH", len(payload), 0, operation) + payload)


def dcerpc():
    capture = Capture()
    accepted = struct.pack("<HHIH", 5840, 5840, 1, 4) + b"135\0\0\0" + struct.pack("<BBHHH", 1, 0, 0, 0, 0) + uuid.UUID(NDR).bytes_le + struct.pack("<I", 2)
    for port, interface, version, operations in ((135, EPMAPPER, 3, (3,)), (49700, SVCCTL, 2, (15, 12, 0))):
        s = Stream(capture, ("198.51.100.43", 50500 + port % 10), ("192.0.2.98", port))
        s.say(CLIENT, bind(1, interface, version))
        s.say(SERVER, pdu(12, 1, accepted))
        for call, operation in enumerate(operations, 2):
            s.say(CLIENT, ask(call, operation, bytes(40)), size=13)
            s.say(SERVER, pdu(2, call, struct.pack("<IHBB", 3000, 0, 0, 0) + bytes(3000)))
        s.say(CLIENT, ask(9, 99, b""))
        s.say(SERVER, pdu(3, 9, struct.pack("<IHBBII", 0, 0, 0, 0, 0x1c010002, 0)))
        s.close()
    return capture


# ---- rdp ----

def tpkt(payload):
    return struct.pack("!BBH", 3, 0, len(payload) + 4) + payload


def x224(kind, rest):
    return tpkt(struct.pack("!BBHHB", len(rest) + 6, kind, 0, 0, 0) + rest)


def rdp():
    capture = Capture()
    ways = ((b"Cookie: mstshash=EXAMPLE\\alice\r\n" + struct.pack("<BBHI", 1, 0, 8, 3), struct.pack("<BBHI", 2, 0, 8, 2)),  # CredSSP is chosen
            (b"Cookie: mstshash=bob\r\n" + struct.pack("<BBHI", 1, 0, 8, 1), struct.pack("<BBHI", 3, 0, 8, 2)),  # TLS is refused
            (b"Cookie: mstshash=carol\r\n", b""))  # an old client, without TLS
    for number, (asked, answered) in enumerate(ways):
        s = Stream(capture, ("198.51.100.42", 50400 + number), ("192.0.2.97", 3389 if number else 33890))
        s.say(CLIENT, x224(0xe0, asked), size=1400 if number else 9)
        s.say(SERVER, x224(0xd0, answered))
        s.close()
    return capture


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    for make in (modbus, mongodb, rdp, dcerpc):
        make().write(os.path.join(folder, make.__name__ + ".pcap"))


if __name__ == "__main__":
    main()
