"""Certificates of every kind that a mesh meets: as v1's scripts made them, as ours do, and as an enemy would.

Keys are Ed25519, P-256 or RSA. Version 1 certificates come from the openssl program, which is what v1 networks used;
everything else is made by `cryptography`, and what that refuses to make (a NUL in a name, serial 0) is patched into
the bytes to be signed and signed again. `sign_config` makes distributed configs, good ones and twisted ones.
"""
import datetime
import hashlib
import ipaddress
import json
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from messages import encode_config

DOMAIN = "vnet.example.com"


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def new_key(kind):
    return {"ed25519": ed25519.Ed25519PrivateKey.generate,
            "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "rsa2048": lambda: rsa.generate_private_key(65537, 2048)}[kind]()


def _hash(key):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


@dataclass
class Identity:
    """A certificate with its key, in memory and as files."""
    name: str
    der: bytes
    key: object
    cert_path: Path
    key_path: Path

    @property
    def id(self):
        return hashlib.sha256(self.der).hexdigest()

    @property
    def id_bytes(self):
        return hashlib.sha256(self.der).digest()

    @property
    def pem(self):
        return self.cert_path.read_text()


def _subject(common_name):
    return x509.Name([] if common_name is None else [x509.NameAttribute(NameOID.COMMON_NAME, common_name,
                                                                        _validate=False)])


class CA:
    """An authority that signs whatever it is asked to."""

    def __init__(self, folder, name="Test mesh CA", key="ed25519"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key, self.name, self.serial = new_key(key), _subject(name), 1000
        start = now() - datetime.timedelta(days=1)
        self.cert = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, _hash(self.key)))
        self.cert_path, self.key_path = self.folder / "ca.crt", self.folder / "ca.key"
        self.cert_path.write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))
        self.key_path.write_bytes(key_pem(self.key))
        self.key_path.chmod(0o600)

    def as_identity(self):
        """The CA's own certificate, to be misused as a node's."""
        return Identity("ca", self.cert.public_bytes(serialization.Encoding.DER), self.key, self.cert_path,
                        self.key_path)

    def _builder(self, subject, public, start, end, extensions):
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
                   .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder

    def node(self, name, key="ed25519", file=None, san=True, start=None, end=None, lifetime=None, extensions=(),
             patch=None, existing_key=None):
        """A node's certificate. `lifetime` in seconds from now; `patch` = (bytes, bytes) of equal length, put into
        the bytes to be signed."""
        start = start or now() - datetime.timedelta(hours=1)
        end = end or (now() + datetime.timedelta(seconds=lifetime) if lifetime else now() + datetime.timedelta(days=30))
        private = existing_key or new_key(key)
        extensions = list(extensions)
        if san and name and not any(isinstance(e, x509.SubjectAlternativeName) for e, _ in extensions):
            extensions.append((x509.SubjectAlternativeName([x509.DNSName(name)]), False))
            extensions.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                      ExtendedKeyUsageOID.CLIENT_AUTH]), False))
        cert = self._builder(_subject(name), private.public_key(), start, end, extensions).sign(self.key,
                                                                                                _hash(self.key))
        der = cert.public_bytes(serialization.Encoding.DER)
        if patch:
            der = self._signed_again(cert, *patch)
        return self.store(file or name, name, der, private)

    def _signed_again(self, cert, old, new):
        assert len(old) == len(new) and isinstance(self.key, ed25519.Ed25519PrivateKey)
        body = cert.tbs_certificate_bytes
        assert body.count(old) == 1, f"{old!r} stands {body.count(old)} times in the certificate"
        body = body.replace(old, new)
        algorithm = bytes.fromhex("300506032b6570")
        return _sequence(body + algorithm + b"\x03\x41\x00" + self.key.sign(body))

    def v1_node(self, name, key="ed25519"):
        """As v1's scripts make it: X.509 version 1, no extension at all."""
        private = new_key(key)
        key_path = self.folder / f"{name}.key"
        key_path.write_bytes(key_pem(private))
        key_path.chmod(0o600)
        cert_path = self.folder / f"{name}.crt"
        self.serial += 1
        request = subprocess.run(["openssl", "req", "-new", "-key", key_path, "-subj", f"/CN={name}"],
                                 check=True, capture_output=True).stdout
        subprocess.run(["openssl", "x509", "-req", "-CA", self.cert_path, "-CAkey", self.key_path, "-days", "30",
                        "-set_serial", str(self.serial), "-out", cert_path], input=request, check=True,
                       capture_output=True)
        cert = x509.load_pem_x509_certificate(cert_path.read_bytes())
        assert cert.version == x509.Version.v1, "this openssl adds extensions of its own"
        return Identity(name, cert.public_bytes(serialization.Encoding.DER), private, cert_path, key_path)

    def store(self, file, name, der, key):
        safe = "".join(c if c.isalnum() or c in ".-" else "_" for c in (file or "unnamed"))[:60] or "unnamed"
        number = len(list(self.folder.glob("*.crt")))
        cert_path, key_path = self.folder / f"{number}-{safe}.crt", self.folder / f"{number}-{safe}.key"
        cert_path.write_text(ssl.DER_cert_to_PEM_cert(der))
        key_path.write_bytes(key_pem(key))
        key_path.chmod(0o600)
        return Identity(name, der, key, cert_path, key_path)

    def sign_config(self, content, start=None, end=None, uri=None, common_name=None, names=None, ca=False, issuer=None,
                    key_usage=True, serial_zero=True):
        """A distributed config's bytes. `content`: an object, or bytes as they are. The rest twists the signer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        start = start or now()
        end = end or start + datetime.timedelta(days=365)
        signer = new_key("ed25519")
        uri = uri or "vnet-conf://" + hashlib.sha256(body).hexdigest()
        extensions = [(x509.SubjectAlternativeName(names or [x509.UniformResourceIdentifier(uri)]), False)]
        if ca:
            extensions.append((x509.BasicConstraints(ca=True, path_length=None), True))
        if key_usage:
            extensions.append((x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False,
                                             content_commitment=False, key_encipherment=False, data_encipherment=False,
                                             key_agreement=False, encipher_only=False, decipher_only=False), True))
        issuer_name = issuer_certificate(issuer).subject if issuer else self.name
        issuer_key = issuer.key if issuer else self.key
        builder = (x509.CertificateBuilder().subject_name(_subject(common_name)).issuer_name(issuer_name)
                   .public_key(signer.public_key()).serial_number(1).not_valid_before(start).not_valid_after(end))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        cert = builder.sign(issuer_key, _hash(issuer_key))
        der = cert.public_bytes(serialization.Encoding.DER)
        if serial_zero and not issuer and isinstance(self.key, ed25519.Ed25519PrivateKey):
            der = self._signed_again(cert, bytes.fromhex("a0030201020201" + "01"), bytes.fromhex("a0030201020201" + "00"))
        self.signer = Identity("signer", der, signer, None, None)
        return encode_config(1, der, body)


def issuer_certificate(identity):
    return x509.load_der_x509_certificate(identity.der)


def issued_by_leaf(leaf, name, folder_ca):
    """A certificate that a node's own certificate "signed": nobody may accept it."""
    private = new_key("ed25519")
    cert = (x509.CertificateBuilder().subject_name(_subject(name)).issuer_name(issuer_certificate(leaf).subject)
            .public_key(private.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now() - datetime.timedelta(hours=1)).not_valid_after(now() + datetime.timedelta(days=9))
            .sign(leaf.key, _hash(leaf.key)))
    made = folder_ca.store(name, name, cert.public_bytes(serialization.Encoding.DER), private)
    made.cert_path.write_text(made.cert_path.read_text() + leaf.pem)
    return made


def self_signed(folder, name, key="ed25519"):
    """A certificate under nobody; good for an external peer, nothing else."""
    authority = CA(Path(folder) / f"self-{name}", name=name, key=key)
    cert = (x509.CertificateBuilder().subject_name(authority.name).issuer_name(authority.name)
            .public_key(authority.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now() - datetime.timedelta(hours=1)).not_valid_after(now() + datetime.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
            .sign(authority.key, _hash(authority.key)))
    return authority.store(name, name, cert.public_bytes(serialization.Encoding.DER), authority.key)


def _sequence(body):
    size = len(body)
    head = bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return b"\x30" + head + body


def host_bits(prefix):
    """A prefix's (16 bytes, length), host bits kept: for announcements that must be refused."""
    address, _, length = prefix.partition("/")
    return ipaddress.IPv6Address(address).packed, int(length)
