"""The management API beside traffic: what it changes takes hold in living sessions and disturbs no other.

(api.md 2.7, 2.9; faults.md E8, E15 and the canary of G3 under floods of requests.)
"""
import contextlib
import threading
import time

import pytest

from bounds import MiB, bounds
from lab import Field, line
from pki import DOMAIN
from test_api_hostile import ATTACKS, PORT, h2_attack
from waiting import SLACK, holds, until

# What a slow disk may add to a round trip while a configuration is stored, ms: some forced writes of 20 ms each.
DISK = 150


def sessions(daemon):
    """{peer's id: since when it is up}."""
    return {p["id"]: p["status_since"] for p in daemon.api.peers() if p["status"] == "up"}


def test_changes_under_traffic_disturb_nobody(field, lab):
    """Peers, announcements, certificates and tokens come and go twenty times; no packet and no session is lost."""
    nut, api = field.nut, field.nut.api
    before = sessions(nut), sessions(field.left), sessions(field.right)
    other = lab.other_ca().node("gw.other.example")
    # A write is on the disk before it is answered, and packets to peers wait with the loop that waits for the disk.
    # Each write has its lines in the log, for the audit.
    with bounds(field, rtt=DISK, log_rate=100):
        for number in range(20):
            api.put(f"/v1/config/peers/n.{DOMAIN}", {"addrs": [f"192.0.2.7:{5000 + number}"]})
            api.put("/v1/config/announcements/2001:db8:77::/48", {"vif": None})
            until(lambda: field.left.api.selected("2001:db8:77::/48") == nut.id, 3, "the new route is told")
            api.post("/v1/certificates/external-peers", {"certificate_pem": other.pem})
            api.delete("/v1/config/announcements/2001:db8:77::/48")
            until(lambda: field.left.api.selected("2001:db8:77::/48") is None, 3, "and taken back")
            api.delete(f"/v1/certificates/external-peers/{other.id}")
            api.delete(f"/v1/config/peers/n.{DOMAIN}")
            api.post("/v1/config/reload")
            for path in ("/v1/status", "/v1/peers", "/v1/routes", "/metrics"):
                api.call("GET", path)
    assert (sessions(nut), sessions(field.left), sessions(field.right)) == before, "the sessions are the same"
    assert api.get("/v1/config/status")["running_matches_file"]


def test_a_peer_added_is_dialled_and_one_removed_is_left(field, lab):
    nut, api = field.nut, field.nut.api
    new = lab.daemon("new", 0xD)
    _, new_ip, *_ = lab.cable(nut.namespace, new.namespace)
    new.start()
    others = sessions(nut)
    with bounds(field, rtt=DISK):
        answer = api.put(f"/v1/config/peers/{new.name}", {"addrs": [f"{new_ip}:5120"]})
        assert {"kind": "peer_connect", "subject": new.name} in answer["effects"]
        nut.wait_peer(new, 2)
        assert field.left.reaches(new) < 5 * SLACK
        answer = api.delete(f"/v1/config/peers/{new.name}")
        assert {"kind": "peer_disconnect", "subject": new.name} in answer["effects"]
        until(lambda: nut.name not in new.api.peers_up(), 2, "its session ends")
        until(lambda: field.left.api.selected(new.prefix) is None, 3, "and its routes go")
        api.put(f"/v1/config/peers/{new.name}", {"addrs": [f"{new_ip}:5120"]})
        nut.wait_peer(new, 2)
        api.call("PATCH", f"/v1/config/peers/{new.name}", {"enabled": False}, media="application/merge-patch+json")
        until(lambda: api.peer(new.name)["status"] == "disabled", 2)
        holds(lambda: nut.name not in new.api.peers_up(), 0.5)
        api.call("PATCH", f"/v1/config/peers/{new.name}", {"enabled": True}, media="application/merge-patch+json")
        nut.wait_peer(new, 2)
    assert {k: v for k, v in sessions(nut).items() if k in others} == others


def test_an_external_peer_comes_and_goes_with_its_certificate(lab):
    """Two routers of two networks: the session comes up when both know the other's file, and ends when one forgets."""
    a, x = lab.daemon("a", 0xA), None
    foreign = lab.other_ca("foreign")
    x = lab.daemon("x", 0xE, identity=foreign.node("x.other.example"))
    x.config["ca"] = str(foreign.cert_path)
    _, x_ip, *_ = lab.cable(a.namespace, x.namespace)
    a.start()
    x.start()
    pins = "/v1/certificates/external-peers"
    a.api.put(f"/v1/config/peers/{x.name}", {"addrs": [f"{x_ip}:5120"], "fingerprint_sha256": x.id})
    until(lambda: a.api.peer(x.name)["last_error"], 3, "strangers refuse each other")
    holds(lambda: a.api.peer(x.name)["status"] != "up", 1)
    x.api.post(pins, {"certificate_pem": a.identity.pem})
    answer = a.api.post(pins, {"certificate_pem": x.identity.pem})
    assert answer["changed"] and answer["persisted"]
    a.wait_peer(x, 3)
    peer = a.api.peer(x.name)
    assert (peer["trust"], peer["id"]) == ("external_cert", x.id)
    since = sessions(a)
    status, _, content = a.api.exchange("DELETE", f"{pins}/{x.id}")
    assert status == 409 and b"in-use" in content, content
    holds(lambda: sessions(a) == since, 0.3)
    plan = a.api.delete(f"{pins}/{x.id}?force=true&dry_run=true")
    assert plan["changed"] and sessions(a) == since
    a.api.delete(f"{pins}/{x.id}?force=true")
    until(lambda: a.api.peer(x.name)["status"] != "up" and not x.api.peers_up(), 2, "both ends know")
    holds(lambda: a.api.peer(x.name)["status"] != "up", 1)
    a.api.post(pins, {"certificate_pem": x.identity.pem})
    a.wait_peer(x, 3)
    # As PEM, without JSON around it; twice is once.
    again = a.api.call("POST", pins, x.identity.pem.encode(), media="application/x-pem-file")
    assert not again["changed"]


def test_the_metrics_have_values(lab):
    """Each name that means something here has a number that moves with what it counts."""
    a, b, c = line(lab)
    before = b.api.metrics()
    assert a.ping(c.address, 20)
    with contextlib.suppress(Exception):
        a.api.exchange("GET", "/v1/nothing")
    b.ping("2001:db8:ffff::1")
    until(lambda: b.api.metrics().total("vmesh_peer_probes_sent_total", peer=a.name)
          > before.total("vmesh_peer_probes_sent_total", peer=a.name), 5)
    b.api.put("/v1/distributed-config", lab.ca.sign_config({"prefix_whitelist": {c.name: []}}),
              media="application/octet-stream")
    until(lambda: b.api.metrics().total("vmesh_rejected_announcements_total", peer=c.name, reason="not_whitelisted"), 25)
    after = b.api.metrics()
    one = ["vmesh_build_info", "vmesh_node_info", "vmesh_peer_up", "vmesh_peer_info", "vmesh_vif_up",
           "vmesh_peer_channel_active", "vmesh_distributed_config_info"]
    for name in one:
        values = {v for (n, _), v in after.samples.items() if n == name}
        assert values == {1}, (name, values)
    for peer in (a.name, c.name):
        assert 0 < after.total("vmesh_peer_rtt_seconds", peer=peer) < 1
        assert after.total("vmesh_peer_jitter_seconds", peer=peer) < 1
        assert after.total("vmesh_peer_probe_loss_ratio", peer=peer) == 0
        assert abs(after.total("vmesh_peer_session_start_time_seconds", peer=peer) - time.time()) < 120
        for way in ("receive", "transmit"):
            for unit, least in (("packets", 20), ("bytes", 20 * 100)):
                risen = after.risen(before, f"vmesh_peer_{way}_{unit}_total")
                assert sum(v for k, v in risen.items() if ("peer", peer) in k) >= least, (way, unit, peer)
        assert after.total("vmesh_peer_prefixes", peer=peer, status="received") >= 1
    assert after.total("vmesh_peer_connect_attempts_total", peer=c.name, result="ok") == 1, "b dialled c"
    assert after.total("vmesh_dropped_packets_total", reason="no_route") >= 1
    assert after.total("vmesh_routes", kind="local") == 1 and after.total("vmesh_routes", kind="selected") >= 2
    assert after.total("vmesh_route_changes_total") > 0
    for role in ("node", "ca"):
        assert after.total("vmesh_certificate_not_after_timestamp_seconds", role=role) > time.time()
    assert abs(after.total("vmesh_distributed_config_issued_timestamp_seconds") - time.time()) < 300
    assert after.total("vmesh_config_revision") >= 1 and after.total("vmesh_config_persisted") == 1
    assert after.total("vmesh_api_requests_total", operation="getMetrics", code="200") > 1
    assert after.total("vmesh_api_request_duration_seconds_count", operation="getMetrics") > 1
    assert after.total("vmesh_api_connections") >= 1
    assert after.total("process_resident_memory_bytes") > MiB and after.total("process_open_fds") > 5
    assert after.total("process_cpu_seconds_total") > 0 and after.total("process_max_fds") > 100
    assert abs(after.total("process_start_time_seconds") - b.started_at) < 10
    assert after.total("process_virtual_memory_bytes") > after.total("process_resident_memory_bytes")
    assert 0 <= after.total("vmesh_loop_lag_seconds") < 1
    # A vif's counters move with what crosses it: packets of a's own hosts.
    vif = a.api.metrics()
    assert vif.total("vmesh_vif_receive_packets_total", vif="mesh") >= 20
    assert vif.total("vmesh_vif_transmit_bytes_total", vif="mesh") >= 20 * 100
    # And they say so when a neighbour is gone.
    c.kill()
    until(lambda: b.api.metrics().total("vmesh_peer_up", peer=c.name) == 0, 5)
    assert b.api.metrics().total("vmesh_peer_session_ends_total", peer=c.name) == 1
    label = {"peer": a.name}
    assert b.api.metrics().total("vmesh_peer_up", **label) == 1


@pytest.fixture(scope="module")
def busy(module_lab):
    """A field with a TCP listener of the API, and a token."""
    field = Field(module_lab)
    field.nut.config["api"]["listen"].append({"tcp": f"127.0.0.1:{PORT}"})
    field.start()
    field.nut.token = field.nut.api.post("/v1/tokens", {"name": "flood", "role": "admin"})["token"]
    return field


@pytest.mark.parametrize("path", ["/healthz", "/v1/status", "/v1/routes", "/metrics"])
def test_E15_floods_of_good_requests(busy, need, path):
    """As many requests as one processor makes, for three seconds: packets come first."""
    need("h2load")
    nut = busy.nut
    before = sessions(nut)
    with bounds(busy, memory=24 * MiB, settles=False):
        text = nut.namespace.run("h2load", "-D", "3", "-c", "8", "-m", "8", "-H", f"Authorization: Bearer {nut.token}",
                                 f"http://127.0.0.1:{PORT}{path}")
    assert sessions(nut) == before, "no session ended"
    print(next(l for l in text.splitlines() if l.startswith("finished")))
    assert " 0 failed, 0 errored" in text, text


def test_E8_hostile_floods_beside_the_canary(busy):
    """Every HTTP/2 flood at once, slow heads in all slots of the source: the canary flies and the socket answers."""
    nut = busy.nut
    slots = []
    with bounds(busy, memory=32 * MiB, settles=False):
        for _ in range(40):
            with contextlib.suppress(OSError):
                sock = nut.namespace.connect("127.0.0.1", PORT, timeout=5)
                sock.sendall(b"GET /v1/status HTT")
                slots.append(sock)
        threads = [threading.Thread(target=h2_attack, args=(nut, build)) for build in ATTACKS.values()]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            begin = time.monotonic()
            assert nut.api.status_of("GET", "/v1/status") == 200
            assert time.monotonic() - begin < 0.2 * SLACK, "others are answered within 200 ms"
            time.sleep(0.1)
    for sock in slots:
        sock.close()
