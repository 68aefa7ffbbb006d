"""The process on its host: start, readiness, end, failover of its neighbours, reload, rights and secrets.

(faults.md D1–D3, D6, D12, D13, D17; cases C21, C42.)
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

from bounds import Canary
from daemon import binary
from lab import line
from pki import DOMAIN
from waiting import SLACK, holds, took, until


def square(lab):
    """a – b – d and a – c – d: two ways from a to d. b is the one in use."""
    a, b, c, d = (lab.daemon(label, 0xA + n) for n, label in enumerate("abcd"))
    for left, right in ((a, b), (a, c), (b, d), (c, d)):
        lab.connect(left, right, "left")
    # b and c must know d from d before they hear of it from each other by way of a: hysteresis would keep that way.
    for daemon in (d, b, c):
        daemon.start()
    for daemon in (b, c):
        until(lambda daemon=daemon: daemon.api.selected(d.prefix) == d.id, 5, "both know d")
    a.start()
    a.reaches(d)
    for daemon in (a, b, c, d):
        until(lambda daemon=daemon: len(daemon.api.peers_up()) == 2, 5, "everybody is connected")
    until(lambda: len(a.api.candidates(d.prefix)) == 2, 5, "a knows two ways")
    used = b if a.api.next_hop(d.address) == b.name else c
    return a, used, d


def longest_gap(canary):
    """The longest time, in seconds, in which no reply came."""
    stamps = [float(s) for s in re.findall(r"^\[([\d.]+)\] \d+ bytes", "".join(canary.lines), re.M)]
    return max((b - a for a, b in zip(stamps, stamps[1:] + [canary.ended])), default=float("inf"))


class Path:
    """What `Canary` wants of a field: who pings whom."""

    def __init__(self, lab, left, right):
        self.lab, self.left, self.right = lab, left, right


FAILURES = {
    "D1 killed": (lambda used, lab: used.kill(), 1.0),
    "D2 silent link": (lambda used, lab: used.namespace.nft(
        "table inet t { chain i { type filter hook input priority 0; drop; };"
        " chain o { type filter hook output priority 0; drop; }; }"), 3.5),
    "D2 carrier lost": (lambda used, lab: used.namespace.run(
        "sh", "-c", "for l in $(ip -o link | grep -o ' [lr][0-9]*@'); do ip link set ${l%@} down; done"), 3.5),
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


def test_table_flag_writes_a_readable_table(lab):
    table = lab.folder / "table.txt"
    a, b = line(lab, "ab", start=False)
    a.start("-table", table)
    b.start()
    a.reaches(b)
    assert took(lambda: table.exists() and b.prefix in table.read_text(), 15, "the table names b's prefix") <= 12
