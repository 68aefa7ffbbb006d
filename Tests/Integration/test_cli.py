"""`vmesh` against a running router: every command, what goes to which stream, and every exit status.

(Case C40; section 3 of the API's description.)
"""
import json
import os
import signal
import subprocess
import time

import pytest

from daemon import binary
from lab import line
from pki import DOMAIN
from waiting import SLACK, until

PEER = f"p.{DOMAIN}"
NOBODY = 65534


class Done:
    """A run of vmesh that ended."""

    def __init__(self, words, process, out, err):
        self.words, self.status, self.out, self.err = words, process.returncode, out.decode(), err.decode()

    def __repr__(self):
        return f"vmesh {' '.join(self.words)}: {self.status}\n{self.out[-1500:]}\n{self.err[-1500:]}"

    @property
    def json(self):
        return json.loads(self.out)


def start(api, *words, env=None, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VMESH_") and k != "NO_COLOR"}
    kept.pop("XDG_CONFIG_HOME", None)
    kept |= {"VMESH_API": str(api), "HOME": "/nonexistent", **(env or {})}
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([binary("vmesh"), *map(str, words)], env=kept, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)


def vmesh(api, *words, status=0, **more):
    """Runs vmesh to its end, and wants this exit status."""
    process = start(api, *words, **more)
    out, err = process.communicate(timeout=30 * SLACK)
    done = Done([str(w) for w in words], process, out, err)
    assert done.status == status, done
    if status not in (0, 9):
        assert done.err.startswith("vmesh: ") and done.err.endswith("\n"), done
    return done


@pytest.fixture(scope="module")
def pair(module_lab):
    """Two routers that are up with each other."""
    a, b = line(module_lab, "ab")
    a.wait_peer(b)
    return a, b


@pytest.fixture
def node(pair):
    """The first of the pair, and the way to its API."""
    a, _ = pair
    a.url = f"unix://{a.socket_path}"
    yield a
    for peer in a.api.items("/v1/config/peers"):
        if peer["name"].startswith("p."):
            a.api.delete(f"/v1/config/peers/{peer['name']}", ok=(200, 404))


READS = [
    "status", "whoami", "health", "health --live", "peer list", "peer list --up", "peer list --config", "route list",
    "route list --local", "fib", "vif list", "announce list", "cert list", "cert list --role ca", "dconf peers",
    "config get", "config get --source file", "config get --source effective", "config status",
]


@pytest.mark.parametrize("command", READS)
def test_every_read_prints_text_and_json(node, command):
    text = vmesh(node.url, *command.split())
    assert text.out and not text.err and "\x1b" not in text.out, text
    assert isinstance(vmesh(node.url, "--json", *command.split()).json, dict)
    vmesh(node.url, *command.split(), "-o", "wide")
    vmesh(node.url, *command.split(), "-o", "name")


def test_json_is_the_api_s_own(node):
    for command, path in [("peer list --config", "/v1/config/peers"), ("announce", "/v1/config/announcements"),
                          ("config get", "/v1/config"), ("api GET /v1/whoami", "/v1/whoami")]:
        _, _, body = node.api.exchange("GET", path)
        assert vmesh(node.url, *command.split(), "--json").out.rstrip("\n") == body.decode().rstrip("\n"), command


def test_text_that_is_no_table(node):
    assert "# TYPE vmesh_" in vmesh(node.url, "metrics").out
    assert "openapi: 3.1" in vmesh(node.url, "api", "spec").out
    assert "peer-not-found" in vmesh(node.url, "explain", "peer-not-found").out
    assert vmesh(node.url, "completion", "bash").out.startswith("#!/bin/bash")
    assert vmesh(node.url, "version").out == "vmesh " + vmesh(node.url, "--version").out


def test_a_peer_in_words(node, pair):
    _, b = pair
    shown = vmesh(node.url, "peer", "list").out.splitlines()
    assert [row for row in shown if row.startswith("● ") and b.name in row and " up " in row], shown
    assert "1 of 1 up" in vmesh(node.url, "status").out
    for word in (b.name, b.name.upper(), b.id, b.id[:6], b.id[:20]):
        assert vmesh(node.url, "peer", "show", word, "--json").json["id"] == b.id
    assert vmesh(node.url, "peer", "show", b.id[:8], "--config", "--json").json["name"] == b.name
    vmesh(node.url, "peer", "reset", b.id[:8], "--soft")


def test_routes_in_words(node, pair):
    _, b = pair
    node.wait_route(b.prefix)
    assert b.name in vmesh(node.url, "route", "show", b.prefix).out
    assert b.name in vmesh(node.url, "route", "lookup", b.address).out
    assert vmesh(node.url, "route", "list", "--peer", b.id[:8], "-o", "name").out.split() == [b.prefix]
    assert vmesh(node.url, "route", "list", "--covers", b.address, "-o", "name").out.split() == [b.prefix]
    assert b.prefix in vmesh(node.url, "fib").out
    vmesh(node.url, "route", "show", "2001:db8:ffff::/48", status=4)
    vmesh(node.url, "vif", "show", "mesh")
    vmesh(node.url, "vif", "show", "none", status=4)


def test_the_life_of_a_configured_peer(node):
    path = f"/v1/config/peers/{PEER}"
    place = "192.0.2.7:5120", "[2001:db8:7::1]:5120"
    dry = vmesh(node.url, "--dry-run", "peer", "set", PEER, "--addr", *place, "--disable")
    assert dry.out.startswith("dry run") and node.api.status_of("GET", path) == 404
    first = vmesh(node.url, "peer", "set", PEER, "--addr", *place, "--disable")
    assert f"+ peers/{PEER}" in first.out and node.api.get(path)["addrs"] == list(place)
    assert vmesh(node.url, "peer", "set", PEER, "--addr", *place, "--disable").out == "nothing to change\n"
    vmesh(node.url, "peer", "set", PEER, "--addr", *place, "--create-only", status=6)
    vmesh(node.url, "peer", "set", PEER, "--addr", *place, "--if-match", "r0-0", status=6)
    vmesh(node.url, "peer", "set", PEER, "--patch", '{"max_prefixes": 7}')
    assert node.api.get(path)["max_prefixes"] == 7
    vmesh(node.url, "peer", "enable", PEER)
    assert node.api.get(path)["enabled"] is True and node.api.get(path)["max_prefixes"] == 7
    vmesh(node.url, "peer", "disable", PEER, "--no-persist")
    assert node.api.get(path)["enabled"] is False
    refused = vmesh(node.url, "peer", "remove", PEER, status=2)
    assert "--yes" in refused.err and node.api.status_of("GET", path) == 200
    vmesh(node.url, "peer", "remove", PEER, "--dry-run")
    vmesh(node.url, "peer", "remove", PEER, "--yes")
    vmesh(node.url, "peer", "remove", PEER, "--yes", status=4)


def test_a_refusal_names_the_place_the_code_and_the_request(node):
    done = vmesh(node.url, "peer", "set", PEER, "--addr", "192.0.2.1", status=7)
    assert done.err.startswith(f"vmesh: cannot set peer {PEER}: addrs[0]: ") and not done.out
    assert "(validation-failed, request " in done.err and done.err.count("\n") == 1, done


def test_announcements(node):
    prefix = "2001:db8:a:1::/64"
    vmesh(node.url, "announce", "add", prefix, "--vif", "mesh")
    assert "mesh" in vmesh(node.url, "announce", "show", "2001:DB8:A:1:0::/64").out
    assert vmesh(node.url, "announce", "add", prefix, "--vif", "mesh").out == "nothing to change\n"
    vmesh(node.url, "announce", "add", "2001:db8:a:1::1/64", status=7)
    vmesh(node.url, "announce", "add", "2001:db8::", status=2)
    vmesh(node.url, "announce", "remove", prefix, "--yes")
    vmesh(node.url, "announce", "show", prefix, status=4)


def test_certificates(node, pair, module_lab):
    shown = vmesh(node.url, "cert", "list").out
    assert " node " in shown and node.id[:8] in shown
    pem = vmesh(node.url, "cert", "show", node.id[:8], "--pem").out
    assert pem.strip() == node.identity.cert_path.read_text().strip()
    stranger = module_lab.other_ca("strangers").node("x.other.example")
    vmesh(node.url, "cert", "add-external", stranger.key_path, status=2)
    vmesh(node.url, "cert", "add-external", "/nonexistent/x.crt", status=2)
    done = start(node.url, "cert", "add-external", stranger.cert_path)
    out, err = done.communicate(timeout=30 * SLACK)
    # A router that cannot write where its certificates are may refuse; it then says so.
    assert done.returncode in (0, 6), (out, err)
    if done.returncode == 0:
        assert stranger.id[:8] in vmesh(node.url, "cert", "list", "--role", "external").out
        vmesh(node.url, "cert", "remove-external", stranger.id[:12], "--yes", "--force")
    vmesh(node.url, "cert", "remove-external", "0" * 64, "--yes", status=4)


def test_the_signed_policy(pair, module_lab):
    a, b = pair
    url = f"unix://{a.socket_path}"
    vmesh(url, "dconf", "show", status=4)
    everything = [a.prefix, b.prefix]
    blob = module_lab.folder / "policy.bin"
    blob.write_bytes(module_lab.ca.sign_config({"prefix_whitelist": {a.name: everything, b.name: everything}}))
    assert "would be put in force" in vmesh(url, "dconf", "validate", blob).out
    vmesh(url, "dconf", "show", status=4)
    assert "in force" in vmesh(url, "dconf", "upload", blob).out
    assert b.prefix in vmesh(url, "dconf", "show").out
    saved = module_lab.folder / "saved.bin"
    vmesh(url, "dconf", "download", saved)
    assert saved.read_bytes() == blob.read_bytes()
    assert vmesh(url, "dconf", "check", b.name, b.prefix).out.startswith("allowed")
    assert vmesh(url, "dconf", "check", b.name, "2001:db8:ffff::/48", status=9).out.startswith("not allowed")
    # Only who was given the policy knows that its peer has it: version 1 acknowledges nothing.
    other = f"unix://{b.socket_path}"
    until(lambda: "1 of 1 peers in sync" in vmesh(other, "status").out, 5, "the peer has the policy")
    assert vmesh(other, "dconf", "peers").out.splitlines()[1].startswith(f"● {a.name}")
    assert vmesh(url, "dconf", "peers", "-o", "name").out == b.name + "\n"
    saved.write_bytes(b"nonsense")
    vmesh(url, "dconf", "validate", saved, status=7)


def test_tokens_and_tcp(node, lab):
    """A token is printed once and alone; over TCP it decides, and it is never shown by -v."""
    lone = lab.daemon("t", 0xD, tun=False)
    lone.config["api"]["listen"] += [{"tcp": "127.0.0.1:5121"}]
    lone.start()
    local, http = f"unix://{lone.socket_path}", "http://127.0.0.1:5121"
    made = vmesh(local, "-v", "token", "create", "reader", "--role", "read", "--expires", "1h")
    token = made.out.strip()
    assert token.startswith("vmt_") and made.out.count("\n") == 1 and token not in made.err
    assert "reader" in vmesh(local, "token", "list").out and token not in vmesh(local, "token", "list", "--json").out
    path = lab.folder / "token"
    path.write_text(token + "\n")
    path.chmod(0o600)
    with lone.namespace.inside():
        assert "--token-file" in vmesh(http, "status", status=5).err
        assert '"method":"bearer"' in vmesh(http, "whoami", "--json", "--token-file", path).out.replace(" ", "")
        shown = vmesh("unix:///nonexistent", "-v", "--api", "http://localhost:5121", "status",
                      env={"VMESH_TOKEN": token})
        assert token not in shown.err and "authorization: ***" in shown.err
        vmesh(http, "peer", "set", PEER, "--addr", "192.0.2.1:1", env={"VMESH_TOKEN_FILE": str(path)}, status=5)
        vmesh(local, "token", "revoke", "reader", status=2)
        vmesh(local, "token", "revoke", "reader", "--yes")
        vmesh(http, "status", "--token-file", path, status=5)
        path.chmod(0o644)
        assert "chmod 600" in vmesh(http, "status", "--token-file", path, status=2).err
        vmesh("http://127.0.0.1:5999", "status", status=3)


def test_any_request(node):
    assert vmesh(node.url, "api", "get", "/v1/peers?limit=1").json["items"]
    body = json.dumps({"addrs": ["192.0.2.7:5120"], "enabled": False})
    vmesh(node.url, "api", "PUT", f"/v1/config/peers/{PEER}", "-d", body, "-H", "If-None-Match: *")
    vmesh(node.url, "api", "PUT", f"/v1/config/peers/{PEER}", "-d", body, "-H", "If-None-Match: *", status=6)
    vmesh(node.url, "api", "PATCH", f"/v1/config/peers/{PEER}", "-d", '{"udp":null}')
    wrong = vmesh(node.url, "api", "GET", "/v1/nothing", status=4)
    assert wrong.json["status"] == 404 and "not-found" in wrong.err
    assert vmesh(node.url, "api", "HEAD", "/v1/status").out.startswith("200\n")
    vmesh(node.url, "api", "DELETE", f"/v1/config/peers/{PEER}")
    vmesh(node.url, "api", "GET", "v1/status", status=2)


def test_reload_and_its_status(node):
    assert vmesh(node.url, "config", "reload", "--dry-run").out
    assert "revision" in vmesh(node.url, "config", "status").out


# -- C40: exit statuses


@pytest.mark.parametrize("words, status", [
    ("--help", 0), ("help peer", 0), ("peer set --help", 0), ("--version", 0), ("peer", 0), ("bogus", 2),
    ("peer bogus", 2), ("status --bogus", 2), ("status --token vmt_x", 2), ("peer show", 2), ("status --timeout x", 2),
    ("--api https://r1 status", 2), ("--api gopher://r1 status", 2), ("-c nowhere status", 2),
    ("token revoke x --dry-run", 2), ("peer show nobody.example", 4), ("explain no-such-code", 4),
    ("route lookup nonsense", 7), ("route list --within 2001:db8::1/32", 7), ("--api unix:///nonexistent status", 3),
])
def test_exit_statuses(node, words, status):
    done = vmesh(node.url, *words.split(), status=status)
    assert bool(done.out) == (status == 0) and bool(done.err) == (status != 0), done


def test_one_of_its_peers_down_is_no_error(node):
    vmesh(node.url, "peer", "set", PEER, "--addr", "127.0.0.1:9")
    vmesh(node.url, "status")
    assert PEER in vmesh(node.url, "peer", "list", "--down").out


def test_stopped_forbidden_and_frozen(lab):
    lone = lab.daemon("s", 0xD, tun=False).start()
    url = f"unix://{lone.socket_path}"
    for folder in (lab.folder, lone.folder):
        folder.chmod(0o755)
    done = start(url, "status", user=NOBODY, group=NOBODY, extra_groups=[])
    _, err = done.communicate(timeout=30 * SLACK)
    assert done.returncode == 5 and b"permission denied" in err and b"group vmesh" in err, err
    lone.freeze()
    try:
        begin = time.monotonic()
        assert "no answer within 300ms" in vmesh(url, "status", "--timeout", "300ms", status=8).err
        assert time.monotonic() - begin < 5 * SLACK
        waiting = start(url, "status")
        until(lambda: "pipe" in os.readlink(f"/proc/{waiting.pid}/fd/1") and len(
            os.listdir(f"/proc/{waiting.pid}/fd")) > 3, 5, "vmesh has its socket open")
        waiting.send_signal(signal.SIGINT)
        # A shell calls this 130.
        assert waiting.wait(5 * SLACK) == -signal.SIGINT
    finally:
        lone.thaw()
    lone.stop()
    assert "is vmeshd running?" in vmesh(url, "status", status=3).err


def test_a_reader_that_goes_away_and_a_full_disk(node):
    pipeline = f"{binary('vmesh')} api spec | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", pipeline], env={**os.environ, "VMESH_API": node.url}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0" and not done.stderr, done
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary("vmesh"), "status"], env={**os.environ, "VMESH_API": node.url}, stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left" in done.stderr


# -- terminals


def on_terminal(url, *words, answer="", env=None, columns=200):
    """Runs vmesh on a terminal of that width; (status, what stood on it)."""
    import pty
    import fcntl
    import struct
    import termios
    pid, descriptor = pty.fork()
    if pid == 0:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("VMESH_") and k != "NO_COLOR"}
        os.execve(binary("vmesh"), ["vmesh", *map(str, words)],
                  {**kept, "VMESH_API": url, "TERM": "xterm", "HOME": "/nonexistent", **(env or {})})
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    if answer:
        os.write(descriptor, answer.encode())
    seen = b""
    try:
        while True:
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            seen += piece
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    os.close(descriptor)
    return os.waitstatus_to_exitcode(status), seen.decode()


def test_colours_only_where_they_are_wanted(node):
    assert "\x1b[" in on_terminal(node.url, "peer", "list")[1]
    for words, env in [(["peer", "list", "--no-color"], {}), (["peer", "list"], {"NO_COLOR": "1"}),
                       (["peer", "list"], {"TERM": "dumb"}), (["peer", "list", "--json"], {})]:
        assert "\x1b[" not in on_terminal(node.url, *words, env=env)[1], (words, env)


def test_a_person_is_asked_before_something_is_destroyed(node):
    vmesh(node.url, "peer", "set", PEER, "--addr", "192.0.2.7:5120", "--disable")
    status, seen = on_terminal(node.url, "peer", "remove", PEER, answer="n\n")
    assert status == 1 and "[y/N]" in seen and node.api.status_of("GET", f"/v1/config/peers/{PEER}") == 200
    status, seen = on_terminal(node.url, "peer", "remove", PEER, answer="y\n")
    assert status == 0 and node.api.status_of("GET", f"/v1/config/peers/{PEER}") == 404


def test_contexts(node, tmp_path):
    where = {"XDG_CONFIG_HOME": str(tmp_path), "VMESH_API": ""}
    vmesh("", "context", "add", "lab", "--api", node.url, env=where)
    vmesh("", "context", "add", "gone", "--api", "/nonexistent.sock", env=where)
    vmesh("", "context", "use", "lab", env=where)
    kept = tmp_path / "vmesh" / "contexts.json"
    assert kept.stat().st_mode & 0o777 == 0o600 and json.loads(kept.read_text())["current"] == "lab"
    assert node.name in vmesh("", "status", env=where).out
    vmesh("", "-c", "gone", "status", env=where, status=3)
    vmesh("", "status", env={**where, "VMESH_CONTEXT": "gone"}, status=3)
    assert "* lab" in vmesh("", "context", "list", env=where).out
    vmesh("", "context", "remove", "lab", env=where)
    vmesh("", "context", "use", "lab", env=where, status=2)
