#!/usr/bin/python3
"""Records servers and their clients in network namespaces: databases, caches, brokers, routers. Takes root.

    capture_servers.py [NAME ...]
    capture_servers.py --packages     the Debian packages it needs
"""
import glob
import os
import shutil
import sys
import time

from namespaces import pair

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PACKAGES = ("iproute2", "tcpdump", "ethtool", "openssl", "memcached", "frr", "python3", "mariadb-server", "mariadb-client", "postgresql", "redis-server",
            "redis-tools", "mosquitto", "mosquitto-clients")

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


REDIS_CLIENT = r"""
import socket
s = socket.create_connection(("192.0.2.2", 6379))
for line in ("AUTH secret", "CLIENT SETNAME shop", "SET colour green", "GET colour", "LPUSH list a b c", "LRANGE list 0 -1", "INCR colour",
             "HELLO 3", "CONFIG GET maxmemory", "HGETALL nothing"):
    words = line.split()
    s.sendall(("*%d\r\n" % len(words) + "".join("$%d\r\n%s\r\n" % (len(w), w) for w in words)).encode())
    s.recv(65536)
s.close()
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


def certificate(net):
    net.run("left", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "36500", "-subj",
            "/CN=db.example.org", "-keyout", net.path("key.pem"), "-out", net.path("cert.pem"))
    for name in ("key.pem", "cert.pem"):
        os.chmod(net.path(name), 0o644)


def owned(net, name, user):
    """A folder that belongs to a user."""
    os.mkdir(net.path(name))
    shutil.chown(net.path(name), user)
    return net.path(name)


def waited(net, host, *command):
    """Until the command ends well."""
    for _ in range(60):
        try:
            return net.run(host, *command)
        except RuntimeError:
            time.sleep(0.5)
    raise RuntimeError("%s never worked" % " ".join(map(str, command)))


def mysql(path):
    """MariaDB: a login, queries, an error, prepared statements; a wrong password; a connection that goes over to TLS."""
    with pair() as net:
        certificate(net)
        folder = owned(net, "data", "mysql")
        net.run("right", "mariadb-install-db", "--user=mysql", "--datadir=" + folder, "--auth-root-authentication-method=normal",
                "--skip-test-db")
        net.start("right", "mariadbd", "--no-defaults", "--user=mysql", "--datadir=" + folder, "--socket=" + os.path.join(folder, "s"),
                  "--bind-address=192.0.2.2", "--ssl-cert=" + net.path("cert.pem"), "--ssl-key=" + net.path("key.pem"))
        setup = "CREATE DATABASE shop; CREATE USER alice IDENTIFIED BY 'secret'; GRANT ALL ON shop.* TO alice;"
        waited(net, "right", "mariadb", "--no-defaults", "-uroot", "--socket=" + os.path.join(folder, "s"), "-e", setup)
        net.record("left", "eth0", "tcp port 3306")
        client = ("mariadb", "--no-defaults", "-h192.0.2.2", "-ualice", "-psecret")
        net.run("left", *client, "--skip-ssl", "shop", "-e", "CREATE TABLE t (a INT, b TEXT); INSERT INTO t VALUES (1,'x'),(2,'y'); SELECT * FROM t; "
                "PREPARE p FROM 'SELECT ?'; SELECT nothing FROM nowhere", good=(1,))
        net.run("left", *client[:-1], "-pwrong", "--skip-ssl", "-e", "SELECT 1", good=(1,))
        net.run("left", *client, "--ssl", "-e", "SELECT 1")
        net.write(path)


def postgresql(path):
    """A login by SCRAM, queries, an error, a cancellation; a connection over TLS; a wrong password."""
    with pair() as net:
        certificate(net)
        folder = owned(net, "data", "postgres")
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        net.file("word", "secret\n")
        os.chmod(net.path("word"), 0o644)
        as_postgres = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
        net.run("right", *as_postgres, programs + "/initdb", "-D", folder + "/db", "-U", "alice", "--pwfile=" + net.path("word"), "-A",
                "scram-sha-256")
        for name in ("key.pem", "cert.pem"):
            shutil.copy(net.path(name), folder)
            shutil.chown(os.path.join(folder, name), "postgres")
            os.chmod(os.path.join(folder, name), 0o600)
        with open(folder + "/db/pg_hba.conf", "a", encoding="ascii") as rules:
            rules.write("host all all 192.0.2.0/24 scram-sha-256\n")
        net.start("right", *as_postgres, programs + "/postgres", "-D", folder + "/db", "-c", "listen_addresses=192.0.2.2", "-c",
                  "unix_socket_directories=" + folder, "-c", "ssl=on", "-c", "ssl_cert_file=%s/cert.pem" % folder, "-c",
                  "ssl_key_file=%s/key.pem" % folder)
        target = "host=192.0.2.2 user=alice dbname=postgres application_name=shop sslmode=%s"
        psql = ("env", "PGPASSWORD=secret", programs + "/psql")
        waited(net, "left", *psql, target % "disable", "-c", "SELECT 1")
        net.record("left", "eth0", "tcp port 5432")
        net.run("left", *psql, target % "disable", "-c", "CREATE TABLE t (a int, b text)", "-c", "INSERT INTO t VALUES (1,'x'),(2,'y')", "-c",
                "SELECT * FROM t", "-c", "SELECT nothing FROM nowhere", good=(1,))
        net.run("left", "env", "PGPASSWORD=wrong", programs + "/psql", target % "disable", "-c", "SELECT 1", good=(2,))
        net.run("left", *psql, target % "require", "-c", "SELECT 1")
        net.run("left", "timeout", "--signal=INT", "1", *psql, target % "disable", "-c", "SELECT pg_sleep(5)", good=None)
        net.write(path)


def redis(path):
    """Commands with and without events, an error, a wrong password, a subscription, a pipeline, a value of 5 KB."""
    with pair() as net:
        net.start("right", "redis-server", "--bind", "192.0.2.2", "--port", "6379", "--save", "", "--requirepass", "secret")
        cli = ("redis-cli", "-h", "192.0.2.2")
        waited(net, "left", *cli, "-a", "secret", "PING")
        net.record("left", "eth0", "tcp port 6379")
        net.run("left", *cli, "GET", "colour", good=None)
        net.run("left", *cli, "-a", "wrong", "PING", good=None)
        net.run("left", *cli, "-a", "secret", "-n", "3", "SET", "big", "x" * 5000)
        net.run("left", sys.executable, "-c", REDIS_CLIENT)
        net.run("left", "sh", "-c", "yes 'SET k v' | head -40 | redis-cli -h 192.0.2.2 -a secret --pipe", good=None)
        net.run("left", "timeout", "1", *cli, "-a", "secret", "SUBSCRIBE", "news", good=None)
        net.write(path)


def mqtt(path):
    """mosquitto: versions 3.1.1 and 5, QoS 0 to 2, retained, a will, a wrong user."""
    with pair() as net:
        net.run("right", "mosquitto_passwd", "-b", "-c", net.path("users"), "alice", "secret")
        config = net.file("mosquitto.conf", "listener 1883 192.0.2.2\nallow_anonymous false\npassword_file %s\nuser root\n" % net.path("users"))
        net.start("right", "mosquitto", "-c", config)
        time.sleep(1)
        net.record("left", "eth0", "tcp port 1883")
        user = ("-h", "192.0.2.2", "-u", "alice", "-P", "secret")
        for version in ("mqttv311", "mqttv5"):
            sub = net.start("left", "mosquitto_sub", *user, "-V", version, "-i", "reader-" + version, "-t", "home/+/temperature", "-t", "alarm/#",
                            "-q", "2", "--will-topic", "gone", "--will-payload", "bye")
            time.sleep(0.5)
            for qos in ("0", "1", "2"):
                net.run("left", "mosquitto_pub", *user, "-V", version, "-i", "sensor" + qos, "-t", "home/kitchen/temperature", "-m", "21." + qos, "-q", qos)
            net.run("left", "mosquitto_pub", *user, "-V", version, "-t", "alarm/<b>", "-m", "x" * 3000, "-r")
            sub.terminate()
            sub.wait(5)
        net.run("left", "mosquitto_pub", "-h", "192.0.2.2", "-u", "mallory", "-P", "guess", "-t", "t", "-m", "m", good=None)
        net.write(path)


CAPTURES = {"memcached": memcached, "bgp": bgp, "mysql": mysql, "postgresql": postgresql, "redis": redis, "mqtt": mqtt}


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
