"""IPv6 packets by hand: what hosts behind a router, and enemies beside it, put on the wire.

`Tap` stands at a TUN device: it sends any bytes into it as the host would and keeps what comes out of it.
"""
import ipaddress
import select
import socket
import struct
import time

ETH_P_ALL, ETH_P_IPV6 = 3, 0x86DD
ICMPV6, UDP, FRAGMENT, NO_NEXT = 58, 17, 44, 59


def packed(address):
    return ipaddress.IPv6Address(address).packed


def checksum(source, target, protocol, body):
    data = packed(source) + packed(target) + struct.pack(">II", len(body), protocol) + body
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv6(source, target, protocol, body, hop_limit=64, payload_length=None, version=6):
    size = len(body) if payload_length is None else payload_length
    return struct.pack(">IHBB", version << 28, size, protocol, hop_limit) + packed(source) + packed(target) + body


def icmp(source, target, kind, code, rest, **header):
    body = struct.pack(">BBH", kind, code, 0) + rest
    total = checksum(source, target, ICMPV6, body)
    return ipv6(source, target, ICMPV6, body[:2] + struct.pack(">H", total) + body[4:], **header)


def echo(source, target, ident=0x4242, sequence=1, data=b"abcdefgh", **header):
    return icmp(source, target, 128, 0, struct.pack(">HH", ident, sequence) + data, **header)


def udp(source, target, data, source_port=4000, target_port=4001, **header):
    body = struct.pack(">HHHH", source_port, target_port, 8 + len(data), 0) + data
    total = checksum(source, target, UDP, body) or 0xFFFF
    return ipv6(source, target, UDP, body[:6] + struct.pack(">H", total) + body[8:], **header)


def fragment(source, target, offset, more, data, following=UDP, ident=0xCAFE, **header):
    """One fragment; `offset` in bytes, a multiple of 8."""
    return ipv6(source, target, FRAGMENT, struct.pack(">BBHI", following, 0, offset | more, ident) + data, **header)


class Packet:
    """What the 40 bytes of a header say, and what follows."""

    def __init__(self, data):
        self.data = data
        self.version = data[0] >> 4
        self.payload_length, self.protocol, self.hop_limit = struct.unpack(">HBB", data[4:8])
        self.source, self.target = (str(ipaddress.IPv6Address(data[at:at + 16])) for at in (8, 24))
        self.body = data[40:]

    @property
    def icmp_type(self):
        return (self.body[0], self.body[1]) if self.protocol == ICMPV6 and len(self.body) > 1 else None

    @property
    def mtu(self):
        return struct.unpack(">I", self.body[4:8])[0]

    @property
    def quoted(self):
        return self.body[8:]

    def __repr__(self):
        return f"<{self.source} > {self.target} proto {self.protocol} icmp {self.icmp_type} hop {self.hop_limit}>"


class Tap:
    """A packet socket on a TUN device in a namespace."""

    def __init__(self, namespace, device):
        with namespace.inside():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self.sock.bind((device, ETH_P_ALL))

    def send(self, packet):
        """As if the host sent it: it leaves through the device to whoever reads that."""
        self.sock.send(packet)

    def receive(self, seconds=1.0, wanted=lambda packet: True, outgoing=False):
        """The first packet that the router wrote to the device and `wanted` likes; None after `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                return None
            data, place = self.sock.recvfrom(1 << 17)
            if (place[2] == socket.PACKET_OUTGOING) != outgoing:
                continue
            if len(data) < 40 or data[0] >> 4 != 6:
                if wanted is ANYTHING:
                    return data
                continue
            packet = Packet(data)
            if wanted is ANYTHING or wanted(packet):
                return packet
        return None

    def drain(self):
        """Forgets what is waiting."""
        while select.select([self.sock], [], [], 0)[0]:
            self.sock.recv(1 << 17)

    def close(self):
        self.sock.close()


ANYTHING = object()
