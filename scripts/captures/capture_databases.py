#!/usr/bin/python3
"""Records servers of data and their clients in network namespaces: mariadb.pcap, mosquitto.pcap, redis_cli.pcap, psql.pcap. Takes root.

    capture_databases.py [NAME ...]
    capture_databases.py --packages     the Debian packages it needs

Names and passwords are of these captures only."""
import glob
import os
import sys
import time

from namespaces import pair

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PACKAGES = ("iproute2", "tcpdump", "ethtool", "openssl", "mariadb-server", "mariadb-client", "mosquitto", "mosquitto-clients",
            "redis-server", "redis-tools", "postgresql", "postgresql-client")
HERE, THERE = "192.0.2.2", "2001:db8::2"


def certificate(net, owner=None):
    key, cert = net.path("key.pem"), net.path("cert.pem")
    net.run("right", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 30,
            "-subj", "/CN=data.example.org", "-keyout", key, "-out", cert)
    os.chmod(os.path.dirname(key), 0o755)
    os.chmod(key, 0o600)
    if owner:
        net.run("right", "chown", owner, key, cert)
    else:
        os.chmod(key, 0o644)
    return key, cert


def folder(net, name, owner):
    path = net.path(name)
    os.mkdir(path)
    net.run("right", "chown", owner, path)
    os.chmod(os.path.dirname(path), 0o755)
    return path


MYSQL_SETUP = """CREATE DATABASE shop; CREATE USER clerk@'%' IDENTIFIED BY 'clerkword'; GRANT ALL ON shop.* TO clerk@'%';
CREATE TABLE shop.orders (number INT PRIMARY KEY, name VARCHAR(40)); FLUSH PRIVILEGES;"""
MYSQL_TALK = """INSERT INTO orders VALUES (1, 'one'), (2, 'two'), (3, 'three'); SELECT * FROM orders; UPDATE orders SET name = 'some';
SELECT * FROM orders WHERE number > 10; SET PASSWORD = PASSWORD('clerkword'); PREPARE p FROM 'SELECT 1';
EXECUTE p; USE shop; CREATE TABLE orders (number INT);"""


def mariadb(path):
    """MariaDB: a login and statements, some that fail; a wrong password; TLS; a client that asks over IPv6."""
    with pair() as net:
        data = folder(net, "mysql", "mysql")
        key, cert = certificate(net, "mysql")
        net.run("right", "mariadb-install-db", "--user=mysql", "--datadir=" + data, "--skip-test-db")
        net.start("right", "mariadbd", "--no-defaults", "--user=mysql", "--datadir=" + data, "--socket=" + os.path.join(data, "socket"), "--bind-address=*",
                  "--ssl-cert=" + cert, "--ssl-key=" + key, "--skip-name-resolve", "--innodb-buffer-pool-size=8M")
        time.sleep(6)
        net.run("right", "mariadb", "--no-defaults", "-S", os.path.join(data, "socket"), "-e", MYSQL_SETUP)
        net.record("left", "eth0", "tcp port 3306")

        def client(*arguments, host=HERE, good=(0, 1)):
            net.run("left", "mariadb", "--no-defaults", "-h", host, "-u", "clerk", *arguments, good=good)
        client("-pclerkword", "--skip-ssl", "-f", "-e", MYSQL_TALK, "shop")
        client("-pwrong", "--skip-ssl", "-e", "SELECT 1")
        client("-pclerkword", "--ssl", "-e", "SELECT 1", "shop", host=THERE)
        client("-pclerkword", "--skip-ssl", "-e", "SHOW TABLES", "shop", host=THERE)
        net.write(path)


def mosquitto(path):
    """Mosquitto: versions 3.1, 3.1.1 and 5, subscriptions, messages of each quality of service, a will, a name and password, a refusal."""
    with pair() as net:
        words = net.path("words")
        net.run("right", "mosquitto_passwd", "-b", "-c", words, "keeper", "keeperword")
        os.chmod(words, 0o644)
        os.chmod(os.path.dirname(words), 0o755)
        config = net.file("mosquitto.conf", "listener 1883\nallow_anonymous true\npassword_file %s\nuser root\n" % words)
        net.start("right", "mosquitto", "-c", config)
        time.sleep(1)
        net.record("left", "eth0", "tcp port 1883")
        for version, name in (("mqttv31", "one"), ("mqttv311", "two"), ("mqttv5", "five")):
            net.start("left", "mosquitto_sub", "-h", HERE, "-V", version, "-i", "reader-" + name, "-t", "house/%s/#" % name, "-t", "house/+/door, open",
                      "-q", 1, "-U", "house/attic", "-C", 3)
            time.sleep(0.5)
            for qos in (0, 1, 2):
                net.run("left", "mosquitto_pub", "-h", HERE, "-V", version, "-i", "writer-" + name, "-u", "keeper", "-P", "keeperword", "-q", qos,
                        "-t", "house/%s/%d" % (name, qos), "-m", "21.%d degrees" % qos, "--will-topic", "house/gone", "--will-payload", "gone",
                        "--will-qos", 1, "--will-retain")
        net.run("left", "mosquitto_pub", "-h", HERE, "-V", "mqttv311", "-i", "guest", "-u", "guest", "-P", "guestword", "-t", "a", "-m", "b", good=(0, 5))
        net.run("left", "mosquitto_pub", "-h", THERE, "-V", "mqttv5", "-t", "house/long", "-r", "-m", "x" * 6000,
                "-D", "publish", "user-property", "colour", "red")
        time.sleep(0.5)
        net.write(path)


def redis_cli(path):
    """redis-cli in both versions of the protocol, a user and password, a wrong one, many commands at once, a large value, a subscription."""
    with pair() as net:
        net.start("right", "redis-server", "--bind", HERE, THERE, "--protected-mode", "no", "--save", "", "--user", "clerk", "on", ">clerkword", "~*", "+@all",
                  "--dir", "/")
        time.sleep(1)
        net.record("left", "eth0", "tcp port 6379")

        def client(*arguments, text="", host=HERE):
            net.run("left", "redis-cli", "-h", host, *arguments, good=(0, 1), input=text)
        client("--pipe", text="CLIENT SETNAME till\r\nSET greeting hello\r\nGET greeting\r\nGET nothing\r\nLPUSH list a b c\r\nLRANGE list 0 -1\r\n"
                              "INCR greeting\r\nSELECT 3\r\nKEYS *\r\nBOGUS\r\nSET big %s\r\nGET big\r\n" % ("x" * 5000))
        client("--user", "clerk", "-a", "clerkword", "HSET", "hash", "field", "value")
        client("--user", "clerk", "-a", "wrong", "-3", "PING", host=THERE)
        for command in (("HGETALL", "hash"), ("CONFIG", "GET", "maxmemory"), ("EVAL", "return 1", "0"), ("INFO", "server"), ("GET", "hash")):
            client("-3", *command, host=THERE)
        client("--pipe", text="".join("SET key:%d %d\r\n" % (n, n) for n in range(40)))
        net.start("left", "redis-cli", "-h", HERE, "SUBSCRIBE", "news")
        time.sleep(0.5)
        client("PUBLISH", "news", "all is well")
        time.sleep(0.5)
        net.write(path)


POSTGRESQL_TALK = """CREATE TABLE orders (number int PRIMARY KEY, name text); INSERT INTO orders VALUES (1, 'one'), (2, 'two');
SELECT * FROM orders;
SELECT nothing FROM orders;
ALTER USER clerk PASSWORD 'clerkword';
SELECT repeat('x', 5000);
"""


def psql(path):
    """psql: SCRAM, MD5 and no password, without TLS, with it, and refused it; statements, a failure, COPY."""
    with pair() as net:
        tools = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        data = folder(net, "postgresql", "postgres")
        key, cert = certificate(net, "postgres")
        as_user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
        net.run("right", *as_user, os.path.join(tools, "initdb"), "-D", data, "-A", "trust", "--no-sync")
        with open(os.path.join(data, "pg_hba.conf"), "w") as hba:
            hba.write("local all all trust\nhostssl all all 2001:db8::/64 scram-sha-256\nhost all reader 192.0.2.0/24 trust\n"
                      "host all old 192.0.2.0/24 md5\nhost all clerk 192.0.2.0/24 scram-sha-256\n")

        def server(tls):
            return net.start("right", *as_user, os.path.join(tools, "postgres"), "-D", data, "-c", "listen_addresses=*", "-c", "ssl=" + tls,
                             "-c", "ssl_cert_file=" + cert, "-c", "ssl_key_file=" + key, "-c", "unix_socket_directories=" + data, "-c", "shared_buffers=8MB")
        first = server("off")
        time.sleep(3)
        net.run("right", *as_user, "psql", "-h", data, "-d", "postgres", "-c", "CREATE ROLE clerk SUPERUSER LOGIN PASSWORD 'clerkword'", "-c",
                "CREATE ROLE reader LOGIN", "-c", "SET password_encryption = md5", "-c", "CREATE ROLE old LOGIN PASSWORD 'oldword'")
        net.record("left", "eth0", "tcp port 5432")

        def client(user, *arguments, host=HERE, word="", tls="prefer", text=""):
            net.run("left", "env", "PGPASSWORD=" + word, "psql", "-X", "-q", "host=%s user=%s dbname=postgres sslmode=%s" % (host, user, tls), *arguments,
                    good=(0, 1, 2), input=text)
        client("clerk", word="clerkword", text=POSTGRESQL_TALK + "COPY orders FROM STDIN;\n3\tthree\n4\tfour\n\\.\nSELECT 1 \\bind \\g\n")
        client("clerk", "-c", "SELECT 1", word="wrong", tls="disable")
        client("reader", "-c", "SELECT now()", tls="disable")
        client("old", "-c", "SHOW server_version", word="oldword")
        client("nobody", "-c", "SELECT 1", tls="disable")
        first.terminate()
        first.wait(10)
        server("on")
        time.sleep(3)
        client("clerk", "-c", "SELECT 1", host=THERE, word="clerkword", tls="require")
        net.write(path)


CAPTURES = {"mariadb": mariadb, "mosquitto": mosquitto, "redis_cli": redis_cli, "psql": psql}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_databases: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
