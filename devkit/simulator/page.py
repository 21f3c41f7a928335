"""The control surface for people: one plain page, no script, nothing loaded from anywhere."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import cast

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; overflow-wrap: anywhere; }
th, td { border-bottom: 1px solid #8884; }
"""

_Row = Mapping[str, object]


def page(description: Mapping[str, object]) -> str:
    """The page for what `control.describe` gives; messages and deliveries newest first."""
    messages = cast(list[_Row], description["messages"])[::-1]
    deliveries = cast(list[_Row], description["deliveries"])[::-1]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>devkit simulator</title>"
        f"<style>{_STYLE}</style><h1>devkit simulator</h1>"
        "<p>A stand-in for Vonage. Receipts are made here; no SMS leaves this machine.</p>"
        f"{_pairs('Now', {key: description[key] for key in ('url', 'now', 'counts')})}"
        f"{_pairs('Account', cast(_Row, description['account']))}"
        f"{_pairs('Options', cast(_Row, description['options']))}"
        f"{_table('Messages', messages)}{_table('Deliveries', deliveries)}</html>"
    )


def _pairs(title: str, row: _Row) -> str:
    lines = (f"<tr><th scope=row>{escape(name)}<td>{_cell(value)}" for name, value in row.items())
    return f"<h2>{title}</h2><table>{''.join(lines)}</table>"


def _table(title: str, rows: list[_Row]) -> str:
    if not rows:
        return f"<h2>{title}</h2><p>None yet.</p>"
    head = "".join(f"<th scope=col>{escape(name)}" for name in rows[0])
    body = "".join(f"<tr>{_cells(row.values())}" for row in rows)
    return f"<h2>{title}</h2><table><tr>{head}{body}</table>"


def _cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{_cell(value)}" for value in values)


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    if isinstance(value, dict):
        return ", ".join(f"{escape(str(name))} {_cell(inner)}" for name, inner in value.items())
    return "" if value is None else escape(str(value))
