"""Measures several things in turn, so that whatever else the machine does falls on all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Series:
    """One thing, measured once in each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> float:
        """Half the distance between the least and the greatest, as a part of the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median if self.median else 0.0

    def ratio(self, base: "Series") -> float:
        """How many times as much as another, round by round; the middle one of these."""
        return median(mine / other for mine, other in zip(self.values, base.values, strict=True))


def in_turn(measures: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """What each measure gave: A B C, A B C, ..."""
    results: dict[K, list[T]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def series(values: Sequence[float]) -> Series:
    return Series(tuple(values))
