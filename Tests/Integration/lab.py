"""A lab: namespaces, cables, authorities and daemons that all go away with the test.

`Lab` makes the parts; `line`, `ring` and `Field` put them together. In a Field the node under test (`nut`) stands
between two honest routers, `left` and `right`, whose pings through it are the canary, and there is a place (`outside`)
from which hostile peers connect.
"""
import atexit
import contextlib
import itertools
import shutil
import tempfile
from pathlib import Path

from adversary import Adversary
from daemon import Daemon
from netns import Namespace, veth
from pki import CA, DOMAIN
from v1process import V1Process
from waiting import until

_numbers = itertools.count(1)


class Lab:
    def __init__(self):
        self.number = next(_numbers)
        self.folder = Path(tempfile.mkdtemp(prefix="vmesh-test-"))
        self.folder.chmod(0o755)
        self.namespaces, self.processes, self.closers, self.daemons = [], [], [], []
        self.links = itertools.count(1)
        self._ca = None
        atexit.register(self.close)

    @property
    def ca(self):
        if self._ca is None:
            self._ca = CA(self.folder / "ca")
        return self._ca

    def other_ca(self, label="other", **more):
        return CA(self.folder / label, **more)

    def namespace(self, label):
        made = Namespace(self.number, label)
        self.namespaces.append(made)
        return made

    def cable(self, left, right, mtu=1500):
        """A cable; gives (left's IPv4, right's IPv4, left's device, right's device)."""
        number = next(self.links)
        names = f"l{number}", f"r{number}"
        veth(left, names[0], right, names[1], mtu)
        for place, name, last in ((left, names[0], 1), (right, names[1], 2)):
            place.run("ip", "addr", "add", f"10.99.{number}.{last}/24", "dev", name)
            place.run("ip", "addr", "add", f"fd99:{number:x}::{last}/64", "dev", name, "nodad")
        return f"10.99.{number}.1", f"10.99.{number}.2", *names

    def daemon(self, label, number, namespace=None, identity=None, tun=True):
        namespace = namespace or self.namespace(label)
        identity = identity or self.ca.node(f"{label}.{DOMAIN}")
        made = Daemon(self, label, namespace, identity, self.ca, number, tun=tun)
        self.daemons.append(made)
        return made

    def connect(self, left, right, dial="left", mtu=1500):
        """A cable between two daemons, and who dials whom over it."""
        left_ip, right_ip, left_device, right_device = self.cable(left.namespace, right.namespace, mtu)
        if dial in ("left", "both"):
            left.peer_with(right, right_ip)
        if dial in ("right", "both"):
            right.peer_with(left, left_ip)
        return left_device, right_device

    def v1(self, namespace, identity, **options):
        """A strict v1 peer as a process."""
        made = V1Process(self, namespace, identity, **options)
        return made

    def logs(self):
        return {d.label: d.log()[-4000:] for d in self.daemons if d.process}

    def close(self):
        atexit.unregister(self.close)
        for close in self.closers:
            with contextlib.suppress(Exception):
                close()
        for process in self.processes:
            with contextlib.suppress(Exception):
                process.kill()
        for process in self.processes:
            with contextlib.suppress(Exception):
                process.wait(5)
        for namespace in self.namespaces:
            namespace.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def line(lab, labels="abc", dial="left", start=True):
    """Daemons in a row, neighbours connected; all started and their ends reachable."""
    daemons = [lab.daemon(label, 0xA + index) for index, label in enumerate(labels)]
    for left, right in zip(daemons, daemons[1:]):
        lab.connect(left, right, dial)
    if start:
        for daemon in daemons:
            daemon.start()
        daemons[0].reaches(daemons[-1])
    return daemons


def ring(lab, labels):
    """Daemons in a circle, not started; (daemons, [(left, device, right, device)])."""
    daemons = [lab.daemon(label, 0xA + index) for index, label in enumerate(labels)]
    cables = []
    for left, right in zip(daemons, daemons[1:] + daemons[:1]):
        cables.append((left, *lab.connect(left, right, "both"), right))
    return daemons, cables


class Field:
    """left – nut – right, and `outside` beside the nut."""

    def __init__(self, lab, canary=True, **config):
        self.lab = lab
        self.nut = lab.daemon("nut", 0xA)
        self.nut.config.update(config)
        self.outside = lab.namespace("out")
        self.nut_ip, self.out_ip, self.nut_device, self.out_device = lab.cable(self.nut.namespace, self.outside)
        self.left = self.right = None
        if canary:
            self.left, self.right = lab.daemon("left", 0xB), lab.daemon("right", 0xC)
            lab.connect(self.left, self.nut, "left")
            lab.connect(self.right, self.nut, "left")

    def start(self):
        daemons = [d for d in (self.nut, self.left, self.right) if d]
        for daemon in daemons:
            daemon.start()
        if self.left:
            self.left.reaches(self.right)
        return self

    def member(self, label="adv", **more):
        """A certificate of the mesh's own CA."""
        return self.lab.ca.node(f"{label}.{DOMAIN}", **more)

    def adversary(self, identity=None, label="adv", wait=True, **more):
        """A hostile peer with a good certificate, connected and, if `wait`, seen by the nut as up."""
        identity = identity or self.member(label)
        made = Adversary(self.outside, identity, (self.nut_ip, 5120), **more)
        self.lab.closers.append(made.close)
        if wait:
            until(lambda: self.nut_peer(made)["status"] == "up", 5, "the hostile peer is up")
        return made

    def nut_peer(self, who):
        """What the nut says of a peer with this id."""
        identity = who if isinstance(who, str) else who.id
        for peer in self.nut.api.peers():
            if peer["id"] == identity:
                return peer
        raise LookupError(f"no peer {identity}")

    def is_up(self, who):
        try:
            return self.nut_peer(who)["status"] == "up"
        except LookupError:
            return False

    def witness(self, identity=None, **options):
        """A strict v1 peer on the nut, to see what is passed on."""
        identity = identity or self.lab.ca.v1_node(f"witness.{DOMAIN}")
        made = self.lab.v1(self.outside, identity, connect=(self.nut_ip, 5120), name=self.nut.name, **options)
        made.wait_event("up")
        return made
