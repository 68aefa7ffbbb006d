"""What every integration test stands on: root, the built programs, a lab that goes away, and the long runs.

The long runs (two minutes of v1 interoperability, five minutes of soak) use little of the machine, so they start with
the session in threads of their own and their tests, sorted to the end, take the results.
"""
import os
import random
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from daemon import BINARIES, ROOT  # noqa: E402
from lab import Field, Lab  # noqa: E402
from netns import clear_leftovers  # noqa: E402

os.environ["PATH"] = f"{ROOT}/.venv/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
LONG = ["test_v1_interop.py", "test_soak.py"]
long_runs = {}
pool = ThreadPoolExecutor(max_workers=4)


def pytest_sessionstart(session):
    if session.config.option.collectonly:
        return
    if os.geteuid() != 0:
        raise pytest.UsageError("the integration tests make network namespaces: run them as root (scripts/test)")
    missing = [p for p in ("vmeshd", "vmesh", "vnconfigsign") if not (BINARIES / p).exists()]
    if missing:
        raise pytest.UsageError(f"not in {BINARIES}: {', '.join(missing)}; run scripts/build or set VMESH_BIN_DIR")
    clear_leftovers()


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) + 1 if item.path.name in LONG else 0)


def pytest_collection_finish(session):
    """Starts the scenario of every test that is marked `long`, once."""
    if session.config.option.collectonly:
        return
    for item in session.items:
        mark = item.get_closest_marker("long")
        if mark and mark.args[0] not in long_runs:
            long_runs[mark.args[0]] = pool.submit(mark.args[0])


def pytest_sessionfinish(session):
    pool.shutdown(wait=False, cancel_futures=True)


@pytest.fixture
def long_run(request):
    """What the scenario named by this test's `long` mark came to."""
    scenario = request.node.get_closest_marker("long").args[0]
    return long_runs[scenario].result()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when == "call":
        for name in ("lab", "module_lab"):
            lab = item.funcargs.get(name)
            for label, text in (lab.logs() if lab else {}).items():
                report.sections.append((f"log of {label}", text))


@pytest.fixture
def lab():
    made = Lab()
    yield made
    made.close()


@pytest.fixture(scope="module")
def module_lab():
    made = Lab()
    yield made
    made.close()


@pytest.fixture
def field(lab):
    """left – nut – right and a place outside, all up."""
    return Field(lab).start()


@pytest.fixture
def lone(lab):
    """A node under test with nobody beside it but a place outside."""
    return Field(lab, canary=False).start()


@pytest.fixture
def seed(request):
    """A seed that the failure names; VMESH_SEED repeats it."""
    value = int(os.environ.get("VMESH_SEED", random.randrange(1 << 32)))
    print(f"seed {value} (VMESH_SEED={value} repeats it)")
    return value


@pytest.fixture(scope="session")
def need():
    """need("promtool") fails clearly where a program is missing."""
    def check(program):
        assert shutil.which(program), f"{program} is not installed: run scripts/setup"
    return check
