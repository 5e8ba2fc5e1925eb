"""Live: every packet that was sent is accounted, those that the kernel had to drop included."""
import re
import signal

from harness import check, frame_udp, ledger_check, pcap_write, system_test

PACKETS, FRAMES = 200000, 2000


def send(t, namespace):
    capture = t.fresh("frames")
    pcap_write(capture, [frame_udp(i % 500, 9000 + i % 4) for i in range(FRAMES)])
    said = t.call("tcpreplay", "-q", "--intf1=eth0", "--topspeed", "--preload-pcap", "--loop=%d" % (PACKETS // FRAMES), capture,
                  namespace=namespace)
    sent = int(re.search(r"Successful packets:\s+(\d+)", said).group(1))
    check(sent == PACKETS, "tcpreplay sent %d", sent)


def quiet_wire(t):
    """Nobody but tcpreplay speaks on it: no ARP."""
    client, server = t.wire()
    for end in (client, server):
        t.call("ip", "link", "set", "eth0", "arp", "off", namespace=end)
    return client, server


def accounted(t, program):
    """Received and dropped by the kernel, once they are all there."""
    stats = t.get(program, "/api/v1/stats")
    drops = sum(port["kernel_drops"] for port in stats["ports"])
    return (stats["packets"]["received"], drops) if stats["packets"]["received"] + drops >= PACKETS else None


def finish(t, program, out):
    check(program.stop() == 0, "spanwatch: exit %s: %s", program.process.poll(), program.err[-800:])
    stats = t.stats(out)
    ledger_check(stats)
    drops = sum(port["kernel_drops"] for port in stats["ports"])
    received = stats["packets"]["received"]
    check(received + drops == PACKETS, "sent %d, received %d, dropped by the kernel %d: %d are missing", PACKETS, received, drops,
          PACKETS - received - drops)
    return received, drops


@system_test(root=True, tools=("tcpreplay",))
def test_all_are_accounted(t):
    client, server = quiet_wire(t)
    out = t.fresh("out")
    program = t.watch("-i", "eth0", "-w", "1", "-o", out, namespace=server)
    send(t, client)
    t.until(lambda: accounted(t, program), "all packets are accounted")
    received, _ = finish(t, program, out)
    check(received > 0, "nothing was received")


@system_test(root=True, tools=("tcpreplay",))
def test_losses_are_accounted(t):
    """Stopped while they are sent: the ring overflows, and the kernel says how often."""
    client, server = quiet_wire(t)
    out = t.fresh("out")
    program = t.watch("-i", "eth0", "-w", "1", "-o", out, "--set", "capture.rx_descriptors=256", namespace=server)
    program.process.send_signal(signal.SIGSTOP)
    send(t, client)
    program.process.send_signal(signal.SIGCONT)
    t.until(lambda: accounted(t, program), "all packets are accounted")
    _, drops = finish(t, program, out)
    check(drops > 0, "a ring of 256 packets took %d of them", PACKETS)
