#!/usr/bin/python3
"""Writes captures of protocols that people could type: what real servers and clients say, in network namespaces of its own.

    capture_text.py [NAME ...]     as root: all of them, or those named, into pcaps/
    capture_text.py --packages     the Debian packages it needs (nothing is installed)

One function a capture, named after it; the client is 192.0.2.1, the server 192.0.2.2. Times, ports and what is encrypted differ from
run to run."""
import os
import shutil
import sys
import time

from namespaces import pair

PACKAGES = ("iproute2", "tcpdump", "ethtool", "openssl", "curl", "vsftpd", "lftp", "ftp", "exim4-daemon-light", "swaks", "openssh-server",
            "openssh-client", "dovecot-imapd", "dovecot-pop3d", "ngircd", "tftpd-hpa", "tftp-hpa", "inetutils-telnetd", "inetutils-telnet", "socat")
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SERVER, SERVER6 = "192.0.2.2", "2001:db8::2"
WAIT_S = 20


def certificate(net):
    net.run("right", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 3650, "-subj",
            "/CN=server.example.org", "-keyout", net.path("key.pem"), "-out", net.path("cert.pem"))
    os.chmod(net.path("key.pem"), 0o644)  # of a daemon that gives up being root
    return net.path("cert.pem"), net.path("key.pem")


def folder(net, name, owner=None):
    path = net.path(name)
    os.mkdir(path)
    if owner is not None:
        shutil.chown(path, owner, owner)
    return path


def typed(words, pause=0.3):
    """A shell's words that type these lines one after the other."""
    return "; ".join("sleep %s; printf '%%s\\r\\n' '%s'" % (pause, word) for word in words)


def listening(net, port):
    end = time.monotonic() + WAIT_S
    while ":%d " % port not in net.run("right", "ss", "-lntu") + " ":
        if time.monotonic() > end:
            raise RuntimeError("nobody listens on port %d" % port)
        time.sleep(0.1)


VSFTPD = """
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
anon_root=%(root)s
local_enable=NO
write_enable=YES
anon_upload_enable=YES
seccomp_sandbox=NO
secure_chroot_dir=%(empty)s
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file=%(cert)s
rsa_private_key_file=%(key)s
"""


def ftp(net_path):
    """curl and lftp: passive and active, over both IP versions, a file that is not there, an upload, a directory, TLS."""
    with pair() as net:
        cert, key = certificate(net)
        root = folder(net, "root")
        folder(net, "root/upload", "ftp")
        net.file("root/file.txt", "a line\n" * 100)
        config = net.file("vsftpd.conf", VSFTPD % {"root": root, "empty": folder(net, "empty"), "cert": cert, "key": key})
        net.start("right", "vsftpd", config)
        listening(net, 21)
        net.record("left", "eth0")
        curl = ("curl", "-s", "-g", "--max-time", 10, "-o", "/dev/null")
        url = "ftp://%s/" % SERVER
        net.run("left", *curl, url + "file.txt")
        net.run("left", *curl, "--disable-epsv", "-I", url + "file.txt")
        net.run("left", *curl, "--ftp-port", "-", "--disable-eprt", url)
        net.run("left", *curl, "--ftp-port", "-", "ftp://[%s]/file.txt" % SERVER6)
        net.run("left", *curl, url + "nothing.txt", good=(78,))
        net.run("left", *curl, "-u", "somebody:a secret", url, good=(67,))
        net.run("left", *curl, "-T", net.path("root/file.txt"), url + "upload/")
        net.run("left", *curl, "--ssl-reqd", "-k", "-I", url + "file.txt")
        net.run("left", "lftp", "-c", "set ftp:ssl-allow no; open %s; cls; cd upload; quote HELP" % url)
        net.write(net_path)


EXIM = """
spool_directory = %(spool)s
log_file_path = %(spool)s/%%slog
pid_file_path = %(spool)s/pid
primary_hostname = mail.example.org
daemon_smtp_ports = 25
tls_certificate = %(cert)s
tls_privatekey = %(key)s
tls_advertise_hosts = *
chunking_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_data = accept_all
begin acl
rcpt:
  deny domains = example.com
  accept
accept_all:
  accept
begin routers
nowhere:
  driver = redirect
  data = :blackhole:
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if eq{$auth3}{a secret}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${if eq{$auth2}{a secret}}
"""


def smtp(net_path):
    """swaks: a mail to two, one refused, log-ins good and bad, pipelining; curl: two mails in one connection, STARTTLS; BDAT by hand."""
    with pair() as net:
        cert, key = certificate(net)
        spool = folder(net, "spool", "Debian-exim")
        config = net.file("exim.conf", EXIM % {"spool": spool, "cert": cert, "key": key})
        net.start("right", "exim4", "-bdf", "-C", config)
        listening(net, 25)
        net.record("left", "eth0")
        swaks = ("swaks", "--server", SERVER, "--ehlo", "client.example.net", "--from", "one@example.net", "--timeout", 10, "--hide-all",
                 "--header", "Message-Id: <1@example.net>")
        net.run("left", *swaks, "--to", "two@example.org,three@example.org", "--header", "Subject: two words")
        net.run("left", *swaks, "--to", "two@example.com", good=None)
        net.run("left", *swaks, "--to", "two@example.org", "--auth", "LOGIN", "--auth-user", "one", "--auth-password", "a secret")
        net.run("left", *swaks, "--to", "two@example.org", "--auth", "PLAIN", "--auth-user", "one", "--auth-password", "wrong", good=None)
        net.run("left", *swaks, "--to", "two@example.org", "--pipeline", "--quit-after", "RCPT")
        mail = net.file("mail", "From: Four <four@example.net>\r\nTo: five@example.org\r\nSubject: by curl\r\n\r\n" + "a line\r\n" * 400 + "..\r\n")
        send = ("--url", "smtp://%s/curl.example.net" % SERVER, "--mail-from", "four@example.net", "--mail-rcpt", "five@example.org", "-T", mail)
        net.run("left", "curl", "-s", "-g", "--max-time", 10, *send, "--next", "-s", *send)
        net.run("left", "curl", "-s", "-g", "-k", "--ssl-reqd", "--max-time", 10, *send)
        session = net.file("session", "EHLO chunks.example.net\r\nMAIL FROM:<six@example.net>\r\nRCPT TO:<seven@example.org>\r\n"
                                      "BDAT 16\r\nSubject: chunks\nBDAT 7 LAST\r\n\nQUIT\r\nQUIT\r\n")
        net.run("left", "sh", "-c", "(sleep 1; cat %s; sleep 1) | socat -t 2 - TCP:%s:25" % (session, SERVER))
        net.write(net_path)


SSHD = """
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
"""


def ssh(net_path):
    """OpenSSH: a log-in and a command; the same with older algorithms; one that is refused; a look at the host keys."""
    with pair() as net:
        for name in ("host", "user", "other"):
            net.run("right", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", net.path(name))
        config = net.file("sshd.conf", SSHD % (SERVER, net.path("host"), net.path("user.pub")))
        net.start("right", "sh", "-c", "mount -t tmpfs none /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f " + config, said="listening")
        net.record("left", "eth0")
        client = ("ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
                  "-o", "IdentitiesOnly=yes", "-i")
        net.run("left", *client, net.path("user"), "root@" + SERVER, "true")
        net.run("left", *client, net.path("user"), "-o", "KexAlgorithms=diffie-hellman-group14-sha256", "-c", "aes128-ctr", "-m", "hmac-sha2-256",
                "-C", "root@" + SERVER, "true")
        net.run("left", *client, net.path("other"), "root@" + SERVER, "true", good=(255,))
        net.run("left", "ssh-keyscan", "-t", "ed25519", SERVER)
        net.write(net_path)


DOVECOT = """
base_dir = %(base)s
log_path = /dev/stderr
listen = %(address)s
protocols = imap pop3
ssl = yes
ssl_cert = <%(cert)s
ssl_key = <%(key)s
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:%(mail)s
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
passdb {
  driver = static
  args = password=a-secret
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%(mail)s
}
"""
MAIL = "From: one@example.org\nTo: two@example.org\nSubject: stored %d\nMessage-ID: <%d@example.org>\n\n" + "a line\n" * 60


def dovecot(net):
    """A mailbox with two mails."""
    cert, key = certificate(net)
    mail = folder(net, "mail")
    for part in ("new", "cur", "tmp"):
        folder(net, "mail/" + part)
    for number in (1, 2):
        net.file("mail/new/170000000%d.M1P1.host" % number, MAIL % (number, number))
    net.run("right", "chown", "-R", "nobody:nogroup", mail)
    config = net.file("dovecot.conf", DOVECOT % {"base": folder(net, "base"), "address": SERVER, "cert": cert, "key": key, "mail": mail})
    net.start("right", "dovecot", "-F", "-c", config, said="starting up")
    listening(net, 143)
    listening(net, 110)


def pop3(net_path):
    """curl: a list, a mail, its head, log-ins by AUTH and by USER, one that fails, STLS; pipelined by hand."""
    with pair() as net:
        dovecot(net)
        net.record("left", "eth0")
        url = "pop3://%s/" % SERVER
        curl = ("curl", "-s", "--max-time", 10, "-o", "/dev/null", "-u", "two:a-secret")
        net.run("left", *curl, url)
        net.run("left", *curl, url + "1")
        net.run("left", *curl, "-X", "TOP 2 0", url)
        net.run("left", *curl, "--login-options", "AUTH=LOGIN", "-l", "-X", "UIDL", url)
        net.run("left", "curl", "-s", "--max-time", 10, "-u", "two:wrong", url, good=(67,))
        net.run("left", *curl, "--ssl-reqd", "-k", url)
        session = net.file("session", "USER two\r\nPASS a-secret\r\nSTAT\r\nLIST 1\r\nDELE 2\r\nRSET\r\nQUIT\r\n")
        net.run("left", "sh", "-c", "(sleep 1; cat %s; sleep 1) | socat -t 2 - TCP:%s:110" % (session, SERVER))
        net.write(net_path)


def imap(net_path):
    """curl: a list, a mail, a search, an upload as a literal, log-ins, one that fails, STARTTLS; ID and IDLE by hand."""
    with pair() as net:
        dovecot(net)
        net.record("left", "eth0")
        url = "imap://%s/" % SERVER
        curl = ("curl", "-s", "--max-time", 10, "-o", "/dev/null", "-u", "two:a-secret")
        net.run("left", *curl, url)
        net.run("left", *curl, "--login-options", "AUTH=*", url + "INBOX;MAILINDEX=1")
        net.run("left", *curl, "--login-options", "AUTH=LOGIN", url + "INBOX?ALL")
        net.run("left", *curl, "-T", net.file("mail3", (MAIL % (3, 3)).replace("\n", "\r\n")), url + "INBOX")
        net.run("left", "curl", "-s", "--max-time", 10, "-u", "two:wrong", url, good=(67,))
        net.run("left", *curl, "--ssl-reqd", "-k", url)
        words = ['a1 ID ("name" "by hand" "version" "1")', 'a2 LOGIN "two" {8}', "a-secret", "a3 SELECT INBOX", "a4 IDLE", "DONE",
                 "a5 UID FETCH 1 (BODY.PEEK[HEADER])", "a6 LOGOUT"]
        net.run("left", "sh", "-c", "(%s; sleep 1) | socat -t 2 - TCP:%s:143" % (typed(words), SERVER))
        net.write(net_path)


NGIRCD = """
[Global]
Name = irc.example.org
Info = of an example
Listen = %s
MotdPhrase = hello
ServerUID = irc
ServerGID = irc
[Options]
DNS = no
Ident = no
PAM = no
[Operator]
Name = boss
Password = a-secret
"""


def irc(net_path):
    """ngircd and two clients by hand: CAP, a name that is taken, channels, talk, OPER, an unknown command."""
    with pair() as net:
        net.start("right", "ngircd", "-n", "-f", net.file("ngircd.conf", NGIRCD % SERVER))
        listening(net, 6667)
        net.record("left", "eth0")
        one = ["CAP LS 302", "NICK one", "USER first 0 * :The First", "CAP END", "JOIN #room,#other", "PRIVMSG #room :hello, all", "OPER boss a-secret",
               "PART #other :no more", "WHAT", "QUIT :bye"]
        two = ["NICK one", "USER second 0 * :The Second", "NICK two", "JOIN #room", "PRIVMSG #room :hello, one", "QUIT"]
        net.run("left", "sh", "-c", "((%s) | socat -t 1 - TCP:%s:6667) & ((sleep 1; %s; sleep 1) | socat -t 1 - TCP:%s:6667); wait"
                % (typed(one, 0.5), SERVER, typed(two, 0.5), SERVER))
        net.write(net_path)


def tftp(net_path):
    """tftpd-hpa with its client and with curl, which asks for options: reading, writing, a file that is not there; over both IP versions."""
    with pair() as net:
        files = folder(net, "files", "tftp")
        net.file("files/small.bin", "x" * 600)
        net.start("right", "in.tftpd", "-L", "-c", "-u", "tftp", "-a", "[::]:69", "-s", files)
        listening(net, 69)
        net.record("left", "eth0")
        for server in (SERVER, SERVER6):
            net.run("left", "tftp", "-m", "binary", server, "-c", "get", "small.bin", net.path("got"))
        net.run("left", "tftp", "-m", "netascii", SERVER, "-c", "put", net.file("mine.txt", "a line\n"), "mine.txt")
        net.run("left", "tftp", "-m", "binary", SERVER, "-c", "get", "nothing", net.path("got"), good=None)
        net.run("left", "curl", "-s", "--max-time", 10, "-o", "/dev/null", "tftp://%s/small.bin" % SERVER)
        net.run("left", "curl", "-s", "--max-time", 10, "--tftp-blksize", 1024, "-T", net.path("mine.txt"), "tftp://%s/other.txt" % SERVER)
        net.write(net_path)


LOGIN = """#!/bin/sh
for try in 1 2; do
	printf 'server login: '
	read -r name
	stty -echo
	printf 'Password: '
	read -r secret
	stty echo
	printf '\\r\\nLogin incorrect\\r\\n'
done
"""


def telnet(net_path):
    """inetutils' telnetd and telnet on a terminal: two log-ins that fail."""
    with pair() as net:
        login = net.file("login", LOGIN)
        os.chmod(login, 0o755)
        net.start("right", "socat", "TCP-LISTEN:23,reuseaddr", "EXEC:/usr/sbin/telnetd -h -E %s,nofork" % login)
        listening(net, 23)
        net.record("left", "eth0")
        words = ["someone", "a secret", "root", "another secret"]
        net.run("left", "sh", "-c", "(sleep 1; %s; sleep 1) | TERM=xterm script -qc 'stty rows 24 columns 80; telnet %s' /dev/null"
                % (typed(words, 0.7).replace("\\r", ""), SERVER), good=None)
        net.write(net_path)


CAPTURES = {make.__name__: make for make in (ftp, smtp, ssh, pop3, imap, irc, tftp, telnet)}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_text: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
