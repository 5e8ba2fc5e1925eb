#!/usr/bin/python3
"""Writes captures of names, addresses and times as real servers and clients ask for and give them, in network namespaces of its own;
times and ports differ from run to run.

    capture_names.py [NAME ...]     as root: all of them, or those named, into pcaps/
    capture_names.py --packages     the Debian packages it needs (nothing is installed)

One function a capture, named after it."""
import os
import signal
import sys
import time

from namespaces import Net, pair
from scapy.all import IP, UDP, Raw, rdpcap, wrpcap

PACKAGES = ("iproute2", "tcpdump", "ethtool", "samba", "samba-common-bin", "nbtscan", "isc-dhcp-server", "isc-dhcp-client",
            "miniupnpd", "gupnp-tools", "python3-scapy", "bind9", "bind9-dnsutils", "avahi-daemon", "dnsmasq-base", "chrony", "rsyslog", "bsdutils")
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))

SMB_CONF = """[global]
	netbios name = {name}
	workgroup = OFFICE
	server string = {name} of the example
	interfaces = eth0
	bind interfaces only = yes
	log file = {folder}/log
	lock directory = {folder}
	state directory = {folder}
	cache directory = {folder}
	pid directory = {folder}
	private dir = {folder}
	ncalrpc dir = {folder}
	{more}
"""


def nmbd(net, host, name, more):
    folder = net.path(name)
    os.mkdir(folder)
    conf = net.file(name + ".conf", SMB_CONF.format(name=name, folder=folder, more=more))
    return conf, net.start(host, "nmbd", "--foreground", "--no-process-group", "--configfile=" + conf)


def netbios(net_path):
    """A WINS server that becomes the master browser, a member that registers with it, look-ups by broadcast, of WINS, of a status."""
    with pair() as net:
        net.record("left", "eth0", "udp")
        conf, _ = nmbd(net, "left", "ALPHA", "wins support = yes\n\tos level = 65\n\tpreferred master = yes\n\tdomain master = yes")
        time.sleep(12)
        _, member = nmbd(net, "right", "BETA", "wins server = 192.0.2.1\n\tos level = 0\n\tpreferred master = no\n\tlocal master = no")
        time.sleep(6)
        for arguments in (["ALPHA"], ["-A", "192.0.2.1"], ["-U", "192.0.2.1", "-R", "BETA"], ["-U", "192.0.2.1", "-R", "NOBODY"],
                          ["-M", "--", "-"], ["OFFICE#1c"], ["-i", "scope.example", "ALPHA"]):
            net.run("right", "nmblookup", "--configfile=" + conf, *arguments, good=None)
        net.run("right", "nbtscan", "-q", "192.0.2.1", good=None)
        member.terminate()
        member.wait(10)
        net.write(net_path)


DHCPD = """option domain-name "example.org";
option domain-name-servers 192.0.2.53, 192.0.2.54;
option domain-search "example.org", "lab.example.org";
option ntp-servers 192.0.2.1;
option netbios-name-servers 192.0.2.1;
option interface-mtu 1400;
default-lease-time 600;
max-lease-time 7200;
authoritative;
ping-check false;
subnet 192.0.2.0 netmask 255.255.255.0 {
	range 192.0.2.100 192.0.2.120;
	option routers 192.0.2.1;
	option broadcast-address 192.0.2.255;
	option tftp-server-name "boot.example.org";
	filename "pxelinux.0";
	next-server 192.0.2.9;
}
"""

DHCLIENT = """send host-name "laptop.example.org";
send fqdn.fqdn "laptop.example.org.";
send fqdn.encoded on;
send fqdn.server-update off;
send vendor-class-identifier "example-client 1.0";
send dhcp-client-identifier 1:02:00:00:00:00:02;
send dhcp-lease-time 900;
request subnet-mask, broadcast-address, time-offset, routers, domain-name, domain-name-servers, domain-search, host-name,
	netbios-name-servers, interface-mtu, ntp-servers, tftp-server-name;
"""


def client(net, *arguments):
    net.run("right", "dhclient", "-v", "-1", "-cf", net.path("client.conf"), "-sf", "/bin/true", "-lf", net.path("client.leases"),
            "-pf", net.path("client.pid"), *arguments, "eth0", good=None)


def stop(net, name="client.pid"):
    """The client goes without a word."""
    with open(net.path(name), encoding="ascii") as number:
        os.kill(int(number.read()), signal.SIGKILL)


def dhcp(net_path):
    """A lease is taken, taken again, refused because it is of another network, released; a client that has an address asks on."""
    with Net("left", "right") as net:
        net.link(("left", "eth0", 1), ("right", "eth0", 2))
        net.up("left", "eth0", "192.0.2.1/24")
        net.up("right", "eth0")
        net.file("client.conf", DHCLIENT)
        net.file("client.leases", "")
        net.record("left", "eth0", "udp")
        net.start("left", "dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", net.file("server.conf", DHCPD), "-lf", net.file("leases", ""),
                  "-user", "root", "-group", "root", "eth0", said="Server starting service")
        for _ in range(2):
            client(net, "-4")
            stop(net)
        with open(net.path("client.leases"), encoding="ascii") as leases:
            net.file("client.leases", leases.read().replace("fixed-address 192.0.2.", "fixed-address 198.51.100."))
        client(net, "-4")
        net.run("right", "ip", "address", "add", "192.0.2.100/24", "dev", "eth0")  # it is told to the server
        client(net, "-4", "-r")
        net.write(net_path)


UPNPD = """ext_ifname=lo
ext_ip=1.1.1.1
listening_ip=eth0
port=5000
ipv6_disable=yes
enable_upnp=yes
enable_natpmp=no
uuid=11111111-2222-3333-4444-555555555555
friendly_name=gate
notify_interval=60
"""


def kernel_hide(path):
    """The version of the kernel the script ran on, which some servers tell, is made 6.1.0."""
    frames = rdpcap(path)
    for frame in frames:
        frame[UDP].payload = Raw(bytes(frame[UDP].payload).replace(os.uname().release.encode(), b"6.1.0"))
        for layer in (frame[IP], frame[UDP]):
            del layer.len, layer.chksum
    wrpcap(path, frames)


def ssdp(net_path):
    """miniupnpd announces itself, is searched for by gssdp-discover, and says good-bye."""
    with pair() as net:
        for host in ("left", "right"):
            net.run(host, "ip", "route", "add", "default", "dev", "eth0")
        net.record("right", "eth0", "udp and ip")
        gate = net.start("left", "miniupnpd", "-d", "-f", net.file("gate.conf", UPNPD), "-P", net.path("gate.pid"))
        time.sleep(2)
        net.run("right", "gssdp-discover", "-i", "eth0", "-n", 1, "-t", "upnp:rootdevice", good=None)
        gate.terminate()
        gate.wait(5)
        net.write(net_path)
        kernel_hide(net_path)


NAMED = """options {{
	directory "{folder}";
	pid-file none;
	session-keyfile none;
	listen-on {{ 192.0.2.1; }};
	listen-on-v6 {{ 2001:db8::1; }};
	recursion no;
	server-id "left.example.org";
	version none;
}};
controls {{ }};
zone "example.org" {{ type primary; file "zone"; allow-transfer {{ any; }}; allow-update {{ any; }}; }};
"""

ZONE = """$TTL 300
@	SOA	ns host 7 3600 600 86400 60
	NS	ns
	NS	ns2
	MX	10 mail
	TXT	"v=spf1 -all" "more"
ns	A	192.0.2.1
ns	AAAA	2001:db8::1
ns2	A	192.0.2.2
mail	A	192.0.2.25
www	CNAME	web
web	A	192.0.2.80
web	AAAA	2001:db8::80
web	HTTPS	1 . alpn=h2,h3 ipv4hint=192.0.2.80
_sip._tcp	SRV	1 2 5060 mail
lab	NS	ns.lab
ns.lab	A	192.0.2.3
ns.lab	AAAA	2001:db8::3
many	A	192.0.2.101
"""


def dns_bind(net_path):
    """BIND answers dig: EDNS with DO, client subnet, NSID, cookie and a bad version; referrals, NXDOMAIN, refused, TCP, a transfer."""
    with pair() as net:
        net.file("zone", ZONE + "".join("many	A	192.0.2.%d\n" % n for n in range(102, 160)))
        net.record("right", "eth0", "port 53")
        net.start("left", "named", "-g", "-4", "-c", net.file("named.conf", NAMED.format(folder=net.folder)), said="running")
        for question in (["www"], ["web", "AAAA", "+dnssec"], ["", "MX"], ["", "TXT"], ["_sip._tcp", "SRV"], ["web", "HTTPS"], ["host.lab"],
                         ["nothing"], ["web", "+nsid", "+subnet=198.51.100.0/24"], ["web", "+edns=1", "+noednsnegotiation"],
                         ["web", "+noedns"], ["many", "+bufsize=512"], ["web", "+tcp"], ["", "AXFR"], ["", "NS"]):
            name = (question[0] + "." if question[0] else "") + "example.org"
            net.run("right", "dig", "@192.0.2.1", "+tries=1", "+time=2", name, *question[1:], good=None)
        net.run("right", "dig", "@192.0.2.1", "+tries=1", "+time=2", "www.example.net", good=None)
        net.run("right", "dig", "@192.0.2.1", "+tries=1", "+time=2", "id.server", "CH", "TXT", good=None)
        net.run("right", "nsupdate", input="server 192.0.2.1\nupdate add new.example.org 60 A 192.0.2.99\nsend\n", good=None)
        net.write(net_path)


AVAHI = """[server]
host-name={name}
use-ipv4=yes
use-ipv6=no
enable-dbus=no
allow-interfaces=eth0
[publish]
publish-workstation=yes
[rlimits]
"""

SERVICE = """<?xml version="1.0" standalone='no'?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>{name} printer</name><service><type>_ipp._tcp</type><port>631</port><txt-record>rp=queue</txt-record></service>
<service><type>_ssh._tcp</type><port>22</port></service></service-group>
"""


def mdns(net_path):
    """Two avahi-daemons probe for their names and announce themselves; one-shot questions by dig."""
    with pair() as net:
        net.record("right", "eth0", "port 5353")
        for host, name in (("left", "alpha"), ("right", "beta")):
            folder = net.path(name)
            os.makedirs(folder + "/services")
            with open(folder + "/services/one.service", "w", encoding="ascii") as service:
                service.write(SERVICE.format(name=name))
            net.start(host, "unshare", "-m", "sh", "-c", "mount --bind %s/services /etc/avahi/services && mount -t tmpfs none /run"
                      " && exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f %s" % (folder, net.file(name + ".conf", AVAHI.format(name=name))))
        time.sleep(6)
        for question in (["alpha.local"], ["_services._dns-sd._udp.local", "PTR"], ["_ipp._tcp.local", "PTR"], ["1.2.0.192.in-addr.arpa", "PTR"]):
            net.run("right", "dig", "@192.0.2.1", "-p", 5353, "+tries=1", "+time=1", *question, good=None)
        time.sleep(1)
        net.write(net_path)


DHCPD6 = """option dhcp6.name-servers 2001:db8:1::53, 2001:db8:1::54;
option dhcp6.domain-search "example.org", "lab.example.org";
option dhcp6.sntp-servers 2001:db8:1::1;
option dhcp6.preference 200;
default-lease-time 600;
preferred-lifetime 300;
authoritative;
subnet6 2001:db8:1::/64 {
	range6 2001:db8:1::100 2001:db8:1::1ff;
	prefix6 2001:db8:100:: 2001:db8:1ff:: /56;
}
subnet6 2001:db8:2::/64 { range6 2001:db8:2::100 2001:db8:2::1ff; }
"""

DHCLIENT6 = """send fqdn.fqdn "laptop.example.org.";
send fqdn.encoded on;
send dhcp6.vendor-class 00:00:01:37:00:08:4d:53:46:54:20:35:2e:30;
request dhcp6.name-servers, dhcp6.domain-search, dhcp6.fqdn, dhcp6.sntp-servers;
"""


def client6(net, host, *arguments):
    net.run(host, "dhclient", "-6", "-v", "-1", "-D", "LL", "-cf", net.path("client6.conf"), "-sf", "/bin/true", "-lf", net.path(host + ".leases"),
            "-pf", net.path(host + ".pid"), *arguments, "eth0", good=None)


def dhcpv6(net_path):
    """On the server's link: information alone, an address and a prefix, confirmed, released; a client behind a relay."""
    with Net("server", "relay", "client") as net:
        net.link(("server", "eth0", 1), ("relay", "eth0", 2))
        net.link(("relay", "eth1", 3), ("client", "eth0", 4))
        net.route("relay")
        net.up("server", "eth0", "2001:db8:1::1/64")
        net.up("relay", "eth0", "2001:db8:1::2/64")
        net.up("relay", "eth1", "2001:db8:2::1/64")
        net.up("client", "eth0")
        net.run("server", "ip", "-6", "route", "add", "default", "via", "2001:db8:1::2")
        net.file("client6.conf", DHCLIENT6)
        for host in ("relay", "client"):
            net.file(host + ".leases", "")
        time.sleep(2)  # addresses of the link
        net.record("server", "eth0", "udp")
        net.start("server", "dhcpd", "-6", "-f", "-d", "--no-pid", "-cf", net.file("server.conf", DHCPD6), "-lf", net.file("leases", ""),
                  "-user", "root", "-group", "root", "eth0", said="Server starting service")
        net.start("relay", "dnsmasq", "--no-daemon", "--port=0", "--pid-file=", "--user=root", "--dhcp-relay=2001:db8:2::1,2001:db8:1::1")
        client6(net, "relay", "-S")
        client6(net, "relay", "-N", "-P")
        stop(net, "relay.pid")
        client6(net, "relay", "-N", "-P")
        client6(net, "relay", "-N", "-P", "-r")
        client6(net, "client")
        net.write(net_path)


CHRONY = """local stratum {stratum}
allow all
bindcmdaddress /
cmdport 0
port {port}
driftfile {folder}/drift-{name}
pidfile {folder}/{name}.pid
keyfile {folder}/keys
{more}
"""


def ntp(net_path):
    """A chronyd that believes its own clock, one that asks it, with a key too, and a peer; a monitoring query and a private one."""
    with pair() as net:
        os.chmod(net.file("keys", "1 MD5 HEX:00112233445566778899AABBCCDDEEFF\n"), 0o600)
        net.record("left", "eth0", "port 123")
        for host, name, stratum, port, more in (
                ("left", "server", 3, 123, "broadcast 2 192.0.2.255"),
                ("right", "client", 10, 123, "server 192.0.2.1 iburst minpoll 0 maxpoll 1\nserver 2001:db8::1 iburst key 1 minpoll 0 maxpoll 1 xleave\n"
                 "peer 192.0.2.1 port 123 minpoll 0 maxpoll 1")):
            conf = net.file(name + ".conf", CHRONY.format(folder=net.folder, name=name, stratum=stratum, port=port, more=more))
            net.start(host, "chronyd", "-d", "-x", "-u", "root", "-P", 0, "-f", conf, said="root privileges")
        time.sleep(6)
        for message in ("160200010000000000000000", "17 00 03 2a 00 00 00 00" + "00" * 40, "1b" + "00" * 47):
            net.run("right", "python3", "-c", "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                    "s.sendto(bytes.fromhex('%s'), ('192.0.2.1', 123))" % message)
        net.write(net_path)


RSYSLOG = """global(workDirectory="{folder}")
module(load="imudp")
module(load="imtcp")
input(type="imudp" port="514")
input(type="imtcp" port="514")
*.* action(type="omfile" file="{folder}/out")
"""

RSYSLOG_RELAY = """global(workDirectory="{folder}" localHostname="relay.example.org")
module(load="imudp")
input(type="imudp" port="5514" address="127.0.0.1")
*.* action(type="omfwd" target="192.0.2.1" port="514" protocol="udp" template="RSYSLOG_TraditionalForwardFormat")
*.* action(type="omfwd" target="192.0.2.1" port="514" protocol="udp" template="RSYSLOG_ForwardFormat")
*.* action(type="omfwd" target="192.0.2.1" port="514" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format")
*.* action(type="omfwd" target="192.0.2.1" port="514" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format" TCP_Framing="octet-counted")
"""


NAMED_HOST = ("unshare", "--uts", "sh", "-c", 'hostname right.example.org && exec "$0" "$@"')


def syslog(net_path):
    """logger in both forms over UDP and TCP, with structured data; an rsyslogd that passes on in four ways."""
    with pair() as net:
        net.record("left", "eth0", "port 514")
        for host, conf in (("left", RSYSLOG), ("right", RSYSLOG_RELAY)):
            net.start(host, *NAMED_HOST, "rsyslogd", "-n", "-iNONE", "-f", net.file(host + ".conf", conf.format(folder=net.folder)))
        time.sleep(2)
        log = (*NAMED_HOST, "logger", "--server", "192.0.2.1", "--port", 514, "--tag", "backup", "--id=77")
        net.run("right", *log, "--udp", "--rfc3164", "-p", "local3.err", "disk full: /srv")
        net.run("right", *log, "--udp", "--rfc5424=notq", "-p", "auth.notice", "--sd-id", "zoo@123", "--sd-param", "tiger=\"hungry\"", "--msgid", "ID7", "with data")
        net.run("right", *log, "--tcp", "--rfc5424", "-p", "cron.info", "over TCP")
        net.run("right", *log, "--tcp", "--octet-count", "--rfc5424", "-p", "daemon.debug", "counted")
        net.run("right", *log, "--tcp", "--rfc3164", "-p", "kern.emerg", "a line")
        for text in ("first", "second", "third"):
            net.run("right", *NAMED_HOST, "logger", "--server", "127.0.0.1", "--port", 5514, "--udp", "--rfc3164", "--tag", "app", "--id=5", text)
        time.sleep(2)
        net.write(net_path)


CAPTURES = {make.__name__: make for make in (netbios, dhcp, ssdp, dns_bind, mdns, dhcpv6, ntp, syslog)}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_names: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
