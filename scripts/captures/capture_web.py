#!/usr/bin/python3
"""Writes captures of what real servers and clients of the web say, in network namespaces of its own; times, ports and keys differ from
run to run.

    capture_web.py [NAME ...]     as root: all of them, or those named, into pcaps/
    capture_web.py --packages     the Debian packages it needs (nothing is installed)
"""
import os
import sys
import time

from namespaces import pair

PACKAGES = ("iproute2", "tcpdump", "ethtool", "openssl", "nginx", "curl", "nghttp2-server", "nghttp2-client", "python3-websockets")
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PYTHON, SERVER = "/usr/bin/python3", "192.0.2.2"
WEAK = ("-cipher", "ALL:@SECLEVEL=0")  # the versions before 1.2 are only to be had like this

EXTENSIONS = """[leaf]
subjectAltName = DNS:www.example.org, DNS:*.example.net, IP:192.0.2.2, IP:2001:db8::2, email:admin@example.org
"""


def openssl(net, *command):
    return net.run("right", "openssl", *command)


def certificate(net):
    """A leaf and who signed it: chain.pem, leaf.key."""
    extensions = net.file("extensions", EXTENSIONS)
    root, leaf = net.path("root.key"), net.path("leaf.key")
    openssl(net, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", root, "-out", net.path("root.pem"), "-days", "3650",
            "-subj", "/C=DE/O=Example Authority/CN=Example Root/emailAddress=ca@example.org")
    openssl(net, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", leaf, "-out", net.path("leaf.csr"),
            "-subj", "/C=DE/ST=Hessen/L=Frankfurt/O=Example/OU=Web/CN=www.example.org")
    openssl(net, "x509", "-req", "-in", net.path("leaf.csr"), "-CA", net.path("root.pem"), "-CAkey", root, "-set_serial",
            "0x0102030405060708090a0b0c0d0e0f10", "-days", "397", "-extfile", extensions, "-extensions", "leaf", "-out", net.path("leaf.pem"))
    with open(net.path("chain.pem"), "w", encoding="ascii") as chain:
        for part in ("leaf.pem", "root.pem"):
            with open(net.path(part), encoding="ascii") as pem:
                chain.write(pem.read())


def client(net, port, *options):
    net.run("left", "openssl", "s_client", "-connect", "%s:%d" % (SERVER, port), "-servername", "www.example.org", *options,
            good=None, input="Q\n")


def tls_versions(net_path):
    """Each version that the library can do, with a chain of two certificates; sessions resumed by ticket, by id and by PSK; a
    HelloRetryRequest; a client that does not trust and one that finds no version in common."""
    with pair() as net:
        certificate(net)
        chain = ("-cert", net.path("leaf.pem"), "-cert_chain", net.path("root.pem"), "-key", net.path("leaf.key"), "-quiet")
        net.start("right", "openssl", "s_server", "-accept", 4433, *WEAK, *chain, "-alpn", "h2,http/1.1")
        net.start("right", "openssl", "s_server", "-accept", 4434, *chain, "-no_ticket", "-tls1_2")
        net.start("right", "openssl", "s_server", "-accept", 4435, *chain, "-groups", "P-384", "-tls1_3")
        time.sleep(1)
        net.record("left", "eth0", "tcp")
        for version in ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3"):
            client(net, 4433, version, *WEAK, "-alpn", "http/1.1", "-sess_out", net.path("session" + version))
        for port, version in ((4433, "-tls1_2"), (4433, "-tls1_3"), (4434, "-tls1_2")):
            if port == 4434:
                client(net, port, version, "-no_ticket", "-sess_out", net.path("session" + version))
            client(net, port, version, "-sess_in", net.path("session" + version))
        client(net, 4435, "-groups", "X25519:P-384")
        client(net, 4434, "-tls1_2", "-verify_return_error", "-verify", "3")
        client(net, 4435, "-tls1_2")
        net.write(net_path)


NGINX = """daemon off;
pid %(folder)s/nginx.pid;
error_log stderr notice;
events { }
http {
	access_log off;
	client_body_temp_path %(folder)s/body;
	proxy_temp_path %(folder)s/proxy;
	fastcgi_temp_path %(folder)s/fastcgi;
	uwsgi_temp_path %(folder)s/uwsgi;
	scgi_temp_path %(folder)s/scgi;
	gzip on;
	gzip_types *;
	server {
		listen 8081;
		listen [::]:8081;
		root %(folder)s/www;
		location /moved { return 301 /page.html; }
		location /form { return 204; }
	}
	server {
		listen 8082 http2;
		root %(folder)s/www;
		location /moved { return 302 /page.html; }
		location /none { return 404; }
	}
}
"""


PIPELINE = """
import socket
s = socket.create_connection(("%s", 8081))
s.sendall(b"".join(b"%%s /page.html?n=%%d HTTP/1.1\\r\\nHost: pipe.example.org\\r\\n%%s\\r\\n" %% (m, n, b"Connection: close\\r\\n" * (n == 3))
                   for n, m in enumerate((b"GET", b"HEAD", b"GET", b"GET"))))
while s.recv(65536):
    pass
"""


def web(net):
    """A page that nginx serves; the path of its configuration."""
    os.mkdir(net.path("www"))
    net.file("www/page.html", "<title>page</title>\n" + "x" * 2000 + "\n")
    os.chmod(net.path("www"), 0o755)
    return net.file("nginx.conf", NGINX % {"folder": net.folder})


def http_nginx(net_path):
    """nginx and curl: several requests on one connection, of them one compressed and so in chunks, HEAD, POST, a redirection, a
    part of a page, an answer of 404; four requests at once."""
    with pair() as net:
        net.start("right", "nginx", "-c", web(net))
        time.sleep(1)
        net.record("left", "eth0", "tcp")
        there = "http://%s:8081/" % SERVER
        common = ("-s", "-o", "/dev/null", "-A", "probe/1.1 (example)", "-H", "Host: www.example.org")
        net.run("left", "curl", *common, there + "page.html", "--next", *common, "--compressed", there + "page.html", "--next",
                *common, "-I", there + "page.html", "--next", *common, "-d", "name=anna", "-e", there, there + "form", "--next",
                *common, there + "moved", "--next", *common, "-r", "0-99", there + "page.html", "--next", *common, there + "none")
        net.run("left", "curl", "-s", "-0", "-g", "-o", "/dev/null", "http://[2001:db8::2]:8081/page.html", good=None)
        net.run("left", PYTHON, "-c", PIPELINE % SERVER)
        net.write(net_path)


def http2(net_path):
    """nginx and nghttpd without TLS; curl and nghttp that know it already: one request with a body, several on one connection."""
    with pair() as net:
        net.start("right", "nginx", "-c", web(net))
        net.start("right", "nghttpd", "--no-tls", "-d", net.path("www"), "8083")
        time.sleep(1)
        net.record("left", "eth0", "tcp")
        known = ("curl", "-s", "--http2-prior-knowledge", "-o", "/dev/null", "-A", "probe/2.0 (example)")
        there = "http://%s:%%d" % SERVER
        net.run("left", *known, there % 8082 + "/moved?a=1")
        net.run("left", *known, "-H", "Host: www.example.org", "-e", "http://www.example.org/", "-d", "name=anna", there % 8083 + "/page.html")
        for port in (8082, 8083):
            net.run("left", "nghttp", "-n", "-H", "user-agent: nghttp example", *(there % port + path for path in ("/page.html", "/none", "/a/")))
        net.write(net_path)


WEBSOCKET_SERVER = """
import asyncio, websockets
async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosed:
        pass
async def main():
    async with websockets.serve(lambda s, *path: echo(s), "%s", 8084, subprotocols=["chat.example"], compression=None):
        print("ready", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
WEBSOCKET_CLIENT = """
import asyncio, websockets
async def main():
    async with websockets.connect("ws://%s:8084/chat", subprotocols=["chat.example"], compression=None) as s:
        for message in ("hello", b"bytes", "x" * 300, ["in ", "three ", "parts"]):
            await s.send(message)
            await s.recv()
        await (await s.ping(b"are you there"))
        await s.send(b"y" * 9000)
        await s.recv()
        await s.close(1001, "going away")
asyncio.run(main())
"""


def websocket(net_path):
    """Texts, bytes, a message in three frames, ping and pong, a frame with a long length, the end."""
    with pair() as net:
        net.start("right", PYTHON, "-c", WEBSOCKET_SERVER % SERVER, said="ready")
        net.record("left", "eth0", "tcp")
        net.run("left", PYTHON, "-c", WEBSOCKET_CLIENT % SERVER)
        net.write(net_path)


CAPTURES = {make.__name__: make for make in (tls_versions, http_nginx, http2, websocket)}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_web: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
