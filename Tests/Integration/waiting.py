"""Waiting for what can be watched, so that no test sleeps and hopes.

`until` polls a condition up to a deadline and hands back what it gave; `holds` is its counterpart for "this must stay
so". Every bound is multiplied by VMESH_SLACK, for machines slower than the bounds were written for.
"""
import os
import time

SLACK = float(os.environ.get("VMESH_SLACK", "1"))


class Timeout(AssertionError):
    """A condition did not come true in time."""


def until(condition, seconds, what="the condition", every=0.02):
    """What `condition()` answers as soon as that is true; raises Timeout after `seconds`.

    An exception of the condition counts as "not yet", and is shown if time runs out."""
    deadline = time.monotonic() + seconds * SLACK
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = repr(value)
        except (AssertionError, OSError, LookupError, ValueError) as error:
            last = f"{type(error).__name__}: {error}"
        if time.monotonic() >= deadline:
            raise Timeout(f"{what}: not within {seconds:g} s (last: {last})")
        time.sleep(every)


def took(condition, seconds, what="the condition", every=0.005):
    """How many seconds `condition()` took to come true, measured from now."""
    start = time.monotonic()
    until(condition, seconds, what, every)
    return time.monotonic() - start


def holds(condition, seconds, what="the condition", every=0.05):
    """Asserts that `condition()` is true all the time for `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        assert value, f"{what}: no longer so ({value!r})"
        time.sleep(every)
