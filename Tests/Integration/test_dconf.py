"""The distributed config across five nodes, and every way it may be old, early, expired or forged.

(faults.md B11, B12, B14, B15; cases C27, C28; section "Distributed config" of the protocol.)
"""
import datetime
import json
import subprocess
import time

import pytest

import messages as m
from daemon import binary
from lab import line
from pki import DOMAIN, now
from waiting import SLACK, holds, took, until

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
MEDIA = "application/octet-stream"


def whitelist(*daemons, **extra):
    """What each of these nodes announces, allowed; in a row everybody passes on everything."""
    everything = [d.prefix for d in daemons]
    return {"prefix_whitelist": {**{d.name: everything for d in daemons}, **extra}}


def upload(daemon, blob, **more):
    return daemon.api.put("/v1/distributed-config", blob, media=MEDIA, **more)


def held(daemon):
    """(hash, issue time) of what is in force, or None."""
    config = daemon.api.status()["distributed_config"]
    return (config["hash"], config["issued_at"]) if config else None


def fake_time(daemon, offset):
    """The daemon's wall clock is off by `offset` (libfaketime's words); its other clocks are not."""
    daemon.environment = {"LD_PRELOAD": FAKETIME, "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1"} if offset else {}


def at(days=0, seconds=0):
    return now() + datetime.timedelta(days=days, seconds=seconds)


@pytest.mark.timeout(180)
def test_five_nodes_adopt_enforce_relent_and_remember(lab, need):
    """By curl into one of five; filters within a second of adoption; back when allowed; in force after kill -9 of all."""
    need("curl")
    nodes = line(lab, "abcde")
    a, *_, e = nodes
    without_e = {d.name: [n.prefix for n in nodes if n is not e] for d in nodes}
    blob = lab.folder / "dconf.bin"
    blob.write_bytes(lab.ca.sign_config({"prefix_whitelist": without_e}, start=at(seconds=-60)))
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "--unix-socket", nodes[2].socket_path, "-X", "PUT", "-H",
                           f"Content-Type: {MEDIA}", "--data-binary", f"@{blob}",
                           "http://localhost/v1/distributed-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads(done.stdout)
    assert plan["changed"] and plan["valid"]
    assert e.prefix in plan["routes_newly_rejected"]
    until(lambda: len({held(d) for d in nodes}) == 1 and held(a), 3, "all five hold it")
    gone = lambda: all(d.api.selected(e.prefix) is None for d in nodes[:-1])
    assert took(gone, 3, "e's prefix is gone everywhere") <= 1 * SLACK
    assert nodes[3].api.verdict(e.prefix, e.id) == ("rejected", "not_whitelisted")
    assert a.reaches(nodes[3]) is not None and not a.ping(e.address)

    upload(e, lab.ca.sign_config(whitelist(*nodes), start=at(seconds=-30)))
    until(lambda: a.api.selected(e.prefix), 3, "e's prefix is back")
    a.reaches(e, 2)

    upload(a, lab.ca.sign_config({"prefix_whitelist": without_e}, start=at(seconds=-10)))
    until(gone, 3)
    in_force = held(a)
    for node in nodes:
        node.kill()
    for node in nodes:
        node.start()
    a.reaches(nodes[3])
    assert [held(d) for d in nodes] == [in_force] * 5, "from disk, known to nobody else"
    until(lambda: nodes[3].api.verdict(e.prefix, e.id) == ("rejected", "not_whitelisted"), 5, "e announces, and is refused")
    holds(gone, 2, "the filter is in force after the restart of everything")


def test_B11_C27_rollback_and_replay(lab):
    a, = line(lab, "a")
    old = lab.ca.sign_config({"prefix_whitelist": {f"old.{DOMAIN}": []}}, start=at(days=-2))
    new = lab.ca.sign_config({"prefix_whitelist": {f"new.{DOMAIN}": []}}, start=at(days=-1))
    assert upload(a, old)["changed"] and upload(a, new)["changed"]
    newest = held(a)
    assert not upload(a, new)["changed"], "the same again changes nothing"
    status, _, content = a.api.exchange("PUT", "/v1/distributed-config", old, media=MEDIA)
    assert (status, json.loads(content)["code"]) == (409, "distributed-config-not-newer")
    path = lab.folder / "old.bin"
    path.write_bytes(old)
    path.chmod(0o644)
    a.arguments = ["-initial-dc", path]
    for _ in range(2):
        a.kill()
        a.start()
        assert held(a) == newest, "the high-water mark is on disk"


def test_initial_dc(lab):
    a, = line(lab, "a")
    path = lab.folder / "first.bin"
    path.write_bytes(lab.ca.sign_config({"prefix_whitelist": {}}, start=at(days=-1)))
    a.stop()
    a.arguments = ["-initial-dc", path]
    a.start()
    assert held(a)
    a.arguments = []
    a.restart()
    assert held(a), "and it is kept"


def test_B12_C27_issued_in_the_future(lab):
    a, = line(lab, "a")
    poison = lab.ca.sign_config({"prefix_whitelist": {f"x.{DOMAIN}": []}}, start=at(seconds=3600))
    status, _, content = a.api.exchange("PUT", "/v1/distributed-config", poison, media=MEDIA)
    assert status == 422 and json.loads(content)["reason"] == "issued_in_future"
    assert held(a) is None
    upload(a, lab.ca.sign_config({"prefix_whitelist": {}}))
    assert held(a), "a present one is adopted; the future one was not remembered as newest"


def test_B12_from_a_peer_it_is_taken_when_due(lone, lab):
    """Five minutes of the future are forgiven; this one is four seconds beyond that, and offered again and again."""
    adv = lone.adversary()
    soon = lab.ca.sign_config({"prefix_whitelist": {adv.identity.name: []}}, start=at(seconds=304))
    begin = time.time()

    def offered():
        adv.send(m.DCONF, soon)
        return held(lone.nut)
    until(offered, 20, "adopted when it is due", every=0.5)
    assert time.time() >= begin + 3, "and not before"


def test_B14_C27_expired_and_restarted(lab):
    """Two years on, the clock past every date: the last policy stays in force, with an alarm, never "allow all"."""
    a, b = line(lab, "ab")
    long = lambda d: lab.ca.node(d.name, end=at(days=3000), file=f"{d.label}-long")
    for daemon in (a, b):
        daemon.stop()
        identity = long(daemon)
        daemon.identity = identity
        daemon.config.update(cert=str(identity.cert_path), private_key=str(identity.key_path))
        daemon.start()
    a.reaches(b)
    upload(a, lab.ca.sign_config({"prefix_whitelist": {b.name: [], a.name: [a.prefix]}}))
    until(lambda: a.api.selected(b.prefix) is None, 2, "b may announce nothing")
    kept = held(a)
    for daemon in (a, b):
        daemon.kill()
        fake_time(daemon, "+730d")
        daemon.start()
    until(lambda: b.name in a.api.peers_up(), 5, "the peer is up")
    until(lambda: a.api.candidates(b.prefix), 5, "it announces")
    holds(lambda: a.api.selected(b.prefix) is None, 2, "the filter is in force")
    assert held(a) == kept
    health = a.api.status()["health"]
    assert health["status"] != "ok" and any("config" in c["name"] and c["status"] != "ok" for c in health["checks"]), health


def test_B13_C27_the_same_second(lab):
    """Two valid configs of one second into both ends of a row: one winner everywhere, the larger hash."""
    a, b, c = line(lab, "abc")
    start = at(seconds=-5)
    one, two = (lab.ca.sign_config({"prefix_whitelist": {}, "note": n}, start=start) for n in ("one", "two"))
    upload(a, one)
    c.api.exchange("PUT", "/v1/distributed-config", two, media=MEDIA)
    until(lambda: len({held(d) for d in (a, b, c)}) == 1, 5, "all the same")
    import hashlib
    hashes = [hashlib.sha256(json.dumps({"prefix_whitelist": {}, "note": n}).encode()).hexdigest() for n in ("one", "two")]
    assert held(b)[0] == max(hashes)


WRONG = {
    "null": b"null", "a list": b"[]", "whitelist null": b'{"prefix_whitelist": null}',
    "list null": b'{"prefix_whitelist": {"a.b": null}}',
    "entry number": b'{"prefix_whitelist": {"a.b": [5]}}', "string for list": b'{"prefix_whitelist": {"a.b": "::/0"}}',
    "duplicate key": b'{"prefix_whitelist": {}, "prefix_whitelist": {}}',
    "duplicate node": b'{"prefix_whitelist": {"a.b": [], "a.b": ["2001:db8::/32"]}}',
    "case variant": b'{"Prefix_Whitelist": {}, "prefix_whitelist": {}}',
    "node in two cases": b'{"prefix_whitelist": {"a.b": [], "A.B": ["2001:db8::/32"]}}',
    "IPv4": b'{"prefix_whitelist": {"a.b": ["10.0.0.0/8"]}}',
    "999": b'{"prefix_whitelist": {"a.b": ["2001:db8::/32,max_prefix_len=999"]}}',
    "deep": b'{"prefix_whitelist": {}, "x": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    "2 MiB": b'{"prefix_whitelist": {}, "x": "' + b"y" * (2 << 20) + b'"}',
    "not UTF-8": b'{"prefix_whitelist": {"\xff": []}}', "nothing": b"",
}
ENTRIES = ["2001:db8::/32,max_prefix_len=abc", "2001:db8::/32,max_prefix_len=129", "2001:db8::/32,max_prefix_len=-1",
           "2001:db8::/32,max_prefix_len=", "2001:db8::/32,max_prefix_len=64,max_prefix_len=48", "2001:db8::/32,maxlen=64",
           "2001:db8::/32, max_prefix_len=64", "2001:db8::/129", "", "2001:db8::1/32", ",max_prefix_len=64"]


def test_B15_C28_content_that_does_not_hold_is_refused_whole(lab):
    a, = line(lab, "a")
    upload(a, lab.ca.sign_config({"prefix_whitelist": {f"kept.{DOMAIN}": []}}, start=at(days=-1)))
    kept = held(a)
    rows = dict(WRONG, **{f"entry {e!r}": json.dumps({"prefix_whitelist": {"a.b": [e]}}).encode() for e in ENTRIES})
    for name, content in rows.items():
        status, _, body = a.api.exchange("PUT", "/v1/distributed-config", lab.ca.sign_config(content), media=MEDIA)
        problem = json.loads(body)
        assert status in (413, 422), f"{name}: {status} {problem}"
        if name.startswith("entry"):
            assert problem["reason"] == "content_invalid" and "a.b" in json.dumps(problem), f"{name}: {problem}"
        assert held(a) == kept, name
    assert a.alive


def test_C28_names_are_compared_without_case_and_an_empty_list_denies(lab):
    a, b = line(lab, "ab")
    upload(a, lab.ca.sign_config({"prefix_whitelist": {b.name.upper(): [], a.name: [a.prefix]}}))
    until(lambda: a.api.selected(b.prefix) is None, 2, "denied under another spelling of its name")


def test_C27_forged_by_a_peer(lone, lab):
    """Signed by a stranger, unsigned, damaged: from a peer each is counted and costs nothing else."""
    adv = lone.adversary()
    good = lab.ca.sign_config({"prefix_whitelist": {}})
    forged = [lab.other_ca().sign_config({"prefix_whitelist": {}}), m.encode_config(1, b"", b"{}"),
              m.encode_config(2, b"x", b"{}"), good[:-1] + bytes([good[-1] ^ 1])]
    for blob in forged:
        adv.send(m.DCONF, blob)
    adv.send(m.PING)
    until(lambda: adv.messages(m.PONG), 5)
    assert held(lone.nut) is None and adv.alive

    def offered():
        adv.send(m.DCONF, good)
        return held(lone.nut)
    until(offered, 12, "the good one is adopted (one verification every 10 s a peer)", every=0.5)


def test_vnconfigsign_and_back(lab):
    """Our signing tool's file is adopted, and it refuses what would be refused."""
    a, = line(lab, "a")
    source, out = lab.folder / "policy.json", lab.folder / "out"
    out.mkdir()
    command = [binary("vnconfigsign"), "-ca-cert", lab.ca.cert_path, "-ca-key", lab.ca.key_path, "-config", source,
               "-out-dir", out]
    source.write_text(json.dumps(whitelist(a)))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made, = out.glob("dconf-*.bin")
    assert upload(a, made.read_bytes())["changed"]
    inspected = subprocess.run([binary("vnconfigsign"), "--inspect", made], capture_output=True, text=True)
    assert inspected.returncode == 0 and a.name in inspected.stdout
    source.write_text(json.dumps({"prefix_whitelist": {a.name: ["2001:db8::/32,max_prefix_len=999"]}}))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and "max_prefix_len must be 0 to 128" in done.stderr and len(list(out.glob("*.bin"))) == 1
