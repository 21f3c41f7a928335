import pytest

from devkit.errors import ConfigurationError
from devkit.relay.member import (
    MemberAccess,
    is_member,
    member_path,
    member_token,
    member_url,
    owner,
    with_part,
)
from devkit.webhook.callback import CALLBACK_PATH, Callback, without_token

TEAM = "team-token-0123456789"
ACCESS = MemberAccess(TEAM)


def get(target: str) -> Callback:
    return Callback("GET", target)


def test_a_token_is_short_and_a_members_own() -> None:
    tokens = {member_token(team, who) for team in (TEAM, "another-token-012345") for who in ("ada", "bob")}

    assert len(tokens) == 4
    assert {len(token) for token in tokens} == {22}
    assert all(token.replace("-", "").replace("_", "").isalnum() for token in tokens)


def test_a_member_owns_what_comes_to_its_path() -> None:
    callback = get(f"{member_path(TEAM, 'ada')}?status=delivered")

    assert ACCESS.admits(callback, "127.0.0.1")
    assert owner(callback, "", TEAM) == "ada"


def test_the_path_decides_before_the_client_ref() -> None:
    assert owner(get(member_path(TEAM, "ada")), "bob:order-7", TEAM) == "ada"


def test_a_job_has_a_part_of_its_own_with_the_same_token() -> None:
    path = member_path(TEAM, "ci.4711")

    assert path.split("/")[2] == member_token(TEAM, "ci")
    assert owner(get(path), "", TEAM) == "ci.4711"
    assert (
        with_part("https://dlr.example.com" + member_path(TEAM, "ci"), "4711")
        == "https://dlr.example.com" + path
    )


@pytest.mark.parametrize(
    "path",
    [
        f"/r/{member_token(TEAM, 'ada')}/bob",
        f"/r/{member_token(TEAM, 'ada')}/ada-marie",
        f"/r/{member_token(TEAM, 'ada')}/",
        f"/r/{member_token(TEAM, 'ada')}",
        f"/r/{member_token(TEAM, 'ada')}/ada/",
        f"/r/{member_token(TEAM, 'ada')}/ada/more",
        f"/x/{member_token(TEAM, 'ada')}/ada",
        f"/r/{member_token('another', 'ada')}/ada",
        f"http://example.com{member_path(TEAM, 'ada')}",
        "/r//ada",
        "/r/\u00e9/ada",
        f"{CALLBACK_PATH}/another-token-012345",
        CALLBACK_PATH,
        f"{CALLBACK_PATH}/",
        "/",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    assert not ACCESS.admits(get(path), "127.0.0.1")
    assert owner(get(path), "", TEAM) == ""


def test_the_account_has_the_path_with_the_teams_token() -> None:
    callback = get(f"{CALLBACK_PATH}/{TEAM}?status=delivered")

    assert ACCESS.admits(callback, "127.0.0.1")
    assert owner(callback, "", TEAM) == ""
    assert not ACCESS.admits(get(f"{CALLBACK_PATH}/"), "127.0.0.1")


@pytest.mark.parametrize(
    ("client_ref", "who"),
    [
        ("ada:order-7", "ada"),
        ("ci.4711:x", "ci.4711"),
        ("ada:", "ada"),
        ("ada", ""),
        ("", ""),
        ("Ada:1", ""),
        ("447700900001:order", ""),
        ("ada bob:1", ""),
        (":order", ""),
    ],
)
def test_else_the_client_ref_names_the_owner(client_ref: str, who: str) -> None:
    assert owner(get(f"{CALLBACK_PATH}/{TEAM}"), client_ref, TEAM) == who


@pytest.mark.parametrize("who", ["ada", "ada-marie", "a", "ci.4711", "ci.test-a", "a" * 32])
def test_names(who: str) -> None:
    assert is_member(who)


@pytest.mark.parametrize(
    "who", ["", "Ada", "4711", "-a", "a_b", "ada.", "a.b.c", "a" * 33, "ada\n", "a/b", "\u00e5sa"]
)
def test_what_is_no_name(who: str) -> None:
    assert not is_member(who)
    with pytest.raises(ConfigurationError, match="cannot be a member's name"):
        member_url("https://dlr.example.com", TEAM, who)


def test_a_callback_url_has_at_most_100_characters() -> None:
    host = f"https://{'d' * 50}.test"
    path = member_path(TEAM, "ada")

    assert member_url(f"{host}/", TEAM, "ada") == host + path
    with pytest.raises(ConfigurationError, match="would be 103 characters long"):
        member_url(host, TEAM, "a" * (103 - len(host + path) + 3))


def test_the_token_does_not_leave_the_private_files() -> None:
    assert without_token(f"{member_path(TEAM, 'ada')}?a=b") == f"{CALLBACK_PATH}?a=b"
