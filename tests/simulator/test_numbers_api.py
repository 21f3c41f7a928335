from dataclasses import replace

import pytest
from vonage_numbers import ListOwnedNumbersFilter, UpdateNumberParams

from devkit.simulator.occurrences import Refusal
from tests.support.simulator_client import JUMPING, ask, basic, call, listening, post, sdk, unused_url

LIST, UPDATE = "/account/numbers", "/number/update"
NUMBER, OTHER = "447700900900", "447700900901"
SUCCESS = (200, {"error-code": "200", "error-code-label": "success"})


@pytest.fixture(scope="module")
def options():
    return replace(JUMPING, numbers=(NUMBER, OTHER))


def listed(simulator, query=""):
    status, document = ask(simulator, "GET", f"{LIST}{query}")
    assert status == 200
    return document


def number_of(simulator):
    return listed(simulator, f"?pattern={NUMBER}")["numbers"][0]


def update(simulator, **fields):
    return post(simulator, UPDATE, {"country": "GB", "msisdn": NUMBER, **fields})


def test_numbers_are_listed_with_the_application_that_they_are_linked_to(simulator):
    document = listed(simulator)

    assert document["count"] == 2
    assert document["numbers"][0] == {
        "country": "GB",
        "msisdn": NUMBER,
        "type": "mobile-lvn",
        "features": ["SMS"],
        "messagesCallbackType": "app",
        "messagesCallbackValue": simulator.application_id,
        "app_id": simulator.application_id,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?pattern=44", [NUMBER, OTHER]),
        ("?pattern=7700&search_pattern=1", [NUMBER, OTHER]),
        ("?pattern=901&search_pattern=2", [OTHER]),
        ("?pattern=901", []),
        ("?size=1&index=2", [OTHER]),
        ("?index=3&size=1", []),
        ("?has_application=false", []),
        ("?has_application=true", [NUMBER, OTHER]),
        ("?application_id=nobody", []),
    ],
)
def test_a_list_can_be_filtered_and_is_an_empty_object_without_numbers(simulator, query, found):
    document = listed(simulator, query)

    assert [number["msisdn"] for number in document.get("numbers", [])] == found
    assert found or document == {}


def test_an_update_clears_what_it_does_not_name(simulator):
    with listening() as listener:
        assert update(simulator, moHttpUrl=listener.url, voiceCallbackType="tel") == SUCCESS
        after = number_of(simulator)
        assert (after["moHttpUrl"], after["voiceCallbackType"]) == (listener.url, "tel")
        assert "app_id" not in after
        assert "messagesCallbackValue" not in after

        assert update(simulator, app_id=simulator.application_id) == SUCCESS

    after = number_of(simulator)
    assert after["app_id"] == simulator.application_id
    assert "moHttpUrl" not in after
    assert "voiceCallbackType" not in after


def test_the_inbound_url_is_probed(simulator):
    before = number_of(simulator)
    with listening(probe=204) as listener:
        for url, words in ((listener.url, "it answered 204"), (unused_url(), "Nobody answers")):
            status, document = update(simulator, moHttpUrl=url)
            assert status == 420
            assert words in document["error-code-label"]

    assert listener.arrived[0].method == "GET"
    assert number_of(simulator) == before


def test_what_the_account_does_not_have_is_420(simulator, occurrences):
    for wrong in ({"msisdn": "447700900999"}, {"country": "US"}, {"app_id": "nobody"}):
        assert update(simulator, **wrong)[0] == 420
    assert [(each.api, each.status) for each in occurrences if isinstance(each, Refusal)] == [
        ("numbers", 420)
    ] * 3


def test_a_wrong_secret_is_401_and_another_method_403(simulator):
    wrong = basic("abcd1234", "wrong")

    assert ask(simulator, "GET", LIST, headers=wrong)[0] == 401
    assert post(simulator, UPDATE, {"country": "GB", "msisdn": NUMBER}, wrong)[1]["title"] == "Unauthorized"
    assert ask(simulator, "PUT", UPDATE)[0] == 403


def test_credentials_and_number_may_be_in_the_path(simulator):
    path = f"{UPDATE}/{simulator.api_key}/{simulator.api_secret}/GB/{NUMBER}"

    assert call(simulator, "POST", path)[0] == 200
    assert "app_id" not in number_of(simulator)


def test_the_sdk_lists_and_updates_numbers(simulator):
    client = sdk(simulator)

    found, count, _ = client.numbers.list_owned_numbers(ListOwnedNumbersFilter(has_application=True))
    client.numbers.update_number(
        UpdateNumberParams(country="GB", msisdn=NUMBER, voice_callback_type="tel", voice_callback_value=OTHER)
    )
    client.http_client._session.close()

    assert ([number.msisdn for number in found], count) == ([NUMBER, OTHER], 2)
    assert number_of(simulator)["voiceCallbackType"] == "tel"
