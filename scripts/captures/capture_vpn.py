#!/usr/bin/python3
"""Records VPN daemons in network namespaces: openvpn.pcap, ike.pcap. Takes root.

    capture_vpn.py [NAME ...]
    capture_vpn.py --packages     the Debian packages it needs
"""
import os
import sys
import time

from namespaces import pair

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PACKAGES = ("iproute2", "tcpdump", "ethtool", "iputils-ping", "openssl", "openvpn", "strongswan-charon", "strongswan-swanctl")


def certificates(net):
    """A CA and a certificate for each end."""
    net.run("left", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "36500", "-subj",
            "/CN=Example CA", "-keyout", net.path("ca.key"), "-out", net.path("ca.pem"))
    for name in ("server", "client"):
        net.run("left", "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=%s.example.org" % name, "-keyout", net.path(name + ".key"), "-out", net.path(name + ".csr"))
        net.run("left", "openssl", "x509", "-req", "-in", net.path(name + ".csr"), "-CA", net.path("ca.pem"), "-CAkey", net.path("ca.key"),
                "-CAcreateserial", "-days", "36500", "-out", net.path(name + ".pem"))


def openvpn(path):
    """One connection each: plain, tls-auth, tls-crypt, and over TCP; a ping through it."""
    with pair() as net:
        certificates(net)
        net.run("left", "openvpn", "--genkey", "secret", net.path("ta.key"))
        net.record("left", "eth0", "port 1194 or port 1195 or port 1196")
        ways = (("udp", 1194, ()), ("udp", 1195, ("--tls-auth", net.path("ta.key"))), ("udp", 1196, ("--tls-crypt", net.path("ta.key"))),
                ("tcp", 1194, ()))
        for number, (proto, port, extra) in enumerate(ways):
            common = ["--dev", "tun%d" % number, "--dev-type", "tun", "--ca", net.path("ca.pem"), "--port", port, "--dh", "none", "--verb", "1",
                      "--data-ciphers", "AES-256-GCM", "--ping-restart", "0"]
            ends = []
            for host, role, tls, here, there in (("right", "server", "--tls-server", 1, 2), ("left", "client", "--tls-client", 2, 1)):
                way = extra if not extra or extra[0] != "--tls-auth" else (*extra, "0" if role == "server" else "1")
                kind = proto if proto == "udp" else "tcp-" + role
                remote = () if role == "server" else ("--remote", "192.0.2.2")
                ends.append(net.start(host, "openvpn", *common, "--proto", kind, tls, *remote, *way, "--cert", net.path(role + ".pem"), "--key",
                                      net.path(role + ".key"), "--ifconfig", "10.8.%d.%d" % (number, here), "10.8.%d.%d" % (number, there)))
                time.sleep(0.5)
            time.sleep(4)
            net.run("left", "ping", "-c", "1", "-W", "2", "10.8.%d.1" % number)
            for end in reversed(ends):
                end.terminate()
                end.wait(5)
        net.write(path)


CHARON = """charon {
  port = 500
  port_nat_t = 4500
  load = random nonce openssl gmp aes sha1 sha2 md5 hmac kdf gcm kernel-netlink socket-default updown vici
  plugins { vici { socket = unix://%(folder)s/%(host)s.vici } }
  filelog { %(host)s { path = %(folder)s/%(host)s.log } }
}
"""
CONNECTION = """connections {
  example {
    version = %(version)d
    local_addrs = %(here)s
    remote_addrs = %(there)s
    proposals = %(proposals)s
    encap = %(encap)s
    local { auth = psk
      id = %(id)s }
    remote { auth = psk }
    children { net { local_ts = 10.%(net)d.0.0/16
      remote_ts = 10.%(other)d.0.0/16
      esp_proposals = aes128-sha256 } }
  }
}
secrets { ike { secret = "an example secret" } }
"""


def ike(path):
    """strongSwan with itself: version 2, version 2 behind a NAT's port, version 1."""
    with pair() as net:
        net.record("left", "eth0", "udp port 500 or udp port 4500")
        for version, proposals, encap in ((2, "aes256-sha256-modp2048", "no"), (2, "aes128gcm16-prfsha256-ecp256", "yes"),
                                          (1, "aes128-sha1-modp1536", "no")):
            ends = []
            for host, here, there, n in (("right", "192.0.2.2", "192.0.2.1", 2), ("left", "192.0.2.1", "192.0.2.2", 1)):
                conf = net.file(host + ".strongswan", CHARON % {"host": host, "folder": net.folder})
                text = CONNECTION % {"version": version, "here": here, "there": there, "proposals": proposals, "encap": encap,
                                     "id": host + ".example.org", "net": n, "other": 3 - n}
                swanctl = net.file(host + ".swanctl", text)
                ends.append(net.start(host, "unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run && STRONGSWAN_CONF=%s "
                                      "exec /usr/lib/ipsec/charon" % conf))
                time.sleep(1.5)
                net.run(host, "env", "STRONGSWAN_CONF=" + conf, "swanctl", "--load-all", "--noprompt", "--file", swanctl, "--uri",
                        "unix://%s/%s.vici" % (net.folder, host))
            net.run("left", "env", "STRONGSWAN_CONF=" + net.path("left.strongswan"), "swanctl", "--initiate", "--child", "net", "--timeout", "6",
                    "--uri", "unix://%s/left.vici" % net.folder, good=None)
            time.sleep(0.5)
            for end in reversed(ends):
                end.terminate()
                end.wait(10)
        net.write(path)


CAPTURES = {"openvpn": openvpn, "ike": ike}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_vpn: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
