#!/usr/bin/env python3
"""A strict, independent VMesh v1 peer on OpenSSL (ssl) and hyper-h2: the yardstick of the interoperability tests.

It speaks one link, checks every message that it gets against the protocol's rules, and prints what happens as JSON
lines on stdout. Nothing of it is linked into the product, and it shares no code with the rest of the tests, so that a
mistake in one is seen by the other.

    v1peer.py --ca ca.crt --cert b.crt --key b.key --listen 127.0.0.1:5120
    v1peer.py --ca ca.crt --cert b.crt --key b.key --connect 127.0.0.1:5120 --name a.vnet.example.com

Options: --announce PREFIX (repeatable; every --announce-every s), --path HEX:MS (extra hops behind this node),
--latency MS, --ping-every S, --dc FILE.bin (sent every --dc-every s), --send-ip HEXFILE (one packet a line, sent
--send-after s into the link), --raw TAG:HEX (one message with that payload at the start), --frame HEX (one gRPC message
of just these bytes, whole or broken), --for SECONDS (then end cleanly).
Lines: {"event": "up" | "message" | "violation" | "down", ...}. Exit status: 0 clean, 1 a violation was seen,
2 it could not connect or listen. Needs: h2, protobuf (PyPI).
"""
import argparse, hashlib, ipaddress, json, select, socket, ssl, struct, sys, time

import h2.config, h2.connection, h2.errors, h2.events
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def schema():
    f = descriptor_pb2.FileDescriptorProto(name="v1.proto", syntax="proto3")
    t = descriptor_pb2.FieldDescriptorProto

    def message(name, *fields):
        m = f.message_type.add(name=name)
        for number, (field, kind, repeated) in enumerate(fields, 1):
            d = m.field.add(name=field, number=number)
            d.label = t.LABEL_REPEATED if repeated else t.LABEL_OPTIONAL
            if kind in ("u32", "bytes"):
                d.type = t.TYPE_UINT32 if kind == "u32" else t.TYPE_BYTES
            else:
                d.type, d.type_name = t.TYPE_MESSAGE, "." + kind

    message("Message", ("tag", "u32", False), ("payload", "bytes", False))
    message("Hop", ("id", "bytes", False), ("latency", "u32", False))
    message("Route", ("prefix", "bytes", False), ("prefix_length", "u32", False), ("path", "Hop", True))
    message("Announcement", ("routes", "Route", True))
    message("DistributedConfig", ("version", "u32", False), ("certificate", "bytes", False), ("content", "bytes", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(f)
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(n))
            for n in ("Message", "Route", "Hop", "Announcement", "DistributedConfig")}


S = schema()
IP, ANNOUNCE, PING, PONG, DCONF = 1, 2, 3, 4, 5


def say(event, **fields):
    print(json.dumps({"at": round(time.time(), 3), "event": event, **fields}), flush=True)


class Down(Exception):
    pass


class Link:
    """One gRPC stream over one TLS connection: what comes is checked by `take`."""

    def __init__(self, args, own_id, sock, client):
        self.args, self.own_id, self.sock, self.client = args, own_id, sock, client
        self.pings_open, self.ping_sent, self.latency = 0, 0.0, args.latency
        self.violations, self.stream, self.data, self.pending, self.known = 0, None, b"", b"", set()
        self.remote_id = hashlib.sha256(sock.getpeercert(binary_form=True)).digest()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=client, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        if client:
            self.stream = self.h2.get_next_available_stream_id()
            self.h2.send_headers(self.stream, [
                (":method", "POST"), (":scheme", "https"), (":path", "/VnetPeer/Input"), (":authority", args.name or "peer"),
                ("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "v1peer")])
        self.flush()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def send(self, tag, payload=b""):
        body = S["Message"](tag=tag, payload=payload).SerializeToString()
        self.pending += struct.pack(">BI", 0, len(body)) + body
        self.push()

    def push(self):
        while self.pending and self.stream:
            room = min(self.h2.local_flow_control_window(self.stream), self.h2.max_outbound_frame_size, len(self.pending))
            if room <= 0:
                break
            self.h2.send_data(self.stream, self.pending[:room])
            self.pending = self.pending[room:]
        self.flush()

    def violation(self, rule, **more):
        self.violations += 1
        say("violation", rule=rule, **more)

    def announcement(self):
        extra = [S["Hop"](id=bytes.fromhex(h), latency=int(ms)) for h, _, ms in (p.partition(":") for p in self.args.path)]
        routes = []
        for text in self.args.announce:
            net = ipaddress.IPv6Network(text)
            routes.append(S["Route"](prefix=net.network_address.packed, prefix_length=net.prefixlen,
                                     path=[S["Hop"](id=self.own_id, latency=self.latency)] + extra))
        return S["Announcement"](routes=routes).SerializeToString()

    def take(self, m):
        tag, body = m.tag, m.payload
        if tag == PING:
            if body:
                self.violation("a Ping has no payload", payload=body.hex())
            say("message", tag=tag, name="Ping")
            self.send(PONG)
        elif tag == PONG:
            if self.pings_open < 1:
                self.violation("a Pong without a Ping")
            else:
                self.pings_open -= 1
                self.latency = int((time.time() - self.ping_sent) * 1000)
            say("message", tag=tag, name="Pong", rtt_ms=round((time.time() - self.ping_sent) * 1000, 2))
        elif tag == ANNOUNCE:
            a = S["Announcement"].FromString(body)
            if len(a.routes) > 65536:
                self.violation("more than 65,536 routes in one message", routes=len(a.routes))
            shown = []
            for r in a.routes:
                if len(r.prefix) != 16 or r.prefix_length > 128:
                    self.violation("a prefix is 16 bytes and its length at most 128")
                    continue
                net = ipaddress.IPv6Address(bytes(r.prefix))
                self.known.add((r.prefix, r.prefix_length))
                if int(net) & ((1 << (128 - r.prefix_length)) - 1):
                    self.violation("host bits are zero", prefix=f"{net}/{r.prefix_length}")
                if not r.path or (self.remote_id and r.path[0].id != self.remote_id):
                    self.violation("path[0] is the sender", prefix=f"{net}/{r.prefix_length}")
                ids = [h.id for h in r.path]
                if len(set(ids)) != len(ids):
                    self.violation("a node stands once in a path", prefix=f"{net}/{r.prefix_length}")
                if any(len(i) != 32 for i in ids):
                    self.violation("a hop id is 32 bytes", prefix=f"{net}/{r.prefix_length}")
                if len(shown) < 64:
                    shown.append({"prefix": f"{net}/{r.prefix_length}",
                                  "path": [[h.id.hex()[:12], h.latency] for h in r.path]})
            say("message", tag=tag, name="Announce", bytes=len(body), count=len(a.routes), known=len(self.known), routes=shown)
        elif tag == IP:
            if not body or body[0] >> 4 != 6:
                self.violation("tag 1 carries IPv6 only", payload=body[:64].hex())
            say("message", tag=tag, name="IP", bytes=len(body), payload=body.hex())
        elif tag == DCONF:
            d = S["DistributedConfig"].FromString(body)
            say("message", tag=tag, name="UpdateDistributedConfig", version=d.version, content=d.content.decode("utf-8", "replace"))
        else:
            say("message", tag=tag, name="?", bytes=len(body))

    def received(self, event):
        if isinstance(event, h2.events.RequestReceived):
            headers = dict(event.headers)
            if headers.get(":path") != "/VnetPeer/Input" or headers.get(":method") != "POST":
                self.violation("the stream is POST /VnetPeer/Input", got=headers.get(":path"))
            if not headers.get("content-type", "").startswith("application/grpc") or headers.get("te") != "trailers":
                self.violation("a gRPC request says content-type: application/grpc and te: trailers", got=headers)
            if self.stream:
                self.violation("one stream a link")
            self.stream = event.stream_id
            self.h2.send_headers(self.stream, [(":status", "200"), ("content-type", "application/grpc")])
        elif isinstance(event, h2.events.ResponseReceived):
            headers = dict(event.headers)
            say("headers", headers=headers)
            if headers.get(":status") != "200" or not headers.get("content-type", "").startswith("application/grpc"):
                self.violation("a gRPC response is 200 and application/grpc", got=headers)
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.data += event.data
            while len(self.data) >= 5:
                flag, size = struct.unpack(">BI", self.data[:5])
                if flag:
                    self.violation("messages are not compressed")
                if size > 4 << 20:
                    self.violation("a message is at most 4 MiB", bytes=size)
                if len(self.data) < 5 + size:
                    break
                body, self.data = self.data[5:5 + size], self.data[5 + size:]
                self.take(S["Message"].FromString(body))
        elif isinstance(event, h2.events.TrailersReceived):
            raise Down(f"trailers {dict(event.headers)}")
        elif isinstance(event, h2.events.StreamEnded):
            raise Down("the stream ended")
        elif isinstance(event, h2.events.StreamReset):
            raise Down(f"reset {event.error_code!r}")
        elif isinstance(event, h2.events.ConnectionTerminated):
            raise Down(f"goaway {event.error_code!r} {event.additional_data!r}")

    def run(self):
        a, started = self.args, time.time()
        next_ping, next_announce, next_dc = started + a.ping_every, started + min(1.0, a.announce_every), started + 1.0
        packets = [bytes.fromhex(l.strip()) for l in open(a.send_ip) if l.strip()] if a.send_ip else []
        raw = [(int(t), bytes.fromhex(h)) for t, _, h in (r.partition(":") for r in a.raw)]
        frames = [bytes.fromhex(f) for f in a.frame]
        try:
            while True:
                now = time.time()
                if a.seconds and now - started > a.seconds:
                    self.h2.end_stream(self.stream) if self.client else self.h2.send_headers(
                        self.stream, [("grpc-status", "0")], end_stream=True)
                    self.flush()
                    say("down", why="time is up")
                    return
                if self.stream:
                    while raw:
                        self.send(*raw.pop(0))
                    while frames:
                        body = frames.pop(0)
                        self.pending += struct.pack(">BI", 0, len(body)) + body
                        self.push()
                    if now >= next_ping:
                        self.pings_open, self.ping_sent, next_ping = self.pings_open + 1, now, now + a.ping_every
                        self.send(PING)
                    if a.announce and now >= next_announce:
                        self.send(ANNOUNCE, self.announcement())
                        next_announce = now + a.announce_every
                    if a.dc and now >= next_dc:
                        self.send(DCONF, open(a.dc, "rb").read())
                        next_dc = now + a.dc_every
                    if packets and now - started > a.send_after:
                        self.send(IP, packets.pop(0))
                if self.sock.pending() or select.select([self.sock], [], [], 0.02)[0]:
                    data = self.sock.recv(1 << 16)
                    if not data:
                        raise Down("the connection closed")
                    for event in self.h2.receive_data(data):
                        self.received(event)
                    self.push()
        except (Down, OSError, h2.exceptions.ProtocolError) as e:
            say("down", why=f"{type(e).__name__}: {e}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ca", required=True), p.add_argument("--cert", required=True), p.add_argument("--key", required=True)
    p.add_argument("--listen"), p.add_argument("--connect"), p.add_argument("--name", default="")
    p.add_argument("--announce", action="append", default=[]), p.add_argument("--announce-every", type=float, default=30)
    p.add_argument("--path", action="append", default=[]), p.add_argument("--latency", type=int, default=0xFFFFFFFF)
    p.add_argument("--ping-every", type=float, default=10), p.add_argument("--dc"), p.add_argument("--dc-every", type=float, default=30)
    p.add_argument("--send-ip"), p.add_argument("--send-after", type=float, default=2)
    p.add_argument("--raw", action="append", default=[]), p.add_argument("--frame", action="append", default=[])
    p.add_argument("--for", dest="seconds", type=float, default=0)
    args = p.parse_args()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if args.connect else ssl.PROTOCOL_TLS_SERVER)
    tls.check_hostname = False
    tls.load_cert_chain(args.cert, args.key)
    tls.load_verify_locations(args.ca)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.set_alpn_protocols(["h2"])
    own_id = hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(args.cert).read())).digest()
    say("start", id=own_id.hex())
    host, _, port = (args.connect or args.listen).rpartition(":")
    host = host.strip("[]")
    try:
        if args.connect:
            sock = tls.wrap_socket(socket.create_connection((host, int(port)), timeout=15), server_hostname=args.name or None)
        else:
            with socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
                say("listening", addr=args.listen)
                server.settimeout(args.seconds + 30 if args.seconds else None)
                sock = tls.wrap_socket(server.accept()[0], server_side=True)
    except OSError as e:
        say("down", why=f"{type(e).__name__}: {e}")
        return 2
    link = Link(args, own_id, sock, client=bool(args.connect))
    say("up", role="client" if args.connect else "server", remote_id=link.remote_id.hex(),
        tls=sock.version(), alpn=sock.selected_alpn_protocol())
    link.run()
    return 1 if link.violations else 0


if __name__ == "__main__":
    sys.exit(main())
