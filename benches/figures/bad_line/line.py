"""A bad line to a network namespace: loss, delay, rate and cuts, between two TUN devices. No kernel module is needed.

    line.py '{"space": "uplink-line", "near": "10.213.78.1", "far": "10.213.78.2"}'

Lays the line, prints `ready`, and carries packets until its standard input ends; then all of it is gone again. Each line
of its input is a JSON object that changes how the line is: `loss` (0 to 1, both ways, at random but the same in each
run), `delay_ms` (one way), `rate` (bit/s, each way), `buffer_ms` (what waits longer is dropped), `cut`; `report` has the
counts printed.
"""

import fcntl
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000

settings = {"space": "uplink-line", "near": "10.213.78.1", "far": "10.213.78.2", "congestion_control": ""}
settings.update(json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}"))
line = {"loss": 0.0, "delay_ms": 0.0, "rate": 1e9, "buffer_ms": 250.0, "cut": False}
SPACE = settings["space"]


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError("ip %s: %s" % (" ".join(words), done.stderr.strip()))


def tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Way:
    """One direction."""

    def __init__(self, source, sink, seed):
        self.source, self.sink, self.random = source, sink, random.Random(seed)
        self.free, self.waiting = 0.0, deque()
        self.counts = {"packets": 0, "bytes": 0, "lost": 0, "overflowed": 0}

    def take(self, now):
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            self.counts["packets"] += 1
            self.counts["bytes"] += len(packet)
            begin = max(now, self.free)
            if begin - now > line["buffer_ms"] / 1000:
                self.counts["overflowed"] += 1
                continue
            self.free = begin + len(packet) * 8 / line["rate"]
            # What is lost has been on the line.
            if line["cut"] or self.random.random() < line["loss"]:
                self.counts["lost"] += 1
                continue
            self.waiting.append((self.free + line["delay_ms"] / 1000, packet))

    def give(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            packet = self.waiting.popleft()[1]
            if not line["cut"]:
                try:
                    os.write(self.sink, packet)
                except OSError:
                    self.counts["lost"] += 1


def lay():
    """Makes namespace, devices and addresses; the two ends."""
    subprocess.run(["ip", "netns", "del", SPACE], capture_output=True)
    ends = tun("uplink-line0"), tun("uplink-line1")
    ip("netns", "add", SPACE)
    ip("link", "set", "uplink-line1", "netns", SPACE)
    ip("addr", "add", settings["near"] + "/30", "dev", "uplink-line0", "noprefixroute")
    ip("link", "set", "uplink-line0", "up")
    route = ["route", "add", settings["far"] + "/32", "dev", "uplink-line0", "src", settings["near"]]
    algorithm = settings["congestion_control"]
    ip(*route, *(["congctl", algorithm] if algorithm else []))
    ip("-n", SPACE, "addr", "add", settings["far"] + "/30", "dev", "uplink-line1")
    ip("-n", SPACE, "link", "set", "lo", "up")
    ip("-n", SPACE, "link", "set", "uplink-line1", "up")
    return ends


def obey(text, ways):
    wish = json.loads(text)
    if wish.pop("report", False):
        print(json.dumps([way.counts for way in ways]), flush=True)
    line.update(wish)


def carry(near, far):
    ways = Way(near, far, 1), Way(far, near, 2)
    orders = b""
    while True:
        due = [way.waiting[0][0] for way in ways if way.waiting]
        patience = max(0.0, min(due) - time.monotonic()) if due else 1.0
        ready, _, _ = select.select([near, far, 0], [], [], patience)
        now = time.monotonic()
        if 0 in ready:
            piece = os.read(0, 65536)
            if not piece:
                return
            *whole, orders = (orders + piece).split(b"\n")
            for text in whole:
                obey(text, ways)
        for way in ways:
            if way.source in ready:
                way.take(now)
            way.give(now)


def leave(*_):
    sys.exit(0)


signal.signal(signal.SIGTERM, leave)
try:
    ends = lay()
    print("ready", flush=True)
    carry(*ends)
except (OSError, KeyboardInterrupt) as error:
    print(error, flush=True)
finally:
    subprocess.run(["ip", "netns", "del", SPACE], capture_output=True)
