"""Every test here runs pytest in a directory of its own, with the plugin."""

import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

import devkit.pytest_plugin
import devkit.simulator
import devkit.testing.pytest_support  # each run forgets what it imported, so what is slow to import comes first
import devkit.testing.receipt_server
import devkit.testing.stub
from devkit.fixture.format import Fixture, dumps
from devkit.testing import make_receipt
from tests.support.plugin import ROOT

pytest_plugins = "pytester"

# In one process with us, devkit's modules have been imported before pytest could rewrite their assertions.
PLUGIN = ("-p", "devkit.pytest_plugin", "-p", "no:cacheprovider")
STRICT = ("-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning")
MAKERS = ("make_dlr_receipt", "make_dlr_status", "make_dlr_inbound")
FIXTURES = ("dlr_fixture", *MAKERS, "dlr_server", "dlr_serve", "dlr_relay")
VONAGE = ("vonage_simulator_options", "vonage_simulator", "vonage_client", "vonage_stub")
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with three fixtures of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"
    )  # whether devkit is installed makes no difference
    directory = pytester.mkdir("fixtures") / "samples"
    directory.mkdir()
    for name, status in (("b-failed", "failed"), ("a-delivered", "delivered"), ("c-accepted", "accepted")):
        (directory / f"{name}.json").write_bytes(dumps(Fixture(MOMENT, make_receipt(status).callback)))
    return pytester


def run(project, *arguments, file=""):
    if file:
        project.makepyfile(file)
    return project.runpytest_inprocess(*PLUGIN, "--strict-markers", *arguments)


PRINTED = """
    import pytest

    @pytest.mark.dlr({})
    def test_it(dlr_receipt):
        assert dlr_receipt.status in ("accepted", "delivered", "failed")
"""


@pytest.mark.parametrize(
    ("marker", "names"),
    [
        ("", ["a-delivered", "b-failed", "c-accepted"]),
        ("'b*', 'a-delivered'", ["b-failed", "a-delivered"]),
        ("status='failed'", ["b-failed"]),
        ("'*', status=('accepted', 'delivered')", ["a-delivered", "c-accepted"]),
        (
            "'sequence/out-of-order'",
            ["sequence/out-of-order/01-delivered", "sequence/out-of-order/02-accepted"],
        ),
        ("'*', '*-failed'", ["a-delivered", "b-failed", "c-accepted"]),
    ],
)
def test_marker_runs_the_test_with_each_receipt(project, marker, names):
    result = run(project, "-v", file=PRINTED.format(marker))

    result.assert_outcomes(passed=len(names))
    assert re.findall(r"::test_it\[(.*)\] PASSED", result.stdout.str()) == names


def test_markers_add_up(project):
    file = PRINTED.format("'a*'").replace("@pytest", "@pytest.mark.dlr('c*')\n    @pytest", 1)

    run(project, file=file).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("'delivred'", "*No fixture named 'delivred' in *samples. There are: *"),
        ("'a*', status='failed'", "*No fixture in a[*] has the status 'failed'.*"),
        ("status='expired'", "*No fixture in [*] has the status 'expired'.*"),
        ("'a*', state='failed'", "*test_it: *unexpected keyword argument 'state'*"),
    ],
)
def test_finding_nothing_is_an_error(project, marker, said):
    result = run(project, file=PRINTED.format(marker))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize("marker", ["'nothing', allow_empty=True", "status='nothing', allow_empty=True"])
def test_finding_nothing_can_be_allowed(project, marker):
    run(project, file=PRINTED.format(marker)).assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("marker", "argument"),
    [("dlr", "dlr_receipt"), ("dlr_faults", "dlr_fault"), ("dlr_status_faults", "dlr_fault")],
)
def test_marked_test_must_take_the_argument(project, marker, argument):
    result = run(project, file=f"import pytest\n@pytest.mark.{marker}\ndef test_it(): pass")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*test_it: a test marked with {marker} takes an argument '{argument}'*"])


def test_broken_fixture_file_is_named(project):
    (project.path / "fixtures" / "samples" / "d.json").write_text("{}")

    result = run(project, file=PRINTED.format(""))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*d.json: *"])


FAULTS = """
    import pytest

    @pytest.mark.dlr_faults({})
    def test_it(dlr_fault):
        dlr_fault.deliver(lambda fields: None)
        print([receipt.fields.get("sig") for receipt in dlr_fault.receipts])
"""


def test_fault_marker_runs_the_matrix(project):
    run(project, file=FAULTS.format("")).assert_outcomes(passed=17)


def test_fault_marker_chooses(project):
    result = run(
        project,
        "-v",
        file=FAULTS.format("via='POST-JSON', skip=['reversed'], only=['reversed', 'duplicate']"),
    )

    assert re.findall(r"::test_it\[(.*)\] PASSED", result.stdout.str()) == ["duplicate"]


def test_unknown_fault_is_an_error(project):
    result = run(project, file=FAULTS.format("only=['nothing']"))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no fault case 'nothing'; there are *"])


SIGNED = """
    import pytest
    from devkit.webhook.signature import verify

    def check(receipt, verdict):
        assert verify(receipt.fields, "only-for-tests", "sha256") == verdict

    @pytest.mark.dlr("signed-sha1", "signed-md5hash")
    def test_valid_sample(dlr_receipt):
        check(dlr_receipt, "valid")

    @pytest.mark.dlr("signed-tampered", "signed-wrong-secret", "signed-non-ascii")
    def test_invalid_sample(dlr_receipt):
        check(dlr_receipt, "invalid")

    @pytest.mark.dlr_faults(only=["duplicate"])
    def test_fault(dlr_fault):
        for receipt in dlr_fault.receipts:
            check(receipt, "valid")

    def test_fixtures(dlr_fixture, make_dlr_receipt):
        check(dlr_fixture("signed-json"), "valid")
        check(dlr_fixture("a-delivered"), "absent")
        check(make_dlr_receipt("failed", via="form"), "valid")
        check(make_dlr_receipt(signed=False), "absent")

    def test_simulator(vonage_simulator_options):
        assert vonage_simulator_options.sign_receipts
        assert vonage_simulator_options.signature_secret == "only-for-tests"
        assert vonage_simulator_options.signature_method == "sha256"
"""


def test_secret_of_the_project_signs(project):
    project.makeini("[pytest]\ndlr_signature_secret = only-for-tests\ndlr_signature_method = sha256")

    run(project, "--strict-config", file=SIGNED).assert_outcomes(passed=8)


STATUSES = """
    import pytest
    from devkit.testing import verify_webhook

    def is_signed(webhook):
        return bool(verify_webhook(webhook.callback.headers, webhook.callback.body, "only-for-tests"))

    @pytest.mark.dlr_status_faults(skip=["garbage-token"])
    def test_fault(dlr_fault):
        assert is_signed(dlr_fault.receipts[0]) == SIGNED
        assert dlr_fault.name != "garbage-token"

    @pytest.mark.dlr("*", kind=["messages-status", "messages-inbound"], allow_empty=True)
    def test_kinds(dlr_receipt):
        assert dlr_receipt.kind.startswith("messages-")

    def test_fixtures(make_dlr_status, make_dlr_inbound):
        assert is_signed(make_dlr_status("rejected", error="1240")) == SIGNED
        assert is_signed(make_dlr_inbound("Stop", api="messages")) == SIGNED
        assert ("sig" in make_dlr_inbound("Stop").fields) == SIGNED
        assert not is_signed(make_dlr_status(signed=False))
"""


@pytest.mark.parametrize(("secret", "faults"), [("only-for-tests", 29), ("", 23)])
def test_statuses_have_tokens_if_the_project_has_a_secret(project, secret, faults):
    project.makeini(f"[pytest]\ndlr_signature_secret = {secret}")

    result = run(project, "-v", file=STATUSES + f"\n    SIGNED = {bool(secret)}\n")

    assert result.stdout.str().count("::test_fault[") >= faults
    result.assert_outcomes(passed=faults + 1, skipped=1)


def test_unknown_method_is_an_error(project):
    project.makeini("[pytest]\ndlr_signature_method = md4")

    result = run(project, file=PRINTED.format(""))

    result.stdout.fnmatch_lines(["*dlr_signature_method is 'md4'; it is one of md5hash, *"])


@pytest.mark.parametrize("how", ["ini", "option"])
def test_directory_can_be_chosen(project, how):
    project.mkdir("mine")
    (project.path / "mine" / "z-expired.json").write_bytes(
        dumps(Fixture(MOMENT, make_receipt("expired").callback))
    )
    if how == "ini":
        project.makeini("[pytest]\ndlr_fixtures = mine fixtures/samples")
    arguments = ["--dlr-fixtures", "mine"] if how == "option" else []

    result = run(project, *arguments, file=PRINTED.format("").replace('("acc', '("expired", "acc'))

    result.assert_outcomes(passed=1)


def test_option_is_searched_before_the_ini_file(project):
    project.mkdir("mine")
    (project.path / "mine" / "b-failed.json").write_bytes(
        dumps(Fixture(MOMENT, make_receipt("expired").callback))
    )
    project.makeini("[pytest]\ndlr_fixtures = fixtures/samples")
    file = """
        def test_it(dlr_fixture):
            assert (dlr_fixture("b-failed").status, dlr_fixture("a-delivered").status) == ("expired", "delivered")
    """

    run(project, "--dlr-fixtures", "mine", file=file).assert_outcomes(passed=1)


def test_missing_directory_is_an_error(project):
    result = run(project, "--dlr-fixtures", "nowhere", file=PRINTED.format(""))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*dlr_fixtures: there is no directory *nowhere"])


def test_failed_assertion_shows_fields_and_masks_numbers(project):
    file = """
        from devkit.testing import make_receipt

        one = make_receipt("delivered", msisdn="447700900123", client_ref="call 447700900123")

        def test_receipts():
            assert one == make_receipt("failed", scts=None, msisdn="447700900124")

        def test_fields():
            assert one.fields == {"msisdn": "447700900125"}

        def test_status():
            assert one.status == "failed"

        def test_same_fields():
            assert one == make_receipt("delivered", "json", msisdn="447700900123", client_ref="call 447700900123")
    """

    result = run(project, "-vv", "--tb=short", file=file)

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "*msisdn: '?********123' != '?********124'",
            "*status: 'delivered' != 'failed'",
            "*scts: '2001011200' on the left only",
            "*msisdn: '?********123' != '?********125'",
            "*AssertionError: assert 'delivered' == 'failed'",
            "*assert equal receipts, but only their fields are equal:",
        ]
    )
    traceback = "\n".join(line for line in result.stdout.lines if line.startswith("E "))
    assert "447700900" not in traceback.replace('{"msisdn": "447700900125"}', "")


def test_other_assertions_are_unchanged(project):
    result = run(project, file="def test_it():\n    assert {'msisdn': '1'} == {'msisdn': '2'}")

    assert "phone numbers" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*Differing items:*"])


def test_server_keeps_what_arrives(project):
    file = """
        import pytest
        from devkit.testing import NotReceived, deliver, make_receipt

        def test_it(dlr_server):
            receipt = make_receipt("failed", "json", err_code="9")
            assert deliver(receipt, dlr_server.url).status_code == 200
            assert dlr_server.wait_for_receipt(status="failed").fields == receipt.fields
            assert len(dlr_server.wait_for_receipts(1)) == len(dlr_server.receipts) == 1
            assert deliver(receipt, dlr_server.url + "/elsewhere/no").status_code == 404
            with pytest.raises(NotReceived, match="1 arrived"):
                dlr_server.wait_for_receipt(timeout=0, status="delivered")

        def test_another_is_empty(dlr_server):
            assert dlr_server.receipts == ()
    """

    run(project, *STRICT, file=file).assert_outcomes(passed=2)


def test_application_is_served(project):
    file = """
        from devkit.testing import deliver, make_receipt

        def app(environ, start_response):
            start_response("202 Accepted", [])
            return [environ["PATH_INFO"].encode()]

        def test_it(dlr_serve):
            one, other = dlr_serve(app, "/one"), dlr_serve(app)
            assert deliver(make_receipt(), one).content == b"/one"
            assert deliver(make_receipt(), other).content == b"/webhooks/delivery-receipt"
    """

    run(project, *STRICT, file=file).assert_outcomes(passed=1)


def test_simulator_sends_receipts(project):
    file = """
        from dataclasses import replace
        import pytest
        from vonage_sms import SmsMessage

        @pytest.fixture
        def vonage_simulator_options(vonage_simulator_options):
            return replace(vonage_simulator_options, api_key="efgh5678")

        def test_it(vonage_simulator, vonage_client, dlr_server):
            settings = vonage_client.account.update_default_sms_webhook(mo_callback_url="")
            assert settings.dr_callback_url is None or settings.dr_callback_url == ""
            sent = vonage_client.sms.send(
                SmsMessage(to="447700900014", from_="AcmeInc", text="Hello", callback=dlr_server.url)
            )
            assert vonage_simulator.wait_idle(10)
            assert [receipt.status for receipt in dlr_server.receipts] == ["accepted", "rejected"]
            last = dlr_server.wait_for_receipt(message_id=sent.messages[0].message_id, status="rejected")
            assert (last.err_code, last.fields["api-key"]) == ("14", "efgh5678")
    """

    run(project, *STRICT, file=file).assert_outcomes(passed=1)


STUBBED = """
    import pytest
    import requests
    from vonage import Auth, Vonage
    from vonage_sms import SmsMessage
    from vonage_sms.errors import SmsError

    @pytest.fixture
    def vonage():
        return Vonage(Auth(api_key="abcd1234", api_secret="secret"))

    def message(text="Hello", **more):
        return SmsMessage(to="447700900000", from_="AcmeInc", text=text, **more)

    def test_send(vonage, vonage_stub):
        first = vonage.sms.send(message())
        second = vonage.sms.send(message("x" * 161))
        third = vonage.sms.send(message("x" * 71, type="unicode"))
        ids = [part.message_id for answer in (first, second, third) for part in answer.messages]
        assert len(set(ids)) == 5
        assert vonage_stub.message_ids == ids
        assert {len(each) for each in ids} == {36}
        assert [fields["text"][:5] for fields in vonage_stub.sent] == ["Hello", "xxxxx", "xxxxx"]

    def test_older_ids(vonage, vonage_stub):
        vonage_stub.id_style = "hex"
        assert len(vonage.sms.send(message()).messages[0].message_id) == 16

    def test_refuse(vonage, vonage_stub):
        vonage_stub.refuse("29", "Non White-listed Destination")
        with pytest.raises(SmsError, match="29: Non White-listed Destination"):
            vonage.sms.send(message())
        assert vonage.sms.send(message()).message_count == "1"

    def test_settings(vonage, vonage_stub):
        url = "https://rest.nexmo.com/account/settings"
        answer = requests.post(url, {"drCallBackUrl": "https://dlr.example.com/"}).json()
        assert answer["dr-callback-url"] == "https://dlr.example.com/"
        assert vonage.account.update_default_sms_webhook().dr_callback_url == "https://dlr.example.com/"
        assert vonage_stub.settings["dr-callback-url"] == "https://dlr.example.com/"
        assert vonage_stub.settings["mo-callback-url"] == ""

    def test_fresh(vonage_stub):
        assert vonage_stub.sent == []
        assert vonage_stub.settings["dr-callback-url"] == ""

    def test_elsewhere(vonage_stub, dlr_server):
        with pytest.raises(requests.ConnectionError):
            requests.get("https://api.nexmo.com/")
        assert requests.get(dlr_server.url).status_code == 200

    def test_repr(vonage, vonage_stub):
        vonage.sms.send(message())
        assert "447700900000" not in repr(vonage_stub)
"""


def test_stub_answers_for_vonage(project):
    run(project, *STRICT, file=STUBBED).assert_outcomes(passed=7)


def test_workers_of_xdist_run_the_same_tests(project):
    project.makepyfile(f"{PRINTED.format('')}\n{FAULTS.format('').replace('test_it', 'test_faults')}")

    result = project.runpytest_subprocess(
        *PLUGIN, "-p", "xdist", "-n", "2", "--dlr-fixtures", "fixtures/samples"
    )

    result.assert_outcomes(passed=3 + 17)


def test_markers_settings_and_fixtures_are_described(project):
    text = run(project, "--markers").stdout.str()
    help_text = run(project, "--help").stdout.str()
    fixtures = run(project, "--fixtures").stdout.str()

    assert "@pytest.mark.dlr(*patterns, status=None, kind=None, allow_empty=False): run the test" in text
    assert "@pytest.mark.dlr_status_faults(only=(), skip=()): " in text
    assert "@pytest.mark.dlr_faults(via=..., only=(), skip=()): " in text
    for name in (
        "--dlr-fixtures=DIR",
        "dlr_fixtures (paths)",
        "dlr_signature_secret (string)",
        "dlr_signature_method",
    ):
        assert name in help_text
    for name in (*FIXTURES, *VONAGE):
        assert re.search(rf"^{name} -- ", fixtures, re.MULTILINE), name


def test_nothing_happens_by_itself(project):
    result = run(project, "--setup-plan", file="def test_it(): pass")

    assert "SETUP" not in result.stdout.str()


def test_everything_is_prefixed():
    fixtures = {
        name
        for name, value in vars(devkit.pytest_plugin).items()
        if "fixture" in type(value).__name__.lower() and not name.startswith("_")
    }

    assert fixtures == {*FIXTURES, *VONAGE}


def printed(code):
    """What a Python process prints that runs the code."""
    argv = [sys.executable, "-c", code]
    return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_loading_the_plugin_loads_nothing_else():
    loaded = printed(
        "import sys, pytest; before = set(sys.modules); import devkit.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )

    assert loaded == "['devkit', 'devkit.pytest_plugin']\n"


def test_a_receipt_needs_neither_the_sdk_nor_a_server():
    loaded = printed(
        "import sys, devkit.testing.pytest_support as support; "
        "support.PluginSettings((), 'a-secret', 'md5hash').make_receipt('failed'); "
        "print({'vonage', 'devkit.simulator', 'devkit.receiver.app', 'devkit.testing.factories'} & sys.modules.keys())"
    )

    assert loaded == "{'devkit.testing.factories'}\n"
