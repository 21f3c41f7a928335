"""Tables of figures, as Markdown and as JSON. A cell is a ratio to the base in the same column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.rounds import Series, series


@dataclass(frozen=True, slots=True)
class Table:
    """rows: subject to column to figures. base: the row whose ratio is 1. unit: of the figures."""

    title: str
    unit: str
    base: str
    rows: Mapping[str, Mapping[str, Series]]
    digits: int = 0

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for row in self.rows.values() for column in row))


def rows(columns: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, dict[str, Series]]:
    """The rows of a table. columns: column to subject to the figure of each round."""
    found: dict[str, dict[str, Series]] = {}
    for column, cells in columns.items():
        for name, figures in cells.items():
            found.setdefault(name, {})[column] = series(figures)
    return found


def markdown(table: Table) -> str:
    """The table as Markdown. A cell holds the ratio, and in brackets the median and the spread of the rounds."""
    columns = table.columns
    lines = [
        f"### {table.title}",
        "",
        f"Ratio to the first line (median, {table.unit}, and spread of the rounds).",
        "",
        _line(["", *columns]),
        _line(["---"] * (len(columns) + 1)),
    ]
    for name in sorted(table.rows, key=lambda name: name != table.base):
        lines.append(_line([name, *(_cell(table, name, column) for column in columns)]))
    return "\n".join(lines) + "\n"


def as_json(table: Table) -> dict[str, object]:
    """The table as JSON, with the figure of each round."""
    return {
        "title": table.title,
        "unit": table.unit,
        "base": table.base,
        "rows": {
            name: {
                column: {"values": one.values, "median": one.median, "ratio": _ratio(table, name, column)}
                for column, one in row.items()
            }
            for name, row in table.rows.items()
        },
    }


def _cell(table: Table, name: str, column: str) -> str:
    one = table.rows[name].get(column)
    if one is None:
        return "-"
    ratio = _ratio(table, name, column)
    figures = f"{one.median:.{table.digits}f} ±{one.spread:.0%}"
    return f"({figures})" if ratio is None else f"**{ratio:.2f}** ({figures})"


def _ratio(table: Table, name: str, column: str) -> float | None:
    one, base = table.rows[name].get(column), table.rows.get(table.base, {}).get(column)
    return one.ratio(base) if one and base else None


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
