"""Applications by the names of servers: said by the flow, or told to its client by DNS before it began; and a file of one's own."""
import os

from harness import ROOT, SMALL, check, eve_sorted, system_test

CAPTURE = os.path.join(ROOT, "pcaps/applications.pcap")
# By the client's port, as scripts/captures/capture_applications.py made them: (host name, where from, application).
EXPECTED = {
    51001: (None, None, None),  # began before its client was told
    51002: ("www.youtube.com", "dns", "YouTube"),
    51003: (None, None, None),  # another client
    51004: ("www.netflix.com", "sni", "Netflix"),
    51005: ("www.youtube.com", "dns", "YouTube"),
    51006: ("teams.microsoft.com", "dns", "Microsoft Teams"),
    51007: ("one.example.org", "dns", None),
    51008: ("two.example.org", "dns", None),
    51009: ("www.bbc.co.uk", "host", "BBC"),
    51010: (None, None, None),  # more than an hour after
}


def named(events):
    found = {}
    for e in events:
        if e["event_type"] == "flow" and e["dest_port"] != 53:
            found[e["src_port"]] = tuple(e["spanwatch"].get(key) for key in ("hostname", "sni_source", "application"))
    return found


def own_file(t, text):
    path = t.path("applications.txt")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


@system_test()
def test_names_and_applications(t):
    events, stats = t.analyse(CAPTURE, *SMALL)
    check(named(events) == EXPECTED, "%r", named(events))
    asked = [e["spanwatch"] for e in events if e["event_type"] == "flow" and e["dest_port"] == 53]
    check(asked and all(a["sni_source"] == "question" and "application" not in a for a in asked), "%r", asked)
    unknown = [e["spanwatch"] for e in events if e["event_type"] == "flow" and e["src_port"] == 51005]
    check(unknown[0]["app_confidence"] == "dns" and unknown[0]["category"] == "video", "%r", unknown)
    names = stats["dns_names"]
    check((names["told"], names["used"], names["evicted"], names["flows"]) == (6, 5, 0, 5), "%r", names)


@system_test()
def test_any_number_of_workers_says_the_same(t):
    runs = [t.replay(CAPTURE, "-w", workers, *SMALL, "--set", "limits.dns_names=3") for workers in (1, 3)]
    one, three = (eve_sorted(os.path.join(run.folder, "eve.json")) for run in runs)
    check(one == three, "%d and %d lines", len(one), len(three))
    check(all(t.stats(run.folder)["dns_names"]["evicted"] == 2 for run in runs), "%r", t.stats(runs[0].folder)["dns_names"])


@system_test()
def test_nothing_is_remembered(t):
    events, _ = t.analyse(CAPTURE, *SMALL, "--set", "limits.dns_names=0")
    sources = {source for _, source, _ in named(events).values()}
    check(sources == {None, "sni", "host"}, "%r", sources)


@system_test()
def test_own_file_and_reload(t):
    path = own_file(t, "example.org \"Our things\" ours\nyoutube.com Lectures\n")
    program = t.watch("-r", CAPTURE, "--stay", *SMALL, "--set", "applications.file=" + path)
    t.until(lambda: t.get(program, "/api/v1/health")["replay"]["finished"], "the replay ends")
    answer = t.get(program, "/api/v1/applications")
    by_name = {a["name"]: a for a in answer["applications"]}
    check(set(by_name) == {"Our things", "Lectures", "Netflix", "Microsoft Teams", "BBC"} and answer["met"] == 5, "%r", by_name)
    check(by_name["Our things"]["category"] == "ours" and by_name["Our things"]["flows"] == by_name["Our things"]["flows_by_dns"] == 2,
          "%r", by_name["Our things"])
    check(len(t.get(program, "/api/v1/applications?limit=2")["applications"]) == 2, "the limit does not hold")
    flows = {f["src_port"]: f["spanwatch"].get("application") for f in t.get(program, "/api/v1/flows")["flows"]}
    check(flows[51002] == "Lectures", "%r", flows)

    own_file(t, "example.org \"Our things\" ours\n\nnot..sound A\n")
    status, said = t.ask(program, "POST", "/api/v1/config/reload", {"Content-Type": "application/json", "Content-Length": "0"})
    check(status == 400 and "applications.txt:3: \"not..sound\" is no domain suffix" in said["error"], "%d %r", status, said)
    check(t.get(program, "/api/v1/applications")["met"] == 5, "what was in force is gone")
    own_file(t, "example.org \"Our things\" renamed\n")
    status, said = t.ask(program, "POST", "/api/v1/config/reload", {"Content-Type": "application/json", "Content-Length": "0"})
    check(status == 200, "%d %r", status, said)
    after = {a["name"]: a for a in t.get(program, "/api/v1/applications")["applications"]}
    check("Lectures" not in after and after["Our things"]["category"] == "renamed" and after["Our things"]["flows"] == 2, "%r", after)
    check(program.stop() == 0, "%s", program.err)


@system_test()
def test_a_bad_file_is_said_at_the_start(t):
    done = t.replay(CAPTURE, "--set", "applications.file=" + own_file(t, "# ours\nexample.org\n"))
    check(done.code == 1 and "applications.txt:2: " in done.err, "%d %s", done.code, done.err)
