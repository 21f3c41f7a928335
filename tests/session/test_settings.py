import re
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.session import settings
from devkit.session.settings import Settings, read_settings
from devkit.session.start_checks import unknown_setting

ROOT = Path(__file__).parents[2]
PAIR = {"VONAGE_API_KEY": "abcd1234", "VONAGE_API_SECRET": "the-api-secret"}

EACH = [
    ("VONAGE_SIGNATURE_SECRET", "the-secret", "signature_secret", "the-secret"),
    ("VONAGE_SIGNATURE_METHOD", "sha256", "signature_method", "sha256"),
    ("VONAGE_SIGNATURE_METHOD", "SHA-512", "signature_method", "sha512"),
    ("VONAGE_SIGNATURE_METHOD", "", "signature_method", "md5hash"),
    ("VONAGE_REST_HOST", "127.0.0.1:4000", "rest_host", "127.0.0.1:4000"),
    ("NGROK_AUTHTOKEN", "the-authtoken", "ngrok_authtoken", "the-authtoken"),
    ("NGROK_URL", "https://dlr.example.com", "ngrok_url", "https://dlr.example.com"),
    ("PYNGROK_NGROK_PATH", "/opt/ngrok", "ngrok_path", "/opt/ngrok"),
    ("DEVKIT_PORT", "0", "port", 0),
    ("DEVKIT_PORT", " 65535 ", "port", 65535),
    ("DEVKIT_INSPECTOR_PORT", "3041", "inspector_port", 3041),
    ("DEVKIT_FORWARD_TO", "localhost:5000/dlr", "forward_to", "localhost:5000/dlr"),
    ("DEVKIT_FORWARD_PRIVATE", "1", "forward_private", True),
    ("DEVKIT_PUBLIC_URL", "https://dlr.example.com", "public_url", "https://dlr.example.com"),
    ("DEVKIT_CALLBACK_TOKEN", "abc-DEF_123-xyz_", "callback_token", "abc-DEF_123-xyz_"),
    ("DEVKIT_CALLBACK_TOKEN", "", "callback_token", ""),
    ("DEVKIT_OFFLINE", "1", "offline", True),
    ("DEVKIT_OFFLINE", "Yes", "offline", True),
    ("DEVKIT_OFFLINE", "off", "offline", False),
    ("DEVKIT_OFFLINE", "", "offline", False),
]


def names_in(path: Path, pattern: str) -> set[str]:
    return set(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(("name", "value", "field", "meant"), EACH)
def test_each_setting_is_read_from_the_environment_and_from_the_file(
    tmp_path: Path, name: str, value: str, field: str, meant: object
) -> None:
    from_environment = read_settings({name: value}, tmp_path)
    (tmp_path / ".env").write_text(f"{name}={value}\n")
    from_file = read_settings({}, tmp_path)

    assert getattr(from_environment, field) == meant
    assert from_environment == from_file


def test_without_any_setting_there_are_defaults(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path) == Settings(fixtures=tmp_path / "fixtures")


def test_fixtures_are_kept_below_the_directory_or_where_a_whole_path_says(tmp_path: Path) -> None:
    assert read_settings({"DEVKIT_FIXTURES": "kept"}, tmp_path).fixtures == tmp_path / "kept"
    assert read_settings({"DEVKIT_FIXTURES": "/srv/kept"}, tmp_path).fixtures == Path("/srv/kept")


def test_the_environment_goes_before_the_file_even_when_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEVKIT_PORT=4000\nNGROK_URL=https://dlr.example.com\nDEVKIT_OFFLINE=1\n")

    read = read_settings({"DEVKIT_PORT": "5000", "NGROK_URL": ""}, tmp_path)

    assert (read.port, read.ngrok_url, read.offline) == (5000, "", True)


def test_both_credentials_or_neither(tmp_path: Path) -> None:
    both = read_settings(PAIR, tmp_path)

    assert (both.api_key, both.api_secret, both.has_credentials) == ("abcd1234", "the-api-secret", True)
    assert not read_settings({}, tmp_path).has_credentials


@pytest.mark.parametrize("missing", PAIR)
def test_half_of_a_pair_names_the_missing_half(tmp_path: Path, missing: str) -> None:
    (given,) = PAIR.keys() - {missing}

    read = read_settings({given: PAIR[given], missing: " ", "DEVKIT_PORT": "4000"}, tmp_path)

    assert read.port == 4000  # what needs no credentials works
    with pytest.raises(ConfigurationError) as caught:
        assert read.has_credentials
    assert caught.value.message == f"{given} is set, but {missing} is missing."
    assert f"{missing}=" in caught.value.hint
    assert PAIR[given] not in caught.value.message + caught.value.hint


def test_the_halves_may_come_from_two_places(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VONAGE_API_SECRET=the-api-secret\n")

    assert read_settings({"VONAGE_API_KEY": "abcd1234"}, tmp_path).has_credentials


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VONAGE_SIGNATURE_METHOD", "sha3"),
        ("DEVKIT_PORT", "65536"),
        ("DEVKIT_PORT", "-1"),
        ("DEVKIT_PORT", "http"),
        ("DEVKIT_PORT", "\u0663\u0660\u0660\u0660"),
        ("DEVKIT_PORT", "9" * 5000),
        ("DEVKIT_INSPECTOR_PORT", "3.5"),
        ("DEVKIT_OFFLINE", "maybe"),
    ],
)
def test_an_invalid_value_is_reported_with_its_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({name: value}, tmp_path)

    assert caught.value.message.startswith(f"{name} is {value!r}")
    assert caught.value.hint


@pytest.mark.parametrize("token", ["a/b", "a b", "a?b", "tök", "a%2e"])
def test_a_token_that_a_url_cannot_hold_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"DEVKIT_CALLBACK_TOKEN": token}, tmp_path)

    assert "DEVKIT_CALLBACK_TOKEN" in caught.value.message
    assert token not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("token", ["a", "abc-DEF_123-xyz"])
def test_a_token_that_can_be_guessed_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"DEVKIT_CALLBACK_TOKEN": token}, tmp_path)

    assert caught.value.message.startswith(f"DEVKIT_CALLBACK_TOKEN has {len(token)} characters")
    assert "abc-DEF" not in caught.value.message + caught.value.hint


def test_a_broken_line_of_the_file_is_reported_by_its_number_only(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# comment\nDEVKIT_PORT=3000\nVONAGE_API_SECRET='the-secret\nNGROK_URL=\n")

    with pytest.raises(ConfigurationError) as caught:
        read_settings({}, tmp_path)

    assert caught.value.message == "Line 3 of .env cannot be read."
    assert "the-secret" not in caught.value.hint


def test_a_file_that_is_not_text_is_refused_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("VONAGE_API_SECRET=the-sécret".encode("latin-1"))

    with pytest.raises(ConfigurationError) as caught:
        read_settings({}, tmp_path)

    assert caught.value.message == f"Cannot read {tmp_path / '.env'}: it is not UTF-8 text."


def test_the_usual_forms_of_a_line_are_read(tmp_path: Path) -> None:
    text = "\ufeffexport VONAGE_API_KEY = abcd1234 # mine\r\nVONAGE_API_SECRET='a # b'\r\nNGROK_URL\r\n\r\n"
    (tmp_path / ".env").write_text(text, encoding="utf-8", newline="")

    read = read_settings({}, tmp_path)

    assert (read.api_key, read.api_secret, read.ngrok_url) == ("abcd1234", "a # b", "")


def test_a_virtual_environment_named_like_the_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()

    assert read_settings({}, tmp_path).port == 3000


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    secret = "do-not-show-this"
    names = (
        "VONAGE_API_SECRET VONAGE_SIGNATURE_SECRET NGROK_AUTHTOKEN DEVKIT_CALLBACK_TOKEN DEVKIT_FORWARD_TO"
    )

    shown = repr(read_settings({**dict.fromkeys(names.split(), secret), "VONAGE_API_KEY": "k"}, tmp_path))

    assert secret not in shown
    assert "api_key='k'" in shown


def test_every_setting_that_is_read_is_in_the_example_and_the_other_way_round() -> None:
    assert settings.__file__
    read = names_in(Path(settings.__file__), r'"((?:VONAGE|NGROK|PYNGROK|DEVKIT)_[A-Z_]+)"')
    documented = names_in(ROOT / ".env.example", r"^(?:# )?([A-Z_]+)=")

    others = {"DEVKIT_PREFIX", "DEVKIT_CALLBACK_URL"}  # for make; for applications
    assert read - others == documented


def test_the_example_as_it_is_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes((ROOT / ".env.example").read_bytes())

    assert read_settings({}, tmp_path) == Settings(fixtures=tmp_path / "fixtures")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("DEVKIT_FORWARDTO", "Did you mean DEVKIT_FORWARD_TO?"),
        ("DEVKIT_FIXTURE", "Did you mean DEVKIT_FIXTURES?"),
        ("DEVKIT_X", "All settings: devkit init --print .env.example"),
    ],
)
def test_a_name_that_means_nothing_is_noticed(tmp_path: Path, name: str, nearest: str) -> None:
    from_file = tmp_path / ".env"
    from_file.write_text(f"{name}=1\nDEVKIT_PORT=4000\nOTHER=1\n")

    assert read_settings({"PATH": "/bin", "DEVKIT_OFFLINE": ""}, tmp_path).unknown_names == (name,)
    assert unknown_setting(name) == (f"{name} is set, but devkit has no such setting", nearest)


def test_the_settings_of_the_relay_are_kept_as_text_and_hidden(tmp_path: Path) -> None:
    texts = {
        "DEVKIT_RELAY": "rediss://ada:s3cret@redis.example.com",
        "DEVKIT_WHO": "ada",
        "DEVKIT_RELAY_KEY": " ",
    }
    found = read_settings(texts, tmp_path)

    assert found.relay == {"DEVKIT_RELAY": texts["DEVKIT_RELAY"], "DEVKIT_WHO": "ada"}
    assert found.unknown_names == ()
    assert "s3cret" not in repr(found)
    assert "Did you mean DEVKIT_RELAY_KEEP?" in unknown_setting("DEVKIT_RELAY_KEPT")


def test_the_setting_that_the_docs_give_to_applications_is_not_unknown(tmp_path: Path) -> None:
    names = {"DEVKIT_CALLBACK_URL": "https://dlr.example.test/r/x/ada", "DEVKIT_CALLBACK_UR": "x"}

    assert read_settings(names, tmp_path).unknown_names == ("DEVKIT_CALLBACK_UR",)
