"""The host around the process: crashes in the middle of a write, a full disk, no descriptors, jumping clocks, numbers
at every edge.

(faults.md D4, D5, D7, D9, D15; case C25.)
"""
import datetime
import json
import os
import random
import socket
import subprocess
import threading
import time

import pytest

import messages as m
from bounds import bounds
from lab import Field, line
from pki import DOMAIN
from test_announcements import SENTINEL, accepted
from test_dconf import FAKETIME, at, fake_time, held
from waiting import holds, until


def test_D4_killed_while_it_writes(lab, seed):
    """kill -9 at random moments of configuration writes: afterwards one of the last two states, never a mixture."""
    rng = random.Random(seed)
    a, = line(lab, "a")
    rounds = int(os.environ.get("VMESH_CRASHES", "30"))
    for _ in range(rounds):
        written = []

        def write():
            try:
                for number in range(1000):
                    a.api.put(f"/v1/config/peers/p.{DOMAIN}", {"name": f"p.{DOMAIN}", "addrs": [f"192.0.2.1:{1000 + number}"]})
                    written.append(number)
            except Exception:
                pass
        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(rng.uniform(0.005, 0.12))
        a.kill()
        thread.join()
        config = json.loads(a.config_path.read_text())
        ports = [int(p["addr"].rpartition(":")[2]) - 1000 for p in config["peers"]]
        last = written[-1] if written else None
        if last is not None:
            assert ports in ([last], [last + 1]), f"{ports} after {last} was confirmed"
        a.write_config = lambda: None
        a.start()
        assert not [p for p in a.folder.iterdir() if ".tmp" in p.name], "no temporary file is left for ever"


def test_D5_a_full_disk(lab):
    a, b = line(lab, "ab", start=False)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", a.state], check=True)
    lab.closers.append(lambda: subprocess.run(["umount", "-l", a.state]))
    a.start()
    b.start()
    a.reaches(b)
    filler = a.state / "filler"
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
        for _ in range(100):
            file.write(bytes(4096))
    blob = lab.ca.sign_config({"prefix_whitelist": {}, "padding": "x" * 20000}, start=at(seconds=-5))
    a.api.put("/v1/distributed-config", blob, media="application/octet-stream")
    assert held(a), "in force from memory"
    check = lambda: [c for c in a.api.status()["health"]["checks"] if c["name"] == "state_unsaved" and c["status"] != "ok"]
    until(check, 3, "the alarm state_unsaved")
    assert a.alive and a.ping(b.address, 3)
    filler.unlink()
    until(lambda: not check(), 35, "saved once there is room")
    a.kill()
    a.start()
    assert held(a), "and still there after a restart"


def test_D7_no_descriptors_left(lab):
    field = Field(lab)
    for daemon in (field.nut, field.left, field.right):
        daemon.start(wrapper=["prlimit", "--nofile=64", "--"] if daemon is field.nut else ())
    field.left.reaches(field.right)
    socks = []
    with bounds(field, lost=1, rtt=60, cpu=0.4):
        for _ in range(500):
            with field.outside.inside():
                sock = socket.socket()
            sock.setblocking(False)
            try:
                sock.connect((field.nut_ip, 5120))
            except OSError:
                pass
            socks.append(sock)
        for _ in range(300):
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            try:
                sock.connect(str(field.nut.socket_path))
            except OSError:
                pass
            socks.append(sock)
        holds(lambda: field.nut.alive, 3)
        assert sorted(field.left.api.peers_up()) == [field.nut.name]
        for sock in socks:
            sock.close()
        until(lambda: field.nut.api.status(), 15, "the API answers again")


@pytest.mark.parametrize("jump", ["+365d", "-365d", "+1h", "-1h"])
def test_D9_C25_the_wall_clock_jumps(lab, jump):
    """Certificates last ten years, so only a timer that reads the wrong clock could end something."""
    a, b = (lab.daemon(label, 0xA + n, identity=lab.ca.node(f"{label}.{DOMAIN}", start=at(days=-1000), end=at(days=1000)))
            for n, label in enumerate("ab"))
    lab.connect(a, b, "left")
    clock = lab.folder / "clock"
    clock.write_text("+0d")
    a.environment = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock), "DONT_FAKE_MONOTONIC": "1",
                     "FAKETIME_NO_CACHE": "1"}
    a.start()
    b.start()
    a.reaches(b)
    since, begin = a.api.peer(b.name)["status_since"], time.monotonic()
    assert {a.api.peer(b.name)["status_since"] for _ in range(20)} == {since}, "what did not change is told alike"
    shown = a.api.status()["time"]
    clock.write_text(jump)
    until(lambda: abs(time.time() - _seconds(a.api.status()["time"])) > 1800, 3, f"the clock jumped from {shown}")
    holds(lambda: a.ping(b.address) and b.api.selected(a.prefix) == a.id and a.api.selected(b.prefix) == b.id, 5)
    peer = a.api.peer(b.name)
    age = _seconds(a.api.status()["time"]) - _seconds(peer["status_since"])
    age_before = _seconds(shown) - _seconds(since)
    assert peer["status"] == "up" and abs(age - age_before - (time.monotonic() - begin)) < 1.5, "the same session"
    assert peer["latency"]["max_ms"] < 1000, peer["latency"]


def _seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def test_C25_started_in_1970(lab):
    a, b = line(lab, "ab", start=False)
    fake_time(a, "-20000d")
    a.start()
    b.start()
    until(lambda: (a.api.peer(b.name)["last_error"] or {}).get("code") == "not_yet_valid", 5, "the reason is shown")
    assert a.alive
    fake_time(a, None)
    a.restart()
    a.reaches(b)


EXTREMES = [0, 1, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]


def test_D15_numbers_at_every_edge(field, seed):
    """Every number of every message at every edge, and random damage: no trap."""
    rng = random.Random(seed)
    adv = field.adversary()
    with bounds(field, rtt=60):
        for number in EXTREMES:
            adv.announce(m.raw_route(bytes(16), number, [(adv.id_bytes, number)]),
                         m.raw_route(b"\x20\x01" + bytes(14), 48, [(adv.id_bytes, number)] * 3),
                         m.raw_route(b"\x20\x01" + bytes(14), 48, [(adv.id_bytes, 1), (bytes(32), number)]))
            adv.send(number if number < 2**32 and number not in (2, 4) else 99, b"\1")
            adv.frame(m.frame(m.varint(2 << 3) + m.varint(number)) if number == 0 else m.frame(m.message(m.PING)))
        if not adv.alive:
            adv = field.adversary(label="again")
        good = m.message(m.ANNOUNCE, m.announcement([adv.route(SENTINEL, via=[(bytes(32), 7)])]))
        for _ in range(400):
            body = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                body[rng.randrange(len(body))] = rng.randrange(256)
            try:
                adv.frame(m.frame(bytes(body)))
            except (ConnectionError, OSError):
                pass
            if not adv.alive:
                adv.close()
                adv = field.adversary(label=f"a{rng.randrange(1 << 40)}", wait=False)
    fresh = field.adversary(label="fresh")
    fresh.offer("2001:db8:98::/48")
    accepted(field, fresh, "2001:db8:98::/48")
