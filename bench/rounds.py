"""Measures several things in turn, so that other load on the machine affects all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Series:
    """The figures of one thing, one for each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> float:
        """Half the range, as a fraction of the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median if self.median else 0.0

    def ratio(self, base: "Series") -> float:
        """The median of the ratios to another series, round by round."""
        return median(mine / other for mine, other in zip(self.values, base.values, strict=True))


def in_turn(measures: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """The results of each measure, run in the order A B C, A B C, ..."""
    results: dict[K, list[T]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def series(values: Sequence[float]) -> Series:
    return Series(tuple(values))
