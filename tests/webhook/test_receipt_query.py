"""The fields of a query or a form, compared with how the standard library reads them."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.callback import Callback
from devkit.webhook.receipt import MAX_FIELDS, Receipt, Unreadable, read

_PIECES = st.sampled_from(
    ["status", "a", "=", "&", "+", "%", "%41", "%2", "%zz", "%e2%82%ac", "%ff", ";", "é", "x y"]
)


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_a_query_is_read_as_the_standard_library_reads_it(text: str) -> None:
    query = f"status=delivered&{text}"
    callback = Callback(
        "POST", "/dlr", (("Content-Type", "application/x-www-form-urlencoded"),), query.encode()
    )

    reading = read(callback)

    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        assert isinstance(reading, Unreadable)
    else:
        names = [name for name, _ in pairs]
        readable = len(set(names)) == len(names)
        assert (list(reading.fields.items()) if isinstance(reading, Receipt) else None) == (
            pairs if readable else None
        )


def test_as_many_fields_as_are_allowed_are_read() -> None:
    names = [f"f{number}" for number in range(MAX_FIELDS - 1)]

    readings = [
        read(Callback("GET", f"/dlr?status=delivered&{'&'.join(some)}")) for some in (names, [*names, "more"])
    ]

    assert [type(reading) for reading in readings] == [Receipt, Unreadable]
