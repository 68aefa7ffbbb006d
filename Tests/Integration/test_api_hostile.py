"""The management API against enemies: browsers of other sites, smugglers, slow senders, floods.

(faults.md E3, E4, E5, E6, E7, E8, E9; cases C31, C33, C34.)
"""
import json
import re
import socket
import time

import h2.config
import h2.connection
import pytest

from bounds import MiB, Sampler
from lab import Field
from waiting import SLACK, holds, until

PORT = 5121


@pytest.fixture(scope="module")
def node(module_lab):
    daemon = module_lab.daemon("a", 0xA, tun=False)
    daemon.config["api"]["listen"] += [{"tcp": f"127.0.0.1:{PORT}"}]
    daemon.start()
    daemon.token = daemon.api.post("/v1/tokens", {"name": "hostile", "role": "admin"})["token"]
    return daemon


def tcp(node):
    return node.namespace.connect("127.0.0.1", PORT, timeout=5)


def raw(node, data, seconds=3):
    """What comes back on a TCP connection for these bytes, up to its close or `seconds` of silence; (bytes, closed)."""
    with tcp(node) as sock:
        sock.settimeout(seconds)
        try:
            sock.sendall(data)
        except OSError:
            pass
        got = b""
        try:
            while part := sock.recv(1 << 16):
                got += part
            return got, True
        except TimeoutError:
            return got, False
        except OSError:
            return got, True


def status(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else None


def request(node, method="GET", path="/v1/status", host=f"127.0.0.1:{PORT}", extra=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {node.token}", "Connection: close", *extra]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# -- E3, C31: a web page in the operator's browser

@pytest.mark.parametrize("host, good", [
    (f"127.0.0.1:{PORT}", True), (f"localhost:{PORT}", True), (f"[::1]:{PORT}", True), ("127.0.0.1", None),
    (f"evil.example:{PORT}", False), ("127.0.0.1.evil.example", False), (f"LOCALHOST.:{PORT}", None),
    ("", False), ("127.0.0.1:99999", False), ("user@127.0.0.1", False), ("0.0.0.0", False)])
def test_E3_C31_hosts(node, host, good):
    got = status(raw(node, request(node, host=host))[0])
    if good is not None:
        assert (got == 200) if good else got in (400, 403, 421), got


def test_C31_no_host_and_two_hosts(node):
    assert status(raw(node, b"GET /v1/status HTTP/1.1\r\n\r\n")[0]) == 400
    assert status(raw(node, request(node, extra=["Host: evil.example"]))[0]) == 400
    assert status(raw(node, f"GET /v1/status HTTP/1.0\r\nAuthorization: Bearer {node.token}\r\n\r\n".encode())[0]) in (400, 403, 421, 505)


def test_C31_absolute_form(node):
    assert status(raw(node, request(node, path="http://evil.example/v1/peers"))[0]) in (400, 403, 421)


@pytest.mark.parametrize("header, wanted", [
    ("Origin: https://evil.example", 403), ("Origin: null", 403), ("Sec-Fetch-Site: cross-site", 403),
    ("Sec-Fetch-Site: same-site", 403), (f"Origin: http://127.0.0.1:{PORT}", 201), ("Sec-Fetch-Site: none", 201)])
def test_E3_C31_origins(node, header, wanted):
    body = json.dumps({"name": "x.y.z", "addrs": ["192.0.2.1:1"]}).encode()
    answer, _ = raw(node, request(node, "PUT", "/v1/config/peers/x.y.z", extra=[header, "Content-Type: application/json"],
                                  body=body))
    assert status(answer) == wanted, answer
    node.api.exchange("DELETE", "/v1/config/peers/x.y.z")


def test_C31_a_form_a_preflight_and_a_callback(node):
    body = b'{"name":"x.y.z","addrs":["192.0.2.1:1"]}'
    answer, _ = raw(node, request(node, "PUT", "/v1/config/peers/x.y.z", extra=["Content-Type: text/plain"], body=body))
    assert status(answer) == 415
    answer, _ = raw(node, request(node, "OPTIONS", extra=["Origin: https://evil.example",
                                                          "Access-Control-Request-Method: PUT"]))
    assert b"access-control" not in answer.lower()
    answer, _ = raw(node, request(node, path="/v1/status?callback=x"))
    assert status(answer) == 400
    answer, _ = raw(node, request(node))
    assert b"nosniff" in answer and b"content-type: application/json" in answer.lower()


# -- E7, C33: smuggling

MARK = b"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nX-Second: yes\r\n\r\n"
POST = b"POST /v1/config/reload?dry_run=true HTTP/1.1\r\nHost: localhost\r\n"
SMUGGLING = {
    "CL twice": POST + b"Content-Length: %d\r\nContent-Length: 0\r\n\r\n" % len(MARK) + MARK,
    "CL twice, equal": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "CL list": POST + b"Content-Length: 0, 0\r\n\r\n",
    "TE and CL": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    "space before colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "TE twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE with tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "chunk overflow": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
    "chunk negative": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "chunk with 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "chunk without size": POST + b"Transfer-Encoding: chunked\r\n\r\n\r\nhello",
    "chunk extension with LF": POST + b"Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
    "chunk end without CRLF": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    "CL +5": POST + b"Content-Length: +5\r\n\r\nhello",
    "CL 0x5": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "CL 5 5": POST + b"Content-Length: 5 5\r\n\r\nhello",
    "CL -1": POST + b"Content-Length: -1\r\n\r\n",
    "CL empty": POST + b"Content-Length: \r\n\r\n",
    "CL 10^18": POST + b"Content-Length: 1000000000000000000\r\n\r\n",
    "CL 10^30": POST + b"Content-Length: 1000000000000000000000000000000\r\n\r\n",
    "folded": POST + b"X-A: b\r\n c\r\n\r\n",
    "bare LF": b"GET /v1/whoami HTTP/1.1\nHost: localhost\n\n",
    "bare CR": POST + b"X-A: b\rX-B: c\r\n\r\n",
    "CR CR LF": POST + b"X-A: b\r\r\n\r\n",
    "NUL in a header": POST + b"X-A: b\0c\r\n\r\n",
    "NUL in the path": b"GET /v1/who\0ami HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "header without colon": POST + b"X-A\r\n\r\n",
    "header without name": POST + b": x\r\n\r\n",
    "name with space": POST + b"X A: x\r\n\r\n",
    "leading space": POST[:POST.index(b"Host")] + b" Host: localhost\r\n\r\n",
    "two spaces": b"GET  /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tab in the request line": b"GET\t/v1/whoami\tHTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/1.2": b"GET /v1/whoami HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "HTTP/0.9": b"GET /v1/whoami\r\n\r\n",
    "lower-case http": b"GET /v1/whoami http/1.1\r\nHost: localhost\r\n\r\n",
    "method with colon": b"G:T /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "high bytes in a name": POST + b"X-\xff: x\r\n\r\n",
    "fragment in the target": b"GET /v1/whoami#x HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_E7_C33_smuggling(node, name):
    """One answer of the 4xx or 5xx kind, the connection closed, and the marked second request never answered."""
    data = SMUGGLING[name].replace(b"Host: localhost\r\n", b"Host: localhost\r\nAuthorization: Bearer %s\r\n"
                                   % node.token.encode(), 1)
    answer, closed = raw(node, data + MARK.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer %s\r\n\r\n" % node.token.encode()))
    assert len(re.findall(rb"^HTTP/1\.1 \d{3} ", answer, re.M)) <= 1, answer
    assert b'"role"' not in answer, "the second request was executed"
    assert closed and (status(answer) or 400) in (400, 411, 413, 431, 501, 505), answer


def test_C33_a_pipeline_of_good_requests_is_answered_in_order(node):
    """The other side: the checks above can fail, because two good requests do have two answers."""
    one = request(node).replace(b"Connection: close\r\n", b"")
    answer, _ = raw(node, one + request(node, path="/v1/whoami"))
    assert answer.count(b"HTTP/1.1 200") == 2 and answer.index(b'"api_version"') < answer.index(b'"role"')


# -- E4, E5, E6: size, slowness, number

def test_E4_C33_sizes(node):
    sampler = Sampler(node)
    big = request(node, "PUT", "/v1/config/peers/x.y.z", extra=["Content-Type: application/json", "Content-Length: 2000000"])
    assert status(raw(node, big)[0]) == 413
    assert status(raw(node, request(node, extra=[f"X-{n}: {'y' * 1000}" for n in range(1000)]))[0]) == 431
    assert status(raw(node, request(node, extra=[f"X-{n}: y" for n in range(200)]))[0]) == 431
    assert status(raw(node, request(node, path="/v1/peers?q=" + "x" * 10000))[0]) == 414
    endless = request(node, "PUT", "/v1/config/peers/x.y.z", extra=["Content-Type: application/json",
                                                                   "Transfer-Encoding: chunked"])
    assert status(raw(node, endless + b"100000\r\n" + b"x" * 0x100000 + b"\r\n100000\r\n" + b"x" * 0x100000)[0]) == 413
    before = sampler.rss
    sampler.stop()
    assert sampler.rss <= before + 8 * MiB and node.alive


@pytest.mark.timeout(120)
def test_E5_slow_heads_bodies_and_readers(node):
    head = [tcp(node) for _ in range(8)]
    body = [tcp(node) for _ in range(8)]
    for sock in body:
        sock.sendall(request(node, "PUT", "/v1/config/peers/x.y.z", extra=["Content-Type: application/json",
                                                                          "Content-Length: 5000"]))
    begin, alive = time.monotonic(), {id(s): s for s in head + body}
    ended = {}
    while alive and time.monotonic() < begin + 45:
        for key, sock in list(alive.items()):
            try:
                sock.sendall(b"G" if sock in head else b"{")
                sock.setblocking(False)
                if sock.recv(4096) == b"":
                    raise ConnectionError
            except BlockingIOError:
                continue
            except OSError:
                ended[key] = time.monotonic() - begin
                alive.pop(key).close()
        time.sleep(1)
        assert node.api.status_of("GET", "/healthz") == 200, "others are served meanwhile"
    assert not alive, f"{len(alive)} slots are still held"
    assert max(ended[id(s)] for s in head) <= 13 * SLACK, "10 s for a head"
    assert max(ended[id(s)] for s in body) <= 34 * SLACK, "30 s for a body"


def test_E6_a_thousand_idle_connections(lab):
    field = Field(lab)
    field.nut.config["api"]["listen"].append({"tcp": f"127.0.0.1:{PORT}"})
    field.start()
    base, socks = field.nut.fds(), []
    for _ in range(1000):
        try:
            socks.append(field.nut.namespace.connect("127.0.0.1", PORT, timeout=1))
        except OSError:
            pass
    assert field.nut.fds() <= base + 256
    assert field.nut.api.status()["peers"]["up"] == 2 and field.left.ping(field.right.address, 5)
    for sock in socks:
        sock.close()
    until(lambda: field.nut.fds() <= base + 4, 5, "descriptors are back")


# -- E9: paths

@pytest.mark.parametrize("path", [
    "/../etc/passwd", "/v1/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/%2e%2e%2fstatus", "/v1/%252e%252e/status",
    "/v1\\status", "/ui/../../etc/passwd", "/ui/..%2f..%2fetc/passwd", "/ui/%00", "/problems/../../etc/passwd",
    "/problems/%2e%2e", "/v1/peers/..%2f..", "//v1/status", "/v1//status", "/v1/status/", "/V1/status", "/v1/status;x"])
def test_E9_traversal(node, path):
    answer, _ = raw(node, request(node, path=path))
    assert status(answer) in (400, 404) and b"root:" not in answer, answer


# -- E8, C34: HTTP/2

def h2_attack(node, build, seconds=8):
    """Sends what `build(connection)` makes until the router hangs up; how many MiB it let itself be sent."""
    sock = tcp(node)
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, validate_outbound_headers=False,
                                                               normalize_outbound_headers=False))
    conn.initiate_connection()
    sock.sendall(conn.data_to_send())
    sent, end = 0, time.monotonic() + seconds
    try:
        for data in build(conn):
            sock.sendall(data)
            sent += len(data)
            if time.monotonic() > end:
                return None
        sock.settimeout(seconds)
        while sock.recv(1 << 16):
            pass
    except OSError:
        pass
    finally:
        sock.close()
    return sent / MiB


def frame(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def headers_block():
    import hpack
    return hpack.Encoder().encode([(":method", "GET"), (":scheme", "http"), (":path", "/healthz"),
                                   (":authority", f"127.0.0.1:{PORT}")])


ATTACKS = {
    "rapid reset": lambda c: (frame(1, 4, s, headers_block()) + frame(3, 0, s, b"\0\0\0\x08") for s in range(1, 40001, 2)),
    "CONTINUATION": lambda c: (frame(1, 0, 1, headers_block()) if n == 0 else frame(9, 0, 1, b"") for n in range(20000)),
    "SETTINGS": lambda c: (frame(4, 0, 0) for _ in range(200000)),
    "PING": lambda c: (frame(6, 0, 0, bytes(8)) for _ in range(200000)),
    "big headers": lambda c: (frame(1, 0 if n else 0, 1, headers_block()) if n == 0 else
                              frame(9, 0, 1, b"\x00\x01a\x7f\x80\x7e" + b"x" * 16000) for n in range(500)),
    "made you reset": lambda c: (frame(1, 4, s, headers_block()) + frame(8, 0, s, bytes(4)) for s in range(1, 40001, 2)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_E8_C34_http2_floods(node, name):
    before = node.rss()
    sampler = Sampler(node)
    let = h2_attack(node, ATTACKS[name])
    sampler.stop()
    assert let is not None, "the router took it for ever"
    assert sampler.rss <= before + 20 * MiB, f"grew by {(sampler.rss - before) / MiB:.1f} MiB"
    assert node.api.status_of("GET", "/healthz") == 200
    begin, cpu = time.monotonic(), node.cpu()
    holds(lambda: node.alive, 1)
    assert node.cpu() - cpu <= 0.3 * (time.monotonic() - begin), "calm again"


def test_E8_many_streams_with_a_closed_window(node):
    """Answers that nobody reads: the router holds what one connection may cost."""
    sampler = Sampler(node)
    before = sampler.rss
    socks = []
    for _ in range(4):
        sock = tcp(node)
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"\0\4\0\0\0\0"))
        block = headers_block().replace(b"/healthz", b"/healthz")
        sock.sendall(b"".join(frame(1, 5, s, block) for s in range(1, 129, 2)))
        socks.append(sock)
    holds(lambda: node.api.status_of("GET", "/healthz") == 200, 2)
    sampler.stop()
    for sock in socks:
        sock.close()
    assert sampler.rss <= before + 8 * MiB


def test_garbage_and_nothing(node):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"\0" * 1000, b"SSH-2.0-x\r\n",
                 b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"):
        answer, closed = raw(node, data)
        assert closed and b" 200 " not in answer
    assert node.alive


def test_the_socket_needs_no_host(node):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(node.socket_path))
        sock.sendall(b"GET /v1/status HTTP/1.1\r\nHost: whatever.example\r\nConnection: close\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
