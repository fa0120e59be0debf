"""What flags may have cost: excess × charge per contact, each moment of a series counted once. Orders what waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class FlaggedSpan:
    """What the cost of a flag is computed from.

    Parameters
    ----------
    start, end : of what is counted; aware.
    excess : contacts above the usual in it.
    cents_per_contact : charge; None: not known.
    """

    series_id: str
    start: datetime
    end: datetime
    excess: float
    cents_per_contact: float | None


@dataclass(frozen=True, slots=True)
class ExpectedLoss:
    """Cents; contacts where no charge is known, as if each cost one cent.

    Parameters
    ----------
    charge_known : whether the charge of every flag is known.
    """

    amount: float
    charge_known: bool


def expected_loss(flags: Iterable[FlaggedSpan]) -> ExpectedLoss:
    """Add up excess × charge per contact.

    Flags of a series may overlap (15 minutes, an interval later 15 minutes again): of each, only the part after the
    one before it counts, in proportion. A series costs no less than one of its flags alone, since a day's flag knows of
    excess that no interval was flagged for.
    """
    charge_known = True
    by_part: dict[str, float] = defaultdict(float)
    alone: dict[str, float] = defaultdict(float)
    counted_until: dict[str, datetime] = {}
    for flag in sorted(flags, key=lambda flag: (flag.end, flag.series_id, flag.start)):
        begin = max(flag.start, counted_until.get(flag.series_id, flag.start))
        counted_until[flag.series_id] = flag.end
        part = max(flag.end - begin, timedelta()) / (flag.end - flag.start)
        cost = flag.excess * (1.0 if flag.cents_per_contact is None else flag.cents_per_contact)
        by_part[flag.series_id] += part * cost
        alone[flag.series_id] = max(alone[flag.series_id], cost)
        charge_known = charge_known and flag.cents_per_contact is not None
    amount = sum(max(by_part[series], alone[series]) for series in by_part)
    return ExpectedLoss(amount, charge_known)
