"""Which rows of a lake table are meant: one condition as Delta's SQL and as an Arrow expression."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.clock import utc_text

LONGEST_LIST: Final = 500
"""Values of a column that files are chosen by, each for itself."""
LONGEST_SQL_LIST: Final = 10_000
"""Values of a column in one statement; the library that parses it dies of some hundred thousand."""


@dataclass(frozen=True)
class Where:
    """Which rows are meant: every given condition holds.

    Parameters
    ----------
    days : UTC days, half-open (first, end).
    buckets : buckets of tenants.
    partitions : exact (day, bucket) pairs.
    equal : column → the values that it may have.
    between : column → (lowest, end), half-open; times aware.
    """

    days: tuple[date, date] | None = None
    buckets: Collection[int] | None = None
    partitions: Collection[tuple[date, int]] | None = None
    equal: Mapping[str, Collection[Any]] = field(default_factory=dict)
    between: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def nothing(self) -> bool:
        """Whether no row can be meant, because a list of allowed values is empty."""
        lists: list[Collection[Any] | None] = [self.buckets, self.partitions, *self.equal.values()]
        return any(values is not None and len(values) == 0 for values in lists)

    def sql(self) -> str | None:
        """Return the condition as Delta's SQL, or ``None`` for every row."""
        return self._joined([f"{name} IN ({_literals(values)})" for name, values in self.equal.items()])

    def pruning_sql(self) -> str | None:
        """Return the condition, or one that lets more rows through, to choose files by; ``None``: every file.

        Long lists of values are given by their smallest and largest alone: the library nests a list's values one
        within the other when it chooses files, and of some ten thousand the process dies.
        """
        return self._joined([_in_or_between(name, values) for name, values in self.equal.items()])

    def pieces(self) -> list[Where]:
        """Return conditions that together mean the same rows, none with a list too long for one statement."""
        pieces = [self]
        for name, values in self.equal.items():
            ordered = list(values)
            starts = range(0, len(ordered), LONGEST_SQL_LIST)
            parts = [ordered[start : start + LONGEST_SQL_LIST] for start in starts]
            pieces = [replace(piece, equal={**piece.equal, name: part}) for piece in pieces for part in parts]
        return pieces

    def _joined(self, equal: list[str]) -> str | None:
        between = [
            f"{name} >= {_literal(low)} AND {name} < {_literal(end)}"
            for name, (low, end) in self.between.items()
        ]
        return " AND ".join([*self._partition_sql(), *equal, *between]) or None

    def expression(self) -> pc.Expression | None:
        """Return the condition as an Arrow expression, or ``None`` for every row."""
        parts: list[pc.Expression] = []
        if self.days is not None:
            parts.append((pc.field("day") >= self.days[0]) & (pc.field("day") < self.days[1]))
        if self.buckets is not None:
            parts.append(_is_in("bucket", self.buckets, pa.int16()))
        if self.partitions is not None:
            any_of = [
                (pc.field("bucket") == pa.scalar(bucket, pa.int16())) & _is_in("day", days, pa.date32())
                for bucket, days in _by_bucket(self.partitions).items()
            ]
            parts.append(fold(any_of, lambda a, b: a | b))
        for name, values in self.equal.items():
            parts.append(pc.field(name).isin(list(values)))
        for name, (low, end) in self.between.items():
            parts.append((pc.field(name) >= low) & (pc.field(name) < end))
        return fold(parts, lambda a, b: a & b) if parts else None

    def _partition_sql(self) -> list[str]:
        parts = []
        if self.days is not None:
            parts.append(f"day >= {_literal(self.days[0])} AND day < {_literal(self.days[1])}")
        if self.buckets is not None:
            parts.append(f"bucket IN ({_literals(self.buckets)})")
        if self.partitions is not None:
            any_of = [
                f"(bucket = {int(bucket)} AND day IN ({_literals(days)}))"
                for bucket, days in _by_bucket(self.partitions).items()
            ]
            parts.append("(" + " OR ".join(any_of) + ")")
        return parts


def _by_bucket(partitions: Collection[tuple[date, int]]) -> dict[int, list[date]]:
    by_bucket: dict[int, list[date]] = {}
    for day, bucket in sorted(partitions, key=lambda pair: (pair[1], pair[0])):
        by_bucket.setdefault(int(bucket), []).append(day)
    return by_bucket


def _is_in(name: str, values: Collection[Any], kind: pa.DataType) -> pc.Expression:
    return pc.field(name).isin(pa.array([v if isinstance(v, date) else int(v) for v in values], kind))


def fold(parts: list[Any], join: Callable[[Any, Any], Any]) -> Any:
    """Join the parts (at least one) from left to right."""
    whole = parts[0]
    for part in parts[1:]:
        whole = join(whole, part)
    return whole


def _in_or_between(name: str, values: Collection[Any]) -> str:
    if len(values) <= LONGEST_LIST:
        return f"{name} IN ({_literals(values)})"
    return f"{name} >= {_literal(min(values))} AND {name} <= {_literal(max(values))}"


def _literals(values: Collection[Any]) -> str:
    return ", ".join(_literal(value) for value in values)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, datetime):
        return f"'{utc_text(value)}'"
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    quoted = str(value).replace("'", "''")
    return f"'{quoted}'"
