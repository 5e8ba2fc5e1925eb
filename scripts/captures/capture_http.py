#!/usr/bin/python3
"""Writes http.pcap: HTTP/1 connections of many shapes. Argument: the folder to write to (default: pcaps)."""
import os
import sys

from conversation import CLIENT, SERVER, Capture, Stream

WEB = ("192.0.2.80", 80)


def request(method, target, *fields, body=b""):
    return "\r\n".join(["%s %s HTTP/1.1" % (method, target), *fields, "", ""]).encode("latin1") + body


def response(status, *fields, body=b""):
    return "\r\n".join(["HTTP/1.1 %s" % status, *fields, "", ""]).encode("latin1") + body


def chunked(*chunks):
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


def connect(capture, port, server=WEB, client="198.51.100.10"):
    return Stream(capture, (client, port), server)


def keep_alive(capture):
    s = connect(capture, 50000)
    s.say(CLIENT, request("GET", "/", "Host: www.example.org", "User-Agent: probe/1.0"))
    s.say(SERVER, response("200 OK", "Server: example", "Content-Type: text/html", "Content-Length: 3000", body=b"x" * 3000))
    s.say(CLIENT, request("HEAD", "/big", "Host: www.example.org", "User-Agent: probe/1.0"))
    s.say(SERVER, response("200 OK", "Content-Length: 1000000"))
    s.say(CLIENT, request("POST", "/form", "Host: www.example.org", "Content-Type: text/plain", "Content-Length: 5",
                          "Referer: http://www.example.org/", body=b"hello"))
    s.say(SERVER, response("302 Found", "Location: /done", "Transfer-Encoding: chunked", body=chunked(b"HTTP/1.1 200 no\r\n", b"y" * 2000)))
    s.say(CLIENT, request("GET", "/done", "Host: www.example.org", "If-None-Match: x"))
    s.say(SERVER, response("304 Not Modified", "Content-Length: 500"))
    s.close()


def pipelined(capture):
    s = connect(capture, 50001)
    s.say(CLIENT, b"".join(request("GET", "/%d" % n, "Host: pipe.example.org") for n in range(3)))
    s.say(SERVER, b"".join(response("20%d OK" % n, "Content-Length: 2", body=b"ok") for n in range(3)))
    s.close()


def small_segments(capture):
    s = connect(capture, 50002)
    s.say(CLIENT, request("GET", "/split", "Host: split.example.org:8080", "User-Agent: in seven-byte segments"), size=7)
    s.say(SERVER, response("200 OK", "Content-Type: text/plain", "Content-Length: 4", body=b"done"), size=5)
    s.close()


def upload(capture):
    s = connect(capture, 50003)
    s.say(CLIENT, request("PUT", "/file", "Host: up.example.org", "Expect: 100-continue", "Content-Length: 2000"))
    s.say(SERVER, response("100 Continue"))
    s.say(CLIENT, b"z" * 2000)
    s.say(SERVER, response("201 Created", "Content-Length: 0"))
    s.close()


def tunnels(capture):
    s = connect(capture, 50004, ("192.0.2.81", 3128))
    s.say(CLIENT, request("CONNECT", "hidden.example.org:443"))
    s.say(SERVER, response("200 Connection established"))
    s.say(CLIENT, bytes.fromhex("160301000101"))
    s.close()
    s = connect(capture, 50005)
    s.say(CLIENT, request("GET", "/chat", "Host: ws.example.org", "Upgrade: websocket", "Connection: Upgrade"))
    s.say(SERVER, response("101 Switching Protocols", "Upgrade: websocket"))
    s.say(SERVER, bytes.fromhex("81026869"))
    s.close()


def odd(capture):
    s = connect(capture, 50006, ("2001:db8::80", 8000), "2001:db8::10")
    s.say(CLIENT, b"GET http://old.example.org/a HTTP/1.0\nUser-Agent: bare\xffLF\n\n")
    s.say(SERVER, b"HTTP/1.0 200 OK\nContent-Type: text/plain\n\nuntil the end")
    s.close()
    s = connect(capture, 50007)
    long_fields = ["X-%03d: %s" % (n, "v" * 90) for n in range(200)]
    s.say(CLIENT, request("GET", "/long", "Host: long.example.org", *long_fields))
    s.say(SERVER, response("431 Too Large", "Content-Length: 0"))
    s.say(CLIENT, request("GET", "/after", "Host: long.example.org"))
    s.close()


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "pcaps"
    capture = Capture()
    for conversation in (keep_alive, pipelined, small_segments, upload, tunnels, odd):
        conversation(capture)
    capture.write(os.path.join(folder, "http.pcap"))


main()
