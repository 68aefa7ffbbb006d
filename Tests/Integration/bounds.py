"""The bounds that hold under every fault (faults.md, G1 to G8), as one block around an attack.

    with bounds(field, counter=("vmesh_rejected_announcements_total", {"reason": "martian_prefix"}, 3)):
        ...attack...

While the block runs, the canary pings through the node under test twenty times a second, and the node's memory,
descriptors and processor time are sampled. At its end each bound is one assertion that names itself.
"""
import contextlib
import re
import threading
import time

from waiting import SLACK, Timeout, until

MiB = 1 << 20


class Canary:
    """left pings right through the node under test, all the time."""

    def __init__(self, field, interval=0.05):
        left, right = field.left, field.right
        self.process = left.namespace.start("ping", "-6", "-n", "-D", "-i", interval, "-W", "1", right.address,
                                            stdout=-1, stderr=-2, text=True)
        field.lab.processes.append(self.process)
        self.lines = []
        self.thread = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.thread.start()

    def stop(self):
        """Lets the last replies come, then ends."""
        time.sleep(0.2)
        self.ended = time.time()
        self.process.send_signal(2)
        self.process.wait(5)
        self.thread.join(5)
        text = "".join(self.lines)
        found = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        assert found, f"the canary did not run: {text[-300:]}"
        self.sent, self.got = int(found[1]), int(found[2])
        self.times = sorted(float(t) for t in re.findall(r"time=([\d.]+) ms", text))
        answered = {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", text)}
        # The echo that was on its way when ping was told to end is not lost: nobody waited for its reply.
        self.missing = [n for n in range(1, self.sent) if n not in answered]

    lost = property(lambda self: len(self.missing))
    p99 = property(lambda self: self.times[int(len(self.times) * 0.99) - 1] if self.times else None)


class Sampler:
    """Highest memory and descriptors of a daemon while it runs."""

    def __init__(self, daemon):
        self.daemon, self.rss, self.fds = daemon, daemon.rss(), daemon.fds()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(0.05):
            with contextlib.suppress(OSError, TypeError):
                self.rss = max(self.rss, self.daemon.rss())
                self.fds = max(self.fds, self.daemon.fds())

    def stop(self):
        self.stopping.set()
        self.thread.join(2)


class Bounds:
    """What was measured; a test may ask it more than the block asserts."""


@contextlib.contextmanager
def bounds(field, counter=None, memory=32 * MiB, lost=0, rtt=20, cpu=None, log_rate=10, settles=True, canary=True):
    """`memory`: growth at most; `lost`: canary packets at most, beyond 0.1 %; `rtt`: ms at p99, inflation included;
    `cpu`: share of one core at most; `counter`: (metric, labels, exact rise or None for "at least one")."""
    nut, found = field.nut, Bounds()
    pid, before, log_mark = nut.pid, nut.rss(), nut.log_size()
    scrape = nut.api.metrics()
    bird = Canary(field) if canary and field.left else None
    sampler, cpu_before, begin = Sampler(nut), nut.cpu(), time.monotonic()
    try:
        yield found
    finally:
        length = time.monotonic() - begin
        sampler.stop()
        if bird:
            bird.stop()
    assert nut.alive and nut.pid == pid, f"G1: the process died:\n{nut.log()[-2000:]}"
    found.rss_growth, found.fds, found.seconds = sampler.rss - before, sampler.fds, length
    assert found.rss_growth <= memory, f"G2: grew by {found.rss_growth / MiB:.1f} MiB, {memory / MiB:.0f} allowed"
    if bird:
        found.canary = bird
        allowed = lost + bird.sent * 0.001
        assert bird.lost <= allowed, f"G3: the canary lost {bird.missing} of {bird.sent}"
        assert bird.p99 <= rtt * SLACK, f"G3: the canary's round trip rose to {bird.p99} ms at p99"
    if cpu is not None:
        found.cpu = (nut.cpu() - cpu_before) / length
        assert found.cpu <= cpu * SLACK, f"G4: {found.cpu:.0%} of a core over {length:.1f} s"
    lines = nut.log_lines(since=log_mark)
    assert len(lines) <= 30 + log_rate * length, f"G5: {len(lines)} log lines in {length:.1f} s: {lines[-3:]}"
    if counter:
        name, labels, rise = counter
        until(lambda: nut.api.metrics().total(name, **labels) > scrape.total(name, **labels), 2, f"G6: {name}{labels} rises")
        risen = nut.api.metrics().total(name, **labels) - scrape.total(name, **labels)
        assert rise is None or risen == rise, f"G6: {name}{labels} rose by {risen:g}, not {rise}"
    if settles:
        quiet = max(before * 1.1, before + 4 * MiB) + (memory if memory < 8 * MiB else 0)
        with contextlib.suppress(Timeout):
            until(lambda: nut.rss() <= quiet, 10, every=0.2)
        found.rss_after = nut.rss()
        if memory > 8 * MiB:
            assert found.rss_after <= before + max(before * 0.1, memory / 2), \
                f"G7: {before / MiB:.1f} MiB before, {found.rss_after / MiB:.1f} MiB 10 s after"
    if bird:
        assert field.left.ping(field.right.address, 3), "G7: the canary does not pass any more"


def forwarded(packets, forbidden):
    """G8: asserts that none of the packets is forbidden."""
    bad = [p for p in packets if forbidden(p)]
    assert not bad, f"G8: forwarded {bad[:3]} (of {len(bad)})"
