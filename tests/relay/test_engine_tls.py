"""The engine over TLS: who it is, is checked before it gets a password."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from devkit.errors import RelayError
from tests.support.fake_engine import engine_at
from tests.support.redis_server import redis_server

ENTRY = {b"v": b"1"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[int]:
    """That of an engine whose certificate is for localhost."""
    directory = tmp_path_factory.mktemp("tls")
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    files = {f"tls-{name}-file": f"{name}.pem" for name in ("cert", "key")} | {"tls-ca-cert-file": "ca.pem"}
    with redis_server(directory, **files, **{"tls-port": str(number), "tls-auth-clients": "no"}):
        yield number


def test_an_engine_with_the_right_certificate_is_used(
    port: int, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with engine_at(f"rediss://localhost:{port}?ssl_ca_certs={tmp_path / 'ca.pem'}", "tls") as engine:
        (kept,) = engine.append([ENTRY])

        assert [each.id for each in engine.read("", 0, 10)] == [kept]
        assert str(engine.url).startswith("rediss://localhost")


def test_another_name_than_the_certificates_is_refused(
    port: int, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    url = f"rediss://ada:s3cret-pass@127.0.0.1:{port}?ssl_ca_certs={tmp_path / 'ca.pem'}"
    with pytest.raises(RelayError, match="certificate") as error, engine_at(url, "tls"):
        pass

    assert "s3cret-pass" not in error.value.message


def test_an_unknown_authority_is_refused(port: int, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    for url in (
        f"rediss://localhost:{port}",
        f"rediss://localhost:{port}?ssl_ca_certs={tmp_path / 'other.pem'}",
    ):
        with pytest.raises(RelayError, match="certificate"), engine_at(url, "tls"):
            pass
