"""The management API as real clients use it: curl, requests, httpx, promtool; and the rules of its answers.

(faults.md E1, E12; cases C29 in addresses, C38, C39; section 2 of the API's description.)
"""
import json
import subprocess
import threading
import time
import urllib.parse

import httpx
import pytest
import requests

from daemon import ROOT
from pki import DOMAIN
from waiting import until

PEER = f"p.{DOMAIN}"


@pytest.fixture(scope="module")
def node(module_lab):
    """One router with a dummy vif; its TCP listener is reached from this process because it stays in our namespace."""
    daemon = module_lab.daemon("a", 0xA, tun=False)
    daemon.config["api"]["listen"] += [{"tcp": "127.0.0.1:5121"}, {"tcp": "[::1]:5121"}]
    daemon.config["local_announcements"].append({"prefix": "2001:db8::/48", "vif": None})
    daemon.start()
    daemon.tokens = {role: daemon.api.post("/v1/tokens", {"name": role, "role": role})["token"]
                     for role in ("metrics", "read", "admin")}
    return daemon


def curl(node, *words, check=True):
    done = node.namespace.run("curl", "-sS", "--max-time", "10", *words, check=check)
    return done


def bearer(node, role="admin"):
    return {"Authorization": f"Bearer {node.tokens[role]}"}


def inside(node, work):
    """Runs `work` with this thread in the node's namespace."""
    with node.namespace.inside():
        return work()


VERSIONS = {"--http1.1": "1.1", "--http2": None, "--http2-prior-knowledge": "2"}


@pytest.mark.parametrize("flag", VERSIONS)
@pytest.mark.parametrize("way", ["unix", "tcp"])
def test_curl(node, need, flag, way):
    need("curl")
    place = ["--unix-socket", node.socket_path, "http://localhost/v1/status"] if way == "unix" else \
        ["-H", f"Authorization: Bearer {node.tokens['read']}", "http://127.0.0.1:5121/v1/status"]
    out = curl(node, flag, "-w", "\n%{http_code} %{http_version}", *place)
    body, _, tail = out.rpartition("\n")
    code, version = tail.split()
    assert code == "200" and json.loads(body)["node"]["name"] == node.name
    assert VERSIONS[flag] in (None, version), f"{flag} got HTTP/{version}"


def test_curl_expect_continue_and_chunked(node):
    body = json.dumps({"name": PEER, "addrs": ["192.0.2.7:5120"]})
    for words in (["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]):
        out = curl(node, "--unix-socket", node.socket_path, "-X", "PUT", "-H", "Content-Type: application/json", *words,
                   "-d", body, "-w", "\n%{http_code}", f"http://localhost/v1/config/peers/{PEER}")
        assert out.rpartition("\n")[2] in ("200", "201"), out
    node.api.delete(f"/v1/config/peers/{PEER}")


def test_requests(node):
    def work():
        with requests.Session() as session:
            session.headers.update(bearer(node))
            base = "http://127.0.0.1:5121/v1"
            assert session.get(f"{base}/status", timeout=5).json()["api_version"].startswith("1.")
            made = session.put(f"{base}/config/peers/{PEER}", json={"name": PEER, "addrs": ["192.0.2.7:5120"]}, timeout=5)
            assert made.status_code == 201 and made.json()["changed"] and made.headers["ETag"]
            same = session.put(f"{base}/config/peers/{PEER}", json={"addrs": ["192.0.2.7:5120"], "name": PEER}, timeout=5)
            assert same.status_code == 200 and not same.json()["changed"]
            gone = session.delete(f"{base}/config/peers/{PEER}", timeout=5)
            assert gone.status_code == 200 and gone.json()["changed"] and gone.json()["changes"][0]["op"] == "remove"
            assert session.delete(f"{base}/config/peers/{PEER}", timeout=5).status_code == 404
    inside(node, work)


@pytest.mark.parametrize("http2", [True, False], ids=["HTTP/2", "HTTP/1.1"])
def test_httpx(node, http2):
    def work():
        with httpx.Client(http1=not http2, http2=http2, headers=bearer(node), base_url="http://[::1]:5121") as client:
            answer = client.get("/v1/status")
            assert answer.status_code == 200 and answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
            answers = [client.get("/v1/peers?limit=1") for _ in range(50)]
            assert all(a.status_code == 200 for a in answers)
    inside(node, work)


def test_httpx_over_the_unix_socket(node):
    transport = httpx.HTTPTransport(uds=str(node.socket_path), http1=False, http2=True)
    with httpx.Client(transport=transport) as client:
        assert client.get("http://anything.example/v1/status").http_version == "HTTP/2"


def test_promtool_finds_nothing(node, need):
    need("promtool")
    text = node.api.call("GET", "/metrics")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert done.returncode == 0 and not done.stdout + done.stderr, (done.stdout + done.stderr).decode()


def test_openapi_document_is_valid_and_the_one_served(node):
    import yaml
    from openapi_spec_validator import validate
    document = (ROOT / "openapi.yaml").read_text()
    validate(yaml.safe_load(document))
    assert yaml.safe_load(node.api.call("GET", "/openapi.yaml")) == yaml.safe_load(document)


# -- rules of the answers

def test_E1_no_credential(node):
    def work():
        for token in (None, "", "Bearer", "Bearer ", "Bearer vmt_wrong", "Basic YWRtaW46YWRtaW4=", "bearer  x y"):
            answer = requests.get("http://127.0.0.1:5121/v1/status", timeout=5,
                                  headers={"Authorization": token} if token is not None else {})
            if answer.status_code == 429:
                break
            assert answer.status_code == 401 and "Bearer" in answer.headers["WWW-Authenticate"], token
            assert node.id not in answer.text and node.name not in answer.text, "no data"
        for free in ("/healthz", "/readyz", "/openapi.yaml"):
            assert requests.get(f"http://127.0.0.1:5121{free}", timeout=5).status_code == 200
    inside(node, work)


def test_E1_roles(node):
    def work():
        base, put = "http://127.0.0.1:5121", {"name": PEER, "addrs": ["192.0.2.7:5120"]}
        def status(method, path, role, **more):
            return requests.request(method, base + path, headers=bearer(node, role), timeout=5, **more).status_code
        assert status("GET", "/metrics", "metrics") == 200
        assert status("GET", "/v1/status", "metrics") == 403
        assert status("GET", "/v1/status", "read") == 200
        assert status("PUT", f"/v1/config/peers/{PEER}", "read", json=put) == 403
        assert status("GET", "/v1/tokens", "read") == 403
        who = requests.get(f"{base}/v1/whoami", headers=bearer(node, "read"), timeout=5).json()
        assert (who["role"], who["method"]) == ("read", "bearer")
    inside(node, work)


def test_problems_are_problem_json(node):
    rows = [("GET", "/v1/nothing", 404, "not-found"), ("GET", "/v1/peers/nobody.x.y", 404, "peer-not-found"),
            ("POST", "/v1/status", 405, "method-not-allowed"), ("GET", "/v1/peers?what=1", 400, "unknown-parameter"),
            ("GET", "/v1/peers?limit=0", 400, None), ("GET", "/v1/peers?limit=1&limit=2", 400, None),
            ("GET", "/v1/peers?limit=9223372036854775808", 400, None)]
    for method, path, wanted, code in rows:
        status, headers, content = node.api.exchange(method, path)
        problem = json.loads(content)
        assert status == wanted and problem["status"] == wanted, (path, content)
        assert headers["Content-Type"].startswith("application/problem+json")
        assert code in (None, problem["code"]) and problem["request_id"] and problem["type"] == f"/problems/{problem['code']}"
        assert node.api.status_of("GET", problem["type"]) == 200, "the type resolves on the router"


def test_every_get_has_head_and_options(node):
    for path in ("/v1/status", "/v1/peers", "/healthz"):
        status, headers, content = node.api.exchange("HEAD", path)
        assert (status, content) == (200, b"")
        status, headers, _ = node.api.exchange("OPTIONS", path)
        assert "GET" in headers["Allow"] and not [h for h in headers if h.lower().startswith("access-control")]


def test_C38_C39_idempotent_and_strict_writes(node):
    path = f"/v1/config/peers/{PEER}"
    status, headers, _ = node.api.exchange("PUT", path, {"name": PEER, "addrs": ["[2001:DB8:0::7]:5120"]})
    assert status == 201
    etag = headers["ETag"]
    status, headers, body = node.api.exchange("PUT", path, {"addrs": ["[2001:db8::7]:5120"], "name": PEER})
    assert status == 200 and not json.loads(body)["changed"] and headers["ETag"] == etag, "spelling is no change"
    got = node.api.get(path)
    assert not json.loads(node.api.exchange("PUT", path, got)[2])["changed"], "what GET gives, PUT takes"
    assert node.api.status_of("GET", path, headers={"If-None-Match": etag}) == 304
    assert node.api.status_of("PUT", path, got, headers={"If-Match": '"other"'}) == 412
    assert node.api.status_of("PUT", path, got, headers={"If-None-Match": "*"}) == 412
    for bad in ({"name": PEER}, {"name": PEER, "addrs": ["192.0.2.1"]}, {"name": PEER, "addrs": ["192.0.2.1:0"]},
                {"name": PEER, "addrs": ["192.0.2.1:65536"]}, {"name": "other.x", "addrs": ["192.0.2.1:1"]},
                {"name": PEER, "addrs": "192.0.2.1:1"}, {"name": PEER, "addrs": ["192.0.2.1:1"], "prot": "5120"}):
        status, _, body = node.api.exchange("PUT", path, bad)
        assert status == 422 and json.loads(body)["errors"][0]["pointer"] is not None, bad
    for raw, wanted in ((b"{", 400), (b'{"name":1,"name":2}', 400), (b"\xff", 400), (b"[" * 100, 400)):
        assert node.api.status_of("PUT", path, raw) in (wanted, 422), raw
    assert node.api.status_of("PUT", path, got, media="text/plain") == 415
    assert node.api.get(path) == got, "nothing of it was applied"
    node.api.delete(path)


def test_dry_run_changes_nothing(node):
    path = f"/v1/config/peers/{PEER}"
    plan = node.api.put(path + "?dry_run=true", {"name": PEER, "addrs": ["192.0.2.7:5120"]})
    assert plan["dry_run"] and plan["changed"] and plan["changes"] and plan["effects"]
    assert node.api.status_of("GET", path) == 404


SPELLINGS = {
    "2001:db8::/48": 200, "2001:0DB8:0:0:0:0:0:0/48": 200, "2001:DB8::/48": 200, "2001:db8::%2F48": None,
    "2001:db8::1/48": 422, "2001:db8::/048": None, "2001:db8::/+48": None, "2001:db8::/48/": 404, "2001:db8::": 404,
    "%202001:db8::/48": None, "[2001:db8::]/48": None, "fe80::%25eth0/64": None, "::/129": None, "2001:db8:::/48": None,
    "::ffff:10.0.0.0/104": 404, "::ffff:0:0/96": 404, "64:ff9b::/96": 404, "::/0": 404,
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_C29_one_prefix_many_spellings(node, text):
    """Equal prefixes are one object; what is not a prefix is refused (None: some 4xx), never a crash or a guess."""
    status, _, content = node.api.exchange("GET", f"/v1/routes/{text}")
    wanted = SPELLINGS[text]
    assert status == wanted if wanted else 400 <= status < 500, f"{status} {content}"
    if status == 200:
        assert json.loads(content)["prefix"] == "2001:db8::/48"
    if text == "2001:db8::1/48":
        assert b"2001:db8::/48" in content, "the corrected text is offered"


def test_C29_as_an_announcement(node):
    for text, shown in (("2001:DB8:77:0::/64", "2001:db8:77::/64"), ("64:ff9b::/96", "64:ff9b::/96")):
        address, _, length = text.partition("/")
        path = f"/v1/config/announcements/{urllib.parse.quote(address, safe=':')}/{length}"
        node.api.put(path, {"prefix": text, "vif": None})
        assert shown in [a["prefix"] for a in node.api.get("/v1/config/announcements")["items"]]
        node.api.delete(path)
    for text in ("2001:db8:77::1/64", "ff00::/8", "fe80::/64", "::ffff:0:0/96", "10.0.0.0/8"):
        address, _, length = text.partition("/")
        path = f"/v1/config/announcements/{urllib.parse.quote(address, safe=':.')}/{length}"
        assert node.api.status_of("PUT", path, {"prefix": text, "vif": None}) in (400, 404, 422), text


def test_E12_many_writers_leave_one_history(node):
    """Read, modify, write with If-Match, from many sides at once: every write that says 200 is in the end result."""
    path, done, lock = f"/v1/config/peers/{PEER}", [], threading.Lock()
    node.api.put(path, {"name": PEER, "addrs": ["192.0.2.9:2000"]})
    begin = node.api.get("/v1/config/status")["revision"]

    def writer(number):
        for _ in range(300):
            status, headers, content = node.api.exchange("GET", path)
            body = json.loads(content)
            body["addrs"] = body["addrs"][-14:] + [f"192.0.2.9:{2001 + number}"]
            status = node.api.status_of("PUT", path, body, headers={"If-Match": headers["ETag"]})
            if status == 200:
                with lock:
                    done.append(body["addrs"])
                return
            assert status in (412, 429, 503), status
            time.sleep(0.005)
    threads = [threading.Thread(target=writer, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 50, "everybody got through"
    before = [tuple(addrs[:-1]) for addrs in done]
    assert len(set(before)) == 50, "no two writes stand on the same state"
    states = {tuple(addrs[-14:]) for addrs in done} | {("192.0.2.9:2000",)}
    assert set(before) <= states, "and each stands on one that was"
    assert node.api.get("/v1/config/status")["revision"] == begin + 50
    on_disk = [p["addr"] for p in json.loads(node.config_path.read_text())["peers"] if p["name"] == PEER]
    assert on_disk == node.api.get(path)["addrs"]
    node.api.delete(path)
