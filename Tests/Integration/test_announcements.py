"""Announcements that a member gets wrong, by accident or not (faults.md A1–A12): each costs what the row says, no more.

`adv` is a member with a good certificate; `left` and `right` are honest and ping each other through the node under test
for as long as `bounds` watches. A sentinel at the end of a message proves that the rest of it was taken.
"""
import struct
import threading
import time

import pytest

import messages as m
from bounds import MiB, bounds, forwarded
from packets import echo
from waiting import SLACK, holds, took, until

REJECTED = "vmesh_rejected_announcements_total"
SENTINEL = "2001:db8:99::/48"
OTHER = bytes(range(32))


def rejected(field, adv, prefix, *reasons):
    """Waits until the prefix stands refused with one of these reasons."""
    def verdict():
        status, reason = field.nut.api.verdict(prefix, adv.id)
        return status == "rejected" and (reason in reasons or not reasons) and reason
    return until(verdict, 2, f"{prefix} is refused as {reasons}: {field.nut.api.candidates(prefix)}")


def accepted(field, adv, prefix=SENTINEL):
    until(lambda: field.nut.api.selected(prefix) == adv.id, 2, f"{prefix} goes to the hostile peer")


def gone(field, adv, prefix, seconds=2):
    return took(lambda: field.nut.api.selected(prefix) != adv.id, seconds, f"{prefix} no longer goes to the hostile peer")


@pytest.mark.parametrize("prefix", ["::/0", "2000::/3", "2000::/15"])
def test_A1_default_or_short(field, prefix):
    adv = field.adversary()
    with bounds(field, counter=(REJECTED, {"reason": "default_or_short"}, 1)):
        adv.announce(adv.route(prefix, latency=0), adv.route(SENTINEL))
        accepted(field, adv)
        rejected(field, adv, prefix, "default_or_short")
        field.left.ping("2001:db8:ffff::1", 5)
    forwarded(adv.packets(), lambda packet: packet.target == "2001:db8:ffff::1")
    assert adv.alive


def test_A1_a_sixteen_is_no_default(lone):
    adv = lone.adversary()
    adv.offer("2a00::/16")
    accepted(lone, adv, "2a00::/16")


def test_A2_too_many_routes_over_messages(field):
    adv = field.adversary()
    limit = field.nut_peer(adv)["prefixes"]["limit"]
    adv.offer(SENTINEL)
    accepted(field, adv)
    with bounds(field, memory=limit * 600 + 24 * MiB, rtt=100) as found:
        for number in range(50):
            adv.send(m.ANNOUNCE, m.many_routes(65536, [(adv.id_bytes, 5)], start=number * 65536))
            # A v1 peer's routes live by being named again (W5 d), however long the flood takes.
            adv.offer(SENTINEL)
        adv.send(m.PING)
        until(lambda: adv.messages(m.PONG), 60, "all of it is read")
        peer = field.nut_peer(adv)
        assert peer["prefixes"]["accepted"] == limit
        assert field.nut.api.selected(SENTINEL) == adv.id, "what was there before is kept"
        assert field.nut.api.selected(field.right.prefix) == field.right.id
    assert adv.alive and found.canary.sent > 20


def test_A2_C17_too_many_routes_in_one_message(field):
    adv = field.adversary()
    with bounds(field, lost=1, rtt=60):
        adv.send(m.ANNOUNCE, m.many_routes(65537, [(adv.id_bytes, 5)]))
        adv.wait_end()
        until(lambda: not field.is_up(adv), 2, "the peer is down")
    again = field.adversary(identity=adv.identity, wait=False)
    holds(lambda: not field.is_up(adv), 2, "held back after the reset")
    again.close()


def test_C17_65536_routes_are_read_in_two_seconds(lone):
    lone_adv = lone.adversary()
    lone_adv.send(m.ANNOUNCE, m.many_routes(65536, [(lone_adv.id_bytes, 5)]))
    lone_adv.send(m.PING)
    until(lambda: lone_adv.messages(m.PONG), 2, "a Pong after 65,536 routes")
    assert lone_adv.alive


@pytest.mark.parametrize("path", ["empty", "another's"])
def test_A3_path_does_not_start_with_the_sender(field, path):
    adv = field.adversary()
    prefix = "2001:db8:77::/48"
    adv.offer(prefix)
    accepted(field, adv, prefix)
    bad = m.route(prefix, [] if path == "empty" else [(OTHER, 1)])
    with bounds(field):
        adv.announce(bad, adv.route(SENTINEL))
        accepted(field, adv)
        gone(field, adv, prefix)
        rejected(field, adv, prefix, "bad_path")
    assert adv.alive, "one bad path does not end the session"


def test_A3_ten_bad_paths_end_the_session(field):
    adv = field.adversary()
    with bounds(field, counter=(REJECTED, {"reason": "bad_path"}, 10)):
        for number in range(10):
            adv.announce(m.route(f"2001:db8:77:{number}::/64", [(OTHER, 1)]))
        adv.wait_end()


def test_A4_own_id_in_path_is_an_implicit_withdrawal(field):
    adv = field.adversary()
    prefix = "2001:db8:77::/48"
    adv.offer(prefix)
    accepted(field, adv, prefix)
    nut = bytes.fromhex(field.nut.id)
    with bounds(field, counter=(REJECTED, {"reason": "own_id_in_path"}, 1)):
        adv.offer(prefix, via=[(nut, 1), (OTHER, 1)])
        delay = gone(field, adv, prefix)
        rejected(field, adv, prefix, "own_id_in_path")
    assert delay <= 0.2, f"the change took {delay * 1000:.0f} ms"


def test_A4_the_last_packet_leaves_within_50_ms(field):
    """The change in the FIB, as packets see it: a steady stream to the prefix, and when its last packet came here."""
    adv = field.adversary()
    prefix, nut = "2001:db8:77::/48", bytes.fromhex(field.nut.id)
    tap, packet = field.left.tap(), echo(field.left.address, "2001:db8:77::1")
    for _ in range(5):
        adv.offer(prefix)
        accepted(field, adv, prefix)
        field.left.wait_route(prefix)
        stop = threading.Event()

        def stream():
            while not stop.wait(0.002):
                tap.send(packet)
        sender = threading.Thread(target=stream)
        sender.start()
        try:
            before = len(adv.packets())
            until(lambda: len(adv.packets()) > before + 10, 5, "the stream arrives")
            adv.offer(prefix, via=[(nut, 1), (OTHER, 1)])
            asked = time.monotonic()
            gone(field, adv, prefix)
            holds(lambda: True, 0.2)
        finally:
            stop.set()
            sender.join()
        last = max(at for at, tag, _ in list(adv.received) if tag == m.IP)
        assert last - asked <= 0.05 * SLACK, f"packets still came {(last - asked) * 1000:.0f} ms after"


def test_A5_duplicate_ids(lone):
    adv = lone.adversary()
    twice, around = "2001:db8:70::/48", "2001:db8:71::/48"
    adv.announce(m.route(twice, [(adv.id_bytes, 1), (adv.id_bytes, 1), (OTHER, 1)]),
                 m.route(around, [(adv.id_bytes, 1), (OTHER, 1), (adv.id_bytes, 1)]), adv.route(SENTINEL))
    accepted(lone, adv)
    accepted(lone, adv, twice)
    path = [hop["id"] for hop in lone.nut.api.candidate(twice, adv.id)["path"]]
    assert path == [adv.id, OTHER.hex()], "neighbouring duplicates are one hop"
    rejected(lone, adv, around, "duplicate_hop")


A6 = {
    "id of 0 bytes": lambda a: m.route("2001:db8:60::/48", [(a.id_bytes, 1), (b"", 1)]),
    "id of 31 bytes": lambda a: m.route("2001:db8:61::/48", [(a.id_bytes, 1), (b"\7" * 31, 1)]),
    "id of 5000 bytes": lambda a: m.route("2001:db8:62::/48", [(a.id_bytes, 1), (b"\7" * 5000, 1)]),
    "65 hops": lambda a: m.route("2001:db8:63::/48", [(a.id_bytes, 1)] + [(bytes([n]) * 32, 1) for n in range(1, 65)]),
    "10,000 hops": lambda a: m.route("2001:db8:64::/48",
                                     [(a.id_bytes, 1)] + [(struct.pack(">I", n) * 8, 1) for n in range(9999)]),
    "9 KiB of unknown fields": lambda a: a.route("2001:db8:65::/48", more=m.field(30, b"x" * 9000)),
}


def test_A6_ids_and_paths_out_of_bounds(field):
    adv, witness = field.adversary(), field.witness(announce_every=1)
    with bounds(field):
        adv.announce(*[make(adv) for make in A6.values()], adv.route(SENTINEL))
        accepted(field, adv)
        for number, name in enumerate(A6):
            prefix = f"2001:db8:6{number}::/48"
            assert field.nut.api.selected(prefix) is None, name
        until(lambda: SENTINEL in witness.routes(), 5, "the good route is passed on")
    assert not [p for p in witness.routes() if p.startswith("2001:db8:6")], "nothing of it goes on"
    assert not witness.violations() and not witness.down() and adv.alive


def test_A6_sixty_four_hops_are_fine(lone):
    adv = lone.adversary()
    adv.announce(m.route("2001:db8:63::/48", [(adv.id_bytes, 1)] + [(bytes([n]) * 32, 1) for n in range(1, 64)]))
    accepted(lone, adv, "2001:db8:63::/48")


def test_A7_latency_extremes(lone):
    adv = lone.adversary()
    unknown, long, longer, deep = (f"2001:db8:5{n}::/48" for n in range(4))
    adv.announce(
        adv.route(unknown, latency=m.UNKNOWN_LATENCY),
        adv.route(long, latency=5, via=[(OTHER, 2**32 - 2)]),
        adv.route(longer, latency=5, via=[(OTHER, 2**32 - 2), (b"\1" * 32, 2**32 - 2)]),
        adv.route(deep, latency=5, via=[(OTHER, m.UNKNOWN_LATENCY)]), adv.route(SENTINEL))
    accepted(lone, adv)
    cost = lambda prefix: lone.nut.api.candidate(prefix, adv.id)["latency_ms"]
    assert cost(unknown) is None or cost(unknown) < 1000, "our own round trip stands in for what was not measured"
    assert 2**32 <= cost(long) < cost(longer), "sums do not wrap"
    other = lone.adversary(label="adv2")
    other.offer(deep, latency=3000)
    until(lambda: lone.nut.api.selected(deep) == other.id, 3, "a measured path beats one unknown further on")


def test_A7_a_varint_beyond_32_bits_is_not_a_short_cut(lone):
    adv, other = lone.adversary(), lone.adversary(label="adv2")
    prefix = "2001:db8:50::/48"
    other.offer(prefix, latency=300)
    accepted(lone, other, prefix)
    adv.announce(adv.route(prefix, latency=2**32 + 5), adv.route(SENTINEL))
    accepted(lone, adv)
    assert lone.nut.api.selected(prefix) == other.id, "2^32 + 5 does not read as 5"


A9 = {
    "length 129": lambda a: m.raw_route(bytes(16), 129, [(a.id_bytes, 1)]),
    "length 2^32 - 1": lambda a: m.raw_route(bytes(16), 2**32 - 1, [(a.id_bytes, 1)]),
    "15 bytes": lambda a: m.raw_route(b"\x20\x01" + bytes(13), 48, [(a.id_bytes, 1)]),
    "17 bytes": lambda a: m.raw_route(b"\x20\x01" + bytes(15), 48, [(a.id_bytes, 1)]),
    "no bytes": lambda a: m.raw_route(b"", 48, [(a.id_bytes, 1)]),
}


@pytest.mark.parametrize("name", A9)
def test_A9_impossible_prefix(field, name):
    adv, witness = field.adversary(), field.witness(announce_every=1)
    with bounds(field, counter=(REJECTED, {"reason": "invalid_prefix"}, 1)):
        adv.announce(A9[name](adv), adv.route(SENTINEL))
        accepted(field, adv)
        until(lambda: SENTINEL in witness.routes(), 5, "the good route is passed on")
    assert adv.alive and not witness.violations() and not witness.down()


def test_A10_host_bits(field):
    adv, witness = field.adversary(), field.witness(announce_every=1)
    own = f"{field.nut.address}/48"
    with bounds(field, counter=(REJECTED, {"reason": "invalid_prefix"}, 2)):
        adv.announce(adv.route(own, latency=0), adv.route("2001:db8:77::1/48"), adv.route(SENTINEL))
        accepted(field, adv)
        assert field.left.ping(field.nut.address, 10), "the node's own prefix is still its own"
        assert field.nut.api.selected(field.nut.prefix) == "local"
        assert field.nut.api.selected("2001:db8:77::/48") is None
        until(lambda: SENTINEL in witness.routes(), 5, "the good route is passed on")
    forwarded(adv.packets(), lambda packet: packet.target == field.nut.address)
    assert not witness.violations() and adv.alive


@pytest.mark.parametrize("prefix", ["fe80::/10", "fe80:1::/32", "ff00::/8", "ff0e::/16", "::/128", "::1/128",
                                    "::ffff:0:0/96", "::ffff:10.0.0.0/104"])
def test_A11_martians(lone, prefix):
    adv = lone.adversary()
    adv.announce(adv.route(prefix), adv.route(SENTINEL))
    accepted(lone, adv)
    metrics = lone.nut.api.metrics()
    assert metrics.total(REJECTED, reason="martian_prefix") == 1, metrics.text
    assert adv.alive


def test_A11_nat64_is_no_martian(lone):
    adv = lone.adversary()
    adv.offer("64:ff9b::/96")
    accepted(lone, adv, "64:ff9b::/96")


def test_A12_C9_own_prefix_or_inside_it(field):
    adv = field.adversary()
    inside = "2001:db8:a::/64"
    with bounds(field):
        adv.announce(adv.route(field.nut.prefix, latency=0), adv.route(inside, latency=0),
                     adv.route(f"{field.nut.address}/128", latency=0), adv.route(SENTINEL))
        accepted(field, adv)
        rejected(field, adv, field.nut.prefix, "own_prefix")
        rejected(field, adv, inside, "inside_local_prefix", "own_prefix")
        assert field.left.ping(field.nut.address, 10)
        assert field.nut.api.selected(field.nut.prefix) == "local"
    forwarded(adv.packets(), lambda packet: packet.target == field.nut.address)


def test_A18_unasked_pongs(field):
    adv, witness = field.adversary(), field.witness(ping_every=1)
    with bounds(field):
        for _ in range(1000):
            adv.send(m.PONG)
        adv.offer(SENTINEL)
        accepted(field, adv)
        until(lambda: len(witness.of("message", name="Pong")) >= 3, 5, "the v1 peer has its answers")
    assert adv.alive and not witness.violations(), "we never send a Pong that was not asked for"


def test_A18_each_ping_has_one_pong(lone):
    adv = lone.adversary()
    for _ in range(10):
        adv.send(m.PING)
    until(lambda: len(adv.messages(m.PONG)) == 10, 2, "ten Pongs")
    holds(lambda: len(adv.messages(m.PONG)) == 10, 0.5, "ten Pongs and no more")
    assert set(adv.messages(m.PONG)) == {b""}


def test_A20_fifty_thousand_routes_to_a_v1_peer(lone):
    advs = [lone.adversary(label=f"adv{n}") for n in range(5)]
    via = [(bytes([n]) * 32, 1) for n in range(1, 8)]
    for number, adv in enumerate(advs):
        adv.send(m.ANNOUNCE, m.many_routes(10000, [(adv.id_bytes, 1), *via], start=number * 10000))
    until(lambda: lone.nut.api.status()["routes"]["selected"] >= 50001, 20, "50,000 routes are in")
    witness = lone.witness()
    until(lambda: any(e["known"] >= 50001 for e in witness.of("message", name="Announce")), 35, "all routes are seen")
    sizes = [e["bytes"] for e in witness.of("message", name="Announce")]
    assert max(sizes) <= MiB, f"a message of {max(sizes)} bytes"
    assert not witness.violations() and not witness.down()


def test_A27_announcements_do_not_wait_for_packets(field):
    adv = field.adversary()
    stop = threading.Event()
    ping = ["ping", "-6", "-q", "-f", "-s", "1200", "-l", "64", field.right.address]
    flood = field.left.namespace.start(*ping, stdout=-3, stderr=-3)
    field.lab.processes.append(flood)
    delays = []
    try:
        for number in range(20):
            prefix = f"2001:db8:80:{number}::/64"
            begin = time.monotonic()
            adv.offer(prefix)
            until(lambda: field.right.api.selected(prefix), 5, f"{prefix} arrives", every=0.005)
            delays.append(time.monotonic() - begin)
    finally:
        stop.set()
        flood.send_signal(2)
    delays.sort()
    assert delays[-1] <= 0.1 * SLACK, f"announcements took {[round(d * 1000) for d in delays]} ms"


def test_C11_withdrawal_crosses_the_middle(field):
    field.left.kill()
    gone_in = took(lambda: field.right.api.selected(field.left.prefix) is None, 5, "the route of a dead node")
    assert gone_in <= 3, f"{gone_in:.1f} s"
    field.left.start()
    field.right.wait_route(field.left.prefix)
    address, _, length = field.left.prefix.partition("/")
    field.left.api.delete(f"/v1/config/announcements/{address}/{length}")
    assert took(lambda: field.right.api.selected(field.left.prefix) is None, 5, "a removed prefix") <= 1


def test_C10_no_table_lists_a_node_twice(field):
    """Eight seconds of samples with v1-style repetition in the neighbourhood; the long run does it for two minutes."""
    witness = field.witness()

    def clean():
        for daemon in (field.nut, field.left, field.right):
            assert daemon.api.selected(daemon.prefix) == "local"
            for route in daemon.api.routes():
                for candidate in route["candidates"]:
                    ids = [hop["id"] for hop in candidate["path"]]
                    assert len(ids) == len(set(ids)), route
                    assert len(ids) <= 2, f"longer than the true path: {route}"
        return True
    holds(clean, 8, "every table is clean", every=0.5)
    assert not witness.violations()


def test_echo_is_forwarded_to_a_hostile_peer_with_a_route(field):
    """The other side of G8: what a peer may have does reach it, so the checks above can fail."""
    adv = field.adversary()
    adv.offer("2001:db8:ffff::/48")
    accepted(field, adv, "2001:db8:ffff::/48")
    field.left.wait_route("2001:db8:ffff::/48")
    field.left.tap().send(echo(field.left.address, "2001:db8:ffff::1"))
    adv.wait_packet(lambda packet: packet.target == "2001:db8:ffff::1")
