"""`vmesh` against routers that answer in pieces, in pages, late, wrongly or with malice.

A fake router is a function from a request's target to the bytes that are sent back; it listens on a Unix socket.
"""
import json
import os
import socket
import threading
import time

import pytest

from test_cli import on_terminal, vmesh

PEERS = [{"name": f"n{i}.example", "id": f"{i:064x}", "status": "idle", "warnings": []} for i in range(5)]


def reply(status, body, kind="application/json", **fields):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(data)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


@pytest.fixture
def router(tmp_path):
    """router(answer) listens and gives the URL; `router.seen` are the targets asked for."""
    closers = []

    def serve(answer, read_body=True):
        path = tmp_path / f"s{len(closers)}"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(16)
        closers.append(listener.close)

        def talk(connection):
            with connection, connection.makefile("rb") as lines:
                while line := lines.readline():
                    target = line.split()[1].decode()
                    length = 0
                    while (field := lines.readline()) not in (b"\r\n", b""):
                        if field.lower().startswith(b"content-length:"):
                            length = int(field.split(b":")[1])
                    if read_body:
                        lines.read(length)
                    serve.seen.append(target)
                    pieces = answer(target)
                    for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                        if piece is None:
                            return
                        try:
                            connection.sendall(piece)
                        except OSError:
                            return

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"unix://{path}"

    serve.seen = []
    yield serve
    for close in closers:
        close()


def test_pages_are_followed_to_the_end(router):
    def answer(target):
        if "cursor=" not in target:
            return reply(200, {"items": PEERS[:2], "next_cursor": "a+b/c", "event_id": "7"})
        if "cursor=a%2Bb%2Fc" in target:
            return reply(200, {"items": PEERS[2:4], "next_cursor": "d", "event_id": "8"})
        return reply(200, {"items": PEERS[4:], "next_cursor": None, "event_id": "9"})
    url = router(answer)
    assert vmesh(url, "peer", "-o", "name").out.split() == [p["name"] for p in PEERS]
    whole = vmesh(url, "peer", "--json").json
    assert whole == {"items": PEERS, "next_cursor": None, "event_id": "7"}


def test_pages_without_end(router):
    url = router(lambda target: reply(200, {"items": [], "next_cursor": "same", "event_id": "7"}))
    assert "no end" in vmesh(url, "peer", status=1).err
    assert len(router.seen) < 5


def test_the_beginning_of_an_id_is_unique_or_an_error(router):
    url = router(lambda target: reply(200, {"items": PEERS, "next_cursor": None, "event_id": "7"}) if "?" in target
                 else reply(404, {"code": "peer-not-found", "detail": target}, "application/problem+json"))
    refused = vmesh(url, "peer", "show", "000000", status=2)
    assert "n0.example" in refused.err and "n4.example" in refused.err and len(router.seen) == 1
    # What is too short for an id, or nobody's, is a name for the router to judge.
    assert "/v1/peers/00000 " in vmesh(url, "peer", "show", "00000", status=4).err
    assert "/v1/peers/abcdef " in vmesh(url, "peer", "show", "abcdef", status=4).err


def test_an_answer_in_single_bytes(router):
    data = reply(200, {"role": "read", "method": "unix", "subject": "uid 0", "expires_at": None})
    assert "uid 0" in vmesh(router(lambda target: [bytes([byte]) for byte in data]), "whoami").out


def test_a_chunked_answer(router):
    url = router(lambda target: b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
                                b"9\r\n{\"role\":\"\r\n6\r\nread\"}\r\n0\r\n\r\n")
    assert "read" in vmesh(url, "whoami").out


def test_a_large_body_that_is_refused_before_it_is_read(router, tmp_path):
    blob = tmp_path / "blob"
    blob.write_bytes(b"x" * 3_000_000)
    refusal = reply(413, {"code": "payload-too-large", "detail": "too much"}, "application/problem+json",
                    connection="close")

    def answer(target):
        yield refusal
        time.sleep(0.2)
        yield None
    done = vmesh(router(answer, read_body=False), "dconf", "upload", blob, "--timeout", "5s", status=7)
    assert "too much" in done.err


@pytest.mark.parametrize("label, data, status", [
    ("closed at once", [None], 1), ("cut in its body", [reply(200, {"role": "read"})[:-4], None], 1),
    ("no HTTP", [b"SSH-2.0-OpenSSH_9\r\n\r\n", None], 1), ("no JSON", [reply(200, b"<html>")], 1),
    ("an object too few", [reply(200, [])], 0), ("a redirection", [reply(302, b"", location="http://x/")], 1),
    ("an error without a problem", [reply(502, b"<html>", "text/html")], 1),
    ("two lengths", [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ", None], 1),
    ("a gateway's timeout", [reply(504, {"code": "probe-timeout"}, "application/problem+json")], 8),
    ("starting", [reply(503, {"code": "starting", "title": "Starting"}, "application/problem+json")], 1),
])
def test_answers_that_are_wrong(router, label, data, status):
    vmesh(router(lambda target: data), "whoami", status=status)


def test_not_ready_is_an_answer_and_starting_is_an_error(router):
    body = {"status": "failing", "checks": [{"name": "vifs", "status": "fail", "detail": "vm0 is gone"}]}
    assert "vm0 is gone" in vmesh(router(lambda target: reply(503, body)), "health", status=9).out
    starting = reply(503, {"code": "starting", "title": "Starting"}, "application/problem+json")
    assert not vmesh(router(lambda target: starting), "health", status=1).out


def test_text_that_would_drive_the_terminal(router):
    hostile = "e\u001b]0;owned\u0007\u202evil"
    peer = {**PEERS[0], "name": hostile, "status": "backoff", "warnings": ["\u009b2J"],
            "last_error": {"code": "x", "detail": "\u001b[31m"}}
    url = router(lambda target: reply(200, {"items": [peer], "next_cursor": None, "event_id": "7"}))
    for words in (["peer"], ["peer", "-o", "name"]):
        out = vmesh(url, *words).out
        assert not set(out) & set("\u001b\u0007\u202e\u009b") and "\\u{202e}" in out
    # JSON goes through as it is, but on a terminal its odd characters are escaped, and the value stays the same.
    assert vmesh(url, "peer", "--json").json["items"][0]["name"] == hostile
    status, seen = on_terminal(url, "peer", "--json", columns=5000)
    assert status == 0 and not set(seen) & set("\u001b\u0007\u202e\u009b")
    assert json.loads(seen)["items"][0]["name"] == hostile
    error = reply(404, {"code": "peer-not-found", "detail": hostile}, "application/problem+json")
    assert "\u001b" not in vmesh(router(lambda target: error), "peer", "show", "x\u001b[2J", status=4).err


def test_silence_ends_with_the_timeout(router):
    begin = time.monotonic()
    url = router(lambda target: [b"HTTP/1.1 200 OK\r\n", *iter(lambda: time.sleep(0.05) or b"x: y\r\n", 0)])
    vmesh(url, "whoami", "--timeout", "400ms", status=8)
    assert time.monotonic() - begin < 10


def test_a_socket_that_nobody_listens_on(tmp_path):
    path = tmp_path / "dead"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()
    assert os.path.exists(path)
    assert "is vmeshd running?" in vmesh(f"unix://{path}", "status", status=3).err
