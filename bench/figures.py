"""Figures: what a measurement found, and the table they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Goal:
    """How large a ratio may be, or has to be."""

    limit: float
    at_most: bool

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"

    def is_met(self, ratio: float) -> bool:
        return ratio <= self.limit if self.at_most else ratio >= self.limit


def at_most(limit: float) -> Goal:
    return Goal(limit, at_most=True)


def at_least(limit: float) -> Goal:
    return Goal(limit, at_most=False)


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        what: What was measured.
        larder: Larder's own value, with its unit.
        beside: What it is compared with, and its value.
        ratios: Larder's value divided by the other, once per repetition.
        goal: Of the median ratio; None where none was set.
    """

    what: str
    larder: str
    beside: str
    ratios: tuple[float, ...]
    goal: Goal | None = None

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.ratio) else "missed"

    def cells(self) -> tuple[str, ...]:
        spread = f"{_short(self.ratio)}"
        if len(self.ratios) > 1:
            spread += f" ({_short(min(self.ratios))} to {_short(max(self.ratios))})"
        goal = "" if self.goal is None else str(self.goal)
        return self.what, self.larder, self.beside, spread, goal, self.verdict

    def for_programs(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """The ratio of each pair of repetitions: what disturbs one disturbs its neighbour too."""
    return tuple(one / other for one, other in zip(ours, theirs, strict=True))


def milliseconds(seconds: float) -> str:
    """A short time as the table shows it."""
    return f"{seconds * 1000:.2g} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, aligned to be read as it is."""
    head = ("what", "Larder", "beside", "ratio (spread)", "goal", "")
    lines = [head, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(one, widths) for one in (head, rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def _short(number: float) -> str:
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.2g}" if number < 0.1 else f"{number:.2f}"
