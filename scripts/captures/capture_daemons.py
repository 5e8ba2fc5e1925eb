#!/usr/bin/python3
"""Writes captures of what real kernels and daemons say, in network namespaces of its own; times and ports differ from run to run.

    capture_daemons.py [NAME ...]     as root: all of them, or those named, into pcaps/
    capture_daemons.py --packages     the Debian packages it needs (nothing is installed)

One function a capture, named after it. Each takes some seconds and ends by itself."""
import os
import shutil
import sys
import time

import tunnel_end
from namespaces import Net, mac, pair

PACKAGES = ("iproute2", "tcpdump", "ethtool", "iputils-ping", "traceroute", "curl", "dnsmasq-base", "bind9-dnsutils", "lldpd", "radvd",
            "python3-scapy", "hostapd", "wpasupplicant", "etherwake", "keepalived", "frr")
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PYTHON = "/usr/bin/python3"


def ping(net, host, *arguments):
    net.run(host, "ping", "-n", "-c", 2, "-i", 0.2, "-W", 1, *arguments, good=(0, 1))


def talk(net, number, host="left", server="right", addresses=("198.51.100.2", "2001:db8:1::2")):
    """A page by HTTP and pings from left to right, over both IP versions."""
    page = os.path.dirname(net.file("index.html", "<title>inside</title>\n" + "x" * 3000 + "\n"))
    for address in addresses:
        port = 8000 + number
        net.start(server, PYTHON, "-u", "-m", "http.server", port, "--bind", address, "--directory", page, said="Serving HTTP")
        net.run(host, "curl", "-s", "-g", "--max-time", 5, "-o", "/dev/null",
                "http://%s:%d/index.html" % ("[%s]" % address if ":" in address else address, port))
        ping(net, host, address)


def vxlan(net_path):
    """Below it IPv4 with number 42, then IPv6 with number 43."""
    with pair() as net:
        net.record("left", "eth0")
        for number, under in ((42, "192.0.2.%d"), (43, "2001:db8::%d")):
            for n, host in enumerate(("left", "right"), 1):
                dev, peer = "vxlan%d" % number, 3 - n
                net.run(host, "ip", "link", "add", dev, "address", mac(number + n * 16), "mtu", 1400, "type", "vxlan",
                        "id", number, "local", under % n, "remote", under % peer, "dstport", 4789, "dev", "eth0")
                net.plain(host, dev)
                net.up(host, dev, "198.51.%d.%d/24" % (number, n), "2001:db8:%d::%d/64" % (number, n))
            talk(net, number, addresses=("198.51.%d.2" % number, "2001:db8:%d::2" % number))
        net.write(net_path)


def through(kind, versions=(4, 6), under="192.0.2.%d"):
    """A capture of one kind of tunnel, with an end of ours where a kernel may have none; below it the kernel's IP."""
    def make(net_path):
        with pair() as net:
            net.record("left", "eth0")
            for n, host in enumerate(("left", "right"), 1):
                net.run(host, "ip", "tuntap", "add", "dev", "tun0", "mode", tunnel_end.KINDS[kind][0])
                net.run(host, "ip", "link", "set", "tun0", "mtu", 1400, *(("address", mac(0x30 + n)) if tunnel_end.KINDS[kind][0] == "tap" else ()))
                net.plain(host, "tun0")
                net.start(host, PYTHON, tunnel_end.__file__, kind, under % n, under % (3 - n), said="ready")
            for n, host in enumerate(("left", "right"), 1):  # both are there before anything is said
                if 6 not in versions:
                    net.set(host, "/proc/sys/net/ipv6/conf/tun0/disable_ipv6", 1)
                net.up(host, "tun0", *["198.51.100.%d/24" % n] * (4 in versions), *["2001:db8:1::%d/64" % n] * (6 in versions))
            talk(net, 80, addresses=["198.51.100.2"] * (4 in versions) + ["2001:db8:1::2"] * (6 in versions))
            net.write(net_path)
    return make


def routed(net, mtu=1500):
    """left and near on one link of router, right behind it, over a link with that MTU."""
    net.link(("left", "eth0", 1), ("router", "left", 0x11))
    net.link(("near", "eth0", 2), ("router", "near", 0x12))
    net.link(("right", "eth0", 3), ("router", "right", 0x13), mtu)
    net.bridge("router", "left", "near")
    net.route("router")
    for port in ("left", "near"):
        net.up("router", port)
    net.up("router", "br0", "192.0.2.254/24", "2001:db8:1::fe/64")
    net.up("router", "right", "198.51.100.254/24", "2001:db8:2::fe/64")
    for n, host in enumerate(("left", "near"), 1):
        net.up(host, "eth0", "192.0.2.%d/24" % n, "2001:db8:1::%d/64" % n)
        gateway(net, host, "192.0.2.254", "2001:db8:1::fe")
    net.up("right", "eth0", "198.51.100.3/24", "2001:db8:2::3/64")
    gateway(net, "right", "198.51.100.254", "2001:db8:2::fe")


def gateway(net, host, address, address6):
    net.run(host, "ip", "route", "add", "default", "via", address)
    net.run(host, "ip", "-6", "route", "add", "default", "via", address6)


def fragments_kernel(net_path):
    """Recorded behind a router whose link is narrower: it cuts fragments of IPv4 again, IPv6 is cut by its sender only."""
    with Net("left", "near", "router", "right") as net:
        routed(net, 1280)
        net.record("right", "eth0")
        for host in ("left", "near"):
            net.run(host, "ping", "-n", "-c", 1, "-s", 4000, "-M", "dont", "198.51.100.3")
            net.run(host, "ping", "-n", "-c", 3, "-i", 0.2, "-s", 4000, "-W", 1, "2001:db8:2::3", good=(0, 1))
        records = ["--txt-record=big.example.org," + chr(ord("a") + n) * 200 for n in range(16)]
        net.start("right", "dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root", "--local=/example.org/",
                  "--edns-packet-max=4096", *records, said="started")
        for server in ("198.51.100.3", "2001:db8:2::3"):
            net.run("left", "dig", "@" + server, "+tries=1", "+time=2", "+bufsize=4096", "+notcp", "+ignore", "+nocookie", "big.example.org", "TXT")
        net.write(net_path)


SPOILT = """
from scapy.all import Ether, IP, UDP, Raw, sendp
sendp(Ether(src="%s", dst="%s") / IP(src="192.0.2.1", dst="192.0.2.2", id=7, flags="MF") / UDP(sport=40000, dport=9, len=3000) / Raw(bytes(64)),
      iface="eth0", verbose=False)
"""


def icmp_kernel(net_path):
    """Every error a Linux router and host give reason for, and pings with the options of IPv4."""
    with Net("left", "near", "router", "right") as net:
        routed(net, 1300)
        for kind in ("all", "br0"):
            net.set("router", "/proc/sys/net/ipv4/conf/%s/send_redirects" % kind, 1)
        net.set("router", "/proc/sys/net/ipv4/icmp_ratelimit", 0)
        net.set("router", "/proc/sys/net/ipv6/icmp/ratelimit", 0)
        net.set("near", "/proc/sys/net/ipv4/ipfrag_time", 1)
        net.run("router", "ip", "route", "add", "203.0.113.0/25", "via", "192.0.2.2")
        net.run("router", "ip", "route", "add", "prohibit", "203.0.113.128/26")
        net.run("router", "ip", "-6", "route", "add", "2001:db8:3::/64", "via", "fe80::ff:fe00:2", "dev", "br0")
        net.run("router", "ip", "-6", "route", "add", "prohibit", "2001:db8:4::/64")
        net.up("near", "lo", "203.0.113.1/32", "2001:db8:3::1/128")
        net.record("left", "eth0")
        for right, far, prohibited, nowhere, mute in (
                ("198.51.100.3", "203.0.113.1", "203.0.113.130", "203.0.113.200", "198.51.100.99"),
                ("2001:db8:2::3", "2001:db8:3::1", "2001:db8:4::1", "2001:db8:5::1", "2001:db8:2::99")):
            ping(net, "left", right)
            net.run("left", "traceroute", "-n", "-q", 1, "-m", 4, "-w", 1, right)
            net.run("left", "traceroute", "-n", "-q", 1, "-m", 4, "-w", 1, "-I", right)
            net.run("left", "traceroute", "-n", "-q", 1, "-m", 4, "-w", 1, "-T", "-p", 9, right)
            ping(net, "left", "-s", 1400, "-M", "do", right)
            for address in (far, prohibited, nowhere, mute):
                ping(net, "left", address)
            net.run("left", "dig", "@" + right, "+tries=1", "+time=1", "www.example.org", good=(0, 9))  # nobody listens
        time.sleep(3)  # the address that does not answer
        for option in ("tsonly", "tsandaddr"):
            ping(net, "left", "-T", option, "198.51.100.3")
        ping(net, "left", "-R", "198.51.100.3")
        net.run("left", PYTHON, "-c", SPOILT % (mac(1), mac(2)), good=(0,))
        time.sleep(2)  # its fragments are given up
        net.write(net_path)


RADVD = """interface eth0 {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvLinkMTU 1480;
	prefix 2001:db8:10::/64 { AdvOnLink on; AdvAutonomous on; };
	route 2001:db8:20::/48 { };
	RDNSS 2001:db8:10::53 { };
	DNSSL example.org { };
};
"""


def radvd(net_path):
    """A host comes up: it asks whether its addresses are free, reports its groups, asks for a router, and takes an address of the
    prefix; then it takes an address that is not free."""
    with Net("router", "host") as net:
        net.link(("router", "eth0", 1), ("host", "eth0", 2))
        net.route("router")
        net.up("router", "eth0", "2001:db8:10::1/64")
        net.run("router", "ip", "-6", "address", "add", "fe80::1/64", "dev", "eth0", "nodad")
        net.set("host", "/proc/sys/net/ipv6/conf/eth0/accept_dad", 1)
        net.record("router", "eth0")
        config = net.file("radvd.conf", RADVD)
        net.start("router", "radvd", "-n", "-m", "stderr", "-u", "root", "-C", config, "-p", net.path("radvd.pid"), said="started")
        net.run("host", "ip", "link", "set", "eth0", "up")
        time.sleep(6)
        ping(net, "host", "2001:db8:10::1")
        ping(net, "host", "fe80::1%eth0")
        net.run("host", "ip", "address", "add", "2001:db8:10::1/64", "dev", "eth0")
        time.sleep(3)
        net.write(net_path)


JOIN = """
import socket, struct, time
four, six = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
here, source = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.254")
group, chosen = socket.inet_aton("233.252.0.1"), socket.inet_aton("232.1.1.1")
group6 = socket.inet_pton(socket.AF_INET6, "ff0e::db8:1") + struct.pack("@I", socket.if_nametoindex("eth0"))
four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + here)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group6)
four.setsockopt(socket.IPPROTO_IP, 39, chosen + here + source)  # IP_ADD_SOURCE_MEMBERSHIP
time.sleep(4)
four.setsockopt(socket.IPPROTO_IP, 38, group + here + source)  # IP_BLOCK_SOURCE
time.sleep(1)
four.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group + here)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, group6)
time.sleep(2)
"""


def igmp_kernel(net_path):
    """A bridge that asks and a host that joins, with the newest version and then with each older one."""
    with Net("hub", "host") as net:
        net.link(("host", "eth0", 1), ("hub", "port", 0x11))
        net.bridge("hub", "port")
        net.set("host", "/proc/sys/net/ipv6/conf/eth0/accept_ra", 0)
        net.up("hub", "port")
        net.up("hub", "br0", "192.0.2.254/24", "2001:db8::fe/64")
        net.record("hub", "port")
        net.up("host", "eth0", "192.0.2.1/24", "2001:db8::1/64")
        for igmp, mld in ((3, 2), (2, 1), (1, 1)):
            net.set("host", "/proc/sys/net/ipv4/conf/eth0/force_igmp_version", igmp)
            net.set("host", "/proc/sys/net/ipv6/conf/eth0/force_mld_version", mld)
            net.run("hub", "ip", "link", "set", "br0", "type", "bridge", "mcast_querier", 0)
            net.run("hub", "ip", "link", "set", "br0", "type", "bridge", "mcast_query_use_ifaddr", 1, "mcast_igmp_version", max(igmp, 2),
                    "mcast_mld_version", mld, "mcast_query_response_interval", 100, "mcast_startup_query_interval", 200, "mcast_querier", 1)
            net.run("host", PYTHON, "-c", JOIN)
        net.write(net_path)


def lldpd(net_path):
    """Two daemons: LLDP with the parts of 802.3 and MED; CDP, one version each; FDP and SONMP."""
    with pair() as net:
        net.record("left", "eth0", "ether multicast and not ip6")
        for host, options in (("left", ("-l", "-ccc", "-ff", "-M", "4")), ("right", ("-l", "-cc", "-ss", "-M", "2"))):
            name = "%s.example.org" % {"left": "switch1", "right": "phone7"}[host]
            config = net.file(host + ".conf", "configure lldp tx-interval 2\nconfigure lldp portidsubtype ifname\n"
                              "configure ports eth0 lldp portdescription \"uplink of %s\"\n" % name)
            net.start(host, "unshare", "--uts", "sh", "-c", 'hostname "$1"; shift; exec "$@"', "sh", name, "lldpd", "-d", "-i", "-u",
                      net.path(host + ".socket"), "-O", config, "-I", "eth0", "-C", "eth0", "-S", "spanwatch example system 1.0",
                      "-P", "Example", *options)
        time.sleep(9)
        net.write(net_path)


def bridge_stp(net_path):
    """Two bridges with two links between them, of which one is shut; then a third port comes up and the topology changes."""
    with Net("root", "leaf", "host") as net:
        for n in (1, 2):
            net.link(("root", "link%d" % n, 0x10 + n), ("leaf", "link%d" % n, 0x20 + n))
        net.link(("leaf", "host", 0x23), ("host", "eth0", 1))
        for host, number, priority in (("root", 0x0a, 4096), ("leaf", 0x0b, 32768)):
            net.set(host, "/proc/sys/net/ipv6/conf/all/disable_ipv6", 1)
            net.set(host, "/proc/sys/net/ipv6/conf/default/disable_ipv6", 1)
            net.bridge(host, "link1", "link2", number=number)
            net.run(host, "ip", "link", "set", "br0", "type", "bridge", "stp_state", 1, "priority", priority, "forward_delay", 200,
                    "hello_time", 100, "max_age", 600)
        net.run("leaf", "ip", "link", "set", "host", "master", "br0")
        net.up("root", "link1")
        net.record("root", "link1", "llc")
        for host in ("root", "leaf"):
            for dev in ("link1", "link2", "br0"):
                net.up(host, dev)
        time.sleep(7)
        net.up("leaf", "host")
        net.up("host", "eth0")
        time.sleep(4)
        net.run("root", "ip", "link", "set", "br0", "type", "bridge", "priority", 61440)  # once this has aged
        time.sleep(10)
        net.write(net_path)


HOSTAPD = """interface=eth0
driver=wired
ieee8021x=1
eap_server=1
eap_user_file=%s
eapol_version=2
use_pae_group_addr=1
"""
SUPPLICANT = """ap_scan=0
network={
	key_mgmt=IEEE8021X
	eap=MD5
	identity="anna@example.org"
	password="example"
	eapol_flags=0
}
"""


def eapol(net_path):
    """A wired port asks who is there: an EAP-MD5 log-in that succeeds."""
    with pair() as net:
        net.record("left", "eth0", "ether proto 0x888e")
        users = net.file("users", '"anna@example.org" MD5 "example"\n')
        net.start("left", "hostapd", net.file("hostapd.conf", HOSTAPD % users))
        time.sleep(1)
        supplicant = net.start("right", "wpa_supplicant", "-Dwired", "-ieth0", "-c", net.file("supplicant.conf", SUPPLICANT))
        time.sleep(4)
        supplicant.terminate()
        time.sleep(1)
        net.write(net_path)


def wol(net_path):
    """As a frame of its own, with a password too, and in a UDP broadcast."""
    with pair() as net:
        net.record("left", "eth0", "ether proto 0x0842 or udp port 9")
        net.run("left", "etherwake", "-i", "eth0", mac(2))
        net.run("left", "etherwake", "-i", "eth0", "-b", "-p", "00:22:44:66:88:aa", mac(2))
        net.run("left", PYTHON, "-c", "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                "s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);"
                "s.sendto(b'\\xff' * 6 + bytes.fromhex('020000000002') * 16, ('192.0.2.255', 9))")
        net.write(net_path)


UDPLITE = """
import socket
here, there = [socket.socket(socket.%s, socket.SOCK_DGRAM, 136) for _ in range(2)]
there.bind(("%s", 5000))
for covered in (0, 8, 16):
    here.setsockopt(136, 10, covered)  # UDPLITE_SEND_CSCOV
    here.sendto(b"covered as far as %%d" %% covered, ("%s", 5000))
"""


def udplite(net_path):
    """Datagrams covered whole, only in their header, and in a part, over both IP versions."""
    with pair() as net:
        net.record("left", "eth0", "proto 136")
        for family, nobody, there in (("AF_INET", "0.0.0.0", "192.0.2.2"), ("AF_INET6", "::", "2001:db8::2")):
            net.run("left", PYTHON, "-c", UDPLITE % (family, nobody, there))
        net.write(net_path)


FRR = """hostname %(name)s.example.org
interface eth0
 ip ospf area 0
 ip ospf hello-interval 1
 ip ospf dead-interval 4
 ipv6 ospf6 area 0
 ipv6 ospf6 hello-interval 1
 ipv6 ospf6 dead-interval 4
 ip pim
 ip pim hello 2
router ospf
 ospf router-id 192.0.2.%(number)d
router ospf6
 ospf6 router-id 192.0.2.%(number)d
router eigrp 7
 network 192.0.2.0/24
router rip
 network eth0
"""
KEEPALIVED = """global_defs {
	router_id %(name)s
	vrrp_version %(version)d
}
vrrp_instance one {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority %(priority)d
	advert_int 1
	virtual_ipaddress {
		192.0.2.254/24
	}
}
"""


def routing(net_path):
    """Two routers of FRRouting speak OSPF, OSPFv3, EIGRP, PIM and RIP on one wire; keepalived speaks VRRP, version 2 and then 3."""
    with pair() as net:
        net.record("left", "eth0", "not icmp6 and not arp")
        for number, host in enumerate(("left", "right"), 1):
            config = net.file(host + ".conf", FRR % {"name": host, "number": number})
            own = net.path(host)
            os.mkdir(own)
            shutil.chown(own, "frr", "frr")
            for daemon in ("zebra", "ospfd", "ospf6d", "eigrpd", "pimd", "ripd"):
                net.start(host, "/usr/lib/frr/" + daemon, "-f", config, "-i", os.path.join(own, daemon + ".pid"), "-P", "0",
                          "-z", os.path.join(own, "zserv"), "--vty_socket", own, "--log", "stdout")
                time.sleep(0.3)
        time.sleep(8)
        for version in (2, 3):
            ends = []
            for priority, host in ((200, "left"), (100, "right")):
                config = net.file("%s.vrrp%d" % (host, version), KEEPALIVED % {"name": host, "version": version, "priority": priority})
                ends.append(net.start(host, "keepalived", "-n", "-l", "-P", "-f", config, "-p", net.path("%s.%d.pid" % (host, version)),
                                      "-r", net.path("%s.%d.vrrp" % (host, version))))
            time.sleep(6)
            for end in ends:
                end.terminate()
                end.wait(5)
        net.write(net_path)


TUNNELS = {
    "ipip": through("ipip", (4,)), "sit": through("sit", (6,)), "ip6tnl": through("sit", (6,), "2001:db8::%d"),
    "ip4in6": through("ipip", (4,), "2001:db8::%d"), "gre": through("gre"), "gre6": through("gre", under="2001:db8::%d"),
    "nvgre": through("nvgre"), "erspan2": through("erspan2"), "erspan3": through("erspan3"), "etherip": through("etherip"),
    "geneve": through("geneve"), "gtp": through("gtp"), "teredo": through("teredo", (6,)), "l2tp2": through("l2tp2"),
    "l2tp3_udp": through("l2tp3_udp"), "l2tp3_ip": through("l2tp3_ip"),
}
OTHERS = (vxlan, fragments_kernel, icmp_kernel, radvd, igmp_kernel, lldpd, bridge_stp, eapol, wol, udplite, routing)
CAPTURES = {**{make.__name__: make for make in OTHERS}, **TUNNELS}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_daemons: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
