"""The router against its own description: schemathesis in every role, and each answer in each state (case C39).

The description is public and clients are generated from it, so what it says must be so: with no peer, one and many,
with one that never connected, before and after there is a policy.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract import Contract
from daemon import ROOT
from pki import DOMAIN
from waiting import until

HERE = Path(__file__).parent
PORT = 5121


@pytest.fixture(scope="module")
def node(module_lab):
    """A router with something of everything, in the names of the description's examples, and room for failed logins."""
    daemon = module_lab.daemon("a", 0xA, tun=False)
    daemon.config["api"]["listen"] += [{"tcp": f"127.0.0.1:{PORT}"}]
    daemon.config["api"]["auth_failures_per_minute"] = 1_000_000
    daemon.config["vifs"]["lan"] = {"type": "dummy"}
    daemon.config["local_announcements"] += [{"prefix": "2001:db8:1::/48", "vif": "lan"}]
    daemon.peer_with(f"b.{DOMAIN}", "192.0.2.7")
    daemon.start()
    blob = module_lab.ca.sign_config({"prefix_whitelist": {f"b.{DOMAIN}": ["2001:db8:b::/48"]}})
    daemon.api.put("/v1/distributed-config", blob, media="application/octet-stream")
    other = module_lab.other_ca().node("gw.other.example")
    daemon.api.post("/v1/certificates/external-peers", {"certificate_pem": other.pem})
    # Names that no generated request hits: the caller's own token is not to be revoked under way.
    daemon.tokens = {role: daemon.api.post("/v1/tokens", {"name": f"schema-7f3a-{role}", "role": role})["token"]
                     for role in ("metrics", "read", "admin")}
    return daemon


@pytest.mark.parametrize("role", ["admin", "read", "metrics"])
def test_schemathesis(node, role):
    """Every operation, with good and bad input, against the living router."""
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml",
               "run", ROOT / "openapi.yaml", "--url", f"http://127.0.0.1:{PORT}",
               "-H", f"Authorization: Bearer {node.tokens[role]}", "-H", "If-Match: *", "--seed", "7",
               "-n", "10" if role == "admin" else "4", "--phases", "coverage,fuzzing", "--request-timeout", "15",
               "--no-color"]
    done = subprocess.run([str(w) for w in node.namespace.prefix() + command], capture_output=True, text=True,
                          timeout=280, cwd=node.folder, env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(node.folder / "h"),
                                "PYTHONPATH": str(HERE)})
    assert node.alive, node.log()[-2000:]
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert node.api.get("/v1/config/status")["running_matches_file"], "what was written is what runs"


GETS = ["/healthz", "/readyz", "/v1/status", "/v1/whoami", "/v1/peers", "/v1/peers?status=down", "/v1/routes",
        "/v1/routes?selected_only=true", "/v1/routes/lookup?address=2001:db8:a::1", "/v1/routes/lookup?address=fd00::1",
        "/v1/fib", "/v1/vifs", "/v1/vifs/mesh", "/v1/config", "/v1/config?source=file", "/v1/config?source=effective",
        "/v1/config/status", "/v1/config/peers", "/v1/config/announcements", "/v1/certificates", "/v1/tokens",
        "/v1/distributed-config", "/v1/distributed-config/peers",
        f"/v1/distributed-config/check?node=x.{DOMAIN}&prefix=2001:db8:9::/48"]


def check_all(contract, daemon):
    """Every GET, the items of every list, and what `next_cursor` leads to."""
    paths = list(GETS)
    paths += [f"/v1/peers/{p['id'] or p['name']}" for p in daemon.api.peers()[:5]]
    paths += [f"/v1/routes/{r['prefix']}" for r in daemon.api.routes()[:5]]
    paths += [f"/v1/config/peers/{p['name']}" for p in daemon.api.get("/v1/config/peers")["items"][:5]]
    paths += [f"/v1/config/announcements/{a['prefix']}" for a in daemon.api.get("/v1/config/announcements")["items"]]
    paths += [f"/v1/certificates/{c['id']}" for c in daemon.api.items("/v1/certificates")]
    for path in paths:
        status, _, content = daemon.api.exchange("GET", path)
        body = json.loads(content)
        contract.check("GET", path, status, body)
        if isinstance(body, dict) and "items" in body and "next_cursor" in body and "?" not in path:
            page = daemon.api.get(f"{path}?limit=1")
            contract.check("GET", path, 200, page)
            # A peer's state goes on between the two; what came to be once stays as it was.
            assert page["items"] == body["items"][:1] or path in ("/v1/peers", "/v1/routes"), path
            assert (page["next_cursor"] is not None) == (len(body["items"]) > 1), path


def test_C39_the_description_holds_in_every_state(lab):
    """No peer; one that never connected; one that is up; many; with a policy; and every error beside them."""
    contract = Contract()
    a, b = lab.daemon("a", 0xA), lab.daemon("b", 0xB)
    a.config["local_announcements"].append({"prefix": "2001:db8:aa::/48", "vif": None})
    b_ip = lab.cable(a.namespace, b.namespace)[1]
    a.start()
    b.start()
    check_all(contract, a)
    a.api.put(f"/v1/config/peers/never.{DOMAIN}", {"name": f"never.{DOMAIN}", "addrs": ["192.0.2.1:5120"]})
    never = a.api.peer(f"never.{DOMAIN}")
    assert never["id"] is None and never["remote_addr"] is None and never["latency"]["mean_ms"] is None
    check_all(contract, a)
    a.api.put(f"/v1/config/peers/{b.name}", {"name": b.name, "addrs": [f"{b_ip}:5120"]})
    a.wait_peer(b)
    a.wait_route(b.prefix)
    check_all(contract, a)
    check_all(contract, b)
    for number in range(60):
        a.api.put(f"/v1/config/peers/n{number}.{DOMAIN}", {"name": f"n{number}.{DOMAIN}", "enabled": number % 2 == 0,
                                                          "addrs": [f"192.0.2.{number}:1", f"[2001:db8::{number}]:2"]})
    a.api.put("/v1/distributed-config", lab.ca.sign_config({"prefix_whitelist": {b.name: []}}),
              media="application/octet-stream")
    until(lambda: a.api.verdict(b.prefix, b.id)[0] == "rejected", 3)
    check_all(contract, a)
    for method, path, body in (
            ("PUT", f"/v1/config/peers/x.{DOMAIN}", {"addrs": ["192.0.2.1"]}), ("GET", "/v1/peers/nobody.x.y", None),
            ("PUT", f"/v1/config/peers/x.{DOMAIN}?dry_run=true", {"addrs": ["192.0.2.1:1"]}),
            ("PATCH", f"/v1/config/peers/{b.name}?dry_run=true", None), ("POST", f"/v1/peers/{b.name}/reset", {}),
            ("DELETE", f"/v1/config/peers/n1.{DOMAIN}", None), ("DELETE", f"/v1/config/peers/n1.{DOMAIN}", None),
            ("POST", "/v1/config/reload", None), ("PUT", "/v1/distributed-config", {}),
            ("POST", "/v1/certificates/external-peers", {"certificate_pem": "no"})):
        status, _, content = a.api.exchange(method, path, body)
        contract.check(method, path, status, json.loads(content))


def test_C39_unset_null_and_default_are_told_apart(lab):
    """What is left out has its default and is said; null unsets in a PATCH and is refused in a PUT; GET → PUT is idle."""
    a = lab.daemon("a", 0xA, tun=False).start()
    path = f"/v1/config/peers/p.{DOMAIN}"
    a.api.put(path, {"addrs": ["192.0.2.7:5120"]})
    shown = a.api.get(path)
    assert shown["enabled"] is True and shown["name"] == f"p.{DOMAIN}"
    assert a.api.status_of("PUT", path, {"addrs": ["192.0.2.7:5120"], "enabled": None}) == 422
    patch = {"media": "application/merge-patch+json"}
    a.api.call("PATCH", path, {"enabled": False}, **patch)
    assert a.api.get(path)["enabled"] is False
    answer = a.api.call("PATCH", path, {"enabled": None}, **patch)
    assert answer["changed"] and a.api.get(path)["enabled"] is True, "null means the default again"
    assert not a.api.call("PATCH", path, {}, **patch)["changed"]
    answer = a.api.call("PATCH", path, {"addrs": ["192.0.2.8:5120"]}, **patch)
    assert any("192.0.2.7:5120" in warning for warning in answer["warnings"]), "what a list loses is said"
    assert not a.api.put(path, a.api.get(path))["changed"]
