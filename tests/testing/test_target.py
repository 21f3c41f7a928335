import functools
from dataclasses import replace
from unittest.mock import Mock

import django.test
import httpx2
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import re_path
from flask import Flask, redirect, request
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from werkzeug.test import Client
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as Answer

from devkit.errors import UsageError
from devkit.http.request import callback_of
from devkit.http.server import listen, serve
from devkit.testing import HandlerResponse, SampleWebhook, deliver, load_all, make_receipt
from devkit.testing.deliver import Target, is_function
from devkit.webhook.callback import TRANSPORTS, Callback
from devkit.webhook.receipt import read

PATH = "/webhooks/dlr"
arrived: list[Callback] = []


def wsgi_app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    arrived.append(callback_of(environ, body)[0])
    start_response("202 Accepted", [("Content-Type", "text/plain")])
    return [b"tak", b"en"]


def flask_client():
    app = Flask(__name__)
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
    return app.test_client()


def django_view(request):
    arrived.append(callback_of(request.META, request.body)[0])
    return HttpResponse("taken", status=202)


urlpatterns = [re_path("", django_view)]


def django_client():
    if not settings.configured:
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"], SECRET_KEY="for-tests")
        django.setup()
    return django.test.Client()


async def asgi_view(request):
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    headers = tuple(
        (name.decode("latin-1").title(), value.decode("latin-1")) for name, value in request.headers.raw
    )
    target = f"{path}?{query}" if query else path
    arrived.append(Callback(request.method, target, headers, await request.body()))
    return Response("taken", 202)


def starlette_client():
    return TestClient(Starlette(routes=[Route("/{path:path}", asgi_view, methods=["GET", "POST"])]))


def httpx_client():
    return httpx2.Client(transport=httpx2.WSGITransport(wsgi_app), base_url="http://testserver")


TARGETS = {
    "flask": flask_client,
    "werkzeug": lambda: Client(wsgi_app),
    "django": django_client,
    "starlette": starlette_client,
    "httpx": httpx_client,
    "wsgi": lambda: wsgi_app,
}


@pytest.fixture(autouse=True)
def nothing_arrived():
    arrived.clear()


@pytest.fixture
def url():
    listener = listen("127.0.0.1", 0)
    with serve(wsgi_app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def check_arrival(receipt, to, **options):
    answer = deliver(receipt, to, **options)

    (callback,) = arrived
    assert read(callback) == receipt.reading
    assert callback.method == receipt.callback.method
    assert callback.body == receipt.callback.body
    assert callback.path == PATH
    assert callback.header("User-Agent") == receipt.callback.header("User-Agent")
    assert callback.header("Host") != receipt.callback.header("Host")
    assert (answer.status_code, answer.content, answer.ok) == (202, b"taken", True)


@pytest.mark.parametrize("via", TRANSPORTS)
@pytest.mark.parametrize("name", TARGETS)
def test_receipt_reaches_the_target(name, via):
    check_arrival(make_receipt("failed", via, err_code="9"), TARGETS[name](), path=PATH)


@pytest.mark.parametrize("via", TRANSPORTS)
def test_receipt_reaches_a_url(url, via):
    check_arrival(make_receipt("failed", via), url + PATH)
    arrived.clear()
    check_arrival(make_receipt("failed", via), url, path=PATH)


@pytest.mark.parametrize("name", TARGETS)
def test_every_sample_arrives_as_it_is(name):
    to = TARGETS[name]()
    samples = load_all("**/*")

    for receipt in samples:
        deliver(receipt, to, path=PATH)

    for receipt, callback in zip(samples, arrived, strict=True):
        assert callback.body == receipt.callback.body, receipt
        assert read(callback) == receipt.reading, receipt


def test_every_sample_arrives_at_a_url_as_it_is(url):
    for receipt in load_all("**/*"):
        deliver(receipt, url + PATH)
        assert read(arrived.pop()) == receipt.reading, receipt


@pytest.mark.parametrize("name", TARGETS)
def test_recorded_secret_path_is_not_sent(name):
    receipt = make_receipt()
    recorded = receipt.callback.target.replace("?", "/a-secret-token?")

    deliver(SampleWebhook(replace(receipt.callback, target=recorded)), TARGETS[name]())

    assert arrived[0].path == "/webhooks/delivery-receipt"


@pytest.mark.parametrize("name", TARGETS)
def test_bytes_beyond_ascii_arrive_as_they_were(name):
    for target in ("/?to=\xe9&status=delivered&messageId=A", "/?to=\xc3\xa9&status=delivered&messageId=A"):
        receipt = SampleWebhook(Callback("GET", target))

        deliver(receipt, TARGETS[name](), path=PATH)

        assert read(arrived[-1]) == receipt.reading


@pytest.mark.parametrize("name", TARGETS)
def test_path_is_decoded_as_by_a_server(name):
    deliver(make_receipt(), TARGETS[name](), path="/a%20b")

    assert arrived[0].path == "/a%20b"


def test_path_beyond_ascii_is_decoded_as_wsgi_says():
    paths = []

    def app(environ, start_response):
        paths.append(environ["PATH_INFO"])
        return wsgi_app(environ, start_response)

    deliver(make_receipt(), app, path="/%C3%A9")

    assert paths == ["/\xc3\xa9"]


def test_query_of_a_url_goes_before_the_fields(url):
    deliver(make_receipt(), f"{url}{PATH}?key=1")

    assert arrived[0].query.startswith("key=1&msisdn=")


def test_repeated_headers_are_joined_where_wsgi_has_no_other_way():
    receipt = make_receipt()
    twice = (*receipt.callback.headers, ("X-Twice", "1"), ("X-Twice", "2"))

    deliver(SampleWebhook(replace(receipt.callback, headers=twice)), wsgi_app)

    assert arrived[0].header("X-Twice") == "1, 2"


@pytest.mark.parametrize("name", ["flask", "starlette"])
def test_redirect_is_an_answer_and_not_followed(name):
    app = Flask(__name__)
    app.add_url_rule(PATH, view_func=lambda: redirect("/elsewhere"))
    to = (
        app.test_client() if name == "flask" else TestClient(Starlette(routes=[Route(f"{PATH}/", asgi_view)]))
    )

    answer = deliver(make_receipt(), to, path=PATH)

    assert answer.status_code in (302, 307)
    assert answer.ok
    assert not answer.accepted_by_vonage
    assert arrived == []


@pytest.mark.parametrize("name", ["flask", "function", "wsgi"])
def test_what_the_code_raises_comes_through(name):
    app = Flask(__name__)
    app.testing = True

    def fail(*_):
        raise LookupError("on purpose")

    app.add_url_rule(PATH, view_func=fail)
    targets: dict[str, Target] = {"flask": app.test_client(), "function": lambda fields: fail(), "wsgi": app}

    with pytest.raises(LookupError, match="on purpose"):
        deliver(make_receipt(), targets[name], path=PATH)


def test_function_gets_the_fields_as_a_dict_of_its_own():
    receipt = make_receipt()

    answer = deliver(receipt, lambda fields: fields.pop("status"))

    assert (answer.status_code, answer.value) == (200, "delivered")
    assert receipt.status == "delivered"


@pytest.mark.parametrize(("value", "status"), [(503, 503), (None, 200), (True, 200), ("text", 200)])
def test_int_that_a_function_returns_is_the_status(value, status):
    assert deliver(make_receipt(), lambda fields: value).status_code == status


def test_function_with_more_arguments_is_given_the_fields_when_the_rest_have_values():
    def handle(fields, database=None, *, log=None):
        return 201

    assert is_function(handle)
    assert deliver(make_receipt(), handle).status_code == 201
    assert deliver(make_receipt(), functools.partial(lambda log, fields: 204, None)).status_code == 204


def test_mock_is_a_function():
    mock = Mock(return_value=503)

    assert deliver(make_receipt(), mock).status_code == 503
    mock.assert_called_once_with(dict(make_receipt().fields))


def test_built_in_function_is_a_target():
    received: dict[str, object] = {}

    deliver(make_receipt(), received.update)

    assert received == make_receipt().fields


def test_function_cannot_be_given_a_callback_without_a_receipt():
    with pytest.raises(TypeError, match="a JSON array"):
        deliver(SampleWebhook(Callback("POST", "/", (), b"[]")), lambda fields: None)


async def asgi_app(scope, receive, send):
    raise AssertionError("never called")


async def async_function(fields):
    raise AssertionError("never called")


class AsyncHandler:
    async def __call__(self, fields):
        raise AssertionError("never called")


@pytest.mark.parametrize("to", [asgi_app, async_function, AsyncHandler(), 5, None, object(), lambda: None])
def test_what_cannot_take_receipts_is_refused(to):
    with pytest.raises(TypeError, match=r"can't be delivered to .* a test client"):
        deliver(make_receipt(), to)


def test_async_client_is_refused():
    with pytest.raises(TypeError, match=r"can't be delivered to AsyncClient.*TestClient"):
        deliver(make_receipt(), httpx2.AsyncClient())  # type: ignore[arg-type]


def test_other_machines_are_refused():
    with pytest.raises(UsageError, match="not on this machine"):
        deliver(make_receipt(), "http://192.0.2.1/dlr")


def test_wsgi_environment_is_what_werkzeug_expects():
    seen = {}

    @Request.application
    def app(request):
        seen.update(request.form)
        seen["url"] = request.url
        return Answer("taken")

    answer = deliver(make_receipt(via="form"), lambda environ, start: app(environ, start), path=PATH)

    assert answer.content == b"taken"
    assert seen["status"] == "delivered"
    assert seen["url"] == f"http://localhost{PATH}"


def test_writer_of_wsgi_is_used():
    def app(environ, start_response):
        start_response("200 OK", [])(b"written ")
        return [b"returned"]

    assert deliver(make_receipt(), app).content == b"written returned"


def test_answer_of_wsgi_is_closed():
    closed = []

    class Chunks(list[bytes]):
        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Chunks([b"taken"])

    deliver(make_receipt(), app)

    assert closed == [True]


def test_flask_application_itself_is_a_target():
    app = Flask(__name__)
    app.add_url_rule(PATH, view_func=lambda: request.args["status"])

    assert deliver(make_receipt("failed"), app, path=PATH).content == b"failed"


def test_a_response_has_the_names_that_test_clients_use() -> None:
    response = HandlerResponse(201, b'{"taken": "\xc3\xa9"}')

    assert (response.text, response.json()) == ('{"taken": "é"}', {"taken": "é"})
    assert response.ok
    assert response.accepted_by_vonage
    assert (HandlerResponse(302).ok, HandlerResponse(302).accepted_by_vonage) == (True, False)
    assert (HandlerResponse(404).ok, HandlerResponse(404).accepted_by_vonage) == (False, False)
