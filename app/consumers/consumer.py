#!/usr/bin/python3
"""An example to copy from: a member of a consumer group that processes every record of spanwatch exactly once.

    consumer.py [--redis 127.0.0.1:6379] [--sensor NAME] [--group NAME] [--name NAME] [--until-idle S]

Start as many as you like; the group shares the records out. A record may be *delivered* twice: a member dies with records in its
hands, and another takes them over; or a member was only slow. It is *processed* once, because acknowledging (XACK says 1 only the
first time) and the effect of processing are one script, that is, one step: both are there, or neither.

Work that has its effect elsewhere, in a database say, cannot be in that step. Then do the work first and acknowledge after it, and
let the database refuse the second time: (sensor, stream, id) is a key that never repeats.

The effect here: the hash sw:{SENSOR}:consumer:GROUP counts records by event_type, and for each stream and boot the ids that were
accounted for, a tombstone counting for as many as it stands for. No id is missing if that is last - first + 1.
"""
import argparse
import json
import signal
import socket
import sys
import time

import redis

STREAMS = ("flows", "alerts", "events")
COUNT, BLOCK_MS, PAUSE_S, LOOK_S = 100, 500, 0.2, 1.0

# KEYS: stream, result. ARGV: group, name of the stream; for each entry its id, what it is, and its boot, first and last sequence.
PROCESS = """
redis.call('HLEN', KEYS[2]) -- a key of another type fails here, before anything is acknowledged
local done = 0
for i = 3, #ARGV, 5 do
	if redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) == 1 then
		local of, first, last = ARGV[2] .. ':' .. ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
		local ids = string.format('%.0f', last - first + 1)
		redis.call('HINCRBY', KEYS[2], ARGV[i + 1], ids)
		redis.call('HINCRBY', KEYS[2], 'ids:' .. of, ids)
		if tonumber(first) < tonumber(redis.call('HGET', KEYS[2], 'first:' .. of) or math.huge) then
			redis.call('HSET', KEYS[2], 'first:' .. of, first)
		end
		if tonumber(last) > tonumber(redis.call('HGET', KEYS[2], 'last:' .. of) or -1) then
			redis.call('HSET', KEYS[2], 'last:' .. of, last)
		end
		done = done + 1
	end
end
redis.call('EXPIRE', KEYS[2], 86400)
return done
"""


class Consumer:
    def __init__(self, args):
        self.args, self.stop = args, False
        self.result = "sw:{%s}:consumer:%s" % (args.sensor, args.group)
        self.keys = {"sw:{%s}:%s" % (args.sensor, name): name for name in STREAMS}
        self.processed = self.delivered = 0
        self.redis = redis.Redis(decode_responses=True, username=args.user, password=args.password, socket_timeout=10, **args.redis)
        self.told = ""

    def groups(self):
        """The streams that are there, each with our group. One that is not there yet is not made: nobody would ever remove it."""
        ready = []
        for key in self.keys:
            try:
                self.redis.xgroup_create(key, self.args.group, id="0")
            except redis.ResponseError as refused:
                if "requires the key to exist" in str(refused):
                    continue
                if not str(refused).startswith("BUSYGROUP"):
                    raise
            ready.append(key)
        return ready

    def process(self, key, entries):
        words = []
        for entry_id, fields in entries:
            boot, seq = entry_id.split("-")
            if "tombstone" in fields:
                what, first = "tombstone", json.loads(fields["tombstone"])["first"]
            else:  # without fields: it was trimmed away before anybody read it
                what, first = json.loads(fields["eve"])["event_type"] if fields else "trimmed", seq
            words += [entry_id, self.keys[key] + "/" + entry_id if self.args.prove else what, boot, first, seq]
        if words:
            self.delivered += len(entries)
            self.processed += self.redis.eval(PROCESS, 2, key, self.result, self.args.group, self.keys[key], *words)
        return len(entries)

    def read(self, keys, after, block=None):
        answer = self.redis.xreadgroup(self.args.group, self.args.name, {key: after for key in keys}, count=COUNT, block=block)
        self.told = ""
        return sum(self.process(key, entries) for key, entries in answer)

    def claim(self, key):
        """What other members have had in their hands for too long."""
        answer = self.redis.xautoclaim(key, self.args.group, self.args.name, self.args.claim_after * 1000, "0-0", count=COUNT)
        entries = answer[1] if answer and isinstance(answer[0], str) else answer  # redis-py before and since 4.4
        return self.process(key, entries)

    def session(self):
        """Until told to stop or, with --until-idle, until nothing came for so long and nobody has anything in his hands."""
        keys, last = self.groups(), time.monotonic()
        looked = last
        while keys and self.read(keys, "0"):  # what we had in our hands in an earlier life
            pass
        while not self.stop:
            got = self.read(keys, ">", BLOCK_MS) if keys else 0
            if got == 0 or time.monotonic() - looked > LOOK_S:
                keys, looked = self.groups(), time.monotonic()
                got += sum(self.claim(key) for key in keys)
            if got == 0 and not keys:
                time.sleep(PAUSE_S)
            if got:
                last = time.monotonic()
            elif self.args.until_idle is not None and time.monotonic() - last > self.args.until_idle and \
                    not any(self.redis.xpending(key, self.args.group)["pending"] for key in keys):
                break

    def report(self):
        print("%s: %d delivered to us, %d processed by us" % (self.args.name, self.delivered, self.processed))
        result = self.redis.hgetall(self.result)
        for field in sorted(f for f in result if f.startswith("ids:")):
            of = field[4:]
            ids, first, last = (int(result[word + ":" + of]) for word in ("ids", "first", "last"))
            print("%s: ids %d to %d, %d missing" % (of, first, last, last - first + 1 - ids))

    def away(self, why):
        if str(why) != self.told:
            print("consumer: %s; trying again" % why, file=sys.stderr)
        self.told = str(why)
        time.sleep(PAUSE_S)

    def run(self):
        """What to exit with: None for 0, or a sentence for 1."""
        while not self.stop:
            try:
                self.session()
                return self.report()
            except (redis.AuthenticationError, redis.ResponseError) as refused:
                if not str(refused).startswith("NOGROUP"):  # a stream has gone: it comes again, and its group with it
                    return "consumer: Redis refuses: %s" % refused
                time.sleep(PAUSE_S)
            except (redis.ConnectionError, redis.TimeoutError) as away:  # goes on where Redis says that we were
                self.away(away)
        return None


def address(text):
    if text.startswith("unix:"):
        return {"unix_socket_path": text[5:]}
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError("%s is neither HOST:PORT nor unix:PATH" % text)
    return {"host": host, "port": int(port)}


def first_line(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip()
    except OSError as error:
        raise argparse.ArgumentTypeError("cannot read %s: %s" % (path, error.strerror)) from None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redis", type=address, default="127.0.0.1:6379", help="HOST:PORT or unix:PATH; default 127.0.0.1:6379")
    parser.add_argument("--sensor", default=socket.gethostname(), help="default: the name of this machine")
    parser.add_argument("--group", default="example", help="default: example")
    parser.add_argument("--name", default="%s-%d" % (socket.gethostname(), time.time()), help="of this member")
    parser.add_argument("--user", help="ACL user")
    parser.add_argument("--password-file", dest="password", metavar="FILE", type=first_line, help="its first line is the password")
    parser.add_argument("--claim-after", type=int, default=60, help="seconds until another member counts as dead; default 60")
    parser.add_argument("--until-idle", type=float, help="end when nothing came for so many seconds")
    parser.add_argument("--prove", action="store_true", help="count by id instead of event_type: each has to be 1")
    consumer = Consumer(parser.parse_args())

    def stop(*_):
        consumer.stop = True
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.exit(consumer.run())


if __name__ == "__main__":
    main()
