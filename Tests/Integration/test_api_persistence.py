"""What the API changes is on the disk before it is answered, and in force again after any kind of end.

(api.md 2.7; faults.md D4, D6, E12 in so far as it is about what is stored.)
"""
import http.client
import json
import os
import random
import threading

import pytest
import requests

from pki import DOMAIN
from waiting import holds, until

PEER = f"p.{DOMAIN}"
PATH = f"/v1/config/peers/{PEER}"
PREFIX = "2001:db8:55::/48"


def problem(daemon, method, path, body=None, **more):
    """(status, code) of an answer that refuses."""
    status, _, content = daemon.api.exchange(method, path, body, **more)
    return status, json.loads(content).get("code")


def keep_the_file(daemon):
    """From here on the file is the router's: a start does not write it anew."""
    daemon.write_config = lambda: None
    return daemon


def on_disk(daemon):
    return json.loads(daemon.config_path.read_text())


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_all_of_it_survives_a_restart(lab, end):
    """Peer, announcement, external certificate, token, distributed config; the file keeps its mode and its owner."""
    a, b = lab.daemon("a", 0xA), lab.daemon("b", 0xB)
    b_ip = lab.cable(a.namespace, b.namespace)[1]
    a.config["api"]["listen"].append({"tcp": "127.0.0.1:5121"})
    a.start()
    b.start()
    os.chown(a.config_path, 12345, 12346)
    a.config_path.chmod(0o640)
    other = lab.other_ca().node("gw.other.example")
    a.api.put(PATH, {"addrs": ["192.0.2.7:5120", "[2001:db8::7]:5120"]})
    a.api.put(f"/v1/config/peers/{b.name}", {"addrs": [f"{b_ip}:5120"]})
    assert a.api.put(f"/v1/config/announcements/{PREFIX}", {"vif": "mesh"})["persisted"]
    assert a.api.post("/v1/certificates/external-peers", {"certificate_pem": other.pem})["persisted"]
    token = a.api.post("/v1/tokens", {"name": "kept", "role": "read"})["token"]
    revoked = a.api.post("/v1/tokens", {"name": "revoked", "role": "read"})["token"]
    a.api.delete("/v1/tokens/revoked")
    blob = lab.ca.sign_config({"prefix_whitelist": {b.name: ["2001:db8:b0::/48"]}})
    a.api.put("/v1/distributed-config", blob, media="application/octet-stream")
    until(lambda: a.api.verdict(b.prefix, b.id) == ("rejected", "not_whitelisted"), 5)
    config, revision = a.api.get("/v1/config"), a.api.get("/v1/config/status")["revision"]
    keep_the_file(a)
    a.kill() if end == "SIGKILL" else a.stop()
    status = a.config_path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (12345, 12346, 0o640)
    a.start()
    assert a.api.get("/v1/config") == config
    again = a.api.get("/v1/config/status")
    assert again["running_matches_file"] and again["revision"] >= revision, "revisions count on"
    assert other.id in [c["id"] for c in a.api.items("/v1/certificates?role=external_peer")]
    assert a.api.peer(PEER)["origin"] == "configured"
    a.wait_peer(b)
    until(lambda: b.api.selected(PREFIX) == a.id, 3, "the announcement is made again")
    until(lambda: a.api.verdict(b.prefix, b.id) == ("rejected", "not_whitelisted"), 5, "the policy is in force")
    assert a.api.call("GET", "/v1/distributed-config/blob") == blob
    with a.namespace.inside():
        def asked(secret):
            return requests.get("http://127.0.0.1:5121/v1/status", timeout=5,
                                headers={"Authorization": f"Bearer {secret}"}).status_code
        assert asked(token) == 200 and asked(revoked) == 401
    assert token not in (a.state / "tokens.json").read_text() and (a.state / "tokens.json").stat().st_mode & 0o77 == 0
    # And all of it can be taken back, which survives too.
    a.api.delete(PATH)
    a.api.delete(f"/v1/config/announcements/{PREFIX}")
    a.api.delete(f"/v1/certificates/external-peers/{other.id}")
    a.kill()
    a.start()
    assert a.api.status_of("GET", PATH) == 404 and not a.api.items("/v1/certificates?role=external_peer")
    assert PREFIX not in [x["prefix"] for x in a.api.get("/v1/config/announcements")["items"]]


def test_D4_killed_while_writing(lab, seed):
    """kill -9 at any moment of a storm of writes: the file is whole, and holds every write that was answered."""
    a = keep_the_file(lab.daemon("a", 0xA, tun=False))
    type(a).write_config(a)
    a.start()
    dice, acknowledged, attempted = random.Random(seed), 0, 0

    def storm(begin):
        nonlocal acknowledged, attempted
        for number in range(begin, begin + 10_000):
            attempted = number
            try:
                a.api.put(PATH, {"addrs": [f"192.0.2.7:{number}"]})
            except (OSError, http.client.HTTPException):
                return
            acknowledged = number
    for _ in range(8):
        a.api.local = threading.local()
        thread = threading.Thread(target=storm, args=(attempted + 1,))
        thread.start()
        until(lambda: acknowledged > 0, 5)
        thread.join(dice.uniform(0.02, 0.3))
        a.kill()
        thread.join(5)
        a.start()
        port = int(a.api.get(PATH)["addrs"][0].rpartition(":")[2])
        assert acknowledged <= port <= attempted, f"{acknowledged} was answered, {port} is there"
        assert not list(a.folder.glob("config.json.*.tmp")), "what was staged and never came about is cleared away"


def test_v1_spellings_are_rewritten_and_unknown_members_kept(lab):
    a = keep_the_file(lab.daemon("a", 0xA, tun=False))
    document = {**a.config, "x_of_somebody_else": {"deep": [1, None, "2"]}}
    document["local_announcements"] = [a.prefix]
    document["peers"] = [{"addr": "192.0.2.1:5120", "name": f"two.{DOMAIN}"},
                         {"addr": "192.0.2.9:5120", "name": f"one.{DOMAIN}"},
                         {"addr": "[2001:db8::1]:5120", "name": f"two.{DOMAIN}"}]
    del document["vifs"]
    document["vif_type"] = "dummy"
    a.config_path.write_text(json.dumps(document))
    a.config_path.chmod(0o600)
    a.start()
    peers = {p["name"]: p["addrs"] for p in a.api.get("/v1/config/peers")["items"]}
    assert peers[f"two.{DOMAIN}"] == ["192.0.2.1:5120", "[2001:db8::1]:5120"]
    assert on_disk(a) == document, "reading alone changes nothing"
    a.api.put(PATH, {"addrs": ["192.0.2.7:5120"]})
    written = on_disk(a)
    assert written["x_of_somebody_else"] == {"deep": [1, None, "2"]}
    assert written["vifs"]["default"] == {"type": "dummy"} and "vif_type" not in a.config_path.read_text()
    assert all(isinstance(entry, dict) and entry["prefix"] for entry in written["local_announcements"])
    assert [p["addr"] for p in written["peers"] if p["name"] == f"two.{DOMAIN}"] == peers[f"two.{DOMAIN}"]
    assert [p["addr"] for p in written["peers"] if p["name"] == PEER] == ["192.0.2.7:5120"]
    config = a.api.get("/v1/config")
    a.restart()
    assert a.api.get("/v1/config") == config
    assert (a.state / "history").is_dir() and len(list((a.state / "history").glob("*.json"))) == 1
    assert json.loads(next((a.state / "history").glob("*.json")).read_text()) == document, "the former one is kept"


def test_edited_behind_our_back(lab):
    a = keep_the_file(lab.daemon("a", 0xA, tun=False))
    type(a).write_config(a)
    a.start()
    document = on_disk(a)
    document["peers"].append({"addr": "192.0.2.33:5120", "name": f"edited.{DOMAIN}"})
    a.config_path.write_text(json.dumps(document))
    status = a.api.get("/v1/config/status")
    assert status["file_changed_on_disk"] and not status["running_matches_file"]
    assert "config_file" in [c["name"] for c in a.api.status()["health"]["checks"] if c["status"] == "warn"]
    assert problem(a, "PUT", PATH, {"addrs": ["192.0.2.7:5120"]}) == (409, "config-file-changed")
    assert problem(a, "PUT", PATH + "?dry_run=true", {"addrs": ["192.0.2.7:5120"]}) == (409, "config-file-changed")
    assert a.api.status_of("GET", PATH) == 404 and on_disk(a) == document, "neither changed"
    assert not a.api.put(PATH + "?persist=false", {"addrs": ["192.0.2.7:5120"]})["persisted"]
    assert on_disk(a) == document
    plan = a.api.post("/v1/config/reload?dry_run=true")
    assert plan["changed"] and a.api.status_of("GET", PATH) == 200
    a.api.post("/v1/config/reload")
    assert a.api.status_of("GET", PATH) == 404 and a.api.status_of("GET", f"/v1/config/peers/edited.{DOMAIN}") == 200
    assert a.api.put(PATH, {"addrs": ["192.0.2.7:5120"]})["persisted"]
    assert {p["name"] for p in on_disk(a)["peers"]} == {f"edited.{DOMAIN}", PEER}
    # D6: a broken file is refused with its place, and nothing changes.
    a.config_path.write_text('{"peers": [')
    assert problem(a, "POST", "/v1/config/reload") == (400, "malformed-json")
    assert a.api.status_of("GET", PATH) == 200 and a.alive


def test_persist_false_and_never(lab):
    a = keep_the_file(lab.daemon("a", 0xA, tun=False))
    type(a).write_config(a)
    a.start()
    before = a.config_path.read_bytes()
    answer = a.api.put(PATH + "?persist=false", {"addrs": ["192.0.2.7:5120"]})
    assert answer["changed"] and not answer["persisted"] and a.config_path.read_bytes() == before
    assert not a.api.get("/v1/config/status")["running_matches_file"]
    until(lambda: "config_file" in [c["name"] for c in a.api.status()["health"]["checks"] if c["status"] == "warn"], 2)
    # A later write that is to be stored takes what runs with it.
    a.api.put(f"/v1/config/announcements/{PREFIX}", {"vif": None})
    assert PEER in [p["name"] for p in on_disk(a)["peers"]] and a.api.get("/v1/config/status")["running_matches_file"]
    a.api.delete(PATH + "?persist=false")
    a.restart()
    assert a.api.status_of("GET", PATH) == 200, "not stored, so undone by a restart"
    document = on_disk(a)
    document["api"]["persist"] = "never"
    a.config_path.write_text(json.dumps(document))
    a.restart()
    assert a.api.get("/v1/config/status")["persist"] == "runtime_only"
    assert not a.api.delete(PATH)["persisted"] and on_disk(a) == document


def test_without_the_right_to_write(lab):
    """After -drop-permissions the file is root's: what the API changes runs, says that it is not kept, and can insist."""
    a = keep_the_file(lab.daemon("a", 0xA, tun=False))
    type(a).write_config(a)
    a.start("-drop-permissions")
    assert a.api.get("/v1/config/status")["persist"] == "runtime_only"
    assert problem(a, "PUT", PATH + "?persist=true", {"addrs": ["192.0.2.7:5120"]}) == (409, "persist-unavailable")
    assert a.api.status_of("GET", PATH) == 404
    assert a.api.put(PATH, {"addrs": ["192.0.2.7:5120"]})["persisted"] is False
    token = a.api.post("/v1/tokens", {"name": "kept", "role": "read"})["name"]
    a.restart()
    assert a.api.status_of("GET", PATH) == 404
    assert token in [t["name"] for t in a.api.get("/v1/tokens")["items"]], "the state directory was handed over"


def test_a_pinned_file_outlives_a_removal_that_is_not_stored(lab):
    """The document on the disk still names it: neither a dry run nor a refused write may take it away."""
    a = keep_the_file(lab.daemon("a", 0xA, tun=False))
    type(a).write_config(a)
    a.start()
    other = lab.other_ca().node("gw.other.example")
    add = {"certificate_pem": other.pem}
    assert a.api.post("/v1/certificates/external-peers?dry_run=true", add)["changed"]
    assert not list((a.state / "external-peers").iterdir()), "a dry run leaves nothing"
    a.api.post("/v1/certificates/external-peers", add)
    a.api.delete(f"/v1/certificates/external-peers/{other.id}?persist=false")
    a.api.post("/v1/certificates/external-peers?dry_run=true", add)
    a.config_path.write_bytes(a.config_path.read_bytes() + b"\n")
    assert problem(a, "POST", "/v1/certificates/external-peers", add) == (409, "config-file-changed")
    a.restart()
    assert [c["id"] for c in a.api.items("/v1/certificates?role=external_peer")] == [other.id]
    holds(lambda: a.alive, 0.2)
