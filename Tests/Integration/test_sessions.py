"""Sessions under attack and accident (faults.md A14, A21–A26): bytes that are no message, strangers at the door, two
links where there should be one."""
import contextlib
import socket
import ssl
import threading
import time

import h2.exceptions
import pytest

import messages as m
from adversary import REQUEST, client_context, tls_verdict
from bounds import MiB, bounds
from lab import Field, line
from pki import DOMAIN, self_signed
from test_announcements import SENTINEL, accepted
from waiting import SLACK, holds, took, until

DEEP_GROUPS = b"\x0b" * 10000
# name: (what goes into the Message, does the session end?)
A14 = {
    "truncated varint": (b"\x08\x02\x12\x80", True),
    "payload longer than the message": (m.field(1, m.ANNOUNCE) + b"\x12\x7f\x0a", True),
    "2 GiB length inside": (m.field(1, m.ANNOUNCE) + b"\x12\xff\xff\xff\xff\x07", True),
    "2^63 length inside": (m.field(1, m.ANNOUNCE) + b"\x12" + b"\xff" * 9 + b"\x01", True),
    "varint of 11 bytes": (b"\x08" + b"\xff" * 11, True),
    "10,000 groups deep": (m.message(m.ANNOUNCE, DEEP_GROUPS), True),
    "truncated route": (m.message(m.ANNOUNCE, b"\x0a\x30\x0a\x10"), True),
    "trailing bytes": (m.message(m.ANNOUNCE, b"") + b"\x80", True),
    "field number 0": (b"\x02\x01\x00", True),
    "unknown tag": (m.message(4000, b"\xff" * 100), False),
    "unknown field": (m.message(m.PING) + m.field(999, b"what is this"), False),
    "empty message": (b"", False),
    "announcement of nothing": (m.message(m.ANNOUNCE), False),
    "empty packet": (m.message(m.IP), False),
    "channel request of noise": (m.message(m.CHANNEL_REQUEST, b"\xff\xff\xff"), None),
    "distributed config of noise": (m.message(m.DCONF, b"\xff\xff\xff"), None),
}


@pytest.mark.parametrize("name", A14)
def test_A14_malformed_protobuf(field, name):
    body, ends = A14[name]
    adv = field.adversary()
    with bounds(field, memory=16 * MiB):
        adv.frame(m.frame(body))
        if ends:
            adv.wait_end()
            until(lambda: not field.is_up(adv), 2, "the peer is down")
        elif ends is False:
            adv.offer(SENTINEL)
            accepted(field, adv)
    other = field.adversary(label="fresh")
    assert other.alive, "only that session is concerned"


def test_A14_a_message_above_4_MiB(field):
    adv = field.adversary()
    with bounds(field, memory=8 * MiB):
        adv.frame(m.frame(b"", length=(4 << 20) + 1))
        adv.wait_end()
    assert adv.grpc_status == 8, f"RESOURCE_EXHAUSTED before any of it is kept; got {adv.trailers}"


def test_A14_lengths_are_not_trusted_with_memory(field):
    """4 MiB announced, 1 KiB sent: what is held is what came."""
    advs = [field.adversary(label=f"adv{n}") for n in range(20)]
    with bounds(field, memory=8 * MiB) as found:
        for adv in advs:
            adv.frame(m.frame(bytes(1024), length=4 << 20))
            adv.h2.ping(bytes(8))
            adv.flush()
        holds(lambda: field.nut.alive, 0.5)
    assert found.rss_growth <= 4 * MiB


def test_A14_a_compressed_message(field):
    adv = field.adversary()
    with bounds(field):
        adv.frame(m.frame(m.message(m.PING), flag=1))
        adv.wait_end()
    assert adv.grpc_status == 12, f"UNIMPLEMENTED; got {adv.trailers}"


def test_A14_one_byte_frames(field):
    adv = field.adversary()
    with bounds(field):
        adv.frame(m.frame(m.message(m.ANNOUNCE, m.announcement([adv.route(SENTINEL)]))), chunk=1)
        accepted(field, adv)
    assert adv.alive


def test_A17_a_flood_of_pings(field):
    """As many as go for three seconds: 20 answers a second and 40 at once, and others lack nothing."""
    adv, other = field.adversary(), field.adversary(label="other")
    batch, sent = m.frame(m.message(m.PING)) * 1000, 0
    with bounds(field, rtt=60, memory=16 * MiB):
        begin = time.monotonic()
        while time.monotonic() < begin + 3:
            adv.frame(batch)
            sent += 1000
        other.send(m.PING)
        until(lambda: other.messages(m.PONG), 1, "a peer below its budget has its Pong")
        length = time.monotonic() - begin
    answered = len(adv.messages(m.PONG))
    assert adv.alive and sent > 5000
    assert 40 <= answered <= 40 + 20 * (length + 2), f"{answered} Pongs to {sent} Pings in {length:.1f} s"


def test_A17_a_flood_of_configs_and_channel_requests(field):
    """A mebibyte of forged policy each time, never the same; requests for a channel that we do not offer."""
    adv = field.adversary()
    with bounds(field, rtt=60, memory=24 * MiB, lost=1):
        for number in range(20):
            adv.send(m.DCONF, m.encode_config(1, b"no certificate", number.to_bytes(4, "big") * (1 << 18)))
        for _ in range(5000):
            adv.send(m.CHANNEL_REQUEST, b"")
        adv.offer(SENTINEL)
        until(lambda: field.nut.api.selected(SENTINEL) == adv.id, 10, "what comes after is heard")
    assert adv.alive and field.nut.api.status()["distributed_config"] is None
    assert len(field.nut.log_lines("distributed config refused")) <= 3, "three verifications, then one in 10 s"


@pytest.mark.timeout(120)
def test_A21_half_open_connections(field):
    """2,000 connections from 200 addresses that never say a word; then as many that stop within the handshake."""
    field.outside.run("sh", "-c", f"for i in $(seq 10 209); do ip addr add 10.99.1.$i/24 dev {field.out_device}; done")
    adv = field.adversary()
    base = field.nut.fds()
    hello = _client_hello()
    held, opened = [], 0
    field.lab.closers.append(lambda: [sock.close() for sock in held])
    with bounds(field, lost=1, rtt=60) as found:
        begin = time.monotonic()
        for number in range(2000):
            with field.outside.inside():
                sock = socket.socket()
            sock.setblocking(False)
            sock.bind((f"10.99.1.{10 + number % 200}", 0))
            try:
                sock.connect((field.nut_ip, 5120))
            except BlockingIOError:
                pass
            held.append(sock)
            if number % 2 and number > 20:
                try:
                    held[-20].send(hello[:60])
                except OSError:
                    pass
            opened += 1
        assert adv.alive
        until(lambda: field.nut.fds() <= base + 2, 25, "the slots are free again, all of them", every=0.2)
        assert time.monotonic() - begin <= 25 * SLACK
    assert found.fds <= base + 128, f"{found.fds} descriptors, {base} before"
    assert field.adversary(label="late").alive, "who has a certificate gets in afterwards"


def _client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        client_context().wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


@pytest.mark.timeout(60)
def test_A21_connect_and_close(field):
    """Connections closed at once, as fast as it goes, for five seconds."""
    base, count = field.nut.fds(), 0
    with bounds(field, lost=2, rtt=100):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                field.outside.connect(field.nut_ip, 5120, timeout=1).close()
                count += 1
            except OSError:
                pass
    assert count > 500
    until(lambda: field.nut.fds() <= base + 8, 12, "descriptors are back")
    assert field.adversary().alive


@pytest.mark.parametrize("who", ["nobody", "self-signed", "foreign CA", "no ALPN", "TLS 1.1"])
def test_A22_strangers_are_refused_in_the_handshake(lone, lab, who):
    identity, context = None, None
    if who == "self-signed":
        identity = self_signed(lab.folder, f"x.{DOMAIN}")
    elif who == "foreign CA":
        identity = lab.other_ca().node(f"x.{DOMAIN}")
    elif who == "no ALPN":
        context = client_context(lone.member(), alpn=None)
    elif who == "TLS 1.1":
        context = client_context(lone.member(), highest=ssl.TLSVersion.TLSv1_1)
    verdict, detail = tls_verdict(lone.outside, (lone.nut_ip, 5120), identity, context)
    assert verdict == "refused", f"{verdict}: {detail}"
    assert not lone.nut.api.peers()
    assert tls_verdict(lone.outside, (lone.nut_ip, 5120), lone.member("good"))[0] == "accepted"


A24 = {
    "GET": {":method": "GET"},
    "another path": {":path": "/VnetPeer/Output"},
    "path with a package": {":path": "/vnet.VnetPeer/Input"},
    "traversal": {":path": "/../VnetPeer/Input"},
    "another media type": {"content-type": "application/json"},
    "no media type": {"content-type": None},
    "CONNECT": {":method": "CONNECT", ":path": None, ":scheme": None},
}


@pytest.mark.parametrize("name", A24)
def test_A24_not_our_request(field, name):
    headers = [(k, A24[name].get(k, v)) for k, v in REQUEST]
    with bounds(field):
        adv = field.adversary(headers=[(k, v) for k, v in headers if v is not None], wait=False)
        adv.wait_end()
        assert not field.is_up(adv)
    status = (adv.headers or {}).get(":status")
    assert adv.grpc_status not in (None, 0) or (status and status != "200") or "reset" in adv.ended or "goaway" in adv.ended, \
        f"{adv.ended} {adv.headers}"


def test_A24_one_stream_a_link(field):
    adv = field.adversary()
    with bounds(field):
        second = adv.open(REQUEST)
        with contextlib.suppress(h2.exceptions.StreamClosedError):  # it may have been refused by now
            adv.frame(m.frame(m.message(m.ANNOUNCE, m.announcement([adv.route(SENTINEL)]))), stream=second)
        holds(lambda: field.nut.api.selected(SENTINEL) is None, 0.5, "the second stream is not listened to")
        adv.offer("2001:db8:98::/48")
        accepted(field, adv, "2001:db8:98::/48")
    assert adv.alive


def test_A24_a_mebibyte_of_headers(field):
    with bounds(field, memory=8 * MiB):
        adv = field.adversary(headers=[*REQUEST, *[(f"x-{n}", "y" * 8000) for n in range(128)]], wait=False)
        adv.wait_end()


def test_A24_reset_in_the_middle_of_a_message(field):
    adv = field.adversary()
    with bounds(field):
        adv.frame(m.frame(bytes(10), length=1000))
        with adv.lock:
            adv.h2.reset_stream(adv.stream, 8)
            adv.flush()
        until(lambda: not field.is_up(adv), 2, "the peer is down")
    adv.close()
    assert field.adversary(identity=adv.identity).alive, "and may come back at once"


@pytest.mark.timeout(180)
def test_A25_C19_both_sides_dial_at_once(lab):
    a, b = lab.daemon("a", 0xA), lab.daemon("b", 0xB)
    lab.connect(a, b, "both")
    both = lambda: a.api.peers_up() == [b.name] and b.api.peers_up() == [a.name]
    for _ in range(20):
        a.spawn()
        b.spawn()
        a.wait_ready()
        b.wait_ready()
        until(both, 2, "one session, both agree")
        since = [p["status_since"] for d in (a, b) for p in d.api.peers()]
        holds(both, 0.4, "it stays")
        directions = {d.api.peers()[0]["direction"] for d in (a, b)}
        assert directions == {"inbound", "outbound"}, "both kept the same connection"
        assert len(since) == 2
        for daemon in (a, b):
            daemon.kill()


def test_C19_dialling_oneself(lone):
    nut = lone.nut
    nut.peer_with("myself." + DOMAIN, lone.nut_ip)
    nut.restart()
    def known():
        peer = nut.api.peer("myself." + DOMAIN)
        return peer["status"] != "up" and peer["last_error"] and peer
    first = until(known, 5, "the refusal is shown")
    holds(lambda: nut.api.peer("myself." + DOMAIN)["attempts"] <= first["attempts"] + 3, 3, "not retried every moment")


@pytest.mark.parametrize("silent", [True, False], ids=["old link black-holed", "old link answered by a reset"])
def test_A26_C19_restart_with_a_half_open_session(lab, silent):
    a, b = line(lab, "ab", dial="right")
    port = b.api.peer(a.name)
    assert port["status"] == "up"
    # The middle of nowhere: nothing of b's old connection gets out any more, not even its end.
    old = b.namespace.run("ss", "-Htn", "state", "established", "dst", "10.99.1.1").split()
    local = next(word for word in old if word.startswith("10.99.1.2:")).rpartition(":")[2]
    b.namespace.nft("table ip t { chain o { type filter hook output priority 0; ip daddr 10.99.1.1 drop; }; }")
    b.kill()
    b.namespace.drop_rules()
    if silent:
        b.namespace.nft(f"table ip t {{ chain o {{ type filter hook output priority 0; tcp sport {local} drop; }};"
                        f" chain i {{ type filter hook input priority 0; tcp dport {local} drop; }}; }}")
    begin = time.monotonic()
    b.start()
    b.reaches(a, 4)
    assert time.monotonic() - begin <= 3 * SLACK + b.ready_after
    assert a.api.peers_up() == [b.name]


def test_A26_a_second_link_of_a_live_peer_is_refused(field):
    adv = field.adversary()
    adv.offer(SENTINEL)
    accepted(field, adv)
    with bounds(field):
        second = field.adversary(identity=adv.identity, wait=False)
        second.wait_end()
        assert adv.alive and field.nut.api.selected(SENTINEL) == adv.id


def test_A26_a_silent_old_link_is_replaced(field):
    """The old session does not answer any more (its host lost power): the newcomer gets in within the probe."""
    old = field.adversary()
    old.reading = False
    delay = took(lambda: _replaced(field, old), 5, "the new session is in")
    assert delay <= 3 * SLACK


def _replaced(field, old):
    new = field.adversary(identity=old.identity, wait=False)
    try:
        until(lambda: new.ended or len(new.messages(m.PING)) or len(new.messages(m.ANNOUNCE)), 2)
        holds(lambda: new.alive, 0.3)
        return True
    except AssertionError:
        new.close()
        return False


def test_A15_a_peer_that_never_reads_costs_itself(field):
    """A window of nothing while routes change: latest state only, and the link ends when there is no progress."""
    slow = field.adversary(label="slow", receive_buffer=4096, acknowledge=False)
    slow.reading = False
    busy = field.adversary(label="busy")
    # 5,000 routes stay, and what three peers were told of them; a stuck peer may hold 2 MiB.
    with bounds(field, memory=16 * MiB, rtt=60):
        for number in range(60):
            busy.send(m.ANNOUNCE, m.many_routes(5000, [(busy.id_bytes, number)]))
        busy.send(m.PING)
        until(lambda: busy.messages(m.PONG), 20, "all of it is taken")


@pytest.mark.timeout(120)
def test_A15_window_updates_are_no_progress(lone):
    """A peer that shuts its stream's window while it sends: the updates that we owe it do not keep the link."""
    slow, busy = lone.adversary(label="slow", acknowledge=False), lone.adversary(label="busy")
    begin = time.monotonic()
    busy.send(m.ANNOUNCE, m.many_routes(5000, [(busy.id_bytes, 5)]))

    def ended():
        with contextlib.suppress(OSError):
            slow.send(4000, bytes(64 << 10))
        return slow.ended
    until(ended, 40, "the link ends", every=1)
    assert time.monotonic() - begin >= 29, f"not before its time: {slow.ended}"
    assert busy.alive and lone.is_up(busy)
