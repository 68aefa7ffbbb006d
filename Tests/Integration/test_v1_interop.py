"""Two minutes beside v1 peers that check every message: one that dials us, one that we dial, one external.

The certificates are v1's own kind: Ed25519, X.509 version 1, no subjectAltName. What must come out: no violation, routes
and packets both ways, a distributed config taken up from one v1 peer and passed on to the other, the pinned external
peer kept apart, and at no moment a table that lists a node twice in a path.
"""
import contextlib
import os
import time

import pytest

from lab import Lab
from packets import Packet, echo
from pki import DOMAIN, self_signed
from test_dconf import at, held
from waiting import until

SECONDS = float(os.environ.get("VMESH_V1_SECONDS", "120"))
CLIENT, SERVER, EXTERNAL = "2001:db8:c1::/48", "2001:db8:5e::/48", "2001:db8:ee::/48"


def scenario():
    lab = Lab()
    try:
        return run(lab)
    except BaseException as error:
        for label, text in lab.logs().items():
            error.add_note(f"log of {label}: {text[-3000:]}")
        raise
    finally:
        with contextlib.suppress(Exception):
            lab.close()


def run(lab):
    nut = lab.daemon("nut", 0xA, identity=lab.ca.v1_node(f"nut.{DOMAIN}"))
    places = [lab.namespace(label) for label in ("client", "server", "ext")]
    cables = [lab.cable(nut.namespace, place) for place in places]
    client, server = lab.ca.v1_node(f"client.{DOMAIN}"), lab.ca.v1_node(f"server.{DOMAIN}")
    foreign = self_signed(lab.folder, "gw.other.example")
    nut.peer_with(server.name, cables[1][1])
    nut.config["external_peer_certs"] = [str(foreign.cert_path)]
    blob = lab.folder / "dconf.bin"
    everybody = {n: [nut.prefix, CLIENT, SERVER] for n in (nut.name, client.name, server.name)}
    blob.write_bytes(lab.ca.sign_config({"prefix_whitelist": everybody}, start=at(seconds=-10)))
    packets = lab.folder / "packets"
    packets.write_text("".join(echo("2001:db8:c1::1", nut.address, sequence=n).hex() + "\n" for n in range(20))
                       + echo("2001:db8:c1::1", "2001:db8:5e::1", data=b"across").hex() + "\n")
    common = dict(seconds=SECONDS, announce_every=5, ping_every=5, latency=3)
    as_server = lab.v1(places[1], server, listen=(cables[1][1], 5120), announce=SERVER, **common)
    as_server.wait_event("listening")
    nut.start()
    as_client = lab.v1(places[0], client, connect=(cables[0][0], 5120), name=nut.name, announce=CLIENT, dc=blob,
                       dc_every=30, send_ip=packets, send_after=12, **common)
    as_external = lab.v1(places[2], foreign, connect=(cables[2][0], 5120), name=nut.name, announce=EXTERNAL, **common)
    result = {"twice": [], "own": [], "selected": {}, "nut": nut.address}
    for peer in (as_client, as_server, as_external):
        peer.wait_event("up", 10)
    tap, begin = nut.tap(), time.monotonic()
    until(lambda: nut.api.selected(CLIENT) and nut.api.selected(SERVER), 10, "routes of both")
    result["selected"] = {p: nut.api.selected(p) for p in (CLIENT, SERVER)}
    result["ids"] = {CLIENT: client.id, SERVER: server.id}
    until(lambda: nut.ping("2001:db8:5e::1") or as_server.packets(), 10, "a packet towards the v1 server")
    until(lambda: held(nut), 10, "the distributed config is adopted")
    result["delivered"] = bool(tap.receive(20, lambda p: p.source == "2001:db8:c1::1" and p.target == nut.address))
    result["external"] = nut.api.verdict(EXTERNAL, foreign.id)
    result["external_trust"] = [p["trust"] for p in nut.api.peers() if p["id"] == foreign.id]
    while time.monotonic() < begin + SECONDS - 6:
        for route in nut.api.routes():
            for candidate in route["candidates"]:
                ids = [hop["id"] for hop in candidate["path"]]
                if len(set(ids)) != len(ids) or len(ids) > 1:
                    result["twice"].append(route)
        result["own"].append(nut.api.selected(nut.prefix))
        time.sleep(2)
    result["statuses"] = [peer.finish(30) for peer in (as_client, as_server, as_external)]
    result["violations"] = [peer.violations() for peer in (as_client, as_server, as_external)]
    result["why"] = [[e["why"] for e in peer.of("down")] for peer in (as_client, as_server, as_external)]
    result["tables"] = [peer.routes() for peer in (as_client, as_server, as_external)]
    result["packets"] = [[Packet(p) for p in peer.packets()] for peer in (as_client, as_server, as_external)]
    result["pongs"] = [len(peer.of("message", name="Pong")) for peer in (as_client, as_server, as_external)]
    result["configs"] = [len(peer.of("message", name="UpdateDistributedConfig")) for peer in (as_client, as_server)]
    return result


interop = pytest.mark.long.with_args(scenario)
pytestmark = pytest.mark.timeout(SECONDS + 120)


@interop
def test_no_violation_in_two_minutes(long_run):
    assert long_run["violations"] == [[], [], []]
    assert long_run["statuses"] == [0, 0, 0] and long_run["why"] == [["time is up"]] * 3, long_run["why"]
    assert min(long_run["pongs"]) >= SECONDS / 5 - 3, "every Ping had its Pong"


@interop
def test_routes_both_ways(long_run):
    assert long_run["selected"] == long_run["ids"]
    client, server, _ = long_run["tables"]
    assert "2001:db8:a::/48" in client and "2001:db8:a::/48" in server
    assert SERVER in client and CLIENT in server, "and across"
    assert CLIENT not in client and SERVER not in server, "split horizon"


@interop
def test_packets_both_ways_and_across(long_run):
    client, server, _ = long_run["packets"]
    assert long_run["delivered"], "from the v1 client to our TUN"
    assert any(p.source == long_run["nut"] and p.icmp_type == (129, 0) for p in client), "our host's answers came back"
    assert any(b"across" in p.data and p.hop_limit == 63 for p in server), "from one v1 peer to the other"


@interop
def test_the_distributed_config_is_taken_up_and_passed_on(long_run):
    assert long_run["configs"][1] >= 1


@interop
def test_the_external_peer_is_kept_apart(long_run):
    assert long_run["external_trust"] == ["external_cert"]
    assert long_run["external"] == ("rejected", "external_not_allowed")
    assert SERVER not in long_run["tables"][2] and CLIENT not in long_run["tables"][2]


@interop
def test_C10_no_table_lists_a_node_twice(long_run):
    assert not long_run["twice"] and set(long_run["own"]) == {"local"}
