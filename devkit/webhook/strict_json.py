"""Reads JSON strictly: refuses what two parsers could understand differently."""

import codecs
import json
import math


class InvalidJson(Exception):
    """Bytes that are no JSON document. The text says why; it can follow a colon."""


class RepeatedKey(InvalidJson):
    """An object has a key twice: parsers differ on which value counts."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key[:40]!r} appears twice in one object")
        self.key = key


def parse(data: bytes, *, max_depth: int) -> object:
    """The value of a JSON document: only dicts, lists, texts, finite numbers, booleans and None.

    max_depth: of nested objects and lists, to protect recursive code.
    A byte order mark at the start is allowed, because some editors write one. Raises InvalidJson, and nothing else.
    """
    try:
        value: object = _DECODER.decode(data.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError:
        raise InvalidJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InvalidJson("nested too deeply") from None
    except ValueError:  # Python converts no more than 4300 digits
        raise InvalidJson("a number in it is too large") from None
    # Few brackets cannot be too deep, and counting them is faster.
    if data.count(b"{") + data.count(b"[") > max_depth:
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
