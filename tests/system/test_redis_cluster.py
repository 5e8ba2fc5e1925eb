"""More than one Redis: a Cluster of six whose primary dies while three sensors send, a slot that moves under a sensor, and Sentinels."""
import collections
import os
import re
import time

from harness import ROOT, check, free_port, system_test
from redis_rig import (Client, Redis, RedisError, all_there, delivered, events_start, feed, produced, sink, sink_is, stream_key, traffic)
from resp_proxy import Proxy

NODES, SLOTS, BUS = 6, 16384, 10000
SENSORS = ("t1", "t2", "t3")
MINUTE = 1700000040  # seconds since 1970 at which one begins
ACL = os.path.join(ROOT, "docs/redis-acl.conf")


class Cluster:
    """Three primaries, a replica each. call() goes to whoever has the key now."""
    def __init__(self, t, nodes=NODES, options=(), node_timeout_ms=5000):
        self.t = t
        self.options = (*options, "--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout_ms),
                        "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0")
        self.nodes = [Redis(t, *self.options, port=free_port(BUS)) for _ in range(nodes)]
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

    def add(self):
        """One more node, which has no slots."""
        node = Redis(self.t, *self.options, port=free_port(BUS))
        self.nodes[0].call("CLUSTER", "MEET", "127.0.0.1", node.port)
        self.nodes.append(node)
        self.t.until(lambda: all(n.call("CLUSTER", "NODES").count(" connected") == len(self.nodes) for n in self.nodes), "all know it")
        return node


def user(t):
    """The one that docs/redis-acl.conf has for spanwatch."""
    path = t.path("password")
    with open(ACL, encoding="ascii") as rules, open(path, "w", encoding="ascii") as f:
        f.write(re.search(r"^user spanwatch on >(\S+)", rules.read(), re.M).group(1))
    return "--set", "redis.user=spanwatch", "--set", "redis.password_file=%s" % path


class Move:
    """A sensor's slot on its way to another node, as far as the test takes it. call() goes to the other one."""
    def __init__(self, cluster, sensor="t1", target=None):
        self.key = key = stream_key("events", sensor)
        self.cluster, self.source = cluster, cluster.owner(key)
        self.target = target or next(n for n in cluster.nodes if n is not self.source)
        self.slot = self.source.call("CLUSTER", "KEYSLOT", key)
        self.ids = {n: n.call("CLUSTER", "MYID") for n in (self.source, self.target)}
        self.target.call("CLUSTER", "SETSLOT", self.slot, "IMPORTING", self.ids[self.source])
        self.source.call("CLUSTER", "SETSLOT", self.slot, "MIGRATING", self.ids[self.target])

    def keys(self, node=None):
        return (node or self.source).call("CLUSTER", "GETKEYSINSLOT", self.slot, 100000)

    def carry(self, *keys):
        for key in keys:
            self.source.call("MIGRATE", "127.0.0.1", self.target.port, key, 0, 20000)

    def end(self):
        for node in (self.target, self.source, *self.cluster.nodes):
            node.call("CLUSTER", "SETSLOT", self.slot, "NODE", self.ids[self.target])
        self.cluster.t.until(lambda: self.cluster.owner(self.key) is self.target, "all know that it moved")

    def call(self, *words):
        self.target.call("ASKING")
        return self.target.call(*words)

    def length(self, stream, sensor="t1"):
        return self.call("XLEN", stream_key(stream, sensor))


@system_test(tools=("redis-server", "redis-cli"))
def test_primary_dies(t):
    """Its replica may lack what it had acknowledged: that is sent again out of what is retained."""
    cluster = Cluster(t, node_timeout_ms=1000)
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
    cluster = Cluster(t, 3)
    program = feed(t, traffic(t, 3000, 3.0), cluster.addresses)
    events_start(t, cluster)
    move, moved = Move(cluster), 0
    while move.keys():
        move.carry(move.keys()[0])
        moved += 1
        time.sleep(0.1)
    move.end()
    check(moved >= 2, "only %d keys moved", moved)
    all_there(t, program, cluster)


def asked(node):
    """How many ASKING a node has had."""
    line = next((line for line in node.call("INFO", "commandstats").splitlines() if line.startswith("cmdstat_asking:")), "calls=0,")
    return int(line.partition("calls=")[2].partition(",")[0])


@system_test(tools=("redis-server", "redis-cli"))
def test_migration_stuck(t):
    """All keys are at the other node and nobody ends the migration: a user with no more rights than documented goes on there, also
    into another minute and after cuts and a standstill; when it has ended, without ASKING."""
    cluster = Cluster(t, 3, ("--aclfile", ACL))
    program = feed(t, traffic(t, 7500, 15.0, start=MINUTE - 4), cluster.addresses, *user(t))
    events_start(t, cluster)
    move = Move(cluster)
    while move.keys():
        move.carry(*move.keys())
    there = move.length("events")
    t.until(lambda: move.length("events") > there + 500, "they arrive at the other node")
    for _ in range(3):
        move.target.cut()
        time.sleep(0.3)
    move.target.freeze()
    time.sleep(1.3)
    move.target.thaw()
    t.until(lambda: any(":top:" in key for key in move.keys(move.target)), "the sums of a minute that has begun since")
    sink_is(t, program, "up")
    check(not move.keys(), "keys at the old node: %r", move.keys())
    for key in move.keys(move.target):
        check(move.call("TTL", key) != -1, "%s has no end", key)
    move.end()

    def without():
        calls, there = asked(move.target), cluster.length("events")
        t.until(lambda: cluster.length("events") > there + 50, "it goes on")
        return asked(move.target) == calls
    t.until(without, "it does without ASKING")
    said, _ = all_there(t, program, cluster)
    check(said["records"]["duplicates"] == 0, "%d were sent again though they were there", said["records"]["duplicates"])


@system_test(tools=("redis-server", "redis-cli"))
def test_migration_stuck_lists(t):
    """Lists that are there are written to, and after cuts the marks, which are there too, say what they have."""
    cluster = Cluster(t, 3)
    program = feed(t, traffic(t, 3000, 4.0), cluster.addresses, "--set", "redis.mode=lists")
    t.until(lambda: cluster.call("LLEN", stream_key("flows")) > 50, "lists")
    move = Move(cluster)
    while move.keys():
        move.carry(*move.keys())
    for _ in range(5):
        time.sleep(0.3)
        move.target.cut()
    delivered(t, program)
    for stream, made in produced(program.folder).items():
        got = collections.Counter(move.call("LRANGE", stream_key(stream), 0, -1))
        check(got == made, "%s: %d lines in the list, %d made", stream, sum(got.values()), sum(made.values()))
    check(not move.keys(), "keys at the old node: %r", move.keys())


@system_test(tools=("redis-server", "redis-cli"))
def test_migration_split(t):
    """Some keys here, some there, and no node takes a transaction over both: records wait, and say why, until the rest has moved."""
    cluster = Cluster(t, 3)
    stays = {"t1": "events", "t2": "writer"}
    programs = {sensor: feed(t, traffic(t, 4000, 10.0), cluster.addresses, sensor=sensor) for sensor in stays}
    moves = {}
    for sensor, name in stays.items():
        events_start(t, cluster, sensor=sensor)
        moves[sensor] = move = Move(cluster, sensor)
        move.carry(*(key for key in move.keys() if key != stream_key(name, sensor)))
    for program in programs.values():
        sink_is(t, program, "degraded", cause="migrating")
    check("1 keys of it are still at" in sink(t, programs["t1"])["error"], "the sentence: %s", sink(t, programs["t1"])["error"])
    still = [moves[sensor].length("flows", sensor) for sensor in stays]
    time.sleep(2)
    check(still == [moves[sensor].length("flows", sensor) for sensor in stays], "written to one half")
    for sensor, move in moves.items():
        sink_is(t, programs[sensor], "degraded", cause="migrating")
        check(move.keys() == [stream_key(stays[sensor], sensor)], "keys at the old node: %r", move.keys())
        move.carry(*move.keys())
        there = move.length("events", sensor)
        t.until(lambda move=move, sensor=sensor, there=there: move.length("events", sensor) > there, "it goes on by itself")
        move.end()
    for program in programs.values():
        all_there(t, program, cluster)


@system_test(tools=("redis-server", "redis-cli"))
def test_migration_to_a_new_node(t):
    """A node that has no slots yet is in no CLUSTER SLOTS; and who begins in the middle makes all keys there."""
    cluster = Cluster(t, 3)
    move = Move(cluster, target=cluster.add())
    program = feed(t, traffic(t, 1000, 2.0), cluster.addresses)
    delivered(t, program)
    check(not move.keys() and move.length("events") > 900, "keys at the old node: %r", move.keys())
    move.end()
    all_there(t, program, cluster)


@system_test(tools=("redis-server", "redis-cli"))
def test_lying_ask(t):
    """An ASK to a server that the Cluster does not list is not followed, whatever that server would take."""
    cluster, stranger = Cluster(t, 3), Redis(t)
    source = cluster.owner(stream_key("events"))
    proxy = Proxy(source.port)
    source.call("CONFIG", "SET", "cluster-announce-port", proxy.port)
    source.port = proxy.port
    t.until(lambda: all(str(proxy.port) in n.call("CLUSTER", "NODES") for n in cluster.nodes), "all know the proxy")
    program = feed(t, traffic(t, 4000, 6.0), cluster.addresses)
    events_start(t, cluster)
    check(proxy.accepted > 0, "it does not go through the proxy")
    connections = stranger.info("stats", "total_connections_received")
    move = Move(cluster)
    ask = "ASK %d " % move.slot
    proxy.replace = (ask + move.target.address).encode(), (ask + stranger.address).encode()
    while move.keys():
        move.carry(*move.keys())
    said = sink_is(t, program, "degraded", cause="migrating")
    t.until(lambda: "does not list" in sink(t, program)["error"], "the sentence: %s" % said["error"])
    time.sleep(1)
    check(stranger.info("stats", "total_connections_received") == connections, "it went where a reply sent it")
    proxy.replace = None
    delivered(t, program)
    check(not move.keys(), "keys at the old node: %r", move.keys())
    move.end()
    all_there(t, program, cluster)


@system_test(tools=("redis-server", "redis-cli"))
def test_cluster_down(t):
    """A part of the slots has no owner: records wait, with the cause."""
    cluster = Cluster(t, 3, node_timeout_ms=1000)
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
