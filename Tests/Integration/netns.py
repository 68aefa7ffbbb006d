"""Network namespaces as places to put sockets, processes and links.

A namespace is named after the test process, so that runs side by side do not meet and what a killed run left can be
recognised and cleared. A thread may step into one for a moment (`inside`): a socket stays where it was made, so a
hostile peer needs no process of its own.
"""
import contextlib
import ctypes
import json
import os
import socket
import subprocess

PREFIX = "vmt"
_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def ip(*words, check=True):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


def clear_leftovers():
    """Removes namespaces of test processes that are gone."""
    for line in ip("netns", "list", check=False).splitlines():
        name = line.split()[0]
        owner = name[len(PREFIX):].split("-")[0]
        if name.startswith(PREFIX) and owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
            ip("netns", "del", name, check=False)


class Namespace:
    """One network namespace; `close` removes it."""

    def __init__(self, lab_number, label):
        self.label = label
        self.name = f"{PREFIX}{os.getpid()}-{lab_number}{label}"
        ip("netns", "add", self.name)
        self.path = f"/run/netns/{self.name}"
        self.run("sh", "-c", "ip link set lo up; cd /proc/sys/net/ipv6/conf; for i in all default; do"
                             " echo 0 > $i/accept_dad; echo 0 > $i/dad_transmits; done")

    def __str__(self):
        return self.label

    def prefix(self):
        """The words that run a command in here; the command dies with whoever started it."""
        return ["setpriv", "--pdeathsig", "KILL", "--", "nsenter", f"--net={self.path}", "--"]

    def run(self, *words, check=True, timeout=60, **more):
        """Runs a command to its end; its standard output, with errors, as text."""
        done = subprocess.run(self.prefix() + [str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=timeout, **more)
        if check and done.returncode:
            raise RuntimeError(f"{self}: {' '.join(map(str, words))} ended with {done.returncode}\n{done.stdout}")
        return done.stdout

    def start(self, *words, **more):
        return subprocess.Popen(self.prefix() + [str(w) for w in words], **more)

    @contextlib.contextmanager
    def inside(self):
        """This thread stands in the namespace for the length of the block."""
        with open("/proc/thread-self/ns/net") as home, open(self.path) as target:
            _setns(target)
            try:
                yield self
            finally:
                _setns(home)

    def connect(self, host, port, timeout=10, source=None, receive_buffer=None):
        """A TCP connection made from in here."""
        with self.inside():
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.settimeout(timeout)
            if source:
                sock.bind((source, 0))
            sock.connect((host, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock

    def listen(self, host, port):
        with self.inside():
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family)

    def nft(self, rules):
        """Loads an nftables script; `drop_rules` takes it all away again."""
        self.run("nft", "-f", "-", input=rules)

    def drop_rules(self):
        self.run("nft", "flush", "ruleset")

    def interface(self, device):
        return json.loads(self.run("ip", "-j", "-s", "link", "show", "dev", device))[0]

    def close(self):
        ip("netns", "del", self.name, check=False)


def _setns(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def veth(left, left_name, right, right_name, mtu=1500):
    """A cable between two namespaces, both ends up."""
    ip("link", "add", left_name, "netns", left.name, "mtu", mtu, "type", "veth",
       "peer", "name", right_name, "netns", right.name, "mtu", mtu)
    for place, name in ((left, left_name), (right, right_name)):
        place.run("ip", "link", "set", name, "up")
