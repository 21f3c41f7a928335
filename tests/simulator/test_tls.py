import gc
import socket
import ssl
import stat
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest

from devkit.errors import ConfigurationError
from devkit.http.request import WSGIApplication, callback_of
from devkit.http.server import listen, serve
from devkit.simulator import Simulator, SimulatorOptions, run_simulator, tls
from devkit.simulator.occurrences import Occurrence, TlsHandshakeFailed
from devkit.simulator.options import Fault
from devkit.simulator.tls import Trust, authority_of, is_usable, issue, tls_channel, trust_in
from tests.support.raw_socket import DEADLINE, answer_on, read_to_end, wait_until

NOW = datetime.now(UTC)
BALANCE = b"GET /account/get-balance?api_key=abcd1234&api_secret=S3cretSimulator HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return trust_in(tmp_path_factory.mktemp("project") / ".devkit" / "ca", NOW)


@pytest.fixture
def simulator(trust: Trust) -> Iterator[Simulator]:
    with run_simulator(tls=trust.context()) as running:
        yield running


def place(simulator: Simulator) -> tuple[str, int]:
    host, _, port = simulator.host.partition(":")
    return host, int(port)


@contextmanager
def secure(at: tuple[str, int], trust: Trust, name: str = "127.0.0.1") -> Iterator[ssl.SSLSocket]:
    """A connection that checks the certificate for this name as strictly as OpenSSL can."""
    context = ssl.create_default_context(cafile=str(trust.authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(at, DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        yield wrapped


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "localhost", "rest.nexmo.com", "api.nexmo.com"])
def test_the_certificate_is_good_for_each_name_of_the_simulator(
    simulator: Simulator, trust: Trust, name: str
) -> None:
    with secure(place(simulator), trust, name) as connection:
        connection.sendall(BALANCE)
        assert answer_on(connection)[0] == 200


@pytest.mark.parametrize("name", ["api.example.com", "example.com", "127.0.0.2"])
def test_the_certificate_is_good_for_no_other_name(simulator: Simulator, trust: Trust, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError), secure(place(simulator), trust, name):
        pass


def test_one_port_takes_https_and_plain_http_on_kept_alive_connections(
    simulator: Simulator, trust: Trust
) -> None:
    with (
        secure(place(simulator), trust) as encrypted,
        socket.create_connection(place(simulator), DEADLINE) as plain,
    ):
        for connection in (encrypted, plain, encrypted, plain):
            connection.sendall(BALANCE)
            assert answer_on(connection)[0] == 200


COPIES = 50  # of the body of a request, in the response


def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [environ["wsgi.input"].read() * COPIES]


@contextmanager
def serving(
    trust: Trust,
    app: WSGIApplication = echo,
    *,
    timeout: float = 30,
    on_close: Callable[[], None] | None = None,
) -> Iterator[tuple[str, int]]:
    """An application behind the simulator's connections, and where it is. on_close: called for each that closes."""

    class Watched(tls_channel(trust.context(), print)):  # type: ignore[misc]
        def del_channel(self, *args) -> None:
            super().del_channel(*args)
            if on_close:
                on_close()

    listener = listen("127.0.0.1", 0)
    at = listener.getsockname()
    with serve(app, listener, channel=Watched, timeout=timeout):
        yield at


def posted(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def test_a_closed_connection_says_that_nothing_is_missing(trust: Trust) -> None:
    context = ssl.create_default_context(cafile=str(trust.authority))
    with (
        serving(trust) as at,
        socket.create_connection(at, DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as connection,
    ):
        connection.sendall(posted(b"y"))
        assert read_to_end(connection).endswith(b"y")  # else it raises SSLEOFError


# 12,000 bytes are one TLS record, which is more than the server reads at once.
@pytest.mark.parametrize("size", [12_000, 64 * 1024])
def test_a_large_body_passes_whole_and_both_ways(trust: Trust, size: int) -> None:
    with serving(trust) as at, secure(at, trust) as connection:
        connection.sendall(posted(b"y" * size))
        answer = read_to_end(connection)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"y" * size * COPIES


@pytest.mark.parametrize("rudely", [False, True])
def test_the_connection_of_a_client_that_goes_is_closed(trust: Trust, rudely: bool) -> None:
    closed = threading.Event()
    with serving(trust, on_close=closed.set) as at:
        with secure(at, trust) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert answer_on(connection)[0] == 200
            assert not closed.is_set()
            if rudely:  # with a reset instead of a good-bye
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                with suppress(OSError):
                    connection.unwrap()
        assert closed.wait(DEADLINE)


CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # its beginning


@pytest.mark.parametrize("sent", [b"", CLIENT_HELLO])
def test_a_stalled_handshake_is_closed(trust: Trust, sent: bytes) -> None:
    with serving(trust, timeout=0.2) as at, socket.create_connection(at, DEADLINE) as stalled:
        stalled.sendall(sent)
        assert read_to_end(stalled) == b""


def test_a_slow_handshake_does_not_extend_its_time_limit(trust: Trust) -> None:
    now = time.monotonic()
    with serving(trust, timeout=0.3) as at, socket.create_connection(at, DEADLINE) as slow:
        slow.settimeout(0.05)
        sent = 0
        with suppress(ConnectionError):
            for byte in CLIENT_HELLO * 40:
                slow.sendall(bytes([byte]))
                sent += 1
                with suppress(TimeoutError):
                    if slow.recv(1) == b"":
                        break

    assert 0 < sent < len(CLIENT_HELLO) * 40
    assert time.monotonic() - now < 10


def test_a_simulated_hang_up_hangs_up_under_tls_too(trust: Trust) -> None:
    options = SimulatorOptions(faults=(Fault("hang-up"),))
    with (
        run_simulator(options, tls=trust.context()) as simulator,
        secure(place(simulator), trust) as connection,
    ):
        connection.sendall(b"POST /account/settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        assert read_to_end(connection) == b""


def distrust(simulator: Simulator) -> None:
    with (
        socket.create_connection(place(simulator), DEADLINE) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_program_that_does_not_trust_is_reported_once(trust: Trust) -> None:
    seen: list[Occurrence] = []
    with run_simulator(tls=trust.context(), watch=seen.append) as simulator:
        distrust(simulator)
        wait_until(lambda: bool(seen))
        distrust(simulator)  # a program may try again and again
        with secure(place(simulator), trust) as connection:
            connection.sendall(BALANCE)
            assert answer_on(connection)[0] == 200

    assert seen == [TlsHandshakeFailed("TLSV1_ALERT_UNKNOWN_CA")]


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x05hello", b"\x16" * 300, b"\x00\x00", b""])
def test_garbage_does_not_affect_other_connections(simulator: Simulator, trust: Trust, data: bytes) -> None:
    with socket.create_connection(place(simulator), DEADLINE) as connection:
        connection.sendall(data)
        with suppress(OSError):  # it may be closed already
            connection.shutdown(socket.SHUT_WR)
        read_to_end(connection)

    with secure(place(simulator), trust) as connection:
        connection.sendall(BALANCE)
        assert answer_on(connection)[0] == 200


def test_connections_that_are_open_at_the_end_are_closed(trust: Trust) -> None:
    before = set(threading.enumerate())
    with serving(trust) as at:
        with_tls = secure(at, trust)
        connection = with_tls.__enter__()
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert answer_on(connection)[0] == 200
        silent, stalled = (socket.create_connection(at, DEADLINE) for _ in range(2))
        stalled.sendall(CLIENT_HELLO)
    for client in (connection, silent, stalled):
        with suppress(ConnectionResetError):
            assert read_to_end(client) == b""
        client.close()
    with_tls.__exit__(None, None, None)

    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(at, DEADLINE)


def test_a_connection_that_comes_as_the_server_closes_is_closed_too(trust: Trust) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(100):
            with serving(trust) as at:
                late = socket.create_connection(at, DEADLINE)
            late.close()
        gc.collect()

    assert [str(warning.message) for warning in caught] == []


def test_files_are_private_and_stay_across_restarts(tmp_path: Path) -> None:
    directory = tmp_path / ".devkit" / "ca"

    first = trust_in(directory, NOW)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    second = trust_in(directory, NOW + timedelta(days=700))

    assert first == second
    assert before == {path.name: path.read_bytes() for path in directory.iterdir()}
    assert sorted(before) == ["bundle.pem", "ca.pem", "server.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_the_bundle_trusts_the_usual_authorities_too(trust: Trust) -> None:
    assert trust.bundle.read_bytes() == Path(certifi.where()).read_bytes() + trust.authority.read_bytes()


def test_no_file_holds_the_key_of_the_authority(trust: Trust) -> None:
    keys = [path.name for path in trust.identity.parent.iterdir() if b"PRIVATE KEY" in path.read_bytes()]

    assert keys == ["server.pem"]
    assert trust.identity.read_bytes().count(b"PRIVATE KEY") == 2  # where it begins, and where it ends
    trust.context()  # which refuses a key that does not belong to the first certificate, the server's


@pytest.mark.parametrize(
    "broken", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_broken_file_is_replaced(tmp_path: Path, broken: bytes) -> None:
    trust = trust_in(tmp_path, NOW)
    trust.identity.write_bytes(broken)

    again = trust_in(tmp_path, NOW)

    assert is_usable(again.identity.read_bytes(), NOW)
    assert again.authority.read_bytes() == authority_of(again.identity.read_bytes())
    assert again.bundle.read_bytes().endswith(again.authority.read_bytes())


def test_a_certificate_that_is_about_to_expire_is_replaced(tmp_path: Path) -> None:
    former = trust_in(tmp_path, NOW).authority.read_bytes()
    later = NOW + timedelta(days=815)

    assert trust_in(tmp_path, later).authority.read_bytes() != former


def test_simulators_that_start_together_renew_a_certificate_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust_in(tmp_path, NOW)
    later = NOW + timedelta(days=815)
    issued: list[bytes] = []

    def issue_slowly(now: datetime) -> bytes:
        issued.append(issue(now))
        time.sleep(0.2)  # in which the others find the old certificate
        return issued[-1]

    monkeypatch.setattr(tls, "issue", issue_slowly)
    with ThreadPoolExecutor(4) as pool:
        trusts = list(pool.map(lambda _: trust_in(tmp_path, later), range(4)))

    assert [trust.identity.read_bytes() for trust in trusts] == issued * 4
    assert trusts[0].authority.read_bytes() == authority_of(issued[0])


def test_parts_of_two_authorities_are_not_usable() -> None:
    one, other = issue(NOW), issue(NOW)
    mark = b"-----BEGIN CERTIFICATE-----"

    def parts(issued: bytes) -> list[bytes]:
        key, *certificates = issued.split(mark)
        return [key, *(mark + certificate for certificate in certificates)]

    for swapped in range(3):
        mixed = parts(one)
        mixed[swapped] = parts(other)[swapped]
        assert not is_usable(b"".join(mixed), NOW)
    assert is_usable(one, NOW)
    assert not is_usable(one, NOW - timedelta(days=2))


def test_a_directory_that_cannot_be_made_is_an_error_message(tmp_path: Path) -> None:
    (tmp_path / ".devkit").write_text("in the way")

    with pytest.raises(ConfigurationError, match=r"Cannot keep certificates in .*ca: Not a directory"):
        trust_in(tmp_path / ".devkit" / "ca", NOW)


def test_a_browser_is_not_told_to_use_https_for_all_of_localhost(simulator: Simulator, trust: Trust) -> None:
    found = []
    for host in (b"localhost:3050", b"127.0.0.1:3050", b"rest.nexmo.com"):
        with secure(place(simulator), trust) as connection:
            connection.sendall(BALANCE.replace(b"localhost", host))
            found.append("Strict-Transport-Security" in answer_on(connection)[1])

    assert found == [False, True, True]


def test_silent_clients_do_not_block_others(simulator: Simulator, trust: Trust) -> None:
    silent = [socket.create_connection(place(simulator), DEADLINE) for _ in range(40)]
    try:
        with secure(place(simulator), trust) as connection:
            connection.sendall(BALANCE)
            assert answer_on(connection)[0] == 200
    finally:
        for client in silent:
            client.close()


def test_a_request_over_tls_arrives_as_it_was_sent(trust: Trust) -> None:
    arrived = []

    def keep(environ, start_response):
        arrived.append(callback_of(environ, b"")[0])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with serving(trust, keep) as at, secure(at, trust) as connection:
        connection.sendall(b"GET /a?b=%20c HTTP/1.1\r\nX-Odd: 1\r\nx-odd: 2\r\n\r\n")
        assert answer_on(connection)[0] == 200

    assert arrived[0].target == "/a?b=%20c"
    assert arrived[0].headers == (("X-Odd", "1"), ("x-odd", "2"))


def test_only_https_imports_the_library_that_makes_certificates() -> None:
    code = """
import sys
import devkit.cli.simulate, devkit.session.run
from devkit.simulator import run_simulator
with run_simulator():
    print({"trustme"} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
