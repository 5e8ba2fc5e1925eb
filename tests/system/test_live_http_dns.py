"""Live: real servers and clients in two namespaces; what they said is known within two seconds, while the flow may still be open, or
at the next try: the machine may be busy with other things."""
import os
import sys
import time

from harness import Failed, check, ledger_check, system_test

SECONDS, TRIES = 2.0, 5


def flows_found(t, program, **wanted):
    """By their ids."""
    return {flow["flow_id"]: flow for flow in t.get(program, "/api/v1/flows?limit=100")["flows"]
            if all(flow.get(key) == value for key, value in wanted.items())}


def flow_seen(t, program, talk, **wanted):
    """After talk() has been said there is a flow of it within SECONDS."""
    for _ in range(TRIES):
        known = flows_found(t, program, **wanted)
        t.until(talk, "the server answers")
        answered = time.monotonic()
        new = t.until(lambda: {i: f for i, f in flows_found(t, program, **wanted).items() if i not in known}, "the flow at /api/v1/flows")
        took = time.monotonic() - answered
        if took < SECONDS:
            return next(iter(new.values()))
    raise Failed("it took %.1f s until the flow stood at /api/v1/flows, and no less %d times" % (took, TRIES))


def stop_and_check(t, program, folder):
    check(program.stop() == 0, "spanwatch: exit %s: %s", program.process.poll(), program.err[-800:])
    ledger_check(t.stats(folder))


@system_test(root=True, tools=("curl", "ip"))
def test_http(t):
    client, server = t.wire()
    site = t.fresh("site")
    os.mkdir(site)
    with open(os.path.join(site, "index.html"), "w", encoding="ascii") as page:
        page.write("<p>hello\n")
    t.start(sys.executable, "-m", "http.server", "8000", "--directory", site, namespace=server)
    out = t.fresh("out")
    program = t.watch("-i", "eth0", "-o", out, namespace=client)
    get = ("curl", "-s", "-o", "/dev/null", "-H", "Host: shop.example", "-A", "harness/1", "http://10.77.0.2:8000/")
    flow = flow_seen(t, program, lambda: t.start(*get, namespace=client).wait() == 0, dest_port=8000, app_proto="http")
    check(flow["src_ip"] == "10.77.0.1" and flow["dest_ip"] == "10.77.0.2", "the ends: %r", flow)
    check("shop.example" in repr(flow), "the host is not in the flow: %r", flow)
    stop_and_check(t, program, out)


@system_test(root=True, tools=("dnsmasq", "dig"))
def test_dns(t):
    client, server = t.wire()
    t.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root",
            "--bind-interfaces", "--listen-address=10.77.0.2", "--address=/printer.example/10.77.0.9", namespace=server)
    out = t.fresh("out")
    program = t.watch("-i", "eth0", "-o", out, namespace=client)
    ask = ("dig", "+tries=1", "+time=1", "+short", "@10.77.0.2", "printer.example")
    flow = flow_seen(t, program, lambda: "10.77.0.9" in t.call(*ask, namespace=client, good=(0, 9)),
                     dest_port=53, app_proto="dns")
    check(flow["dest_ip"] == "10.77.0.2" and flow["proto"] == "UDP", "the flow: %r", flow)
    check("printer.example" in repr(flow), "the name is not in the flow: %r", flow)
    stop_and_check(t, program, out)
    with open(os.path.join(out, "eve.json"), encoding="utf-8") as lines:
        check(any('"rrname":"printer.example"' in line for line in lines), "eve.json has no dns event for printer.example")
