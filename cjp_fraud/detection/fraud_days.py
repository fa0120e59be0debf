"""Days with an event that a person determined to be fraud: they do not count for a series' own bar.

A determination counts for snapshots of local midnights after it, so that a snapshot is the same whenever it is made,
until the case is determined anew or the finding is overturned.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.detection.series import SeriesTable
from cjp_fraud.review.decision_tables import Determination, DeterminationFlag
from cjp_fraud.review.model import Finding
from cjp_fraud.review.overturned import overturned
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import reading
from features.columns import SERIES_ID
from features.local_grid import local_days, midnights

Ints = NDArray[np.int64]

_COLUMNS: Final = ("series_id", "first", "last", "since", "until")
FOR_EVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Determined:
    """Flags that determinations of fraud name.

    Attributes
    ----------
    flags : frame; ``series_id``, ``first`` and ``last`` (UTC seconds: start of the flag's span, and its last second),
        ``since`` and ``until`` (UTC seconds between which the determination stands; half-open).
    """

    flags: pd.DataFrame

    @classmethod
    def nothing(cls) -> Determined:
        """No determination."""
        return cls(pd.DataFrame([], columns=list(_COLUMNS)))

    def of_series(self, table: SeriesTable) -> DeterminedDays:
        """Return the local days on which these flags lie, with the codes of their series."""
        if not len(self.flags):
            nothing = np.empty(0, dtype=np.int64)
            return DeterminedDays(nothing, nothing, nothing, nothing)
        code = pd.Index(table.keys[SERIES_ID]).get_indexer(self.flags["series_id"])
        flags = self.flags[code >= 0]
        parts = [np.empty((4, 0), dtype=np.int64)]
        for of_series, row in zip(code[code >= 0].tolist(), flags.itertuples(), strict=True):
            ends = np.array([row.first, row.last], dtype=np.int64)
            first, last = local_days(str(table.zones[of_series]), ends).tolist()
            for day in range(first, last + 1):
                parts.append(np.array([[of_series], [day], [row.since], [row.until]], dtype=np.int64))
        return DeterminedDays(*np.concatenate(parts, axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class DeterminedDays:
    """Local days of series that hold a determined event; int64 [n] each.

    Attributes
    ----------
    series, days : codes, and days since 1970-01-01.
    since, until : UTC seconds between which the determination stands; half-open.
    """

    series: Ints
    days: Ints
    since: Ints
    until: Ints

    def left_out(self, series: Ints, zone: str, day: int) -> tuple[Ints, Ints] | None:
        """Which days the snapshot ``day`` leaves out: places in ``series``, and a local day each; None: none.

        Parameters
        ----------
        series : int64 [n]; codes, ascending.
        zone : of all of them.
        """
        if not len(self.series):
            return None
        midnight = int(midnights(zone, np.array([day], dtype=np.int64))[0])
        stands = (self.since <= midnight) & (midnight < self.until)
        place = np.searchsorted(series, self.series)
        here = stands & (place < len(series))
        here[here] = series[place[here]] == self.series[here]
        return place[here], self.days[here]


def read_determined(engine: Engine) -> Determined:
    """All flags that determinations of fraud name, each with the time in which its determination stands."""
    with reading(engine) as session:
        stands = _standing(session)
        named = session.execute(
            select(
                DeterminationFlag.determination_id,
                Flag.series_id,
                Flag.interval_start,
                Flag.interval_seconds,
                Flag.span_seconds,
            )
            .join(Flag, Flag.id == DeterminationFlag.flag_id)
            .where(DeterminationFlag.determination_id.in_(stands))
        ).all()
    rows = []
    for determination_id, series_id, start, interval_seconds, span_seconds in named:
        end = int(start.timestamp()) + interval_seconds
        rows.append((series_id, end - span_seconds, end - 1, *stands[determination_id]))
    return Determined(pd.DataFrame(sorted(rows), columns=list(_COLUMNS)))


def _standing(session: Session) -> dict[str, tuple[int, int]]:
    """Id of each determination of fraud → from when, and until when it stands, UTC seconds."""
    determinations = session.execute(
        select(Determination.id, Determination.case_id, Determination.at, Determination.finding).order_by(
            Determination.case_id, Determination.number
        )
    ).all()
    upheld: dict[str, list[int]] = {}
    for case_id, decided_at in overturned(session):
        upheld.setdefault(case_id, []).append(int(decided_at.timestamp()))
    stands: dict[str, tuple[int, int]] = {}
    for row, after in zip_longest(determinations, determinations[1:]):
        since = int(row.at.timestamp())
        ends = [at for at in upheld.get(row.case_id, ()) if at >= since]
        if after is not None and after.case_id == row.case_id:
            ends.append(int(after.at.timestamp()))
        if row.finding is Finding.FRAUDULENT:
            stands[row.id] = since, min(ends, default=FOR_EVER)
    return stands
