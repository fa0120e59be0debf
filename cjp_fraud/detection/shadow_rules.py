"""A shadow run: thresholds that each detection tries beside those in force; and what came of it.

A model version differs from another in its thresholds alone: the forest is no factor of a score. So a shadow run of a
version is one of its thresholds, and costs a detection one more comparison a row, never another scoring.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.precision import DecidedCase
from cjp_fraud.review.episodes import ATTACHMENT
from cjp_fraud.review.model import Finding
from features.counting_clocks import Clock
from models.threshold import count_groups

LASTS: Final = timedelta(days=7)
"""How long a shadow run goes on where nobody says otherwise."""
LASTS_AT_MOST: Final = timedelta(days=28)
LOOKS_BACK: Final = timedelta(days=7)
"""Of hours so long before its start it still takes note, where a detection goes over them again."""
MOST_AN_HOUR: Final = 200
"""Flags of an hour that are kept one by one, those with the highest scores; the others are counted."""
MOST_NAMED: Final = 10
"""Tenants that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class ShadowPlan:
    """A shadow run as detection takes it; moments aware, ``thresholds`` of every clock."""

    id: str
    thresholds: Mapping[Clock, float]
    started_at: datetime
    ends_at: datetime

    def takes(self, hour: datetime) -> bool:
        """Whether it takes note of an hour, by its beginning."""
        return self.started_at - LOOKS_BACK <= hour < self.ends_at


@dataclass(frozen=True, slots=True)
class TriedFlag:
    """An interval that the shadow's thresholds flag, or those in force, or both; ``start`` in UTC seconds."""

    tenant_id: str
    start: int
    clock: Clock
    score: float
    by_shadow: bool
    in_force: bool


@dataclass(frozen=True, slots=True)
class TriedHour:
    """What was flagged in a UTC hour; ``flagged`` has the flags with the highest scores."""

    hour: datetime
    flags: int
    flags_in_force: int
    flagged: tuple[TriedFlag, ...]


@dataclass(frozen=True, slots=True)
class FlaggedSide:
    """What one side of a comparison flagged.

    Parameters
    ----------
    flags : all of them.
    cases : as if nobody decided anything and no hour had a cap; of the flags that are kept.
    fraudulent, not_fraudulent, undetermined : decided cases with a flag of this side, by their finding.
    """

    flags: int
    cases: int
    cases_per_day: float
    fraudulent: int
    not_fraudulent: int
    undetermined: int


@dataclass(frozen=True, slots=True)
class SomeTenants:
    """Tenants, of whom at most ten are named; ``more`` are not."""

    named: tuple[str, ...]
    more: int

    @classmethod
    def of(cls, tenants: Collection[str], may_see: Collection[str] | None = None) -> SomeTenants:
        """Name them by their ids; ``may_see``: only those among these are named, None: all may be."""
        seen = sorted(tenant for tenant in tenants if may_see is None or tenant in may_see)[:MOST_NAMED]
        return cls(tuple(seen), len(tenants) - len(seen))


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """A shadow run beside what was in force in the same hours.

    Parameters
    ----------
    hours : UTC hours that were tried.
    not_kept : flags that are only counted, because an hour had too many.
    tenants_new, tenants_gone : flagged by the shadow alone, and by what is in force alone.
    """

    hours: int
    shadow: FlaggedSide
    in_force: FlaggedSide
    not_kept: int
    tenants_new: frozenset[str]
    tenants_gone: frozenset[str]


def most_unusual(flagged: Iterable[TriedFlag]) -> tuple[TriedFlag, ...]:
    """Return the flags of an hour that are kept, the most unusual first, in an order that does not depend on theirs."""
    ordered = sorted(flagged, key=lambda each: (-each.score, each.tenant_id, each.start, each.clock))
    return tuple(ordered[:MOST_AN_HOUR])


def compare(hours: Sequence[TriedHour], decided: Sequence[DecidedCase]) -> ShadowComparison:
    """Compare a shadow run with what was in force.

    Parameters
    ----------
    decided : cases with a finding; those without a flag in the tried hours are left out.
    """
    flagged = [each for hour in hours for each in hour.flagged]
    shadow = [each for each in flagged if each.by_shadow]
    in_force = [each for each in flagged if each.in_force]
    tenants, tenants_now = ({each.tenant_id for each in side} for side in (shadow, in_force))
    counted = sum(hour.flags + hour.flags_in_force for hour in hours)
    return ShadowComparison(
        hours=len(hours),
        shadow=_side(shadow, sum(hour.flags for hour in hours), decided, len(hours)),
        in_force=_side(in_force, sum(hour.flags_in_force for hour in hours), decided, len(hours)),
        not_kept=counted - len(shadow) - len(in_force),
        tenants_new=frozenset(tenants - tenants_now),
        tenants_gone=frozenset(tenants_now - tenants),
    )


def _side(side: Sequence[TriedFlag], flags: int, decided: Sequence[DecidedCase], hours: int) -> FlaggedSide:
    starts_of: dict[str, list[int]] = {}
    for each in side:
        starts_of.setdefault(each.tenant_id, []).append(each.start)
    found = dict.fromkeys(Finding, 0)
    for case in decided:
        found[case.finding] += any(case.first <= at <= case.last for at in starts_of.get(case.tenant_id, ()))
    cases = _cases(starts_of)
    return FlaggedSide(
        flags=flags,
        cases=cases,
        cases_per_day=cases * 24 / hours if hours else 0.0,
        fraudulent=found[Finding.FRAUDULENT],
        not_fraudulent=found[Finding.NOT_FRAUDULENT],
        undetermined=found[Finding.UNDETERMINED],
    )


def _cases(starts_of: Mapping[str, Sequence[int]]) -> int:
    codes: NDArray[np.int64] = np.repeat(
        np.arange(len(starts_of), dtype=np.int64), [len(starts) for starts in starts_of.values()]
    )
    starts = np.array([at for of_tenant in starts_of.values() for at in of_tenant], dtype=np.int64)
    return count_groups(codes, starts, int(ATTACHMENT.total_seconds()))
