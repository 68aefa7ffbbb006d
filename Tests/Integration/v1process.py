"""v1peer.py as a process in a namespace, with its JSON lines read as they come."""
import json
import subprocess
import sys
import threading
from pathlib import Path

from waiting import until


class V1Process:
    """`connect` or `listen` = (host, port); other options are v1peer.py's, lists for the repeatable ones."""

    def __init__(self, lab, namespace, identity, connect=None, listen=None, ca=None, **options):
        words = [sys.executable, str(Path(__file__).with_name("v1peer.py")), "--ca", str((ca or lab.ca).cert_path),
                 "--cert", str(identity.cert_path), "--key", str(identity.key_path)]
        for option, place in (("--connect", connect), ("--listen", listen)):
            if place:
                words += [option, f"{place[0]}:{place[1]}"]
        for option, value in options.items():
            option = "--for" if option == "seconds" else "--" + option.replace("_", "-")
            for one in value if isinstance(value, (list, tuple)) else [value]:
                words += [option, str(one)]
        self.identity, self.events = identity, []
        self.process = namespace.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lab.processes.append(self.process)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    id = property(lambda self: self.identity.id)

    def _read(self):
        for text in self.process.stdout:
            try:
                self.events.append(json.loads(text))
            except ValueError:
                self.events.append({"event": "noise", "text": text.rstrip()})

    def of(self, event, **wanted):
        """The events of a kind that bear these values."""
        return [e for e in list(self.events) if e["event"] == event and all(e.get(k) == v for k, v in wanted.items())]

    def wait_event(self, event, seconds=5, **wanted):
        return until(lambda: self.of(event, **wanted), seconds, f"v1 peer: {event} {wanted}; got {self.events[-3:]}")[-1]

    def violations(self):
        return self.of("violation")

    def packets(self):
        """The IPv6 packets that came, as bytes."""
        return [bytes.fromhex(e["payload"]) for e in self.of("message", name="IP")]

    def routes(self):
        """{prefix: [(id's first 12 digits, latency)]} as last announced, over all announcements."""
        table = {}
        for event in self.of("message", name="Announce"):
            for route in event["routes"]:
                table[route["prefix"]] = [tuple(hop) for hop in route["path"]]
        return table

    def down(self):
        return bool(self.of("down")) or self.process.poll() is not None

    def finish(self, seconds=10):
        """Waits for its own end; the exit status (0 clean, 1 a violation)."""
        status = self.process.wait(seconds)
        self.reader.join(5)
        return status
