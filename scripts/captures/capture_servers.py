#!/usr/bin/python3
"""Records servers and their clients in network namespaces: memcached.pcap, bgp.pcap. Takes root.

    capture_servers.py [NAME ...]
    capture_servers.py --packages     the Debian packages it needs
"""
import os
import sys
import time

from namespaces import pair

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PACKAGES = ("iproute2", "tcpdump", "ethtool", "memcached", "frr", "python3")

MEMCACHED_CLIENT = r"""
import socket, struct, sys
def text(*lines):
    s = socket.create_connection(("192.0.2.2", 11211))
    for line in lines:
        s.sendall(line)
        s.recv(65536)
    s.close()
text(b"version\r\n", b"set greeting 0 60 5\r\nhello\r\n", b"get greeting nothing\r\n", b"incr greeting 1\r\n", b"delete greeting\r\n",
     b"add big 0 0 3000\r\n" + b"x" * 3000 + b"\r\n", b"gets big\r\n", b"mg big v\r\n", b"stats\r\n", b"bogus\r\n")
def binary(opcode, key=b"", extras=b"", value=b""):
    return struct.pack("!BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(key) + len(extras) + len(value), 7, 0) + extras + key + value
s = socket.create_connection(("192.0.2.2", 11211))
for message in (binary(0x0b), binary(1, b"colour", bytes(8), b"green"), binary(0, b"colour"), binary(4, b"colour"), binary(0, b"colour")):
    s.sendall(message)
    s.recv(65536)
s.close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.settimeout(2)
u.sendto(struct.pack("!HHHH", 1, 0, 1, 0) + b"get big\r\n", ("192.0.2.2", 11211))
u.recv(65536)
"""


def memcached(path):
    """Text commands, the binary protocol, and a value over UDP."""
    with pair() as net:
        net.record("left", "eth0", "port 11211")
        net.start("right", "memcached", "-u", "nobody", "-l", "192.0.2.2", "-U", "11211", "-B", "auto")
        time.sleep(0.5)
        net.run("left", sys.executable, "-c", MEMCACHED_CLIENT)
        net.write(path)


BGPD = """hostname %(name)s
log stdout
router bgp %(asn)d
 bgp router-id %(id)s
 no bgp ebgp-requires-policy
 timers bgp 3 9
 neighbor %(peer)s remote-as %(other)d
 neighbor %(peer)s advertisement-interval 0
 neighbor %(peer6)s remote-as %(other)d
 address-family ipv4 unicast
  no neighbor %(peer6)s activate
%(networks)s exit-address-family
 address-family ipv6 unicast
  neighbor %(peer6)s activate
  network 2001:db8:%(asn)x::/48
 exit-address-family
no bgp network import-check
"""


def bgp(path):
    """Two routers: FRR's bgpd with itself, over IPv4 and IPv6; routes of both, then one of them says goodbye."""
    with pair() as net:
        net.record("left", "eth0", "tcp port 179")
        ends = []
        for host, asn, here, there in (("left", 64500, 1, 2), ("right", 4200000001, 2, 1)):
            own = net.path(host)
            os.mkdir(own)
            os.chmod(own, 0o777)
            networks = "".join("  network 198.51.%d.0/24\n" % (100 * here + i) for i in range(3))
            text = BGPD % {"name": host, "asn": asn, "id": "192.0.2.%d" % here, "peer": "192.0.2.%d" % there, "peer6": "2001:db8::%d" % there,
                           "other": 4200000001 if asn == 64500 else 64500, "networks": networks}
            text = text.replace("2001:db8:%x::" % asn, "2001:db8:%x::" % (0x1000 + here)).replace("no bgp network import-check\n", "")
            text = text.replace(" timers bgp", " no bgp network import-check\n timers bgp")
            config = net.file(host + ".bgpd", text)
            os.chmod(config, 0o644)
            ends.append(net.start(host, "/usr/lib/frr/bgpd", "-n", "-f", config, "-i", os.path.join(own, "bgpd.pid"), "-P", "0", "-S", "-Z",
                                  "--vty_socket", own))
            time.sleep(0.5)
        time.sleep(12)
        ends[0].terminate()
        ends[0].wait(5)
        net.write(path)


CAPTURES = {"memcached": memcached, "bgp": bgp}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_servers: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
