"""One vmeshd under test: its configuration, its process, and what can be seen of it from outside.

Readiness is what the daemon says through NOTIFY_SOCKET, as systemd would hear it. Its log goes to a file; `rss`, `fds`
and `cpu` read /proc. A daemon dies with the test that started it.
"""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from api import API
from waiting import SLACK, until

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("VMESH_BIN_DIR", ROOT / ".build" / "release"))
TICKS = os.sysconf("SC_CLK_TCK")


def binary(name):
    path = BINARIES / name
    assert path.exists(), f"{path} is not there: run scripts/build, or set VMESH_BIN_DIR"
    return path


class Daemon:
    """`number` places it: its prefix is 2001:db8:NUMBER::/48 and its own address ::1 in there."""

    def __init__(self, lab, label, namespace, identity, ca, number, tun=True):
        self.lab, self.label, self.namespace, self.identity, self.ca = lab, label, namespace, identity, ca
        self.folder = lab.folder / label
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.state.mkdir()
        self.log_path, self.config_path = self.folder / "log", self.folder / "config.json"
        self.socket_path = self.folder / "api.sock"
        self.prefix, self.address = f"2001:db8:{number:x}::/48", f"2001:db8:{number:x}::1"
        self.device = "vmesh0"
        vif = {"type": "tun", "tun_name": self.device, "addresses": [f"{self.address}/32"], "mtu_bytes": 1440}
        self.config = {
            "listen_addr": "[::]:5120", "ca": str(ca.cert_path), "cert": str(identity.cert_path),
            "private_key": str(identity.key_path), "server_name": identity.name, "external_peer_certs": [],
            "local_announcements": [{"prefix": self.prefix, "vif": "mesh"}], "peers": [],
            "vifs": {"mesh": vif if tun else {"type": "dummy"}}, "state_dir": str(self.state),
            "api": {"listen": [{"unix": str(self.socket_path), "mode": "0600", "role": "admin"}]},
        }
        self.api = API(self.socket_path)
        self.process, self.environment, self.arguments = None, {}, []
        self.started_at = self.ready_after = None

    name = property(lambda self: self.identity.name)
    id = property(lambda self: self.identity.id)
    pid = property(lambda self: self.process.pid)
    alive = property(lambda self: self.process is not None and self.process.poll() is None)

    def peer_with(self, other, address, port=5120):
        """Dial another node at this address."""
        name = other if isinstance(other, str) else other.name
        host = f"[{address}]" if ":" in address else address
        self.config["peers"].append({"addr": f"{host}:{port}", "name": name})
        return self

    def write_config(self):
        self.config_path.write_text(json.dumps(self.config, indent=2))
        self.config_path.chmod(0o600)

    # -- process

    def spawn(self, *arguments, wrapper=(), notify=True):
        """Starts the process and does not wait for readiness."""
        self.write_config()
        environment = {**os.environ, **self.environment}
        environment.pop("NOTIFY_SOCKET", None)
        if notify:
            self._listen_for_notices(environment)
        with open(self.log_path, "ab") as log:
            self.log_mark = log.tell()
            self.started_at = time.time()
            self.started_mono = time.monotonic()
            self.process = self.namespace.start(
                *wrapper, binary("vmeshd"), "-config", self.config_path, *self.arguments, *arguments,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder)
        self.lab.processes.append(self.process)
        return self

    def start(self, *arguments, seconds=10, **more):
        self.spawn(*arguments, **more)
        self.wait_ready(seconds)
        return self

    def _listen_for_notices(self, environment):
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(path))
        path.chmod(0o666)
        self.notices.setblocking(False)
        self.notified = []
        environment["NOTIFY_SOCKET"] = str(path)

    def read_notices(self):
        try:
            while True:
                self.notified += self.notices.recv(4096).decode().splitlines()
        except BlockingIOError:
            pass
        return self.notified

    def wait_ready(self, seconds=10):
        def ready():
            if not self.alive:
                raise RuntimeError(f"{self.label}: vmeshd ended with {self.process.returncode}:\n{self.log()[-2000:]}")
            return "READY=1" in self.read_notices()
        until(ready, seconds, f"{self.label} is ready", every=0.005)
        self.ready_after = time.monotonic() - self.started_mono

    def run_to_end(self, *arguments, seconds=10, wrapper=()):
        """(status, what it wrote) of a start that should end by itself."""
        self.spawn(*arguments, wrapper=wrapper)
        try:
            status = self.process.wait(seconds * SLACK)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"vmeshd did not end:\n{self.log()[-2000:]}") from None
        return status, self.log_path.read_bytes()[self.log_mark:].decode("utf-8", "replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.alive:
            self.process.kill()
        self.process.wait()

    def stop(self, seconds=5):
        """SIGTERM; how long the end took. Beyond `seconds` it is an error."""
        begin = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(seconds * SLACK)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.label} did not end within {seconds} s of SIGTERM") from None
        return time.monotonic() - begin

    def restart(self, **more):
        if self.alive:
            self.stop()
        return self.start(**more)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    # -- seen from outside

    def log(self):
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def log_lines(self, pattern="", since=0):
        """Lines of the log from byte `since` on that match."""
        text = self.log_path.read_bytes()[since:].decode("utf-8", "replace")
        return [line for line in text.splitlines() if re.search(pattern, line)]

    def log_size(self):
        return self.log_path.stat().st_size

    def proc(self, file):
        return Path(f"/proc/{self.pid}/{file}").read_text()

    def proc_status(self, key):
        return re.search(rf"^{key}:[ \t]*(.*)$", self.proc("status"), re.M)[1]

    def rss(self):
        """Resident bytes."""
        return int(self.proc_status("VmRSS").split()[0]) * 1024

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu(self):
        """Processor seconds used so far, user and system."""
        fields = self.proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def tap(self):
        from packets import Tap
        tap = Tap(self.namespace, self.device)
        self.lab.closers.append(tap.close)
        return tap

    def ping(self, target, count=1, seconds=1, *options):
        """True if every echo was answered."""
        out = self.namespace.run("ping", "-6", "-n", "-q", "-c", count, "-i", "0.05", "-W", seconds, *options, target,
                                 check=False)
        found = re.search(r"(\d+) received", out)
        return bool(found) and int(found[1]) == count

    def reaches(self, other, seconds=5):
        """Waits until pings to another node (or address) are answered; how long that took."""
        target = other if isinstance(other, str) else other.address
        begin = time.monotonic()
        until(lambda: self.ping(target), seconds, f"{self.label} reaches {target}")
        return time.monotonic() - begin

    def wait_peer(self, other, seconds=5):
        name = other if isinstance(other, str) else other.name
        until(lambda: self.api.peer(name)["status"] == "up", seconds, f"{self.label}: peer {name} up")

    def wait_route(self, prefix, seconds=5):
        until(lambda: self.api.selected(prefix), seconds, f"{self.label}: route to {prefix}")
