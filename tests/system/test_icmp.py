"""ICMP, neighbour discovery, MLD and IGMP: what the records say is what tshark reads in the same capture."""
import json
import os
import struct
import subprocess

from harness import ROOT, SMALL, check, pcap_write, system_test

EVENTS = ("icmp", "nd", "mld", "igmp")
ND_TYPES = {133: "router_solicitation", 134: "router_advertisement", 135: "neighbor_solicitation", 136: "neighbor_advertisement", 137: "redirect"}
GROUP_TYPES = {1: "mode_is_include", 2: "mode_is_exclude", 3: "change_to_include_mode", 4: "change_to_exclude_mode", 5: "allow_new_sources",
               6: "block_old_sources"}


def tshark(capture, wanted, *fields):
    """One row a packet: its time in microseconds, then of each field the list of its values."""
    line = ["tshark", "-n", "-r", capture, "-Y", wanted, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|", "-e", "frame.time_epoch"]
    for field in fields:
        line += ["-e", field]
    out = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    rows = []
    for row in out.splitlines():
        cells = row.split("\t")
        rows.append([cells[0][-16:][:13]] + [cell.split("|") if cell else [] for cell in cells[1:]])
    return rows


def ours(events, kind):
    return sorted((e for e in events if e["event_type"] == kind), key=lambda e: e["timestamp"])


def replay(t, name):
    capture = os.path.join(ROOT, "pcaps", name + ".pcap")
    events, stats = t.analyse(capture, "-w", "2", *SMALL)
    check(stats["records"]["messages_unsound"] == {"icmp": 1, "nd": 1, "mld": 1, "igmp": 2}[name], "unsound: %r", stats["records"])
    return capture, ours(events, name), events


def same(what, said, expected):
    check(said == expected, "%s: said %r, tshark %r", what, said, expected)


def number(text):
    return int(text, 0)


@system_test(tools=("tshark",))
def test_icmp_is_as_tshark_reads_it(t):
    capture, said, events = replay(t, "icmp")
    rows = tshark(capture, "icmp || icmpv6", "icmp.type", "icmp.code", "icmpv6.type",
                  "icmpv6.code", "icmp.mtu", "icmpv6.mtu", "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport", "ip.src", "ipv6.src",
                  "icmp.redir_gw")
    # what quotes nothing that is IP has no record; echo neither
    rows = [r for r in rows if (r[1] + r[3])[0] not in ("0", "8", "128", "129") and not (r[1][:1] == ["3"] and len(r[11]) == 1)]
    same("messages", len(said), len(rows))
    flows = {e["community_id"] for e in events if e["event_type"] == "flow"}
    for event, row in zip(said, rows):
        icmp, quoted = event["icmp"], event["icmp"].get("quoted", {})
        _, type4, code4, type6, code6, mtu4, mtu6, udp_src, udp_dst, tcp_src, tcp_dst, src4, src6, gateway = row
        same("type", icmp["type"], number((type4 + type6)[0]))
        same("code", icmp["code"], number((code4 + code6)[0]))
        same("mtu", [icmp["mtu"]] if "mtu" in icmp else [], [number(m) for m in mtu4 + mtu6 if number(m)])
        same("gateway", icmp.get("gateway"), gateway[0] if gateway else None)
        same("source", event["src_ip"], (src4 + src6)[0])
        same("quoted source", quoted.get("src_ip"), (src4 + src6 + [None])[1])
        ports = [number(p[0]) for p in (udp_src + tcp_src, udp_dst + tcp_dst) if p]
        same("quoted ports", [quoted[k] for k in ("src_port", "dest_port") if k in quoted], ports)
        if ports or quoted.get("proto") in ("ICMP", "GRE"):
            check(quoted["community_id"] in flows, "no flow has the community id of %r", quoted)


@system_test(tools=("tshark",))
def test_neighbour_discovery_is_as_tshark_reads_it(t):
    capture, said, _ = replay(t, "nd")
    rows = tshark(capture, "icmpv6", "icmpv6.type", "icmpv6.nd.ns.target_address",
                  "icmpv6.nd.na.target_address", "icmpv6.nd.rd.target_address", "icmpv6.opt.prefix", "icmpv6.opt.prefix.valid_lifetime",
                  "icmpv6.opt.mtu", "icmpv6.opt.rdnss", "icmpv6.opt.dnssl", "icmpv6.opt.linkaddr", "icmpv6.nd.ra.router_lifetime", "ipv6.src",
                  "icmpv6.opt.route_lifetime", "icmpv6.nd.ra.cur_hop_limit")[:8]  # the last one is not sound
    same("messages", len(said), len(rows))
    for event, row in zip(said, rows):
        nd = event["nd"]
        _, kind, ns, na, redirect, prefixes, valid, mtu, rdnss, dnssl, macs, lifetime, src, routes, hops = row
        same("type", nd["type"], ND_TYPES[number(kind[0])])
        same("target", [nd["target"]] if "target" in nd else [], (ns + na + redirect)[:1])
        same("probe", nd.get("kind") == "dad_probe", kind == ["135"] and src[0] == "::")
        same("prefixes", [(p["prefix"], p["valid_lifetime"]) for p in nd.get("prefixes", [])], list(zip(prefixes, map(number, valid))))
        same("mtu", [nd["mtu"]] if "mtu" in nd else [], [number(m) for m in mtu])
        same("rdnss", nd.get("rdnss", []), rdnss)
        same("dnssl", nd.get("dnssl", []), dnssl)
        same("addresses", [nd[k] for k in ("src_mac", "target_mac") if k in nd], macs)
        same("lifetime", nd.get("lifetime", 0), number(lifetime[0]) if lifetime else 0)
        same("hop limit", nd.get("hop_limit", 0), number(hops[0]) if hops else 0)
        same("routes", [r["lifetime"] for r in nd.get("routes", [])], [number(r) for r in routes])


def groups_of(message):
    return [g["group"] for g in message.get("groups", [])] or [g for g in [message.get("group")] if g]


def sources_of(message):
    return message.get("sources", []) + [s for g in message.get("groups", []) for s in g.get("sources", [])]


@system_test(tools=("tshark",))
def test_mld_is_as_tshark_reads_it(t):
    capture, said, _ = replay(t, "mld")
    rows = tshark(capture, "icmpv6", "icmpv6.type", "icmpv6.mld.multicast_address",
                  "icmpv6.mldr.mar.multicast_address", "icmpv6.mldr.mar.record_type", "icmpv6.mldr.mar.source_address", "icmpv6.mld.source_address",
                  "icmpv6.mld.maximum_response_delay", "icmpv6.mld.maximum_response_code", "icmpv6.mld.flag.qrv")[:len(said)]
    check(len(said) == 8, "%d messages", len(said))
    for event, row in zip(said, rows):
        mld = event["mld"]
        _, kind, single, several, record_types, sources, query_sources, delay, code, robustness = row
        same("type", mld["type"], {130: "query", 131: "report", 132: "done", 143: "report"}[number(kind[0])])
        same("groups", groups_of(mld), several or [g for g in single if g != "::"])
        same("record types", [g["type"] for g in mld.get("groups", [])], [GROUP_TYPES[number(r)] for r in record_types])
        same("sources", sources_of(mld), sources + query_sources)
        same("robustness", mld.get("robustness", 0), number(robustness[0]) if robustness else 0)
        if mld["type"] == "query":
            same("delay", mld["max_response_ms"], number((delay + code)[0]))


@system_test(tools=("tshark",))
def test_igmp_is_as_tshark_reads_it(t):
    capture, said, _ = replay(t, "igmp")
    rows = tshark(capture, "igmp", "igmp.type", "igmp.version", "igmp.maddr", "igmp.record_type", "igmp.saddr", "igmp.max_resp", "igmp.qrv")[:len(said)]
    check(len(said) == 9, "%d messages", len(said))
    for event, row in zip(said, rows):
        igmp = event["igmp"]
        _, kind, version, groups, record_types, sources, response, robustness = row
        same("type", igmp["type"], {0x11: "query", 0x12: "report", 0x16: "report", 0x17: "leave", 0x22: "report"}[number(kind[0])])
        same("version", igmp["version"], number(version[0]))
        same("groups", groups_of(igmp), [g for g in groups if g != "0.0.0.0"])
        same("record types", [g["type"] for g in igmp.get("groups", [])], [GROUP_TYPES[number(r)] for r in record_types])
        same("sources", sources_of(igmp), sources)
        same("robustness", igmp.get("robustness", 0), number(robustness[0]) if robustness else 0)
        if igmp["type"] == "query" and igmp["version"] > 1:
            same("response time", igmp["max_response_ms"], number(response[0]) * 100)


@system_test()
def test_workers_do_not_change_what_is_said(t):
    for name in EVENTS:
        capture, told = os.path.join(ROOT, "pcaps", name + ".pcap"), set()
        for workers in ("1", "2", "3"):
            events, _ = t.analyse(capture, "-w", workers, *SMALL)
            told.add("\n".join(sorted(json.dumps(e, sort_keys=True) for e in events if e["event_type"] in EVENTS)))
        check(len(told) == 1, "%s: other records with other workers", name)


def names_of(events):
    """All addresses that the messages name."""
    names = set()
    for message in (e[e["event_type"]] for e in events if e["event_type"] in EVENTS):
        names |= set(groups_of(message) + sources_of(message))
        names |= {message[k] for k in ("target", "destination", "gateway") if k in message}
        names |= {message.get("quoted", {}).get("src_ip"), message.get("quoted", {}).get("dest_ip")}
    return names


@system_test()
def test_a_cut_message_is_no_made_up_record(t):
    """Frames that end early although their IP header tells of more: the ledger holds, and no group or target is there that was not said."""
    for name in EVENTS:
        with open(os.path.join(ROOT, "pcaps", name + ".pcap"), "rb") as f:
            data = f.read()
        frames, at = [], 24
        while at < len(data):
            length = struct.unpack_from("<I", data, at + 8)[0]
            frame = data[at + 16:at + 16 + length]
            frames += [frame[:n] for n in range(14, min(length, 200), 7)] + [frame]
            at += 16 + length
        capture = t.path(name + ".pcap")
        pcap_write(capture, frames)
        whole, _ = t.analyse(os.path.join(ROOT, "pcaps", name + ".pcap"), "-w", "1", *SMALL)
        events, stats = t.analyse(capture, "-w", "1", *SMALL)
        check(stats["residual"] == 0, "residual %d", stats["residual"])
        check(names_of(events) <= names_of(whole) and names_of(events), "%s: made up %r", name, names_of(events) - names_of(whole))


@system_test()
def test_a_flood_of_errors_is_no_record_flood(t):
    quoted = bytes.fromhex("4500001c000100000111000" "0c000020ac6336450" "9c41829a00080000")
    message = b"\x0b\0\0\0\0\0\0\0" + quoted
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(message), 0, 0, 64, 1, 0)
    frames = [b"\x02" * 12 + b"\x08\0" + head + struct.pack(">I", 0xcb007100 + n % 200) + b"\xc0\0\2\x0a" + message for n in range(600)]
    capture = t.path("flood.pcap")
    pcap_write(capture, frames, step_us=5000)  # three seconds
    events, stats = t.analyse(capture, "-w", "1", "--set", "limits.link_records_per_s=50", *SMALL)
    same("records", len(ours(events, "icmp")), 150)
    check(stats["records"]["link_left_out"] == 450, "left out: %r", stats["records"])
    flows = sum(e["flow"]["pkts_toserver"] + e["flow"]["pkts_toclient"] for e in events if e["event_type"] == "flow")
    check(flows == 600, "%d packets in flows", flows)
