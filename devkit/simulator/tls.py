"""The simulator's certificate authority and server certificate."""

import ipaddress
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devkit.durable import files as durable
from devkit.durable.regular_file import read_regular_file
from devkit.errors import ConfigurationError

# The last is Vonage's own: a hosts file can send a program here that knows no other name.
_HOSTS = ("localhost", "rest.nexmo.com")
_ADDRESSES = ("127.0.0.1", "::1")

_LIFETIME = timedelta(days=820)  # Apple's systems take no certificate of more than 825 days
_SPARE = timedelta(days=7)  # no session is longer
_EARLIER = timedelta(days=1)  # for clocks that are late


def issue(now: datetime) -> bytes:
    """A new server key, its certificate, and the certificate of the authority, as PEM in this order."""
    authority_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    authority = _authority(authority_key, now)
    server = _server(server_key, authority, authority_key, now)
    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + _pem(server) + _pem(authority)


def authority_of(issued: bytes) -> bytes:
    """The certificate to trust, as PEM."""
    return _pem(x509.load_pem_x509_certificates(issued)[-1])


def is_usable(issued: bytes, now: datetime) -> bool:
    """Whether this came from `issue`, for the names of today, and lasts for a session."""
    try:
        server, authority = x509.load_pem_x509_certificates(issued)
        server.verify_directly_issued_by(authority)
        key = serialization.load_pem_private_key(issued, None)
        names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    whole = key.public_key() == server.public_key() and names == x509.SubjectAlternativeName(_names())
    return whole and server.not_valid_before_utc <= now <= server.not_valid_after_utc - _SPARE


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("devkit simulator, authority of this project only")
    usage = _usage(key_cert_sign=True, crl_sign=True)
    limits = x509.NameConstraints(permitted_subtrees=_limits(), excluded_subtrees=None)
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(limits, critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(_name("devkit simulator"), authority.subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names()), critical=False)
        .add_extension(identifier, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _names() -> list[x509.GeneralName]:
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
    return [*(x509.DNSName(host) for host in _HOSTS), *addresses]


def _limits() -> list[x509.GeneralName]:
    networks = [x509.IPAddress(ipaddress.ip_network(address)) for address in _ADDRESSES]
    return [*(x509.DNSName(host) for host in _HOSTS), *networks]


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


_MAX_SIZE = 4 * 1024 * 1024  # bytes; what programs usually trust has some hundred thousand


@dataclass(frozen=True, slots=True)
class Trust:
    """identity: the server's key and certificates, for nobody else. authority: the certificate to trust.
    bundle: the same, after all that programs usually trust.
    """

    identity: Path
    authority: Path
    bundle: Path

    def context(self) -> ssl.SSLContext:
        """What the server's side of a connection is opened with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.identity)
        return context


def trust_in(directory: Path, now: datetime) -> Trust:
    """The files in a directory, made when they are missing, broken or about to expire. Raises ConfigurationError.

    What is to be trusted changes only with the key.
    """
    # Here, because it takes long to import, and only --tls needs it.

    trust = Trust(directory / "server.pem", directory / "ca.pem", directory / "bundle.pem")
    try:
        durable.make_directory(directory)
        authority = authority_of(_identity(trust.identity, now))
        _keep(trust.authority, authority)
        _keep(trust.bundle, _usual() + authority)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot keep certificates in {directory}: {error.strerror}.",
            hint="Make it a directory that you can write to, or leave out --tls.",
        ) from error
    return trust


def _identity(path: Path, now: datetime) -> bytes:

    with suppress(FileNotFoundError):
        kept = read_regular_file(path, _MAX_SIZE)
        if is_usable(kept, now):
            return kept
        durable.remove(path)
    with suppress(FileExistsError):  # another simulator was quicker
        durable.create(path, issue(now))
    return read_regular_file(path, _MAX_SIZE)


def _keep(path: Path, data: bytes) -> None:
    with suppress(FileNotFoundError):
        if read_regular_file(path, _MAX_SIZE) == data:
            return
    durable.replace(path, data)


def _usual() -> bytes:
    # What requests trusts without REQUESTS_CA_BUNDLE: so a program still reaches the rest of the world.
    import certifi

    return Path(certifi.where()).read_bytes()
