#!/usr/bin/python3
"""Records file and desktop servers in network namespaces: smb.pcap, rdp.pcap, vnc.pcap. Takes root.

    capture_desktop.py [NAME ...]
    capture_desktop.py --packages     the Debian packages it needs
"""
import os
import sys
import time

from namespaces import pair

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PACKAGES = ("iproute2", "tcpdump", "ethtool", "samba", "smbclient", "samba-common-bin", "tigervnc-standalone-server", "python3")

SMB_CONF = """[global]
  workgroup = EXAMPLE
  netbios name = FILES
  server min protocol = NT1
  lock directory = %(folder)s
  state directory = %(folder)s
  cache directory = %(folder)s
  pid directory = %(folder)s
  private dir = %(folder)s
  ncalrpc dir = %(folder)s/rpc
  log file = %(folder)s/log
  map to guest = Bad User
  load printers = no
  disable spoolss = yes
[docs]
  path = %(folder)s/docs
  read only = no
  guest ok = yes
  force user = root
[secret]
  path = %(folder)s/docs
  smb encrypt = required
"""


def smb(path):
    """Samba: SMB 3.11, 2.02 and 1, files, a share that is not there, a wrong password, an encrypted share, a pipe asked what shares there are."""
    with pair() as net:
        config = net.file("smb.conf", SMB_CONF % {"folder": net.folder})
        client_conf = net.file("client.conf", "[global]\n  client min protocol = NT1\n  workgroup = EXAMPLE\n  netbios name = DESK\n")
        for name in ("docs", "rpc"):
            os.mkdir(net.path(name))
        with open(net.path("docs/letter.txt"), "w", encoding="ascii") as letter:
            letter.write("Dear all,\n" * 300)
        net.run("right", "sh", "-c", "printf 'secret\\nsecret\\n' | smbpasswd -c %s -s -a root" % config)
        net.start("right", "smbd", "--foreground", "--no-process-group", "--configfile=" + config)
        time.sleep(2)
        net.record("left", "eth0", "tcp port 445 or tcp port 139")
        client = ("smbclient", "--configfile=" + client_conf, "-p", "445", "-U", "EXAMPLE/root%secret")
        for protocol in ("SMB3_11", "SMB2_02", "NT1"):
            net.run("left", *client, "-m", protocol, "//192.0.2.2/docs", "-c", "ls; get letter.txt /dev/null; put /etc/hostname n\u00e4me.txt; rm n\u00e4me.txt",
                    good=None)
        net.run("left", *client, "-L", "192.0.2.2", good=None)
        net.run("left", *client, "//192.0.2.2/nothing", "-c", "ls", good=None)
        net.run("left", *client[:-1], "EXAMPLE/root%wrong", "//192.0.2.2/docs", "-c", "ls", good=None)
        net.run("left", *client, "--client-protection=encrypt", "//192.0.2.2/secret", "-c", "ls", good=None)
        net.write(path)


VNC_CLIENT = r"""
import socket, struct, time
def connect(security):
    s = socket.create_connection(("192.0.2.2", 5901))
    s.recv(12)
    s.sendall(b"RFB 003.008\n")
    s.recv(64)
    s.sendall(bytes([security]))
    s.recv(4)
    s.sendall(b"\x01")
    s.recv(256)
    s.sendall(struct.pack("!BBHHHH", 3, 0, 0, 0, 16, 16))
    time.sleep(0.3)
    s.recv(4096)
    s.close()
connect(1)
"""


def vnc(path):
    """Xtigervnc without a password, and a client that asks for sixteen by sixteen pixels."""
    with pair() as net:
        net.start("right", "Xtigervnc", ":1", "-rfbport", "5901", "-SecurityTypes", "None", "-geometry", "640x480", "-depth", "16", "-desktop",
                  "example desk")
        time.sleep(2)
        net.record("left", "eth0", "tcp port 5901")
        net.run("left", sys.executable, "-c", VNC_CLIENT)
        net.write(path)


CAPTURES = {"smb": smb, "vnc": vnc}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_desktop: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
