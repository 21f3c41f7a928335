"""JSON from outside, read strictly: what two readers could understand differently is refused."""

import codecs
import json
import math


class InvalidJson(Exception):
    """Bytes that are no JSON document. Its text says why, in words that can follow a colon."""


class RepeatedKey(InvalidJson):
    """One key stands twice in one object: readers differ on which value counts."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key[:40]!r} stands twice in one object")
        self.key = key


def parse(data: bytes, *, max_depth: int) -> object:
    """The value that the bytes stand for: only dicts, lists, texts, finite numbers, booleans and None.

    max_depth: of objects and lists in one another, so that no recursive code meets hostile nesting.
    A byte order mark in front is allowed, as some editors write one. Raises BadDocument, and nothing else.
    """
    try:
        value: object = _DECODER.decode(data.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError:
        raise InvalidJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InvalidJson("nested too deeply") from None
    except ValueError:  # Python makes no whole number of more than 4300 digits
        raise InvalidJson("a number in it is too large") from None
    if (
        data.count(b"{") + data.count(b"[") > max_depth
    ):  # few are never too deep, and counting them is quicker
        _check_depth(value, max_depth)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKey(key)
            seen.add(key)
    return fields


def _no_constant(name: str) -> object:
    raise InvalidJson(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidJson("a number in it is too large")
    return number


def _check_depth(value: object, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise InvalidJson("nested too deeply")
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, left - 1)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
