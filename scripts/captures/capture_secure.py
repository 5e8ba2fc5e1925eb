#!/usr/bin/python3
"""Records dtls.pcap (openssl with itself) and quic_browser.pcap (Chromium, that nobody answers) in network namespaces. Takes root.

    capture_secure.py [NAME ...]      into pcaps/
    capture_secure.py --packages      the Debian packages it needs
"""
import os
import subprocess
import sys
import time

from namespaces import pair

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
LIMIT_S = 40 # a server that ends when its input does gets some that lasts
SINK = "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('192.0.2.2', 443)); time.sleep(30)"
PACKAGES = ("iproute2", "tcpdump", "ethtool", "openssl", "chromium")


def dtls(path):
    """1.2 and 1.0, over both IP versions; a cookie first; hellos in fragments; a session resumed; a client that is refused."""
    key = ("-cert", "cert.pem", "-key", "key.pem")
    servers = ((4433, ("-dtls1_2", "-alpn", "coap,webrtc")), (4434, ("-dtls1", "-cipher", "ALL:@SECLEVEL=0")), (4435, ("-dtls1_2", "-listen")),
               (4436, ("-dtls1_2", "-mtu", "256")))
    clients = (("192.0.2.2:4433", ("-dtls1_2", "-servername", "one.dtls.example.org", "-alpn", "webrtc,c-webrtc", "-sess_out", "session")),
               ("[2001:db8::2]:4433", ("-dtls1_2", "-servername", "again.dtls.example.org", "-sess_in", "session")),
               ("192.0.2.2:4434", ("-dtls1", "-cipher", "ALL:@SECLEVEL=0", "-servername", "old.dtls.example.org")),
               ("192.0.2.2:4435", ("-dtls1_2", "-servername", "cookie.dtls.example.org")),
               ("192.0.2.2:4436", ("-dtls1_2", "-mtu", "256", "-servername", "pieces.dtls.example.org")),
               ("192.0.2.2:4433", ("-dtls1_2", "-cipher", "PSK", "-psk", "00", "-servername", "refused.dtls.example.org")))
    with pair() as net:
        os.chdir(net.folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem",
                        "-out", "cert.pem", "-days", "3650", "-subj", "/CN=dtls.example.org"], check=True, capture_output=True)
        net.record("left", "eth0", "udp")
        for port, arguments in servers:
            net.start("right", "timeout", LIMIT_S, "sh", "-c", 'sleep "$0" | openssl s_server "$@"', LIMIT_S, "-accept", port, *key, *arguments)
        time.sleep(0.5)
        for end, arguments in clients:
            net.run("left", "sh", "-c", 'sleep 1 | timeout 4 openssl s_client "$@"', "client", "-connect", end, *arguments, good=None)
            time.sleep(0.2)
        net.write(path)


def quic_browser(path):
    """What a browser says first: a ClientHello with a post-quantum key, in pieces over two packets."""
    with pair() as net:
        net.record("left", "eth0", "udp port 443 and src host 192.0.2.1")
        net.start("right", sys.executable, "-c", SINK)
        net.run("left", "timeout", 6, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--user-data-dir=" + net.path("browser"), "--origin-to-force-quic-on=www.quic.example.org:443",
                "--host-resolver-rules=MAP * 192.0.2.2", "--dump-dom", "https://www.quic.example.org/", good=None)
        net.write(path)


CAPTURES = {"dtls": dtls, "quic_browser": quic_browser}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_secure: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
