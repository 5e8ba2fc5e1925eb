"""Filters select exactly the packets that tshark selects: pcap-filter expressions against its capture filters' own library (tcpdump),
attribute filters against its display filters. What is compared is how many packets were analysed or malformed, and their bytes."""
import json
import os
import re
import struct
import subprocess

from harness import ROOT, SHARED, SMALL, SPANWATCH, check, eve_sorted, frame_udp, ledger_check, pcap_write, system_test

OWN = ("dns.pcap", "http.pcap", "tls.pcap", "tls_split_reordered.pcap")
BESIDE = ("ndpi_1kxun.pcap", "zeek_q-in-q.pcap", "cs_ip_frag_source.pcapng", "cs_ipv6_fragments.pcapng", "tcpd_LLDP_and_CDP.pcap",
          "zeek_icmp6-nd-options.pcap", "ipfx_arp.pcap", "ipfx_vlan.pcap", "tcpd_802.1w_rapid_STP.pcap", "cs_icmp_traceroute.pcapng")

EXPRESSIONS = (
    "ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "not tcp", "port 53", "tcp port 80", "udp port 53", "tcp dst port 443",
    "src port 80 or dst port 443", "portrange 1024-5000", "host 192.168.5.16", "net 192.168.0.0/16", "src net 10.0.0.0/8",
    "ip6 net fe80::/10", "ether broadcast", "ether multicast", "vlan", "vlan and udp", "llc", "less 100", "greater 1000",
    "len > 60 and len < 300", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] == tcp-syn", "ip[8] < 64",
    "ip[6:2] & 0x3fff != 0", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420", "ip[2:2] - ((ip[0] & 0xf) << 2) > 500",
    "icmp[icmptype] == icmp-timxceed", "ether proto 0x88cc", "(udp or tcp) and not (port 53 or port 80)",
)

# What tshark calls it. Headers quoted inside ICMP errors and fragments put together are not what the frame itself carries.
ATTRIBUTES = (
    ({"IPv4": {}}, "ip"),
    ({"IPv6": {}}, "ipv6"),
    ({"ARP": {}}, "arp"),
    ({"TCP": {}}, "ip.proto#1 == 6 || ipv6.nxt == 6"),
    ({"UDP": {}, "IPv4": {}}, "ip.proto#1 == 17"),
    ({"ICMP": {}}, "ip.proto#1 == 1"),
    ({"TCP": {"Destination_Port": 80}}, "tcp.dstport == 80 && !icmp"),
    ({"TCP": {"Source_Port": [80, 443]}}, "tcp.srcport in {80, 443} && !icmp"),
    ({"TCP": {"Destination_Port": "1024-2048"}}, "tcp.dstport >= 1024 && tcp.dstport <= 2048 && !icmp"),
    ({"TCP": {"SYN": 1, "ACK": 0}}, "tcp.flags.syn == 1 && tcp.flags.ack == 0 && !icmp"),
    ({"TCP": {"Flags": "0x18"}}, "tcp.flags == 0x018 && !icmp"),
    ({"TCP": {"RST": True}}, "tcp.flags.reset == 1 && !icmp"),
    ({"TCP": {"Window": "0-1000"}}, "tcp.window_size_value <= 1000 && !icmp"),
    ({"TCP": {"Header_Words": 5}}, "tcp.hdr_len == 20 && !icmp"),
    ({"UDP": {"Source_Port": 53}}, "udp.srcport == 53 && !icmp && !icmpv6"),
    ({"UDP": {"Destination_Port": ["53", "137-138", 5353]}}, "udp.dstport in {53, 137, 138, 5353} && !icmp && !icmpv6"),
    ({"UDP": {"Length": "0-100"}}, "udp.length <= 100 && !icmp && !icmpv6"),
    ({"IPv4": {"Source_Address": "192.168.0.0/16"}}, "ip.src#1 == 192.168.0.0/16"),
    ({"IPv4": {"Destination_Address": ["255.255.255.255", "224.0.0.0/4"]}}, "ip.dst#1 == 255.255.255.255 || ip.dst#1 == 224.0.0.0/4"),
    ({"IPv4": {"TTL": "1-63"}}, "ip.ttl#1 >= 1 && ip.ttl#1 <= 63"),
    ({"IPv4": {"Flags": 2}}, "ip.flags#1 == 2"),
    ({"IPv4": {"Total_Length": "0-99"}}, "ip.len#1 <= 99"),
    ({"IPv4": {"Protocol": ["TCP", 1]}}, "ip.proto#1 == 6 || ip.proto#1 == 1"),
    ({"IPv4": {"TOS": 0}}, "ip.dsfield#1 == 0"),
    ({"IPv6": {"Source_Address": "fe80::/10"}}, "ipv6.src#1 == fe80::/10"),
    ({"IPv6": {"Hop_Limit": 255}}, "ipv6.hlim#1 == 255"),
    ({"IPv6": {"Next_Header": "UDP"}}, "ipv6.nxt#1 == 17"),
    ({"ICMP": {"Type": [8, 0]}}, "icmp.type in {0, 8} and not icmp.type in {3, 4, 5, 11, 12}"),
    ({"ICMPv6": {"Type": "133-136"}}, "icmpv6.type >= 133 && icmpv6.type <= 136"),
    ({"ARP": {"Operation": 1}}, "arp.opcode == 1"),
    ({"ARP": {"Sender_Address": "0.0.0.0/0"}}, "arp.src.proto_ipv4"),
    ({"Ethernet": {"Destination_MAC": "ff:ff:ff:ff:ff:ff"}}, "eth.dst == ff:ff:ff:ff:ff:ff"),
    ({"Ethernet": {"Type": "0x0806"}}, "eth.type == 0x0806"),
    ({"VLAN": {}}, "vlan"),
    ({"VLAN": {"ID": "1-100"}}, "vlan.id#1 >= 1 && vlan.id#1 <= 100"),
    ({"VLAN": {"Inner_ID": "0-4095"}}, "vlan.id#2"),
    ({"LLC": {}}, "eth.len && !eth.type"),
    ({"LLDP": {}}, "lldp"),
    ({"AF_Packet": {"Interface_Name": "no-such-interface"}}, "frame.number == 0"),
    ([{"Action": "keep", "UDP": {}, "IPv4": {}}, {"IPv4": {}}, {"Action": "keep", "ARP": {}}], "ip.proto#1 == 17 || arp"),
)
PLAIN = ("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE", "-n")


def chosen():
    found = [os.path.join(ROOT, "pcaps", name) for name in OWN]
    if os.path.isdir(SHARED):
        found += [os.path.join(SHARED, "captures", name) for name in BESIDE]
    return [path for path in found if os.path.exists(path)]


def lengths(*command):
    """(packets, bytes) of what a program selects: one line with the length each."""
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    check(said.returncode == 0, "%s: %s", " ".join(command), said.stderr)
    each = [int(line) for line in said.stdout.split()]
    return len(each), sum(each)


def lengths_in(path):
    """The same of a capture as tcpdump writes it here."""
    with open(path, "rb") as f:
        data = f.read()
    at, packets, size = 24, 0, 0
    while at < len(data):
        captured, length = struct.unpack_from("=II", data, at + 8)
        at, packets, size = at + 16 + captured, packets + 1, size + length
    return packets, size


def by_display(path, display):
    return lengths("tshark", "-r", path, *PLAIN, "-Y", display, "-T", "fields", "-e", "frame.len")


def selected(t, path, *options):
    """(packets, bytes) that passed the filter."""
    done = t.replay(path, "-w", "2", *SMALL, *options)
    check(done.code == 0, "%s %s: exit %d: %s", path, options, done.code, done.err[-600:])
    stats = t.stats(done.folder)
    ledger_check(stats)
    check(stats["packets"]["filtered_own"] == 0, "own traffic in a replay")
    return tuple(stats[unit]["analysed"] + sum(stats[unit]["malformed"].values()) for unit in ("packets", "bytes"))


def compare(t, rows, wanted, options):
    """Each row on the captures in turn, so that every capture sees its share and the whole stays short."""
    paths, wrong, matched = chosen(), [], 0
    for i, row in enumerate(rows):
        for path in (paths[i % len(paths)], paths[(i * 3 + 4) % len(paths)]):
            want, got = wanted(path, row), selected(t, path, *options(row))
            matched += want[0]
            if want != got:
                wrong.append("%s on %s: selected %r instead of %r" % (row, os.path.basename(path), got, want))
    check(not wrong, "\n".join(wrong))
    check(matched > 100, "the filters select only %d packets: nothing was tried", matched)


@system_test(tools=("tcpdump",), limit=600, slow=True)
def test_expressions_as_libpcap(t):
    def wanted(path, expression):
        out = t.path("selected.pcap")
        t.call("tcpdump", "-r", path, "-w", out, expression)
        return lengths_in(out)
    check(len(EXPRESSIONS) >= 30, "too few")
    compare(t, EXPRESSIONS, wanted, lambda expression: ("-f", expression))


@system_test(tools=("tshark",), limit=600, slow=True)
def test_attributes_as_tshark(t):
    def options(row):
        path = t.path("filters.json")
        filters = row[0] if isinstance(row[0], list) else dict(row[0], Action="keep")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(filters, out)
        return ("--attributes", path)
    check(len(ATTRIBUTES) >= 30, "too few")
    compare(t, ATTRIBUTES, lambda path, row: by_display(path, row[1]), options)


@system_test()
def test_same_for_any_number_of_workers(t):
    path, filters = os.path.join(ROOT, "pcaps/http.pcap"), t.path("f.json")
    with open(filters, "w", encoding="utf-8") as out:
        json.dump({"IPv4": {"Protocol": "UDP"}}, out)
    seen = set()
    for workers, burst in ((1, 32), (2, 1), (3, 64)):
        done = t.replay(path, "-w", str(workers), "--set", "capture.burst=%d" % burst, *SMALL, "-f", "tcp port 80 or udp", "--attributes", filters)
        check(done.code == 0, "exit %d: %s", done.code, done.err)
        ledger_check(t.stats(done.folder))
        seen.add(b"".join(eve_sorted(os.path.join(done.folder, "eve.json"))))
    check(len(seen) == 1, "the events differ")


@system_test()
def test_frames_of_several_segments(t):
    path = t.path("jumbo.pcap")
    pcap_write(path, [frame_udp(i, 9000 + i % 2, b"x" * size) for i, size in enumerate((10, 3000, 9000, 3001, 9001, 60000))])
    check(selected(t, path, "-f", "udp dst port 9000 and greater 1000") == (2, 9042 + 9043), "of the large frames to port 9000")
    check(selected(t, path, "-f", "udp[5000] == 0x78") == (3, 9042 + 9043 + 60042), "by a byte of a later segment")


@system_test()
def test_mistakes(t):
    path, filters = os.path.join(ROOT, "pcaps/dns.pcap"), t.path("f.json")
    with open(filters, "w", encoding="utf-8") as out:
        out.write('{"IPv4": {"Sorce_Address": "10.0.0.1"}}')
    for options, names in ((("-f", "tcp prot 80"), ("position 5", '"prot"')), (("-f", "tcp and"), ("position 8", "too early")),
                           (("--attributes", filters), ("f.json:1:11", "Source_Address")),
                           (("--attributes", t.path("nowhere.json")), ("nowhere.json",))):
        done = t.replay(path, *SMALL, *options)
        said = [line for line in done.err.splitlines() if not line.startswith("spanwatch: note: ")]
        check(done.code == 1 and len(said) == 1, "%s: exit %d: %s", options, done.code, done.err)
        for name in names:
            check(name in said[0], "%s is not named: %s", name, said[0])
        check(not os.path.exists(done.folder), "%s was made", done.folder)


@system_test()
def test_help_lists_all(t):
    said = t.call(SPANWATCH, "--filter-help")
    for name in ("AF_Packet", "Interface_Name", "IPv4", "Source_Address", "ICMPv6", "Destination_Port"):
        check(name in said, "%s is not listed", name)


@system_test(root=True, tools=("ip", "curl"))
def test_own_traffic(t):
    """The API is watched through the interface that it answers on."""
    here = t.wire()[0]
    for listen, setting, feeds in (("127.0.0.1:8480", "leave_out", False), ("127.0.0.1:8480", "keep", True), ("127.0.0.1:0", "leave_out", False),
                                   ("localhost:8481", "leave_out", False)):
        out = t.fresh("out")
        program = t.start(SPANWATCH, "-i", "lo", "-o", out, "--api", listen, "--set", "capture.own_traffic=" + setting, namespace=here)
        page = t.until(lambda: re.search(r"http://127\.0\.0\.1:\d+/", program.err), "the address is printed").group()
        ask = ("curl", "-s", "-o", "/dev/null", page + "api/v1/health")
        t.until(lambda: t.start(*ask, namespace=here).wait() == 0, "the API answers")
        for _ in range(5):
            t.call(*ask, namespace=here)
        check(program.stop() == 0, "exit %s: %s", program.process.poll(), program.err[-800:])
        stats = t.stats(out)
        ledger_check(stats)
        check((stats["packets"]["filtered_own"] > 20) != feeds, "%s: %r", setting, stats["packets"])
        check((stats["flows"]["created"] > 0) == feeds, "%s: %r", setting, stats["flows"])
