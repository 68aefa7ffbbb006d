"""The two commands of the README, as a newcomer runs them."""
import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from daemon import BINARIES, ROOT
from netns import ip
from waiting import SLACK, until

SCRIPT = ROOT / "scripts" / "quickstart"
ENVIRONMENT = {**os.environ, "VMESH_BIN_DIR": str(BINARIES), "VMESH_FIRST_PACKET_MS": str(int(1000 * SLACK))}


def namespaces():
    return {line.split()[0] for line in ip("netns", "list", check=False).splitlines()}




def bearing(mark):
    """The processes whose environment holds `mark`: the script and all it started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(folder.name)
    return found


@pytest.mark.timeout(120)
def test_check_passes_and_leaves_nothing(tmp_path):
    before = namespaces()
    done = subprocess.run([SCRIPT, "--check"], env=ENVIRONMENT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    first = re.search(r"first packet after (\d+) ms", done.stdout)
    assert first and int(first[1]) <= 1000 * SLACK, done.stdout
    assert "b.vnet.example.com" in done.stdout, "peers and routes are shown"
    assert namespaces() == before


@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_it_leaves_nothing(number):
    before = namespaces()
    mark = f"VMESH_TEST_MARK={os.getpid()}-{number}"
    name, _, value = mark.partition("=")
    process = subprocess.Popen([SCRIPT, "--check"], env={**ENVIRONMENT, name: value}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True)
    for text in process.stdout:
        if "starting" in text:
            break
    time.sleep(0.3)
    process.send_signal(number)
    assert process.wait(10) != 0
    until(lambda: not bearing(mark), 5, "no process is left")
    assert namespaces() == before


@pytest.mark.timeout(120)
def test_a_broken_lab_is_noticed(tmp_path):
    """The check can fail: with a daemon that does nothing it says so and ends with status 1."""
    for name in ("vmeshd", "vmesh", "vnconfigsign"):
        fake = tmp_path / name
        fake.write_text("#!/bin/sh\nexec sleep 60\n")
        fake.chmod(0o755)
    done = subprocess.run([SCRIPT, "--check"], env={**ENVIRONMENT, "VMESH_BIN_DIR": str(tmp_path), "VMESH_WAIT": "3"},
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 1, done.stdout
