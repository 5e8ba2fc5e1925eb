#!/usr/bin/python3
"""Writes captures of directory, management and telephony servers and their clients, in network namespaces of its own; times and
ports differ from run to run.

    capture_infra.py [NAME ...]     as root: all of them, or those named, into pcaps/
    capture_infra.py --packages     the Debian packages it needs (nothing is installed)

One function a capture, named after it. Passwords and names are of these captures only."""
import os
import sys
import time

from namespaces import pair

PACKAGES = ("iproute2", "tcpdump", "ethtool", "openssl", "snmpd", "snmp", "slapd", "ldap-utils", "krb5-kdc", "krb5-admin-server", "krb5-user",
            "freeradius", "freeradius-utils", "coturn", "sip-tester")
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SERVER = "192.0.2.2"


def shell(net, host, text, good=(0,)):
    return net.run(host, "sh", "-c", text, good=good)


SNMPD = """
agentaddress udp:161,tcp:161,udp6:161
sysDescr Router of the example
sysName router.example.org
sysLocation Cellar
rocommunity inside
rwcommunity operator
createUser watcher SHA watchword1 AES secretword1
rouser watcher priv
createUser reader MD5 readerword1
rouser reader auth
"""


def snmp(net_path):
    """All versions: get, next, bulk, set, a walk, over TCP and IPv6, errors, traps and an inform to where no one listens; version 3 with and without privacy."""
    with pair() as net:
        env = "SNMP_PERSISTENT_DIR=%s SNMPCONFPATH=%s MIBS= " % (net.folder, net.folder)
        net.start("right", "env", *env.split(), "snmpd", "-f", "-Le", "-C", "-c", net.file("right.conf", SNMPD), "-p", net.path("pid"),
                  said="NET-SNMP version")
        net.record("left", "eth0")
        one, two = "-v1 -c inside -r0", "-v2c -c inside -r0"
        private = "-v3 -r0 -u watcher -l authPriv -a SHA -A watchword1 -x AES -X secretword1"
        for command in (
                "snmpget %s %s 1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.1.5.0" % (one, SERVER),
                "snmpgetnext %s %s 1.3.6.1.2.1.1.4" % (one, SERVER),
                "snmpget %s %s 1.3.6.1.2.1.1.99.0" % (one, SERVER),
                "snmpwalk %s %s 1.3.6.1.2.1.1.9.1.2" % (two, SERVER),
                "snmpbulkget %s -Cn1 -Cr4 %s 1.3.6.1.2.1.1.5 1.3.6.1.2.1.1.9.1.3" % (two, SERVER),
                "snmpset -v2c -c inside -r0 %s 1.3.6.1.2.1.1.6.0 s Attic" % SERVER,
                "snmpget -v2c -c nobody -r0 -t 0.3 %s 1.3.6.1.2.1.1.5.0" % SERVER,
                "snmpget %s tcp:%s 1.3.6.1.2.1.1.5.0" % (two, SERVER),
                "snmpget %s udp6:[2001:db8::2] 1.3.6.1.2.1.1.5.0" % two,
                "snmpget -v3 -r0 -u reader -l authNoPriv -a MD5 -A readerword1 %s 1.3.6.1.2.1.1.5.0" % SERVER,
                "snmpget %s %s 1.3.6.1.2.1.1.5.0" % (private, SERVER),
                "snmpget -v3 -r0 -u stranger -l noAuthNoPriv %s 1.3.6.1.2.1.1.5.0" % SERVER,
                "snmptrap -v1 -c inside %s 1.3.6.1.4.1.8072.3.2.10 192.0.2.1 3 0 42 1.3.6.1.2.1.2.2.1.1.2 i 2" % SERVER,
                "snmptrap -v2c -c inside %s 42 1.3.6.1.6.3.1.1.5.1 1.3.6.1.2.1.1.5.0 s left" % SERVER,
                "snmpinform -v2c -c inside -r0 -t 0.3 %s 42 1.3.6.1.6.3.1.1.5.4" % SERVER):
            shell(net, "left", env + command, good=None)
        net.write(net_path)


SLAPD = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %(folder)s/slapd.pid
TLSCertificateFile %(folder)s/cert.pem
TLSCertificateKeyFile %(folder)s/key.pem
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw adminword
directory %(folder)s/db
"""

PEOPLE = """dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=alice,dc=example,dc=org
objectClass: inetOrgPerson
cn: alice
sn: Example
mail: alice@example.org

dn: cn=bob,dc=example,dc=org
objectClass: inetOrgPerson
cn: bob
sn: Example
"""


def certificate(net):
    shell(net, "left", "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=server.example.org "
          "-keyout %s -out %s" % (net.path("key.pem"), net.path("cert.pem")))


def ldap(net_path):
    """Binds that succeed, fail, are anonymous; searches; add, modify, rename, compare, delete; who am I; a bind by SASL; StartTLS."""
    with pair() as net:
        certificate(net)
        os.mkdir(net.path("db"))
        conf = net.file("slapd.conf", SLAPD % {"folder": net.folder})
        net.run("right", "slapadd", "-f", conf, "-l", net.file("people.ldif", PEOPLE))
        net.start("right", "slapd", "-d", "256", "-f", conf, "-h", "ldap://0.0.0.0/ ldap://[::]/", said="slapd starting")
        net.record("left", "eth0", "tcp port 389")
        net.file("add.ldif", "dn: cn=carol,dc=example,dc=org\nobjectClass: person\ncn: carol\nsn: Example\n")
        net.file("change.ldif", "dn: cn=carol,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: Sample\n")
        at, admin = "-H ldap://192.0.2.2", "-x -D cn=admin,dc=example,dc=org -w adminword"
        for command in (
                "ldapsearch %s -x -b dc=example,dc=org '(cn=alice)' mail" % at,
                "ldapsearch %s %s -b dc=example,dc=org -s one" % (at, admin),
                "ldapsearch %s -x -D cn=alice,dc=example,dc=org -w wrong -b dc=example,dc=org" % at,
                "ldapsearch -H ldap://[2001:db8::2] -x -b ou=nowhere,dc=example,dc=org -s base",
                "ldapadd %s %s -f %s" % (at, admin, net.path("add.ldif")),
                "ldapmodify %s %s -f %s" % (at, admin, net.path("change.ldif")),
                "ldapcompare %s %s cn=carol,dc=example,dc=org sn:Sample" % (at, admin),
                "ldapmodrdn %s %s -r cn=carol,dc=example,dc=org cn=dave" % (at, admin),
                "ldapdelete %s %s cn=dave,dc=example,dc=org" % (at, admin),
                "ldapwhoami %s %s" % (at, admin),
                "ldapwhoami %s -Y DIGEST-MD5 -U alice -w wrong" % at,
                "LDAPTLS_REQCERT=never ldapsearch %s -ZZ %s -b dc=example,dc=org -s base" % (at, admin)):
            shell(net, "left", command, good=None)
        net.write(net_path)


KRB5 = """[libdefaults]
default_realm = EXAMPLE.ORG
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
allow_rc4 = true
permitted_enctypes = aes256-cts aes128-cts aes256-sha2 arcfour-hmac
udp_preference_limit = %(limit)d
[realms]
EXAMPLE.ORG = {
 kdc = 192.0.2.2
}
[kdcdefaults]
kdc_ports = 88
kdc_tcp_ports = 88
[logging]
kdc = STDERR
"""

KDC = """[realms]
EXAMPLE.ORG = {
 database_name = %(folder)s/principal
 key_stash_file = %(folder)s/stash
 supported_enctypes = aes256-cts:normal arcfour-hmac:normal
}
"""


def krb5(net_path):
    """A ticket with and without preauthentication, a wrong password, names that nobody has, tickets of services, of one by RC4; UDP and TCP."""
    with pair() as net:
        for limit in (1, 1400):
            net.file("krb5-%d.conf" % limit, KRB5 % {"limit": limit})
        env = "KRB5_CONFIG=%s KRB5_KDC_PROFILE=%s KRB5CCNAME=%s " % (
            net.path("krb5-%d.conf"), net.file("kdc.conf", KDC % {"folder": net.folder}), net.path("tickets"))
        over_tcp, over_udp = env % 1, env % 1400
        shell(net, "right", over_udp + "kdb5_util create -s -r EXAMPLE.ORG -P masterword")
        for query in ("addprinc -pw aliceword +requires_preauth alice", "addprinc -pw bobword bob", "addprinc -randkey host/files.example.org",
                      "addprinc -randkey -e arcfour-hmac:normal HTTP/old.example.org", "addprinc -pw carolword -pwexpire yesterday carol"):
            shell(net, "right", over_udp + "kadmin.local -q '%s'" % query)
        net.start("right", "env", *over_udp.split(), "krb5kdc", "-n", "-r", "EXAMPLE.ORG", said="commencing")
        net.record("left", "eth0", "port 88")
        for command in (
                over_udp + "kinit alice", over_udp + "kvno host/files.example.org HTTP/old.example.org",
                over_udp + "kvno host/nowhere.example.org", over_tcp + "kinit bob", over_tcp + "kvno host/files.example.org",
                over_udp + "kinit nobody", over_udp + "kinit carol"):
            name = command.rsplit(" ", 1)[1]
            shell(net, "left", "echo %sword | %s" % (name, command), good=None)
        shell(net, "left", "echo wrong | " + over_udp + "kinit alice", good=None)
        net.write(net_path)


RADIUSD = """
prefix = /usr
localstatedir = %(folder)s
logdir = %(folder)s
run_dir = %(folder)s
pidfile = %(folder)s/radius.pid
libdir = /usr/lib/freeradius
security {
}
client left {
	ipaddr = 192.0.2.1
	secret = sharedword
}
modules {
	always ok {
		rcode = ok
	}
	pap {
	}
	chap {
	}
}
server default {
	listen {
		type = auth
		ipaddr = *
		port = 1812
	}
	listen {
		type = acct
		ipaddr = *
		port = 1813
	}
	authorize {
		if (&User-Name == "alice") {
			update control {
				&Cleartext-Password := "aliceword"
			}
			update reply {
				&Framed-IP-Address := 198.51.100.77
				&Reply-Message := "Welcome"
			}
		}
		chap
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
	}
	preacct {
		ok
	}
	accounting {
		ok
	}
}
"""


def radius(net_path):
    """Accepted and rejected by PAP and CHAP; accounting from start to stop; a status request; a request with the wrong secret."""
    with pair() as net:
        net.file("radiusd.conf", RADIUSD % {"folder": net.folder})
        net.file("dictionary", "$INCLUDE /usr/share/freeradius/dictionary\n")
        log = net.path("radius.log")
        net.start("right", "freeradius", "-f", "-l", log, "-xx", "-d", net.folder)
        for _ in range(100):
            if os.path.exists(log) and "Ready to process" in open(log, encoding="utf-8", errors="replace").read():
                break
            time.sleep(0.1)
        net.record("left", "eth0", "udp")
        session = ('User-Name = "alice", NAS-IP-Address = 192.0.2.1, NAS-Identifier = "gate", NAS-Port = 7, NAS-Port-Type = Wireless-802.11, '
                   'Called-Station-Id = "02-00-00-00-00-FE:guests", Calling-Station-Id = "02-00-00-00-00-0A"')
        for word in ("aliceword", "wrong"):
            shell(net, "left", "radtest alice %s 192.0.2.2 7 sharedword" % word, good=None)
        shell(net, "left", "radtest -t chap alice aliceword 192.0.2.2 7 sharedword", good=None)
        shell(net, "left", "radtest mallory word 192.0.2.2 7 othersecret", good=None)
        for status, more in (("Start", ""), ("Interim-Update", ", Acct-Session-Time = 60, Acct-Input-Octets = 7000, Acct-Output-Octets = 90000"),
                             ("Stop", ", Acct-Session-Time = 90, Acct-Input-Octets = 8000, Acct-Output-Octets = 99000, "
                                      "Acct-Terminate-Cause = User-Request")):
            text = session + ', Acct-Session-Id = "S1", Framed-IP-Address = 198.51.100.77, Acct-Status-Type = ' + status + more
            shell(net, "left", "echo '%s' | radclient -r 1 192.0.2.2:1813 acct sharedword" % text, good=None)
        shell(net, "left", "echo '%s, User-Password = \"aliceword\"' | radclient -r 1 192.0.2.2:1812 auth sharedword" % session)
        net.write(net_path)


def stun(net_path):
    """Bindings over UDP, TCP and IPv6; an allocation with a long-term credential, a permission, a channel and data through it."""
    with pair() as net:
        net.start("right", "turnserver", "-n", "-v", "-a", "-u", "alice:aliceword", "-r", "example.org", "-L", SERVER, "-L", "2001:db8::2",
                  "-E", SERVER, "--no-tls", "--no-dtls", "--log-file", "stdout", "--no-stdout-log", "--simple-log", "--no-cli",
                  "--allow-loopback-peers", "--userdb", net.path("users"), "--pidfile", net.path("pid"), "--no-rfc5780")
        net.start("right", "turnutils_peer", "-p", "3480", "-L", SERVER)
        time.sleep(2)
        net.record("left", "eth0", "port 3478")
        shell(net, "left", "turnutils_stunclient %s" % SERVER, good=None)
        shell(net, "left", "turnutils_stunclient 2001:db8::2", good=None)
        for options in ("", "-s ", "-t "):  # channel data, send indications, over TCP
            shell(net, "left", "turnutils_uclient %s-u alice -w aliceword -e %s -r 3480 -n 4 -m 1 -l 60 -c -g %s" % (options, SERVER, SERVER), good=None)
        net.write(net_path)


REGISTER = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
<send><![CDATA[
REGISTER sip:[remote_ip] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Alice Example" <sip:alice@example.org>;tag=[call_number]
To: <sip:alice@example.org>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:alice@[local_ip]:[local_port]>
Max-Forwards: 70
User-Agent: Example Phone/1.2
Expires: 60
Content-Length: 0

]]></send>
<recv response="401" auth="true"/>
<send><![CDATA[
REGISTER sip:[remote_ip] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Alice Example" <sip:alice@example.org>;tag=[call_number]
To: <sip:alice@example.org>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:alice@[local_ip]:[local_port]>
[authentication username=alice password=aliceword]
Max-Forwards: 70
User-Agent: Example Phone/1.2
Expires: 60
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""

REGISTRAR = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="registrar">
<recv request="REGISTER"/>
<send><![CDATA[
SIP/2.0 401 Unauthorized
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
WWW-Authenticate: Digest realm="example.org", nonce="0123456789abcdef", algorithm=MD5
Server: Example Registrar/3
Content-Length: 0

]]></send>
<recv request="REGISTER"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
[last_Contact:]
Server: Example Registrar/3
Content-Length: 0

]]></send>
</scenario>
"""

CALL = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="call">
<send><![CDATA[
INVITE sip:bob@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Alice Example" <sip:alice@example.org>;tag=[call_number]
To: <sip:bob@example.org>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:alice@[local_ip]:[local_port]>
Max-Forwards: 70
User-Agent: Example Phone/1.2
Content-Type: application/sdp
Content-Length: [len]

v=0
o=alice 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000

]]></send>
<recv response="180" optional="true"/>
<recv response="200"/>
<send><![CDATA[
ACK sip:bob@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Alice Example" <sip:alice@example.org>;tag=[call_number]
To: <sip:bob@example.org>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<nop><action><exec rtp_stream="%s,1,0,PCMU/8000"/></action></nop>
<pause milliseconds="400"/>
<nop><action><exec rtp_stream="pause"/></action></nop>
<send><![CDATA[
BYE sip:bob@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Alice Example" <sip:alice@example.org>;tag=[call_number]
To: <sip:bob@example.org>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
User-Agent: Example Phone/1.2
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""


def sip(net_path):
    """A registration with a challenge; calls over UDP, TCP and IPv6, two of them with speech that the other end echoes."""
    with pair() as net:
        with open(net.path("speech.ulaw"), "wb") as out:
            out.write(bytes(0x80 + n * 7 % 127 for n in range(8000)))
        call = net.file("call.xml", CALL % net.path("speech.ulaw"))
        register, registrar = net.file("register.xml", REGISTER), net.file("registrar.xml", REGISTRAR)
        net.record("left", "eth0", "udp or tcp")
        quiet = ("-nostdin", "-trace_err", "-error_file", net.path("sipp.err"))

        def run(serve, *arguments, address=SERVER, here="192.0.2.1", good=(0,), transport="u1"):
            server = net.start("right", "sipp", *serve, "-i", address, "-mi", address, "-p", 5060, "-t", transport, "-rtp_echo", *quiet)
            time.sleep(1)
            net.run("left", "sipp", *arguments, "-i", here, "-mi", here, "-p", 5060, "-t", transport, "-m", 1, *quiet,
                    "[%s]:5060" % address if ":" in address else address + ":5060", good=good)
            server.terminate()
            server.wait(5)

        run(("-sf", registrar), "-sf", register)
        run(("-sn", "uas"), "-sf", call)
        run(("-sn", "uas"), "-sn", "uac", transport="t1")
        run(("-sn", "uas"), "-sf", call, address="2001:db8::2", here="2001:db8::1")
        net.write(net_path)


CAPTURES = {make.__name__: make for make in (snmp, ldap, krb5, radius, stun, sip)}


def main():
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(PACKAGES))
        return
    for name in sys.argv[1:] or CAPTURES:
        if name not in CAPTURES:
            sys.exit("capture_infra: there is no %s; there are %s" % (name, ", ".join(CAPTURES)))
        CAPTURES[name](os.path.join(TOP, "pcaps", name + ".pcap"))


if __name__ == "__main__":
    main()
