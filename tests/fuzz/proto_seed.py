#!/usr/bin/python3
"""Writes seeds for fuzz_proto from a capture: one for each flow of a server port.

    proto_seed.py NAME CAPTURE PORT [MAX]

NAME is the protocol's in the list, PORT the server's, MAX how many flows at most (default 4). Seeds are written to
seeds/proto beside this script, their names begin with NAME.
"""
import os
import struct
import sys

from scapy.all import TCP, UDP, IP, IPv6, rdpcap

BYTES_MAX, PIECE_LONG = 8000, 127


def digest(name):
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xffffffff
    return (value ^ value >> 16) & 0xffff


def pieces_of(capture, port):
    flows = {}
    for frame in rdpcap(capture):
        transport = frame.getlayer(TCP) or frame.getlayer(UDP)
        if transport is None or port not in (transport.sport, transport.dport):
            continue
        payload = bytes(transport.payload)
        network = frame.getlayer(IP) or frame.getlayer(IPv6)
        if isinstance(network, IP):
            payload = payload[:network.len - network.ihl * 4 - (transport.dataofs * 4 if isinstance(transport, TCP) else 8)]
        to_server = transport.dport == port
        ends = (network.src, transport.sport) if to_server else (network.dst, transport.dport)
        if payload:
            flows.setdefault((type(transport), ends), []).append((to_server, payload))
    return flows


def seed(name, udp, client_port, port, pieces):
    first = pieces[0][0]
    out = struct.pack("!HBHH", digest(name), udp | (not first) << 1, client_port, port)
    before = first
    for to_server, payload in pieces:
        length = bytes([len(payload)]) if len(payload) < PIECE_LONG else struct.pack("!BH", PIECE_LONG, len(payload))
        if len(out) + len(payload) > BYTES_MAX:
            break
        out += bytes([length[0] | (to_server != before) << 7]) + length[1:] + payload
        before = to_server
    return out


def main():
    name, capture, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    most = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeds", "proto")
    flows = pieces_of(capture, port)
    if not flows:
        sys.exit("proto_seed: no payload of port %d in %s" % (port, capture))
    os.makedirs(folder, exist_ok=True)
    for i, ((transport, ends), pieces) in enumerate(list(flows.items())[:most]):
        stem = os.path.splitext(os.path.basename(capture))[0]
        with open(os.path.join(folder, "%s_%s_%d" % (name, stem, i)), "wb") as out:
            out.write(seed(name, transport is UDP, ends[1], port, pieces))


if __name__ == "__main__":
    main()
