"""The management API as a test asks it: HTTP/1.1 over the Unix socket, one kept connection a thread.

Answers are (status, body) with JSON already read. The helpers below it say what tests ask most: which candidates a
prefix has, whom a packet would go to, what a counter stands at.
"""
import http.client
import json
import re
import socket
import threading


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer(Exception):
    """An answer with another status than asked for; `status`, `body` and `headers` hold it."""

    def __init__(self, method, path, status, body, headers):
        super().__init__(f"{method} {path}: {status} {body!r}")
        self.status, self.body, self.headers = status, body, headers


class API:
    def __init__(self, socket_path, timeout=15):
        self.socket_path, self.timeout = str(socket_path), timeout
        self.local = threading.local()

    def exchange(self, method, path, body=None, headers=None, media="application/json"):
        """(status, headers, body bytes); one retry if the kept connection had been closed."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = dict(headers or {})
        if data is not None:
            sent.setdefault("Content-Type", media)
        for attempt in (0, 1):
            kept = getattr(self.local, "connection", None)
            connection = kept or UnixConnection(self.socket_path, self.timeout)
            try:
                connection.request(method, path, data, sent)
                reply = connection.getresponse()
                content = reply.read()
                self.local.connection = None if reply.will_close else connection
                return reply.status, reply.headers, content
            except (OSError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                if attempt or kept is None:
                    raise

    def call(self, method, path, body=None, ok=(200, 201, 202, 204), **more):
        status, headers, content = self.exchange(method, path, body, **more)
        kind = headers.get("Content-Type", "")
        value = json.loads(content) if "json" in kind and content else content
        if status not in ok:
            raise Answer(method, path, status, value, headers)
        return value

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def put(self, path, body, **more):
        return self.call("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, **more)

    def status_of(self, method, path, body=None, **more):
        return self.exchange(method, path, body, **more)[0]

    # -- what tests ask most

    def status(self):
        return self.get("/v1/status")

    def items(self, path):
        """Every item of a list, over all its pages."""
        found, cursor = [], None
        while True:
            glue = "&" if "?" in path else "?"
            page = self.get(path + (f"{glue}cursor={cursor}" if cursor else ""))
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found

    def peers(self):
        return self.items("/v1/peers?limit=1000")

    def peer(self, name):
        return self.get(f"/v1/peers/{name}")

    def peers_up(self):
        return sorted(p["name"] for p in self.peers() if p["status"] == "up")

    def routes(self):
        return self.items("/v1/routes?limit=1000")

    def candidates(self, prefix):
        """Every candidate of a prefix; an empty list where there is none."""
        status, _, content = self.exchange("GET", f"/v1/routes/{prefix}")
        if status == 404:
            return []
        assert status == 200, (status, content)
        return json.loads(content)["candidates"]

    def candidate(self, prefix, peer):
        """The candidate of `prefix` that a peer (id or name) gave, or None."""
        for found in self.candidates(prefix):
            if found["peer"] and peer in (found["peer"]["id"], found["peer"]["name"]):
                return found
        return None

    def verdict(self, prefix, peer):
        """(status, reason code) of a peer's candidate; (None, None) where there is none."""
        found = self.candidate(prefix, peer)
        return (found["status"], found["reason"]["code"]) if found else (None, None)

    def selected(self, prefix):
        """The peer's id a prefix goes to now, "local" for one of ours, None for no route."""
        for found in self.candidates(prefix):
            if found["status"] == "selected":
                return found["peer"]["id"] if found["peer"] else "local"
        return None

    def next_hop(self, address):
        """The name of the peer that a packet to `address` would go to; None for no route."""
        match = self.get(f"/v1/routes/lookup?address={address}")["match"]
        return match["peer"]["name"] if match and match["peer"] else None

    def metrics(self):
        return Metrics(self.call("GET", "/metrics").decode())


SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """A scrape, with differences between scrapes."""

    def __init__(self, text):
        self.text, self.samples = text, {}
        for line in text.splitlines():
            found = SAMPLE.match(line)
            if found and not line.startswith("#"):
                labels = frozenset(LABEL.findall(found[2] or ""))
                self.samples[found[1], labels] = float(found[3])

    def total(self, name, **labels):
        """The sum of the samples of `name` that bear these labels."""
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.samples.items() if n == name and wanted <= have)

    def risen(self, earlier, name):
        """{labels: by how much} for the samples of `name` that grew since `earlier`."""
        return {labels: value - earlier.samples.get((n, labels), 0) for (n, labels), value in self.samples.items()
                if n == name and value > earlier.samples.get((n, labels), 0)}
