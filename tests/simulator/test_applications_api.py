import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vonage_http_client.errors import AuthenticationError, NotFoundError

from devkit.simulator import SimulatorOptions, run_simulator
from devkit.simulator.occurrences import ApplicationChanged, Refusal
from tests.support.simulator_client import ask, basic, bearer, call, owner, sdk, set_options

PATH = "/v2/applications"
APPLICATION = {
    "name": "Shop",
    "capabilities": {
        "messages": {
            "webhooks": {
                "inbound_url": {"address": "https://example.com/inbound", "http_method": "POST"},
                "status_url": {"address": "https://example.com/status", "http_method": "POST"},
            },
            "version": "v0.1",
            "authenticate_inbound_media": False,
        },
        "voice": {
            "webhooks": {"answer_url": {"address": "https://example.com/answer", "connection_timeout": 1000}},
            "signed_callbacks": True,
        },
        "network_apis": {"network_application_id": "x", "from_the_future": [1, None]},
    },
    "privacy": {"improve_ai": True},
    "from_the_future": {"é": 1.5},
}


@pytest.fixture
def path(simulator):
    return f"{PATH}/{simulator.application_id}"


def test_an_application_is_there_at_the_start(simulator, path):
    status, application = ask(simulator, "GET", path)

    assert status == 200
    assert list(application) == ["id", "name", "keys", "privacy", "capabilities", "_links"]
    assert application["id"] == simulator.application_id
    assert application["keys"]["public_key"].startswith("-----BEGIN PUBLIC KEY-----\n")
    assert application["capabilities"] == {}
    assert simulator.applications == [application]


def test_the_urls_of_the_start_are_those_of_the_application_too():
    options = SimulatorOptions(
        callback_url="http://127.0.0.1:1/status", inbound_url="http://127.0.0.1:1/inbound"
    )
    with run_simulator(options) as simulator:
        (application,) = simulator.applications

    webhooks = application["capabilities"]["messages"]["webhooks"]
    assert [webhook["address"] for webhook in webhooks.values()] == [
        options.inbound_url,
        options.callback_url,
    ]


def test_a_put_replaces_the_application_and_keeps_what_it_does_not_know(simulator, path):
    _, before = ask(simulator, "GET", path)

    status, answer = ask(simulator, "PUT", path, APPLICATION)
    _, after = ask(simulator, "GET", path)

    assert (status, answer) == (200, after)
    assert {name: after[name] for name in APPLICATION} == APPLICATION
    assert json.dumps(after["capabilities"]) == json.dumps(APPLICATION["capabilities"])
    assert after["keys"] == before["keys"]
    assert "private_key" not in after["keys"]


def test_what_a_put_leaves_out_is_lost(simulator, path):
    ask(simulator, "PUT", path, APPLICATION)

    ask(simulator, "PUT", path, {"name": "Shop", "capabilities": {"voice": {}}})
    _, after = ask(simulator, "GET", path)

    assert after["capabilities"] == {"voice": {}}
    assert "from_the_future" not in after
    assert after["privacy"] == {"improve_ai": False}


def test_the_raw_object_without_id_and_links_makes_a_put_that_changes_nothing(simulator, path):
    ask(simulator, "PUT", path, APPLICATION)
    status, _, before = call(simulator, "GET", path, headers=owner(simulator))
    client = sdk(simulator).http_client

    raw = client.get(simulator.host, path, None, "basic")
    client.put(
        simulator.host, path, {name: raw[name] for name in raw if name not in ("id", "_links")}, "basic"
    )
    client._session.close()

    assert call(simulator, "GET", path, headers=owner(simulator))[2] == before
    assert status == 200


def test_a_messages_capability_without_a_version_is_v1(simulator, path):
    ask(simulator, "PUT", path, {"name": "x", "capabilities": {"messages": {"webhooks": {}}}})

    assert ask(simulator, "GET", path)[1]["capabilities"]["messages"]["version"] == "v1"


def test_keys_that_a_put_leaves_out_are_kept_or_made_anew_as_the_option_says(simulator, path):
    before = ask(simulator, "GET", path)[1]["keys"]["public_key"]
    set_options(simulator, omitted_keys="regenerated")

    kept = ask(simulator, "PUT", path, {"name": "x", "keys": {"public_key": before}})[1]
    lost = ask(simulator, "PUT", path, {"name": "x"})[1]

    assert kept["keys"] == {"public_key": before}
    assert lost["keys"]["public_key"] != before
    assert lost["keys"]["private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert "private_key" not in ask(simulator, "GET", path)[1]["keys"]


def test_an_application_can_be_made_listed_and_deleted(simulator):
    status, made = ask(simulator, "POST", PATH, APPLICATION)
    _, listed = ask(simulator, "GET", f"{PATH}?page_size=1&page=2")
    deleted, nothing = ask(simulator, "DELETE", f"{PATH}/{made['id']}")

    assert (status, deleted, nothing) == (201, 204, None)
    assert made["keys"].pop("private_key").startswith("-----BEGIN PRIVATE KEY-----\n")
    assert listed["_embedded"]["applications"] == [made]
    counts = ("total_items", "total_pages", "page", "page_size")
    assert [listed[name] for name in counts] == [2, 2, 2, 1]
    assert [each["id"] for each in simulator.applications] == [simulator.application_id]


@pytest.mark.parametrize(("size", "counted"), [("1000", 100), ("0", 1), ("many", 10), ("-5", 10), ("", 10)])
def test_a_page_has_1_to_100_applications_and_10_by_default(simulator, size, counted):
    _, listed = ask(simulator, "GET", f"{PATH}?page_size={size}")

    assert listed["page_size"] == counted


def test_the_sdk_lists_and_gets_applications(simulator):
    client = sdk(simulator)

    found, next_page = client.application.list_applications()
    client.http_client._session.close()

    assert ([application.id for application in found], next_page) == ([simulator.application_id], None)


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "x", "capabilities": []}, ["capabilities"]),
        ({"name": "x", "capabilities": {"messages": {"version": "v2"}}}, ["capabilities.messages.version"]),
        (
            {"name": "x", "capabilities": {"messages": {"webhooks": {"inbound_url": None}}}},
            ["capabilities.messages.webhooks.inbound_url.address"],
        ),
        (
            {
                "name": "x",
                "capabilities": {
                    "messages": {"webhooks": {"status_url": {"address": "ftp://x", "http_method": "GET"}}}
                },
            },
            [f"capabilities.messages.webhooks.status_url.{name}" for name in ("address", "http_method")],
        ),
    ],
)
def test_a_wrong_application_is_400_and_changes_nothing(simulator, occurrences, path, document, wrong):
    before = simulator.applications

    for method, where in (("PUT", path), ("POST", PATH)):
        status, problem = ask(simulator, method, where, document)
        assert (status, problem["title"]) == (400, "Bad Request")
        assert [each["name"] for each in problem["invalid_parameters"]] == wrong
    assert simulator.applications == before
    assert [type(each) for each in occurrences] == [Refusal, Refusal]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_WEBHOOKS = st.fixed_dictionaries({"webhooks": _JSON | st.dictionaries(st.text(), _JSON, max_size=3)})
_MESSAGES = st.fixed_dictionaries({"messages": _JSON | _WEBHOOKS})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.fixed_dictionaries(
        {"name": st.just("x"), "from_the_future": _JSON},
        optional={"keys": _JSON, "privacy": _JSON, "capabilities": _JSON | _MESSAGES},
    )
)
def test_any_application_is_saved_as_it_is_or_refused(simulator, path, document):
    status, answer = ask(simulator, "PUT", path, document)

    assert status in (200, 400)
    if status == 200:
        assert ask(simulator, "GET", path)[1] == answer
        assert answer["from_the_future"] == document["from_the_future"]
    assert ask(simulator, "GET", "/simulator", headers={})[0] == 200


@pytest.mark.parametrize("body", ["", "[]", "{", "a=b", "\xff", '{"name": ' + "[" * 900 + "]" * 900 + "}"])
def test_a_body_that_is_no_object_is_400(simulator, path, body):
    status, _, text = call(simulator, "PUT", path, body.encode("latin-1"), owner(simulator))

    assert (status, json.loads(text)["title"]) == (400, "Bad Request")


def test_a_wrong_secret_or_a_token_is_401(simulator, path):
    for headers in (basic("abcd1234", "wrong"), {}, bearer(simulator)):
        status, problem = ask(simulator, "GET", path, headers=headers)
        assert status == 401
        assert problem.pop("instance")
        assert problem == {
            "type": "https://developer.nexmo.com/api-errors#unauthorized",
            "title": "Unauthorized",
            "detail": "You did not provide correct credentials.",
        }
    with pytest.raises(AuthenticationError):
        sdk(simulator, "wrong").application.list_applications()


def test_an_unknown_application_is_404(simulator):
    unknown = f"{PATH}/00000000-0000-4000-8000-000000000000"

    for method, document in (("GET", None), ("PUT", {"name": "x"}), ("PUT", {}), ("DELETE", None)):
        assert ask(simulator, method, unknown, document)[0] == 404
    client = sdk(simulator)
    with pytest.raises(NotFoundError):
        client.http_client.get(simulator.host, unknown, None, "basic")
    client.http_client._session.close()


def test_other_methods_are_405_and_ping_needs_no_credentials(simulator, path):
    assert ask(simulator, "PUT", PATH, APPLICATION)[0] == 405
    assert ask(simulator, "DELETE", PATH)[0] == 405
    assert ask(simulator, "PATCH", path, APPLICATION)[0] == 405
    assert ask(simulator, "GET", f"{PATH}/ping", headers={})[0] == 200


@pytest.mark.parametrize(
    ("fault", "status", "is_saved"),
    [
        ("unauthorized", 401, False),
        ("refused", 400, False),
        ("not-found", 404, False),
        ("rate-limited", 429, False),
        ("server-error", 500, False),
        ("empty", 200, False),
        ("unchanged", 200, False),
        ("hang-up", None, False),
        ("hang-up-after", None, True),
    ],
)
def test_faults(simulator, path, fault, status, is_saved):
    set_options(simulator, faults=[{"name": f"applications-{fault}", "times": 1}])

    try:
        answered = call(simulator, "PUT", path, json.dumps(APPLICATION), owner(simulator))[0]
    except ConnectionError:
        answered = None

    assert answered == status
    assert (simulator.applications[0]["name"] == "Shop") is is_saved
    assert ask(simulator, "GET", path)[0] == 200


def test_changes_are_reported(simulator, occurrences, path):
    ask(simulator, "PUT", path, APPLICATION)
    ask(simulator, "DELETE", path)

    assert occurrences == [
        ApplicationChanged(
            simulator.application_id, "https://example.com/inbound", "https://example.com/status"
        ),
        ApplicationChanged(simulator.application_id, deleted=True),
    ]
