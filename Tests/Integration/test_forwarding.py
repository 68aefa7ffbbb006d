"""Packets: what is carried, what is answered, what is dropped (faults.md C12–C25; cases C1–C3, C5, C7)."""
import os
import re
import socket
import struct
import threading
import time

import pytest

from bounds import bounds, forwarded
from lab import Field, line
from packets import ANYTHING, FRAGMENT, NO_NEXT, Packet, echo, fragment, icmp, ipv6, udp
from test_announcements import SENTINEL, accepted
from waiting import SLACK, holds, until

DROPPED = "vmesh_dropped_packets_total"
FAR = "2001:db8:99::1"


@pytest.fixture
def sink(field):
    """A hostile peer that legally has SENTINEL: what is forwarded to FAR arrives there."""
    adv = field.adversary()
    adv.offer(SENTINEL)
    accepted(field, adv)
    field.left.wait_route(SENTINEL)
    return adv


def drops(field, packets_in, reason, daemon=None):
    """Runs `packets_in` and waits for a drop with this reason, at the nut or at `daemon`."""
    api = (daemon or field.nut).api
    before = api.metrics().total(DROPPED, reason=reason)
    packets_in()
    until(lambda: api.metrics().total(DROPPED, reason=reason) > before, 3, f"a drop for {reason}: {api.metrics().text}")


def from_left(field, target=FAR, **header):
    return echo(field.left.address, target, **header)


# -- hop limit, loops, traceroute

def test_C1_C17_hop_limit(field, sink):
    left, tap = field.left, field.left.tap()
    tap.send(from_left(field, hop_limit=64, sequence=7))
    arrived = sink.wait_packet(lambda p: p.body[6:8] == struct.pack(">H", 7))
    assert arrived.hop_limit == 62, "lowered once at each router that forwards"
    tap.drain()
    tap.send(from_left(field, hop_limit=2, sequence=8))
    error = tap.receive(2, lambda p: p.icmp_type == (3, 0))
    assert error and error.source == field.nut.address, "Time Exceeded from the router where it died"
    assert error.quoted[:40][24:40] == socket.inet_pton(socket.AF_INET6, FAR)
    tap.send(from_left(field, hop_limit=1, sequence=9))
    error = tap.receive(2, lambda p: p.icmp_type == (3, 0))
    assert error and error.source == left.address
    forwarded(sink.packets(FAR), lambda p: p.body[6:8] in (struct.pack(">H", 8), struct.pack(">H", 9)))


def test_C1_hop_limit_0_dies_and_1_is_delivered(field, sink):
    tap = field.nut.tap()
    sink.packet(echo(FAR, field.nut.address, hop_limit=1, sequence=21))
    assert tap.receive(2, lambda p: p.target == field.nut.address), "delivery is no forwarding"
    drops(field, lambda: sink.packet(echo(FAR, field.right.address, hop_limit=0)), "hop_limit")
    sink.packet(echo(FAR, field.right.address, hop_limit=1, sequence=22))
    error = sink.wait_packet(lambda p: p.icmp_type == (3, 0))
    assert error.source == field.nut.address and error.target == FAR


def test_traceroute_shows_every_router(field, need):
    need("traceroute")
    out = field.left.namespace.run("traceroute", "-6", "-n", "-q", "1", "-w", "2", field.right.address)
    hops = re.findall(r"^\s*\d+\s+(\S+)", out, re.M)
    assert hops == [field.left.address, field.nut.address, field.right.address] or \
        hops == [field.nut.address, field.right.address], out


def test_mtr_shows_every_router(field, need):
    need("mtr")
    out = field.left.namespace.run("mtr", "-6", "-n", "-r", "-c", "3", "-i", "0.2", field.right.address)
    hops = re.findall(r"^\s*\d+\.\|--\s+(\S+)\s+([\d.]+)%", out, re.M)
    assert field.nut.address in [h for h, _ in hops] and hops[-1][0] == field.right.address, out
    assert all(float(loss) == 0 for _, loss in hops), out


def test_C17_C1_a_loop_ends(lab):
    """Two peers that each send a packet back to us for ever, as v1 nodes do that lower nothing."""
    field = Field(lab, canary=False).start()
    one, two = field.adversary(label="one"), field.adversary(label="two")
    one.offer("2001:db8:f1::/48")
    two.offer("2001:db8:f2::/48")
    accepted(field, one, "2001:db8:f1::/48")
    accepted(field, two, "2001:db8:f2::/48")
    # A route is in the table up to 20 ms before packets follow it: wait until one does.
    probe = echo("2001:db8:f1::9", "2001:db8:f2::8", hop_limit=64)
    until(lambda: one.packet(probe) or two.packets("2001:db8:f2::8"), 2, "packets go from one to two")
    passes = []
    packet = echo("2001:db8:f1::9", "2001:db8:f2::9", hop_limit=255)

    def bounce(peer, back):
        """What arrives at `peer` goes round its v1 ring and comes back through the other."""
        seen = 0
        end = time.monotonic() + 10
        while time.monotonic() < end:
            got = [p for p in peer.packets("2001:db8:f2::9")]
            for p in got[seen:]:
                passes.append(p.hop_limit)
                back.packet(p.data)
            seen = len(got)
            if passes and passes[-1] <= 1:
                return
            time.sleep(0.001)
    thread = threading.Thread(target=bounce, args=(two, one))
    thread.start()
    one.packet(packet)
    until(lambda: one.packets() and any(p.icmp_type == (3, 0) for p in one.packets()), 12, "Time Exceeded comes back")
    thread.join()
    assert len(passes) <= 255 and passes == sorted(passes, reverse=True) and passes[-1] >= 1


def test_C18_never_back_to_where_it_came_from(field, sink):
    drops(field, lambda: sink.packet(echo("2001:db8:99::2", FAR)), "loop")
    holds(lambda: not sink.packets(FAR), 0.5, "nothing comes back")


# -- sources

def test_C12_hosts_send_only_from_local_prefixes(field, sink):
    tap = field.left.tap()
    drops(field, lambda: tap.send(echo("2001:db8:dead::1", FAR)), "source_rejected", daemon=field.left)
    error = tap.receive(1, lambda p: p.icmp_type and p.icmp_type[0] == 1)
    assert error and error.icmp_type[1] in (1, 5), "administratively prohibited, or failed ingress policy"
    forwarded(sink.packets(FAR), lambda p: p.source == "2001:db8:dead::1")


def test_C13_C7_our_own_source_from_a_peer(field, sink):
    tap = field.nut.tap()
    drops(field, lambda: sink.packet(echo("2001:db8:a::77", field.nut.address)), "source_rejected")
    drops(field, lambda: sink.packet(echo("2001:db8:a::77", field.right.address)), "source_rejected")
    assert tap.receive(0.5, lambda p: p.source == "2001:db8:a::77") is None
    sink.packet(echo("2001:db8:99::7", field.nut.address))
    assert tap.receive(2, lambda p: p.source == "2001:db8:99::7"), "a source of its own passes"


BAD_ADDRESSES = [
    ("ff02::1", None), ("ff0e::5", None), ("::", None), ("::1", None), ("fe80::1", None), ("::ffff:10.0.0.1", None),
    (None, "fe80::1"), (None, "::1"), (None, "::"), (None, "ff02::1"), (None, "::ffff:10.0.0.1"),
]


@pytest.mark.parametrize("source, target", BAD_ADDRESSES)
def test_C15_C5_addresses_that_are_never_forwarded(field, sink, source, target):
    """From a peer and from a TUN: dropped, counted, no ICMP."""
    tap, right = field.left.tap(), field.right.tap()
    marked = b"never-forwarded!"
    before = len(sink.packets())
    with bounds(field):
        sink.packet(udp(source or "2001:db8:99::7", target or field.right.address, marked))
        tap.send(udp(source or field.left.address, target or FAR, marked))
        tap.send(udp(source or field.left.address, target or field.right.address, marked))
        assert right.receive(0.5, lambda p: marked in p.data) is None
        assert tap.receive(0.2, lambda p: p.icmp_type and p.icmp_type[0] < 128) is None, "no ICMP about these"
    forwarded(sink.packets()[before:], lambda p: marked in p.data or (p.icmp_type or (200,))[0] < 128)


# -- shapes

MALFORMED = {
    "empty": b"",
    "39 bytes": echo("2001:db8:99::7", "2001:db8:c::1")[:39],
    "version 4": b"\x45" + echo("2001:db8:99::7", "2001:db8:c::1")[1:],
    "declared longer": ipv6("2001:db8:99::7", "2001:db8:c::1", NO_NEXT, bytes(16), payload_length=1000),
    "jumbogram": ipv6("2001:db8:99::7", "2001:db8:c::1", 0, bytes.fromhex("3b00c20400012345") + bytes(64), payload_length=0),
    "version 0": bytes(60),
    "version 15": b"\xff" * 60,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_C5_C20_C21_malformed_packets(field, sink, name):
    nut_tap, right_tap = field.nut.tap(), field.right.tap()
    before = field.nut.api.metrics()
    with bounds(field):
        for _ in range(3):
            sink.packet(MALFORMED[name])
        sink.packet(echo("2001:db8:99::7", field.right.address, data=b"afterwards"))
        assert right_tap.receive(2, lambda p: b"afterwards" in p.data), "the session lives and forwards"
    after = field.nut.api.metrics()
    assert after.total(DROPPED) - before.total(DROPPED) >= 3, after.risen(before, DROPPED)
    assert sink.alive
    while (seen := nut_tap.receive(0.1, ANYTHING)) is not None:
        assert isinstance(seen, Packet), f"not IPv6 on the TUN: {seen!r}"


def test_C20_extra_bytes_are_treated_alike(field, sink):
    """Declared shorter than sent: cut, or dropped, and always the same."""
    tap = field.right.tap()
    packet = ipv6("2001:db8:99::7", field.right.address, NO_NEXT, b"x" * 40 + b"tail", payload_length=40)
    seen = []
    for _ in range(5):
        sink.packet(packet)
        got = tap.receive(0.3, lambda p: p.source == "2001:db8:99::7")
        seen.append(got.data if got else None)
    assert len(set(seen)) == 1 and (seen[0] is None or b"tail" not in seen[0]), seen


def test_C3_C20_fragments_pass_untouched(field, sink):
    tap = field.left.tap()
    pieces = [fragment(field.left.address, FAR, 0, 1, b"a" * 8), fragment(field.left.address, FAR, 1480, 0, b"xyz" * 8),
              fragment(field.left.address, FAR, 0, 0, b"atomic.."),
              ipv6(field.left.address, FAR, FRAGMENT, b"\x11\0\0\1")]
    for piece in pieces:
        tap.send(piece)
    until(lambda: len(sink.packets(FAR)) >= 4, 2, "four fragments")
    for sent, got in zip(pieces, sink.packets(FAR)):
        assert got.data[:7] == sent[:7] and got.data[8:] == sent[8:] and got.hop_limit == 62


def test_C20_long_and_broken_extension_chains_need_no_parsing(field, sink):
    tap = field.left.tap()
    options = b"\x3c\x00\x01\x04\0\0\0\0"
    chains = [ipv6(field.left.address, FAR, 60, options * 20), ipv6(field.left.address, FAR, 60, options[:3]),
              ipv6(field.left.address, FAR, 43, b"\x3b\xff\x00\x00" + bytes(4))]
    for chain in chains:
        tap.send(chain)
    until(lambda: len(sink.packets(FAR)) >= 3, 2, "all are forwarded by their first 40 bytes")


# -- sizes

def test_C19_C2_too_big_says_the_right_size(lab):
    """A TUN of 9000 at the sender, 1440 at the receiver's host: what fits the way is carried whole."""
    a, b = line(lab, "ab", start=False)
    a.config["vifs"]["mesh"]["mtu_bytes"] = 9000
    b.config["vifs"]["mesh"]["mtu_bytes"] = 1300
    a.start()
    b.start()
    a.reaches(b)
    assert a.ping(b.address, 3, 1, "-s", "1252"), "1300 bytes fit"
    tap = a.tap()
    tap.send(udp(a.address, b.address, bytes(1400)))
    error = tap.receive(2, lambda p: p.icmp_type == (2, 0))
    assert error and error.mtu == 1300 and len(error.data) <= 1280 and error.source == b.address
    out = a.namespace.run("ping", "-6", "-n", "-c", "3", "-i", "0.2", "-s", "4000", b.address, check=False)
    assert "3 packets transmitted" in out and re.search(r"[12] received", out), f"fragments after the first error:\n{out}"
    tap.drain()
    tap.send(udp(a.address, b.address, bytes(8900)))
    assert tap.receive(2, lambda p: p.icmp_type == (2, 0)), "nothing is cut to 1500 bytes and lost"


def test_C19_a_v1_peer_takes_1500_bytes(lab):
    """v1 reads packets into 1500 bytes and loses the rest, so the router before it says so."""
    field = Field(lab)
    field.left.config["vifs"]["mesh"]["mtu_bytes"] = 9000
    field.start()
    adv = field.adversary()
    adv.offer(SENTINEL)
    accepted(field, adv)
    field.left.wait_route(SENTINEL)
    tap = field.left.tap()
    tap.send(udp(field.left.address, FAR, bytes(1452)))
    assert len(adv.wait_packet(lambda p: p.target == FAR).data) == 1500
    tap.send(udp(field.left.address, FAR, bytes(1453)))
    error = tap.receive(2, lambda p: p.icmp_type == (2, 0))
    assert error and error.mtu == 1500 and error.source == field.nut.address and len(error.data) <= 1280
    assert len(adv.packets(FAR)) == 1


def test_C19_1280_bytes_are_always_carried(field):
    assert field.left.ping(field.right.address, 3, 1, "-M", "do", "-s", "1232")


def test_C2_a_mebibyte_by_tcp(field):
    with field.right.namespace.inside():
        server = socket.create_server((field.right.address, 8099), family=socket.AF_INET6)
    data, got = os.urandom(1 << 20), []

    def serve():
        sock, _ = server.accept()
        while part := sock.recv(1 << 16):
            got.append(part)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = field.left.namespace.connect(field.right.address, 8099)
    client.settimeout(10)
    client.sendall(data)
    client.close()
    thread.join(10)
    assert b"".join(got) == data


def test_C22_errors_are_limited_and_never_about_errors(field, sink):
    tap = field.left.tap()
    with bounds(field):
        for number in range(1000):
            tap.send(from_left(field, target="2001:db8:77::1", sequence=number))
        errors = 0
        while tap.receive(0.3, lambda p: p.icmp_type == (1, 0)):
            errors += 1
    assert 1 <= errors <= 250, f"{errors} errors for 1000 packets: 100 a second"
    time.sleep(1.1)
    tap.drain()
    tap.send(icmp(field.left.address, "2001:db8:77::1", 1, 0, bytes(4) + from_left(field)))
    tap.send(icmp(field.left.address, "2001:db8:77::1", 3, 0, bytes(4) + from_left(field)))
    assert tap.receive(0.5, lambda p: p.icmp_type and p.icmp_type[0] < 128) is None


def test_no_route_is_answered(field):
    tap = field.left.tap()
    tap.send(from_left(field, target="2001:db8:77::1"))
    error = tap.receive(2, lambda p: p.icmp_type == (1, 0))
    assert error and error.source == field.left.address
    out = field.left.namespace.run("ping", "-6", "-n", "-c", "1", "-W", "1", "2001:db8:77::1", check=False)
    assert "nreachable" in out or "No route" in out, out


# -- tunnel in tunnel

def test_C16_the_tunnel_is_kept_out_of_the_tunnel(lab):
    """The host routes a peer's underlay address into the TUN, and the mesh has a route for it."""
    a, b = line(lab, "ab", start=False)
    underlay = "fd99:1::2"
    a.config["peers"][0]["addr"] = f"[{underlay}]:5120"
    b.config["local_announcements"].append({"prefix": "fd99:1::/64", "vif": "mesh"})
    a.start()
    b.start()
    a.wait_route("fd99:1::/64")
    before, begin, since = a.api.metrics().total(DROPPED, reason="recursion"), a.cpu(), time.monotonic()
    a.namespace.run("ip", "-6", "route", "add", f"{underlay}/128", "dev", a.device)
    until(lambda: a.api.metrics().total(DROPPED, reason="recursion") > before, 5, "it is seen and counted")
    holds(lambda: a.alive, 3)
    assert a.cpu() - begin <= 0.1 * SLACK * (time.monotonic() - since) + 0.1, "nothing goes round"
    a.namespace.run("ip", "-6", "route", "del", f"{underlay}/128", "dev", a.device)
    a.reaches(b, 15)


# -- vifs

def test_C23_the_tun_is_deleted(field):
    field.nut.namespace.run("ip", "link", "del", field.nut.device)
    begin = field.nut.cpu()
    until(lambda: field.left.ping(field.nut.address), 3, "the TUN is back with its address")
    assert field.nut.alive
    assert field.nut.cpu() - begin <= 0.5, "no spinning"
    assert field.left.ping(field.right.address, 3)


def test_C23_the_tun_is_set_down_and_up(field):
    field.nut.namespace.run("ip", "link", "set", field.nut.device, "down")
    begin, since = field.nut.cpu(), time.monotonic()
    assert not field.left.ping(field.nut.address)
    assert field.left.ping(field.right.address, 5), "transit does not need our TUN"
    assert field.nut.cpu() - begin <= 0.05 * (time.monotonic() - since) + 0.1, "no spinning"
    field.nut.namespace.run("sh", "-c", f"ip link set {field.nut.device} up;"
                                        f" ip addr replace {field.nut.address}/32 dev {field.nut.device} nodad")
    until(lambda: field.left.ping(field.nut.address), 3 * SLACK, "back after the link is up")


def test_C25_a_service_that_is_missing_and_comes(lab):
    """The Unix datagram peer of a service vif is not there, then it is, then it exchanges packets."""
    a, b = line(lab, "ab", start=False)
    service = lab.folder / "service.sock"
    a.config["vifs"]["svc"] = {"type": "service", "service_name": "echo", "service_network": "unixgram",
                               "service_address": str(service)}
    a.config["local_announcements"].append({"prefix": "2001:db8:5e::/48", "vif": "svc"})
    a.start()
    b.start()
    b.wait_route("2001:db8:5e::/48")
    begin, since = a.cpu(), time.monotonic()
    holds(lambda: a.alive, 3)
    assert a.cpu() - begin <= 0.03 * (time.monotonic() - since), "no spinning while it is missing"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(service))
        server.settimeout(0.2)

        tap = b.tap()

        def packet_arrives():
            tap.send(udp(b.address, "2001:db8:5e::1", b"hello"))
            return server.recvfrom(65536)
        data, sender = until(packet_arrives, 5, "the service has a packet")
        assert Packet(data).target == "2001:db8:5e::1"
        tap.drain()
        server.sendto(udp("2001:db8:5e::1", b.address, b"answer"), sender)
        assert tap.receive(2, lambda p: b"answer" in p.data)


def test_two_vifs_and_a_dummy(lab):
    a, b = line(lab, "ab", start=False)
    a.config["vifs"]["second"] = {"type": "tun", "tun_name": "vmesh1", "addresses": ["2001:db8:1a::1/48"], "mtu_bytes": 1400}
    a.config["vifs"]["hole"] = {"type": "dummy"}
    a.config["local_announcements"] += [{"prefix": "2001:db8:1a::/48", "vif": "second"},
                                        {"prefix": "2001:db8:2a::/48", "vif": "hole"}, {"prefix": "2001:db8:3a::/48"}]
    a.start()
    b.start()
    b.reaches("2001:db8:1a::1")
    b.wait_route("2001:db8:2a::/48")
    b.wait_route("2001:db8:3a::/48")
    assert a.namespace.interface("vmesh1")["mtu"] == 1400
    assert not b.ping("2001:db8:2a::1") and not b.ping("2001:db8:3a::1")
    assert {v["name"]: v["up"] for v in a.api.items("/v1/vifs")} == {"mesh": True, "second": True, "hole": True}
