import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.errors import TunnelError
from devkit.tunnel.ngrok import NgrokOptions, ngrok_tunnel
from devkit.tunnel.process import find_process
from devkit.tunnel.types import OpenTunnel
from tests.support.event_recorder import EventRecorder
from tests.support.recording_server import RecordingServer, Response, recording_server
from tests.support.standin import standin_pid, standin_state, steer_standin

TOKEN = "2TESTtokenTESTtokenTESTtoken_5TESTtokenTESTtoken"
SESSION = """
import sys
from pathlib import Path
from devkit.tunnel.ngrok import NgrokOptions, ngrok_tunnel
options = NgrokOptions(Path(sys.argv[1]), agent_path=Path(sys.argv[2]))
opened = ngrok_tunnel(options, notify=print, stopping=lambda: False)(sys.argv[3])
"""


@pytest.fixture
def upstream() -> Iterator[RecordingServer]:
    with recording_server(lambda request: Response(body=b"kept")) as server:
        yield server


@pytest.fixture
def private_dir(tmp_path: Path) -> Path:
    return tmp_path / "private"


@pytest.fixture
def tunnel(agent: Path, private_dir: Path) -> OpenTunnel:
    options = NgrokOptions(private_dir, authtoken=TOKEN, agent_path=agent)
    return ngrok_tunnel(options, notify=EventRecorder(), stopping=lambda: False)


def exchange(url: str, request: bytes) -> bytes:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_requests_reach_the_local_server_to_the_byte(tunnel: OpenTunnel, upstream: RecordingServer) -> None:
    target = "/dlr/%7Etoken?to=AcmeInc&text=a%20b+c&&x=%C3%A9&x="
    head = f"POST {target} HTTP/1.1\r\nhOST: dlr.example.test\r\nX-Two: 1\r\nAccept: */*\r\nX-Two: 2\r\n"
    body = bytes(range(256))

    with tunnel(upstream.url) as opened:
        request = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        answer = exchange(opened.public_url, request)
        exchange(opened.public_url, b"GET /probe HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")

    assert answer.endswith(b"\r\n\r\nkept")
    sent, probe = upstream.arrived
    assert (sent.method, sent.target, sent.body) == ("POST", target, body)
    assert sent.headers[:4] == (
        ("hOST", "dlr.example.test"),
        ("X-Two", "1"),
        ("Accept", "*/*"),
        ("X-Two", "2"),
    )
    assert (probe.method, probe.target) == ("GET", "/probe")


def test_closing_leaves_no_process_and_no_file(
    tunnel: OpenTunnel, agent: Path, private_dir: Path, upstream: RecordingServer
) -> None:
    with tunnel(upstream.url):
        pid = running_pid(agent)

    assert find_process(pid) is None
    assert list(private_dir.iterdir()) == []


def test_an_exception_in_the_session_closes_too(
    tunnel: OpenTunnel, agent: Path, private_dir: Path, upstream: RecordingServer
) -> None:
    with pytest.raises(KeyboardInterrupt), tunnel(upstream.url):
        raise KeyboardInterrupt

    assert find_process(running_pid(agent, alive=False)) is None
    assert list(private_dir.iterdir()) == []


def test_the_endpoint_is_closed_before_the_agent(
    tmp_path: Path, agent: Path, upstream: RecordingServer
) -> None:
    # A fixed domain stays taken for a while otherwise, and the next start meets ERR_NGROK_334.
    options = NgrokOptions(tmp_path / "private", agent_path=agent)

    with ngrok_tunnel(options, notify=EventRecorder(), stopping=lambda: False)(upstream.url):
        assert "closed" not in standin_state(agent)

    assert standin_state(agent)["closed"] is True


def test_the_authtoken_is_in_a_private_file_and_on_no_command_line(
    tunnel: OpenTunnel, agent: Path, private_dir: Path, upstream: RecordingServer
) -> None:
    with tunnel(upstream.url):
        state = standin_state(agent)
        (config,) = private_dir.glob("agent-*/ngrok.yml")
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (config, config.parent, private_dir)]

    assert state["token_from"] == "config"
    assert TOKEN not in str(state["argv"])
    assert modes == [0o600, 0o700, 0o700]


def test_an_authtoken_in_the_environment_stays_off_the_command_line(
    tunnel: OpenTunnel, agent: Path, upstream: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NGROK_AUTHTOKEN", TOKEN)  # which pyngrok looks for by itself

    with tunnel(upstream.url):
        words = str(standin_state(agent)["argv"])

    assert "'start'" in words
    assert TOKEN not in words
    assert "--authtoken" not in words


def test_options_do_not_show_the_authtoken(tmp_path: Path) -> None:
    assert TOKEN not in repr(NgrokOptions(tmp_path, authtoken=TOKEN))


@pytest.mark.parametrize("has_own_config", [True, False])
def test_without_an_authtoken_the_users_own_configuration_counts(
    tmp_path: Path, agent: Path, upstream: RecordingServer, has_own_config: bool
) -> None:
    config = tmp_path / "home" / "ngrok" / "ngrok.yml"
    if has_own_config:
        config.parent.mkdir(parents=True)
        config.write_text(f'version: "3"\nagent:\n  authtoken: {TOKEN}\n')
    before = config.read_text() if has_own_config else None

    # In a process of its own: pyngrok looks up where the file is when it is imported.
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "home")}
    run_session(f"{SESSION}with opened: pass", agent, upstream.url, home)

    assert ("--config" in str(standin_state(agent)["argv"])) is not has_own_config
    assert (config.read_text() if config.exists() else None) == before


def test_ctrl_c_on_the_terminal_does_not_reach_the_agent(
    tunnel: OpenTunnel, agent: Path, upstream: RecordingServer
) -> None:
    with tunnel(upstream.url):
        assert os.getsid(running_pid(agent)) == running_pid(agent)


def test_proxies_of_the_environment_do_no_harm_and_stay_as_they_were(
    agent: Path, upstream: RecordingServer
) -> None:
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy")
    proxies = {**dict.fromkeys(names, "http://127.0.0.1:9"), "NO_PROXY": "internal.example.com"}

    # In a process of its own: urllib looks for proxies once, at its first request.
    program = (
        f"import os\n{SESSION}"
        "before = dict(os.environ)\n"
        "with opened: assert before == dict(os.environ)\n"
        "assert before == dict(os.environ)\n"
    )
    run_session(program, agent, upstream.url, proxies)

    assert standin_state(agent)["closed"] is True


def test_an_older_agent_is_driven_through_its_tunnels_api(
    tunnel: OpenTunnel, upstream: RecordingServer, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAULT", "no-endpoints-api")

    with tunnel(upstream.url) as opened:
        exchange(opened.public_url, b"GET /old HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")

    assert upstream.arrived[0].target == "/old"
    assert "addr" in requested(agent)


@pytest.mark.parametrize("given", ["dlr.example.com", "https://dlr.example.com/"])
@pytest.mark.parametrize(
    ("fault", "key", "value"),
    [("", "url", "https://dlr.example.com"), ("no-endpoints-api", "domain", "dlr.example.com")],
)
def test_a_fixed_domain_is_asked_for(
    tmp_path: Path,
    agent: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    fault: str,
    key: str,
    value: str,
) -> None:
    monkeypatch.setenv("STANDIN_FAULT", fault)
    options = NgrokOptions(tmp_path / "private", url=given, agent_path=agent)

    with ngrok_tunnel(options, notify=EventRecorder(), stopping=lambda: False)(
        "http://127.0.0.1:9"
    ) as opened:
        assert opened.public_url == "https://dlr.example.com"

    assert requested(agent)[key] == value


def test_a_public_url_in_plain_http_is_refused(
    tunnel: OpenTunnel, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_URL", "http://dlr.example.test")

    with (
        pytest.raises(TunnelError, match="its URL is plain http"),
        tunnel("http://127.0.0.1:9"),
    ):
        pass

    assert find_process(running_pid(agent, alive=False)) is None


def test_a_flood_of_log_lines_does_not_stop_the_agent(
    tunnel: OpenTunnel, agent: Path, upstream: RecordingServer
) -> None:
    with tunnel(upstream.url) as opened:
        steer_standin(agent, "log?3000")  # about 1 MB; a pipe holds 64 KiB
        exchange(opened.public_url, b"GET / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")

    assert len(upstream.arrived) == 1


def test_two_tunnels_do_not_share_an_agent(tunnel: OpenTunnel, upstream: RecordingServer) -> None:
    with tunnel(upstream.url) as one, tunnel(upstream.url) as other:
        assert one.public_url != other.public_url


def run_session(program: str, agent: Path, local_url: str, environment: dict[str, str]) -> None:
    words = [sys.executable, "-c", program, str(agent.parent / "private"), str(agent), local_url]
    kept = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    subprocess.run(words, check=True, timeout=60, env={**kept, **environment})


def requested(agent: Path) -> dict[str, object]:
    found = standin_state(agent)["requested"]
    assert isinstance(found, dict)
    return found


def running_pid(agent: Path, alive: bool = True) -> int:
    pid = standin_pid(agent)
    assert not alive or find_process(pid) is not None
    return pid
