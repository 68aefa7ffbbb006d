"""A hostile peer with a good certificate: every byte that it sends is the test's to choose.

It stands on ssl and hyper-h2 with all outbound checks off. A thread of its own reads (unless told not to), answers
pings (unless told not to) and keeps what came; `send`, `frame` and `raw` write at the levels of the protocol's
messages, of gRPC frames and of bytes under TLS. Flow control is obeyed by `send` and `frame`, so that a flood is as
fast as the victim lets it be.
"""
import select  # only poll: a test may hold thousands of descriptors
import ssl
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

import messages as m
from waiting import until

REQUEST = [(":method", "POST"), (":scheme", "https"), (":path", "/VnetPeer/Input"), (":authority", "peer"),
           ("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "grpc-go/1.40.0")]


def client_context(identity=None, alpn=("h2",), highest=None, ciphers=None):
    """A TLS client that accepts anything; `identity` None sends no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if identity:
        context.load_cert_chain(identity.cert_path, identity.key_path)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if highest:
        context.maximum_version = highest
    return context


def ready(sock, event, seconds=0.1):
    """Whether the socket is ready for this within the time."""
    poll = select.poll()
    try:
        poll.register(sock, event)
    except ValueError as error:
        raise ConnectionError("closed by us") from error
    return poll.poll(seconds * 1000)


class Adversary:
    def __init__(self, namespace, identity, address, headers=None, open_stream=True, answer_pings=True, reading=True,
                 receive_buffer=None, source=None, context=None, server_name=None, acknowledge=True, initial_settings=None):
        self.identity, self.answer_pings, self.reading, self.acknowledge = identity, answer_pings, reading, acknowledge
        self.received, self.headers, self.trailers, self.ended = [], None, {}, None
        self.lock, self.changed = threading.RLock(), threading.Condition()
        # One gRPC message at a time: a Pong must not get between the pieces of a long one.
        self.sending, self.owed = threading.RLock(), 0
        raw = namespace.connect(*address, source=source, receive_buffer=receive_buffer)
        self.sock = (context or client_context(identity)).wrap_socket(raw, server_hostname=server_name)
        self.sock.setblocking(False)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False))
        if initial_settings:
            self.h2.local_settings.update(initial_settings)
        self.h2.initiate_connection()
        if acknowledge:
            self.h2.increment_flow_control_window(1 << 26)
        self.stream, self.buffer, self.stopping = None, b"", False
        try:
            self.flush()
            if open_stream:
                self.stream = self.open(headers or REQUEST)
        except OSError as error:
            self._end(f"{type(error).__name__}: {error}")
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    id = property(lambda self: self.identity.id)
    id_bytes = property(lambda self: self.identity.id_bytes)
    alive = property(lambda self: self.ended is None)

    # -- writing

    def open(self, headers, end_stream=False):
        with self.lock:
            stream = self.h2.get_next_available_stream_id()
            self.h2.send_headers(stream, headers, end_stream=end_stream)
            self.flush()
        return stream

    def flush(self):
        with self.lock:
            self._write(self.h2.data_to_send())

    def raw(self, data):
        """Bytes under TLS, past hyper-h2."""
        self._write(data)

    def _write(self, data):
        view = memoryview(data)
        while view:
            try:
                with self.lock:
                    view = view[self.sock.send(view[:1 << 16]):]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                if self.ended:
                    raise ConnectionError(self.ended) from None
                ready(self.sock, select.POLLOUT)

    def frame(self, data, stream=None, seconds=30, chunk=None):
        """Bytes as DATA on the stream, as fast as the windows open; `chunk` makes frames of that many bytes."""
        with self.sending:
            self._frame(data, stream, seconds, chunk)
        self._pay()

    def _frame(self, data, stream, seconds, chunk):
        stream, view = stream or self.stream, memoryview(data)
        deadline = time.monotonic() + seconds
        while view:
            with self.lock:
                if self.ended:
                    raise ConnectionError(self.ended)
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(view),
                           chunk or 1 << 24)
                if room > 0:
                    self.h2.send_data(stream, bytes(view[:room]))
                    view = view[room:]
                    self.flush()
                    continue
            with self.changed:
                self.changed.wait(0.05)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the victim took no data for {seconds} s")

    def send(self, tag, payload=b"", **more):
        self.frame(m.frame(m.message(tag, payload)), **more)

    def announce(self, *routes):
        self.send(m.ANNOUNCE, m.announcement(routes))

    def route(self, prefix, latency=1, via=(), first=None, more=b""):
        """A route of ours; `via` = further (id bytes, latency) hops, `first` = another id in our place."""
        return m.route(prefix, [(first or self.id_bytes, latency), *via], more)

    def offer(self, prefix, **more):
        self.announce(self.route(prefix, **more))

    def packet(self, data):
        self.send(m.IP, data)

    # -- reading

    def _loop(self):
        try:
            while not self.stopping and not self.ended:
                if not self.reading:
                    time.sleep(0.02)
                    continue
                if not self.sock.pending() and not ready(self.sock, select.POLLIN):
                    continue
                with self.lock:
                    try:
                        data = self.sock.recv(1 << 16)
                    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        continue
                    if not data:
                        self._end("closed")
                        break
                    events = self.h2.receive_data(data)
                    for event in events:
                        self._take(event)
                    self._write(self.h2.data_to_send())
                with self.changed:
                    self.changed.notify_all()
        except (OSError, ValueError, h2.exceptions.ProtocolError) as error:
            self._end(f"{type(error).__name__}: {error}")

    def _end(self, why):
        self.ended = self.ended or why
        with self.changed:
            self.changed.notify_all()

    def _take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.headers = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            if self.acknowledge:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.buffer += event.data
            self._messages()
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id == self.stream:
            self.trailers = self.trailers or self.headers or {}
            self._end(f"stream ended, {self.trailers}")
        elif isinstance(event, h2.events.StreamReset) and event.stream_id == self.stream:
            self._end(f"reset {event.error_code}")
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._end(f"goaway {event.error_code}")

    def _messages(self):
        while len(self.buffer) >= 5:
            size = int.from_bytes(self.buffer[1:5], "big")
            if len(self.buffer) < 5 + size:
                return
            flat = m.decode(self.buffer[5:5 + size])
            self.buffer = self.buffer[5 + size:]
            tag, payload = flat.get(1, 0), flat.get(2, b"")
            self.received.append((time.monotonic(), tag, payload))
            if tag == m.PING and self.answer_pings:
                self.owed += 1
                self._pay()

    def _pay(self):
        """Sends the Pongs that are owed, unless a message is under way; its sender does it afterwards."""
        body = m.frame(m.message(m.PONG))
        while self.owed and self.sending.acquire(blocking=False):
            try:
                with self.lock:
                    if not self.owed or self.ended or self.h2.local_flow_control_window(self.stream) < len(body):
                        return
                    self.owed -= 1
                    self.h2.send_data(self.stream, body)
                    self.flush()
            finally:
                self.sending.release()

    def messages(self, tag):
        return [payload for _, t, payload in list(self.received) if t == tag]

    def packets(self, target=None):
        """IPv6 packets that came to us."""
        from packets import Packet
        found = [Packet(p) for p in self.messages(m.IP) if len(p) >= 40]
        return [p for p in found if target is None or p.target == target]

    def routes(self):
        """{prefix: path} as the victim told us, announcements added up."""
        table = {}
        for payload in self.messages(m.ANNOUNCE):
            table.update(m.routes_of(payload))
        return table

    def wait_packet(self, wanted, seconds=2):
        return until(lambda: next((p for p in self.packets() if wanted(p)), None), seconds, "a packet for us")

    def wait_end(self, seconds=5):
        until(lambda: self.ended, seconds, "the session's end")
        return self.ended

    grpc_status = property(lambda self: int(self.trailers["grpc-status"]) if "grpc-status" in self.trailers else None)

    def close(self, politely=False):
        self.stopping = True
        if politely and not self.ended:
            with self.lock:
                self.h2.end_stream(self.stream)
                self.flush()
        self._end("closed by us")
        try:
            self.sock.close()
        except OSError:
            pass
        if self.thread is not threading.current_thread():
            self.thread.join(2)


def tls_verdict(namespace, address, identity=None, context=None, seconds=10):
    """("refused", why) if the handshake or the first read ends in an alert or a close, else ("accepted", first bytes).

    A TLS 1.3 client believes itself done before the server judged its certificate, so the first read tells."""
    raw = namespace.connect(*address)
    try:
        raw.settimeout(seconds)
        sock = (context or client_context(identity)).wrap_socket(raw)
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        data = sock.recv(9)
        return ("accepted", data) if data else ("refused", "closed")
    except TimeoutError:
        return "silent", None
    except (ssl.SSLError, OSError) as error:
        return "refused", str(error)
    finally:
        raw.close()
