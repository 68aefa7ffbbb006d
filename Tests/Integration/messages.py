"""The v1 protocol's messages as bytes, written by hand so that a hostile peer can also write wrong ones.

A varint, a field, a message: the protobuf wire format is small enough, and 65,536 routes are quick this way.
"""
import ipaddress
import struct

INVALID, IP, ANNOUNCE, PING, PONG, DCONF, CHANNEL_REQUEST, CHANNEL_RESPONSE = range(8)
UNKNOWN_LATENCY = 0xFFFFFFFF


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """A field: bytes as length-delimited, an int as varint; proto3 leaves zeros and empties out."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    return varint(number << 3 | 2) + varint(len(value)) + value if value else b""


def message(tag, payload=b""):
    return field(1, tag) + field(2, payload)


def frame(body, flag=0, length=None):
    """A gRPC message: flag, length, body. `length` lies if given."""
    return struct.pack(">BI", flag, len(body) if length is None else length) + body


def hop(identity, latency):
    return field(1, identity) + field(2, latency)


def raw_route(prefix, length, hops, more=b""):
    """A route of these bytes; `hops` = [(id bytes, latency)]."""
    return field(1, prefix) + field(2, length) + b"".join(field(3, hop(*h)) for h in hops) + more


def route(text, hops, more=b""):
    """A route to a prefix in text, host bits kept as they are."""
    address, _, length = text.partition("/")
    return raw_route(ipaddress.IPv6Address(address).packed, int(length), hops, more)


def announcement(routes):
    return b"".join(field(1, r) for r in routes)


def many_routes(count, hops, start=0, base="2a00::", length=64):
    """An announcement of `count` different prefixes, quickly."""
    first = int(ipaddress.IPv6Address(base)) >> (128 - length)
    tail = field(2, length) + b"".join(field(3, hop(*h)) for h in hops)
    shift = 128 - length
    size = varint(2 + 16 + len(tail))
    head = b"\x0a" + size + b"\x0a\x10"
    return b"".join(head + ((first + start + i) << shift).to_bytes(16, "big") + tail for i in range(count))


def prefix_at(index, base="2a00::", length=64):
    """The text of the prefix that `many_routes` puts at `index`."""
    shift = 128 - length
    return f"{ipaddress.IPv6Address(((int(ipaddress.IPv6Address(base)) >> shift) + index) << shift)}/{length}"


def encode_config(version, certificate, content):
    return field(1, version) + field(2, certificate) + field(3, content)


def decode(body):
    """{field number: last value} of one flat message."""
    found, at = {}, 0
    while at < len(body):
        key, at = read_varint(body, at)
        if key & 7 == 0:
            found[key >> 3], at = read_varint(body, at)
        elif key & 7 == 2:
            size, at = read_varint(body, at)
            found[key >> 3] = body[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {key & 7}")
    return found


def repeated(body, number):
    """Every length-delimited value of one field."""
    at = 0
    while at < len(body):
        key, at = read_varint(body, at)
        if key & 7 == 0:
            _, at = read_varint(body, at)
            continue
        size, at = read_varint(body, at)
        if key >> 3 == number:
            yield body[at:at + size]
        at += size


def read_varint(body, at):
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def routes_of(payload):
    """[(prefix text, [(hop id, latency)])] of an announcement."""
    found = []
    for body in repeated(payload, 1):
        flat = decode(body)
        path = [(h.get(1, b""), h.get(2, 0)) for h in map(decode, repeated(body, 3))]
        found.append((f"{ipaddress.IPv6Address(bytes(flat.get(1, b'')))}/{flat.get(2, 0)}", path))
    return found
