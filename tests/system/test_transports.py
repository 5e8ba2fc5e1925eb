"""Transports and TCP options as tshark reads them: what the flows say, what attribute filters select, what nothing decodes."""
import json
import os
import subprocess

from harness import ROOT, SMALL, check, ledger_check, system_test

OPTIONS, TRANSPORTS = (os.path.join(ROOT, "pcaps", name) for name in ("tcp_options.pcap", "transports.pcap"))
PROTOCOLS = {33: "DCCP", 50: "ESP", 88: "EIGRP", 89: "OSPFIGP", 103: "PIM", 112: "VRRP", 132: "SCTP", 136: "UDPLite"}
FAST_OPEN = "tcp.options.tfo || tcp.options.experimental.exid == 0xf989"
MALFORMED = {"sctp": 1, "dccp": 2, "udplite": 3, "transport": 7}
# Capture, attribute filter, and what tshark calls it.
SELECTED = (
    (OPTIONS, {"TCP": {"MSS": 1460}}, "tcp.options.mss_val == 1460"),
    (OPTIONS, {"TCP": {"MSS": "0-1400"}}, "tcp.options.mss_val <= 1400"),
    (OPTIONS, {"TCP": {"Window_Scale": [0, 7]}}, "tcp.options.wscale.shift in {0, 7}"),
    (OPTIONS, {"TCP": {"SACK_Permitted": True}}, "tcp.options.sack_perm"),
    (OPTIONS, {"TCP": {"SACK_Permitted": False}}, "!tcp.options.sack_perm"),
    (OPTIONS, {"TCP": {"SACK": 1}}, "tcp.options.sack_le"),
    (OPTIONS, {"TCP": {"Timestamp_Value": 1000}}, "tcp.options.timestamp.tsval == 1000"),
    (OPTIONS, {"TCP": {"Fast_Open": 1}}, FAST_OPEN),
    (OPTIONS, {"TCP": {"MD5": 1}}, "tcp.options.md5"),
    (OPTIONS, {"TCP": {"AO": 1}}, "tcp.options.ao"),
    (OPTIONS, {"TCP": {"MPTCP_Subtype": 0}}, "tcp.options.mptcp.subtype == 0"),
    (OPTIONS, {"TCP": {"User_Timeout": 5}}, "tcp.options.user_to_val == 5"),
    (TRANSPORTS, {"UDP_Lite": {"Checksum_Coverage": "8-20"}}, "udp.checksum_coverage >= 8 && udp.checksum_coverage <= 20"),
    (TRANSPORTS, {"UDP_Lite": {"Destination_Port": 5006}}, "udp.dstport == 5006"),
    (TRANSPORTS, {"DCCP": {"Type": 0}}, "dccp.type == 0"),
    (TRANSPORTS, {"DCCP": {"Destination_Port": 5001}}, "dccp.dstport == 5001"),
    (TRANSPORTS, {"SCTP": {"Verification_Tag": 0x22222222}}, "sctp.verification_tag == 0x22222222"),
    (TRANSPORTS, {"SCTP": {"Chunk_Type": [1, 2]}}, "sctp.chunk_type in {1, 2}"),
    (TRANSPORTS, {"ESP": {"SPI": 0x1000}}, "esp.spi == 0x1000"),
    (TRANSPORTS, {"AH": {"SPI": 0x1002}}, "ah.spi == 0x1002"),
    (TRANSPORTS, {"AH": {"Sequence": 1}, "UDP": {}}, "ah.sequence == 1 && udp && ip.proto == 51"),
    (TRANSPORTS, {"OSPF": {"Router_ID": "192.0.2.0/24"}}, "ospf.srcrouter == 192.0.2.0/24"),
    (TRANSPORTS, {"OSPF": {"Version": 3, "Type": 1}}, "ospf.version == 3 && ospf.msg == 1"),
    (TRANSPORTS, {"VRRP": {"Router_ID": [7, 9], "Version": 2}}, "vrrp.version == 2 && vrrp.virt_rtr_id in {7, 9}"),
    (TRANSPORTS, {"PIM": {"Type": 0}}, "pim.type == 0"),
    (TRANSPORTS, {"EIGRP": {"Opcode": 5, "AS": 100}}, "eigrp.opcode == 5 && eigrp.as == 100"),
    (TRANSPORTS, {"IPv4": {"Protocol": 200}}, "ip.proto == 200"),
)


def tshark(path, display, *fields):
    """One list of values a frame."""
    command = ["tshark", "-n", "-r", path, "-Y", display, "-T", "fields", "-E", "occurrence=f"] + [word for field in fields for word in ("-e", field)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    check(said.returncode == 0, "%s: %s", " ".join(command), said.stderr)
    return [line.split("\t") for line in said.stdout.splitlines()]


def flow_said(tcp, suffix):
    """As tshark's columns of one SYN."""
    return tuple(str(tcp.get(key + suffix, "")) for key in ("mss", "wscale"))


@system_test(tools=("tshark",))
def test_options_of_syns(t):
    said = {}
    for workers in (1, 3):
        events, _ = t.analyse(OPTIONS, "-w", str(workers), *SMALL)
        said[workers] = {e["src_port"]: e["tcp"] for e in events if e["event_type"] == "flow"}
    check(said[1] == said[3], "other options with other workers")
    rows = tshark(OPTIONS, "tcp.flags.syn == 1", "tcp.srcport", "tcp.dstport", "tcp.flags.ack", "tcp.options.mss_val", "tcp.options.wscale.shift")
    check(len(rows) == 12, "tshark finds %d SYNs", len(rows))
    for src, dst, ack, mss, scale in rows:
        answer = ack in ("1", "True")
        tcp = said[1][int(dst if answer else src)]
        wanted = mss, str(min(int(scale), 14)) if scale else ""
        check(flow_said(tcp, "_tc" if answer else "_ts") == wanted, "%s: %r, not %r", src, tcp, wanted)
    for key, display in (("fastopen", FAST_OPEN), ("md5", "tcp.options.md5"),
                         ("ao", "tcp.options.ao"), ("mptcp", "tcp.options.mptcp.subtype")):
        wanted = {int(row[0]) for row in tshark(OPTIONS, "tcp.flags.ack == 0 && (%s)" % display, "tcp.srcport")}
        check(wanted and wanted == {port for port, tcp in said[1].items() if tcp.get(key)}, "%s: %r", key, wanted)
    check(said[1][40001].get("sack_permitted") and "timestamps" not in said[1][40001], "of both SYNs: %r", said[1][40001])


@system_test(tools=("tshark",))
def test_flows_of_transports(t):
    events, stats = t.analyse(TRANSPORTS, "-w", "3", *SMALL)
    check({k: v for k, v in stats["packets"]["malformed"].items() if v} == MALFORMED, "malformed %r", stats["packets"]["malformed"])
    flows = [e for e in events if e["event_type"] == "flow"]
    packets = {}
    for e in flows:
        packets[e["proto"]] = packets.get(e["proto"], 0) + e["flow"]["pkts_toserver"] + e["flow"]["pkts_toclient"]
    for number, name in PROTOCOLS.items():
        sent = len(tshark(TRANSPORTS, "ip.proto == %d || ipv6.nxt == %d || ah.next_header == %d" % (number, number, number), "frame.number"))
        check(packets[name] == sent - wrong(number), "%s: %d packets, tshark %d", name, packets[name], sent)
    ends = {(e["proto"], e.get("src_port"), e.get("dest_port")) for e in flows}
    check(ends >= {("UDPLite", 5004, 5006), ("DCCP", 5001, 5002), ("SCTP", 2905, 2906), ("ESP", None, None), ("UDP", 4000, 9)}, "%r", ends)


def wrong(number):
    """How many frames of the capture are malformed, by protocol."""
    return {33: 2, 50: 1, 88: 1, 89: 1, 103: 1, 112: 1, 132: 1, 136: 3}[number]


@system_test(tools=("tshark",))
def test_filters_as_tshark(t):
    bad, filters = [], t.path("filters.json")
    for path, rule, display in SELECTED:
        with open(filters, "w", encoding="utf-8") as out:
            json.dump(dict(rule, Action="keep"), out)
        done = t.replay(path, *SMALL, "--attributes", filters)
        check(done.code == 0, "%s: exit %d: %s", rule, done.code, done.err[-600:])
        stats = t.stats(done.folder)
        ledger_check(stats)
        got = stats["packets"]["analysed"] + sum(stats["packets"]["malformed"].values())
        wanted = len(tshark(path, display, "frame.number"))
        if got != wanted or wanted == 0:
            bad.append("%s: selected %d instead of %d" % (rule, got, wanted))
    check(not bad, "%s", "\n".join(bad))


@system_test()
def test_unknown_protocols_are_told(t):
    program = t.watch("-r", TRANSPORTS, "--stay", "-w", "2", *SMALL)
    t.until(lambda: t.get(program, "/api/v1/health")["replay"]["finished"], "the replay ends")
    rows = {(r["kind"], r["number"]): r for r in t.get(program, "/api/v1/protocols")["unknown"]}
    check(set(rows) == {("ip_protocol", "200"), ("ip_protocol", "201")}, "said %r", rows)
    row = rows["ip_protocol", "200"]
    check(row["packets"] == 3 and bytes.fromhex(row["first_bytes"]) == b"nobody knows thi", "said %r", row)
    check(program.stop() == 0, "exit: %s", program.err)
