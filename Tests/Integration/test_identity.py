"""Who is let in, and as whom (faults.md B1–B10, B18, B19; cases C19, C24, C25)."""
import datetime
import json
import time

import pytest
from cryptography import x509

from adversary import tls_verdict
from bounds import bounds
from pki import CA, DOMAIN, issued_by_leaf, now, self_signed
from test_announcements import SENTINEL, accepted
from waiting import holds, until


def certificate_verdict(field, identity):
    return tls_verdict(field.outside, (field.nut_ip, 5120), identity)


@pytest.mark.parametrize("key", ["ed25519", "p256", "rsa2048"])
@pytest.mark.parametrize("style", ["ours", "v1"])
def test_keys_and_styles_that_are_welcome(lone, lab, key, style):
    name = f"{style}-{key}.{DOMAIN}"
    identity = lab.ca.v1_node(name, key) if style == "v1" else lab.ca.node(name, key)
    adv = lone.adversary(identity=identity)
    peer = lone.nut_peer(adv)
    assert (peer["name"], peer["trust"], peer["direction"]) == (name, "internal_ca", "inbound")


def test_B1_wrong_ca_when_dialling(lab):
    a, b = lab.daemon("a", 0xA), lab.daemon("b", 0xB, identity=lab.other_ca().node(f"b.{DOMAIN}"))
    b.config["ca"] = str(lab.folder / "other" / "ca.crt")
    lab.connect(a, b, "left")
    b.start()
    a.start()
    until(lambda: (a.api.peer(b.name)["last_error"] or {}).get("code") == "unknown_ca", 5, "the reason is shown")
    attempts, mark = a.api.peer(b.name)["attempts"], a.log_size()
    holds(lambda: a.api.peer(b.name)["status"] != "up", 10)
    again = a.api.peer(b.name)["attempts"] - attempts
    assert 1 <= again <= 8, f"{again} attempts in 10 s: backoff from 1 s on"
    assert len(a.log_lines(r"unknown_ca|" + b.name, since=mark)) <= 2, a.log_lines(since=mark)


def test_B1_wrong_ca_when_dialled_makes_one_line_a_minute(lone, lab):
    stranger = lab.other_ca().node(f"b.{DOMAIN}")
    with bounds(lone, canary=False, log_rate=0.2):
        for _ in range(60):
            assert certificate_verdict(lone, stranger)[0] == "refused"


def test_B2_C24_expiry_ends_a_live_session(field):
    identity = field.member("short", lifetime=12)
    adv = field.adversary(identity=identity)
    adv.offer(SENTINEL)
    accepted(field, adv)
    end = x509.load_der_x509_certificate(identity.der).not_valid_after_utc.timestamp()
    shown = datetime.datetime.fromisoformat(field.nut_peer(adv)["certificate_not_after"]).timestamp()
    assert shown == end
    with bounds(field):
        adv.wait_end(end - time.time() + 61)
        assert end - 1 <= time.time() <= end + 61, "not before its time, and soon after"
    assert field.nut.api.selected(SENTINEL) is None
    assert certificate_verdict(field, identity)[0] == "refused", "and nobody comes back with it"


def test_B2_an_expired_certificate_is_refused_and_logged_once_a_minute(lone, lab):
    expired = lone.member("old", start=now() - datetime.timedelta(days=20), end=now() - datetime.timedelta(days=1))
    with bounds(lone, canary=False, log_rate=0.2):
        for _ in range(40):
            assert certificate_verdict(lone, expired)[0] == "refused"


def test_B2_own_expiry_is_shown(lab):
    soon = lab.ca.node(f"a.{DOMAIN}", lifetime=5 * 86400)
    a = lab.daemon("a", 0xA, identity=soon).start()
    status = a.api.status()
    check = next(c for c in status["health"]["checks"] if c["name"] == "node_certificate")
    assert check["status"] == "warn" and status["health"]["status"] == "degraded"
    assert a.api.metrics().total("vmesh_certificate_not_after_timestamp_seconds", role="node") == \
        x509.load_der_x509_certificate(soon.der).not_valid_after_utc.timestamp()


def test_B3_C25_not_yet_valid(lone):
    ahead = lambda seconds: lone.member(f"in{seconds}", start=now() + datetime.timedelta(seconds=seconds))
    assert certificate_verdict(lone, ahead(30))[0] == "accepted", "clocks differ a little"
    assert certificate_verdict(lone, ahead(3600))[0] == "refused"


@pytest.mark.parametrize("name", ["nodot", "", "a." + "x" * 260, "a\tb." + DOMAIN], ids=["no dot", "empty", "long", "tab"])
def test_B4_a_node_with_such_a_name_does_not_start(lab, name):
    a = lab.daemon("a", 0xA, identity=lab.ca.node(name, san=False))
    status, text = a.run_to_end()
    assert status != 0 and "READY=1" not in a.read_notices()
    assert text.strip() and len(text.strip().splitlines()) <= 2, "one line that says what to do"


def grant(field):
    """A policy under which right may announce SENTINEL, left may not, and the nut passes everything on."""
    left, nut, right = field.left, field.nut, field.right
    return {"prefix_whitelist": {right.name: [right.prefix, SENTINEL], left.name: [left.prefix],
                                 nut.name: [nut.prefix, left.prefix, right.prefix, SENTINEL]}}


ODD = {
    "NUL": dict(name=f"AAAAAAAA.{DOMAIN}", patch=(b"AAAAAAAA", b"right\x00AA")),
    "control": dict(name=f"a\x1b[31m.{DOMAIN}"),
    "right-to-left": dict(name=f"a\u202egnp.{DOMAIN}"),
    "newline": dict(name=f"a\nb.{DOMAIN}"),
    "empty": dict(name=""),
    "no dot": dict(name="right"),
    "300 characters": dict(name="a" * 300 + "." + DOMAIN),
}


@pytest.mark.parametrize("kind", ODD)
def test_B4_odd_names_of_others(field, lab, kind):
    identity = lab.ca.node(**ODD[kind], file="odd", san=False)
    field.nut.api.put("/v1/distributed-config", lab.ca.sign_config(grant(field)), media="application/octet-stream")
    mark = field.nut.log_size()
    with bounds(field):
        if certificate_verdict(field, identity)[0] == "accepted":
            adv = field.adversary(identity=identity)
            peer = field.nut_peer(adv)
            assert all(c.isprintable() and ord(c) < 0x2000 for c in peer["name"]), ascii(peer["name"])
            assert peer["name"] not in (field.right.name, field.left.name)
        for peer in field.nut.api.peers():
            json.dumps(peer)
        for text in field.nut.log_lines(since=mark):
            assert "\x1b[31m" not in text and "\u202e" not in text and "\0" not in text


def external(lab, field, name, label):
    """A pinned external peer's certificate, known to the nut."""
    identity = self_signed(lab.folder, name) if label == "self" else lab.other_ca(label).node(name)
    field.nut.api.post("/v1/certificates/external-peers", {"certificate_pem": identity.pem})
    return identity


def test_B5_an_external_peer_is_not_an_internal_one_by_name(field, lab):
    """Its certificate says the name of an internal node that may announce SENTINEL."""
    field.nut.api.put("/v1/distributed-config", lab.ca.sign_config(grant(field)), media="application/octet-stream")
    twin = external(lab, field, field.right.name, "foreign")
    with bounds(field):
        adv = field.adversary(identity=twin)
        peer = field.nut_peer(adv)
        assert peer["trust"] == "external_cert" and peer["name"] != field.right.name
        adv.offer(SENTINEL)
        until(lambda: field.nut.api.candidates(SENTINEL), 2, "the announcement is seen")
        holds(lambda: field.nut.api.selected(SENTINEL) is None, 0.5)
        assert field.is_up(field.right.id), "and the real one is untouched"


def test_B5_an_external_peer_gets_and_gives_nothing_by_default(field, lab):
    adv = field.adversary(identity=external(lab, field, "gw.other.example", "self"))
    adv.offer(SENTINEL)
    until(lambda: field.nut.api.candidates(SENTINEL), 2, "the announcement is seen")
    assert field.nut.api.verdict(SENTINEL, adv.id) == ("rejected", "external_not_allowed")
    holds(lambda: field.left.prefix not in adv.routes(), 1, "no transit for external peers")


def test_B6_a_pin_is_a_certificate_not_a_name(field, lab):
    external(lab, field, "gw.other.example", "self")
    foreign = lab.other_ca("third").node("gw.other.example")
    assert certificate_verdict(field, foreign)[0] == "refused", "the same name under a foreign CA"
    member = field.adversary(identity=lab.ca.node("gw.other.example"))
    assert field.nut_peer(member)["trust"] == "internal_ca", "a member with that name is judged as a member"


def test_B7_C19_one_certificate_on_two_hosts(field):
    field.outside.run("ip", "addr", "add", "10.99.1.77/24", "dev", field.out_device)
    older = field.adversary()
    older.offer(SENTINEL)
    accepted(field, older)
    since = field.nut_peer(older)["status_since"]
    with bounds(field):
        for _ in range(5):
            newer = field.adversary(identity=older.identity, wait=False, source="10.99.1.77")
            newer.wait_end()
        assert older.alive and field.nut_peer(older)["status_since"] == since, "no flip-flop"
        assert any("10.99.1.77" in text for text in field.nut_peer(older)["warnings"]), field.nut_peer(older)
        assert len(field.nut.log_lines("error two hosts use the same certificate")) == 1, "an alarm, and not five"


def test_B8_signer_or_ca_as_a_node(lone, lab):
    lab.ca.sign_config({"prefix_whitelist": {}})
    signer = lab.ca.store("signer", None, lab.ca.signer.der, lab.ca.signer.key)
    assert certificate_verdict(lone, signer)[0] == "refused", "a config signer"
    assert certificate_verdict(lone, lab.ca.as_identity())[0] == "refused", "the CA itself"
    named = lab.ca.node(f"x.{DOMAIN}", extensions=[(x509.SubjectAlternativeName(
        [x509.DNSName(f"x.{DOMAIN}"), x509.UniformResourceIdentifier("vnet-conf://" + "ab" * 32)]), False)])
    assert certificate_verdict(lone, named)[0] == "refused", "any vnet-conf URI"
    small = lab.ca.node(f"ca.{DOMAIN}", extensions=[(x509.BasicConstraints(ca=True, path_length=0), True)])
    assert certificate_verdict(lone, small)[0] == "refused", "an intermediate CA"
    assert lone.nut.alive and not lone.nut.api.peers()


def test_B9_a_leaf_is_no_issuer(lone, lab):
    leaf = lone.member("leaf")
    assert certificate_verdict(lone, issued_by_leaf(leaf, f"below.{DOMAIN}", lab.ca))[0] == "refused"
    v1 = lab.ca.v1_node(f"v1leaf.{DOMAIN}")
    assert certificate_verdict(lone, issued_by_leaf(v1, f"below.{DOMAIN}", lab.ca))[0] == "refused"
    refused_config(lone, lab.ca.sign_config({"prefix_whitelist": {}}, issuer=leaf), "not_signed_by_ca")


def refused_config(field, blob, *reasons):
    status, _, content = field.nut.api.exchange("PUT", "/v1/distributed-config", blob, media="application/octet-stream")
    body = json.loads(content)
    assert status in (409, 422) and body["reason"] in reasons, f"{status} {body}"
    assert field.nut.api.status()["distributed_config"] is None


def test_B10_who_may_sign_policy(lone, lab):
    content = {"prefix_whitelist": {"nobody." + DOMAIN: []}}
    uri = lambda text: x509.UniformResourceIdentifier(text)
    import hashlib
    good = "vnet-conf://" + hashlib.sha256(json.dumps(content).encode()).hexdigest()
    sign = lambda **twist: lab.ca.sign_config(content, **twist)
    any_reason = ("not_signed_by_ca", "hash_mismatch", "content_invalid", "bad_encoding")
    refused_config(lone, sign(common_name=f"a.{DOMAIN}"), *any_reason)
    refused_config(lone, sign(names=[uri(good), x509.DNSName(f"a.{DOMAIN}")]), *any_reason)
    refused_config(lone, sign(names=[uri(good), uri(good)]), *any_reason)
    refused_config(lone, sign(names=[x509.DNSName(f"a.{DOMAIN}")]), *any_reason)
    refused_config(lone, sign(uri="vnet-conf://" + "00" * 32), "hash_mismatch")
    refused_config(lone, sign(uri="vnet-conf://abc"), *any_reason)
    refused_config(lone, sign(ca=True), *any_reason)
    refused_config(lone, CA(lab.folder / "elsewhere").sign_config(content), "not_signed_by_ca")
    lone.nut.api.put("/v1/distributed-config", sign(), media="application/octet-stream")
    assert lone.nut.api.status()["distributed_config"]["hash"] == good.rpartition("/")[2]


def test_B18_extended_key_usage(lone):
    usage = lambda *which: [(x509.ExtendedKeyUsage(list(which)), False)]
    oid = x509.oid.ExtendedKeyUsageOID
    accepted_ones = {"none": [], "server": usage(oid.SERVER_AUTH), "both": usage(oid.SERVER_AUTH, oid.CLIENT_AUTH)}
    for label, extensions in accepted_ones.items():
        identity = lone.member(label, san=False, extensions=extensions)
        assert certificate_verdict(lone, identity)[0] == "accepted", label


def test_B19_the_name_dialled_must_answer(lab):
    """b's address is answered by another member of the same CA."""
    a, other = lab.daemon("a", 0xA), lab.daemon("other", 0xC)
    _, address, *_ = lab.cable(a.namespace, other.namespace)
    a.peer_with(f"b.{DOMAIN}", address)
    other.start()
    a.start()
    until(lambda: a.api.peer(f"b.{DOMAIN}")["last_error"], 5, "a refusal is shown")
    assert a.api.peer(f"b.{DOMAIN}")["last_error"]["code"] == "name_mismatch"
    holds(lambda: not a.api.peers_up() and not other.api.peers_up(), 2)
