"""The process on its host: start, readiness, end, reload, rights, disk, descriptors, clocks and secrets.

(faults.md D1–D7, D9, D12, D15, D17; cases C21, C25, C42.)
"""
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import messages as m
from bounds import Canary, bounds
from daemon import binary
from lab import Field, line
from pki import DOMAIN
from test_announcements import SENTINEL, accepted
from test_dconf import FAKETIME, at, fake_time, held
from waiting import SLACK, holds, took, until


def square(lab):
    """a – b – d and a – c – d: two ways from a to d. b is the one in use."""
    a, b, c, d = (lab.daemon(label, 0xA + n) for n, label in enumerate("abcd"))
    for left, right in ((a, b), (a, c), (b, d), (c, d)):
        lab.connect(left, right, "left")
    for daemon in (a, b, c, d):
        daemon.start()
    a.reaches(d)
    for daemon in (a, b, c, d):
        until(lambda daemon=daemon: len(daemon.api.peers_up()) == 2, 5, "everybody is connected")
    until(lambda: len(a.api.candidates(d.prefix)) == 2, 5, "a knows two ways")
    used = b if a.api.next_hop(d.address) == b.name else c
    return a, used, d


def longest_gap(canary):
    """The longest time, in seconds, in which no reply came."""
    stamps = [float(s) for s in re.findall(r"^\[([\d.]+)\] \d+ bytes", "".join(canary.lines), re.M)]
    return max((b - a for a, b in zip(stamps, stamps[1:])), default=float("inf"))


class Path:
    """What `Canary` wants of a field: who pings whom."""

    def __init__(self, lab, left, right):
        self.lab, self.left, self.right = lab, left, right


FAILURES = {
    "D1 killed": (lambda used, lab: used.kill(), 1.0),
    "D2 silent link": (lambda used, lab: used.namespace.nft(
        "table inet t { chain i { type filter hook input priority 0; drop; };"
        " chain o { type filter hook output priority 0; drop; }; }"), 3.5),
    "D2 carrier lost": (lambda used, lab: used.namespace.run("sh", "-c", "for l in $(ls /sys/class/net); do"
                        " case $l in l*[0-9]|r*[0-9]) ip link set $l down;; esac; done", check=False), 3.5),
    "D3 C21a stopped": (lambda used, lab: used.freeze(), 3.5),
}


@pytest.mark.parametrize("name", FAILURES)
def test_another_way_is_taken(lab, name):
    fail, bound = FAILURES[name]
    a, used, d = square(lab)
    canary = Canary(Path(lab, a, d))
    until(lambda: len(canary.lines) > 5, 3, "pings run")
    fail(used, lab)
    time.sleep(bound + 1.5)
    canary.stop()
    gap = longest_gap(canary)
    if name.startswith("D3"):
        used.thaw()
    assert gap <= bound * SLACK, f"{gap:.2f} s without a reply"
    assert a.ping(d.address, 3)


def test_D12_sigterm_withdraws_and_is_quick(lab):
    a, used, d = square(lab)
    canary = Canary(Path(lab, a, d))
    until(lambda: len(canary.lines) > 5, 3, "pings run")
    seconds = used.stop()
    time.sleep(0.5)
    canary.stop()
    assert used.process.returncode == 0 and seconds < 5
    assert canary.lost <= 1, f"{canary.lost} lost of {canary.sent}"
    assert not used.socket_path.exists(), "its socket is gone"
    assert used.device not in used.namespace.run("ip", "-o", "link"), "its TUN is gone"


def test_D12_C21d_sigterm_with_a_stopped_peer_and_load(field):
    field.right.freeze()
    flood = field.left.namespace.start("ping", "-6", "-q", "-f", "-s", "1200", field.right.address, stdout=-3, stderr=-3)
    field.lab.processes.append(flood)
    time.sleep(0.3)
    seconds = field.nut.stop()
    field.right.thaw()
    flood.kill()
    assert seconds < 5 and field.nut.process.returncode == 0


# -- readiness

def test_C42_ready_comes_after_address_and_api(lab):
    for _ in range(5):
        a = lab.daemons[0] if lab.daemons else lab.daemon("a", 0xA)
        a.start()
        with a.namespace.inside():
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
                sock.bind((a.address, 8080))
        assert a.api.status()["node"]["name"] == a.name
        assert any(line.startswith("STATUS=") and len(line) > 10 for line in a.read_notices()), a.notified
        a.kill()


def test_C42_abstract_notify_socket(lab):
    a = lab.daemon("a", 0xA)
    name = f"vmesh-test-{os.getpid()}"
    with a.namespace.inside():
        notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind("\0" + name)
    notices.settimeout(5)
    a._listen_for_notices = lambda environment: environment.update(NOTIFY_SOCKET="@" + name)
    a.spawn()
    assert b"READY=1" in notices.recv(4096)
    notices.close()


def test_C42_an_unreachable_peer_does_not_delay_readiness(lab):
    a = lab.daemon("a", 0xA)
    a.peer_with("nowhere." + DOMAIN, "192.0.2.1").peer_with("noname." + DOMAIN, "no-such-name.invalid")
    a.start()
    assert a.ready_after <= 1 * SLACK


WRONG_CONFIGS = {
    "not JSON": lambda c, text: text[:-3],
    "unknown vif": lambda c, text: text.replace('"vif": "mesh"', '"vif": "nothing"'),
    "host bits": lambda c, text: text.replace("2001:db8:a::/48", "2001:db8:a::5/48"),
    "no certificate": lambda c, text: text.replace(str(c.identity.cert_path), "/nowhere/a.crt"),
    "key of another": lambda c, text: text.replace(str(c.identity.key_path), str(c.ca.node("k.x.y").key_path)),
    "address without port": lambda c, text: text.replace("[::]:5120", "[::]"),
    "a number for a list": lambda c, text: re.sub(r'"peers": \[\]', '"peers": 5', text),
}


@pytest.mark.parametrize("name", WRONG_CONFIGS)
def test_C42_a_wrong_config_ends_with_one_line(lab, name):
    a = lab.daemon("a", 0xA)
    a.write_config()
    text = WRONG_CONFIGS[name](a, a.config_path.read_text())
    a.write_config = lambda: a.config_path.write_text(text)
    status, output = a.run_to_end()
    assert status != 0 and "READY=1" not in a.read_notices()
    assert len(output.strip().splitlines()) == 1 and "config.json" in output, output


def test_no_config_and_no_flag(lab):
    a = lab.daemon("a", 0xA)
    for words in (["-config", lab.folder / "nothing.json"], ["--config"], ["-no-such-flag"]):
        done = subprocess.run([binary("vmeshd"), *map(str, words)], capture_output=True, text=True, timeout=10)
        assert done.returncode != 0 and done.stderr.strip(), words
    a.write_config()
    two_dashes = a.namespace.start(binary("vmeshd"), "--config", a.config_path, stderr=-3)
    lab.processes.append(two_dashes)
    until(lambda: a.api.status(), 5, "two dashes do as well")


def test_D13_a_second_instance_does_no_harm(lab):
    a, = line(lab, "a")
    state = sorted(p.name for p in a.state.iterdir())
    done = subprocess.run([*a.namespace.prefix(), binary("vmeshd"), "-config", a.config_path], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode != 0 and done.stderr.strip()
    assert a.alive and a.api.status()["node"]["name"] == a.name, "the first is untouched, its socket too"
    assert a.ping(a.address) and sorted(p.name for p in a.state.iterdir()) == state


def test_a_stale_socket_is_cleared(lab):
    a, = line(lab, "a")
    a.kill()
    assert a.socket_path.exists()
    a.start()
    assert a.api.status()


# -- reload

def test_sighup_reads_the_file_again(lab):
    a, b = line(lab, "ab")
    since = a.api.peer(b.name)["status_since"]
    a.config["local_announcements"].append({"prefix": "2001:db8:aa::/48", "vif": "mesh"})
    a.write_config()
    a.signal(signal.SIGHUP)
    b.wait_route("2001:db8:aa::/48")
    a.config["local_announcements"].pop()
    a.write_config()
    a.signal(signal.SIGHUP)
    until(lambda: b.api.selected("2001:db8:aa::/48") is None, 3, "the prefix is withdrawn")
    assert a.api.peer(b.name)["status_since"] == since, "sessions stay"


def test_D6_half_a_file_changes_nothing(lab):
    a, b = line(lab, "ab")
    whole = a.config_path.read_text()
    before = a.api.get("/v1/config?source=running")
    since = a.api.peer(b.name)["status_since"]
    cuts = sorted({*range(0, len(whole) - 2, max(1, len(whole) // 40)), len(whole) - 3})
    for cut in cuts:
        a.config_path.write_text(whole[:cut])
        status, _, body = a.api.exchange("POST", "/v1/config/reload")
        assert status == 422 or status == 400, f"cut at {cut}: {status} {body}"
    mark = a.log_size()
    a.signal(signal.SIGHUP)
    until(lambda: a.log_lines("config.json", since=mark), 3, "the log names the file")
    assert a.log_lines(r":\d+:\d+|line \d+", since=mark), a.log_lines(since=mark)
    assert a.api.get("/v1/config?source=running") == before
    assert a.api.peer(b.name)["status_since"] == since and a.ping(b.address)


# -- rights

def test_drop_permissions(lab):
    a, b = line(lab, "ab", start=False)
    a.start("-drop-permissions")
    b.start()
    a.reaches(b)
    assert a.proc_status("Uid").split() == ["65534"] * 4 and a.proc_status("Gid").split() == ["65534"] * 4
    assert a.proc_status("Groups").split() in ([], ["65534"])
    net_admin = 1 << 12
    for name in ("CapPrm", "CapEff"):
        assert int(a.proc_status(name), 16) & ~net_admin == 0, f"{name}: {a.proc_status(name)}"
    assert int(a.proc_status("CapInh"), 16) == 0 and int(a.proc_status("CapAmb"), 16) == 0
    assert int(a.proc_status("CapBnd"), 16) & ~net_admin == 0, a.proc_status("CapBnd")
    assert a.proc_status("NoNewPrivs") == "1"
    assert a.stop() < 5 and not a.socket_path.exists(), "the socket can still be removed"


def test_E10_the_socket_is_never_wider_than_asked(lab):
    a = lab.daemon("a", 0xA)
    seen, stop = set(), threading.Event()

    def watch():
        while not stop.is_set():
            try:
                seen.add(stat.S_IMODE(os.stat(a.socket_path).st_mode))
            except FileNotFoundError:
                pass
    thread = threading.Thread(target=watch)
    thread.start()
    for _ in range(5):
        a.config["api"]["listen"][0]["mode"] = "0640"
        a.start()
        a.stop()
    stop.set()
    thread.join()
    assert seen and all(mode & ~0o640 == 0 for mode in seen), [oct(mode) for mode in seen]


def test_D17_keys_that_others_may_read_are_refused(lab):
    a = lab.daemon("a", 0xA)
    a.identity.key_path.chmod(0o644)
    status, text = a.run_to_end()
    assert status != 0 and "a." in text and len(text.strip().splitlines()) == 1
    a.identity.key_path.chmod(0o600)
    a.start()


def test_D17_no_secret_anywhere(lab):
    a, b = line(lab, "ab", start=False)
    a.arguments = ["-debug"]
    a.start()
    b.start()
    a.reaches(b)
    token = a.api.post("/v1/tokens", {"name": "t1", "role": "read"})["token"]
    a.api.get("/v1/config")
    secrets = [token, token.removeprefix("vmt_")]
    secrets += [text for text in a.identity.key_path.read_text().splitlines() if len(text) > 30]
    shown = [a.log(), a.proc("cmdline"), a.proc("environ"), json.dumps(a.api.get("/v1/config")),
             json.dumps(a.api.get("/v1/certificates")), json.dumps(a.api.get("/v1/tokens")), json.dumps(a.api.status())]
    shown += [p.read_text("utf-8", "replace") for p in a.state.rglob("*") if p.is_file()]
    for secret in secrets:
        assert not [text for text in shown if secret in text]
    owner = os.stat(f"/proc/{a.pid}/environ").st_uid
    a.kill()
    a.start("-drop-permissions")
    assert os.stat(f"/proc/{a.pid}/environ").st_uid == 0 and owner == 0, "not dumpable: its /proc belongs to root"
    for path in a.state.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path.name} may be read by others"


# -- disk, descriptors, clocks, numbers

def test_D4_killed_while_it_writes(lab, seed):
    """kill -9 at random moments of configuration writes: afterwards one of the last two states, never a mixture."""
    import random
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
    with open(filler, "wb") as file, pytest.raises(OSError):
        for _ in range(100):
            file.write(bytes(4096))
            file.flush()
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
    since = a.api.peer(b.name)["status_since"]
    shown = a.api.status()["time"]
    clock.write_text(jump)
    until(lambda: abs(time.time() - _seconds(a.api.status()["time"])) > 1800, 3, f"the clock jumped from {shown}")
    holds(lambda: a.ping(b.address) and b.api.selected(a.prefix) == a.id and a.api.selected(b.prefix) == b.id, 5)
    peer = a.api.peer(b.name)
    assert peer["status"] == "up" and peer["status_since"] == since
    assert peer["latency"]["max_ms"] < 1000, peer["latency"]


def _seconds(text):
    import datetime
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
    import random
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


def test_table_flag_writes_a_readable_table(lab):
    table = lab.folder / "table.txt"
    a, b = line(lab, "ab", start=False)
    a.start("-table", table)
    b.start()
    a.reaches(b)
    assert took(lambda: table.exists() and b.prefix in table.read_text(), 15, "the table names b's prefix") <= 12
