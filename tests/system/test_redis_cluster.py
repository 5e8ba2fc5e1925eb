"""More than one Redis: a Cluster of six whose primary dies while three sensors send, a slot that moves under a sensor, and Sentinels."""
import os
import time

from harness import check, free_port, system_test
from redis_rig import (Client, Redis, RedisError, all_there, events_start, feed, sink_is, stream_key, traffic)

NODES, SLOTS, BUS = 6, 16384, 10000
SENSORS = ("t1", "t2", "t3")


class Cluster:
    """Three primaries, a replica each. call() goes to whoever has the key now."""
    def __init__(self, t, nodes=NODES, node_timeout_ms=1000):
        self.t = t
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout_ms), "--cluster-replica-validity-factor", "0",
                   "--repl-diskless-sync-delay", "0")
        self.nodes = [Redis(t, *options, port=free_port(BUS)) for _ in range(nodes)]
        t.call("redis-cli", "--cluster", "create", *(n.address for n in self.nodes), "--cluster-replicas", nodes // 3 - 1, "--cluster-yes")
        t.until(lambda: all(self.agrees(n) for n in self.nodes), "the Cluster is whole")

    @property
    def addresses(self):
        return ",".join(n.address for n in self.nodes[:3])

    def agrees(self, node):
        """It is ok, and each primary has its replica in step."""
        if "cluster_state:ok" not in node.call("CLUSTER", "INFO"):
            return False
        replication = node.call("INFO", "replication")
        wanted = "state=online" if "role:master" in replication else "master_link_status:up"
        return len(self.nodes) == 3 or wanted in replication

    def owner(self, key):
        alive = [n for n in self.nodes if n.program.running()]
        slot = alive[0].call("CLUSTER", "KEYSLOT", key)
        for low, high, primary, *_ in alive[0].call("CLUSTER", "SLOTS"):
            if low <= slot <= high:
                return next(n for n in self.nodes if n.port == primary[1])
        return None

    def call(self, *words):
        """One that is electing, or of which not all know what it has become, is asked again."""
        def attempt():
            try:
                return (self.owner(words[1]).call(*words),)
            except OSError:
                return None
            except RedisError as why:
                if str(why).startswith(("CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN")):
                    return None
                raise
        return self.t.until(attempt, "an answer of the Cluster")[0]

    def length(self, stream, sensor="t1"):
        return self.call("XLEN", stream_key(stream, sensor))


@system_test(tools=("redis-server", "redis-cli"))
def test_primary_dies(t):
    """Its replica may lack what it had acknowledged: that is sent again out of what is retained."""
    cluster = Cluster(t)
    programs = [feed(t, traffic(t, 3000 + 100 * i, 6.0, first=10000 * i), cluster.addresses, sensor=sensor) for i, sensor in enumerate(SENSORS)]
    for sensor in SENSORS:
        events_start(t, cluster, sensor=sensor)
    victim = cluster.owner(stream_key("events"))
    victim.kill()
    t.until(lambda: cluster.owner(stream_key("events")) is not victim, "failover")
    total = 0
    for program in programs:
        _, seen = all_there(t, program, cluster)
        total += sum(s.records for s in seen.values())
    check(total >= 2 * 9300, "%d records of all three", total)
    alive = [n for n in cluster.nodes if n.program.running()]
    everywhere = sum(n.length(stream, sensor) for n in alive for sensor in SENSORS for stream in ("flows", "alerts", "events")
                     if cluster.owner(stream_key(stream, sensor)) is n)
    check(everywhere == total, "the streams hold %d, the sensors made %d", everywhere, total)


@system_test(tools=("redis-server", "redis-cli"))
def test_slot_moves(t):
    """Key by key from one node to another while records come: MOVED, ASK and TRYAGAIN."""
    cluster = Cluster(t, 3, node_timeout_ms=20000)
    program = feed(t, traffic(t, 3000, 3.0), cluster.addresses)
    events_start(t, cluster)
    slot = cluster.nodes[0].call("CLUSTER", "KEYSLOT", stream_key("events"))
    source = cluster.owner(stream_key("events"))
    target = next(n for n in cluster.nodes if n is not source)
    ids = {n: n.call("CLUSTER", "MYID") for n in (source, target)}
    target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
    source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    keys, moved = True, 0
    while keys:
        keys = source.call("CLUSTER", "GETKEYSINSLOT", slot, 1)
        for key in keys:
            source.call("MIGRATE", "127.0.0.1", target.port, key, 0, 20000)
            moved += 1
            time.sleep(0.1)
    for node in (target, source, *cluster.nodes):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
    check(moved >= 2, "only %d keys moved", moved)
    t.until(lambda: cluster.owner(stream_key("events")) is target, "all know that it moved")
    all_there(t, program, cluster)


@system_test(tools=("redis-server", "redis-cli"))
def test_cluster_down(t):
    """A part of the slots has no owner: records wait, with the cause."""
    cluster = Cluster(t, 3)
    program = feed(t, traffic(t, 2000, 3.0), cluster.addresses)
    events_start(t, cluster)
    victim = next(n for n in cluster.nodes if n is not cluster.owner(stream_key("events")))
    victim.kill()
    sink_is(t, program, "degraded", cause="clusterdown")
    victim.start()
    all_there(t, program, cluster)


@system_test(tools=("redis-server", "redis-sentinel"))
def test_sentinel(t):
    """The primary dies, the Sentinel makes its replica the primary, and says so to who asks."""
    primary = Redis(t, "--repl-diskless-sync-delay", "0")
    replica = Redis(t, "--replicaof", "127.0.0.1", str(primary.port))
    t.until(lambda: "master_link_status:up" in replica.call("INFO", "replication"), "the replica is in step")
    port, settings = free_port(), t.path("sentinel.conf")
    with open(settings, "w", encoding="ascii") as f:
        f.write("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor mymaster 127.0.0.1 %d 1\n"
                "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n" % (port, t.folder, primary.port))
    t.start("redis-sentinel", settings)

    def knows():
        try:
            return len(Client(port).call("SENTINEL", "REPLICAS", "mymaster")) == 1
        except (OSError, RedisError):
            return False
    t.until(knows, "the Sentinel knows the replica")
    program = feed(t, traffic(t, 3000, 6.0), "127.0.0.1:%d" % port, "--set", "redis.servers=sentinel")
    events_start(t, primary)
    primary.kill()
    t.until(lambda: "role:master" in replica.call("INFO", "replication"), "failover")
    all_there(t, program, replica)


@system_test(tools=("redis-server",))
def test_replicas_by_list(t):
    """Two addresses of plain replication: what is written goes to the one that takes it, also after they have changed places."""
    first = Redis(t, "--repl-diskless-sync-delay", "0")
    second = Redis(t, "--replicaof", "127.0.0.1", str(first.port))
    t.until(lambda: "master_link_status:up" in second.call("INFO", "replication"), "the replica is in step")
    program = feed(t, traffic(t, 2000, 4.0), "%s,%s" % (second.address, first.address))  # the replica comes first
    events_start(t, first)
    first.kill()
    second.call("REPLICAOF", "NO", "ONE")
    t.until(lambda: second.length("events") > 500, "it goes on")
    all_there(t, program, second)
    check(os.path.isdir(program.spool), "the spool")


@system_test(tools=("redis-server", "redis-cli"))
def test_lying_redirect(t):
    """A single reply that names an address is no reason to go there: the Cluster itself has to list it."""
    from resp_proxy import Proxy
    server, stranger = Redis(t), Redis(t)
    proxy = Proxy(server.port)
    program = feed(t, traffic(t, 1000, 2.0), proxy.address)
    events_start(t, server)
    connections = stranger.info("stats", "total_connections_received")
    proxy.lie = b"-MOVED 1234 %s\r\n" % stranger.address.encode()
    proxy.cut()
    sink_is(t, program, "degraded")
    time.sleep(1)
    check(stranger.info("stats", "total_connections_received") == connections, "it went where a reply sent it")
    proxy.lie = None
    proxy.cut()
    all_there(t, program, server)
    check(stranger.call("DBSIZE") == 0, "the stranger was given keys")
