"""The tools themselves: a strict v1 peer that never complains, or a hostile one that is harmless, would prove nothing.

Here the two talk to each other, without a router, and each rule of the v1 peer is broken once.
"""
import socket

import pytest

import messages as m
from adversary import Adversary, tls_verdict
from packets import Packet, echo, fragment, udp
from pki import DOMAIN

OTHER = b"\7" * 32
BROKEN = {
    "a Ping has no payload": lambda a: (m.PING, b"x"),
    "a Pong without a Ping": lambda a: (m.PONG, b""),
    "more than 65,536 routes in one message": lambda a: (m.ANNOUNCE, m.many_routes(65537, [(a.id_bytes, 1)])),
    "a prefix is 16 bytes and its length at most 128":
        lambda a: (m.ANNOUNCE, m.announcement([m.raw_route(bytes(16), 129, [(a.id_bytes, 1)])])),
    "host bits are zero": lambda a: (m.ANNOUNCE, m.announcement([a.route("2001:db8::1/48")])),
    "path[0] is the sender": lambda a: (m.ANNOUNCE, m.announcement([a.route("2001:db8::/48", first=OTHER)])),
    "a node stands once in a path":
        lambda a: (m.ANNOUNCE, m.announcement([a.route("2001:db8::/48", via=[(OTHER, 1), (OTHER, 1)])])),
    "a hop id is 32 bytes": lambda a: (m.ANNOUNCE, m.announcement([a.route("2001:db8::/48", via=[(b"x", 1)])])),
    "tag 1 carries IPv6 only": lambda a: (m.IP, b"\x45" + bytes(40)),
}


@pytest.fixture
def pair(lab):
    """A strict peer that listens and a hostile one that dialled it."""
    left, right = lab.namespace("l"), lab.namespace("r")
    address, *_ = lab.cable(left, right)
    strict = lab.v1(left, lab.ca.v1_node(f"strict.{DOMAIN}"), listen=(address, 5120))
    strict.wait_event("listening")
    hostile = Adversary(right, lab.ca.node(f"adv.{DOMAIN}"), (address, 5120))
    lab.closers.append(hostile.close)
    strict.wait_event("up")
    return strict, hostile, right, address


@pytest.mark.parametrize("rule", BROKEN)
def test_the_strict_peer_sees_each_violation(pair, rule):
    strict, hostile, *_ = pair
    hostile.send(*BROKEN[rule](hostile))
    assert strict.wait_event("violation")["rule"] == rule


def test_what_is_right_is_no_violation(pair):
    strict, hostile, *_ = pair
    hostile.send(m.PING)
    hostile.offer("2001:db8:1::/48", latency=7, via=[(OTHER, 9)])
    packet = echo("2001:db8::1", "2001:db8::2")
    hostile.packet(packet)
    strict.wait_event("message", name="IP")
    assert strict.packets() == [packet] and not strict.violations()
    assert strict.routes() == {"2001:db8:1::/48": [(hostile.id[:12], 7), (OTHER.hex()[:12], 9)]}
    assert hostile.messages(m.PONG) == [b""]


def test_a_server_that_asks_for_no_good_certificate_is_seen_to_accept(lab):
    """`tls_verdict` says "accepted" where a stranger is let in: the strict peer itself refuses strangers."""
    left, right = lab.namespace("l"), lab.namespace("r")
    address, *_ = lab.cable(left, right)
    for identity, wanted in ((lab.ca.node(f"a.{DOMAIN}"), "accepted"), (lab.other_ca().node(f"a.{DOMAIN}"), "refused")):
        server = lab.v1(left, lab.ca.v1_node(f"strict.{DOMAIN}"), listen=(address, 5120), seconds=5)
        server.wait_event("listening")
        assert tls_verdict(right, (address, 5120), identity)[0] == wanted
        server.process.kill()
        server.process.wait()


def test_checksums_are_what_a_kernel_accepts(lab):
    """Our hand-made echo request is answered, and our UDP is delivered, by Linux itself."""
    left, right = lab.namespace("l"), lab.namespace("r")
    lab.cable(left, right)
    right.run("ip", "addr", "add", "2001:db8:7::1/128", "dev", "lo")
    left.run("sh", "-c", "ip -6 route add 2001:db8:7::/48 via fd99:1::2; ping -6 -c 1 -W 1 2001:db8:7::1 >/dev/null")
    request = Packet(echo("fd99:1::1", "2001:db8:7::1"))
    assert request.icmp_type == (128, 0) and request.hop_limit == 64
    with left.inside():
        sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        answers = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    with right.inside():
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    receiver.bind(("2001:db8:7::1", 4001))
    receiver.settimeout(2)
    answers.settimeout(2)
    sock.sendto(request.data, ("2001:db8:7::1", 0))
    while (data := answers.recv(2048))[0] != 129:
        pass
    assert data[4:] == request.body[4:]
    sock.sendto(udp("fd99:1::1", "2001:db8:7::1", b"hello"), ("2001:db8:7::1", 0))
    assert receiver.recv(100) == b"hello"
    pieces = udp("fd99:1::1", "2001:db8:7::1", b"0123456789abcdef")[40:]
    for offset, more in ((8, 0), (0, 1)):
        part = pieces[:8] if more else pieces[8:]
        sock.sendto(fragment("fd99:1::1", "2001:db8:7::1", offset, more, part), ("2001:db8:7::1", 0))
    assert receiver.recv(100) == b"0123456789abcdef"
