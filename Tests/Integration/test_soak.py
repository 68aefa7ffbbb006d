"""An hour's trouble in miniature: five routers in a ring with a chord, links cut at random all the time.

Descriptors and memory must be as flat at the end as after the first half minute, no table may ever list a node twice
in a path, and once the links are left alone everybody reaches everybody.
"""
import contextlib
import os
import random
import time

import pytest

from lab import Lab, ring
from waiting import until

SECONDS = float(os.environ.get("VMESH_SOAK_SECONDS", "300"))
MiB = 1 << 20


def cut(kind, link):
    """Cuts a link: the carrier of one end, or silently by a filter; returns how to mend it."""
    left, left_device, right_device, right = link
    if kind == "carrier":
        left.namespace.run("ip", "link", "set", left_device, "down")
        return lambda: left.namespace.run("sh", "-c", f"ip link set {left_device} up; "
                                                      f"ip addr replace {left.addresses[left_device]} dev {left_device}")
    table = f"cut_{left_device}_{right_device}"
    left.namespace.nft(f"table netdev {table} {{ chain i {{ type filter hook ingress device {left_device} priority 0;"
                       f" drop; }}; }}")
    return lambda: left.namespace.run("nft", "delete", "table", "netdev", table)


def scenario():
    seed = int(os.environ.get("VMESH_SEED", random.randrange(1 << 32)))
    rng, lab = random.Random(seed), Lab()
    result = {"seed": seed, "cuts": 0, "samples": [], "twice": []}
    try:
        nodes, links = ring(lab, "abcde")
        links.append((nodes[0], *lab.connect(nodes[0], nodes[2], "both"), nodes[2]))
        for node in nodes:
            node.addresses = {}
        for left, left_device, *_ in links:
            left.addresses[left_device] = f"10.99.{left_device[1:]}.1/24"
        for node in nodes:
            node.start()
        everybody(nodes, 15)
        begin = time.monotonic()
        while time.monotonic() < begin + SECONDS:
            mends = [cut(rng.choice(["carrier", "silent"]), link) for link in rng.sample(links, rng.choice([1, 1, 2]))]
            result["cuts"] += len(mends)
            time.sleep(rng.uniform(0.5, 5))
            for mend in mends:
                mend()
            time.sleep(rng.uniform(0.2, 3))
            if rng.random() < 0.2:
                look(nodes, result)
            result["samples"].append((time.monotonic() - begin, [(n.rss(), n.fds()) for n in nodes]))
        everybody(nodes, 20)
        until(lambda: all(len(n.api.peers_up()) == len(n.api.peers()) for n in nodes), 20, "every link is up again")
        result["end"] = [(n.rss(), n.fds()) for n in nodes]
        result["pids"] = all(n.alive for n in nodes)
        return result
    except BaseException as error:
        error.add_note(f"seed {seed} (VMESH_SEED={seed} repeats it), after {result['cuts']} cuts")
        for label, text in lab.logs().items():
            error.add_note(f"log of {label}: {text[-1500:]}")
        raise
    finally:
        with contextlib.suppress(Exception):
            lab.close()


def everybody(nodes, seconds):
    for left in nodes:
        for right in nodes:
            if left is not right:
                until(lambda: left.ping(right.address), seconds, f"{left.label} reaches {right.label}", every=0.2)


def look(nodes, result):
    for node in nodes:
        for route in node.api.routes():
            for candidate in route["candidates"]:
                ids = [hop["id"] for hop in candidate["path"]]
                if len(set(ids)) != len(ids) or (node.id in ids):
                    result["twice"].append(route)


@pytest.mark.long.with_args(scenario)
@pytest.mark.timeout(SECONDS + 200)
def test_all_reachable_at_the_end(long_run):
    print(f"seed {long_run['seed']}, {long_run['cuts']} cuts")
    assert long_run["pids"] and long_run["cuts"] >= SECONDS / 20


@pytest.mark.long.with_args(scenario)
def test_no_leak(long_run):
    print(f"seed {long_run['seed']}, {long_run['cuts']} cuts")
    samples = long_run["samples"]
    settled = [s for s in samples if s[0] >= min(30, SECONDS / 4)] or samples
    first, last = settled[0][1], long_run["end"]
    for number, ((rss, fds), (rss_after, fds_after)) in enumerate(zip(first, last)):
        assert fds_after <= fds + 6, f"node {number}: {fds} descriptors, then {fds_after}"
        assert rss_after <= rss + 4 * MiB, f"node {number}: {rss / MiB:.1f} MiB, then {rss_after / MiB:.1f}"
        assert rss_after <= 48 * MiB, f"node {number}: {rss_after / MiB:.1f} MiB"


@pytest.mark.long.with_args(scenario)
def test_no_node_stands_twice_in_a_path(long_run):
    assert not long_run["twice"], long_run["twice"][:2]
