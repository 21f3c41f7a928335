"""The private key of an application: as a file or in the setting, and what is said when it can't be used."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from devkit.errors import ConfigurationError
from devkit.session.credentials import application_key
from devkit.session.settings import Settings, read_settings
from tests.support.command import call
from tests.support.fake_application import APPLICATION_ID, fake_vonage
from tests.support.private_key import PrivateFormat, as_pem


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def settings(private_key: str) -> Settings:
    return Settings(application_id=APPLICATION_ID, private_key=private_key)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_is_taken_from_a_file_and_from_the_setting(
    tmp_path: Path, key: rsa.RSAPrivateKey, form: PrivateFormat
) -> None:
    pem = as_pem(key, form)
    (tmp_path / "private.key").write_text(pem)
    (tmp_path / ".env").write_text('VONAGE_PRIVATE_KEY="{}"\n'.format(pem.replace("\n", "\\n")))
    in_env = read_settings({"VONAGE_APPLICATION_ID": APPLICATION_ID}, tmp_path)

    keys = [
        application_key(chosen, tmp_path)
        for chosen in (settings("private.key"), settings(pem), settings(pem.strip()), in_env)
    ]

    assert {each and each.private_key for each in keys} == {as_pem(key)}
    assert "BEGIN" not in repr(keys) + repr(in_env)


def test_without_a_key_there_is_none_and_half_of_the_pair_is_an_error(tmp_path: Path) -> None:
    assert application_key(settings(""), tmp_path) is None
    with pytest.raises(ConfigurationError, match="VONAGE_APPLICATION_ID is missing") as caught:
        application_key(Settings(private_key="private.key"), tmp_path)
    assert ".env" in caught.value.hint


def test_a_key_that_cannot_be_used_is_two_lines_without_the_key(
    tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    spoilt = {
        "nonsense.key": "hello",
        "public.key": public.decode(),
        "locked.key": as_pem(key, password=b"hush"),
        "half.key": as_pem(key)[:200],
        "curve.key": as_pem(ec.generate_private_key(ec.SECP256R1())),
        "twice.key": as_pem(key).replace("MII", "MIIMII"),
    }
    for name, text in spoilt.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "directory.key").mkdir()

    for chosen in (*spoilt, "directory.key", "missing.key", as_pem(key)[:200], "a\0b"):
        with pytest.raises(ConfigurationError) as caught:
            application_key(settings(chosen), tmp_path)
        assert "VONAGE_PRIVATE_KEY" in caught.value.message
        assert (caught.value.message + caught.value.hint).isprintable()
        assert "MII" not in caught.value.message
        assert "private.key" in caught.value.hint


def test_the_command_sends_with_the_application_or_says_what_is_wrong_and_sends_nothing(
    tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    (tmp_path / "private.key").write_text(as_pem(key))
    with fake_vonage() as vonage:
        environ = {
            "VONAGE_API_KEY": vonage.credentials.api_key,
            "VONAGE_API_SECRET": vonage.credentials.api_secret,
            "VONAGE_REST_HOST": vonage.host,
            "VONAGE_APPLICATION_ID": APPLICATION_ID,
        }
        command = ("send", "--api", "messages", "--to", "447700900000")
        signed = call(tmp_path, *command, **environ, VONAGE_PRIVATE_KEY="private.key")
        basic = call(tmp_path, *command, **environ)
        unreadable = call(tmp_path, *command, **environ, VONAGE_PRIVATE_KEY="gone.key")
        schemes = [(each.header("Authorization") or "").split()[0] for each in vonage.arrived]

    assert (signed.code, basic.code) == (0, 0), signed.err
    assert "to *********000, through the Messages API, by Vonage" in signed.out[0]
    assert signed.out[1].strip() == "c26213be-2916-4c64-903e-4125158eedd8"
    assert schemes == ["Bearer", "Basic"]
    assert "the application's own URL gets the statuses" in signed.err
    assert "the account's own URL gets the statuses" in basic.err
    assert unreadable.code == 3
    assert [line.partition(":")[0] for line in unreadable.err.splitlines()] == ["Error", "Hint"]
