"""Fields inside the objects of a JSON body, by names with dots: `error.title`, `content.0.url`.

A top-level field whose own name has the dots comes first. All other bytes stay the same, as in `raw_fields`.
"""

from collections.abc import Collection, Mapping

from devkit.webhook.raw_fields import RawField, add_to_json, change_json, json_fields, json_values, splice
from devkit.webhook.strict_json import InvalidJson


class NotAnObject(InvalidJson):
    """A name leads into a value that has no fields. The text is a sentence without its period."""


def change_nested(raw: bytes, values: Mapping[str, object], unset: Collection[str] = ()) -> bytes:
    """The JSON object with one field for each of the values, and without the unset ones.

    Objects that are missing on the way to a new field are made. Raises InvalidJson.
    """
    dotted = {name for name in (*values, *unset) if "." in name}
    if dotted:
        dotted -= {field.name for field in json_fields(raw)}
    plain = {name: value for name, value in values.items() if name not in dotted}
    raw = change_json(raw, plain, [name for name in unset if name not in dotted])
    for name in sorted(dotted):
        raw = _remove(raw, name) if name in unset else _set(raw, name, values[name])
    return raw


def _remove(raw: bytes, name: str) -> bytes:
    return splice(raw, (), _found(raw, name.split(".")))


def _set(raw: bytes, name: str, value: object) -> bytes:
    path = name.split(".")
    found = _found(raw, path)
    if found:
        return splice(raw, [(found[0], value)], found[1:])
    depth = len(path)
    while not found:  # it ends with the whole text, whose path is empty
        depth -= 1
        found = _found(raw, path[:depth])
    parent = found[0]
    if parent.written[:1] != b"{":
        raise NotAnObject(f"{'.'.join(path[:depth])} is not an object, so it has no field {path[depth]}")
    is_last = depth + 1 == len(path)
    added = add_to_json(parent.written, {path[depth]: value if is_last else {}})
    raw = splice(raw, [(parent, added)])
    return raw if is_last else _set(raw, name, value)


def _found(raw: bytes, path: list[str]) -> list[RawField]:
    """The values at a path; more than one if a name is repeated."""
    return [field for field in json_values(raw) if [str(key) for key in field.path] == path]
